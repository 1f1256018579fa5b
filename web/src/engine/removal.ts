// Removing a person from this device: the key, and everything that was kept for it.

import { Consents } from "../storage/consents.ts";
import { Drafts } from "../storage/drafts.ts";
import { listJobs } from "../storage/job-record.ts";
import { names, type JobPlace } from "../storage/names.ts";
import type { Change, SealedStore } from "../storage/sealed-store.ts";
import { Submissions } from "../storage/submissions.ts";
import type { IdentityNote } from "./identities.ts";

/** What is lost when a key is removed. */
export interface Loss {
  contributor: string;
  /** The names of the jobs that were answered with it. */
  jobs: string[];
  /** Answers that have no receipt: they exist on this device only. */
  unsent: number;
  receipts: number;
}

async function places(store: SealedStore, cluster: string, identity: IdentityNote): Promise<(JobPlace & { name: string })[]> {
  const all = await listJobs(store);
  return all.filter((one) => one.cluster === cluster && one.person === identity.publicKey).map(({ record, ...place }) => ({ ...place, name: record.name }));
}

export async function lossOf(store: SealedStore, cluster: string, identity: IdentityNote): Promise<Loss> {
  const loss: Loss = { contributor: identity.contributor, jobs: [], unsent: 0, receipts: 0 };
  for (const { name, ...place } of await places(store, cluster, identity)) {
    const drafts = await new Drafts(store, place).all();
    const submissions = await new Submissions(store, place).all();
    const open = submissions.filter(({ note }) => note.state === "made" || note.state === "refused");
    loss.jobs.push(name);
    loss.unsent += [...drafts.values()].filter((draft) => draft !== "skipped").length + open.reduce((sum, { note }) => sum + note.items.length, 0);
    loss.receipts += submissions.filter(({ bytes }) => bytes["receipt"] !== undefined).length;
  }
  return loss;
}

/** Removes all of it in one step, and destroys the keys with which the answers were encrypted. */
export async function removePerson(store: SealedStore, cluster: string, identity: IdentityNote): Promise<void> {
  const changes: Change[] = [[identity.name, undefined]];
  const all = await places(store, cluster, identity);
  for (const place of all) {
    changes.push([names.job(place), undefined]);
    for (const prefix of [names.drafts(place), names.submissions(place)]) {
      changes.push(...[...(await store.all(prefix)).keys()].map((rest): Change => [prefix + rest, undefined]));
    }
  }
  // Also those of jobs that were not opened here, which came with the key's file.
  for (const job of (await new Consents(store).ofKey(cluster, identity.publicKey)).keys()) {
    changes.push([names.consent({ cluster, job, person: identity.publicKey }), undefined]);
  }
  await store.change(changes);
  for (const place of all) {
    await store.removeAll(names.drafts(place));
  }
}
