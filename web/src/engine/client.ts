// The page's side of the engine. Sharing, sealing, signing and verifying run in the worker only; this file has no way to do it itself.

import type { ContributorCalls } from "./contributor-calls.ts";
import type { BuyerCalls } from "./buyer-calls.ts";
import { BROKEN, EngineFailure, type AnswerMessage, type CallMessage, type Remote } from "./messages.ts";

/** All that the worker does. */
export type Engine = Remote<ContributorCalls> & Remote<BuyerCalls>;

/** What a worker offers, as far as it is used here. */
export interface Port {
  postMessage(message: CallMessage): void;
  onmessage: ((event: { data: AnswerMessage }) => void) | null;
  onerror?: ((event: { message?: string }) => void) | null;
}

/** An engine behind a worker. */
export function engineOf(port: Port): Engine {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  let broken: Error | undefined;
  const end = (failure: Error): void => {
    broken = failure;
    waiting.forEach((call) => call.reject(failure));
    waiting.clear();
  };
  port.onmessage = ({ data }) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.ok) {
      call?.resolve(data.value);
    } else {
      const failure = new EngineFailure(data.code, data.message);
      call?.reject(failure);
      if (data.code === BROKEN) {
        end(failure);
      }
    }
  };
  port.onerror = (event) => end(new EngineFailure("unexpected", event.message ?? "the worker cannot be started"));
  const call = (name: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (broken !== undefined) {
        reject(broken);
        return;
      }
      last += 1;
      waiting.set(last, { resolve, reject });
      port.postMessage({ id: last, name, args });
    });
  return new Proxy({} as Engine, {
    get: (_, name) => (typeof name === "string" && name !== "then" ? (...args: unknown[]) => call(name, args) : undefined),
  });
}

/** Starts the worker of contributors, or that of buyers. */
export function startEngine(who: "contributor" | "buyer"): Engine {
  const worker =
    who === "buyer"
      ? new Worker(new URL("./buyer-worker.ts", import.meta.url), { type: "module", name: "tacit engine" })
      : new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "tacit engine" });
  return engineOf(worker as unknown as Port);
}
