import { expect, test } from "vitest";
import { sendAll, type Sender, type SendProgress } from "../../src/contributor/sending.ts";
import type { ReadySubmission } from "../../src/engine/messages.ts";
import { Problem, Unreachable } from "../../src/http/problem.ts";

const problem = (kind: string, status: number, retryAfter?: number): Problem => new Problem(kind, kind, "", status, retryAfter);

/** A device with batches to send, and a coordinator that fails as told. */
function world(batches: number[], failures: (Error | undefined)[] = []) {
  const log: string[] = [];
  let made = 0;
  const open: ReadySubmission[] = [];
  const left = [...batches];
  const sender: Sender = {
    freshKeys: async () => void log.push("keys"),
    next: async () => {
      const answers = left[0];
      if (open.length === 0 && answers !== undefined) {
        made += 1;
        open.push({ id: `s${made}`, answers, items: [], body: { bytes: new Uint8Array(), type: "x" } });
      }
      return open[0] ?? null;
    },
    send: async ({ id }) => {
      log.push(`send ${id}`);
      const failure = failures.shift();
      if (failure !== undefined) {
        throw failure;
      }
      return new Uint8Array();
    },
    settle: async (id) => {
      log.push(`settle ${id}`);
      open.shift();
      left.shift();
    },
    discard: async (id) => {
      log.push(`discard ${id}`);
      open.shift();
    },
    refuse: async (id, kind) => {
      log.push(`refuse ${id} ${kind}`);
      open.shift();
      left.shift();
    },
    pause: async (seconds) => void log.push(`pause ${seconds}`),
  };
  return { sender, log };
}

test("batches are sent one after the other, each once", async () => {
  const { sender, log } = world([500, 20]);
  const seen: SendProgress[] = [];
  expect(await sendAll(sender, 520, (progress) => seen.push(progress))).toEqual({ sent: 520, refused: 0 });
  expect(log).toEqual(["keys", "send s1", "settle s1", "send s2", "settle s2"]);
  expect(seen.map(({ sent }) => sent)).toEqual([0, 0, 0, 500, 500, 520]);
});

test("a bad moment is waited out, and the same submission is sent again", async () => {
  const { sender, log } = world([1], [new Unreachable("c"), problem("busy", 503, 9)]);
  await sendAll(sender, 1, () => {});
  expect(log).toEqual(["keys", "send s1", "pause 2", "send s1", "pause 9", "send s1", "settle s1"]);
});

test("what is refused is not sent again, and stays on the device", async () => {
  const { sender, log } = world([1], [problem("job_closed", 409)]);
  await expect(sendAll(sender, 1, () => {})).rejects.toMatchObject({ kind: "job_closed" });
  expect(log).toEqual(["keys", "send s1"]);
});

test("a submission that is refused for good is given up, and the next one is sent", async () => {
  for (const refusal of [problem("contributor_quota", 429), problem("job_full", 409), problem("submission_conflict", 409), problem("submission_rejected", 422)]) {
    const { sender, log } = world([500, 20], [refusal]);
    expect(await sendAll(sender, 520, () => {})).toEqual({ sent: 20, refused: 500 });
    expect(log).toEqual(["keys", "send s1", `refuse s1 ${refusal.kind}`, "send s2", "settle s2"]);
  }
});

test("a network that stays away is given up after a few tries", async () => {
  const { sender, log } = world([1], Array.from({ length: 9 }, () => new Unreachable("c")));
  await expect(sendAll(sender, 1, () => {})).rejects.toBeInstanceOf(Unreachable);
  expect(log.filter((line) => line === "send s1").length).toBe(5);
  expect(log).not.toContain("settle s1");
});

test("answers that were sealed to a key whose time is over are sealed again to fresh keys", async () => {
  const { sender, log } = world([1], [problem("sealing_key_expired", 409)]);
  expect(await sendAll(sender, 1, () => {})).toEqual({ sent: 1, refused: 0 });
  expect(log).toEqual(["keys", "send s1", "keys", "discard s1", "send s2", "settle s2"]);
});

test("keys that are always too old are not tried for ever", async () => {
  const { sender } = world([1], Array.from({ length: 9 }, () => problem("sealing_key_expired", 409)));
  await expect(sendAll(sender, 1, () => {})).rejects.toMatchObject({ kind: "sealing_key_expired" });
});
