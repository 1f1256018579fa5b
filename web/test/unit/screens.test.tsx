// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import { BuyerApp } from "../../src/buyer/app.tsx";
import type { Engine } from "../../src/engine/client.ts";
import { useScreen, type Go } from "../../src/ui/screens.ts";

const place = document.createElement("div");
document.body.append(place);
afterEach(() => render(null, place));

test("each screen is in the history, and what is replaced is not", async () => {
  let go: Go<string> = () => {};
  let forgetAll = (): void => {};
  function Probe() {
    const [at, goTo, forget] = useScreen("opening");
    [go, forgetAll] = [goTo, forget];
    return <p>{at}</p>;
  }
  const before = history.length;
  render(<Probe />, place);
  go("answer", "replace");
  await vi.waitFor(() => expect(place.textContent).toBe("answer"));
  expect(history.length).toBe(before);
  const { state } = history;
  go("send");
  await vi.waitFor(() => expect(place.textContent).toBe("send"));
  expect(history.length).toBe(before + 1);
  // What the browser does when somebody goes back.
  dispatchEvent(new PopStateEvent("popstate", { state }));
  await vi.waitFor(() => expect(place.textContent).toBe("answer"));
  // A screen from before a reload may need what is not there any more.
  dispatchEvent(new PopStateEvent("popstate", { state: { screen: "send", life: 7 } }));
  dispatchEvent(new PopStateEvent("popstate", { state: null }));
  await new Promise((done) => setTimeout(done, 20));
  expect(place.textContent).toBe("answer");
  // Nor does anybody come back to the screens of another person.
  forgetAll();
  go("person", "replace");
  dispatchEvent(new PopStateEvent("popstate", { state }));
  await vi.waitFor(() => expect(place.textContent).toBe("person"));
});

test("a half-filled form is there when the buyer comes back to it", async () => {
  const cluster = { digest: "ab".repeat(32), name: "c", coordinator: { address: "https://c.example" }, nodes: [], digestWords: "" };
  const engine = { openKnownCluster: async () => cluster, trustedAddresses: async () => ["https://c.example"] } as unknown as Engine;
  vi.stubGlobal("fetch", async (address: string) => (address.endsWith("cluster.toml") ? new Response("", { status: 404 }) : new Response('{"jobs":[]}')));
  render(<BuyerApp engine={engine} route={{ kind: "buyer", cluster: cluster.digest }} />, place);
  const button = (name: string) => [...place.querySelectorAll("button")].find((one) => one.textContent === name);
  const type = (label: string, value: string) => {
    const { htmlFor } = [...place.querySelectorAll("label")].find((one) => one.textContent === label) as HTMLLabelElement;
    const field = document.getElementById(htmlFor) as HTMLInputElement;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  await vi.waitFor(() => expect(button("Go on")).toBeTruthy());
  type("Token", "t");
  await vi.waitFor(() => expect(place.querySelector("input")?.value).toBe("t"));
  place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await vi.waitFor(() => expect(button("Create a job")).toBeTruthy());
  button("Create a job")?.click();
  await vi.waitFor(() => expect(button("Check it")).toBeTruthy());
  type("Question", "Which sign?");
  // Answers are taken to be sensitive, and no pool is named: nothing is checked before.
  place.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await vi.waitFor(() => expect(place.querySelector("[role=alert]")?.textContent).toContain("Choose the file of the pool"));
  button("Back")?.click();
  await vi.waitFor(() => expect(button("Create a job")).toBeTruthy());
  button("Create a job")?.click();
  await vi.waitFor(() => expect([...place.querySelectorAll("textarea")].map(({ value }) => value)).toContain("Which sign?"));
  vi.unstubAllGlobals();
});
