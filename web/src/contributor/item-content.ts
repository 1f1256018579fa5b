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

/** Whether a text is a SHA-256 digest in hexadecimal. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text);
}
