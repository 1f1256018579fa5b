import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// What the worker does, with the real module. Needs `web/build module` before.
export default defineConfig({
  resolve: { alias: { "tacit-engine": fileURLToPath(new URL("../../wasm/pkg/tacit_web.js", import.meta.url)) } },
  test: { include: ["**/*.test.ts"], dir: import.meta.dirname },
});
