import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BuyerCalls } from "../../src/engine/buyer-calls.ts";
import { ContributorCalls } from "../../src/engine/contributor-calls.ts";
import { EMPTY_FORM, itemsOf, specOf } from "../../src/buyer/form.ts";
import { AlreadySealed, Drafts } from "../../src/storage/drafts.ts";
import { names } from "../../src/storage/names.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { loadModule, setup as shared } from "../page/coordinator.ts";

const setup = shared as typeof shared & { sealing_epoch: number; sealing_statements?: unknown[] };
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

let engine: Awaited<ReturnType<typeof loadModule>>;
let store: SealedStore;
let calls: ContributorCalls;
let buyer: BuyerCalls;
let spec: Uint8Array;
let digest: string;
let count = 0;

beforeAll(async () => {
  engine = await loadModule();
  vi.useFakeTimers({ toFake: ["Date"] });
  // The sealing keys of the vectors are valid then.
  vi.setSystemTime((setup.sealing_epoch + 1) * 1000);
});
afterAll(() => void vi.useRealTimers());

const SPEC = JSON.stringify({
  name: "Signs",
  question: { kind: "categorical", classes: ["stop", "yield"] },
  items: ["a", "b", "c"].map((id) => ({ id })),
  answers_per_item: 2,
  sensitive: false,
  release: ["labels"],
});

/** What the vectors' coordinator answers to GET /v1/cluster. */
const info = (): Uint8Array =>
  bytes({
    protocol: { min: 1, max: 1 },
    digest: setup.cluster_digest,
    threshold: 1,
    nodes: [0, 1, 2].map((index) => ({
      name: `node-${index}`,
      operator: "test",
      address: `localhost:${1000 + index}`,
      identity: "00".repeat(32),
      sealing: setup.sealing_statements?.[index] ?? null,
    })),
    file: setup.cluster_toml,
  });

beforeEach(async () => {
  store = await SealedStore.open(`engine-${(count += 1)}`);
  calls = new ContributorCalls(engine, store);
  buyer = new BuyerCalls(engine, store, calls);
  await calls.openCluster({ body: info(), digest: setup.cluster_digest });
  await buyer.checkJob("signs", SPEC);
  const signed = await buyer.signChecked();
  [spec, digest] = [signed.body, signed.view.digest];
});

async function begin(): Promise<Drafts> {
  const { identity } = await calls.enrolment("alice");
  calls.openJob("signs", spec, digest);
  await calls.keepJob(spec, { coordinator: "https://c.example", name: "Signs", digest, identity: identity.name, start: 0 });
  return new Drafts(store, { cluster: setup.cluster_digest, job: "signs", person: identity.publicKey });
}

test("a job that was signed here is pinned, and one of other terms is refused", async () => {
  expect(await buyer.pinned("signs")).toBe(digest);
  expect(await buyer.pinned("other")).toBeNull();
  expect(() => calls.openJob("signs", spec, "00".repeat(32))).toThrow(expect.objectContaining({ code: "other_terms" }));
});

test("the same name keeps the same key until it is enrolled, and a key that is enrolled keeps its name", async () => {
  const first = (await calls.enrolment("alice")).identity;
  const second = (await calls.enrolment("bob")).identity;
  expect([second.publicKey, second.contributor]).toEqual([first.publicKey, "bob"]);
  await calls.noteEnrolled();
  expect((await calls.enrolment("carol")).identity).toMatchObject({ contributor: "bob", isEnrolled: true });
});

test("what the form makes is a spec that the module reads, with texts, pictures and pairs", async () => {
  const text = "a text\nhttps://p.example/a.png | a sign\nleft || https://p.example/b.png | right";
  const items = await itemsOf(text, async () => "ab".repeat(32));
  const form = { ...EMPTY_FORM, name: "Signs", classes: "stop\nyield", sensitive: false, closesAt: "2031-12-01T10:00" };
  const read = buyer.readSpec([{ name: "job.json", bytes: bytes(specOf(form, items, items.length)) }], "job.json");
  const { view } = await buyer.checkJob("form", read.json);
  expect(view.items).toEqual(items);
  expect(view.terms.image_hosts).toEqual(["p.example"]);
  expect(view.pay).toEqual({ currency: "EUR", base: 20_000, bonus: 20_000, rule: "peer_agreement" });
});

test("a CSV file makes pairs as well", () => {
  const spec = specOf({ ...EMPTY_FORM, name: "Pairs", classes: "left\nright", sensitive: false }, "items.csv", 1);
  const read = buyer.readSpec([{ name: "job.json", bytes: bytes(spec) }, { name: "items.csv", bytes: bytes("id,left,right\na,one,two\n") }], "job.json");
  expect(JSON.parse(read.json)).toMatchObject({ items: [{ id: "a", left: { text: "one" }, right: { text: "two" } }] });
});

test("looking at a job stores nothing, and a job that was signed keeps its digest", async () => {
  const other = SPEC.replace('"yield"', '"other"');
  const checked = await buyer.checkJob("signs", other);
  expect([await buyer.pinned("signs"), checked.view.digest === digest]).toEqual([digest, false]);
  await expect(buyer.signChecked()).rejects.toMatchObject({ code: "known_job" });
  expect(await buyer.pinned("signs")).toBe(digest);
  await buyer.checkJob("signs", SPEC);
  expect(await buyer.signChecked()).toMatchObject({ isNew: false, body: spec });
  await buyer.checkJob("new", other);
  expect(await buyer.pinned("new")).toBeNull();
  expect(await buyer.signChecked()).toMatchObject({ isNew: true });
  await buyer.forgetJob("new");
  expect(await buyer.pinned("new")).toBeNull();
});

test("gold answers are stored before the job is opened, and are sent by a page that was opened later, the same bytes again", async () => {
  const json = SPEC.replace('"release":["labels"]', '"release":["labels","payouts"],"payout":{"rule":"gold","currency":"EUR","base_per_item":1,"bonus_per_item":1,"budget":100}');
  await buyer.checkJob("gold", json, { name: "gold.csv", bytes: bytes("item,answer\na,stop\n") });
  expect(await buyer.goldParts("gold")).toEqual([]);
  await buyer.signChecked();
  const later = new ContributorCalls(engine, store);
  await later.openKnownCluster(setup.cluster_digest);
  const reopened = new BuyerCalls(engine, store, later);
  const parts = await reopened.goldParts("gold");
  expect(parts.length).toBeGreaterThan(0);
  await later.takeSealingKeys(info());
  const made = await reopened.goldSubmission("gold", 0);
  expect((await reopened.goldSubmission("gold", 0)).body.bytes).toEqual(made.body.bytes);
  await expect(reopened.settleGold("gold", 0, bytes({ value: {}, signature: "00" }))).rejects.toMatchObject({ code: expect.stringMatching(/syntax|receipt/) });
  expect(await reopened.goldParts("gold")).toEqual(parts);
  await reopened.discardGold("gold", 0);
  expect((await reopened.goldSubmission("gold", 0)).body.bytes).not.toEqual(made.body.bytes);
  expect(await reopened.goldParts("signs")).toEqual([]);
});

test("a buyer's key is not replaced by another one unless the buyer agrees", async () => {
  const own = await buyer.buyerKeyFile();
  const other = engine.Key.generate();
  await expect(buyer.importBuyerKey(other.toFile())).rejects.toMatchObject({ code: "other_key" });
  expect(await buyer.buyerKeyFile()).toBe(own);
  await buyer.importBuyerKey(own);
  expect(await buyer.importBuyerKey(other.toFile(), true)).toBe(other.publicKey);
  expect(await buyer.buyerKeyFile()).toBe(other.toFile());
});

test("a key is removed with all that was kept for it, after it was said what that is; what others have stays", async () => {
  const drafts = await begin();
  const { name } = await calls.noteEnrolled();
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 0 });
  await calls.nextSubmission();
  await drafts.put(1, { class: 0 });
  await drafts.put(2, "skipped");
  const { identity: second } = await calls.enrolment("bob", true);
  await calls.noteEnrolled();
  await calls.keepJob(spec, { coordinator: "https://c.example", name: "Signs", digest, identity: second.name, start: 0 });
  const others = new Drafts(store, { cluster: setup.cluster_digest, job: "signs", person: second.publicKey });
  await others.put(1, { class: 1 });
  expect(await calls.lossOf(name)).toEqual({ contributor: "alice", jobs: ["Signs"], unsent: 2, receipts: 0 });
  await calls.removeIdentity(name);
  expect((await calls.listIdentities()).map(({ contributor }) => contributor)).toEqual(["bob"]);
  for (const prefix of [names.jobs, `draft/${setup.cluster_digest}/`, `submission/${setup.cluster_digest}/`]) {
    expect([...(await store.all(prefix)).keys()].filter((rest) => !rest.includes(second.publicKey)), prefix).toEqual([]);
  }
  expect([...(await others.all())]).toEqual([[1, { class: 1 }]]);
});

test("somebody else on the same device is enrolled with another key, and a name that is taken makes no further one", async () => {
  const { identity: first } = await calls.enrolment("alice");
  await calls.noteEnrolled();
  const { identity: second } = await calls.enrolment("alice", true);
  const { identity: again } = await calls.enrolment("bob", true);
  expect(second.publicKey).not.toBe(first.publicKey);
  expect([again.publicKey, again.contributor]).toEqual([second.publicKey, "bob"]);
  expect((await calls.listIdentities()).length).toBe(2);
});

test("a submission that was refused is not sent again until the person asks for it, and newer answers are sent", async () => {
  const drafts = await begin();
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 1 });
  const first = await calls.nextSubmission();
  await calls.noteRefused(first?.id ?? "", "contributor_quota");
  expect(await calls.nextSubmission()).toBeNull();
  await drafts.put(1, { class: 0 });
  // The clock of these tests stands still, and submissions are listed by the time at which they were made.
  vi.setSystemTime(Date.now() + 1);
  const second = await calls.nextSubmission();
  expect(second?.items).toEqual([1]);
  expect(await calls.listSubmissions()).toMatchObject([{ state: "refused", refusal: "contributor_quota", items: [0] }, { state: "made" }]);
  await calls.noteRefused(second?.id ?? "", "job_full");
  await calls.reopenRefused();
  expect([...(await drafts.all())]).toEqual([[0, { class: 1 }], [1, { class: 0 }]]);
  expect((await calls.nextSubmission())?.items).toEqual([0, 1]);
});

test("requests are signed with the key in use, and by nobody where there is none", async () => {
  expect(calls.sign("nobody", "GET", "/v1/jobs/signs/spec", undefined)).toEqual({});
  const { identity } = await calls.enrolment("alice");
  expect(calls.sign("identity", "GET", "/v1/jobs/signs/spec", undefined)["authorization"]).toContain(`key=${identity.publicKey}`);
});

test("a key file moves to another device with its name, and does not take the place of another key", async () => {
  await calls.enrolment("alice");
  const note = await calls.noteEnrolled();
  const file = await calls.keyFile();
  const elsewhere = new ContributorCalls(engine, await SealedStore.open(`engine-other-${count}`));
  await elsewhere.openCluster({ body: info(), digest: setup.cluster_digest });
  expect(await elsewhere.importKey(file)).toMatchObject({ publicKey: note.publicKey, contributor: "alice", isEnrolled: true });
  const third = new ContributorCalls(engine, await SealedStore.open(`engine-third-${count}`));
  await third.openCluster({ body: info(), digest: setup.cluster_digest });
  await third.enrolment("bob");
  await expect(third.importKey(file)).rejects.toMatchObject({ code: "key_file" });
});

test("a cluster file that is not the pinned one is refused, and a pinned one is known again without a network", async () => {
  await expect(calls.openCluster({ body: info(), digest: "00".repeat(32) })).rejects.toMatchObject({ code: "other_cluster" });
  expect((await calls.openKnownCluster(setup.cluster_digest))?.digest).toBe(setup.cluster_digest);
  expect(await calls.openKnownCluster("00".repeat(32))).toBeNull();
});

test("answers become one submission, which stays the same until it is acknowledged or discarded", async () => {
  const drafts = await begin();
  await calls.takeSealingKeys(info());
  await drafts.put(2, { class: 1 });
  await drafts.put(0, { class: 0 });
  await drafts.put(1, "skipped");
  const first = await calls.nextSubmission();
  expect(first?.answers).toBe(2);
  expect(await calls.listSubmissions()).toMatchObject([{ id: first?.id, items: [0, 2], state: "made" }]);
  // What is answered meanwhile is not in it; it is sent as it was made.
  await drafts.put(1, { class: 0 });
  expect((await calls.nextSubmission())?.body.bytes).toEqual(first?.body.bytes);
  // A receipt that the coordinator has not signed acknowledges nothing.
  await expect(calls.settle(first?.id ?? "", bytes({ value: {}, signature: "00" }))).rejects.toMatchObject({ code: expect.stringMatching(/syntax|receipt/) });
  // What is part of it is no draft any more, and cannot be changed.
  expect([...(await drafts.all()).keys()]).toEqual([1]);
  await expect(drafts.put(0, { class: 1 })).rejects.toBeInstanceOf(AlreadySealed);
  await calls.discard(first?.id ?? "");
  const second = await calls.nextSubmission();
  expect(second?.answers).toBe(3);
  expect(second?.id).not.toBe(first?.id);
});

test("without answers there is nothing to send", async () => {
  const drafts = await begin();
  await drafts.put(0, "skipped");
  expect(await calls.nextSubmission()).toBeNull();
});

test("a certified result verifies, and one of another job than the pinned does not", () => {
  const { cases } = JSON.parse(readFileSync(new URL("../../../protocol/vectors/certificate.json", import.meta.url), "utf8")) as {
    cases: { expect: string; certificate: string; result_json?: string; payouts_csv?: string }[];
  };
  const good = cases.find((one) => one.expect === "ok" && one.payouts_csv !== undefined);
  const [certificate, result, payouts] = [good?.certificate, good?.result_json, good?.payouts_csv].map((text) => bytes(text ?? ""));
  const verified = buyer.verifyResult(certificate as Uint8Array, result, payouts);
  expect(verified.report.job.answers).toBeGreaterThan(0);
  expect(() => buyer.verifyResult(certificate as Uint8Array, result, payouts, digest)).toThrow(expect.objectContaining({ code: "other_terms" }));
});
