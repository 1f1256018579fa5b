import { afterEach, expect, test, vi } from "vitest";
import { engineOf, type Port } from "../../src/engine/client.ts";
import { EngineFailure, type AnswerMessage, type CallMessage } from "../../src/engine/messages.ts";
import { serveCalls } from "../../src/engine/serve-calls.ts";
import { text } from "../../src/text/index.ts";
import { inWords } from "../../src/text/problems.ts";

afterEach(() => vi.unstubAllGlobals());

function port(): Port & { sent: CallMessage[] } {
  const sent: CallMessage[] = [];
  return { sent, postMessage: (message) => void sent.push(message), onmessage: null, onerror: null };
}

test("answers find their calls in any order", async () => {
  const one = port();
  const engine = engineOf(one);
  const [first, second] = [engine.explain("a"), engine.explain("b")];
  expect(one.sent.map(({ name, args }) => [name, args])).toEqual([["explain", ["a"]], ["explain", ["b"]]]);
  one.onmessage?.({ data: { id: 2, ok: true, value: "B" } });
  one.onmessage?.({ data: { id: 1, ok: true, value: "A" } });
  expect(await Promise.all([first, second])).toEqual(["A", "B"]);
});

test("an error keeps its code", async () => {
  const one = port();
  const call = engineOf(one).explain("a");
  one.onmessage?.({ data: { id: 1, ok: false, code: "certified", message: "it is not" } });
  await expect(call).rejects.toMatchObject({ code: "certified", message: "it is not" });
});

test("a worker that does not start fails what waits and what comes", async () => {
  const one = port();
  const engine = engineOf(one);
  const waiting = engine.explain("a");
  one.onerror?.({ message: "blocked" });
  await expect(waiting).rejects.toThrow("blocked");
  await expect(engine.explain("b")).rejects.toThrow("blocked");
});

/** A module whose function `stop` does what a panic does. */
async function stop(): Promise<never> {
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 115, 116, 111, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11];
  const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes));
  return (instance.exports["stop"] as () => never)();
}

test("a module that stops ends the worker, which says so and does nothing more", async () => {
  const done: string[] = [];
  class Calls {
    refuse(): never {
      throw Object.assign(new Error("no"), { code: "name" });
    }
    fail(): Promise<never> {
      return stop();
    }
    write(): void {
      done.push("written");
    }
  }
  const answers: AnswerMessage[] = [];
  const worker = { onmessage: null as ((event: { data: CallMessage }) => void) | null, postMessage: (answer: AnswerMessage) => answers.push(answer), close: vi.fn() };
  vi.stubGlobal("self", worker);
  serveCalls(Promise.resolve([new Calls()]));
  ["refuse", "write", "fail", "write"].forEach((name, id) => worker.onmessage?.({ data: { id, name, args: [] } }));
  await vi.waitFor(() => expect(worker.close).toHaveBeenCalledOnce());
  expect(answers.map((one) => (one.ok ? "ok" : one.code))).toEqual(["name", "ok", "broken"]);
  expect(worker.onmessage).toBeNull();
  expect(done).toEqual(["written"]);
});

test("after a worker's end all calls fail, in words for people", async () => {
  const one = port();
  const engine = engineOf(one);
  const calls = [engine.explain("a"), engine.explain("b")];
  one.onmessage?.({ data: { id: 1, ok: false, code: "broken", message: "unreachable" } });
  for (const call of [...calls, engine.explain("c")]) {
    await expect(call).rejects.toMatchObject({ code: "broken" });
  }
  expect(one.sent.length).toBe(2);
  expect(inWords(new EngineFailure("broken", "unreachable"))).toBe(text.problem.broken);
});
