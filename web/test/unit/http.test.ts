import { expect, test } from "vitest";
import { Api } from "../../src/http/api.ts";
import { EventParser } from "../../src/http/events.ts";
import { Problem, readProblem, Unreachable } from "../../src/http/problem.ts";
import { inWords } from "../../src/text/problems.ts";

const problem = (kind: string, status: number, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ type: `urn:tacit:problem:${kind}`, title: "A title", status, detail: "the detail" }), { status, headers });

test("a problem document is told apart by its kind", async () => {
  const read = await readProblem(problem("job_closed", 409));
  expect([read.kind, read.title, read.detail, read.status, read.isPassing]).toEqual(["job_closed", "A title", "the detail", 409, false]);
  expect(inWords(read)).toBe("The job is closed and takes no more answers.");
  const busy = await readProblem(problem("busy", 503, { "retry-after": "7" }));
  expect([busy.retryAfter, busy.isPassing]).toEqual([7, true]);
});

test("a kind without words of its own says the detail", async () => {
  expect(inWords(await readProblem(problem("node_refused", 422)))).toBe("the detail");
});

test("what is no problem document is one of its status", async () => {
  for (const body of ["<html>", "null", "[]", '{"type":7}', ""]) {
    const read = await readProblem(new Response(body, { status: 502 }));
    expect([read.kind, read.status]).toEqual(["unknown", 502]);
  }
});

test("requests carry no cookie, referrer or cache, follow no redirect, and are signed as they are sent", async () => {
  const seen: [string, RequestInit][] = [];
  const api = new Api("https://c.example/tacit", async (method, target, body) => ({ authorization: `${method} ${target} ${body?.length}` }), async (input, init) => {
    seen.push([String(input), init ?? {}]);
    return new Response("{}");
  });
  await api.withdraw("signs", "ab", new Uint8Array(3));
  const [[address, init] = ["", {}]] = seen;
  expect(address).toBe("https://c.example/tacit/v1/jobs/signs/submissions/ab");
  expect(init).toMatchObject({ method: "DELETE", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", redirect: "error" });
  expect(init.headers).toEqual({ authorization: "DELETE /v1/jobs/signs/submissions/ab 3", "content-type": "application/json" });
});

test("no answer is told apart from a refusal", async () => {
  const lost = new Api("https://c.example", undefined, () => Promise.reject(new TypeError("network")));
  await expect(lost.cluster()).rejects.toEqual(new Unreachable("c.example"));
  const refused = new Api("https://c.example", undefined, async () => problem("unknown_job", 404));
  await expect(refused.spec("signs")).rejects.toBeInstanceOf(Problem);
});

test("events are put together from pieces of any length", () => {
  const stream = 'data: {"a":1}\n\n: ping\n\nevent: x\ndata: {"b":\ndata: 2}\n\n';
  for (const size of [1, 3, 1000]) {
    const parser = new EventParser();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...parser.push(stream.slice(at, at + size)));
    }
    expect(found.map((data) => JSON.parse(data))).toEqual([{ a: 1 }, { b: 2 }]);
  }
  expect(() => new EventParser().push("x".repeat(1_000_001))).toThrow("too long");
});

test("a request that does not end has failed, and what fails before it is sent keeps its error", async () => {
  const silent: typeof fetch = (_, init) => new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  await expect(new Api("https://c.example", undefined, silent, 5).cluster()).rejects.toBeInstanceOf(Unreachable);
  const endless: typeof fetch = async (_, init) =>
    new Response(new ReadableStream({ start: (stream) => init?.signal?.addEventListener("abort", () => stream.error(new Error("aborted"))) }));
  await expect(new Api("https://c.example", undefined, endless, 5).cluster()).rejects.toBeInstanceOf(Unreachable);
  const locked = async (): Promise<never> => {
    throw new Error("no key");
  };
  await expect(new Api("https://c.example", locked, silent, 5).cluster()).rejects.toThrow("no key");
});
