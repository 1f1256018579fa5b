// Answers that are given and not acknowledged yet: one encrypted value for each item, written before the next item is shown. Once an answer is part of a
// submission, nothing changes it any more, in whatever tab: an answer that was changed after it was sealed would be lost. When there is a receipt the
// answer is removed, and what stays is that the item is done.

import { exclusively } from "./exclusively.ts";
import { names, type JobPlace } from "./names.ts";
import type { Change, SealedStore } from "./sealed-store.ts";

/** A draft: the class, or that the item is left out for now. */
export type Draft = { class: number } | "skipped";

/** What is stored for an item: the draft until it is acknowledged, and the id of the submission that it is part of. */
interface StoredDraft {
  draft?: Draft;
  sealedIn?: string;
}

/** The answer is part of a submission, and cannot be changed here any more. */
export class AlreadySealed extends Error {
  constructor() {
    super("this answer was sent already, perhaps from another tab, and cannot be changed any more");
    this.name = "AlreadySealed";
  }
}

/** The drafts of one job. */
export class Drafts {
  constructor(
    private readonly store: SealedStore,
    private readonly place: JobPlace,
  ) {}

  /** Drafts by item, without those that are part of a submission. */
  async all(): Promise<Map<number, Draft>> {
    const stored = [...(await this.stored())];
    return new Map(stored.flatMap(([item, { draft, sealedIn }]) => (draft === undefined || sealedIn !== undefined ? [] : [[item, draft] as const])));
  }

  /** Stores a draft or removes it. Throws [`AlreadySealed`] if it is part of a submission. */
  async put(item: number, draft: Draft | undefined): Promise<void> {
    const name = names.draft(this.place, item);
    await this.alone(async () => {
      const before = (await this.store.get(name))?.json as StoredDraft | undefined;
      if (before?.sealedIn !== undefined) {
        throw new AlreadySealed();
      }
      await this.store.change([[name, draft && { json: { draft } satisfies StoredDraft }]]);
    });
  }

  /** Marks answers as part of a submission, and makes `changes` in the same step. Does nothing and returns false if one of them is not what was
   *  sealed: it was changed meanwhile. */
  seal(answers: readonly (readonly [item: number, answer: number])[], id: string, changes: readonly Change[]): Promise<boolean> {
    return this.alone(async () => {
      const stored = await this.stored();
      const isSame = ([item, answer]: readonly [number, number]): boolean => {
        const now = stored.get(item);
        return now?.draft !== undefined && now.sealedIn === undefined && now.draft !== "skipped" && now.draft.class === answer;
      };
      if (!answers.every(isSame)) {
        return false;
      }
      const sealed = answers.map(([item, answer]): Change => {
        const json: StoredDraft = { draft: { class: answer }, sealedIn: id };
        return [names.draft(this.place, item), { json }];
      });
      await this.store.change([...sealed, ...changes]);
      return true;
    });
  }

  /** Removes the answers that are part of a submission, and only these, and makes `changes` in the same step. */
  remove(id: string, changes: readonly Change[]): Promise<void> {
    return this.change(id, changes, () => ({ sealedIn: id }));
  }

  /** Opens the items of a submission again, with their answers if these are still here, and makes `changes` in the same step. */
  unseal(id: string, changes: readonly Change[]): Promise<void> {
    return this.change(id, changes, (draft) => draft && { draft });
  }

  private change(id: string, changes: readonly Change[], to: (draft: Draft | undefined) => StoredDraft | undefined): Promise<void> {
    return this.alone(async () => {
      const own = [...(await this.stored())].filter(([, { sealedIn }]) => sealedIn === id);
      const drafts = own.map(([item, { draft }]): Change => {
        const value = to(draft);
        return [names.draft(this.place, item), value && { json: value }];
      });
      await this.store.change([...drafts, ...changes]);
    });
  }

  private async stored(): Promise<Map<number, StoredDraft>> {
    const found = await this.store.all(names.drafts(this.place));
    return new Map([...found].map(([item, value]) => [Number(item), value.json as StoredDraft]));
  }

  private alone<T>(action: () => Promise<T>): Promise<T> {
    return exclusively(names.drafts(this.place), action);
  }
}
