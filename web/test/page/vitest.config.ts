import { defineConfig } from "vitest/config";

// The built page in Debian's Chromium, with a coordinator of a few fixed answers. Needs `npm run build` with the module before.
export default defineConfig({
  test: { include: ["**/*.test.ts"], dir: import.meta.dirname, fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});
