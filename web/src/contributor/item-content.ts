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

/** Whether a text is a SHA-256 digest in hexadecimal. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text);
}
