import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BuyerDesk } from "../../src/buyer/desk.ts";
import type { Engine } from "../../src/engine/client.ts";

let log: string[];
/** Which parts of the gold answers are not acknowledged, and how the coordinator answers, request after request. */
let parts: number[];
let answers: (() => Response)[];
let isNew: boolean;

const ok = () => new Response("{}");
const problem = (kind: string, status: number) => () => new Response(JSON.stringify({ type: `urn:tacit:problem:${kind}`, title: "", detail: "" }), { status });

function desk(): BuyerDesk {
  const calls = {
    signChecked: async () => ({ view: { id: "signs" }, body: new Uint8Array(), isNew }),
    forgetJob: async (id: string) => void log.push(`forget ${id}`),
    goldParts: async () => parts,
    goldSubmission: async (_: string, part: number) => ({ id: `g${part}`, body: { bytes: new Uint8Array(), type: "x" } }),
    settleGold: async (_: string, part: number) => ((parts = parts.filter((one) => one !== part)), void log.push(`settle ${part}`)),
    discardGold: async (_: string, part: number) => void log.push(`discard ${part}`),
    takeSealingKeys: async () => void log.push("keys"),
  };
  return new BuyerDesk(calls as unknown as Engine, { cluster: {} as never, coordinator: "https://c.example" }, "token");
}

beforeEach(() => {
  [log, parts, answers, isNew] = [[], [], [], true];
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    if (init.method === "PUT") {
      log.push(`PUT ${address.replace("https://c.example/v1/jobs/", "")}`);
      return (answers.shift() ?? ok)();
    }
    return ok();
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a job that the coordinator refuses is forgotten; one of which nothing is known is kept", async () => {
  answers = [problem("job_conflict", 409)];
  await expect(desk().create()).rejects.toMatchObject({ kind: "job_conflict" });
  expect(log).toEqual(["PUT signs", "forget signs"]);
  for (const [unknown, known] of [
    [problem("busy", 503), true],
    [problem("store_failed", 500), true],
    [() => { throw new TypeError("no network"); }, true],
    // The digest of a job that was opened before stays, whatever the coordinator says now.
    [problem("job_conflict", 409), false],
  ] as const) {
    [log, answers, isNew] = [[], [unknown], known];
    await expect(desk().create()).rejects.toThrow();
    expect(log).toEqual(["PUT signs"]);
  }
});

test("gold answers that were not sent are sent later, and sealed again where their key's time is over", async () => {
  parts = [0, 1];
  answers = [ok, ok, problem("busy", 503)];
  await expect(desk().create()).rejects.toMatchObject({ kind: "busy" });
  expect(log).toEqual(["PUT signs", "keys", "PUT signs/submissions/g0", "settle 0", "PUT signs/submissions/g1"]);
  log = [];
  answers = [problem("sealing_key_expired", 409), ok];
  const later = desk();
  expect(await later.hasGold("signs")).toBe(true);
  await later.sendGold("signs");
  expect(log).toEqual(["keys", "PUT signs/submissions/g1", "keys", "discard 1", "PUT signs/submissions/g1", "settle 1"]);
  expect(await later.hasGold("signs")).toBe(false);
});
