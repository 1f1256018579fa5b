// Where somebody stands who answers items one after the other: which item is shown, what was answered, and what can be undone. No display, no storage.

import type { Draft } from "../storage/drafts.ts";

/** What was there before a step. */
export interface Step {
  item: number;
  before: Draft | undefined;
}

/** The items of a job as one person goes through them. */
export class Sitting {
  private readonly drafts: Map<number, Draft>;
  private readonly past: Step[] = [];
  private final: ReadonlySet<number>;
  /** The place in the order, from 0; `total` where nothing is left to answer. */
  private place: number;

  constructor(
    /** How many items the job has. */
    readonly total: number,
    /** The item that comes first; the others follow in the job's order. */
    private readonly start: number,
    drafts: ReadonlyMap<number, Draft>,
    /** Items that were sent, or are being sent: their answers are final. */
    final: ReadonlySet<number>,
  ) {
    [this.drafts, this.final] = [new Map(), final];
    this.place = total;
    this.update(drafts, final);
  }

  /** Takes what is stored now: answers were sent, refused or taken back. The item that is shown stays unless its answer has become final. */
  update(drafts: ReadonlyMap<number, Draft>, final: ReadonlySet<number>): void {
    this.final = final;
    this.drafts.clear();
    for (const [item, draft] of drafts) {
      if (item < this.total && !final.has(item)) {
        this.drafts.set(item, draft);
      }
    }
    const past = this.past.filter(({ item }) => !final.has(item));
    this.past.splice(0, this.past.length, ...past);
    if (this.item === undefined || final.has(this.item)) {
      this.place = this.nextOpen(this.place);
    }
  }

  /** The item at a place of the order. */
  itemAt(place: number): number {
    return (this.start + place) % this.total;
  }

  /** The place of the item that is shown. */
  get current(): number {
    return this.place;
  }

  /** The item that is shown; nothing once all are answered, left out or sent. */
  get item(): number | undefined {
    return this.place < this.total ? this.itemAt(this.place) : undefined;
  }

  get isAtEnd(): boolean {
    return this.place >= this.total;
  }

  draft(item: number): Draft | undefined {
    return this.drafts.get(item);
  }

  isFinal(item: number): boolean {
    return this.final.has(item);
  }

  /** Answers that are not sent yet. */
  get waiting(): number {
    return [...this.drafts.values()].filter((draft) => draft !== "skipped").length;
  }

  get skipped(): number {
    return this.drafts.size - this.waiting;
  }

  get sent(): number {
    return this.final.size;
  }

  /** Items that have an answer, sent or not. */
  get done(): number {
    return this.waiting + this.sent;
  }

  /** What the last step would be taken back to. */
  get lastStep(): Readonly<Step> | undefined {
    return this.past.at(-1);
  }

  /** Answers the item that is shown, or leaves it out, and goes on to the next. */
  take(draft: Draft): void {
    const item = this.item;
    if (item !== undefined) {
      this.past.push({ item, before: this.drafts.get(item) });
      this.drafts.set(item, draft);
      this.place = this.nextOpen(this.place);
    }
  }

  /** Takes the last step back and shows its item. */
  undo(): void {
    const step = this.past.pop();
    if (step === undefined) {
      return;
    }
    if (step.before === undefined) {
      this.drafts.delete(step.item);
    } else {
      this.drafts.set(step.item, step.before);
    }
    this.place = (step.item - this.start + this.total) % this.total;
  }

  /** Shows the item before or after, answered or not; items that were sent are passed over. */
  move(by: 1 | -1): void {
    for (let place = this.place + by; place >= 0 && place <= this.total; place += by) {
      if (place === this.total || !this.final.has(this.itemAt(place))) {
        this.place = place;
        return;
      }
    }
  }

  /** Shows the items that were left out again, from the first one. Returns which ones, to be stored as open. */
  reopen(): number[] {
    const items = [...this.drafts].filter(([, draft]) => draft === "skipped").map(([item]) => item);
    items.forEach((item) => this.drafts.delete(item));
    this.past.length = 0;
    this.place = this.nextOpen(-1);
    return items;
  }

  /** The next place after this one whose item has nothing; where there is none, the first such place; else the end. */
  private nextOpen(after: number): number {
    const isOpen = (place: number): boolean => {
      const item = this.itemAt(place);
      return !this.drafts.has(item) && !this.final.has(item);
    };
    for (let place = after + 1; place < this.total; place += 1) {
      if (isOpen(place)) {
        return place;
      }
    }
    for (let place = 0; place <= after && place < this.total; place += 1) {
      if (isOpen(place)) {
        return place;
      }
    }
    return this.total;
  }
}
