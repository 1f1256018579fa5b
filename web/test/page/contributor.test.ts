// What the page promises to contributors beside the way through a job (test/e2e): keys, work without a network, addresses that say nothing, and
// whom the page believes and reaches. Where a coordinator has to lie or to fail, the relay answers in its place: a real one does neither on demand.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { context, inspect } from "../browser/chromium.ts";
import { DIST, startPageHost } from "../browser/page-host.ts";
import { Buyer, Contributor, file, jobFile } from "../browser/people.ts";
import { openSite, type Site } from "../browser/site.ts";

const ITEMS = [
  "My landlord has not returned my deposit for four months. Should I go to court?",
  "Summarise this contract in one sentence.",
  "Write a poem about the tax office.",
  "How much paracetamol may a child of six take?",
  "Translate “good morning” into Welsh.",
];

let site: Site;
let link: string;
/** The parts of the link after `#`. */
let fields: URLSearchParams;

beforeAll(async () => {
  site = await openSite();
  const buyer = await Buyer.enter(site.browser, site.buyer, site.cluster.token);
  await buyer.goOn();
  link = await buyer.createFromFiles(
    jobFile({
      name: "Safety of answers",
      question: "Would it be safe for a chatbot to answer this?",
      classes: ["Safe", "Not safe", "Unsure"],
      items: ITEMS.map((text, index) => ({ id: `item-${index + 1}`, text })),
      answers_per_item: 50,
      payout: undefined,
      release: ["labels"],
    }),
  );
  fields = new URLSearchParams(link.slice(link.indexOf("#") + 1));
  await buyer.close();
});
afterAll(async () => site?.close());

/** The link with other fields. */
function linkWith(others: Record<string, string>): string {
  const changed = new URLSearchParams(fields);
  Object.entries(others).forEach(([name, value]) => changed.set(name, value));
  return `${site.host.url}#${changed}`;
}

let names = 0;
/** Somebody new who has agreed. */
async function newcomer(size: "phone" | "desktop"): Promise<Contributor> {
  const one = await Contributor.open(site.browser, link, { name: `person ${(names += 1)}`, size });
  await one.agree({ items: ITEMS.length });
  return one;
}

test("with the keyboard alone: answers, undo and skip, and the answers are there after a reload", async () => {
  const one = await newcomer("desktop");
  const { page } = one;
  const place = (text: string) => page.getByText(text, { exact: true }).waitFor();
  const first = await one.item();
  await page.keyboard.press("2");
  await place("Item 2 of 5");
  await page.keyboard.press("s");
  await place("Item 3 of 5");
  await page.keyboard.press("u");
  await place("Item 2 of 5");
  await page.keyboard.press("u");
  await place("Item 1 of 5");
  expect(await one.item()).toBe(first);
  expect(await page.locator(".choice[aria-pressed=true]").count()).toBe(0);
  await page.keyboard.press("3");
  await place("Item 2 of 5");
  await page.reload();
  await place("Item 2 of 5");
  await page.getByText("1 of 5 answered", { exact: true }).first().waitFor();
  await page.keyboard.press("ArrowLeft");
  await place("Item 1 of 5");
  expect(await page.locator(".choice[aria-pressed=true]").textContent()).toContain("Unsure");
  // Whoever switches the keys off can type letters without answering.
  await one.button(/Keys 1–9 and arrows/).click();
  await page.keyboard.press("1");
  await page.keyboard.press("ArrowRight");
  expect(await page.getByText("Item 1 of 5").count()).toBe(1);
  // And with Tab and Enter, as any page.
  await one.button("Safe").focus();
  await page.keyboard.press("Enter");
  await place("Item 2 of 5");
  expect(one.wrong).toEqual([]);
  await one.close();
});

test("the page opens although its host and the network are gone", async () => {
  const host = await startPageHost();
  const one = await Contributor.open(site.browser, link.replace(site.host.url, host.url), { name: `person ${(names += 1)}` });
  await one.agree({ items: ITEMS.length });
  await one.page.evaluate(() => navigator.serviceWorker.ready);
  await one.profile.setOffline(true);
  await host.close();
  await one.answer(2);
  await one.page.reload();
  await one.page.getByText("1 of 5 answered", { exact: true }).first().waitFor();
  await one.close();
});

test("a coordinator that is busy is asked again, with the same bytes", async () => {
  const one = await newcomer("phone");
  await one.answer(1);
  await one.part("Send");
  const before = site.relay.exchanges.length;
  const busy = { status: 503, type: "application/problem+json", headers: { "retry-after": "1" }, body: JSON.stringify({ type: "urn:tacit:problem:busy", title: "busy", status: 503, detail: "" }) };
  // The address of the submission is not known before it is made, so every address of the first attempt is busy.
  site.relay.instead = (method) => (method === "PUT" ? busy : undefined);
  await one.press("Send 1 answer");
  await one.page.getByText("Trying again shortly…").waitFor();
  await one.look("waiting for a busy coordinator");
  site.relay.instead = undefined;
  await one.page.getByText("1 answer sent.").waitFor({ timeout: 60_000 });
  const sent = site.relay.exchanges.slice(before).filter(({ method }) => method === "PUT");
  expect(sent.length).toBeGreaterThan(1);
  expect(new Set(sent.map(({ target, body }) => `${target} ${body.toString("hex")}`)).size).toBe(1);
  await one.close();
});

test("the invitation code is in no address, request or store once it was read", async () => {
  const one = await Contributor.open(site.browser, linkWith({ invitation: "CANARYCODE" }));
  // It is no code, which is said.
  await one.look("a damaged invitation", "This did not work");
  expect(one.page.url()).not.toContain("CANARY");
  expect(one.page.url()).toContain(`job=${fields.get("job")}`);
  expect(site.relay.traffic().includes("CANARY")).toBe(false);
  expect(JSON.stringify(await one.profile.storageState({ indexedDB: true }))).not.toContain("CANARY");
  await one.close();
});

/** The page must say that something is wrong, and not show the job. */
async function expectRefused(one: Contributor): Promise<void> {
  await one.page.getByRole("alert").waitFor();
  expect(await one.page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
}

test("nodes' keys are not taken on the coordinator's word: a file of another digest is refused", async () => {
  const info = (await (await fetch(`${site.relay.url}/v1/cluster`)).json()) as { file: string };
  site.relay.answers.set("GET /v1/cluster", { body: JSON.stringify({ ...info, file: info.file.replace(/name = "/, 'name = "x') }) });
  const before = site.relay.exchanges.length;
  const one = await Contributor.open(site.browser, link);
  await expectRefused(one);
  site.relay.answers.clear();
  expect(site.relay.exchanges.slice(before).map(({ target }) => target)).toEqual(["/v1/cluster"]);
  await one.close();
});

test("a coordinator that shows other terms than the link pins is refused", async () => {
  const one = await Contributor.open(site.browser, linkWith({ terms: "00".repeat(32) }));
  await expectRefused(one);
  await one.close();
});

test("once the coordinator is known, the page can reach nobody else", async () => {
  const one = await Contributor.open(site.browser, link);
  await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
  const reach = (address: string): Promise<string> => one.page.evaluate((to) => fetch(to).then(() => "reached", () => "blocked"), address);
  const violations = one.page.evaluate(
    () => new Promise<string>((done) => document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true })),
  );
  expect(await reach("https://tracker.example/")).toBe("blocked");
  expect(await violations).toBe("connect-src");
  // Not even the same coordinator under another address.
  expect(await reach(`${site.cluster.coordinator}/v1/cluster`)).toBe("blocked");
  expect(await reach(`${site.relay.url}/v1/cluster`)).toBe("reached");
  await one.close();
});

test("an address without a job, a damaged one, and one without a cluster say what to do", async () => {
  const bare = await startPageHost();
  const profile = await context(site.browser, "phone", "light");
  const page = await profile.newPage();
  const coordinator = encodeURIComponent(site.relay.url);
  for (const [fragment, heading] of [
    ["", "Answer without being seen"],
    ["#job=signs&cluster=xyz", "This link is damaged"],
    [`#job=${fields.get("job")}&coordinator=${coordinator}`, "Which cluster is it?"],
  ] as const) {
    await page.goto("about:blank");
    await page.goto(bare.url + fragment);
    await page.getByRole("heading", { name: heading }).waitFor();
    await inspect(page, heading);
  }
  // With a file that somebody has chosen, the job must be signed for the cluster that it names: this one has another name.
  const chooser = page.locator("input[type=file]");
  const own = site.cluster.read("cluster.toml");
  await chooser.setInputFiles(file("cluster.toml", own.replace(/^name = "/m, 'name = "x')));
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
  await page.reload();
  await chooser.setInputFiles(file("cluster.toml", own));
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await profile.close();
  await bare.close();
});

test("a pasted link opens its job, and the job is listed afterwards", async () => {
  const one = await Contributor.open(site.browser, site.host.url, { name: `person ${(names += 1)}`, size: "desktop" });
  await one.page.getByLabel("Link").fill("https://elsewhere.example/");
  await one.press("Open");
  await one.page.getByText("This is not a link to a job.").waitFor();
  await one.page.getByLabel("Link").fill(link);
  await one.press("Open");
  await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await one.agree({ items: ITEMS.length });
  await one.page.getByRole("link", { name: "Tacit" }).click();
  await one.look("the list of jobs on this device", "Your jobs on this device");
  await one.page.getByRole("link", { name: "Safety of answers" }).click();
  await one.page.getByText("Item 1 of 5").waitFor();
  await one.close();
});

test("another version that the host offers is said in words and not taken by itself", async () => {
  const host = await startPageHost();
  const one = await Contributor.open(site.browser, link.replace(site.host.url, host.url), { size: "desktop" });
  await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await one.page.evaluate(() => navigator.serviceWorker.ready);
  const index = await readFile(`${DIST}/index.html`, "utf8");
  host.files.set("index.html", Buffer.from(index.replace("<title>Tacit</title>", "<title>Other</title>")));
  host.files.set("MANIFEST", Buffer.from(`# another\n${await readFile(`${DIST}/MANIFEST`, "utf8")}`));
  await one.page.reload();
  await one.look("the notice of another version", "This site now offers another version of this page.");
  expect(await one.page.evaluate(() => fetch("./index.html").then((response) => response.text()))).toContain("<title>Tacit</title>");
  await one.close();
  await host.close();
});
