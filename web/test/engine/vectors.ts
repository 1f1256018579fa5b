// The module as pages load it, and the vectors of protocol/vectors.

import { readFileSync } from "node:fs";
import initSmall, * as small from "../../wasm/pkg-contributor/tacit_web.js";
import init, * as loaded from "../../wasm/pkg/tacit_web.js";

const root = new URL("../../../", import.meta.url);

/** A file of protocol/vectors. */
export const vector = (name: string): unknown => JSON.parse(readFileSync(new URL(`protocol/vectors/${name}.json`, root), "utf8"));

/** The module. */
export async function loadModule(): Promise<typeof loaded> {
  await init({ module_or_path: readFileSync(new URL("web/wasm/pkg/tacit_web_bg.wasm", root)) });
  return loaded;
}

/** The module that contributors load first. */
export async function loadSmallModule(): Promise<typeof loaded> {
  await initSmall({ module_or_path: readFileSync(new URL("web/wasm/pkg-contributor/tacit_web_bg.wasm", root)) });
  return small as unknown as typeof loaded;
}
