import { expect, test } from "vitest";
import type { Report } from "tacit-engine";
import { budget, EMPTY_FORM, idOf, itemsOf, missing, specName, specOf } from "../../src/buyer/form.ts";
import { barLabels, histogram, labelsCsv, measures } from "../../src/buyer/numbers.ts";

const FORM = { ...EMPTY_FORM, sensitive: false, name: "Street signs", classes: "stop\nyield\n\n other ", question: "Which?", perItem: "3" };

test("a form becomes a spec", async () => {
  const items = await itemsOf("first\n\nhttps://p.example/a.png", async () => "ab".repeat(32));
  expect(items).toEqual([
    { id: "item-1", text: "first" },
    { id: "item-2", image: { url: "https://p.example/a.png", sha256: "ab".repeat(32) } },
  ]);
  expect(specOf(FORM, items, 2)).toEqual({
    name: "Street signs",
    question: { kind: "categorical", classes: ["stop", "yield", "other"], text: "Which?" },
    items,
    answers_per_item: 3,
    sensitive: false,
    release: ["labels", "agreement", "class_totals", "payouts"],
    payout: { rule: "peer_agreement", currency: "EUR", base_per_item: 20_000, bonus_per_item: 20_000, budget: 240_000 },
  });
});

test("amounts under the bars of a histogram are short, and differ from their neighbours", () => {
  expect(barLabels([525_000, 624_445, 723_890])).toEqual(["0.53", "0.62", "0.72"]);
  expect(barLabels([525_000, 525_400])).toEqual(["0.5250", "0.5254"]);
  expect(barLabels([20_000])).toEqual(["0.02"]);
});

test("a line is a picture only where terms allow its address", async () => {
  const kinds = await itemsOf("https://a\nhttp://127.0.0.1:8/b\nhttp://[::1]/c\nhttp://a/d\nhttp://127.0.0.1.example/e\nsee https://a", async () => "00".repeat(32));
  expect(kinds.map(({ image }) => image !== undefined)).toEqual([true, true, true, false, false, false]);
});

test("what is not paid is not published as pay, and a flat rule has no bonus", () => {
  const unpaid = specOf({ ...FORM, rule: "none" }, "items.csv", 5);
  expect([unpaid["payout"], unpaid["release"], unpaid["items"]]).toEqual([undefined, ["labels", "agreement", "class_totals"], "items.csv"]);
  expect(specOf({ ...FORM, rule: "flat" }, "items.csv", 5)["payout"]).toMatchObject({ bonus_per_item: 0, budget: 300_000 });
  expect(budget({ ...FORM, base: "a" }, 5)).toBeUndefined();
});

test("answers are taken to be sensitive, and then a pool is named by its file", () => {
  const pool = { name: "pool.toml", bytes: new Uint8Array() };
  expect(EMPTY_FORM.sensitive).toBe(true);
  expect(specOf({ ...FORM, sensitive: true, pool }, [], 0)).toMatchObject({ sensitive: true, issuers: "pool.toml" });
  expect(specOf({ ...FORM, pool }, [], 0)["issuers"]).toBeUndefined();
});

test("a job with sensitive answers is not checked without a pool", () => {
  expect(missing(EMPTY_FORM)).toBe("pool");
  expect(missing({ ...EMPTY_FORM, pool: { name: "pool.toml", bytes: new Uint8Array() } })).toBeUndefined();
  expect(missing({ ...EMPTY_FORM, sensitive: false })).toBeUndefined();
});

test("pictures have descriptions, and two things stand side by side", async () => {
  const sha256 = "ab".repeat(32);
  const text = "https://p.example/a.png | a stop sign\nthis one || https://p.example/b.png | a | b\none | two";
  expect(await itemsOf(text, async () => sha256)).toEqual([
    { id: "item-1", image: { url: "https://p.example/a.png", sha256, alt: "a stop sign" } },
    { id: "item-2", left: { text: "this one" }, right: { image: { url: "https://p.example/b.png", sha256, alt: "a | b" } } },
    { id: "item-3", text: "one | two" },
  ]);
});

test("a closing time has an offset", () => {
  expect(specOf({ ...FORM, closesAt: "2031-12-01T10:00" }, [], 0)["closes_at"]).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:00Z$/);
});

test("an id is made of a name", () => {
  expect(idOf("Straßen: Schilder, Woche 14!")).toBe("stra-en-schilder-woche-14");
  expect(idOf("Prüfung für Ämter")).toBe("prufung-fur-amter");
  expect(idOf("x".repeat(80)).length).toBe(64);
  expect(idOf(`${"x".repeat(63)} y`)).toBe("x".repeat(63));
});

test("the spec is the file that asks a question, or it is said that it is not clear", () => {
  const of = (files: Record<string, string>) => specName(Object.entries(files).map(([name, text]) => ({ name, bytes: new TextEncoder().encode(text) })));
  const toml = 'name = "x"\nquestion = { kind = "categorical" }\n';
  expect(of({ "items.csv": "id\nquestion", "signs.toml": toml, "pool.toml": 'pool = "p"' })).toBe("signs.toml");
  expect(of({ "a.toml": '[question]\nkind = "categorical"' })).toBe("a.toml");
  expect(of({ "job.json": '{"question": {}}', "pool.toml": 'pool = "question"' })).toBe("job.json");
  expect(of({ "a.toml": toml, "b.toml": toml })).toBe("several");
  expect(of({ "items.csv": "id\n" })).toBe("none");
});

test("amounts fall into parts of their range, and none is lost", () => {
  expect(histogram([])).toEqual([]);
  expect(histogram([5, 5])).toEqual([{ from: 5, number: 2 }]);
  const bins = histogram(Array.from({ length: 100 }, (_, index) => index * index));
  expect(bins.reduce((sum, { number }) => sum + number, 0)).toBe(100);
  expect(bins.length).toBe(10);
});

test("a measure that is not available keeps its reason", () => {
  const agreement = { observed: 0.5, fleiss_kappa: null, fleiss_kappa_reason: "one_class" };
  expect(measures({ agreement } as unknown as Report)).toEqual([
    { name: "observed", value: 0.5, reason: "" },
    { name: "fleiss_kappa", value: null, reason: "one_class" },
  ]);
});

test("labels as CSV cannot become formulas or further cells", () => {
  const labels = [
    { item: "a,b", label: 'say "x"' },
    { item: "=1+1", label: null },
  ];
  expect(labelsCsv({ labels } as unknown as Report)).toBe('item,label\n"a,b","say ""x"""\n\'=1+1,\n');
});
