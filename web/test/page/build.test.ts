// What the build leaves: digests, integrity, and what a contributor loads first.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { BUDGET } from "../../tools/finish.mjs";
import { firstLoad } from "../../tools/first-load.mjs";
import { DIST } from "../browser/page-host.ts";

const files = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => (statSync(join(folder, name)).isDirectory() ? files(join(folder, name)) : [relative(DIST, join(folder, name))]));
const read = (path: string): Buffer => readFileSync(join(DIST, path));

test("the list has the digest of every file, and of no other", () => {
  const lines = read("MANIFEST").toString().trim().split("\n").filter((line) => !line.startsWith("#"));
  const listed = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
  expect([...listed.keys()].sort()).toEqual(files(DIST).filter((path) => path !== "MANIFEST").sort());
  for (const [path, digest] of listed) {
    expect(createHash("sha256").update(read(path)).digest("hex"), path).toBe(digest);
  }
});

test("scripts and styles of the page have their integrity, and none stands inline", () => {
  const html = read("index.html").toString();
  const found = [...html.matchAll(/<(?:script|link)[^>]*(?:src|href)="\.\/(assets\/[^"]+)"[^>]*>/g)];
  expect(found.length).toBeGreaterThanOrEqual(2);
  for (const [tag, path = ""] of found) {
    expect(tag, path).toContain(`integrity="sha384-${createHash("sha384").update(read(path)).digest("base64")}"`);
  }
  expect(html).not.toMatch(/<script(?![^>]*src=)/);
  expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
});

test("plots, QR codes, pictures, questions about links, the buyer's part and the whole module are loaded later", () => {
  const first = firstLoad(DIST, files(DIST));
  const later = files(join(DIST, "assets")).filter((path) => !first.has(path) && path.endsWith(".js"));
  expect(later.map((path) => path.replace(/-.{8}\.js$/, "").replace("assets/", "")).sort()).toEqual(["buyer-app", "buyer-charts", "buyer-tacit_web", "buyer-worker", "cluster-facts", "confirm-site", "later", "picture-fetch", "qr", "start"]);
  expect([...first].filter((path) => path.endsWith(".wasm")).length).toBe(1);
});

test("the files of the first load are within its budget, with the module", () => {
  const total = [...firstLoad(DIST, files(DIST))].reduce((sum, path) => sum + gzipSync(read(path), { level: 9 }).length, 0);
  expect(total).toBeLessThan(BUDGET);
});

test("no file names a path of the machine that built it", () => {
  for (const path of files(DIST)) {
    const text = read(path).toString("latin1");
    expect(text, path).not.toContain(DIST.replace(/\/dist$/, ""));
    expect(text, path).not.toMatch(/\/home\/|\/root\//);
  }
});
