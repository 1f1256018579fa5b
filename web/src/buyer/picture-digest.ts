// The digest of a picture, which the buyer signs, so that contributors see the same picture or none.

import { fits, pictureFacts } from "../contributor/picture-bytes.ts";
import { MOST_BYTES, readUpTo } from "../contributor/picture-fetch.ts";
import { sha256 } from "../http/sha256.ts";
import { buyerText } from "../text/en-buyer.ts";

/** The SHA-256 of what is at an address, in hexadecimal. */
export async function pictureDigest(address: string): Promise<string> {
  let bytes: Uint8Array | undefined;
  try {
    // As contributors will ask for it.
    const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", redirect: "error" });
    if (!response.ok) {
      throw new Error(String(response.status));
    }
    bytes = await readUpTo(response, MOST_BYTES);
  } catch {
    throw new Error(buyerText.create.picture(address));
  }
  const facts = bytes && pictureFacts(bytes);
  if (bytes === undefined || facts === undefined || !fits(facts)) {
    throw new Error(buyerText.create.noPicture(address));
  }
  return sha256(bytes);
}
