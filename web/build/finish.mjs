// After Vite: writes the integrity of scripts and styles into index.html, and the list of all digests, MANIFEST, in the format of sha256sum.
// Fails if the first load is above its budget.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const BUDGET = 300_000;

const files = (folder) =>
  readdirSync(folder)
    .sort()
    .flatMap((name) => (statSync(join(folder, name)).isDirectory() ? files(join(folder, name)) : [join(folder, name)]));

const hash = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding);

const page = join(dist, "index.html");
const html = readFileSync(page, "utf8")
  .replaceAll(" crossorigin", "")
  .replace(/<(script|link)([^>]*?)(src|href)="\.\/(assets\/[^"]+)"/g, (_, tag, rest, name, path) => {
    const integrity = `sha384-${hash("sha384", readFileSync(join(dist, path)), "base64")}`;
    return `<${tag}${rest}${name}="./${path}" integrity="${integrity}" crossorigin="anonymous"`;
  });
writeFileSync(page, html);

const list = files(dist).filter((file) => relative(dist, file) !== "MANIFEST");
const lines = list.map((file) => `${hash("sha256", readFileSync(file), "hex")}  ${relative(dist, file)}\n`);
writeFileSync(join(dist, "MANIFEST"), lines.join(""));

// What a contributor loads first: everything but what is loaded when a buyer or a QR code needs it.
const lazy = /\/(buyer|app|qr|charts|plots)-|-lazy-|uPlot/;
const first = list.filter((file) => !lazy.test(file));
const size = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
const total = first.reduce((sum, file) => sum + size(file), 0);
for (const file of list) {
  console.log(`${String(size(file)).padStart(8)}  ${relative(dist, file)}${first.includes(file) ? "" : "  (later)"}`);
}
console.log(`first load: ${total} bytes compressed, of ${BUDGET}`);
if (total > BUDGET) {
  process.exitCode = 1;
}
