import { expect, test } from "vitest";
import { micros, money } from "../../src/ui/money.ts";

test("amounts are exact, with at least two decimals", () => {
  expect(money(0, "EUR")).toBe("0.00 EUR");
  expect(money(20_000, "EUR")).toBe("0.02 EUR");
  expect(money(7_776_109, "EUR")).toBe("7.776109 EUR");
  expect(money(1_500_000, "EUR")).toBe("1.50 EUR");
  expect(money(933_354_204, "EUR")).toBe("933.354204 EUR");
  expect(money(1_234_567_000_000, "EUR")).toBe("1,234,567.00 EUR");
  expect(money(-1, "EUR")).toBe("−0.000001 EUR");
});

test("an amount that a number cannot hold exactly is not rounded in silence", () => {
  expect(money(2 ** 60, "EUR")).toContain("× 0.000001");
});

test("amounts are read as people write them, and refused where they are none", () => {
  expect(micros("0.02")).toBe(20_000);
  expect(micros(" 1,5 ")).toBe(1_500_000);
  expect(micros("12")).toBe(12_000_000);
  for (const wrong of ["", "1.2345678", "-1", "1e3", "1.", "1 000", "NaN"]) {
    expect(micros(wrong), wrong).toBeUndefined();
  }
});
