// What is kept of a job: where it is, the signed spec, so that it can be answered without a network, and what was agreed to.

import { names, type JobPlace } from "./names.ts";
import type { SealedStore } from "./sealed-store.ts";

/** What a contributor has agreed to, in the words that were shown. It stays with the contributor. */
export interface ConsentRecord {
  format: "tacit consent 1";
  cluster: string;
  job: string;
  terms: string;
  contributor: string;
  key: string;
  agreed_at: string;
  /** The paragraphs that were shown. */
  shown: string[];
  /** The digest of the page's files, if its service worker has pinned them. */
  page: string | null;
}

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
  consent?: ConsentRecord;
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
