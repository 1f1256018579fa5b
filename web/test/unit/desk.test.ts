import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterView, JobView } from "tacit-engine";
import { fetchStanding, repeatWithdrawals, withdraw } from "../../src/contributor/afterwards.ts";
import { Desk } from "../../src/contributor/desk.ts";
import type { Engine } from "../../src/engine/client.ts";
import type { IdentityNote } from "../../src/engine/identities.ts";
import { NeedsClusterFile, NeedsConfirmation } from "../../src/open-cluster.ts";
import type { JobRoute } from "../../src/route.ts";
import { Drafts } from "../../src/storage/drafts.ts";
import { loadJob, saveJob } from "../../src/storage/job-record.ts";
import type { SubmissionNote } from "../../src/storage/submissions.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";

const CLUSTER = "ab".repeat(32);
const COORDINATOR = "https://c.example";
const ROUTE: JobRoute = { kind: "job", job: "signs", cluster: CLUSTER, coordinator: COORDINATOR };
const POOL = { pool: "union", keys: ["k"], need: 1 };

let store: SealedStore;
let count = 0;
/** What the coordinator answers to a request, as whoever it is signed. */
let answer: (request: string, as: string) => Response;
/** What the host of the page answers when it is asked for its cluster file. */
let answerHost: (request: string, as: string) => Response;
let asked: string[];
/** The addresses that were accepted for the cluster, and the cluster file that the host of the page offered first. */
let accepted: string[] | null;
let hostFile: string | undefined;
/** What was made on this device. */
let submissions: SubmissionNote[];

/** An engine that signs by name, and knows these identities. */
function engineWith(identities: IdentityNote[], issuers?: typeof POOL): { engine: Engine; used: string[] } {
  const used: string[] = [];
  let current: IdentityNote | undefined;
  let known: string | null = null;
  const cluster = { digest: CLUSTER, coordinator: { address: COORDINATOR }, nodes: [], threshold: 1 } as unknown as ClusterView;
  const view = {
    id: "signs",
    digest: "d",
    terms: { name: "Signs", items: 3, buyer: "buyer", ...(issuers && { issuers }) },
    issuers: issuers ? { digest: `issuers of ${issuers.pool}`, fingerprints: [] } : null,
    items: [{ id: "a" }, { id: "b" }, { id: "c" }],
  } as unknown as JobView;
  const enrolled: IdentityNote = { name: "enrolled", publicKey: "new", contributor: "alice", isEnrolled: false };
  const calls = {
    openKnownCluster: async () => (known === null ? null : cluster),
    openCluster: async () => ((known = CLUSTER), cluster),
    trustedAddresses: async () => accepted,
    acceptCluster: async (_: string, address: string) => void (accepted = [...(accepted ?? []), address]),
    hostFile: async (now: string) => (hostFile ??= now),
    replacedBy: async () => [],
    listIdentities: async () => identities,
    useIdentity: async (name: string) => {
      used.push(name);
      current = [...identities, enrolled].find((one) => one.name === name);
      return current;
    },
    readInvitation: async (code: string) => void used.push(`invitation ${code}`),
    isInvitedAs: async (name: string) => name === "taken" && used.at(-1) === "invitation CODE",
    takeUpInvitation: async () => (current = { name: "taken", publicKey: "p", contributor: "union/1", pool: "union", isEnrolled: true }),
    checkIdentity: async () => used.push("checked"),
    sign: async (as: string) => (as === "nobody" ? {} : { authorization: as === "invitation" ? as : (current?.name ?? "") }),
    enrolment: async (contributor: string) => ((current = { ...enrolled, contributor }), { identity: current, body: new Uint8Array() }),
    noteEnrolled: async () => (current = { ...(current ?? enrolled), isEnrolled: true }),
    openJob: async () => view,
    agree: async (shown: string[], page: string | null) => (used.push(`agreed to ${shown.join()} of ${page}`), { agreedAt: 7 }),
    // The mock of a key has signed all that the coordinator lists.
    sentItems: async (_: string, body: Uint8Array) => ((JSON.parse(new TextDecoder().decode(body)) as { submissions?: { items: number[] }[] }).submissions ?? []).flatMap((one) => one.items),
    keepJob: async (spec: Uint8Array, record: never) => saveJob(store, { cluster: CLUSTER, job: "signs", person: current?.publicKey ?? "" }, { record, spec, terms: new Uint8Array() }),
    listSubmissions: async () => submissions,
    checkReceipts: async (_: Uint8Array, job?: { terms: Uint8Array }) => ({
      digest: job === undefined ? "d" : (JSON.parse(new TextDecoder().decode(job.terms)) as { digest: string }).digest,
      answers: 2,
      submissions: { aa: { counted: 1 }, bb: { counted: 2 } },
    }),
    checkOutcome: async (id: string, _: Uint8Array, record: string) => ({ rejected: [{ item: id, reason: record }] }),
  };
  return { engine: calls as unknown as Engine, used };
}

const ok = (): Response => new Response("{}");
const problem = (kind: string, status: number): Response => new Response(JSON.stringify({ type: `urn:tacit:problem:${kind}`, title: "", status, detail: "" }), { status });
const unknown = (): Response => new Response(JSON.stringify({ type: "urn:tacit:problem:unknown_job", title: "", status: 404, detail: "" }), { status: 404 });
const identity = (name: string, pool?: string): IdentityNote => ({ name, publicKey: name, contributor: name, isEnrolled: true, ...(pool && { pool, issuers: `issuers of ${pool}` }) });

beforeEach(async () => {
  store = await SealedStore.open(`desk-${(count += 1)}`);
  asked = [];
  [accepted, hostFile, submissions] = [[COORDINATOR], undefined, []];
  answer = ok;
  answerHost = () => new Response("", { status: 404 });
  vi.stubGlobal("document", { head: { querySelectorAll: () => [], append: () => {} }, createElement: () => ({}) });
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => {
    const as = (init.headers as Record<string, string> | undefined)?.["authorization"] ?? "nobody";
    const request = `${init.method ?? "GET"} ${String(input).replace(COORDINATOR, "")}`;
    asked.push(`${request} as ${as}`);
    return request.endsWith("cluster.toml") ? answerHost(request, as) : answer(request, as);
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a public job is read as nobody, and the name is asked only when somebody agrees", async () => {
  const { engine, used } = engineWith([]);
  const desk = new Desk(engine, store, ROUTE);
  expect(await desk.open()).toBe("consent");
  expect(desk.needsName).toBe(true);
  expect(await desk.enrol("alice")).toBe("consent");
  await desk.agree(["shown"], "version");
  expect(asked).toEqual(["GET ./cluster.toml as nobody", "GET /v1/cluster as nobody", "GET /v1/jobs/signs/spec as nobody", "POST /v1/contributors as nobody"]);
  expect([desk.agreedAt, used.at(-1)]).toEqual([7, "agreed to shown of version"]);
  expect(desk.sitting?.total).toBe(3);
  // Whose key has signed the job, and who vouches for its people, is kept with the record.
  expect((await loadJob(store, { cluster: CLUSTER, job: "signs", person: "new" }))?.record).toMatchObject({ buyer: "buyer", issuers: null, coordinator: COORDINATOR });
});

test("a job that is not shown asks who somebody is, and is read again as that", async () => {
  answer = (request, as) => (request.includes("/spec") && as === "nobody" ? unknown() : ok());
  const desk = new Desk(engineWith([]).engine, store, ROUTE);
  expect(await desk.open()).toBe("access");
  expect(await desk.enrol("alice")).toBe("consent");
  expect(desk.needsName).toBe(false);
});

test("an invitation signs until it is taken up, and the person then answers under its number", async () => {
  const { engine, used } = engineWith([identity("other", "another")], POOL);
  const desk = new Desk(engine, store, { ...ROUTE, invitation: "CODE" });
  expect(await desk.open()).toBe("consent");
  expect(used).toEqual(["invitation CODE"]);
  expect(asked.at(-1)).toBe("GET /v1/jobs/signs/spec as invitation");
  expect(desk.identity?.contributor).toBe("union/1");
  expect(desk.needsName).toBe(false);
});

test("an invitation of somebody who has answered here opens what that person has answered; one of somebody else asks who answers", async () => {
  const known = [identity("taken", "union")];
  const first = new Desk(engineWith(known, POOL).engine, store, { ...ROUTE, invitation: "CODE" });
  await first.open();
  await first.agree([], null);
  expect(await new Desk(engineWith([{ ...identity("taken", "union"), publicKey: "p" }], POOL).engine, store, { ...ROUTE, invitation: "CODE" }).open()).toBe("nothing");
  const { engine, used } = engineWith([{ ...identity("taken", "union"), publicKey: "p" }], POOL);
  const desk = new Desk(engine, store, { ...ROUTE, invitation: "OTHER" });
  expect(await desk.open()).toBe("person");
  expect(desk.people).toEqual([{ key: "p", contributor: "union/1" }]);
  Object.assign(engine, { takeUpInvitation: async () => (used.push("taken up"), await engine.useIdentity("other")) });
  Object.assign(engine, { useIdentity: async () => ({ name: "other", publicKey: "q", contributor: "union/2", pool: "union", isEnrolled: true }) });
  expect(await desk.answerAsNew()).toBe("consent");
  expect(desk.identity?.contributor).toBe("union/2");
  expect(used).not.toContain("taken");
});

test("somebody else at a job without a pool gets a key of their own", async () => {
  const { engine } = engineWith([]);
  const first = new Desk(engine, store, ROUTE);
  await first.open();
  await first.enrol("alice");
  await first.agree([], null);
  const enrolment = vi.fn(async () => ({ identity: identity("second"), body: new Uint8Array() }));
  Object.assign(engine, { enrolment });
  expect(await new Desk(engine, store, ROUTE).open()).toBe("nothing");
  const second = new Desk(engine, store, ROUTE, true);
  expect(await second.open()).toBe("person");
  expect(await second.answerAsNew()).toBe("consent");
  await second.enrol("bob");
  expect(enrolment).toHaveBeenCalledWith("bob", true);
});

test("after consent the browser is asked to keep what is stored", async () => {
  const persist = vi.fn(async () => true);
  vi.stubGlobal("navigator", { storage: { persist } });
  const desk = new Desk(engineWith([]).engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  expect(persist).not.toHaveBeenCalled();
  await desk.agree([], null);
  expect(persist).toHaveBeenCalledOnce();
});

test("a job that ended before it was opened here still shows what counted, with the terms of its certificate", async () => {
  answer = (request) =>
    request.includes("/spec")
      ? problem("job_ended", 409)
      : new Response(JSON.stringify(request.includes("/certificate") ? { terms: { digest: "d" } } : { state: "published", submissions: [], certified: {} }));
  const desk = new Desk(engineWith([identity("enrolled")]).engine, store, ROUTE);
  expect(await desk.open()).toBe("ended");
  expect((await fetchStanding(desk))?.certified.answers).toBe(2);
  // The link may pin the terms; the nodes have signed for other ones.
  const pinned = new Desk(engineWith([identity("enrolled")]).engine, store, { ...ROUTE, terms: "e" });
  await pinned.open();
  await expect(fetchStanding(pinned)).rejects.toThrow("other terms");
  // Without a key, it is asked for first.
  const nobody = new Desk(engineWith([]).engine, store, ROUTE);
  expect([await nobody.open(), nobody.hasEnded]).toEqual(["access", true]);
});

test("what is certified of a submission is found by its id, and what is not sent is passed over", async () => {
  const desk = new Desk(engineWith([]).engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  answer = () => new Response(JSON.stringify({ certified: {} }));
  // In another order than that of the records, and with others between.
  desk.submissions = (["withdrawn", "made", "refused"] as const).map((state, index) => ({ id: `x${index}`, items: [], state, made: 0 }));
  desk.submissions.push({ id: "bb", items: [], state: "sent", made: 1 }, { id: "aa", items: [], state: "sent", made: 2 });
  expect((await fetchStanding(desk))?.rejected).toEqual([
    { item: "bb", reason: '{"counted":2}' },
    { item: "aa", reason: '{"counted":1}' },
  ]);
});

test("what was taken back can be answered again, also when the coordinator had it before", async () => {
  const desk = new Desk(engineWith([]).engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  answer = () => new Response(JSON.stringify({ state: "open", submissions: [{ items: [1] }], certified: null }));
  submissions = [{ id: "aa", items: [1], state: "sent", made: 0 }];
  await desk.load();
  await desk.look();
  expect([desk.sitting?.isFinal(1), desk.elsewhere]).toEqual([true, []]);
  submissions = [{ id: "aa", items: [1], state: "withdrawn", made: 0 }];
  await desk.load();
  expect(desk.sitting?.isFinal(1)).toBe(false);
});

test("keys of several pools are not tried one after the other", async () => {
  answer = (request) => (request.includes("/spec") ? unknown() : ok());
  const { engine, used } = engineWith([identity("one", "union"), identity("two", "guild")], POOL);
  const desk = new Desk(engine, store, ROUTE);
  expect(await desk.open()).toBe("access");
  expect(used).toEqual([]);
  expect(asked.filter((one) => one.includes("/spec"))).toEqual(["GET /v1/jobs/signs/spec as nobody"]);
});

test("a job of a pool takes the key of that pool, and nobody without one", async () => {
  const { engine, used } = engineWith([identity("mine", "union")], POOL);
  expect(await new Desk(engine, store, ROUTE).open()).toBe("consent");
  expect(used).toEqual(["mine", "checked"]);
  expect(await new Desk(engineWith([identity("enrolled")], POOL).engine, store, ROUTE).open()).toBe("access");
});

test("the key of a pool does not answer a job that names none", async () => {
  const desk = new Desk(engineWith([identity("mine", "union")]).engine, store, ROUTE);
  expect(await desk.open()).toBe("consent");
  expect(desk.needsName).toBe(true);
});

test("a job that was agreed to opens without a network, with the answers that were given", async () => {
  const { engine } = engineWith([]);
  const first = new Desk(engine, store, ROUTE);
  await first.open();
  await first.enrol("alice");
  await first.agree([], null);
  const item = first.sitting?.item ?? -1;
  await first.keep(item, { class: 1 });
  asked.length = 0;
  answer = () => {
    throw new TypeError("no network");
  };
  const second = new Desk(engine, store, ROUTE);
  expect(await second.open()).toBe("nothing");
  await second.look();
  expect(second.sitting?.draft(item)).toEqual({ class: 1 });
  expect([second.sitting?.waiting, second.isClosed]).toEqual([1, false]);
  expect(asked.every((one) => one.includes("/receipts") || one.includes("cluster.toml"))).toBe(true);
});

test("what the coordinator says was sent from another device is passed over and set aside; nothing is removed, and the person decides", async () => {
  const { engine } = engineWith([]);
  const desk = new Desk(engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  await desk.keep(1, { class: 0 });
  await desk.load();
  answer = () => new Response(JSON.stringify({ state: "open", submissions: [{ items: [0, 1, 99, -1] }], certified: null }));
  await desk.look();
  expect([desk.sitting?.waiting, desk.sitting?.item, desk.passedOver, desk.aside]).toEqual([0, 2, [0, 1], [1]]);
  expect(await new Drafts(store, { cluster: CLUSTER, job: "signs", person: "new" }).all()).toEqual(new Map([[1, { class: 0 }]]));
  await desk.ignoreElsewhere();
  expect([desk.sitting?.waiting, desk.sitting?.draft(1), desk.passedOver, desk.aside]).toEqual([1, { class: 0 }, [], []]);
  await desk.look();
  expect(desk.passedOver).toEqual([]);
});

test("a link that brings its own operators is followed only after the person has accepted them", async () => {
  accepted = null;
  const { engine } = engineWith([]);
  const desk = new Desk(engine, store, ROUTE);
  const failure: unknown = await desk.open().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NeedsConfirmation);
  const { doubt } = failure as NeedsConfirmation;
  expect(doubt).toMatchObject({ isForeign: true, hasHostChanged: false, coordinator: COORDINATOR, instead: undefined });
  // Nothing was signed, and no job was asked for.
  expect(asked).toEqual(["GET ./cluster.toml as nobody", "GET /v1/cluster as nobody"]);
  // What was accepted is this cluster at this address, and no other.
  const other = { ...doubt, cluster: { ...doubt.cluster, digest: "cd".repeat(32) } };
  await expect(desk.open(undefined, other)).rejects.toBeInstanceOf(NeedsConfirmation);
  await expect(desk.open(undefined, { ...doubt, coordinator: "https://evil.example" })).rejects.toBeInstanceOf(NeedsConfirmation);
  expect(await desk.open(undefined, doubt)).toBe("consent");
  expect(await new Desk(engine, store, ROUTE).open()).toBe("consent");
});

test("the cluster that the host of the page offers needs no question, until the host offers another one", async () => {
  accepted = null;
  answerHost = () => new Response("file");
  const { engine } = engineWith([]);
  expect(await new Desk(engine, store, ROUTE).open()).toBe("consent");
  hostFile = "what it offered before";
  await expect(new Desk(engine, store, ROUTE).open()).rejects.toMatchObject({ doubt: { isForeign: false, hasHostChanged: true } });
  // Who has accepted the operators keeps them, and is told.
  accepted = [COORDINATOR];
  const desk = new Desk(engine, store, ROUTE);
  expect([await desk.open(), desk.hasHostChanged]).toEqual(["consent", true]);
});

test("another address than the cluster file's, or than that of a job that is here, is asked about, with both", async () => {
  const { engine } = engineWith([]);
  const evil: JobRoute = { ...ROUTE, coordinator: "https://evil.example" };
  const doubtOf = (desk: Desk) => desk.open().catch((error: unknown) => (error as NeedsConfirmation).doubt);
  expect(await doubtOf(new Desk(engine, store, evil))).toMatchObject({ coordinator: "https://evil.example", instead: COORDINATOR, isForeign: false });
  const desk = new Desk(engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  asked.length = 0;
  expect(await doubtOf(new Desk(engine, store, evil))).toMatchObject({ instead: COORDINATOR });
  expect(asked).toEqual(["GET ./cluster.toml as nobody"]);
  const { coordinator: _, ...bare } = ROUTE;
  const again = new Desk(engine, store, bare);
  expect([await again.open(), again.coordinator]).toEqual(["nothing", COORDINATOR]);
});

test("a submission that is taken back is asked for until every node has erased it, and not for ever", async () => {
  const { engine } = engineWith([]);
  const desk = new Desk(engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  let open = 3;
  const calls = { withdrawal: async () => new Uint8Array(), noteWithdrawn: async () => ({ erasedBy: [], missing: (open -= 1) > 0 ? ["node-1"] : [] }) };
  Object.assign(engine, calls);
  asked.length = 0;
  expect((await withdraw(desk, "aa", async () => {})).missing).toEqual([]);
  expect(asked).toEqual(Array(3).fill("DELETE /v1/jobs/signs/submissions/aa as enrolled"));
  open = 99;
  asked.length = 0;
  expect((await withdraw(desk, "aa", async () => {})).missing).toEqual(["node-1"]);
  expect(asked.length).toBe(5);
});

test("what took the place of another submission is taken back with it, and what is not confirmed is asked for at every visit", async () => {
  const { engine } = engineWith([]);
  const desk = new Desk(engine, store, ROUTE);
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  const denied: string[] = [];
  const note = { id: "bb", items: [0], state: "withdrawing" as const, made: 0 };
  Object.assign(engine, {
    replacedBy: async (id: string) => (id === "bb" ? ["aa"] : []),
    withdrawal: async () => new Uint8Array(),
    noteWithdrawn: async () => ({ erasedBy: [], missing: ["node-1"] }),
    noteDenied: async (id: string) => void denied.push(id),
    listSubmissions: async () => [note, { ...note, id: "cc", state: "sent" }],
  });
  answer = (request) => (request.endsWith("/aa") ? problem("unknown_submission", 404) : ok());
  await desk.load();
  asked.length = 0;
  await repeatWithdrawals(desk);
  expect(asked).toEqual(["DELETE /v1/jobs/signs/submissions/aa as enrolled", "DELETE /v1/jobs/signs/submissions/bb as enrolled"]);
  expect(denied).toEqual(["aa"]);
  // Without a network the visit goes on.
  answer = () => {
    throw new TypeError("no network");
  };
  await repeatWithdrawals(desk);
});

test("without a digest of the cluster file nothing is asked of the coordinator", async () => {
  answer = () => new Response("", { status: 404 });
  const desk = new Desk(engineWith([]).engine, store, { kind: "job", job: "signs", coordinator: COORDINATOR });
  await expect(desk.open()).rejects.toEqual(new NeedsClusterFile("unknown"));
  expect(asked).toEqual(["GET ./cluster.toml as nobody"]);
});

test("one loader has the pictures of all screens, and gives their memory back when somebody else answers", async () => {
  const desk = new Desk(engineWith([]).engine, store, ROUTE);
  await desk.open();
  const { loader } = desk;
  const close = vi.spyOn(loader, "close");
  expect(desk.loader).toBe(loader);
  desk.close();
  expect(close).toHaveBeenCalledOnce();
  expect(desk.loader).not.toBe(loader);
});
