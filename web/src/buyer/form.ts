// A job's spec from the fields of a form.

import type { Item, PayRule, ReleaseName, Side } from "tacit-engine";
import type { NamedFile } from "../engine/buyer-calls.ts";
import { isLoopback } from "../route.ts";
import { micros } from "../ui/money.ts";

/** What the form holds: texts as they were typed. */
export interface JobForm {
  name: string;
  id: string;
  question: string;
  classes: string;
  items: string;
  itemsFile?: NamedFile | undefined;
  perItem: string;
  closesAt: string;
  sensitive: boolean;
  pool?: NamedFile;
  isPublic: boolean;
  release: ReleaseName[];
  rule: PayRule | "none";
  currency: string;
  base: string;
  bonus: string;
}

export const EMPTY_FORM: JobForm = {
  name: "",
  id: "",
  question: "",
  classes: "",
  items: "",
  perItem: "3",
  closesAt: "",
  // As in a spec without this field: whoever says that answers are as good as public says so by themselves.
  sensitive: true,
  isPublic: false,
  release: ["labels", "agreement", "class_totals", "payouts"],
  rule: "peer_agreement",
  currency: "EUR",
  base: "0.02",
  bonus: "0.02",
};


/** The lines of a text that say something. */
export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** An id made of a name. */
export function idOf(name: string): string {
  return name
    .normalize("NFD")
    // The accents that stand alone now are no letters of their own.
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 64)
    .replace(/-+$/, "");
}

/** Gives the SHA-256 of the picture at an address. */
type Digest = (address: string) => Promise<string>;

/** Whether a text is the address of a picture, as terms allow one. */
function isPicture(address: string): boolean {
  const [, scheme, host = ""] = /^(https?):\/\/(\[[^\]\s]*\]|[^/:\s]+)\S*$/.exec(address) ?? [];
  return scheme === "https" || (scheme === "http" && isLoopback(host));
}

/** What one line, or one side of a pair, shows: a picture where it is an address, perhaps with a description after `|`; else a text. */
async function sideOf(line: string, digest: Digest): Promise<Side> {
  const [, url = "", alt] = /^(https?:\/\/[^\s|]+)(?:\s*\|\s*(.+))?$/.exec(line.trim()) ?? [];
  return isPicture(url) ? { image: { url, sha256: await digest(url), ...(alt !== undefined && { alt }) } } : { text: line.trim() };
}

/** Items of the lines of the form. A line with `||` is a pair: what stands before it is left, what stands after it right. */
export async function itemsOf(text: string, digest: Digest): Promise<Item[]> {
  const given = lines(text);
  const width = String(given.length).length;
  const items: Item[] = [];
  for (const [index, line] of given.entries()) {
    const id = `item-${String(index + 1).padStart(width, "0")}`;
    const [left = "", right] = line.split(/\s*\|\|\s*/, 2);
    items.push(right === undefined ? { id, ...(await sideOf(line, digest)) } : { id, left: await sideOf(left, digest), right: await sideOf(right, digest) });
  }
  return items;
}

/** What is missing before the form can become a spec, if something is. */
export function missing(form: JobForm): "pool" | undefined {
  return form.sensitive && form.pool === undefined ? "pool" : undefined;
}

/** The most that can fall due: what is set aside as the budget. Nothing where an amount is none. */
export function budget(form: JobForm, items: number): number | undefined {
  const [base, bonus, perItem] = [micros(form.base), form.rule === "flat" ? 0 : micros(form.bonus), Number(form.perItem)];
  return base === undefined || bonus === undefined || !Number.isInteger(perItem) ? undefined : items * perItem * (base + bonus);
}

/** The spec as JSON. Items are inline, or the name of a file. */
export function specOf(form: JobForm, items: Item[] | string, itemCount: number): Record<string, unknown> {
  const pays = form.rule !== "none" && form.release.includes("payouts");
  return {
    name: form.name.trim(),
    question: { kind: "categorical", classes: lines(form.classes), ...(form.question.trim() !== "" && { text: form.question.trim() }) },
    items,
    answers_per_item: Number(form.perItem),
    ...(form.closesAt !== "" && { closes_at: new Date(form.closesAt).toISOString().replace(/\.000Z$/, "Z") }),
    sensitive: form.sensitive,
    ...(form.isPublic && { public: true }),
    release: form.release.filter((name) => pays || name !== "payouts"),
    ...(form.sensitive && form.pool && { issuers: form.pool.name }),
    ...(pays && {
      payout: {
        rule: form.rule,
        currency: form.currency.trim(),
        base_per_item: micros(form.base) ?? 0,
        bonus_per_item: form.rule === "flat" ? 0 : (micros(form.bonus) ?? 0),
        budget: budget(form, itemCount) ?? 0,
      },
    }),
  };
}

/** The name of the spec among chosen files: the one that asks a question. Files of pools are TOML as well, and results that give weights are JSON. */
export function specName(files: readonly NamedFile[]): string | "none" | "several" {
  const asks = files.filter(({ name, bytes }) => {
    const text = new TextDecoder().decode(bytes);
    return (name.endsWith(".toml") && /^\s*\[?\s*question\b/m.test(text)) || (name.endsWith(".json") && /"question"\s*:/.test(text));
  });
  return asks.length === 0 ? "none" : ((asks.length === 1 ? asks[0]?.name : undefined) ?? "several");
}
