// What the page keeps on the device: values by name, encrypted with a key that the browser does not give out. Answers, keys and submissions are
// never stored in any other way.

import { openDB, type IDBPDatabase } from "idb";
import { pack, unpack, type Packed } from "./packing.ts";

interface Stored {
  iv: Uint8Array;
  data: ArrayBuffer;
}

/** A change to the store: a value, or nothing to remove what has the name. */
export type Change = [name: string, value: Packed | undefined];

const DATABASE = "tacit";
const VALUES = "values";
const DEVICE = "device";

/** The store of this origin. Pages and their workers open it each for themselves. */
export class SealedStore {
  private constructor(
    private readonly database: IDBPDatabase,
    private readonly key: CryptoKey,
  ) {}

  static async open(name: string = DATABASE): Promise<SealedStore> {
    const database = await openDB(name, 1, {
      upgrade(database) {
        database.createObjectStore(VALUES);
        database.createObjectStore(DEVICE);
      },
    });
    return new SealedStore(database, await deviceKey(database));
  }

  close(): void {
    this.database.close();
  }

  async get(name: string): Promise<Packed | undefined> {
    const stored = (await this.database.get(VALUES, name)) as Stored | undefined;
    return stored && this.unseal(name, stored);
  }

  /** All values whose names begin so, by the rest of their names, in the order of the names. */
  async all(prefix: string): Promise<Map<string, Packed>> {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const transaction = this.database.transaction(VALUES);
    const [names, values] = await Promise.all([transaction.store.getAllKeys(range), transaction.store.getAll(range)]);
    const found = new Map<string, Packed>();
    for (const [index, name] of names.entries()) {
      found.set(String(name).slice(prefix.length), await this.unseal(String(name), values[index] as Stored));
    }
    return found;
  }

  /** Makes all changes or none. They are on the disk when the promise is fulfilled. */
  async change(changes: readonly Change[]): Promise<void> {
    const sealed = await Promise.all(changes.map(async ([name, value]) => [name, value && (await this.seal(name, value))] as const));
    const transaction = this.database.transaction(VALUES, "readwrite", { durability: "strict" });
    for (const [name, value] of sealed) {
      if (value === undefined) {
        void transaction.store.delete(name);
      } else {
        void transaction.store.put(value, name);
      }
    }
    await transaction.done;
  }

  put(name: string, value: Packed): Promise<void> {
    return this.change([[name, value]]);
  }

  /** Removes all values whose names begin so. */
  async removeAll(prefix: string): Promise<void> {
    await this.database.delete(VALUES, IDBKeyRange.bound(prefix, `${prefix}\uffff`));
  }

  private async seal(name: string, value: Packed): Promise<Stored> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = pack(value);
    const data = await crypto.subtle.encrypt(parameters(iv, name), this.key, plain as Uint8Array<ArrayBuffer>);
    plain.fill(0);
    return { iv, data };
  }

  private async unseal(name: string, stored: Stored): Promise<Packed> {
    const plain = new Uint8Array(await crypto.subtle.decrypt(parameters(stored.iv, name), this.key, stored.data));
    return unpack(plain);
  }
}

/** The name is authenticated, so that no value can take the place of another one. */
function parameters(iv: Uint8Array, name: string): AesGcmParams {
  return { name: "AES-GCM", iv: iv as Uint8Array<ArrayBuffer>, additionalData: new TextEncoder().encode(name) };
}

async function deviceKey(database: IDBPDatabase): Promise<CryptoKey> {
  const stored = (await database.get(DEVICE, "key")) as CryptoKey | undefined;
  if (stored !== undefined) {
    return stored;
  }
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // Page and worker may both have found none: the first to write wins, and both use its key.
  const transaction = database.transaction(DEVICE, "readwrite");
  const first = (await transaction.store.get("key")) as CryptoKey | undefined;
  if (first === undefined) {
    void transaction.store.put(made, "key");
  }
  await transaction.done;
  return first ?? made;
}
