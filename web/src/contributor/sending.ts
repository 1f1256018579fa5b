// Sends what was answered, submission after submission. It can be stopped anywhere and begun again: what was made is sent again byte for byte, and
// what was acknowledged is not sent a second time.

import type { ReadySubmission } from "../engine/contributor-calls.ts";
import { Problem, Unreachable } from "../http/problem.ts";

/** What sending needs from elsewhere. */
export interface Sender {
  /** Fetches the nodes' newest keys, and checks that the coordinator is of this cluster. */
  freshKeys(): Promise<void>;
  next(): Promise<ReadySubmission | null>;
  send(ready: ReadySubmission): Promise<Uint8Array>;
  settle(id: string, receipt: Uint8Array): Promise<unknown>;
  /** Gives a submission up whose keys are said to be too old; fails if there are no newer ones. */
  discard(id: string): Promise<void>;
  pause(seconds: number): Promise<void>;
}

/** How far it is. */
export interface SendProgress {
  step: "preparing" | "sending" | "waiting";
  /** Answers that were acknowledged in this run. */
  sent: number;
  /** Answers that there are to send. */
  total: number;
}

/** How often a submission is made again, and how often one is sent again when the coordinator or the network has a bad moment. */
const RESEALS = 3;
const TRIES = 5;

/** Sends everything. Returns how many answers were acknowledged. */
export async function sendAll(sender: Sender, total: number, report: (progress: SendProgress) => void): Promise<number> {
  let [sent, reseals] = [0, 0];
  report({ step: "preparing", sent, total });
  await sender.freshKeys();
  for (;;) {
    report({ step: "preparing", sent, total });
    const ready = await sender.next();
    if (ready === null) {
      return sent;
    }
    try {
      const receipt = await patiently(sender, () => {
        report({ step: "sending", sent, total });
        return sender.send(ready);
      }, () => report({ step: "waiting", sent, total }));
      await sender.settle(ready.id, receipt);
      sent += ready.answers;
    } catch (error) {
      const isExpired = error instanceof Problem && error.kind === "sealing_key_expired" && reseals < RESEALS;
      if (!isExpired) {
        throw error;
      }
      reseals += 1;
      // First the keys: without newer ones, what the coordinator says is not true.
      await sender.freshKeys();
      await sender.discard(ready.id);
    }
  }
}

/** Runs a request again when it may succeed a little later. */
async function patiently<T>(sender: Sender, request: () => Promise<T>, onWait: () => void): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const isPassing = error instanceof Unreachable || (error instanceof Problem && error.isPassing);
      if (!isPassing || attempt === TRIES) {
        throw error;
      }
      onWait();
      const asked = error instanceof Problem ? error.retryAfter : undefined;
      await sender.pause(Math.min(asked ?? 2 ** attempt, 30));
    }
  }
}
