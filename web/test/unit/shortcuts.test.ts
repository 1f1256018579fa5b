import { expect, test } from "vitest";
import { wishOf } from "../../src/contributor/shortcuts.ts";

const press = (key: string, held: { ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean } = {}) =>
  wishOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...held });

test("keys choose, move, skip and undo", () => {
  expect(press("1")).toEqual({ answer: 0 });
  expect(press("9")).toEqual({ answer: 8 });
  expect(["ArrowLeft", "ArrowRight", "s", "U"].map((key) => press(key))).toEqual(["previous", "next", "skip", "undo"]);
  expect(press("z", { ctrlKey: true })).toBe("undo");
});

test("keys that browsers and screen readers use stay theirs", () => {
  expect(["0", "Tab", "Enter", " ", "ArrowUp", "ArrowDown", "h"].map((key) => press(key))).toEqual(Array(7).fill(undefined));
  expect(press("s", { ctrlKey: true })).toBeUndefined();
  expect(press("ArrowLeft", { altKey: true })).toBeUndefined();
});
