import { expect, test, vi } from "vitest";
import type { Image, Item } from "tacit-engine";
import { BLOCK, ImageLoader, isNamed } from "../../src/contributor/image-loader.ts";
import { contents, images, isDigest } from "../../src/contributor/item-content.ts";
import type { Refusal } from "../../src/contributor/picture-fetch.ts";

const sha = (index: number): string => index.toString(16).padStart(64, "0");
const item = (index: number): Item => ({ id: `i${index}`, image: { url: `https://p.example/${index}.png`, sha256: sha(index) } });
const settle = () => new Promise((done) => setTimeout(done, 0));

const picture = (size = 1): Blob => new Blob([new Uint8Array(size)], { type: "image/png" });

function loaderOf(count: number, load: (image: Image) => Promise<Blob | Refusal>, mostKept?: number): ImageLoader {
  return new ImageLoader((place) => (place < count ? item(place) : undefined), ["p.example"], () => {}, load, async () => {}, mostKept);
}

const asked = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `https://p.example/${from + index}.png`);

test("pictures are loaded in the order of the items and in whole blocks: steps, answers and steps back ask for nothing", async () => {
  const seen: string[] = [];
  const loader = loaderOf(200, async ({ url }) => (seen.push(url), picture()));
  loader.moveTo(0);
  await settle();
  expect(seen).toEqual(asked(0, 2 * BLOCK));
  for (const place of [1, 2, 1, BLOCK - 1, 0]) {
    loader.moveTo(place);
    await settle();
  }
  expect(seen.length).toBe(2 * BLOCK);
  loader.moveTo(BLOCK);
  await settle();
  loader.moveTo(BLOCK - 1);
  await settle();
  // Who goes back over the border of a block finds the pictures that were kept.
  expect(seen).toEqual(asked(0, 3 * BLOCK));
  expect(loader.isShown(item(BLOCK))).toBe(true);
});

test("what was asked for and is far away now is not loaded any more", async () => {
  const seen: string[] = [];
  let arrive = (): void => {};
  const loader = loaderOf(1000, async ({ url }) => {
    seen.push(url);
    if (seen.length === 1) {
      await new Promise<void>((done) => (arrive = done));
    }
    return picture();
  });
  loader.moveTo(0);
  await settle();
  loader.moveTo(25 * BLOCK);
  arrive();
  await settle();
  expect(seen).toEqual([...asked(0, 1), ...asked(25 * BLOCK, 27 * BLOCK)]);
});

test("who begins in the middle does not load what comes before", async () => {
  const seen: string[] = [];
  const loader = loaderOf(200, async ({ url }) => (seen.push(url), picture()));
  loader.moveTo(3 * BLOCK + 7);
  await settle();
  expect(seen).toEqual(asked(3 * BLOCK, 5 * BLOCK));
});

test("pictures are kept within a limit, and what is needed now is never given back", async () => {
  const revoke = vi.spyOn(URL, "revokeObjectURL");
  const before = revoke.mock.calls.length;
  const loader = loaderOf(200, async () => picture(10), 2 * BLOCK * 10);
  loader.moveTo(0);
  await settle();
  expect(revoke.mock.calls.length - before).toBe(0);
  loader.moveTo(4 * BLOCK);
  await settle();
  expect(revoke.mock.calls.length - before).toBe(2 * BLOCK);
  expect([loader.isShown(item(0)), loader.isShown(item(5 * BLOCK))]).toEqual([false, true]);
  loader.close();
  expect(revoke.mock.calls.length - before).toBe(4 * BLOCK);
});

test("what arrives after the end is given back", async () => {
  const create = vi.spyOn(URL, "createObjectURL");
  const before = create.mock.calls.length;
  let arrive: (blob: Blob) => void = () => {};
  const loader = loaderOf(1, () => new Promise((done) => (arrive = done)));
  loader.moveTo(0);
  loader.close();
  arrive(picture());
  await settle();
  expect(create.mock.calls.length - before).toBe(0);
});

test("a host that does not answer holds up its own pictures only", async () => {
  const items: Item[] = [
    { id: "a", image: { url: "https://slow.example/1.png", sha256: sha(1) } },
    { id: "b", image: { url: "https://p.example/1.png", sha256: sha(2) } },
  ];
  const load = ({ url }: Image): Promise<Blob | Refusal> => (url.includes("slow") ? new Promise(() => {}) : Promise.resolve(picture()));
  const loader = new ImageLoader((place) => items[place], ["p.example", "slow.example"], () => {}, load, async () => {});
  loader.moveTo(0);
  await settle();
  expect(items.map((one) => loader.isShown(one))).toEqual([false, true]);
});

test("a picture that does not arrive is asked for three times, and can be tried again", async () => {
  let found: Blob | Refusal = "network";
  const load = vi.fn(async () => found);
  const loader = loaderOf(1, load);
  const image = item(0).image as Image;
  loader.moveTo(0);
  await settle();
  expect(loader.state(image)).toEqual({ state: "failed", why: "network" });
  expect(load).toHaveBeenCalledTimes(3);
  found = picture();
  loader.retry(image);
  await settle();
  expect([loader.state(image).state, loader.isShown(item(0))]).toEqual(["ready", true]);
  // The browser cannot draw it after all.
  loader.refuse(image);
  expect([loader.state(image), loader.isShown(item(0))]).toEqual([{ state: "failed", why: "no-picture" }, false]);
});

test("a picture of a host that the terms do not name is not asked for", async () => {
  const load = vi.fn(async () => picture());
  const items: Item[] = [{ id: "a", image: { url: "https://other.example/1.png", sha256: sha(1) } }, { id: "b", image: { url: "no address", sha256: sha(1) } }];
  const loader = new ImageLoader((place) => items[place], ["p.example"], () => {}, load, async () => {});
  loader.moveTo(0);
  await settle();
  expect(load).not.toHaveBeenCalled();
  expect(items.flatMap(images).map((image) => loader.state(image))).toEqual([
    { state: "failed", why: "not-named" },
    { state: "failed", why: "not-named" },
  ]);
});

test("a host is named with its port", () => {
  expect(isNamed("https://p.example/x", ["p.example"])).toBe(true);
  expect(isNamed("https://p.example/x", ["p.example:443"])).toBe(true);
  expect(isNamed("https://p.example:8443/x", ["p.example"])).toBe(false);
  expect(isNamed("https://p.example:8443/x", ["p.example:8443"])).toBe(true);
  expect(isNamed("http://127.0.0.1:9000/x", ["127.0.0.1:9000"])).toBe(true);
  expect(isNamed("http://p.example/x", ["p.example"])).toBe(false);
  expect(isNamed("javascript:1", ["p.example"])).toBe(false);
  expect(isNamed("https://p.example.evil/x", ["p.example"])).toBe(false);
});

test("a pair is shown left before right, and a digest has 64 hexadecimal digits", () => {
  const pair: Item = { id: "p", left: { text: "a" }, right: { image: { url: "u", sha256: sha(1) } } };
  expect(contents(pair).map((one) => one.text ?? one.image?.url)).toEqual(["a", "u"]);
  expect(contents({ id: "x" })).toEqual([]);
  expect([isDigest("00".repeat(32)), isDigest("zz"), isDigest("")]).toEqual([true, false, false]);
});
