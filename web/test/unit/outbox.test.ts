import "fake-indexeddb/auto";
import { beforeEach, expect, test, vi } from "vitest";
import type { JobView } from "tacit-engine";
import { Desk } from "../../src/contributor/desk.ts";
import type { ReadySubmission } from "../../src/engine/messages.ts";
import type { Engine } from "../../src/engine/client.ts";
import { AlreadySealed, Drafts } from "../../src/storage/drafts.ts";
import { SealedStore } from "../../src/storage/sealed-store.ts";
import { Submissions } from "../../src/storage/submissions.ts";

const PLACE = { cluster: "ab".repeat(32), job: "signs", person: "p" };
let store: SealedStore;
let desk: Desk;
let count = 0;
/** Fulfilled when the coordinator answers to the next upload. */
let answer: (response: Response) => void;
let uploads: number;

beforeEach(async () => {
  store = await SealedStore.open(`outbox-${(count += 1)}`);
  uploads = 0;
  const submissions = new Submissions(store, PLACE);
  const drafts = new Drafts(store, PLACE);
  const ready = (id: string, items: number[]): ReadySubmission => ({ id, items, answers: items.length, body: { bytes: new Uint8Array(), type: "x" } });
  const calls = {
    openKnownCluster: async () => ({ digest: PLACE.cluster, coordinator: { address: "https://c.example" }, nodes: [] }),
    trustedAddresses: async () => ["https://c.example"],
    listIdentities: async () => [],
    enrolment: async () => ({ identity: { name: "i", publicKey: "p", contributor: "alice", isEnrolled: true }, body: new Uint8Array() }),
    openJob: async () => ({ id: "signs", digest: "d", terms: { name: "Signs", items: 3 }, items: [{ id: "a" }, { id: "b" }, { id: "c" }] }) as unknown as JobView,
    agree: async () => ({ agreedAt: 7 }),
    keepJob: async () => {},
    // The mock of a key has signed all that the coordinator lists.
    sentItems: async (_: string, body: Uint8Array) => ((JSON.parse(new TextDecoder().decode(body)) as { submissions?: { items: number[] }[] }).submissions ?? []).flatMap((one) => one.items),
    sign: async () => ({}),
    takeSealingKeys: async () => {},
    listSubmissions: async () => (await submissions.all()).map(({ note }) => note),
    nextSubmission: async (aside: readonly number[]) => {
      const made = (await submissions.all()).find(({ note }) => note.state === "made");
      if (made !== undefined) {
        return ready(made.note.id, made.note.items);
      }
      const answers = [...(await drafts.all())].flatMap(([item, draft]) => (aside.includes(item) ? [] : [[item, (draft as { class: number }).class] as const]));
      if (answers.length === 0) {
        return null;
      }
      const items = answers.map(([item]) => item);
      const id = `s${items.join("")}`;
      await submissions.make({ note: { id, items, state: "made", made: 1 }, bytes: {} }, answers);
      return ready(id, items);
    },
    settle: async (id: string) => {
      const stored = await submissions.get(id);
      await submissions.settle({ note: { ...stored!.note, state: "sent" }, bytes: {} });
    },
  };
  vi.stubGlobal("document", { head: { querySelectorAll: () => [], append: () => {} }, createElement: () => ({}) });
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    if (init.method !== "PUT") {
      return address.endsWith("cluster.toml") ? new Response("", { status: 404 }) : new Response("{}");
    }
    uploads += 1;
    return new Promise<Response>((done) => (answer = done));
  });
  desk = new Desk(calls as unknown as Engine, store, { kind: "job", job: "signs", cluster: PLACE.cluster });
  await desk.open();
  await desk.enrol("alice");
  await desk.agree([], null);
  await desk.keep(0, { class: 0 });
  await desk.keep(1, { class: 1 });
  await desk.load();
});

test("what is being sent is final at once on every screen, and goes on when nobody looks at it", async () => {
  const seen: (string | undefined)[] = [];
  const end = desk.outbox.listen(() => seen.push(desk.outbox.progress?.step));
  const { sitting } = desk;
  const sending = desk.outbox.send();
  await vi.waitFor(() => expect(uploads).toBe(1));
  expect([desk.sitting?.isFinal(0), desk.sitting?.isFinal(1), desk.sitting?.item, desk.waiting]).toEqual([true, true, 2, 2]);
  // Nobody can change what was sealed; what is answered meanwhile is sent after it.
  await expect(desk.keep(0, { class: 2 })).rejects.toBeInstanceOf(AlreadySealed);
  await desk.keep(2, { class: 0 });
  desk.sitting?.take({ class: 0 });
  end();
  // Asked twice, it is sent once.
  await desk.outbox.send();
  answer(new Response("{}"));
  await vi.waitFor(() => expect(uploads).toBe(2));
  answer(new Response("{}"));
  await sending;
  expect(desk.outbox).toMatchObject({ result: { sent: 3, refused: 0 }, error: undefined, progress: undefined });
  expect(desk.sitting).toBe(sitting);
  expect([desk.waiting, desk.sitting?.sent, (await new Drafts(store, PLACE).all()).size]).toEqual([0, 3, 0]);
  expect(seen).toContain("sending");
});

test("closing the tab while something is sent is asked about, and not afterwards", async () => {
  const listening = new Set<unknown>();
  vi.stubGlobal("addEventListener", (_: string, listener: unknown) => listening.add(listener));
  vi.stubGlobal("removeEventListener", (_: string, listener: unknown) => listening.delete(listener));
  const sending = desk.outbox.send();
  await vi.waitFor(() => expect(uploads).toBe(1));
  expect(listening.size).toBe(1);
  answer(new Response("{}"));
  await sending;
  expect(listening.size).toBe(0);
});

test("what went wrong is kept to be shown, and the answers stay", async () => {
  const sending = desk.outbox.send();
  await vi.waitFor(() => expect(uploads).toBe(1));
  answer(new Response(JSON.stringify({ type: "urn:tacit:problem:job_closed", title: "", detail: "" }), { status: 409 }));
  await sending;
  expect(desk.outbox).toMatchObject({ result: undefined, error: { kind: "job_closed" }, progress: undefined });
  expect(desk.waiting).toBe(2);
});

test("answers to items that the coordinator says were sent from another device stay here, until the person decides", async () => {
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    uploads += init.method === "PUT" ? 1 : 0;
    return new Response(address.endsWith("/receipts") ? JSON.stringify({ state: "open", submissions: [{ items: [0] }] }) : "{}");
  });
  await desk.look();
  await desk.outbox.send();
  expect([uploads, desk.outbox.result, [...(await new Drafts(store, PLACE).all())]]).toEqual([1, { sent: 1, refused: 0 }, [[0, { class: 0 }]]]);
  await desk.ignoreElsewhere();
  await desk.outbox.send();
  expect([uploads, (await new Drafts(store, PLACE).all()).size]).toEqual([2, 0]);
});
