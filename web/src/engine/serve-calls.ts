// The worker's side of the calls: answers them one after the other.

import { BROKEN, type AnswerMessage, type CallMessage } from "./messages.ts";

type Call = (...args: unknown[]) => unknown;

/** The method of this name, if the page may call it. */
function find(targets: readonly object[], name: string): Call | undefined {
  for (const target of targets) {
    const method: unknown = Object.hasOwn(Object.getPrototypeOf(target) as object, name) ? target[name as keyof object] : undefined;
    if (typeof method === "function" && name !== "constructor") {
      return method.bind(target) as Call;
    }
  }
  return undefined;
}

/** Answers the page's calls with the methods of these objects, once they are there. */
export function serveCalls(ready: Promise<readonly object[]>): void {
  const answer = async ({ id, name, args }: CallMessage): Promise<AnswerMessage> => {
    try {
      const call = find(await ready, name);
      if (call === undefined) {
        return { id, ok: false, code: "unexpected", message: `no call ${name}` };
      }
      return { id, ok: true, value: await call(...args) };
    } catch (error) {
      // A mistake in the module ends it wherever it is, as in the programs, and nobody knows what it leaves in its memory.
      if (error instanceof WebAssembly.RuntimeError) {
        return { id, ok: false, code: BROKEN, message: error.message };
      }
      const { code, message } = error as { code?: unknown; message?: unknown };
      return { id, ok: false, code: typeof code === "string" ? code : "unexpected", message: String(message ?? error) };
    }
  };
  let queue: Promise<unknown> = Promise.resolve();
  self.onmessage = (event: MessageEvent<CallMessage>) => {
    queue = queue.then(async () => {
      const answered = await answer(event.data);
      self.postMessage(answered);
      if (!answered.ok && answered.code === BROKEN) {
        self.onmessage = null;
        self.close();
        // What waits behind it is not done.
        await new Promise(() => undefined);
      }
    });
  };
}
