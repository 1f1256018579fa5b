import { createHash } from "node:crypto";
import { expect, test, vi } from "vitest";
import { fits, pictureFacts } from "../../src/contributor/picture-bytes.ts";
import { fetchPicture, MOST_BYTES, readUpTo, type Drawing } from "../../src/contributor/picture-fetch.ts";

const text = (...parts: (string | number[])[]): Uint8Array =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...part].map((letter) => letter.charCodeAt(0)) : part)));
const u32 = (number: number): number[] => [24, 16, 8, 0].map((by) => (number >>> by) & 0xff);
const u16 = (number: number): number[] => u32(number).slice(2);

const chunk = (name: string, data: number[] = []): (string | number[])[] => [u32(data.length), name, data, u32(0)];
const png = (width: number, height: number, ...more: (string | number[])[]): Uint8Array =>
  text("\x89PNG\r\n\x1a\n", ...chunk("IHDR", [...u32(width), ...u32(height), 8, 6, 0, 0, 0]), ...more, ...chunk("IDAT"));
const jpeg = (width: number, height: number): Uint8Array =>
  text([0xff, 0xd8, 0xff, 0xe0], u16(4), [0, 0, 0xff, 0xc4], u16(3), [0, 0xff, 0xc2], u16(11), [8], u16(height), u16(width), [1, 0, 0, 0]);
const vp8x = (flags: number, width: number, height: number): Uint8Array => {
  const side = (number: number): number[] => [number - 1, (number - 1) >> 8, (number - 1) >> 16].map((byte) => byte & 0xff);
  return text("RIFF", u32(0), "WEBPVP8X", [10, 0, 0, 0], [flags, 0, 0, 0], side(width), side(height));
};
const avif = (brand: string, ...sizes: [number, number][]): Uint8Array =>
  text(u32(20), "ftyp", brand, u32(0), "mif1", ...sizes.flatMap(([width, height]) => [u32(20), "ispe", u32(0), u32(width), u32(height)]));

test("format, size and movement are read off the bytes", () => {
  expect(pictureFacts(png(640, 480))).toEqual({ type: "image/png", width: 640, height: 480, moves: false });
  expect(pictureFacts(png(640, 480, ...chunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0])))).toMatchObject({ moves: true });
  expect(pictureFacts(jpeg(4000, 3000))).toEqual({ type: "image/jpeg", width: 4000, height: 3000, moves: false });
  expect(pictureFacts(vp8x(0x10, 70_000, 3))).toEqual({ type: "image/webp", width: 70_000, height: 3, moves: false });
  expect(pictureFacts(vp8x(0x12, 5, 5))).toMatchObject({ moves: true });
  expect(pictureFacts(text("RIFF", u32(0), "WEBPVP8L", u32(0), [0x2f], [0x3f, 0xc0, 0x04, 0x00], u32(0)))).toEqual({ type: "image/webp", width: 64, height: 20, moves: false });
  expect(pictureFacts(text("RIFF", u32(0), "WEBPVP8 ", u32(0), [0, 0, 0, 0x9d, 0x01, 0x2a], [0x80, 2, 0xe0, 1], u32(0)))).toEqual({ type: "image/webp", width: 640, height: 480, moves: false });
  // Of several images in one file, the largest is what is drawn.
  expect(pictureFacts(avif("avif", [512, 512], [30_000, 20]))).toEqual({ type: "image/avif", width: 30_000, height: 512, moves: false });
  expect(pictureFacts(avif("avis", [8, 8]))).toMatchObject({ moves: true });
});

test("documents, scripts and pictures that are cut are no pictures", () => {
  for (const bytes of [text("<svg xmlns='http://www.w3.org/2000/svg'/>"), text("GIF89a", [1, 0, 1, 0]), text("<html>"), new Uint8Array(), avif("heic", [8, 8]), avif("avif")]) {
    expect(pictureFacts(bytes)).toBeUndefined();
  }
  for (const whole of [png(1, 1), jpeg(1, 1), vp8x(0, 1, 1), avif("avif", [1, 1])]) {
    for (let length = 0; length < 20; length += 1) {
      expect(pictureFacts(whole.slice(0, length))).toBeUndefined();
    }
  }
});

test("a picture that would take too much memory is not drawn, however few bytes it has", () => {
  const of = (width: number, height: number): boolean => fits(pictureFacts(png(width, height)) as never);
  expect([of(8000, 6000), of(8000, 8000), of(100_000, 1), of(0, 5)]).toEqual([true, false, false, false]);
});

/** A picture as the terms name it, whose host gives these bytes. */
const imageOf = (bytes: Uint8Array): { url: string; sha256: string } => ({ url: "https://p.example/1.png", sha256: createHash("sha256").update(bytes).digest("hex") });
const IMAGE = imageOf(png(1, 1));

function browser(response: () => Response, still: Drawing["still"] = async () => new Blob(["still"], { type: "image/png" })): Drawing & { asked: RequestInit[] } {
  const asked: RequestInit[] = [];
  return { asked, still, timeout: () => new AbortController().signal, fetch: async (_, init) => (asked.push(init ?? {}), response()) };
}
const body = (bytes: Uint8Array, type = "text/html"): Response => new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } });

test("a picture is asked for without cookies, referrer, cache or redirect, and in a limited time", async () => {
  const used = browser(() => body(png(1, 1)));
  const found = await fetchPicture(IMAGE, used);
  expect(used.asked[0]).toMatchObject({ cache: "no-store", redirect: "error", credentials: "omit", referrerPolicy: "no-referrer" });
  expect(used.asked[0]?.signal).toBeInstanceOf(AbortSignal);
  // Its type is that of its bytes, whatever the host says.
  expect((found as Blob).type).toBe("image/png");
});

test("what is no picture, too large, or does not arrive is refused, and says why", async () => {
  const [svg, large] = [text("<svg/>"), png(20_000, 20_000)];
  expect(await fetchPicture(imageOf(svg), browser(() => body(svg, "image/svg+xml")))).toBe("no-picture");
  expect(await fetchPicture(imageOf(large), browser(() => body(large)))).toBe("too-large");
  // Another picture than the one that was signed is told from one that did not arrive.
  expect(await fetchPicture(IMAGE, browser(() => body(png(2, 2))))).toBe("other-picture");
  const { url, sha256 } = IMAGE;
  expect(await fetchPicture({ url, sha256: sha256.toUpperCase() }, browser(() => body(png(1, 1))))).toBeInstanceOf(Blob);
  expect(await fetchPicture(IMAGE, browser(() => new Response(null, { status: 404 })))).toBe("network");
  expect(await fetchPicture(IMAGE, browser(() => { throw new DOMException("late", "TimeoutError"); }))).toBe("network");
  expect(await fetchPicture({ ...IMAGE, sha256: "none" }, browser(() => body(png(1, 1))))).toBe("no-picture");
});

test("of a body that is too long no more is read than the limit", async () => {
  let given = 0;
  const cancel = vi.fn();
  const endless = new ReadableStream<Uint8Array>({ pull: (stream) => (given += 1_000_000, stream.enqueue(new Uint8Array(1_000_000))), cancel });
  expect(await fetchPicture(IMAGE, browser(() => new Response(endless)))).toBe("too-large");
  expect(given).toBeLessThan(MOST_BYTES + 3_000_000);
  expect(cancel).toHaveBeenCalled();
  expect(await readUpTo(new Response("abc"), 3)).toEqual(text("abc"));
});

test("a picture that moves becomes its first frame", async () => {
  const still = vi.fn(async () => new Blob(["still"], { type: "image/png" }));
  const moving = png(4, 4, ...chunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]));
  expect(await (await fetchPicture(imageOf(moving), browser(() => body(moving), still)) as Blob).text()).toBe("still");
  await fetchPicture(IMAGE, browser(() => body(png(4, 4)), still));
  expect(still).toHaveBeenCalledTimes(1);
  expect(await fetchPicture(imageOf(moving), browser(() => body(moving), async () => { throw new Error("cannot be drawn"); }))).toBe("no-picture");
});
