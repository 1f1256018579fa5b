// Which job a buyer means. The coordinator says how far a job is, and is not asked which job it is: its id is the one on the screen, and its terms are those
// that were signed on this device, or carry the signature of the key that is here.

import type { JobView } from "tacit-engine";
import type { Engine } from "../engine/client.ts";
import { EngineFailure } from "../engine/messages.ts";
import type { JobStatus } from "../http/api.ts";
import { buyerText } from "../text/en-buyer.ts";

/** A job as its buyer has signed it. */
export interface OwnJob {
  id: string;
  digest: string;
}

/** Finds the digest of the terms of a job, and stops if the coordinator says something else. `spec` fetches the job's spec. */
export async function ownJob(engine: Engine, id: string, said: Pick<JobStatus, "id" | "digest">, spec: () => Promise<Uint8Array>): Promise<OwnJob> {
  const digest = (await engine.pinned(id)) ?? (await openOwn(engine, id, await spec())).digest;
  if (said.id !== id || said.digest !== digest) {
    throw new EngineFailure("other_terms", buyerText.job.otherJob(said.id, said.digest, digest));
  }
  return { id, digest };
}

/** Opens a spec, if the key on this device has signed it; with the digest that was signed here, it must be that one. */
export async function openOwn(engine: Engine, id: string, spec: Uint8Array): Promise<JobView> {
  const pinned = (await engine.pinned(id)) ?? undefined;
  const view = await engine.openJob(id, spec, pinned);
  const buyer = await engine.buyerPublicKey();
  if (pinned === undefined && view.terms.buyer !== buyer) {
    throw new EngineFailure("other_terms", buyer === null ? buyerText.job.noKey : buyerText.job.otherBuyer(view.buyerFingerprint));
  }
  return view;
}
