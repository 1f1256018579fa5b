// Submissions that were made on this device. One is stored before it is sent, together with the note in its drafts that they are part of it, and its answers
// leave the drafts in the same step in which its receipt is stored: what was sent is never sent a second time as another submission, wherever the page
// was closed.

import { Drafts } from "./drafts.ts";
import { names, type JobPlace } from "./names.ts";
import type { Change, SealedStore } from "./sealed-store.ts";

/** What is known of a submission. */
export interface SubmissionNote {
  id: string;
  /** The answered items. */
  items: number[];
  /** `made`: stored here, not acknowledged. `sent`: there is a receipt. `refused`: the coordinator says that it does not take it, for good. `withdrawing`:
   *  to be taken back, not confirmed by every node. `withdrawn`: every node has signed that it is erased. `replaced`: its answers were sealed again, or
   *  are to be; it should be nowhere, but that is only what the coordinator says. */
  state: "made" | "sent" | "refused" | "withdrawing" | "withdrawn" | "replaced";
  /** The names of the nodes that have not signed yet that it is erased. */
  missing?: string[];
  /** Whether it was `replaced` before it was to be taken back. */
  isReplaced?: boolean;
  /** Whether the coordinator has said, when it was to be taken back, that it does not have it. */
  isDenied?: boolean;
  made: number;
  /** The place among the job's submissions, once there is a receipt. */
  sequence?: number;
  /** Why it was refused: the kind of the coordinator's problem document. */
  refusal?: string;
}

/** A submission with its bytes: `bytes` until it is acknowledged, and `header`, `receipt` and `erasures`. */
export interface StoredSubmission {
  note: SubmissionNote;
  bytes: Record<string, Uint8Array>;
}

/** Whether the answers of a submission are final: they are in the job, or on their way into it. What was taken back can be answered again, and what was
 *  replaced is in another submission. */
export function isFinal({ state, isReplaced }: SubmissionNote): boolean {
  return state !== "withdrawn" && state !== "replaced" && isReplaced !== true;
}

/** The submissions of one job. */
export class Submissions {
  private readonly drafts: Drafts;

  constructor(
    private readonly store: SealedStore,
    private readonly place: JobPlace,
  ) {
    this.drafts = new Drafts(store, place);
  }

  async all(): Promise<StoredSubmission[]> {
    const found = await this.store.all(names.submissions(this.place));
    const list = [...found.values()].map((value) => ({ note: value.json as SubmissionNote, bytes: value.bytes ?? {} }));
    return list.sort((a, b) => a.note.made - b.note.made);
  }

  async get(id: string): Promise<StoredSubmission | undefined> {
    const value = await this.store.get(names.submission(this.place, id));
    return value && { note: value.json as SubmissionNote, bytes: value.bytes ?? {} };
  }

  async put(stored: StoredSubmission): Promise<void> {
    await this.store.change([this.entry(stored)]);
  }

  /** Stores a new submission of these drafts. Returns false, and stores nothing, if one of them was changed since it was sealed. */
  make(stored: StoredSubmission, answers: readonly (readonly [item: number, answer: number])[]): Promise<boolean> {
    return this.drafts.seal(answers, stored.note.id, [this.entry(stored)]);
  }

  /** Stores a receipt and removes the answers that it acknowledges from the drafts. */
  settle(stored: StoredSubmission): Promise<void> {
    return this.drafts.remove(stored.note.id, [this.entry(stored)]);
  }

  /** Stores that a submission is taken back or replaced: its items can be answered again, and the answers that are still here are drafts as before. */
  reopen(stored: StoredSubmission): Promise<void> {
    return this.drafts.unseal(stored.note.id, [this.entry(stored)]);
  }

  private entry({ note, bytes }: StoredSubmission): Change {
    return [names.submission(this.place, note.id), { json: note, bytes }];
  }
}
