// What the bytes of a picture say about it, before anything draws them: its format, how large it is, and whether it moves. The name that its host gives it
// counts for nothing. SVG is not among the formats: it is a document, and not a picture with a size.

/** What is known of a picture from its first bytes. */
export interface PictureFacts {
  type: "image/png" | "image/jpeg" | "image/webp" | "image/avif";
  width: number;
  height: number;
  /** Whether it has several frames. */
  moves: boolean;
}

/** The most pixels of a picture that is drawn: four bytes of memory each. */
export const MOST_PIXELS = 50_000_000;
/** The longest side. Browsers refuse to draw much longer ones. */
export const LONGEST_SIDE = 16_384;

/** What the bytes say; nothing if they are no picture of a known format, or are cut before its size. */
export function pictureFacts(bytes: Uint8Array): PictureFacts | undefined {
  try {
    return png(bytes) ?? jpeg(bytes) ?? webp(bytes) ?? avif(bytes);
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

/** Whether a picture of this size is drawn. */
export function fits({ width, height }: PictureFacts): boolean {
  return width > 0 && height > 0 && width <= LONGEST_SIDE && height <= LONGEST_SIDE && width * height <= MOST_PIXELS;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function says(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));
}

function png(bytes: Uint8Array): PictureFacts | undefined {
  if (!says(bytes, 0, "\x89PNG\r\n\x1a\n") || !says(bytes, 12, "IHDR")) {
    return undefined;
  }
  const data = view(bytes);
  let moves = false;
  // Chunks of length, name, data and checksum. `acTL` says that there are several frames, and stands before the first one.
  for (let at = 8; at + 8 <= bytes.length && !says(bytes, at + 4, "IDAT"); at += 12 + data.getUint32(at)) {
    moves ||= says(bytes, at + 4, "acTL");
  }
  return { type: "image/png", width: data.getUint32(16), height: data.getUint32(20), moves };
}

function jpeg(bytes: Uint8Array): PictureFacts | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) {
    return undefined;
  }
  const data = view(bytes);
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) {
      return undefined;
    }
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    // A frame's header: all of C0 to CF but the tables C4 and CC, and C8, which is none.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { type: "image/jpeg", width: data.getUint16(at + 7), height: data.getUint16(at + 5), moves: false };
    }
    at += marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7) ? 2 : 2 + data.getUint16(at + 2);
  }
  return undefined;
}

function webp(bytes: Uint8Array): PictureFacts | undefined {
  if (!says(bytes, 0, "RIFF") || !says(bytes, 8, "WEBP")) {
    return undefined;
  }
  const data = view(bytes);
  const type = "image/webp";
  if (says(bytes, 12, "VP8X")) {
    const side = (at: number): number => 1 + data.getUint16(at, true) + data.getUint8(at + 2) * 0x1_0000;
    return { type, width: side(24), height: side(27), moves: (data.getUint8(20) & 0x02) !== 0 };
  }
  if (says(bytes, 12, "VP8L")) {
    const sides = data.getUint32(21, true);
    return { type, width: 1 + (sides & 0x3fff), height: 1 + ((sides >>> 14) & 0x3fff), moves: false };
  }
  return says(bytes, 12, "VP8 ") ? { type, width: data.getUint16(26, true) & 0x3fff, height: data.getUint16(28, true) & 0x3fff, moves: false } : undefined;
}

/** How many bytes of an AVIF file are searched for sizes: they stand in its first box of metadata. */
const AVIF_HEAD = 262_144;

function avif(bytes: Uint8Array): PictureFacts | undefined {
  if (!says(bytes, 4, "ftyp")) {
    return undefined;
  }
  const data = view(bytes);
  const length = Math.min(data.getUint32(0), bytes.length);
  const brands = Array.from({ length: Math.max(0, Math.floor((length - 8) / 4)) }, (_, index) => 8 + 4 * index);
  const has = (brand: string): boolean => brands.some((at) => says(bytes, at, brand));
  if (!has("avif") && !has("avis")) {
    return undefined;
  }
  // The sizes of all images of the file, tiles among them: the largest is that of what is drawn.
  let [width, height] = [0, 0];
  for (let at = length; at + 16 <= Math.min(bytes.length, AVIF_HEAD); at += 1) {
    if (says(bytes, at, "ispe")) {
      width = Math.max(width, data.getUint32(at + 8));
      height = Math.max(height, data.getUint32(at + 12));
    }
  }
  return width === 0 || height === 0 ? undefined : { type: "image/avif", width, height, moves: has("avis") };
}
