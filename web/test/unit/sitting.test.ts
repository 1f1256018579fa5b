import { expect, test } from "vitest";
import { Sitting } from "../../src/contributor/sitting.ts";
import type { Draft } from "../../src/storage/drafts.ts";

const sitting = (total: number, start = 0, drafts: [number, Draft][] = [], final: number[] = []): Sitting =>
  new Sitting(total, start, new Map(drafts), new Set(final));

test("items come one after the other from the start, and around the end", () => {
  const one = sitting(4, 2);
  const seen: (number | undefined)[] = [];
  while (!one.isAtEnd) {
    seen.push(one.item);
    one.take({ class: 0 });
  }
  expect(seen).toEqual([2, 3, 0, 1]);
  expect([one.waiting, one.done, one.item]).toEqual([4, 4, undefined]);
});

test("a new sitting goes on where the last one stopped", () => {
  const one = sitting(5, 1, [[1, { class: 2 }], [2, "skipped"]], [3]);
  expect(one.item).toBe(4);
  expect([one.waiting, one.skipped, one.sent, one.done]).toEqual([1, 1, 1, 2]);
});

test("what was sent is final: it is not shown, and not answered again", () => {
  const one = sitting(3, 0, [[0, { class: 1 }]], [0, 1]);
  expect([one.item, one.waiting]).toEqual([2, 0]);
  one.move(-1);
  expect(one.item).toBe(2);
  one.take({ class: 0 });
  expect([one.isAtEnd, one.waiting]).toEqual([true, 1]);
  one.take({ class: 0 });
  expect(one.waiting).toBe(1);
});

test("undo takes steps back one by one, to what was there before", () => {
  const one = sitting(3, 0, [[0, { class: 7 }]]);
  one.move(-1);
  expect(one.item).toBe(0);
  one.take({ class: 1 });
  one.take("skipped");
  expect(one.lastStep).toEqual({ item: 1, before: undefined });
  one.undo();
  expect([one.item, one.draft(1)]).toEqual([1, undefined]);
  expect(one.lastStep).toEqual({ item: 0, before: { class: 7 } });
  one.undo();
  expect([one.item, one.draft(0), one.lastStep]).toEqual([0, { class: 7 }, undefined]);
});

test("after the last item come those that have nothing, then the end", () => {
  const one = sitting(3);
  one.move(1);
  one.take({ class: 0 });
  one.take({ class: 0 });
  expect(one.item).toBe(0);
  one.take({ class: 0 });
  expect(one.isAtEnd).toBe(true);
  one.move(-1);
  expect(one.item).toBe(2);
});

test("items that were left out come back when they are wanted", () => {
  const one = sitting(3);
  one.take({ class: 0 });
  one.take("skipped");
  one.take("skipped");
  expect([one.isAtEnd, one.skipped]).toEqual([true, 2]);
  expect(one.reopen().sort()).toEqual([1, 2]);
  expect([one.item, one.skipped]).toEqual([1, 0]);
});

test("drafts of items that the job does not have are not counted", () => {
  expect(sitting(2, 0, [[5, { class: 0 }]]).waiting).toBe(0);
});
