import "fake-indexeddb/auto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BuyerCalls } from "../../src/engine/buyer-calls.ts";
import { ContributorCalls } from "../../src/engine/contributor-calls.ts";
import { Drafts } from "../../src/storage/drafts.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { loadModule, vector } from "./vectors.ts";

const setup = vector("setup") as { cluster_toml: string; cluster_digest: string; sealing_epoch: number; sealing_statements?: unknown[] };
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
  await calls.keepJob(spec, { coordinator: "https://c.example", name: "Signs", digest, identity: identity.name, agreedAt: 0, start: 0 });
  await calls.agree(["shown"], "page");
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
  await calls.discard(first?.id ?? "");
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
  // Whoever has sent nothing under it shows the record alone.
  const elsewhere = new ContributorCalls(engine, await SealedStore.open(`engine-agreed-${count}`));
  await elsewhere.openCluster({ body: info(), digest: setup.cluster_digest });
  expect(await calls.keyFile(false)).not.toContain(proof.record.salt);
  await elsewhere.useIdentity((await elsewhere.importKey(await calls.keyFile())).name);
  elsewhere.openJob("signs", spec, digest);
  expect(await elsewhere.agree([], null)).toEqual(agreed);
});

test("without a record of consent nothing is shared", async () => {
  const { identity } = await calls.enrolment("alice");
  calls.openJob("signs", spec, digest);
  await calls.keepJob(spec, { coordinator: "https://c.example", name: "Signs", digest, identity: identity.name, agreedAt: 0, start: 0 });
  await calls.takeSealingKeys(info());
  await new Drafts(store, { cluster: setup.cluster_digest, job: "signs" }).put(0, { class: 0 });
  await expect(calls.nextSubmission()).rejects.toMatchObject({ message: expect.stringContaining("the record of consent") });
});

test("without answers there is nothing to send", async () => {
  const drafts = await begin();
  await drafts.put(0, "skipped");
  expect(await calls.nextSubmission()).toBeNull();
});

test("a certified result verifies, and one of another job than the pinned does not", () => {
  const { cases } = vector("certificate") as {
    cases: { expect: string; certificate: string; result_json?: string; payouts_csv?: string }[];
  };
  const good = cases.find((one) => one.expect === "ok" && one.payouts_csv !== undefined);
  const [certificate, result, payouts] = [good?.certificate, good?.result_json, good?.payouts_csv].map((text) => bytes(text ?? ""));
  const verified = buyer.verifyResult(certificate as Uint8Array, result, payouts);
  expect(verified.report.job.answers).toBeGreaterThan(0);
  expect(() => buyer.verifyResult(certificate as Uint8Array, result, payouts, digest)).toThrow(expect.objectContaining({ code: "other_terms" }));
});
