// Numbers of a result, prepared for tables and plots.

import type { Report } from "tacit-engine";

/** A measure of agreement, or why it is not available. */
export interface Measure {
  name: string;
  value: number | null;
  reason: string;
}

const MEASURES = ["observed", "observed_pooled", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"];

/** The measures of agreement in their usual order. */
export function measures({ agreement }: Report): Measure[] {
  return MEASURES.flatMap((name) => {
    const value = agreement?.[name];
    if (value === undefined) {
      return [];
    }
    return [{ name, value: typeof value === "number" ? value : null, reason: String(agreement?.[`${name}_reason`] ?? "") }];
  });
}

/** How many amounts lie in each of at most twelve equal parts of their range. */
export function histogram(amounts: readonly number[]): { from: number; number: number }[] {
  if (amounts.length === 0) {
    return [];
  }
  const [least, most] = amounts.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
  if (least === most) {
    return [{ from: least, number: amounts.length }];
  }
  const count = Math.min(12, Math.max(2, Math.ceil(Math.sqrt(amounts.length))));
  const width = Math.ceil((most - least + 1) / count);
  const bins = Array.from({ length: count }, (_, index) => ({ from: least + index * width, number: 0 }));
  for (const amount of amounts) {
    const bin = bins[Math.floor((amount - least) / width)];
    if (bin !== undefined) {
      bin.number += 1;
    }
  }
  return bins;
}

/** Amounts as they stand under the bars of a histogram: with so many decimals that two neighbours differ. The exact ones are in the table. */
export function barLabels(amounts: readonly number[]): string[] {
  const step = amounts.length < 2 ? 10_000 : Math.abs((amounts[1] ?? 0) - (amounts[0] ?? 0));
  const decimals = Math.min(6, Math.max(2, Math.ceil(6 - Math.log10(Math.max(step, 1)))));
  return amounts.map((amount) => (amount / 1_000_000).toFixed(decimals));
}

/** Labels as CSV: `item,label`. A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
export function labelsCsv({ labels }: Report): string {
  const cell = (text: string): string => {
    const safe = /^[=+\-@\t\r']/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return ["item,label", ...labels.map(({ item, label }) => `${cell(item)},${cell(label ?? "")}`)].join("\n") + "\n";
}
