// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import { Choices } from "../../src/contributor/choices.tsx";
import type { ImageLoader, ImageState } from "../../src/contributor/image-loader.ts";
import type { Image, Item } from "tacit-engine";
import { ItemView } from "../../src/contributor/item-view.tsx";

const place = document.createElement("div");
document.body.append(place);
afterEach(() => render(null, place));

const image = (name: string, alt?: string): Image => ({ url: `https://p.example/${name}`, sha256: "00".repeat(32), ...(alt && { alt }) });

function show(item: Item, state: ImageState, retry = () => {}): void {
  render(<ItemView item={item} loader={{ state: () => state, retry } as unknown as ImageLoader} />, place);
}

test("a text keeps its lines and is no markup", () => {
  show({ id: "a", text: "one\n<b>two</b>" }, { state: "loading" });
  expect(place.textContent).toBe("one\n<b>two</b>");
  expect(place.querySelector("b")).toBeNull();
});

test("a picture is shown from memory with its description, never from its address", () => {
  show({ id: "a", image: image("1.png", "a stop sign") }, { state: "ready", address: "blob:x" });
  const shown = place.querySelector("img");
  expect([shown?.getAttribute("src"), shown?.getAttribute("alt")]).toEqual(["blob:x", "a stop sign"]);
  expect(place.innerHTML).not.toContain("p.example");
});

test("a picture without a description says so to those who cannot see it", () => {
  show({ id: "a", image: image("1.png") }, { state: "ready", address: "blob:x" });
  expect(place.querySelector("img")?.getAttribute("alt")).toBe("Picture without a description");
});

test("a picture that is another one than the signed one is said in words, and can be loaded again", () => {
  const retry = vi.fn();
  show({ id: "a", image: image("1.png") }, { state: "failed", why: "other-picture" }, retry);
  expect(place.querySelector("[role=alert]")?.textContent).toContain("its digest is another one");
  place.querySelector("button")?.click();
  expect(retry).toHaveBeenCalledOnce();
});

test("a pair is side by side, left first, and each side has a name", () => {
  show({ id: "a", left: { text: "L" }, right: { image: image("r.png", "R") } }, { state: "ready", address: "blob:r" });
  const sides = [...place.querySelectorAll(".pair > section")];
  expect(sides.map((side) => side.getAttribute("aria-label"))).toEqual(["Left", "Right"]);
  expect(sides[0]?.textContent).toContain("L");
  expect(sides[1]?.querySelector("img")?.alt).toBe("R");
});

test("an item without content shows its id", () => {
  show({ id: "sign-17" }, { state: "loading" });
  expect(place.textContent).toContain("sign-17");
});

test("few answers are all shown with their keys; of many, those that fit what is typed", async () => {
  const choose = vi.fn();
  const shown = vi.fn();
  const draw = (classes: string[]) =>
    render(<Choices classes={classes} chosen={1} hasKeys isDisabled={false} onChoose={choose} onShown={shown} />, place);
  draw(["stop", "yield"]);
  expect([...place.querySelectorAll("kbd")].map((key) => key.textContent)).toEqual(["1", "2"]);
  expect(place.querySelector("[aria-pressed=true]")?.textContent).toBe("2yield");
  draw(Array.from({ length: 40 }, (_, index) => `class ${index}`));
  expect(place.querySelectorAll(".choice").length).toBe(12);
  const field = place.querySelector("input");
  if (field) {
    field.value = "39";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  await vi.waitFor(() => expect(place.querySelectorAll(".choice").length).toBe(1));
  // Keys choose among what is shown, and the labels say so.
  await vi.waitFor(() => expect(shown).toHaveBeenLastCalledWith([39]));
  expect([...place.querySelectorAll("kbd")].map((key) => key.textContent)).toEqual(["1"]);
  place.querySelector<HTMLButtonElement>(".choice")?.click();
  expect(choose).toHaveBeenCalledWith(39);
});
