// Submissions that were made on this device. One is stored before it is sent, and its answers leave the drafts in the same step in which its receipt is
// stored: what was sent is never sent a second time as another submission, wherever the page was closed.

import { names, type JobPlace } from "./names.ts";
import type { Change, SealedStore } from "./sealed-store.ts";

/** What is known of a submission. */
export interface SubmissionNote {
  id: string;
  /** The answered items. */
  items: number[];
  /** `made`: stored here, not acknowledged. `sent`: there is a receipt. `withdrawing`: to be taken back, not confirmed by every node. `withdrawn`:
   *  every node has signed that it is erased. `replaced`: its answers were sealed again to newer keys; it should be nowhere, but that is only what the
   *  coordinator says. */
  state: "made" | "sent" | "withdrawing" | "withdrawn" | "replaced";
  /** The names of the nodes that have not signed yet that it is erased. */
  missing?: string[];
  /** Whether it was `replaced` before it was to be taken back. */
  isReplaced?: boolean;
  /** Whether the coordinator has said, when it was to be taken back, that it does not have it. */
  isDenied?: boolean;
  made: number;
  /** The place among the job's submissions, once there is a receipt. */
  sequence?: number;
}

/** A submission with its bytes: `bytes` until it is acknowledged, and `header`, `receipt` and `erasures`. */
export interface StoredSubmission {
  note: SubmissionNote;
  bytes: Record<string, Uint8Array>;
}

/** The submissions of one job. */
export class Submissions {
  constructor(
    private readonly store: SealedStore,
    private readonly place: JobPlace,
  ) {}

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

  /** Stores a receipt and removes the answers that it acknowledges from the drafts. */
  async settle(stored: StoredSubmission): Promise<void> {
    const drafts: Change[] = stored.note.items.map((item) => [names.draft(this.place, item), undefined]);
    await this.store.change([this.entry(stored), ...drafts]);
  }

  /** Forgets a submission of which the coordinator has stored nothing; its answers are still drafts. */
  async forget(id: string): Promise<void> {
    await this.store.change([[names.submission(this.place, id), undefined]]);
  }

  private entry({ note, bytes }: StoredSubmission): Change {
    return [names.submission(this.place, note.id), { json: note, bytes }];
  }
}
