import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BuyerCalls } from "../../src/engine/buyer-calls.ts";
import { ContributorCalls } from "../../src/engine/contributor-calls.ts";
import { EMPTY_FORM, itemsOf, specOf } from "../../src/buyer/form.ts";
import { Consents } from "../../src/storage/consents.ts";
import { AlreadySealed, Drafts } from "../../src/storage/drafts.ts";
import { names } from "../../src/storage/names.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { loadModule, loadSmallModule, vector } from "./vectors.ts";

const setup = vector("setup") as { cluster_toml: string; cluster_digest: string; buyer_seed: string; sealing_epoch: number; sealing_statements?: unknown[]; job_id: string };
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

/** What is kept of a job, but for its digest and who answers. */
const RECORD = { coordinator: "https://c.example", name: "Signs", buyer: "", issuers: null, agreedAt: 0, start: 0 };

async function begin(): Promise<Drafts> {
  const { identity } = await calls.enrolment("alice");
  calls.openJob("signs", spec, digest);
  await calls.keepJob(spec, { ...RECORD, digest, identity: identity.name, contributor: identity.contributor });
  await calls.agree(["shown"], "page");
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
  // That its keys are too old is believed only where nodes have signed newer ones.
  await expect(reopened.discardGold("gold", 0)).rejects.toMatchObject({ code: "sealing_keys" });
  const older = vi.spyOn(engine.Header.prototype, "epochs", "get").mockReturnValue(new Float64Array([0, 0, 0]));
  await reopened.discardGold("gold", 0);
  older.mockRestore();
  expect((await reopened.goldSubmission("gold", 0)).body.bytes).not.toEqual(made.body.bytes);
  expect(await reopened.goldParts("signs")).toEqual([]);
});

test("a buyer's key is not replaced by another one unless the buyer agrees", async () => {
  const own = await buyer.buyerKeyFile();
  const other = engine.Key.generate();
  await expect(buyer.importBuyerKey(other.toFile())).rejects.toMatchObject({ code: "other_key" });
  expect(await buyer.buyerKeyFile()).toEqual(own);
  await buyer.importBuyerKey(own.slice());
  expect(await buyer.importBuyerKey(other.toFile(), true)).toBe(other.publicKey);
  expect(await buyer.buyerKeyFile()).toEqual(other.toFile());
});

test("a key is removed with all that was kept for it, after it was said what that is; what others have stays", async () => {
  const drafts = await begin();
  const { name, publicKey: person } = await calls.noteEnrolled();
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 0 });
  await calls.nextSubmission();
  await drafts.put(1, { class: 0 });
  await drafts.put(2, "skipped");
  const { identity: second } = await calls.enrolment("bob", true);
  await calls.noteEnrolled();
  await calls.keepJob(spec, { ...RECORD, digest, identity: second.name, contributor: second.contributor });
  await calls.agree([], null);
  const others = new Drafts(store, { cluster: setup.cluster_digest, job: "signs", person: second.publicKey });
  await others.put(1, { class: 1 });
  expect(await calls.lossOf(name)).toEqual({ contributor: "alice", jobs: ["Signs"], unsent: 2, receipts: 0 });
  await calls.removeIdentity(name);
  expect((await calls.listIdentities()).map(({ contributor }) => contributor)).toEqual(["bob"]);
  const place = { cluster: setup.cluster_digest, job: "signs", person };
  expect((await new Consents(store).ofKey(setup.cluster_digest, person)).size).toBe(0);
  expect((await new Consents(store).ofKey(setup.cluster_digest, second.publicKey)).size).toBe(1);
  for (const prefix of [names.drafts(place), names.submissions(place)]) {
    expect([...(await store.all(prefix)).keys()], prefix).toEqual([]);
  }
  expect([...(await store.all(names.jobs)).keys()]).toEqual([expect.stringContaining(second.publicKey)]);
  // With the answers goes the key that they were encrypted with.
  const database = await openDB(`engine-${count}`);
  expect((await database.getAllKeys("device")).filter((key) => String(key).startsWith("draft/")).length).toBe(1);
  database.close();
  expect([...(await others.all())]).toEqual([[1, { class: 1 }]]);
});

test("the key of gold answers is stored as bytes and not as a text", async () => {
  const json = SPEC.replace('"release":["labels"]', '"release":["labels","payouts"],"payout":{"rule":"gold","currency":"EUR","base_per_item":1,"bonus_per_item":1,"budget":100}');
  await buyer.checkJob("gold", json, { name: "gold.csv", bytes: bytes("item,answer\na,stop\n") });
  await buyer.signChecked();
  const stored = await store.get(names.buyerGold(setup.cluster_digest, "gold"));
  expect([stored?.json, stored?.bytes?.["key"]?.length]).toEqual([{ file: "gold.csv", done: [] }, 65]);
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
  const third = await calls.nextSubmission();
  expect(third?.items).toEqual([0, 1]);
  // That they were refused is only the coordinator's word: they are kept in mind, and taken back with what took their place.
  expect(await calls.replacedBy(third?.id ?? "")).toEqual([first?.id, second?.id]);
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
  // Newer keys are there: the same answers, and those that were given meanwhile, are sealed to them.
  const older = vi.spyOn(engine.Header.prototype, "epochs", "get").mockReturnValue(new Float64Array([0, 0, 0]));
  await calls.discard(first?.id ?? "");
  older.mockRestore();
  const second = await calls.nextSubmission();
  expect(second?.answers).toBe(3);
  expect(second?.id).not.toBe(first?.id);
});

test("what was agreed to is one record, goes with the key to another device, and is shown with what was sent under it", async () => {
  const drafts = await begin();
  const agreed = await calls.agree([], null);
  expect(agreed).toMatchObject({ terms: digest, job: "signs", agreedAt: setup.sealing_epoch + 1 });
  expect(await calls.agree(["asked again"], null)).toEqual(agreed);
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 0 });
  await calls.nextSubmission();
  const proof = JSON.parse(new TextDecoder().decode(await calls.consentProof(undefined)));
  expect(proof).toMatchObject({ shown: ["shown"], page: "page", certified: null, submissions: [{ receipt: null }] });
  expect(proof.submissions[0].header.value.statement.consent).toBe(agreed.digest);
  // That the key has sent it is not believed without the coordinator's receipt, which this one is not.
  const { header } = proof.submissions[0];
  const { cluster, job, job_digest, id } = header.value.statement;
  const receipt = { value: { cluster, job, job_digest, submission: id, digest: "00".repeat(32), answers: 1, sequence: 0 }, signature: header.signature };
  expect(calls.sentItems("signs", bytes({ state: "open", submissions: [{ receipt, header }], certified: null }))).toEqual([]);
  // Whoever has sent nothing under it shows the record alone.
  const elsewhere = new ContributorCalls(engine, await SealedStore.open(`engine-agreed-${count}`));
  await elsewhere.openCluster({ body: info(), digest: setup.cluster_digest });
  expect(await calls.keyFile(false)).not.toContain(proof.record.salt);
  await elsewhere.useIdentity((await elsewhere.importKey(await calls.keyFile())).name);
  elsewhere.openJob("signs", spec, digest);
  expect(await elsewhere.agree([], null)).toEqual(agreed);
});

test("a contributor answers with the smaller module, and the whole one is loaded only for what comes afterwards", async () => {
  const whole = vi.fn(async () => engine);
  calls = new ContributorCalls(await loadSmallModule(), store, whole);
  await calls.openCluster({ body: info(), digest: setup.cluster_digest });
  const drafts = await begin();
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 0 });
  await calls.nextSubmission();
  expect(whole).not.toHaveBeenCalled();
  const proof = JSON.parse(new TextDecoder().decode(await calls.consentProof(undefined)));
  expect([proof.shown, proof.submissions.length]).toEqual([["shown"], 1]);
  expect(await calls.checkReceipts(bytes({ state: "open", submissions: [], certified: null }))).toBeNull();
});

test("without a record of consent nothing is shared", async () => {
  const { identity } = await calls.enrolment("alice");
  calls.openJob("signs", spec, digest);
  await calls.keepJob(spec, { ...RECORD, digest, identity: identity.name, contributor: identity.contributor });
  await calls.takeSealingKeys(info());
  await new Drafts(store, { cluster: setup.cluster_digest, job: "signs", person: identity.publicKey }).put(0, { class: 0 });
  await expect(calls.nextSubmission()).rejects.toMatchObject({ message: expect.stringContaining("the record of consent") });
});

test("without answers there is nothing to send", async () => {
  const drafts = await begin();
  await drafts.put(0, "skipped");
  expect(await calls.nextSubmission()).toBeNull();
});

/** A certificate of the vectors that verifies, with its files. */
function certified(): [certificate: Uint8Array, result: Uint8Array, payouts: Uint8Array] {
  const { cases } = vector("certificate") as {
    cases: { expect: string; certificate: string; result_json?: string; payouts_csv?: string }[];
  };
  const good = cases.find((one) => one.expect === "ok" && one.payouts_csv !== undefined);
  return [bytes(good?.certificate ?? ""), bytes(good?.result_json ?? ""), bytes(good?.payouts_csv ?? "")];
}

test("a certified result verifies for its job and its buyer, and for no other", async () => {
  const files = certified();
  await buyer.importBuyerKey(bytes(setup.buyer_seed), true);
  const verified = await buyer.verifyResult(setup.job_id, ...files);
  expect(verified.report.job.answers).toBeGreaterThan(0);
  await expect(buyer.verifyResult(setup.job_id, ...files, digest)).rejects.toMatchObject({ code: "other_terms" });
  await expect(buyer.verifyResult("another", ...files)).rejects.toMatchObject({ code: "other_terms" });
  const stranger = new BuyerCalls(engine, await SealedStore.open(`engine-stranger-${count}`), calls);
  // Whoever has no key looks at whatever the id names; whoever has one sees results of jobs that it has signed.
  expect((await stranger.verifyResult(setup.job_id, ...files)).digest).toBe(verified.digest);
  await stranger.signAsBuyer("GET", "/v1/jobs", undefined);
  await expect(stranger.verifyResult(setup.job_id, ...files)).rejects.toMatchObject({ code: "other_terms" });
});

test("the buyer's key is read once, leaves as bytes, and takes the place of another one whole", async () => {
  const first = await buyer.buyerPublicKey();
  const file = await buyer.buyerKeyFile();
  expect(new TextDecoder().decode(file)).toMatch(/^[0-9a-f]{64}\n$/);
  const given = bytes(setup.buyer_seed);
  const second = await buyer.importBuyerKey(given, true);
  expect([second === first, given.every((byte) => byte === 0)]).toEqual([false, true]);
  expect((await buyer.signAsBuyer("GET", "/v1/jobs", undefined))["authorization"]).toContain(`key=${second}`);
  const spy = vi.spyOn(engine.Key, "fromFile");
  await buyer.signAsBuyer("GET", "/v1/jobs", undefined);
  expect(spy).not.toHaveBeenCalled();
  spy.mockRestore();
  await buyer.importBuyerKey(file, true);
  expect(await buyer.buyerPublicKey()).toBe(first);
});

test("keys are stored as bytes, which can be overwritten, and not as texts", async () => {
  const { identity } = await calls.enrolment("alice");
  for (const name of [identity.name, "buyer/key"]) {
    const value = await store.get(name);
    expect(JSON.stringify(value?.json)).not.toMatch(/[0-9a-f]{64}\\n/);
    expect(value?.bytes?.["file"]?.length).toBe(65);
  }
});

/** A submission of one answer that is stored and not acknowledged. */
async function made(): Promise<string> {
  const drafts = await begin();
  await calls.takeSealingKeys(info());
  await drafts.put(1, { class: 1 });
  return (await calls.nextSubmission())?.id ?? "";
}

test("that keys are too old is believed only where nodes have signed newer ones, and what was sealed to the old ones is kept in mind", async () => {
  const first = await made();
  await expect(calls.discard(first)).rejects.toMatchObject({ code: "sealing_keys" });
  expect((await calls.listSubmissions()).map(({ state }) => state)).toEqual(["made"]);
  const older = vi.spyOn(engine.Header.prototype, "epochs", "get").mockReturnValue(new Float64Array([0, 1, 1]));
  await calls.discard(first);
  older.mockRestore();
  expect(await calls.listSubmissions()).toEqual([]);
  const second = (await calls.nextSubmission())?.id ?? "";
  expect(second).not.toBe(first);
  expect(await calls.replacedBy(second)).toEqual([first]);
  // It is taken back together with the second one, also after that was asked for.
  await calls.withdrawal(first);
  expect(await calls.replacedBy(second)).toEqual([first]);
  expect((await calls.listSubmissions()).map(({ id }) => id)).toEqual([second]);
});

test("nothing is taken back on the coordinator's word: nodes have to sign that it is erased", async () => {
  const id = await made();
  await calls.withdrawal(id);
  const view = await calls.noteWithdrawn(id, bytes({ erasures: [], waiting_on: [] }));
  expect(view.erasedBy).toEqual([]);
  expect(await calls.listSubmissions()).toMatchObject([{ id, state: "withdrawing", missing: view.missing }]);
  expect(view.missing.length).toBe(3);
  // Until then its answers are final; after that its items can be answered again.
  const drafts = new Drafts(store, { cluster: setup.cluster_digest, job: "signs", person: (await calls.listIdentities())[0]?.publicKey ?? "" });
  await expect(drafts.put(1, { class: 0 })).rejects.toBeInstanceOf(AlreadySealed);
  const all = { erasedBy: ["node-0", "node-1", "node-2"], missing: [], receipts: "[]" };
  const signed = vi.spyOn(engine.Header.prototype, "checkErasures").mockReturnValue(all);
  await calls.noteWithdrawn(id, bytes({}));
  signed.mockRestore();
  expect(await calls.listSubmissions()).toMatchObject([{ id, state: "withdrawn" }]);
  await drafts.put(1, { class: 0 });
  expect((await calls.nextSubmission())?.items).toEqual([1]);
});

test("answers set aside are not sent", async () => {
  const drafts = await begin();
  await calls.takeSealingKeys(info());
  await drafts.put(0, { class: 1 });
  await drafts.put(2, { class: 1 });
  expect(await calls.nextSubmission([0, 2])).toBeNull();
  await calls.nextSubmission([2]);
  expect(await calls.listSubmissions()).toMatchObject([{ items: [0] }]);
});

test("pools of one name are told apart by their issuers", async () => {
  const spec = JSON.parse((setup as unknown as { invited_job_spec: string }).invited_job_spec) as { issuers: { keys: string[]; need: number } };
  const cluster = engine.Cluster.parse(bytes(setup.cluster_toml));
  const key = engine.Key.fromFile(bytes(setup.buyer_seed));
  const signed = (id: string, change: object): Uint8Array =>
    engine.Job.sign(cluster, id, engine.Spec.fromJson(JSON.stringify({ ...spec, issuers: { ...spec.issuers, ...change } })), key).signedSpec();
  const code = (setup as unknown as { invitation_code: string }).invitation_code;
  const [real, forged] = [signed("real", {}), signed("forged", { need: 1 })];
  calls.openJob("real", real);
  calls.readInvitation(code);
  const note = await calls.takeUpInvitation();
  expect(note.issuers).toBe(calls.openJob("real", real).issuers?.digest);
  // Another buyer names a pool the same, with issuers of its own.
  const view = calls.openJob("forged", forged);
  expect(view.terms.issuers?.pool).toBe(note.pool);
  expect(view.issuers?.digest).not.toBe(note.issuers);
  expect((await calls.listIdentities()).map(({ name }) => name)).toEqual([expect.stringContaining(`/pool/${note.issuers}/`)]);
});
