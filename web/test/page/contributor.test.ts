// What the page promises to contributors beside the way through a job (test/e2e): keys, work without a network, addresses that say nothing, and
// whom the page believes and reaches. Where a coordinator has to lie or to fail, the relay answers in its place: a real one does neither on demand.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { context, inspect } from "../browser/chromium.ts";
import { DIST, startPageHost } from "../browser/page-host.ts";
import { Buyer, Contributor, file, jobFile } from "../browser/people.ts";
import { chunk, PictureHost, u32 } from "../browser/picture-host.ts";
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

/** The host of the page offers the cluster file again. */
const offerCluster = (): void => void site.host.files.set("cluster.toml", Buffer.from(site.cluster.read("cluster.toml")));

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
  const host = await startPageHost(site.cluster.read("cluster.toml"));
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

test("what was agreed to is saved as a file, with a module that is loaded only then", async () => {
  const one = await newcomer("phone");
  await one.page.evaluate(() => navigator.serviceWorker.ready);
  const isWhole = ({ path }: { path: string }): boolean => /buyer-.*\.wasm$/.test(path);
  site.host.served.length = 0;
  await one.part("Result");
  const download = one.page.waitForEvent("download");
  await one.press("Save the record of what you agreed to");
  const proof = JSON.parse(await readFile((await (await download).path()) ?? "", "utf8")) as { shown: string[]; record: object; submissions: object[] };
  expect(proof.shown).toContain(`You answer as “${one.name}”.`);
  expect(proof.shown).toContain("Would it be safe for a chatbot to answer this?");
  expect(proof.submissions).toEqual([]);
  expect(site.host.served.filter(isWhole).length).toBe(1);
  expect(one.wrong).toEqual([]);
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
  // Only where the host of the page has no file itself is the coordinator asked for it.
  site.host.files.delete("cluster.toml");
  const before = site.relay.exchanges.length;
  const one = await Contributor.open(site.browser, link);
  await expectRefused(one);
  offerCluster();
  site.relay.answers.clear();
  expect(site.relay.exchanges.slice(before).map(({ target }) => target)).toEqual(["/v1/cluster"]);
  await one.close();
});

test("a coordinator that shows other terms than the link pins is refused", async () => {
  const one = await Contributor.open(site.browser, linkWith({ terms: "00".repeat(32) }));
  await expectRefused(one);
  // A link that pins none is warned of.
  const title = one.page.getByRole("heading", { name: "Before you begin" });
  await one.page.goto("about:blank");
  const bare = new URLSearchParams(fields);
  bare.delete("terms");
  await one.goTo(`${site.host.url}#${bare}`);
  await title.waitFor();
  await one.look("a link that names no terms", "The link that you have opened does not name the terms.");
  await one.page.goto("about:blank");
  await one.goTo(link);
  await title.waitFor();
  expect(await one.page.getByText("does not name the terms").count()).toBe(0);
  await one.page.getByText("The buyer signs as").waitFor();
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

test("a link that brings its own operators, or another address, is followed only after the person has accepted it", async () => {
  site.host.files.delete("cluster.toml");
  const one = await Contributor.open(site.browser, "about:blank", { name: "careful" });
  const [begin, goOn] = [one.page.getByRole("heading", { name: "Before you begin" }), one.button("Go on with this link")];
  const before = site.relay.exchanges.length;
  await one.page.goto(link);
  await one.look("a link with operators of its own", "This link brings its own operators.");
  // Nothing was signed, and no job was asked for.
  expect(site.relay.exchanges.slice(before).map(({ target }) => target)).toEqual(["/v1/cluster"]);
  await one.page.getByLabel("I have compared the words").check();
  await goOn.click();
  await begin.waitFor();
  // Once accepted, it is not asked again. The file's own address is no question either, and another one is.
  await one.page.goto("about:blank");
  await one.page.goto(link);
  await begin.waitFor();
  await one.page.goto("about:blank");
  await one.page.goto(linkWith({ coordinator: site.cluster.coordinator }));
  await begin.waitFor();
  await one.page.goto("about:blank");
  await one.page.goto(linkWith({ coordinator: "http://localhost:2" }));
  await one.page.getByText("The link sends your requests to http://localhost:2.").waitFor();
  expect(await begin.count()).toBe(0);
  offerCluster();
  await one.close();
});

test("what the pinned version does not list is not there, whatever its host adds", async () => {
  const { host } = site;
  const one = await Contributor.open(site.browser, link, { size: "desktop" });
  const { page } = one;
  const begin = page.getByRole("heading", { name: "Before you begin" });
  await begin.waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await begin.waitFor();
  host.files.set("evil.html", Buffer.from("<script>document.title = 'EVIL'</script>"));
  host.served.length = 0;
  for (const path of ["evil.html", "evil.html?offered", "MANIFEST?offered", "cluster.toml"]) {
    await page.goto(host.url + path);
    expect(await page.title(), path).not.toBe("EVIL");
    expect(await page.evaluate(() => document.body.textContent), path).not.toContain("EVIL");
  }
  expect(host.served.map(({ path }) => path).filter((path) => path !== "sw.js")).toEqual([]);
  await page.goto(link);
  expect(await page.evaluate(() => fetch("./evil.html").then(({ status }) => status))).toBe(404);
  host.files.delete("evil.html");
  await one.close();
});

test("the page shows nothing inside another page", async () => {
  const { host } = site;
  const profile = await context(site.browser, "desktop", "light");
  const page = await profile.newPage();
  host.files.set("frame.html", Buffer.from(`<!doctype html><iframe src="./index.html${link.slice(link.indexOf("#")).replaceAll("&", "&amp;")}"></iframe>`));
  await page.goto(`${host.url}frame.html`);
  const frame = page.frames()[1];
  await frame?.waitForLoadState();
  expect(await frame?.evaluate(() => document.querySelector("#page")?.childElementCount)).toBe(0);
  host.files.delete("frame.html");
  await profile.close();
});

test("a service worker's script that changes under its address is an alarm", async () => {
  const host = await startPageHost(site.cluster.read("cluster.toml"));
  const one = await Contributor.open(site.browser, link.replace(site.host.url, host.url), { size: "desktop" });
  await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await one.page.evaluate(() => navigator.serviceWorker.ready);
  host.files.set("sw.js", Buffer.from(`${await readFile(`${DIST}/sw.js`, "utf8")}\n// another one\n`));
  await one.page.reload();
  await one.look("a replaced service worker", /has replaced the program that keeps your version/);
  await one.close();
  await host.close();
});

test("an item whose picture is not shown cannot be answered, and what is no picture of a known format is not shown", async () => {
  const pictures = await PictureHost.start();
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  // The same picture as two frames: it is shown as its first one.
  const frame = (number: number): number[] => [...u32(number), ...u32(1), ...u32(1), ...u32(0), ...u32(0), 0, 1, 0, 10, 0, 0];
  const moving = Buffer.concat([
    pixel.subarray(0, 33),
    chunk("acTL", [...u32(2), ...u32(0)]),
    chunk("fcTL", frame(0)),
    pixel.subarray(33, 58),
    chunk("fcTL", frame(1)),
    chunk("fdAT", [...u32(2), ...pixel.subarray(41, 54)]),
    pixel.subarray(58),
  ]);
  const files: Record<string, Buffer> = { right: pixel, moving, svg: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"), damaged: pixel.subarray(0, 40), other: pixel };
  const items = Object.entries(files).map(([id, bytes]) => ({ id, image: pictures.add(`/${id}`, bytes, id) }));
  // The host shows another picture than the one that is signed.
  pictures.pictures.set("/other", moving);
  const buyer = await Buyer.enter(site.browser, site.buyer, site.cluster.token);
  await buyer.goOn();
  const job = await buyer.createFromFiles(jobFile({ name: "Odd pictures", question: "Which sign?", classes: ["stop", "yield"], items, answers_per_item: 2, payout: undefined, release: ["labels"] }));
  await buyer.close();
  const one = await Contributor.open(site.browser, job, { name: `person ${(names += 1)}`, size: "desktop" });
  // What the buyer writes stands in a quotation, apart from what the page says.
  expect(await one.page.locator("blockquote.quotation bdi").textContent()).toBe("Which sign?");
  await one.agree({ items: items.length });
  for (let id = await one.item(); id !== undefined; id = await one.item()) {
    const isShown = id === "right" || id === "moving";
    await one.page.locator(isShown ? "img.picture" : "div.picture[role=alert]").waitFor();
    expect([id, await one.button("stop").isEnabled()]).toEqual([id, isShown]);
    await one.page.keyboard.press("1");
    if (!isShown) {
      expect(await one.item()).toBe(id);
      await one.page.keyboard.press("s");
    }
    await one.page.locator(`section.item[data-item="${id}"]`).waitFor({ state: "detached" });
  }
  await one.page.getByText("2 of 5 answered", { exact: true }).first().waitFor();
  await one.close();
  await pictures.close();
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
  // The file is the person's own, and the address in the link is another one.
  await page.getByText(`The address that is known for this cluster is ${site.cluster.coordinator}.`).waitFor();
  await page.getByLabel("I know the address in the link").check();
  await page.getByRole("button", { name: "Go on with this link" }).click();
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
  await one.page.getByRole("heading", { name: "Check where this link leads" }).waitFor();
  await one.acceptAddress();
  await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await one.agree({ items: ITEMS.length });
  await one.page.getByRole("link", { name: "Tacit" }).click();
  await one.look("the list of jobs on this device", "Jobs on this device");
  await one.page.getByRole("link", { name: "Safety of answers" }).click();
  await one.page.getByText("Item 1 of 5").waitFor();
  await one.close();
});

test("another version that the host offers is said in words and not taken by itself", async () => {
  const host = await startPageHost(site.cluster.read("cluster.toml"));
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
