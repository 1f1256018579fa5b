import { beforeEach, expect, test, vi } from "vitest";
import type { ClusterView } from "tacit-engine";
import { BuyerDesk, type LiveStatus } from "../../src/buyer/desk.ts";
import type { Engine } from "../../src/engine/client.ts";

const CLUSTER = { digest: "ab".repeat(32), coordinator: { address: "https://c.example" } } as unknown as ClusterView;
const said = (change: Partial<LiveStatus> = {}): LiveStatus => ({ id: "signs", digest: "mine", ...change }) as LiveStatus;
const AT = { page: "https://page.example/", coordinator: "https://c.example" };

let pinned: string | null;
let signedBy: string;
let key: string | null;
let calls: unknown[][];
let asked: string[];
let added: { content: string }[];

function desk(): BuyerDesk {
  const engine = {
    pinned: async () => pinned,
    buyerPublicKey: async () => key,
    openJob: async (id: string, _: Uint8Array, digest?: string) => {
      calls.push(["open", id, digest]);
      return { digest: "mine", buyerFingerprint: "print", terms: { buyer: signedBy, release: ["labels"] } };
    },
    cancellation: async (...args: unknown[]) => (calls.push(["cancel", ...args]), "signature"),
    verifyResult: async (...args: unknown[]) => (calls.push(["verify", args[0], args.at(-1)]), {}),
  };
  return new BuyerDesk(engine as unknown as Engine, { cluster: CLUSTER, coordinator: "https://c.example" }, "token");
}

beforeEach(() => {
  [pinned, signedBy, key, calls, asked, added] = ["mine", "me", "me", [], [], []];
  vi.stubGlobal("location", { origin: "https://page.example", pathname: "/" });
  vi.stubGlobal("document", { head: { querySelectorAll: () => [], append: (one: { content: string }) => added.push(one) }, createElement: () => ({}) });
  vi.stubGlobal("fetch", async (input: string, init: RequestInit) => (asked.push(`${init.method} ${input}`), new Response('{"payouts":null}')));
});

test("the link for contributors pins what was signed here, and none is made where the coordinator says something else", async () => {
  const link = (await desk().shareLinks("signs", said()))(AT);
  expect(new URLSearchParams(link.split("#")[1]).get("terms")).toBe("mine");
  await expect(desk().shareLinks("signs", said({ digest: "theirs" }))).rejects.toMatchObject({ code: "other_terms" });
  await expect(desk().shareLinks("signs", said({ id: "another" }))).rejects.toMatchObject({ code: "other_terms" });
});

test("what was not signed on this device must be signed with the key that is here", async () => {
  pinned = null;
  expect((await desk().shareLinks("signs", said()))(AT)).toContain("terms=mine");
  expect(asked).toEqual(["GET https://c.example/v1/jobs/signs/spec"]);
  signedBy = "the coordinator";
  await expect(desk().shareLinks("signs", said())).rejects.toThrow("not signed with your key");
  await expect(desk().releases("signs")).rejects.toThrow("not signed with your key");
  key = null;
  await expect(desk().shareLinks("signs", said())).rejects.toThrow("open your key file");
});

test("what is closed is looked up under the digest that was signed here", async () => {
  expect(await desk().releases("signs")).toEqual(["labels"]);
  expect(calls).toEqual([["open", "signs", "mine"]]);
});

test("a cancellation is of the job on the screen and of no other", async () => {
  await desk().cancel("signs", said());
  expect(calls).toEqual([["cancel", "signs", "mine"]]);
  expect(asked).toEqual(["DELETE https://c.example/v1/jobs/signs?signature=signature"]);
  calls = [];
  for (const other of [said({ id: "another" }), said({ digest: "theirs" })]) {
    await expect(desk().cancel("signs", other)).rejects.toMatchObject({ code: "other_terms" });
  }
  expect(calls).toEqual([]);
});

test("a result is verified for the job that was asked for", async () => {
  await desk().result("signs");
  expect(calls).toEqual([["verify", "signs", "mine"]]);
});

test("whoever looks at a job reaches its coordinator only", async () => {
  const abort = new AbortController();
  abort.abort();
  await desk().follow("signs", abort.signal, () => {}, () => {});
  expect(added.map(({ content }) => /connect-src ([^;]+)/.exec(content)?.[1])).toEqual(["'self' https://c.example"]);
});
