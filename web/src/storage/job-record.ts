// What is kept of a job: where it is, and the signed spec, so that it can be answered without a network. What was agreed to is in consents.ts.

import { names, type JobPlace } from "./names.ts";
import type { SealedStore } from "./sealed-store.ts";

/** A job that was opened on this device. */
export interface JobRecord {
  coordinator: string;
  name: string;
  digest: string;
  /** The key that has signed the terms, and the digest of the issuers that they name. */
  buyer: string;
  issuers: string | null;
  /** The name of the stored identity that answers. */
  identity: string;
  /** Under which name payouts list this person. */
  contributor: string;
  /** When it was agreed to, Unix seconds. */
  agreedAt: number;
  /** With which item to begin: people who begin at different items answer different ones when nobody answers all. */
  start: number;
}

/** A record with the bytes that came from the coordinator. */
export interface StoredJob {
  record: JobRecord;
  spec: Uint8Array;
  terms: Uint8Array;
}

export async function loadJob(store: SealedStore, place: JobPlace): Promise<StoredJob | undefined> {
  const value = await store.get(names.job(place));
  const { spec, terms } = value?.bytes ?? {};
  if (value === undefined || spec === undefined || terms === undefined) {
    return undefined;
  }
  return { record: value.json as JobRecord, spec, terms };
}

export async function saveJob(store: SealedStore, place: JobPlace, stored: StoredJob): Promise<void> {
  await store.put(names.job(place), { json: stored.record, bytes: { spec: stored.spec, terms: stored.terms } });
}

/** The jobs that were opened on this device, once for each person. */
export async function listJobs(store: SealedStore): Promise<(JobPlace & { record: JobRecord })[]> {
  const found = await store.all(names.jobs);
  return [...found].map(([name, value]) => {
    const [cluster = "", job = "", person = ""] = name.split("/");
    return { cluster, job, person, record: value.json as JobRecord };
  });
}
