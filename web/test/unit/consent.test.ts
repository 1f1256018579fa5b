import { expect, test } from "vitest";
import type { ClusterView, JobView } from "tacit-engine";
import { consentParts, consentTexts } from "../../src/contributor/consent.tsx";
import { operators, operatorsToRead } from "../../src/contributor/operators.ts";

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

function job(change: Partial<JobView["terms"]> & { image_hosts?: string[] } = {}, view: Partial<JobView> = {}): JobView {
  return {
    id: "signs",
    digest: "11".repeat(32),
    terms: {
      id: "signs",
      buyer: "",
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

const all = (view: JobView): string => consentTexts(view, CLUSTER).join("\n");

test("a contributor is told who asks what, who runs the nodes, and what to compare", () => {
  const text = all(job());
  for (const part of ["Signs, week 14", "Which sign?", "stop, yield", "Union", "University", "Example GmbH", "print of node-2", "acid bake coil"]) {
    expect(text).toContain(part);
  }
});

test("only what the job releases is said to be published", () => {
  expect(all(job())).toContain("what each contributor is paid");
  expect(all(job())).not.toContain("a score for each contributor");
  expect(all(job({ release: ["scores"] }))).toContain("a score for each contributor");
  expect(all(job({ public: true }))).toContain("Anybody can read it.");
});

test("answers that are as good as public are never said to be hidden", () => {
  const parts = consentParts(job({ sensitive: false }, { floors: null }), CLUSTER);
  expect(parts.map(({ title }) => title)).not.toContain("What is not published");
  expect(parts.find(({ isWarning }) => isWarning)?.lines.join()).toContain("Treat your answers as public");
  expect(all(job())).toContain("at least 7 people have answered");
});

test("pay is said by its rule, with its amounts", () => {
  expect(all(job())).toContain("0.02 EUR for each answer that counts, and a bonus of up to 0.01 EUR");
  expect(all(job({}, { pay: null }))).toContain("This job pays nothing.");
  expect(all(job({}, { pay: { currency: "EUR", base: 20_000, bonus: 0, rule: "flat" } }))).toContain("0.02 EUR for each answer that counts.");
});

test("hosts of pictures are named, and when the job closes", () => {
  expect(all(job({ image_hosts: ["p.example", "q.example:8443"] }))).toContain("p.example, q.example:8443");
  expect(all(job())).not.toContain("Pictures come from");
  expect(all(job({}, { closesAt: Date.UTC(2031, 11, 1) / 1000 }))).toMatch(/The job closes on .*2031/);
});

test("who asks and who vouches are shown as fingerprints, and a link that pins no terms is warned of", () => {
  const issuers = { pool: "union", keys: ["a", "b"], need: 1 };
  const view = job({ issuers }, { issuers: { digest: "d", fingerprints: ["print of a", "print of b"] } });
  for (const part of ["print of the buyer", "print of a; print of b", "Could they be the buyer’s own?"]) {
    expect(all(view)).toContain(part);
  }
  expect(all(view)).not.toContain("other terms");
  const [first] = consentParts(view, CLUSTER, false);
  expect([first?.isWarning, first?.lines.join()]).toEqual([true, expect.stringContaining("may show each person other terms")]);
  expect(consentTexts(view, CLUSTER, false).join()).toContain("may show each person other terms");
});

test("operators are counted as such, and their names are what the file claims", () => {
  expect(all(job())).toContain("run by 3 organisations, as the cluster file says. At least 2 of these organisations");
  const one = { ...CLUSTER, nodes: CLUSTER.nodes.map((node, index) => ({ ...node, operator: ["Union", " union", "Ｕnion"][index] ?? "" })) };
  expect([operators(one).length, operatorsToRead(one)]).toEqual([1, 1]);
  const text = consentTexts(job(), one).join("\n");
  expect(text).toContain("run by 1 organisation");
  expect(text).toContain("One of these organisations can see your answers by itself.");
  expect(text).toContain("The names are what the cluster file claims.");
  const five = { threshold: 2, nodes: ["A", "A", "B", "C", "D"].map((operator, index) => member(`n${index}`, operator)) } as ClusterView;
  expect(operatorsToRead(five)).toBe(2);
});
