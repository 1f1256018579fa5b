// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import type { Desk } from "../../src/contributor/desk.ts";
import { KeyScreen } from "../../src/contributor/key.tsx";
import { People } from "../../src/contributor/people.tsx";
import { Removal } from "../../src/contributor/removal.tsx";
import { Send } from "../../src/contributor/send.tsx";
import type { Engine } from "../../src/engine/client.ts";

const place = document.createElement("div");
document.body.append(place);
afterEach(() => render(null, place));

const button = (name: string) => [...place.querySelectorAll("button")].find((one) => one.textContent === name);
const identity = { name: "n", publicKey: "p", contributor: "alice", isEnrolled: true };

test("a key is removed only after it was said what is lost", async () => {
  const removeIdentity = vi.fn(async () => {});
  const onRemoved = vi.fn();
  const lossOf = async () => ({ contributor: "alice", jobs: ["Signs"], unsent: 3, receipts: 1 });
  render(<Removal engine={{ lossOf, removeIdentity } as unknown as Engine} identity={identity} onRemoved={onRemoved} />, place);
  button("Remove “alice” from this device")?.click();
  await vi.waitFor(() => expect(button("Yes, remove")).toBeTruthy());
  for (const part of ["“Signs”", "3 answers that are not sent are lost.", "1 receipt is lost.", "Save the key first."]) {
    expect(place.textContent).toContain(part);
  }
  expect(removeIdentity).not.toHaveBeenCalled();
  button("Yes, remove")?.click();
  await vi.waitFor(() => expect(onRemoved).toHaveBeenCalledOnce());
  expect(removeIdentity).toHaveBeenCalledWith("n");
});

test("where somebody has answered before, another person can answer as somebody else", async () => {
  const desk = { people: [{ key: "p", contributor: "union/1" }], goOnAs: vi.fn(async () => "nothing"), answerAsNew: vi.fn(async () => "consent") };
  const onDone = vi.fn();
  render(<People desk={desk as unknown as Desk} onDone={onDone} />, place);
  button("Answer as somebody else")?.click();
  await vi.waitFor(() => expect(onDone).toHaveBeenCalledWith("consent"));
  button("Go on as “union/1”")?.click();
  await vi.waitFor(() => expect(desk.goOnAs).toHaveBeenCalledWith("p"));
});

test("once answers were sent, whoever has not saved the key is reminded of it", async () => {
  const desk = {
    outbox: { listen: () => () => {}, result: { sent: 2, refused: 0 } },
    waiting: 0,
    submissions: [{ id: "r", items: [1, 2], state: "refused", refusal: "job_full", made: 0 }],
    identity,
    engine: { reopenRefused: vi.fn(async () => {}) },
    load: vi.fn(async () => {}),
  };
  const onKey = vi.fn();
  const draw = () => render(<Send desk={{ ...desk } as unknown as Desk} onAnswer={() => {}} onAfter={() => {}} onKey={onKey} />, place);
  draw();
  button("Go to your key")?.click();
  expect(onKey).toHaveBeenCalledOnce();
  expect(place.textContent).toContain("does not take 2 answers: the job has as many answers as it takes.");
  button("Try to send them once more")?.click();
  await vi.waitFor(() => expect(desk.load).toHaveBeenCalledOnce());
  expect(desk.engine.reopenRefused).toHaveBeenCalledOnce();
  Object.assign(desk, { identity: { ...identity, isSaved: true } });
  draw();
  expect(button("Go to your key")).toBeUndefined();
});

test("the key screen recommends the file and says what other apps see", async () => {
  const onOther = vi.fn();
  const desk = { identity, outbox: {}, engine: { listIdentities: async () => [identity, { ...identity, name: "m", contributor: "bob" }] } };
  render(<KeyScreen desk={desk as unknown as Desk} onRemoved={() => {}} onOther={onOther} />, place);
  button("Answer as somebody else")?.click();
  expect(onOther).toHaveBeenCalledOnce();
  expect(place.textContent).toContain("Better use the file. This page does not use the camera");
  await vi.waitFor(() => expect(button("Remove “bob” from this device")).toBeTruthy());
  expect(button("Remove “alice” from this device")).toBeTruthy();
});
