// Builds the page: checks the types, runs Vite, then finishes the folder (tools/finish.mjs). `--outDir FOLDER` names another folder than dist.
// With TACIT_ANY_SIZE=1 the first load may be above its budget: web/build sets it for compilers that make a larger module.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { finish } from "./finish.mjs";

const web = fileURLToPath(new URL("..", import.meta.url));
const given = process.argv.indexOf("--outDir");
const folder = resolve(web, given < 0 ? "dist" : (process.argv[given + 1] ?? "dist"));

for (const [tool, ...args] of [
  ["tsc", "--noEmit"],
  ["vite", "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "warn"],
]) {
  const { status } = spawnSync(resolve(web, "node_modules/.bin", tool), args, { cwd: web, stdio: "inherit" });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}
process.exitCode = finish(folder) || process.env.TACIT_ANY_SIZE === "1" ? 0 : 1;
