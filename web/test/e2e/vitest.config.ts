import { defineConfig } from "vitest/config";

// The built page against a real cluster. Needs the programs (`cargo build --workspace --bins`, found in target/debug or $TACIT_BIN) and `web/build`.
export default defineConfig({
  test: { include: ["**/*.test.ts"], dir: import.meta.dirname, fileParallelism: false, testTimeout: 300_000, hookTimeout: 120_000 },
});
