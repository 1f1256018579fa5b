import { expect, test } from "vitest";
import { engineOf, type Port } from "../../src/engine/client.ts";
import type { CallMessage } from "../../src/engine/messages.ts";

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
