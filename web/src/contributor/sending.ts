// Sends what was answered, submission after submission. It can be stopped anywhere and begun again: what was made is sent again byte for byte, and
// what was acknowledged is not sent a second time.

import type { ReadySubmission } from "../engine/messages.ts";
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
  /** Notes that a submission is refused for good. */
  refuse(id: string, kind: string): Promise<void>;
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

/** How many answers were acknowledged, and how many the coordinator has refused for good. */
export interface SendResult {
  sent: number;
  refused: number;
}

/** How often a submission is made again, and how often one is sent again when the coordinator or the network has a bad moment. */
const RESEALS = 3;
const TRIES = 5;

/** Refusals for good of one submission, of those in `is_final` of client/src/resending.rs: another submission may still be taken. The other refusals
 *  there are of everything that somebody sends, and end the sending. */
const REFUSED = ["job_full", "contributor_quota", "submission_conflict", "submission_rejected"];

/** Sends everything. */
export async function sendAll(sender: Sender, total: number, report: (progress: SendProgress) => void): Promise<SendResult> {
  const result: SendResult = { sent: 0, refused: 0 };
  let reseals = 0;
  const tell = (step: SendProgress["step"]): void => report({ step, sent: result.sent, total });
  tell("preparing");
  await sender.freshKeys();
  for (;;) {
    tell("preparing");
    const ready = await sender.next();
    if (ready === null) {
      return result;
    }
    try {
      const receipt = await patiently(sender, () => (tell("sending"), sender.send(ready)), () => tell("waiting"));
      await sender.settle(ready.id, receipt);
      result.sent += ready.answers;
    } catch (error) {
      const kind = error instanceof Problem ? error.kind : "";
      if (REFUSED.includes(kind)) {
        await sender.refuse(ready.id, kind);
        result.refused += ready.answers;
      } else if (kind === "sealing_key_expired" && reseals < RESEALS) {
        reseals += 1;
        // First the keys: without newer ones, what the coordinator says is not true.
        await sender.freshKeys();
        await sender.discard(ready.id);
      } else {
        throw error;
      }
    }
  }
}

/** Runs a request again when it may succeed a little later. */
async function patiently<T>(sender: Sender, request: () => Promise<T>, onWait: () => void): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request();
    } catch (error) {
      const isPassing = error instanceof Unreachable || (error instanceof Problem && error.isPassing && !REFUSED.includes(error.kind));
      if (!isPassing || attempt === TRIES) {
        throw error;
      }
      onWait();
      const asked = error instanceof Problem ? error.retryAfter : undefined;
      await sender.pause(Math.min(asked ?? 2 ** attempt, 30));
    }
  }
}
