import "fake-indexeddb/auto";
import { openDB } from "idb";
import { expect, test } from "vitest";
import { AlreadySealed, Drafts } from "../../src/storage/drafts.ts";
import { loadJob, listJobs, saveJob } from "../../src/storage/job-record.ts";
import { names } from "../../src/storage/names.ts";
import { pack, unpack } from "../../src/storage/packing.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { isFinal, Submissions } from "../../src/storage/submissions.ts";

const PLACE = { cluster: "ab".repeat(32), job: "signs", person: "p1" };
let count = 0;
const fresh = (): string => `test-${(count += 1)}`;

/** All that is on the disk, as text. */
async function raw(name: string): Promise<string> {
  const database = await openDB(name, 1);
  const values = (await database.getAll("values")) as { data: ArrayBuffer; name: { data: ArrayBuffer } }[];
  const keys = [...(await database.getAllKeys("values")), ...(await database.getAllKeys("device"))];
  database.close();
  return [...keys.map(String), ...values.flatMap(({ data, name }) => [data, name.data].map((one) => Buffer.from(one).toString("latin1")))].join("|");
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
  for (const name of ["key", "names"]) {
    const key = (await database.get("device", name)) as CryptoKey;
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
  }
});

test("names cannot be read on the disk: neither the job, nor the pool, nor the cluster", async () => {
  const name = fresh();
  const store = await SealedStore.open(name);
  await new Drafts(store, { ...PLACE, job: "canary-job" }).put(3, { class: 1 });
  await store.put("identity/canary-cluster/pool/canary-pool/7", { json: "CANARY" });
  expect(await raw(name)).not.toMatch(/canary|draft\/[^0-9a-f]/i);
  expect([...(await store.all("identity/canary-cluster/")).keys()]).toEqual(["pool/canary-pool/7"]);
  await store.removeAll("identity/canary-cluster/");
  expect(await store.get("identity/canary-cluster/pool/canary-pool/7")).toBeUndefined();
});

/** The keys of groups of values, as they are on the disk. */
async function groupKeys(name: string): Promise<{ id: string; key: CryptoKey }[]> {
  const database = await openDB(name, 1);
  const keys = (await database.getAllKeys("device")).filter((one) => String(one).startsWith("draft/"));
  const found = await Promise.all(keys.map((one) => database.get("device", one)));
  database.close();
  return found as { id: string; key: CryptoKey }[];
}

test("answers of each job have a key of their own, which is replaced when some are gone, and destroyed with the last", async () => {
  const name = fresh();
  const store = await SealedStore.open(name);
  const drafts = new Drafts(store, PLACE);
  await drafts.put(1, { class: 1 });
  await drafts.put(2, { class: 0 });
  await new Drafts(store, { ...PLACE, job: "other" }).put(1, { class: 1 });
  const keys = await groupKeys(name);
  expect(new Set(keys.map(({ id }) => id)).size).toBe(2);
  const database = await openDB(name, 1);
  const old = await database.getAll("values");
  await drafts.put(1, undefined);
  await store.renewKey(names.drafts(PLACE));
  // What is left can be read, also by a page that had read it before, and nothing that was there before can be read with the keys that there are.
  expect([...(await drafts.all())]).toEqual([[2, { class: 0 }]]);
  await drafts.put(5, { class: 1 });
  expect((await drafts.all()).size).toBe(2);
  const before = new Set(keys.map(({ id }) => id));
  expect((await groupKeys(name)).filter(({ id }) => before.has(id)).length).toBe(1);
  expect(old.length).toBe(3);
  await store.removeAll(names.drafts(PLACE));
  await store.renewKey(names.drafts({ ...PLACE, job: "other" }));
  expect((await groupKeys(name)).length).toBe(1);
  await new Drafts(store, { ...PLACE, job: "other" }).put(1, undefined);
  await store.renewKey(names.drafts({ ...PLACE, job: "other" }));
  expect(await groupKeys(name)).toEqual([]);
  database.close();
});

test("an answer that is given while the key is replaced is not lost", async () => {
  const name = fresh();
  const [page, worker] = [await SealedStore.open(name), await SealedStore.open(name)];
  const drafts = new Drafts(page, PLACE);
  const renewals = (async () => {
    for (let time = 0; time < 5; time += 1) {
      await worker.renewKey(names.drafts(PLACE));
    }
  })();
  await Promise.all([renewals, ...Array.from({ length: 30 }, (_, item) => drafts.put(item, { class: item % 2 }))]);
  const all = await drafts.all();
  expect(all.size).toBe(30);
  expect([...all].every(([item, draft]) => draft !== "skipped" && draft.class === item % 2)).toBe(true);
});

test("a value that was put under another name is refused", async () => {
  const name = fresh();
  const store = await SealedStore.open(name);
  await store.put("draft/1", { json: 1 });
  const database = await openDB(name, 1);
  await store.put("draft/2", { json: 2 });
  const [one, two] = await database.getAllKeys("values");
  const [first, second] = await Promise.all([database.get("values", one ?? ""), database.get("values", two ?? "")]);
  await database.put("values", second, one);
  await database.put("values", first, two);
  await expect(store.get("draft/2")).rejects.toThrow();
  await expect(store.all("draft/")).rejects.toThrow();
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
  expect(await submissions.make({ note, bytes: { bytes: new Uint8Array([9]) } }, [[1, 0], [3, 0]])).toBe(true);
  expect([...(await drafts.all()).keys()]).toEqual([2]);
  await submissions.settle({ note: { ...note, state: "sent", sequence: 0 }, bytes: { receipt: new Uint8Array([7]) } });
  expect([...(await store.all(names.drafts(PLACE))).values()].map(({ json }) => json)).toEqual([{ sealedIn: "aa" }, { draft: { class: 0 } }, { sealedIn: "aa" }]);
  const [stored] = await submissions.all();
  expect([stored?.note.state, stored?.bytes]).toEqual(["sent", { receipt: new Uint8Array([7]) }]);
});

test("an answer that is part of a submission cannot be changed, in whatever tab, and one that was changed is not part of one", async () => {
  const store = await SealedStore.open(fresh());
  const [drafts, submissions] = [new Drafts(store, PLACE), new Submissions(store, PLACE)];
  const note = { id: "aa", items: [1, 2], state: "made" as const, made: 5 };
  await drafts.put(1, { class: 0 });
  await drafts.put(2, { class: 1 });
  // Another tab changes an answer while the worker shares it.
  await new Drafts(store, PLACE).put(2, { class: 0 });
  expect(await submissions.make({ note, bytes: {} }, [[1, 0], [2, 1]])).toBe(false);
  expect([await submissions.all(), (await drafts.all()).get(2)]).toEqual([[], { class: 0 }]);
  expect(await submissions.make({ note, bytes: {} }, [[1, 0], [2, 0]])).toBe(true);
  await expect(new Drafts(store, PLACE).put(1, { class: 1 })).rejects.toBeInstanceOf(AlreadySealed);
  await submissions.settle({ note: { ...note, state: "sent" }, bytes: {} });
  await expect(drafts.put(1, { class: 1 })).rejects.toBeInstanceOf(AlreadySealed);
});

test("answers are drafts again when their submission is replaced; when it was taken back, its items are open", async () => {
  const store = await SealedStore.open(fresh());
  const [drafts, submissions] = [new Drafts(store, PLACE), new Submissions(store, PLACE)];
  const note = { id: "aa", items: [1], state: "made" as const, made: 5 };
  await drafts.put(1, { class: 2 });
  await submissions.make({ note, bytes: {} }, [[1, 2]]);
  await submissions.reopen({ note: { ...note, state: "replaced" }, bytes: {} });
  expect([(await submissions.all()).map(({ note }) => isFinal(note)), [...(await drafts.all())]]).toEqual([[false], [[1, { class: 2 }]]]);
  await submissions.make({ note, bytes: {} }, [[1, 2]]);
  await submissions.settle({ note: { ...note, state: "sent" }, bytes: {} });
  await submissions.reopen({ note: { ...note, state: "withdrawn" }, bytes: {} });
  expect((await drafts.all()).size).toBe(0);
  await drafts.put(1, { class: 0 });
  expect([...(await drafts.all())]).toEqual([[1, { class: 0 }]]);
});

test("two people of one device have their own records and drafts of a job", async () => {
  const store = await SealedStore.open(fresh());
  const other = { ...PLACE, person: "p2" };
  const record = { coordinator: "https://c.example", name: "Signs", digest: "d", buyer: "b", issuers: null, identity: "i", contributor: "c", agreedAt: 1, start: 2 };
  await saveJob(store, PLACE, { record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  await saveJob(store, other, { record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  await new Drafts(store, PLACE).put(1, { class: 0 });
  expect((await new Drafts(store, other).all()).size).toBe(0);
  expect((await listJobs(store)).map(({ person }) => person)).toEqual(["p1", "p2"]);
});

test("submissions are listed in the order in which they were made", async () => {
  const submissions = new Submissions(await SealedStore.open(fresh()), PLACE);
  for (const [id, made] of [["bb", 2], ["aa", 1], ["cc", 3]] as const) {
    await submissions.put({ note: { id, items: [], state: "made", made }, bytes: {} });
  }
  expect((await submissions.all()).map(({ note }) => note.id)).toEqual(["aa", "bb", "cc"]);
});

test("a job is kept with its spec and terms, byte for byte", async () => {
  const store = await SealedStore.open(fresh());
  const record = { coordinator: "https://c.example", name: "Signs", digest: "d", buyer: "b", issuers: null, identity: "i", contributor: "c", agreedAt: 1, start: 2 };
  await saveJob(store, PLACE, { record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  expect(await loadJob(store, PLACE)).toEqual({ record, spec: new Uint8Array([1]), terms: new Uint8Array([2]) });
  expect(await listJobs(store)).toEqual([{ ...PLACE, record }]);
  expect(await loadJob(store, { ...PLACE, job: "other" })).toBeUndefined();
});

test("names that begin alike are not mixed up", () => {
  expect(names.draft({ ...PLACE, job: "a" }, 1).startsWith(names.drafts({ ...PLACE, job: "a-b" }))).toBe(false);
  expect(names.draft({ ...PLACE, job: "a-b" }, 1).startsWith(names.drafts({ ...PLACE, job: "a" }))).toBe(false);
});
