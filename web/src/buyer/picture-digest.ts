// The digest of a picture, which the buyer signs, so that contributors see the same picture or none.

import { sha256 } from "../http/sha256.ts";
import { buyerText } from "../text/en-buyer.ts";

/** The SHA-256 of what is at an address, in hexadecimal. */
export async function pictureDigest(address: string): Promise<string> {
  let bytes: ArrayBuffer;
  try {
    const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) {
      throw new Error(String(response.status));
    }
    bytes = await response.arrayBuffer();
  } catch {
    throw new Error(buyerText.create.picture(address));
  }
  return sha256(bytes);
}
