// After Vite: writes the integrity of scripts and styles into index.html, and the list of all digests, MANIFEST, in the format of sha256sum.
// Fails if the first load is above its budget.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { firstLoad } from "./first-load.mjs";

// Less than 300 kB. Contributors load it on phones before they see anything.
export const BUDGET = 299_999;

const files = (folder) =>
  readdirSync(folder)
    .sort()
    .flatMap((name) => (statSync(join(folder, name)).isDirectory() ? files(join(folder, name)) : [join(folder, name)]));

const hash = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding);

/** The licences of the packages that are part of the page. */
function licences() {
  const web = fileURLToPath(new URL("..", import.meta.url));
  const { dependencies } = JSON.parse(readFileSync(join(web, "package.json"), "utf8"));
  const of = (name) => {
    const folder = join(web, "node_modules", name);
    const { version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? `Copyright ${author?.name ?? author}; the package has no file with its licence's text.` : readFileSync(join(folder, file), "utf8").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  };
  const packages = Object.keys(dependencies).sort().map(of);
  return `This page contains the packages below. What the module is built of stands in NOTICE.\n\n${packages.join("\n----\n\n")}`;
}

/** Finishes the folder that Vite has made. Returns whether the first load is within its budget. */
export function finish(dist) {
  const page = join(dist, "index.html");
  const html = readFileSync(page, "utf8")
    .replaceAll(" crossorigin", "")
    .replace(/<(script|link)([^>]*?)(src|href)="\.\/(assets\/[^"]+)"/g, (_, tag, rest, name, path) => {
      const integrity = `sha384-${hash("sha384", readFileSync(join(dist, path)), "base64")}`;
      return `<${tag}${rest}${name}="./${path}" integrity="${integrity}" crossorigin="anonymous"`;
    });
  writeFileSync(page, html);

  writeFileSync(join(dist, "THIRD-PARTY.txt"), licences());

  const list = files(dist).filter((file) => relative(dist, file) !== "MANIFEST");
  const lines = list.map((file) => `${hash("sha256", readFileSync(file), "hex")}  ${relative(dist, file)}\n`);
  writeFileSync(join(dist, "MANIFEST"), lines.join(""));

  const paths = list.map((file) => relative(dist, file));
  const first = firstLoad(dist, paths);
  let total = 0;
  for (const path of paths) {
    const size = gzipSync(readFileSync(join(dist, path)), { level: 9 }).length;
    total += first.has(path) ? size : 0;
    console.log(`${String(size).padStart(8)}  ${path}${first.has(path) ? "" : "  (later)"}`);
  }
  console.log(`first load: ${total} bytes compressed, of ${BUDGET}`);
  return total <= BUDGET;
}
