// Answers that are given and not sent yet: one encrypted value for each item, written before the next item is shown.

import { names, type JobPlace } from "./names.ts";
import type { SealedStore } from "./sealed-store.ts";

/** A draft: the class, or that the item is left out for now. */
export type Draft = { class: number } | "skipped";

/** The drafts of one job. */
export class Drafts {
  constructor(
    private readonly store: SealedStore,
    private readonly place: JobPlace,
  ) {}

  /** Drafts by item. */
  async all(): Promise<Map<number, Draft>> {
    const found = await this.store.all(names.drafts(this.place));
    return new Map([...found].map(([item, value]) => [Number(item), value.json as Draft]));
  }

  async put(item: number, draft: Draft | undefined): Promise<void> {
    await this.store.change([[names.draft(this.place, item), draft && { json: draft }]]);
  }
}
