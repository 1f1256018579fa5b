// What comes after sending: what counted and why the rest did not, and taking answers back.

import type { Certified, ErasureView, OutcomeView } from "tacit-engine";
import { Problem, Unreachable } from "../http/problem.ts";
import type { Desk } from "./desk.ts";

/** The result for one contributor. */
export interface Standing {
  certified: Certified;
  /** The items whose answers do not count: the coordinator's word; how many there are is certified. */
  rejected: { item: string; reason: string }[];
}

/** The terms of a job whose items are erased, from its certificate. They are worth as much as the signatures of the nodes, which are for their digest:
 *  `checkReceipts` checks that. */
async function certifiedTerms(desk: Desk): Promise<Uint8Array> {
  const certificate = JSON.parse(new TextDecoder().decode(await desk.api.certificate(desk.route.job))) as { terms: unknown };
  return new TextEncoder().encode(JSON.stringify(certificate.terms));
}

/** Asks what the nodes certify, and checks it in the worker; null until the job is published. */
export async function fetchStanding(desk: Desk): Promise<Standing | null> {
  const id = desk.route.job;
  const receipts = await desk.api.receipts(id);
  const { certified: isCertified } = JSON.parse(new TextDecoder().decode(receipts)) as { certified?: unknown };
  if (!isCertified) {
    return null;
  }
  const job = desk.isOpen ? undefined : { id, terms: await certifiedTerms(desk) };
  const certified = await desk.engine.checkReceipts(receipts, job);
  if (certified === null) {
    return null;
  }
  if (desk.route.terms !== undefined && certified.digest !== desk.route.terms) {
    throw new Error(`job ${id} is of other terms than the link names: their digest is ${certified.digest}, not ${desk.route.terms}`);
  }
  const rejected: Standing["rejected"] = [];
  for (const note of desk.submissions) {
    const record = certified.submissions[note.id];
    if (note.state !== "sent" || !record) {
      continue;
    }
    const body = await desk.api.submission(id, note.id);
    const outcome: OutcomeView | null = await desk.engine.checkOutcome(note.id, body, JSON.stringify(record));
    rejected.push(...(outcome?.rejected ?? []));
  }
  return { certified, rejected };
}

/** How often the nodes are asked at once, because they erase within moments. Later the person asks. */
const ASKS = 5;

/** Takes a submission back, and asks the nodes for a while whether they have erased it. Asked again, it tells which further ones have. What it has taken the
 *  place of is taken back with it: the coordinator may have it after all. */
export async function withdraw(
  desk: Desk,
  id: string,
  pause: (seconds: number) => Promise<void> = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
  asks: number = ASKS,
): Promise<ErasureView> {
  for (const replaced of await desk.engine.replacedBy(id)) {
    await withdrawReplaced(desk, replaced);
  }
  const body = await desk.engine.withdrawal(id);
  for (let asked = 1; ; asked += 1) {
    const view = await desk.engine.noteWithdrawn(id, await desk.api.withdraw(desk.job.id, id, body));
    if (view.missing.length === 0 || asked >= asks) {
      await desk.load();
      return view;
    }
    await pause(asked / 2);
  }
}

async function withdrawReplaced(desk: Desk, id: string): Promise<void> {
  const body = await desk.engine.withdrawal(id);
  try {
    await desk.engine.noteWithdrawn(id, await desk.api.withdraw(desk.job.id, id, body));
  } catch (error) {
    if (!(error instanceof Problem && error.kind === "unknown_submission")) {
      throw error;
    }
    await desk.engine.noteDenied(id);
  }
}

/** Asks again for what was to be taken back and is not confirmed by every node: at every visit, until it is. */
export async function repeatWithdrawals(desk: Desk): Promise<void> {
  for (const { id } of desk.submissions.filter(({ state }) => state === "withdrawing")) {
    try {
      await withdraw(desk, id, undefined, 1);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Problem)) {
        throw error;
      }
    }
  }
}
