// What the contributor has agreed to, signed with its key: one record for each job and person. It is stored before the first item is shown, and nobody gets it but
// who is given the file by the contributor.

import { names, type JobPlace } from "./names.ts";
import type { SealedStore } from "./sealed-store.ts";

/** A record with what is known of it beside it. */
export interface StoredConsent {
  /** The record as JSON. */
  record: string;
  /** The public half of the key that has signed it. */
  key: string;
  /** The paragraphs that were shown. */
  shown: string[];
  /** The digest of the page's files, if its service worker has pinned them. */
  page: string | null;
}

/** The records of consent on this device. */
export class Consents {
  constructor(private readonly store: SealedStore) {}

  async get(place: JobPlace): Promise<StoredConsent | undefined> {
    return (await this.store.get(names.consent(place)))?.json as StoredConsent | undefined;
  }

  async put(place: JobPlace, stored: StoredConsent): Promise<void> {
    await this.store.put(names.consent(place), { json: stored });
  }

  /** Those of a key for jobs of a cluster, by job. */
  async ofKey(cluster: string, key: string): Promise<Map<string, StoredConsent>> {
    const found = await this.store.all(names.consents(cluster));
    const all = [...found].map(([name, value]) => [...name.split("/"), value.json] as [job: string, person: string, stored: StoredConsent]);
    return new Map(all.flatMap(([job, person, stored]) => (person === key && stored.key === key ? [[job, stored] as const] : [])));
  }
}
