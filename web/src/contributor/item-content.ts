// What an item shows: a text, a picture, or two of them side by side. The fields are those of the job's spec.

/** A picture at an address, with the digest that the buyer has signed. */
export interface ImageRef {
  url: string;
  sha256: string;
  alt?: string;
}

/** One thing to look at. */
export interface Content {
  text?: string;
  image?: ImageRef;
}

/** An item of a job. */
export interface ShownItem extends Content {
  id: string;
  left?: Content;
  right?: Content;
}

/** The things that an item shows, in the order in which they are loaded. */
export function contents(item: ShownItem): Content[] {
  const pair = [item.left, item.right].filter((side): side is Content => side !== undefined);
  return item.text === undefined && item.image === undefined ? pair : [item, ...pair];
}

/** The pictures of an item, in the order in which they are loaded. */
export function images(item: ShownItem): ImageRef[] {
  return contents(item).flatMap((content) => (content.image === undefined ? [] : [content.image]));
}

/** The value of `integrity` for a digest in hexadecimal; nothing if it is none. */
export function integrity(sha256: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    return undefined;
  }
  const bytes = sha256.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}
