// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Answer } from "../../src/contributor/answer.tsx";
import type { Desk } from "../../src/contributor/desk.ts";
import { Sitting } from "../../src/contributor/sitting.ts";
import { AlreadySealed } from "../../src/storage/drafts.ts";

const place = document.createElement("div");
document.body.append(place);
afterEach(() => render(null, place));

let sitting: Sitting;
let keep: ReturnType<typeof vi.fn>;

function show(classes: string[], total = 4, isShown = true): void {
  sitting = new Sitting(total, 0, new Map(), new Set());
  keep = vi.fn(async () => {});
  const desk = {
    job: { terms: { name: "Signs", question: { classes } } },
    items: Array.from({ length: total }, (_, index) => ({ id: `i${index}`, text: "x" })),
    loader: { moveTo: () => {}, isShown: () => isShown, state: () => ({ state: "loading" }) },
    outbox: { listen: () => () => {} },
    isClosed: false,
    keep,
    load: vi.fn(async () => {}),
  };
  render(<Answer desk={desk as unknown as Desk} sitting={sitting} onSend={() => {}} />, place);
}

const said = () => place.querySelector("p.unseen[role=status]")?.textContent;
const button = (name: string) => [...place.querySelectorAll("button")].find((one) => one.textContent?.endsWith(name));
const press = (key: string) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

beforeEach(() => localStorage.clear());

test("two equal answers in a row are two announcements", async () => {
  show(["stop", "yield"]);
  button("stop")?.click();
  await vi.waitFor(() => expect(said()).toBe("Answered: stop. Number 2 of 4 is next."));
  button("stop")?.click();
  await vi.waitFor(() => expect(said()).toBe("Answered: stop. Number 3 of 4 is next."));
  button("Undo")?.click();
  await vi.waitFor(() => expect(said()).toBe("Last step undone. Number 2 of 4 is shown."));
});

test("digits choose among the answers that are shown, not among hidden ones", async () => {
  show(Array.from({ length: 40 }, (_, index) => `class ${index}`));
  const field = place.querySelector("input") as HTMLInputElement;
  field.value = "39";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.waitFor(() => expect(place.querySelectorAll(".choice").length).toBe(1));
  await vi.waitFor(() => {
    press("2");
    expect(keep).not.toHaveBeenCalled();
    press("1");
    expect(keep).toHaveBeenCalledWith(0, { class: 39 });
  });
});

test("the switch of the keys keeps its name, and its state alone changes", async () => {
  show(["stop"]);
  const toggle = () => button("Keys 1–9 and arrows");
  expect(toggle()?.getAttribute("aria-pressed")).toBe("true");
  toggle()?.click();
  await vi.waitFor(() => expect(toggle()?.getAttribute("aria-pressed")).toBe("false"));
});

test("an answer that was sent from another tab is not changed, and that is said", async () => {
  show(["stop"]);
  keep.mockRejectedValueOnce(new AlreadySealed());
  button("stop")?.click();
  await vi.waitFor(() => expect(place.querySelector(".notice")?.textContent).toContain("sent already, perhaps from another tab"));
  expect(sitting.waiting).toBe(0);
});

test("nobody answers about a picture that is not shown, by button or by key; it can be skipped", async () => {
  show(["stop"], 4, false);
  expect([button("stop")?.disabled, place.textContent?.includes("You can answer as soon as the picture is shown.")]).toEqual([true, true]);
  press("1");
  expect(keep).not.toHaveBeenCalled();
  button("Skip")?.click();
  await vi.waitFor(() => expect(keep).toHaveBeenCalledWith(0, "skipped"));
});
