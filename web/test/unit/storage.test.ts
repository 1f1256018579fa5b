import "fake-indexeddb/auto";
import { openDB } from "idb";
import { expect, test } from "vitest";
import { Drafts } from "../../src/storage/drafts.ts";
import { loadJob, listJobs, saveJob } from "../../src/storage/job-record.ts";
import { names } from "../../src/storage/names.ts";
import { pack, unpack } from "../../src/storage/packing.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { Submissions } from "../../src/storage/submissions.ts";

const PLACE = { cluster: "ab".repeat(32), job: "signs" };
let count = 0;
const fresh = (): string => `test-${(count += 1)}`;

/** All that is on the disk, as text. */
async function raw(name: string): Promise<string> {
  const database = await openDB(name, 1);
  const values = (await database.getAll("values")) as { iv: Uint8Array; data: ArrayBuffer }[];
  database.close();
  return values.map(({ data }) => Buffer.from(data).toString("latin1")).join("|");
}

test("values survive packing, with their bytes, in blocks of one length", () => {
  const value = { json: { a: [1, "ü"] }, bytes: { one: new Uint8Array([1, 2, 3]), none: new Uint8Array() } };
  const packed = pack(value);
  expect(packed.length % 64).toBe(0);
  expect(unpack(packed)).toEqual(value);
  expect(pack({ json: { class: 0 } }).length).toBe(pack({ json: { class: 999 } }).length);
});

test("what is stored is found again by another page, and is not readable on the disk", async () => {
  const name = fresh();
  const store = await SealedStore.open(name);
  await store.put("secret", { json: "CANARY-ANSWER", bytes: { more: new TextEncoder().encode("CANARY-BYTES") } });
  expect(await raw(name)).not.toMatch(/CANARY/);
  const other = await SealedStore.open(name);
  expect((await other.get("secret"))?.json).toBe("CANARY-ANSWER");
  expect(await other.get("nothing")).toBeUndefined();
});

test("the key is one that the browser does not give out", async () => {
  const name = fresh();
  await SealedStore.open(name);
  const database = await openDB(name, 1);
  const key = (await database.get("device", "key")) as CryptoKey;
  expect(key.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
});

test("a value that was put under another name is refused", async () => {
  const name = fresh();
  const store = await SealedStore.open(name);
  await store.put("draft/1", { json: 1 });
  const database = await openDB(name, 1);
  await database.put("values", await database.get("values", "draft/1"), "draft/2");
  await expect(store.get("draft/2")).rejects.toThrow();
});

test("drafts are kept by item, and jobs do not see each other's", async () => {
  const store = await SealedStore.open(fresh());
  const drafts = new Drafts(store, PLACE);
  await drafts.put(3, { class: 1 });
  await drafts.put(10, "skipped");
  await drafts.put(4, { class: 0 });
  await drafts.put(4, undefined);
  await new Drafts(store, { ...PLACE, job: "signs-2" }).put(3, { class: 2 });
  expect([...(await drafts.all())]).toEqual([
    [10, "skipped"],
    [3, { class: 1 }],
  ]);
});

test("a receipt is stored and its answers leave the drafts in one step", async () => {
  const store = await SealedStore.open(fresh());
  const [drafts, submissions] = [new Drafts(store, PLACE), new Submissions(store, PLACE)];
  await Promise.all([1, 2, 3].map((item) => drafts.put(item, { class: 0 })));
  const note = { id: "aa", items: [1, 3], state: "made" as const, made: 5 };
  await submissions.put({ note, bytes: { bytes: new Uint8Array([9]) } });
  expect((await drafts.all()).size).toBe(3);
  await submissions.settle({ note: { ...note, state: "sent", sequence: 0 }, bytes: { receipt: new Uint8Array([7]) } });
  expect([...(await drafts.all()).keys()]).toEqual([2]);
  const [stored] = await submissions.all();
  expect([stored?.note.state, stored?.bytes]).toEqual(["sent", { receipt: new Uint8Array([7]) }]);
});

test("submissions are listed in the order in which they were made", async () => {
  const submissions = new Submissions(await SealedStore.open(fresh()), PLACE);
  for (const [id, made] of [["bb", 2], ["aa", 1], ["cc", 3]] as const) {
    await submissions.put({ note: { id, items: [], state: "made", made }, bytes: {} });
  }
  await submissions.forget("bb");
  expect((await submissions.all()).map(({ note }) => note.id)).toEqual(["aa", "cc"]);
});

test("a job is kept with its spec and terms, byte for byte", async () => {
  const store = await SealedStore.open(fresh());
  const record = { coordinator: "https://c.example", name: "Signs", digest: "d", identity: "i", agreedAt: 1, start: 2 };
  await saveJob(store, PLACE, { record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  expect(await loadJob(store, PLACE)).toEqual({ record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  expect(await listJobs(store)).toEqual([{ ...PLACE, record }]);
  expect(await loadJob(store, { ...PLACE, job: "other" })).toBeUndefined();
});

test("names that begin alike are not mixed up", () => {
  expect(names.draft({ ...PLACE, job: "a" }, 1).startsWith(names.drafts({ ...PLACE, job: "a-b" }))).toBe(false);
  expect(names.draft({ ...PLACE, job: "a-b" }, 1).startsWith(names.drafts({ ...PLACE, job: "a" }))).toBe(false);
});
