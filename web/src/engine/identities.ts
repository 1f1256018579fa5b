// The keys of a contributor, encrypted on this device: one that is enrolled with a cluster under a name, and one for each pool.

import type * as Module from "tacit-engine";
import { Consents, type StoredConsent } from "../storage/consents.ts";
import { names } from "../storage/names.ts";
import type { Packed } from "../storage/packing.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import { EngineFailure } from "./messages.ts";

/** What is known of a key without the key. */
export interface IdentityNote {
  /** The name under which it is stored. */
  name: string;
  publicKey: string;
  /** Under which name payouts list the contributor. */
  contributor: string;
  /** The pool, if a pool's issuers vouch for the key. */
  pool?: string;
  /** The digest of these issuers: the pool's name alone is anybody's to choose. */
  issuers?: string;
  /** Whether the coordinator has enrolled it. Keys of pools need no enrolment. */
  isEnrolled: boolean;
  /** Whether the person has saved it as a file. */
  isSaved?: boolean;
}

/** A key with what belongs to it. */
export interface Identity {
  note: IdentityNote;
  /** The key file. Whoever reads it overwrites it after use. */
  file: Uint8Array;
  credential?: string;
}

/** What is stored as JSON; the key file is stored beside it as bytes, because a text cannot be overwritten. */
type StoredIdentity = Omit<Identity, "file">;

/** In front of the lines that belong to a key. The command line reads such a file as well: it takes these lines for comments. */
const NAME_LINE = "# name: ";
const CREDENTIAL_LINE = "# credential: ";
const CONSENT_LINE = "# consent: ";

/** The stored identities. */
export class Identities {
  constructor(
    private readonly engine: typeof Module,
    private readonly store: SealedStore,
  ) {}

  async list(cluster: string): Promise<IdentityNote[]> {
    const found = await this.store.all(names.identities(cluster));
    return [...found.values()].map((value) => {
      wipe(value);
      return (value.json as StoredIdentity).note;
    });
  }

  async load(name: string): Promise<Identity> {
    const identity = await this.find(name);
    if (identity === undefined) {
      throw new EngineFailure("unexpected", "the key is not on this device");
    }
    return identity;
  }

  /** What is known of a stored key, without the key. */
  async note(name: string): Promise<IdentityNote> {
    const { note, file } = await this.load(name);
    file.fill(0);
    return note;
  }

  /** The key of a stored identity, as a handle. */
  async key(name: string): Promise<Module.Key> {
    return this.keyOf(await this.load(name));
  }

  /** The key for this cluster under a name: the one that there is, or a new one. A key that is enrolled keeps its name, so somebody else gets another key. */
  async enrolled(cluster: string, contributor: string, isSomebodyElse: boolean): Promise<IdentityNote> {
    const all = (await this.list(cluster)).filter(({ pool }) => pool === undefined);
    const enrolled = all.find(({ isEnrolled }) => isEnrolled);
    if (enrolled !== undefined && !isSomebodyElse) {
      return enrolled;
    }
    // One that was made before and that the coordinator has not taken, for example because the name was taken.
    const open = all.find(({ isEnrolled }) => !isEnrolled);
    const key = open === undefined ? this.engine.Key.generate() : await this.key(open.name);
    const name = open?.name ?? (enrolled === undefined ? names.enrolled(cluster) : `${names.enrolled(cluster)}/${key.publicKey}`);
    try {
      return await this.save({
        note: { name, publicKey: key.publicKey, contributor, isEnrolled: false },
        file: key.toFile(),
      });
    } finally {
      key.free();
    }
  }

  /** Notes something about a key. */
  async change(name: string, part: Partial<Pick<IdentityNote, "isEnrolled" | "isSaved">>): Promise<IdentityNote> {
    const identity = await this.load(name);
    return this.save({ ...identity, note: { ...identity.note, ...part } });
  }

  /** Makes a credential of an invitation for the key of its pool. The same person gets the same key; another one gets a new key. */
  async takeUp(cluster: Module.Cluster, job: Module.Job, invitation: Module.Invitation): Promise<IdentityNote> {
    const name = `${names.pool(cluster.digest, job.view().issuers?.digest ?? "")}/${invitation.serial}`;
    const known = await this.find(name);
    const key = known === undefined ? this.engine.Key.generate() : this.keyOf(known);
    try {
      const credential = invitation.takeUp(cluster, job, key);
      try {
        return await this.save({
          note: { name, publicKey: key.publicKey, contributor: credential.name, pool: credential.pool, issuers: credential.issuersDigest, isEnrolled: true },
          file: key.toFile(),
          credential: credential.toFile(),
        });
      } finally {
        credential.free();
      }
    } finally {
      key.free();
    }
  }

  /** The text of a key file with all that another device needs; with the records of consent to jobs of a cluster, if it is given. */
  async toFile(name: string, cluster?: string): Promise<string> {
    const { note, file, credential } = await this.load(name);
    const lines = [`${NAME_LINE}${note.contributor}`];
    if (credential !== undefined) {
      lines.push(`${CREDENTIAL_LINE}${JSON.stringify(JSON.parse(credential))}`);
    }
    const consents = cluster === undefined ? [] : await new Consents(this.store).ofKey(cluster, note.publicKey);
    for (const [job, consent] of consents) {
      lines.push(`${CONSENT_LINE}${JSON.stringify([job, consent])}`);
    }
    const text = new TextDecoder().decode(file);
    file.fill(0);
    return `${lines.join("\n")}\n${text}`;
  }

  /** Reads a key file, and keeps it for this cluster. It does not take the place of another key. */
  async fromFile(cluster: string, text: string): Promise<IdentityNote> {
    const lines = text.split(/\r?\n/);
    const after = (start: string): string | undefined => lines.find((line) => line.startsWith(start))?.slice(start.length).trim();
    const bytes = new TextEncoder().encode(text);
    const key = this.engine.Key.fromFile(bytes);
    bytes.fill(0);
    try {
      const given = after(CREDENTIAL_LINE);
      const credential = given === undefined ? undefined : this.engine.Credential.fromFile(given);
      if (credential !== undefined && credential.cluster !== cluster) {
        credential.free();
        throw new EngineFailure("credential", "this key is for the people of another cluster");
      }
      const pool = credential && { pool: credential.pool, issuers: credential.issuersDigest, serial: credential.serial, contributor: credential.name };
      credential?.free();
      const name = pool ? `${names.pool(cluster, pool.issuers)}/${pool.serial}` : names.enrolled(cluster);
      const known = await this.find(name);
      known?.file.fill(0);
      if (known !== undefined && known.note.publicKey !== key.publicKey) {
        throw new EngineFailure("key_file", "this device has another key for the same cluster: save that one to a file, then remove it from this device");
      }
      await this.takeConsents(cluster, key.publicKey, lines);
      return await this.save({
        note: {
          name,
          publicKey: key.publicKey,
          contributor: pool?.contributor ?? after(NAME_LINE) ?? known?.note.contributor ?? "",
          ...(pool && { pool: pool.pool, issuers: pool.issuers }),
          // The page writes the name only into the file of a key that was enrolled under it.
          isEnrolled: pool !== undefined || (known?.note.isEnrolled ?? false) || after(NAME_LINE) !== undefined,
          isSaved: true,
        },
        file: key.toFile(),
        ...(given !== undefined && { credential: given }),
      });
    } finally {
      key.free();
    }
  }

  /** Keeps the records of consent in a key file. Those that are here already stay: what was sent from here was sent under them. */
  private async takeConsents(cluster: string, key: string, lines: readonly string[]): Promise<void> {
    const consents = new Consents(this.store);
    for (const line of lines.filter((one) => one.startsWith(CONSENT_LINE))) {
      const [job, stored] = parseConsent(line.slice(CONSENT_LINE.length));
      const place = { cluster, job, person: key };
      if (stored.key === key && (await consents.get(place)) === undefined) {
        await consents.put(place, stored);
      }
    }
  }

  private async find(name: string): Promise<Identity | undefined> {
    const value = await this.store.get(name);
    const file = value?.bytes?.["file"];
    return file && { ...(value?.json as StoredIdentity), file };
  }

  private keyOf({ file }: Identity): Module.Key {
    try {
      return this.engine.Key.fromFile(file);
    } finally {
      file.fill(0);
    }
  }

  private async save({ file, ...identity }: Identity): Promise<IdentityNote> {
    await this.store.put(identity.note.name, { json: identity, bytes: { file } });
    file.fill(0);
    return identity.note;
  }
}

function parseConsent(text: string): [job: string, stored: StoredConsent] {
  try {
    return JSON.parse(text) as [string, StoredConsent];
  } catch {
    throw new EngineFailure("key_file", "a record of consent in this key file is damaged: copy the file again, whole");
  }
}

/** Overwrites the key file of a stored identity of which only the rest is used. */
function wipe(value: Packed): void {
  value.bytes?.["file"]?.fill(0);
}
