// How a stored value becomes bytes: a JSON text and named byte strings after it, padded, so that the length of what is stored does not tell
// one answer from another.

/** A value to be stored: what is JSON, and what is bytes. */
export interface Packed {
  json: unknown;
  bytes?: Record<string, Uint8Array>;
}

const BLOCK = 64;

/** The bytes of a value: a multiple of 64. */
export function pack(value: Packed): Uint8Array {
  const parts = Object.entries(value.bytes ?? {});
  const head = new TextEncoder().encode(JSON.stringify([value.json ?? null, parts.map(([name, bytes]) => [name, bytes.length])]));
  const length = 4 + head.length + parts.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  const out = new Uint8Array(Math.ceil(length / BLOCK) * BLOCK);
  new DataView(out.buffer).setUint32(0, head.length);
  out.set(head, 4);
  let at = 4 + head.length;
  for (const [, bytes] of parts) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** The value that [`pack`] made these bytes of. */
export function unpack(data: Uint8Array): Packed {
  const head = new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(0);
  const [json, parts] = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + head))) as [unknown, [string, number][]];
  let at = 4 + head;
  const bytes: Record<string, Uint8Array> = {};
  for (const [name, length] of parts) {
    bytes[name] = data.slice(at, at + length);
    at += length;
  }
  return { json, bytes };
}
