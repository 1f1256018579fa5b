import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BuyerCalls } from "../../src/engine/buyer-calls.ts";
import { ContributorCalls } from "../../src/engine/contributor-calls.ts";
import { Drafts } from "../../src/storage/drafts.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { loadModule, setup as shared } from "../page/coordinator.ts";

const setup = shared as typeof shared & { sealing_epoch: number; sealing_statements?: unknown[]; job_id: string };
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
  const json = JSON.stringify({
    name: "Signs",
    question: { kind: "categorical", classes: ["stop", "yield"] },
    items: ["a", "b", "c"].map((id) => ({ id })),
    answers_per_item: 2,
    sensitive: false,
    release: ["labels"],
  });
  const signed = await buyer.signJob("signs", json);
  [spec, digest] = [signed.body, signed.view.digest];
});

async function begin(): Promise<Drafts> {
  const { identity } = await calls.enrolment("alice");
  calls.openJob("signs", spec, digest);
  await calls.keepJob(spec, { coordinator: "https://c.example", name: "Signs", digest, buyer: "", issuers: null, identity: identity.name, start: 0 });
  return new Drafts(store, { cluster: setup.cluster_digest, job: "signs" });
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
  expect((await drafts.all()).size).toBe(3);
  // Newer keys are there: the same answers, and those that were given meanwhile, are sealed to them.
  const older = vi.spyOn(engine.Header.prototype, "epochs", "get").mockReturnValue(new Float64Array([0, 0, 0]));
  await calls.discard(first?.id ?? "");
  older.mockRestore();
  const second = await calls.nextSubmission();
  expect(second?.answers).toBe(3);
  expect(second?.id).not.toBe(first?.id);
});

test("without answers there is nothing to send", async () => {
  const drafts = await begin();
  await drafts.put(0, "skipped");
  expect(await calls.nextSubmission()).toBeNull();
});

/** A certificate of the vectors that verifies, with its files. */
function certified(): [certificate: Uint8Array, result: Uint8Array, payouts: Uint8Array] {
  const { cases } = JSON.parse(readFileSync(new URL("../../../protocol/vectors/certificate.json", import.meta.url), "utf8")) as {
    cases: { expect: string; certificate: string; result_json?: string; payouts_csv?: string }[];
  };
  const good = cases.find((one) => one.expect === "ok" && one.payouts_csv !== undefined);
  return [bytes(good?.certificate ?? ""), bytes(good?.result_json ?? ""), bytes(good?.payouts_csv ?? "")];
}

test("a certified result verifies for its job and its buyer, and for no other", async () => {
  const files = certified();
  await buyer.importBuyerKey(bytes(setup.buyer_seed));
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
  const second = await buyer.importBuyerKey(given);
  expect([second === first, given.every((byte) => byte === 0)]).toEqual([false, true]);
  expect((await buyer.signAsBuyer("GET", "/v1/jobs", undefined))["authorization"]).toContain(`key=${second}`);
  const spy = vi.spyOn(engine.Key, "fromFile");
  await buyer.signAsBuyer("GET", "/v1/jobs", undefined);
  expect(spy).not.toHaveBeenCalled();
  spy.mockRestore();
  await buyer.importBuyerKey(file);
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
