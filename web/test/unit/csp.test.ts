import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { policy } from "../../src/http/csp.ts";

const fields = (text: string): Map<string, string[]> =>
  new Map(text.split(";").map((one) => one.trim().split(/\s+/)).map(([name = "", ...values]) => [name, values]));

test("the second policy lets the page reach the coordinator and the named hosts only", () => {
  const connect = fields(policy("https://c.example:8443/tacit", ["pictures.example", "127.0.0.1:9000"])).get("connect-src");
  expect(connect).toEqual(["'self'", "https://c.example:8443", "https://pictures.example", "https://127.0.0.1:9000", "http://127.0.0.1:9000"]);
});

test("what is no host cannot add to the policy", () => {
  const text = policy("https://c.example", ["*", "x; script-src *", "https:", "a b", "'unsafe-inline'"]);
  expect(fields(text).get("connect-src")).toEqual(["'self'", "https://c.example"]);
  expect(fields(text).get("script-src")).toEqual(["'self'", "'wasm-unsafe-eval'"]);
});

test("neither policy allows anything by default, inline scripts or styles, or pictures of other hosts", () => {
  const html = readFileSync(new URL("../../index.html", import.meta.url), "utf8");
  const first = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? "";
  for (const text of [first, policy("https://c.example", [])]) {
    expect(fields(text).get("default-src")).toEqual(["'none'"]);
    expect(fields(text).get("img-src")).toEqual(["blob:", "data:"]);
    expect(text).not.toContain("unsafe-inline");
    expect(text).not.toContain("'unsafe-eval'");
    expect(text).not.toContain("*/");
  }
  // All but what is reached over the network is the same in both.
  const same = (text: string) => [...fields(text)].filter(([name]) => name !== "connect-src");
  expect(same(first)).toEqual(same(policy("https://c.example", [])));
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
});
