// After Vite: writes the integrity of scripts and styles into index.html, and the list of all digests, MANIFEST, in the format of sha256sum.
// Fails if the first load is above its budget.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET = 300_000;

const files = (folder) =>
  readdirSync(folder)
    .sort()
    .flatMap((name) => (statSync(join(folder, name)).isDirectory() ? files(join(folder, name)) : [join(folder, name)]));

const hash = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding);

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

  const list = files(dist).filter((file) => relative(dist, file) !== "MANIFEST");
  const lines = list.map((file) => `${hash("sha256", readFileSync(file), "hex")}  ${relative(dist, file)}\n`);
  writeFileSync(join(dist, "MANIFEST"), lines.join(""));

  // What a contributor loads first: everything but what is loaded when a buyer, or a QR code, needs it.
  const later = /assets\/(app|qr|charts)-/;
  const size = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
  let total = 0;
  for (const file of list) {
    const isLater = later.test(file);
    total += isLater ? 0 : size(file);
    console.log(`${String(size(file)).padStart(8)}  ${relative(dist, file)}${isLater ? "  (later)" : ""}`);
  }
  console.log(`first load: ${total} bytes compressed, of ${BUDGET}`);
  return total <= BUDGET;
}
