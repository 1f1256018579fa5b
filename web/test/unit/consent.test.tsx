// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { render } from "preact";
import { expect, test } from "vitest";
import type { ClusterView, JobView } from "tacit-engine";
import { ConsentParts, consentParts, consentTexts } from "../../src/contributor/consent-parts.tsx";
import { operators, operatorsToRead } from "../../src/contributor/operators.ts";
import { text } from "../../src/text/index.ts";

const member = (name: string, operator: string) => ({ name, operator, address: "", identity: name, fingerprint: `print of ${name}` });
const CLUSTER: ClusterView = {
  name: "c",
  digest: "00".repeat(32),
  digestWords: "acid bake coil",
  threshold: 1,
  protocol: 1,
  coordinator: member("coordinator", ""),
  nodes: [member("node-1", "Union"), member("node-2", "University"), member("node-3", "Example GmbH")],
};

function job(change: Partial<JobView["terms"]> = {}, view: Partial<JobView> = {}): JobView {
  return {
    id: "signs",
    digest: "11".repeat(32),
    terms: {
      id: "signs",
      buyer: "b1".repeat(32),
      name: "Signs, week 14",
      question: { kind: "categorical", classes: ["stop", "yield"], text: "Which sign?" },
      items: 3,
      items_digest: "",
      answers_per_item: 2,
      sensitive: true,
      release: ["labels", "payouts"],
      ...change,
    },
    items: [],
    closesAt: null,
    answersPerSubmission: 500,
    pay: { currency: "EUR", base: 20_000, bonus: 10_000, rule: "peer_agreement" },
    floors: { contributors: 7, answers: 50, answersToLabel: 3 },
    takesGold: false,
    goldSubmissions: 0,
    buyerFingerprint: "print of the buyer",
    issuers: null,
    ...view,
  };
}

const all = (view: JobView, cluster = CLUSTER, isPinned = true): string => consentTexts(view, cluster, { contributor: "alice", isPinned }).join("\n");
const UNION = { digest: "d", fingerprints: ["print of a", "print of b"] };

test("a contributor is told who asks what, who runs the nodes, and what to compare", () => {
  const said = all(job());
  for (const part of ["b1".repeat(32), "“Signs, week 14” asks you, in the buyer’s words:", "Which sign?", "stop, yield", "Union", "University", "Example GmbH", "print of node-2", "acid bake coil", "11".repeat(32), "You answer as “alice”."]) {
    expect(said).toContain(part);
  }
});

test("only what the job releases is said to be published", () => {
  expect(all(job())).toContain("your pay");
  expect(all(job())).not.toContain("as scores");
  expect(all(job({ release: ["scores"] }))).toContain("as scores");
  expect(all(job({ public: true }))).toContain("Anybody can read it.");
});

test("answers that are as good as public are never said to be hidden", () => {
  const parts = consentParts(job({ sensitive: false }, { floors: null }), CLUSTER);
  expect(parts.map(({ title }) => title)).not.toContain("What is not published");
  expect(parts.find(({ isWarning }) => isWarning)?.lines.join()).toContain("Treat your answers as public");
  expect(all(job({ sensitive: false }, { floors: null }))).toContain("I understand that my answers may become visible.");
  expect(all(job())).toContain("before 7 people have answered");
  expect(all(job())).not.toContain("may become visible");
});

test("the command line and the page say the same of who reads what about whom", () => {
  // What client/src/commands/published.rs says of the same job, in its words and in those of the page.
  const source = readFileSync(resolve(import.meta.dirname, "../../../client/src/commands/published.rs"), "utf8");
  const issuers = { pool: "union", keys: ["aa11", "bb22"], need: 2 };
  const said = all(job({ issuers, release: ["scores", "payouts", "labels", "agreement", "class_totals"], gold: { key: "k" }, closes_at: "2031-12-01T00:00:00Z" }, { closesAt: 1, issuers: UNION }));
  for (const [command, page] of [
    ["your number in pool `{}`", "your number in “union”"],
    ["your key, and how many of your answers count", "the public half of your key, and how many of your answers count"],
    ["your pay", "About you: your pay."],
    ["how far your answers agree with those of others, as scores", "how far your answers agree with those of others, as scores"],
    ["how many of the answers that the buyer knew you have right, as a share", "how many of the answers that the buyer knew you have right, as a share"],
    ["the label of each item", "the most common answer to each item"],
    ["their agreement", "how far they agreed"],
    ["how often each class was answered", "how often each answer was given"],
    ["the buyer can read it, and can show it to anybody", "The buyer can read it, and can show it to anybody."],
    ["or when the buyer closes it", "or when the buyer closes it"],
    ["or every item has its answers", "or when every item has its answers"],
    ["the nodes' sealed parts of your answers until the job has ended, at most 90 days", "your sealed answers until the job has ended, at most 90 days"],
    ["your name, key and pay at the \\\n    coordinator for a year after that, unless their operators say otherwise", "The coordinator keeps your name, key and pay for a year after that, unless their operators say otherwise"],
    ["you can take answers back until the job closes", "You can take back what you have sent until the job closes."],
    ["(could they be the buyer's own?)", "Ask yourself whether these issuers could belong to the buyer."],
    ["keys.join(", "Issuer print of b, with the key bb22"],
    ["the answers that the buyer knows", "answers that the buyer knew"],
  ] as const) {
    expect(source).toContain(command);
    expect(said).toContain(page);
  }
  expect(all(job({ release: ["scores"] }))).not.toContain("as a share");
});

test("every paragraph that is shown is kept, each by itself, and nothing else", () => {
  const view = job({ sensitive: false }, { floors: null });
  const place = document.createElement("div");
  render(<ConsentParts job={view} cluster={CLUSTER} isPinned={false} />, place);
  const shown = [...place.querySelectorAll("h2, p, li, blockquote")].map((one) => one.textContent);
  // Beside these, the form shows the name and the box to tick.
  expect(consentTexts(view, CLUSTER, { contributor: "alice", isPinned: false })).toEqual([
    ...shown,
    "You answer as “alice”.",
    "I understand that my answers may become visible.",
  ]);
});

test("what the buyer and the cluster file say is set apart from what the page says", () => {
  const place = document.createElement("div");
  render(<ConsentParts job={job()} cluster={CLUSTER} />, place);
  expect([...place.querySelectorAll("blockquote.quotation > bdi")].map((one) => one.textContent)).toEqual(["Which sign?"]);
  expect([...place.querySelectorAll("li > bdi")].map((one) => one.textContent)).toEqual(["Union", "University", "Example GmbH"]);
});

test("who asks and who vouches are shown as fingerprints, and a link that pins no terms is warned of", () => {
  const view = job({ issuers: { pool: "union", keys: ["a", "b"], need: 1 } }, { issuers: UNION });
  for (const part of ["print of the buyer", "Issuer print of a, with the key a", "Issuer print of b, with the key b", "could belong to the buyer"]) {
    expect(all(view)).toContain(part);
  }
  expect(all(view)).not.toContain("other terms");
  const [first] = consentParts(view, CLUSTER, false);
  expect([first?.isWarning, first?.lines.join()]).toEqual([true, expect.stringContaining("may show each person other terms")]);
  expect(all(view, CLUSTER, false)).toContain("may show each person other terms");
});

test("operators are counted as such, and their names are what the file claims", () => {
  expect(all(job())).toContain("run by 3 organisations, as the cluster file says. At least 2 of these organisations");
  const one = { ...CLUSTER, nodes: CLUSTER.nodes.map((node, index) => ({ ...node, operator: ["Union", " union", "Ｕnion"][index] ?? "" })) };
  expect([operators(one).length, operatorsToRead(one)]).toEqual([1, 1]);
  const said = all(job(), one);
  expect(said).toContain("run by 1 organisation");
  expect(said).toContain("One of these organisations can see your answers by itself.");
  expect(said).toContain("The names are what the cluster file claims.");
  const five = { threshold: 2, nodes: ["A", "A", "B", "C", "D"].map((operator, index) => member(`n${index}`, operator)) } as ClusterView;
  expect(operatorsToRead(five)).toBe(2);
});

test("nothing says that nobody knows which answers are known: the buyer does", () => {
  const said = all(job({}, { pay: { currency: "EUR", base: 20_000, bonus: 10_000, rule: "gold" } }));
  expect(said).toContain("The buyer knows which items these are");
  expect(said).not.toContain("nobody can see");
  expect(text.footer.privacy).not.toContain("no third parties");
});

test("pay is said by its rule, with its amounts", () => {
  expect(all(job())).toContain("0.02 EUR for each answer that counts, and a bonus of up to 0.01 EUR");
  expect(all(job({}, { pay: null }))).toContain("This job pays nothing.");
  expect(all(job({}, { pay: { currency: "EUR", base: 20_000, bonus: 0, rule: "flat" } }))).toContain("0.02 EUR for each answer that counts.");
});

test("hosts of pictures are named, and when the job closes", () => {
  expect(all(job({ image_hosts: ["p.example", "q.example:8443"] }))).toContain("p.example, q.example:8443");
  expect(all(job())).not.toContain("Pictures come from");
  expect(all(job({}, { closesAt: Date.UTC(2031, 11, 1) / 1000 }))).toMatch(/The job closes on .*2031.*or when the buyer closes it, or when every item has its answers/);
  expect(all(job())).toContain("The job closes when the buyer closes it, or when every item has its answers.");
});
