import { defineConfig } from "vitest/config";

// The built page in Debian's Chromium at a real cluster, which is started once for all files. Needs the programs (`cargo build --workspace --bins`,
// found in target/debug or $TACIT_BIN) and the page (web/dist or $TACIT_WEB_DIST).
export default defineConfig({
  test: {
    include: ["test/{page,e2e,screenshots}/**/*.test.ts"],
    globalSetup: [new URL("start-cluster.ts", import.meta.url).pathname],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
