// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BuyerDesk, LiveStatus } from "../../src/buyer/desk.ts";
import { JobScreen } from "../../src/buyer/job.tsx";
import { EngineFailure } from "../../src/engine/messages.ts";
import { Problem } from "../../src/http/problem.ts";

const place = document.createElement("div");
document.body.append(place);
afterEach(() => render(null, place));

const STATUS = { id: "signs", name: "Signs", digest: "d", state: "open", items: 2, answers_per_item: 2, submissions: 1, answers: 1, delivered: 1, attempt: 0, waiting_on: [] };
const refused = () => new Problem("busy", "busy", "not now", 403);
const button = (name: string) => [...place.querySelectorAll("button")].find((one) => one.textContent === name);

let calls: Record<string, ReturnType<typeof vi.fn>>;
beforeEach(() => {
  calls = {
    follow: vi.fn(async (_: string, __: AbortSignal, onStatus: (status: LiveStatus) => void) => (onStatus(STATUS as LiveStatus), new Promise(() => {}))),
    hasGold: vi.fn(async () => false),
    sendGold: vi.fn(async () => {}),
    releases: vi.fn(async () => ["labels"]),
    close: vi.fn(async () => new Promise(() => {})),
  };
});

function show(): void {
  const desk = { ...calls, shareLinks: async () => () => "https://p.example/#job", site: { coordinator: "https://c.example" } } as unknown as BuyerDesk;
  render(<JobScreen desk={desk} job="signs" onBack={() => {}} />, place);
}

test("nobody closes a job before it is there to be read what will be published", async () => {
  calls["releases"]?.mockRejectedValueOnce(refused());
  show();
  await vi.waitFor(() => expect(button("Close the job")).toBeTruthy());
  button("Close the job")?.click();
  await vi.waitFor(() => expect(button("Try again")).toBeTruthy());
  expect(place.textContent).not.toContain("This is published:");
  expect(button("Yes, close it")?.disabled).toBe(true);
  button("Try again")?.click();
  await vi.waitFor(() => expect(place.textContent).toContain("The label of each item"));
  expect(button("Yes, close it")?.disabled).toBe(false);
  expect(place.textContent).not.toContain("No two contributors");
  button("Yes, close it")?.click();
  await vi.waitFor(() => expect(button("Yes, close it")?.disabled).toBe(true));
  expect(calls["close"]).toHaveBeenCalledOnce();
});

test("that nothing can be compared is said where the coordinator says so", async () => {
  calls["follow"]?.mockImplementation(async (_, __, onStatus) => (onStatus({ ...STATUS, answers: 4, comparable: false }), new Promise(() => {})));
  show();
  await vi.waitFor(() => expect(button("Close the job")).toBeTruthy());
  button("Close the job")?.click();
  await vi.waitFor(() => expect(place.textContent).toContain("No two contributors have answered the same item."));
});

test("a refused stream can be tried again, and does not hide what else went wrong", async () => {
  calls["follow"]?.mockRejectedValueOnce(refused());
  calls["hasGold"]?.mockRejectedValueOnce(new Error("the disk is full"));
  show();
  await vi.waitFor(() => expect(place.querySelectorAll("[role=alert]").length).toBe(2));
  button("Try again")?.click();
  await vi.waitFor(() => expect(place.querySelector("h1")?.textContent).toBe("Signs"));
  expect(calls["follow"]).toHaveBeenCalledTimes(2);
});

test("gold answers that were not sent wait on the job's screen", async () => {
  calls["hasGold"]?.mockResolvedValueOnce(true);
  show();
  await vi.waitFor(() => expect(button("Send the gold answers")).toBeTruthy());
  button("Send the gold answers")?.click();
  await vi.waitFor(() => expect(button("Send the gold answers")).toBeUndefined());
  expect(calls["sendGold"]).toHaveBeenCalledOnce();
});

test("a link that only this device can open is said to be one, and gets the address that the buyer enters", async () => {
  calls["hasGold"]?.mockResolvedValue(false);
  const desk = {
    ...calls,
    shareLinks: async () => (at: { page: string; coordinator: string }, code?: string) => `${at.page}#${at.coordinator}${code ?? ""}`,
    site: { coordinator: "http://127.0.0.1:8080" },
  } as unknown as BuyerDesk;
  render(<JobScreen desk={desk} job="signs" onBack={() => {}} />, place);
  await vi.waitFor(() => expect(place.textContent).toContain("Only this device can reach the coordinator"));
  const type = (label: string, value: string) => {
    const { htmlFor } = [...place.querySelectorAll("label")].find((one) => one.textContent === label) as HTMLLabelElement;
    const field = document.getElementById(htmlFor) as HTMLInputElement;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  type("Address of the coordinator for contributors", "https://c.example");
  await vi.waitFor(() => expect(place.textContent).not.toContain("Only this device can reach the coordinator"));
  expect(place.querySelector(".code")?.textContent).toContain("#https://c.example");
  type("Invitation codes", "tacit-invitation-a\ntacit-invitation-b");
  await vi.waitFor(() => expect(button("Copy 2 links")).toBeTruthy());
});

test("no link is shown where the coordinator speaks of another job than the one that was signed here", async () => {
  const shareLinks = async () => {
    throw new EngineFailure("other_terms", "The coordinator speaks of another job");
  };
  const desk = { ...calls, shareLinks, site: { coordinator: "https://c.example" } } as unknown as BuyerDesk;
  render(<JobScreen desk={desk} job="signs" onBack={() => {}} />, place);
  await vi.waitFor(() => expect(place.textContent).toContain("The coordinator speaks of another job"));
  expect([button("Copy the link"), place.querySelector(".code")]).toEqual([undefined, null]);
});
