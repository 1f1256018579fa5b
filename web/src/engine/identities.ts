// The keys of a contributor, encrypted on this device: one that is enrolled with a cluster under a name, and one for each pool.

import type * as Module from "tacit-engine";
import { Consents, type StoredConsent } from "../storage/consents.ts";
import { names } from "../storage/names.ts";
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
  /** Whether the coordinator has enrolled it. Keys of pools need no enrolment. */
  isEnrolled: boolean;
}

/** A key with what belongs to it. */
export interface Identity {
  note: IdentityNote;
  file: string;
  credential?: string;
}

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
    return [...found.values()].map((value) => (value.json as Identity).note);
  }

  async load(name: string): Promise<Identity> {
    const value = await this.store.get(name);
    if (value === undefined) {
      throw new EngineFailure("unexpected", "the key is not on this device");
    }
    return value.json as Identity;
  }

  /** The key for this cluster under a name: the one that there is, or a new one. A key that is enrolled keeps its name. */
  async enrolled(cluster: string, contributor: string): Promise<IdentityNote> {
    const name = names.enrolled(cluster);
    const known = (await this.store.get(name))?.json as Identity | undefined;
    if (known?.note.isEnrolled) {
      return known.note;
    }
    const key = known === undefined ? this.engine.Key.generate() : this.engine.Key.fromFile(known.file);
    try {
      return await this.save({
        note: { name, publicKey: key.publicKey, contributor, isEnrolled: false },
        file: key.toFile(),
      });
    } finally {
      key.free();
    }
  }

  async noteEnrolled(name: string): Promise<IdentityNote> {
    const identity = await this.load(name);
    return this.save({ ...identity, note: { ...identity.note, isEnrolled: true } });
  }

  /** Makes a credential of an invitation for the key of its pool. The same person gets the same key; another one gets a new key. */
  async takeUp(cluster: Module.Cluster, job: Module.Job, invitation: Module.Invitation): Promise<IdentityNote> {
    const pool = job.view().terms.issuers?.pool ?? "";
    const name = `${names.pool(cluster.digest, pool)}/${invitation.serial}`;
    const known = (await this.store.get(name))?.json as Identity | undefined;
    const key = known === undefined ? this.engine.Key.generate() : this.engine.Key.fromFile(known.file);
    try {
      const credential = invitation.takeUp(cluster, job, key);
      try {
        return await this.save({
          note: { name, publicKey: key.publicKey, contributor: credential.name, pool: credential.pool, isEnrolled: true },
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
    return `${lines.join("\n")}\n${file}`;
  }

  /** Reads a key file, and keeps it for this cluster. It does not take the place of another key. */
  async fromFile(cluster: string, text: string): Promise<IdentityNote> {
    const lines = text.split(/\r?\n/);
    const after = (start: string): string | undefined => lines.find((line) => line.startsWith(start))?.slice(start.length).trim();
    const key = this.engine.Key.fromFile(text);
    try {
      const given = after(CREDENTIAL_LINE);
      const credential = given === undefined ? undefined : this.engine.Credential.fromFile(given);
      if (credential !== undefined && credential.cluster !== cluster) {
        credential.free();
        throw new EngineFailure("credential", "this key is for the people of another cluster");
      }
      const pool = credential && { pool: credential.pool, serial: credential.serial, contributor: credential.name };
      credential?.free();
      const name = pool ? `${names.pool(cluster, pool.pool)}/${pool.serial}` : names.enrolled(cluster);
      const known = (await this.store.get(name))?.json as Identity | undefined;
      if (known !== undefined && known.note.publicKey !== key.publicKey) {
        throw new EngineFailure("key_file", "this device has another key for the same cluster; save that one first, then remove it");
      }
      await this.takeConsents(cluster, key.publicKey, lines);
      return await this.save({
        note: {
          name,
          publicKey: key.publicKey,
          contributor: pool?.contributor ?? after(NAME_LINE) ?? known?.note.contributor ?? "",
          ...(pool && { pool: pool.pool }),
          // The page writes the name only into the file of a key that was enrolled under it.
          isEnrolled: pool !== undefined || (known?.note.isEnrolled ?? false) || after(NAME_LINE) !== undefined,
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
      if (stored.key === key && (await consents.get({ cluster, job })) === undefined) {
        await consents.put({ cluster, job }, stored);
      }
    }
  }

  private async save(identity: Identity): Promise<IdentityNote> {
    await this.store.put(identity.note.name, { json: identity });
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
