// Which files a contributor loads before anything is shown.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** The page, what it names itself, the contributor's worker, and the module that this worker names; of the paths in the folder. */
export function firstLoad(folder, paths) {
  const text = (path) => readFileSync(join(folder, path), "utf8");
  const named = (by) => paths.filter((path) => text(by).includes(basename(path)));
  const worker = paths.filter((path) => /^assets\/worker-[^/]*\.js$/.test(path));
  const module = worker.flatMap(named).filter((path) => path.endsWith(".wasm"));
  return new Set(["index.html", "sw.js", ...named("index.html"), ...worker, ...module]);
}
