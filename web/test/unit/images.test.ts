import { expect, test, vi } from "vitest";
import { ImageLoader, isNamed } from "../../src/contributor/image-loader.ts";
import type { Item } from "tacit-engine";
import { contents, images, integrity } from "../../src/contributor/item-content.ts";

const sha = (index: number): string => index.toString(16).padStart(64, "0");
const item = (index: number): Item => ({ id: `i${index}`, image: { url: `https://p.example/${index}.png`, sha256: sha(index) } });
const settle = () => new Promise((done) => setTimeout(done, 0));

function loaderOf(count: number, load: typeof fetch): ImageLoader {
  return new ImageLoader((place) => (place < count ? item(place) : undefined), ["p.example"], () => {}, load, async () => {});
}

test("pictures are loaded one after the other in the order of the items, whatever is answered", async () => {
  const asked: [string, RequestInit | undefined][] = [];
  const loader = loaderOf(20, async (input, init) => {
    asked.push([String(input), init]);
    return new Response("x");
  });
  loader.moveTo(0);
  await settle();
  loader.moveTo(1);
  await settle();
  loader.moveTo(2);
  await settle();
  expect(asked.map(([address]) => address)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => `https://p.example/${index}.png`));
  expect(asked[3]?.[1]).toMatchObject({ referrerPolicy: "no-referrer", credentials: "omit", integrity: integrity(sha(3)) });
  expect(loader.state({ url: "https://p.example/0.png", sha256: sha(0) }).state).toBe("ready");
});

test("pictures far behind are given back, and loaded again for who goes back", async () => {
  const revoke = vi.spyOn(URL, "revokeObjectURL");
  const asked: string[] = [];
  const loader = loaderOf(20, async (input) => {
    asked.push(String(input));
    return new Response("x");
  });
  for (let place = 0; place < 10; place += 1) {
    loader.moveTo(place);
    await settle();
  }
  expect(revoke).toHaveBeenCalledTimes(6);
  const before = asked.length;
  loader.moveTo(4);
  await settle();
  expect(asked.slice(before)).toEqual([4, 5, 1, 2, 3].map((index) => `https://p.example/${index}.png`));
});

test("a sitting that goes on in the middle loads what is shown first, and nothing from before", async () => {
  const asked: string[] = [];
  const loader = loaderOf(1000, async (input) => {
    asked.push(String(input));
    return new Response("x");
  });
  loader.moveTo(500);
  await settle();
  expect(asked).toEqual([500, 501, 502, 503, 504, 505, 506].map((index) => `https://p.example/${index}.png`));
});

test("what was asked for and is far away now is not loaded any more, and a picture that arrives too late is given back", async () => {
  const revoke = vi.spyOn(URL, "revokeObjectURL");
  revoke.mockClear();
  const asked: string[] = [];
  let arrive = (): void => {};
  const loader = loaderOf(1000, async (input) => {
    asked.push(String(input));
    if (asked.length === 1) {
      await new Promise<void>((done) => (arrive = done));
    }
    return new Response("x");
  });
  loader.moveTo(0);
  await settle();
  loader.moveTo(500);
  arrive();
  await settle();
  expect(asked).toEqual([0, 500, 501, 502, 503, 504, 505, 506].map((index) => `https://p.example/${index}.png`));
  expect(revoke).toHaveBeenCalledTimes(1);
  expect(loader.state({ url: "https://p.example/0.png", sha256: sha(0) }).state).toBe("loading");
});

test("a picture that does not arrive, or is another one, has failed; it can be tried again", async () => {
  let isBroken = true;
  // Browsers reject a fetch whose integrity fails as they reject one without a network.
  const loader = loaderOf(1, async () => {
    if (isBroken) {
      throw new TypeError("integrity");
    }
    return new Response("x");
  });
  const image = item(0).image;
  loader.moveTo(0);
  await settle();
  await settle();
  expect(image && loader.state(image)).toEqual({ state: "failed", why: "network" });
  isBroken = false;
  if (image) {
    loader.retry(image);
    await settle();
    expect(loader.state(image).state).toBe("ready");
  }
});

test("a picture of a host that the terms do not name, or without a digest, is not asked for", async () => {
  const load = vi.fn(async () => new Response("x"));
  const items: Item[] = [
    { id: "a", image: { url: "https://other.example/1.png", sha256: sha(1) } },
    { id: "b", image: { url: "https://p.example/1.png", sha256: "none" } },
  ];
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

test("a pair is shown left before right, and a digest becomes what fetch takes", () => {
  const pair: Item = { id: "p", left: { text: "a" }, right: { image: { url: "u", sha256: sha(1) } } };
  expect(contents(pair).map((one) => one.text ?? one.image?.url)).toEqual(["a", "u"]);
  expect(contents({ id: "x" })).toEqual([]);
  expect(integrity("00".repeat(32))).toBe("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  expect(integrity("zz")).toBeUndefined();
});
