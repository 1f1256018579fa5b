// What an item shows: a text, a picture, or two of them side by side.

import type { Image, Item, Side } from "tacit-engine";

/** The things that an item shows, in the order in which they are loaded. */
export function contents(item: Item): Side[] {
  const pair = [item.left, item.right].filter((side): side is Side => side !== undefined);
  return item.text === undefined && item.image === undefined ? pair : [item, ...pair];
}

/** The pictures of an item, in the order in which they are loaded. */
export function images(item: Item): Image[] {
  return contents(item).flatMap(({ image }) => (image === undefined ? [] : [image]));
}

/** The value of `integrity` for a digest in hexadecimal; nothing if it is none. */
export function integrity(sha256: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    return undefined;
  }
  const bytes = sha256.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}
