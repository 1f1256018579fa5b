import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// What only buyers load, and contributors only after they have answered, has a name that says so: the service worker does not fetch it ahead
// (src/version/sw.ts).
const assetFileNames = ({ originalFileNames }: { originalFileNames?: string[] }): string =>
  originalFileNames?.some((name) => /wasm\/pkg\/|\/buyer\/|uplot/i.test(name)) ? "assets/buyer-[name]-[hash][extname]" : "assets/[name]-[hash][extname]";
const BUYER = ["app", "charts"];

// The page is a folder of static files that works under any path, so every address in it is relative. Names follow from contents and
// nothing in the output depends on the time or the machine: the page built twice is the same byte for byte.
export default defineConfig({
  base: "./",
  resolve: {
    alias: [
      { find: /^tacit-engine$/, replacement: fileURLToPath(new URL("./wasm/pkg/tacit_web.js", import.meta.url)) },
      { find: /^tacit-engine-contributor$/, replacement: fileURLToPath(new URL("./wasm/pkg-contributor/tacit_web.js", import.meta.url)) },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es", rolldownOptions: { output: { assetFileNames, chunkFileNames: "assets/buyer-[name]-[hash].js" } } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rolldownOptions: {
      input: { index: "index.html", sw: "src/version/sw.ts" },
      output: {
        // The service worker keeps its name: its version stands in its query.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        chunkFileNames: (chunk) => (BUYER.includes(chunk.name) ? "assets/buyer-[name]-[hash].js" : "assets/[name]-[hash].js"),
        assetFileNames,
      },
    },
  },
  test: {
    include: ["test/unit/**/*.test.ts", "test/unit/**/*.test.tsx"],
    environment: "node",
  },
});
