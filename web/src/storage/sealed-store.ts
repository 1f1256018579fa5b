// What the page keeps on the device: values by name, encrypted with keys that the browser gives out to no script. Answers, keys and submissions are never
// stored in any other way. Names are not readable either: each of their parts is replaced by a keyed hash, so that values are still found by the beginning
// of their names, and what somebody who reads the disk sees is how many values there are, how long they are, and which belong together.
//
// Browsers write the bytes of these keys into the files of their profile, so this protects from other scripts and other origins, and not from whoever has
// these files (docs/security/page.md). Drafts are answers in the clear: those of each job are encrypted with a key of their own, which is replaced
// whenever answers were acknowledged, and destroyed with the last of them.

import { openDB, type IDBPDatabase } from "idb";
import { pack, unpack, type Packed } from "./packing.ts";

interface Sealed {
  iv: Uint8Array;
  data: ArrayBuffer;
}

interface Stored extends Sealed {
  /** The name, which the place on the disk does not tell. */
  name: Sealed;
}

/** A key of one group of values. */
interface GroupKey {
  id: string;
  key: CryptoKey;
}

/** A change to the store: a value, or nothing to remove what has the name. */
export type Change = [name: string, value: Packed | undefined];

const DATABASE = "tacit";
const VALUES = "values";
const DEVICE = "device";
/** Values whose names begin so are encrypted with a key of their group: all that have the same name up to the last part. */
const GROUPED = "draft/";

/** The store of this origin. Pages and their workers open it each for themselves. */
export class SealedStore {
  private constructor(
    private readonly database: IDBPDatabase,
    private readonly key: CryptoKey,
    private readonly nameKey: CryptoKey,
  ) {}

  static async open(name: string = DATABASE): Promise<SealedStore> {
    const database = await openDB(name, 1, {
      upgrade(database) {
        database.createObjectStore(VALUES);
        database.createObjectStore(DEVICE);
      },
    });
    const key = await deviceKey(database, "key", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]);
    return new SealedStore(database, key, await deviceKey(database, "names", { name: "HMAC", hash: "SHA-256" }, ["sign"]));
  }

  close(): void {
    this.database.close();
  }

  async get(name: string): Promise<Packed | undefined> {
    const place = await this.placeOf(name);
    const group = await this.groupOf(name);
    const transaction = this.database.transaction([VALUES, DEVICE]);
    const [stored, own] = await Promise.all([transaction.objectStore(VALUES).get(place), group && transaction.objectStore(DEVICE).get(group)]);
    return stored === undefined ? undefined : this.unseal(name, stored as Stored, this.keyFor(name, own as GroupKey | undefined));
  }

  /** All values whose names begin so, by the rest of their names, in the order of the names. `prefix` ends with a slash. */
  async all(prefix: string): Promise<Map<string, Packed>> {
    return (await this.read(prefix)).found;
  }

  /** Makes all changes or none. They are on the disk when the promise is fulfilled. */
  async change(changes: readonly Change[]): Promise<void> {
    const groups = new Map<string, GroupKey>();
    for (const [name, value] of changes) {
      const group = await this.groupOf(name);
      if (group !== undefined && value !== undefined && !groups.has(group)) {
        groups.set(group, ((await this.database.get(DEVICE, group)) as GroupKey | undefined) ?? (await newGroupKey()));
      }
    }
    const sealed = await Promise.all(
      changes.map(async ([name, value]) => {
        const [place, group] = [await this.placeOf(name), await this.groupOf(name)];
        return [place, value && (await this.seal(name, place, value, this.keyFor(name, group === undefined ? undefined : groups.get(group))))] as const;
      }),
    );
    const transaction = this.database.transaction([VALUES, DEVICE], "readwrite", { durability: "strict" });
    const [values, device] = [transaction.objectStore(VALUES), transaction.objectStore(DEVICE)];
    for (const [group, { id, key }] of groups) {
      const now = (await device.get(group)) as GroupKey | undefined;
      if (now === undefined) {
        void device.put({ id, key }, group);
      } else if (now.id !== id) {
        // Another tab, or the worker, has replaced the key meanwhile: what was sealed with the old one would be lost.
        await transaction.done;
        return this.change(changes);
      }
    }
    for (const [place, value] of sealed) {
      if (value === undefined) {
        void values.delete(place);
      } else {
        void values.put(value, place);
      }
    }
    await transaction.done;
  }

  put(name: string, value: Packed): Promise<void> {
    return this.change([[name, value]]);
  }

  /** Removes all values whose names begin so, and their keys. */
  async removeAll(prefix: string): Promise<void> {
    const range = await this.rangeOf(prefix);
    const keys = prefix.startsWith(GROUPED) ? await this.rangeOf(prefix, `${GROUPED}`) : undefined;
    const transaction = this.database.transaction([VALUES, DEVICE], "readwrite", { durability: "strict" });
    void transaction.objectStore(VALUES).delete(range);
    if (keys !== undefined) {
      void transaction.objectStore(DEVICE).delete(keys);
    }
    await transaction.done;
  }

  /** Encrypts what is left of a group with a new key, and destroys the old one, so that what was removed cannot be read any more: the files of a browser
   *  keep what was removed for a while. `prefix` is the group's, and ends with a slash. */
  async renewKey(prefix: string): Promise<void> {
    const group = await this.groupOf(prefix);
    if (group === undefined) {
      return;
    }
    const { found, stored, own } = await this.read(prefix);
    const [range, fresh] = [await this.rangeOf(prefix), await newGroupKey()];
    const sealed = await Promise.all(
      [...found].map(async ([rest, value]) => {
        const place = await this.placeOf(prefix + rest);
        return [place, await this.seal(prefix + rest, place, value, fresh.key)] as const;
      }),
    );
    const transaction = this.database.transaction([VALUES, DEVICE], "readwrite", { durability: "strict" });
    const [values, device] = [transaction.objectStore(VALUES), transaction.objectStore(DEVICE)];
    const [now, current] = await Promise.all([values.getAll(range), device.get(group)]);
    if (!isSame(stored, now as Stored[]) || (current as GroupKey | undefined)?.id !== own?.id) {
      // Something was stored meanwhile, and is not among what was encrypted anew.
      await transaction.done;
      return this.renewKey(prefix);
    }
    for (const [place, value] of sealed) {
      void values.put(value, place);
    }
    void (found.size === 0 ? device.delete(group) : device.put(fresh, group));
    await transaction.done;
  }

  /** Reads in one step what begins so, and the key of its group. */
  private async read(prefix: string): Promise<{ found: Map<string, Packed>; stored: Stored[]; own: GroupKey | undefined }> {
    const [range, group] = [await this.rangeOf(prefix), await this.groupOf(prefix)];
    const transaction = this.database.transaction([VALUES, DEVICE]);
    const values = transaction.objectStore(VALUES);
    const [places, stored, own] = (await Promise.all([
      values.getAllKeys(range),
      values.getAll(range),
      group && transaction.objectStore(DEVICE).get(group),
    ])) as [string[], Stored[], GroupKey | undefined];
    const found = await Promise.all(
      places.map(async (place, index): Promise<[string, Packed]> => {
        const one = stored[index] as Stored;
        const name = await this.unsealName(place, one.name);
        return [name.slice(prefix.length), await this.unseal(name, one, this.keyFor(name, own))];
      }),
    );
    return { found: new Map(found.sort(([a], [b]) => (a < b ? -1 : 1))), stored, own };
  }

  /** Where a value is on the disk: the keyed hash of each beginning of its name that ends with a whole part. */
  private async placeOf(name: string): Promise<string> {
    const parts = name.split("/");
    return (await Promise.all(parts.map((_, index) => this.hash(parts.slice(0, index + 1).join("/"))))).join("/");
  }

  private async rangeOf(prefix: string, before = ""): Promise<IDBKeyRange> {
    const place = `${before}${await this.placeOf(prefix.replace(/\/$/, ""))}`;
    return before === "" ? IDBKeyRange.bound(`${place}/`, `${place}/\uffff`) : IDBKeyRange.bound(place, `${place}\uffff`);
  }

  /** Where the key of a value's group is kept, if the value belongs to one. */
  private async groupOf(name: string): Promise<string | undefined> {
    return name.startsWith(GROUPED) ? `${GROUPED}${await this.placeOf(name.slice(0, name.lastIndexOf("/")))}` : undefined;
  }

  private async hash(text: string): Promise<string> {
    const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", this.nameKey, new TextEncoder().encode(text)));
    return [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  private keyFor(name: string, own: GroupKey | undefined): CryptoKey {
    if (!name.startsWith(GROUPED)) {
      return this.key;
    }
    if (own === undefined) {
      throw new Error("the key of a stored answer is missing");
    }
    return own.key;
  }

  private async seal(name: string, place: string, value: Packed, key: CryptoKey): Promise<Stored> {
    return { ...(await encrypt(key, name, value)), name: await encrypt(this.key, place, { json: name }) };
  }

  private unseal(name: string, stored: Stored, key: CryptoKey): Promise<Packed> {
    return decrypt(key, name, stored);
  }

  private async unsealName(place: string, stored: Sealed): Promise<string> {
    return (await decrypt(this.key, place, stored)).json as string;
  }
}

/** Encrypts a value. `bound` is authenticated, so that no value can take the place of another one. */
async function encrypt(key: CryptoKey, bound: string, value: Packed): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = pack(value);
  const data = await crypto.subtle.encrypt(parameters(iv, bound), key, plain as Uint8Array<ArrayBuffer>);
  plain.fill(0);
  return { iv, data };
}

async function decrypt(key: CryptoKey, bound: string, { iv, data }: Sealed): Promise<Packed> {
  const plain = new Uint8Array(await crypto.subtle.decrypt(parameters(iv, bound), key, data));
  const value = unpack(plain);
  plain.fill(0);
  return value;
}

function parameters(iv: Uint8Array, bound: string): AesGcmParams {
  return { name: "AES-GCM", iv: iv as Uint8Array<ArrayBuffer>, additionalData: new TextEncoder().encode(bound) };
}

/** Whether nothing was stored or removed between two looks: every value has a nonce of its own. */
function isSame(before: readonly Stored[], now: readonly Stored[]): boolean {
  return before.length === now.length && before.every(({ iv }, index) => iv.every((byte, at) => byte === now[index]?.iv[at]));
}

async function newGroupKey(): Promise<GroupKey> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  return { id: crypto.randomUUID(), key };
}

async function deviceKey(database: IDBPDatabase, name: string, kind: AesKeyGenParams | HmacKeyGenParams, uses: KeyUsage[]): Promise<CryptoKey> {
  const stored = (await database.get(DEVICE, name)) as CryptoKey | undefined;
  if (stored !== undefined) {
    return stored;
  }
  const made = (await crypto.subtle.generateKey(kind, false, uses)) as CryptoKey;
  // Page and worker may both have found none: the first to write wins, and both use its key.
  const transaction = database.transaction(DEVICE, "readwrite");
  const first = (await transaction.store.get(name)) as CryptoKey | undefined;
  if (first === undefined) {
    void transaction.store.put(made, name);
  }
  await transaction.done;
  return first ?? made;
}
