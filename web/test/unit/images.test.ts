import { expect, test, vi } from "vitest";
import { ImageLoader, isNamed } from "../../src/contributor/image-loader.ts";
import { contents, images, isDigest, type ShownItem } from "../../src/contributor/item-content.ts";

const sha = (index: number): string => index.toString(16).padStart(64, "0");
/** The digest of what the host of these tests gives. */
const OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
const image = (index: number) => ({ url: `https://p.example/${index}.png`, sha256: OF_X });
const item = (index: number): ShownItem => ({ id: `i${index}`, image: image(index) });
const settled = (loader: ImageLoader, index: number) => vi.waitFor(() => expect(loader.state(image(index)).state).not.toBe("loading"), { interval: 1 });

function loaderOf(count: number, load: typeof fetch): ImageLoader {
  return new ImageLoader((place) => (place < count ? item(place) : undefined), ["p.example"], load, async () => {});
}

test("pictures are loaded one after the other in the order of the items, whatever is answered", async () => {
  const asked: [string, RequestInit | undefined][] = [];
  const loader = loaderOf(20, async (input, init) => {
    asked.push([String(input), init]);
    return new Response("x");
  });
  for (let place = 0; place < 3; place += 1) {
    loader.moveTo(place);
    await settled(loader, place + 6);
  }
  expect(asked.map(([address]) => address)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => `https://p.example/${index}.png`));
  expect(asked[3]?.[1]).toMatchObject({ referrerPolicy: "no-referrer", credentials: "omit" });
  expect(loader.state(image(0)).state).toBe("ready");
});

test("who goes back a little is not seen by the host; pictures very far behind are given back, and loaded again for who goes there", async () => {
  const revoke = vi.spyOn(URL, "revokeObjectURL");
  const asked: string[] = [];
  const loader = loaderOf(300, async (input) => {
    asked.push(String(input));
    return new Response("x");
  });
  for (let place = 0; place < 210; place += 1) {
    loader.moveTo(place);
    await settled(loader, place + 6);
  }
  expect(revoke).toHaveBeenCalledTimes(9);
  const before = asked.length;
  for (const place of [209, 208, 100, 9, 209]) {
    loader.moveTo(place);
  }
  expect(asked.slice(before)).toEqual([]);
  loader.moveTo(4);
  await settled(loader, 4);
  loader.moveTo(5);
  await settled(loader, 5);
  expect(asked.slice(before)).toEqual(["https://p.example/4.png", "https://p.example/5.png"]);
});

test("a picture that does not arrive has failed; it can be tried again", async () => {
  let isBroken = true;
  const load = vi.fn(async () => {
    if (isBroken) {
      throw new TypeError("no network");
    }
    return new Response("x");
  });
  const loader = loaderOf(1, load);
  loader.moveTo(0);
  await settled(loader, 0);
  expect(loader.state(image(0))).toEqual({ state: "failed", why: "network" });
  expect(load).toHaveBeenCalledTimes(3);
  isBroken = false;
  loader.retry(image(0));
  await settled(loader, 0);
  expect(loader.state(image(0)).state).toBe("ready");
});

test("a picture that is another one than the buyer has signed is no picture, and is not asked for again", async () => {
  const load = vi.fn(async () => new Response("y"));
  const loader = loaderOf(1, load);
  loader.moveTo(0);
  await settled(loader, 0);
  expect(loader.state(image(0))).toEqual({ state: "failed", why: "other-picture" });
  expect(load).toHaveBeenCalledTimes(1);
});

test("a picture of a host that the terms do not name, or without a digest, is not asked for", async () => {
  const load = vi.fn(async () => new Response("x"));
  const items: ShownItem[] = [
    { id: "a", image: { url: "https://other.example/1.png", sha256: sha(1) } },
    { id: "b", image: { url: "https://p.example/1.png", sha256: "none" } },
  ];
  const loader = new ImageLoader((place) => items[place], ["p.example"], load, async () => {});
  loader.moveTo(0);
  await vi.waitFor(() =>
    expect(items.flatMap(images).map((one) => loader.state(one))).toEqual([
      { state: "failed", why: "not-named" },
      { state: "failed", why: "not-named" },
    ]),
  );
  expect(load).not.toHaveBeenCalled();
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

test("a pair is shown left before right", () => {
  const pair: ShownItem = { id: "p", left: { text: "a" }, right: { image: { url: "u", sha256: sha(1) } } };
  expect(contents(pair).map((one) => one.text ?? one.image?.url)).toEqual(["a", "u"]);
  expect(contents({ id: "x" })).toEqual([]);
  expect([isDigest("00".repeat(32)), isDigest("zz"), isDigest("")]).toEqual([true, false, false]);
});
