import { afterEach, expect, test, vi } from "vitest";
import { pictureDigest } from "../../src/buyer/picture-digest.ts";

afterEach(() => vi.unstubAllGlobals());

const answer = (body: BodyInit): (RequestInit | undefined)[] => {
  const asked: (RequestInit | undefined)[] = [];
  vi.stubGlobal("fetch", async (_: string, init?: RequestInit) => (asked.push(init), new Response(body)));
  return asked;
};

test("a buyer signs the digest of what contributors will be shown, and of nothing else", async () => {
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0, 0, 0, 0]);
  const asked = answer(png);
  expect(await pictureDigest("https://p.example/1.png")).toMatch(/^[0-9a-f]{64}$/);
  expect(asked[0]).toMatchObject({ cache: "no-store", redirect: "error", credentials: "omit" });
  answer("<svg xmlns='http://www.w3.org/2000/svg'/>");
  await expect(pictureDigest("https://p.example/1.svg")).rejects.toThrow("PNG, JPEG, WebP or AVIF");
});

test("a body without an end is not read to the end", async () => {
  answer(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(1_000_000)) }) as unknown as BodyInit);
  await expect(pictureDigest("https://p.example/1.png")).rejects.toThrow("at most 20 MB");
});
