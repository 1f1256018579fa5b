// Fetches one picture from a host that may be anybody's: it gets no referrer and no cookie, its answer is read up to a limit and within a time, and becomes
// a picture only if its bytes are one of a known format and of a size that can be drawn. A picture that moves becomes its first frame.

import type { Image } from "tacit-engine";
import { sha256 } from "../http/sha256.ts";
import { isDigest } from "./item-content.ts";
import { fits, pictureFacts } from "./picture-bytes.ts";

/** Why there is no picture: the network, the digest, how large it is, or what it is. */
export type Refusal = "network" | "other-picture" | "too-large" | "no-picture";

/** The most bytes of a picture. */
export const MOST_BYTES = 20_000_000;
/** How long a picture may take. */
const TIME = 20_000;

/** What is needed of the browser. */
export interface Drawing {
  fetch: typeof fetch;
  /** The first frame of a picture, as one that does not move. */
  still(picture: Blob): Promise<Blob>;
  /** A signal that ends a request that takes too long. */
  timeout(milliseconds: number): AbortSignal;
}

export const BROWSER: Drawing = {
  fetch: (input, init) => fetch(input, init),
  async still(picture) {
    const frame = await createImageBitmap(picture);
    const canvas = new OffscreenCanvas(frame.width, frame.height);
    canvas.getContext("2d")?.drawImage(frame, 0, 0);
    frame.close();
    return canvas.convertToBlob({ type: "image/png" });
  },
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
};

/** Fetches a picture whose host is named in the terms. */
export async function fetchPicture(image: Image, browser: Drawing = BROWSER): Promise<Blob | Refusal> {
  if (!isDigest(image.sha256)) {
    return "no-picture";
  }
  let bytes: Uint8Array | undefined;
  try {
    const response = await browser.fetch(image.url, {
      referrerPolicy: "no-referrer",
      credentials: "omit",
      mode: "cors",
      // What is fetched again is asked for again, and leaves no copy on the disk; another host than the one that the terms name is not asked.
      cache: "no-store",
      redirect: "error",
      signal: browser.timeout(TIME),
    });
    if (!response.ok) {
      return "network";
    }
    bytes = await readUpTo(response, MOST_BYTES);
  } catch {
    // The network or the time was at fault, or the host does not let other pages read it.
    return "network";
  }
  if (bytes === undefined) {
    return "too-large";
  }
  // Not left to the browser, which would not say whether the network or the digest was at fault.
  if ((await sha256(bytes)) !== image.sha256.toLowerCase()) {
    return "other-picture";
  }
  const facts = pictureFacts(bytes);
  if (facts === undefined) {
    return "no-picture";
  }
  if (!fits(facts)) {
    return "too-large";
  }
  const picture = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: facts.type });
  return facts.moves ? browser.still(picture).catch(() => "no-picture" as const) : picture;
}

/** The bytes of a body; nothing if it has more than `most`, of which no more are read. */
export async function readUpTo(response: Response, most: number): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (value !== undefined) {
      length += value.length;
      parts.push(value);
    }
    if (length > most) {
      await reader?.cancel();
      return undefined;
    }
    if (done) {
      break;
    }
  }
  const whole = new Uint8Array(length);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
