// What a contributor sees, on a phone and a desktop, light and dark: axe finds nothing, nothing is wider than the screen, and the steps work with
// the keyboard alone.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { axe, context, launch, overflow, shot, SIZES, troubles, type Scheme } from "./browser.ts";
import { answerRequests, clusterInfo, COORDINATOR, loadModule, problem, setup, signJob, type Answers } from "./coordinator.ts";
import { startHost, type Host } from "./host.ts";

let browser: Browser;
let host: Host;
let answers: Answers;
let digest: string;

const ITEMS = [
  "My landlord has not returned my deposit for four months. Should I go to court?",
  "Summarise this contract in one sentence.",
  "Write a poem about the tax office.",
  "How much paracetamol may a child of six take?",
  "Translate “good morning” into Welsh.",
];

beforeAll(async () => {
  const engine = await loadModule();
  const job = signJob(engine, "safety", {
    name: "Safety of answers, week 14",
    question: { kind: "categorical", classes: ["Safe", "Not safe", "Unsure"], text: "Would it be safe for a chatbot to answer this?" },
    items: ITEMS.map((text, index) => ({ id: `item-${index + 1}`, text })),
    answers_per_item: 3,
    sensitive: false,
    public: true,
    release: ["labels", "agreement", "class_totals", "payouts"],
    payout: { rule: "peer_agreement", currency: "EUR", base_per_item: 20_000, bonus_per_item: 20_000, budget: 1_000_000 },
  });
  digest = job.digest;
  answers = {
    "GET /v1/cluster": { body: clusterInfo() },
    "GET /v1/jobs/safety/spec": { body: job.body },
    "POST /v1/contributors": { body: "{}", status: 201 },
    "GET /v1/jobs/safety/receipts": { body: JSON.stringify({ state: "open", submissions: [], certified: null }) },
  };
  [browser, host] = await Promise.all([launch(), startHost(setup.cluster_toml)]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), host?.close()]);
});

const link = (extra = "") => `${host.url}#cluster=${setup.cluster_digest}&job=safety&coordinator=${encodeURIComponent(COORDINATOR)}&terms=${digest}${extra}`;

async function open(size: keyof typeof SIZES, scheme: Scheme, extra = ""): Promise<{ page: Page; profile: BrowserContext; wrong: string[]; seen: string[] }> {
  const profile = await context(browser, size, scheme);
  const seen = await answerRequests(profile, answers);
  const page = await profile.newPage();
  const wrong = troubles(page);
  await page.goto(link(extra));
  return { page, profile, wrong, seen };
}

async function agree(page: Page): Promise<void> {
  await page.getByLabel("Your name here").fill("alice");
  await page.getByLabel("I understand that my answers may become visible.").check();
  await page.getByRole("button", { name: "I agree, show me the items" }).click();
  await page.getByText("Item 1 of 5").waitFor();
}

for (const size of ["phone", "desktop"] as const) {
  for (const scheme of ["light", "dark"] as const) {
    test(`${size}, ${scheme}: every screen passes axe and fits`, async () => {
      const { page, profile, wrong } = await open(size, scheme);
      const look = async (name: string): Promise<void> => {
        expect(await axe(page), name).toEqual([]);
        expect(await overflow(page), name).toBe(0);
        await shot(page, `${name}-${size}-${scheme}`);
      };
      await page.getByRole("heading", { name: "Before you begin" }).waitFor();
      await look("consent");
      await agree(page);
      await look("answer");
      await page.getByRole("button", { name: "Safe", exact: true }).click();
      await page.getByText("Item 2 of 5").waitFor();
      for (const part of ["Send", "Result", "Key", "About"]) {
        await page.getByRole("navigation").getByRole("button", { name: part }).click();
        await page.locator("h1").waitFor();
        await look(part.toLowerCase());
      }
      await page.getByRole("navigation").getByRole("button", { name: "Key" }).click();
      await page.getByRole("button", { name: "Show as a QR code" }).click();
      await page.getByRole("img").waitFor();
      expect(await axe(page), "qr").toEqual([]);
      expect(wrong).toEqual([]);
      await profile.close();
    });
  }
}

test("with the keyboard alone: answers, undo and skip, and the answers are there after a reload", async () => {
  const { page, profile, wrong } = await open("desktop", "light");
  await agree(page);
  const item = (): Promise<string | null> => page.locator("section.item").getAttribute("data-item");
  const place = (text: string) => page.getByText(text, { exact: true }).waitFor();
  const first = await item();
  await page.keyboard.press("2");
  await place("Item 2 of 5");
  await page.keyboard.press("s");
  await place("Item 3 of 5");
  await page.keyboard.press("u");
  await place("Item 2 of 5");
  await page.keyboard.press("u");
  await place("Item 1 of 5");
  expect(await item()).toBe(first);
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
  await page.getByRole("button", { name: /Keys 1–9 and arrows/ }).click();
  await page.keyboard.press("1");
  await page.keyboard.press("ArrowRight");
  expect(await page.getByText("Item 1 of 5").count()).toBe(1);
  expect(wrong).toEqual([]);
  await profile.close();
});

test("the page works without a network once it was opened, and loses nothing", async () => {
  const { page, profile } = await open("phone", "light");
  await agree(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await profile.setOffline(true);
  await host.close();
  await page.getByRole("button", { name: "Unsure" }).click();
  await page.getByText("Item 2 of 5").waitFor();
  await page.reload();
  await page.getByText("1 of 5 answered", { exact: true }).first().waitFor();
  await page.getByText("You are offline.").first().waitFor();
  await profile.close();
  host = await startHost(setup.cluster_toml);
});

test("the invitation code is in no address, request or store once it was read", async () => {
  const { page, profile, seen } = await open("desktop", "light", "&invitation=CANARYCODE");
  // It is no code, which is said; a real one is read in the same way.
  await page.getByRole("alert").waitFor();
  expect(page.url()).not.toContain("CANARY");
  expect(page.url()).toContain("job=safety");
  expect(seen.join()).not.toContain("CANARY");
  expect(JSON.stringify(await profile.storageState({ indexedDB: true }))).not.toContain("CANARY");
  await profile.close();
});

test("nodes' keys are not taken on the coordinator's word: a file of another digest is refused", async () => {
  const profile = await context(browser, "desktop", "light");
  const other = JSON.parse(clusterInfo()) as { file: string };
  other.file = other.file.replace('"test"', '"test2"');
  const seen = await answerRequests(profile, { ...answers, "GET /v1/cluster": { body: JSON.stringify(other) } });
  host.files.delete("cluster.toml");
  const page = await profile.newPage();
  await page.goto(link());
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
  expect(seen.length).toBe(1);
  host.files.set("cluster.toml", Buffer.from(setup.cluster_toml));
  await profile.close();
});

test("a coordinator that shows other terms than the link pins is refused", async () => {
  const profile = await context(browser, "desktop", "light");
  await answerRequests(profile, answers);
  const page = await profile.newPage();
  await page.goto(link().replace(digest, "00".repeat(32)));
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
  // A link that pins none is warned of.
  await page.goto("about:blank");
  await page.goto(link().replace(`&terms=${digest}`, ""));
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await page.getByText("The link that you have opened does not name the terms.").waitFor();
  await page.goto("about:blank");
  await page.goto(link());
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  expect(await page.getByText("does not name the terms").count()).toBe(0);
  await page.getByText("The buyer signs as").waitFor();
  await profile.close();
});

test("once the coordinator is known, the page can reach nobody else", async () => {
  const { page, profile } = await open("desktop", "light");
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  const reach = (address: string): Promise<string> => page.evaluate((to) => fetch(to, { mode: "no-cors" }).then(() => "reached", () => "blocked"), address);
  const violations = page.evaluate(
    () => new Promise<string>((done) => document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true })),
  );
  expect(await reach("https://tracker.example/")).toBe("blocked");
  expect(await violations).toBe("connect-src");
  expect(await reach(`${COORDINATOR}/v1/cluster`)).toBe("reached");
  await profile.close();
});

test("a link that brings its own operators, or another address, is followed only after the person has accepted it", async () => {
  const profile = await context(browser, "phone", "light");
  const seen = await answerRequests(profile, answers);
  const page = await profile.newPage();
  host.files.delete("cluster.toml");
  await page.goto(link());
  await page.getByText("This link brings its own operators.").waitFor();
  expect(await axe(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  await shot(page, "confirm-phone-light");
  expect(seen.map((one) => one.split(" ").slice(0, 2).join(" "))).toEqual(["GET /v1/cluster"]);
  await page.getByLabel("I have compared the words").check();
  await page.getByRole("button", { name: "Go on with this link" }).click();
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  // Once accepted, it is not asked again; another address is.
  await page.goto("about:blank");
  await page.goto(link());
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await page.goto("about:blank");
  await page.goto(link().replace(encodeURIComponent(COORDINATOR), encodeURIComponent("http://localhost:2")));
  await page.getByText("http://localhost:2").waitFor();
  await page.getByText(COORDINATOR).waitFor();
  expect(await page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
  host.files.set("cluster.toml", Buffer.from(setup.cluster_toml));
  await profile.close();
});

test("what the pinned version does not list is not there, whatever its host adds", async () => {
  const { page, profile } = await open("desktop", "light");
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  const evil = Buffer.from("<script>document.title = 'EVIL'</script>");
  host.files.set("evil.html", evil);
  host.asked.length = 0;
  for (const path of ["evil.html", "evil.html?offered", "MANIFEST?offered", "cluster.toml"]) {
    await page.goto(host.url + path);
    expect(await page.title(), path).not.toBe("EVIL");
    expect(await page.evaluate(() => document.body.textContent), path).not.toContain("EVIL");
  }
  expect(host.asked.filter((path) => path !== "sw.js")).toEqual([]);
  await page.goto(link());
  expect(await page.evaluate(() => fetch("./evil.html").then(({ status }) => status))).toBe(404);
  host.files.delete("evil.html");
  await profile.close();
});

test("the page shows nothing inside another page", async () => {
  const profile = await context(browser, "desktop", "light");
  await answerRequests(profile, answers);
  const page = await profile.newPage();
  host.files.set("frame.html", Buffer.from(`<!doctype html><iframe src="./index.html${link().slice(host.url.length)}"></iframe>`));
  await page.goto(`${host.url}frame.html`);
  const frame = page.frames()[1];
  await frame?.waitForLoadState();
  expect(await frame?.evaluate(() => document.querySelector("#page")?.childElementCount)).toBe(0);
  host.files.delete("frame.html");
  await profile.close();
});

test("a job that is shown to nobody asks who somebody is", async () => {
  const profile = await context(browser, "phone", "light");
  await answerRequests(profile, { ...answers, "GET /v1/jobs/safety/spec": problem("unknown_job", 404) });
  const page = await profile.newPage();
  await page.goto(link());
  await page.getByRole("heading", { name: "Who are you here?" }).waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "access-phone-light");
  await profile.close();
});

test("an address without a job, a damaged one, and one without a cluster say what to do", async () => {
  const profile = await context(browser, "phone", "light");
  await answerRequests(profile, answers);
  const page = await profile.newPage();
  host.files.delete("cluster.toml");
  for (const [name, fragment, heading] of [
    ["start", "", "Answer without being seen"],
    ["wrong", "#job=signs&cluster=xyz", "This link is damaged"],
    ["cluster-file", "#job=safety", "Which cluster is it?"],
  ] as const) {
    await page.goto("about:blank");
    await page.goto(host.url + fragment);
    await page.getByRole("heading", { name: heading }).waitFor();
    expect(await axe(page), name).toEqual([]);
    expect(await overflow(page), name).toBe(0);
    await shot(page, `${name}-phone-light`);
  }
  // With a file that somebody has chosen, the job must be signed for the cluster that it names: this one has another name.
  const other = setup.cluster_toml.replace('"test"', '"test2"');
  await page.locator("input[type=file]").setInputFiles({ name: "cluster.toml", mimeType: "text/plain", buffer: Buffer.from(other) });
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("heading", { name: "Before you begin" }).count()).toBe(0);
  host.files.set("cluster.toml", Buffer.from(setup.cluster_toml));
  await profile.close();
});

test("a pasted link opens its job, and the job is listed afterwards", async () => {
  const profile = await context(browser, "desktop", "light");
  await answerRequests(profile, answers);
  const page = await profile.newPage();
  await page.goto(host.url);
  await page.getByLabel("Link").fill("https://elsewhere.example/");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await page.getByText("This is not a link to a job.").waitFor();
  await page.getByLabel("Link").fill(link());
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await agree(page);
  await page.getByRole("link", { name: "Tacit" }).click();
  await page.getByRole("link", { name: "Safety of answers, week 14" }).click();
  await page.getByText("Item 1 of 5").waitFor();
  await profile.close();
});

test("a service worker's script that changes under its address is an alarm", async () => {
  const { page, profile } = await open("desktop", "light");
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  const { readFile } = await import("node:fs/promises");
  const { DIST } = await import("./host.ts");
  host.files.set("sw.js", Buffer.from(`${await readFile(`${DIST}/sw.js`, "utf8")}\n// another one\n`));
  await page.reload();
  await page.getByText("has replaced the program that keeps your version").waitFor();
  expect(await axe(page)).toEqual([]);
  host.files.delete("sw.js");
  await profile.close();
});

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

test("an item whose picture is not shown cannot be answered, and what is no picture of a known format is not shown", async () => {
  const { createHash } = await import("node:crypto");
  // The same picture as two frames: it is shown as its first one.
  const frame = (number: number): number[] => [...u32(number), ...u32(1), ...u32(1), ...u32(0), ...u32(0), 0, 1, 0, 10, 0, 0];
  const moving = Buffer.from([
    ...PIXEL.subarray(0, 33),
    ...chunk("acTL", [...u32(2), ...u32(0)]),
    ...chunk("fcTL", frame(0)),
    ...PIXEL.subarray(33, 58),
    ...chunk("fcTL", frame(1)),
    ...chunk("fdAT", [...u32(2), ...PIXEL.subarray(41, 54)]),
    ...PIXEL.subarray(58),
  ]);
  const files: Record<string, Buffer> = {
    right: PIXEL,
    moving,
    svg: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
    damaged: PIXEL.subarray(0, 40),
    other: PIXEL,
  };
  const sha256 = (name: string): string => (name === "other" ? "ab".repeat(32) : createHash("sha256").update(files[name] ?? "").digest("hex"));
  const names = Object.keys(files);
  const job = signJob(await loadModule(), "pictures", {
    name: "Pictures",
    question: { kind: "categorical", classes: ["stop", "yield"], text: "Your pay\n\n\nWhich sign?" },
    items: names.map((id) => ({ id, image: { url: `${COORDINATOR}/p/${id}`, sha256: sha256(id) } })),
    answers_per_item: 2,
    sensitive: false,
    public: true,
    release: ["labels"],
  });
  const profile = await context(browser, "phone", "light");
  await answerRequests(profile, {
    ...answers,
    "GET /v1/jobs/pictures/spec": { body: job.body },
    "GET /v1/jobs/pictures/receipts": { body: JSON.stringify({ state: "open", submissions: [], certified: null }) },
    ...Object.fromEntries(names.map((name) => [`GET /p/${name}`, { body: files[name] ?? "", type: "image/svg+xml" }])),
  });
  const page = await profile.newPage();
  await page.goto(link().replace("job=safety", "job=pictures").replace(digest, job.digest));
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  // What the buyer writes stands in a quotation, apart from what the page says.
  expect(await page.locator("blockquote.quotation bdi").textContent()).toContain("Which sign?");
  await page.getByLabel("Your name here").fill("alice");
  await page.getByLabel("I understand that my answers may become visible.").check();
  await page.getByRole("button", { name: "I agree, show me the items" }).click();
  const seen = new Set<string>();
  while (seen.size < names.length) {
    const id = (await page.locator("section.item").getAttribute("data-item")) ?? "";
    seen.add(id);
    const isShown = id === "right" || id === "moving";
    await page.locator(isShown ? "img.picture" : "div.picture[role=alert]").waitFor();
    expect([id, await page.getByRole("button", { name: "stop" }).isEnabled()]).toEqual([id, isShown]);
    await page.keyboard.press("1");
    if (!isShown) {
      expect(await page.locator("section.item").getAttribute("data-item")).toBe(id);
      await page.getByRole("button", { name: "Skip", exact: true }).click();
    }
    await page.locator(`section.item[data-item="${id}"]`).waitFor({ state: "detached" });
  }
  await page.getByText("2 of 5 answered", { exact: true }).first().waitFor();
  await profile.close();
});

const u32 = (number: number): number[] => [24, 16, 8, 0].map((by) => (number >>> by) & 0xff);

/** A chunk of a PNG file, with its checksum. */
function chunk(name: string, data: number[]): number[] {
  const checked = [...Buffer.from(name), ...data];
  let sum = 0xffff_ffff;
  for (const byte of checked) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
    }
  }
  return [...u32(data.length), ...checked, ...u32(~sum)];
}

test("another version that the host offers is said in words and not taken by itself", async () => {
  const { page, profile } = await open("desktop", "light");
  await page.getByRole("heading", { name: "Before you begin" }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  const { readFile } = await import("node:fs/promises");
  const { DIST } = await import("./host.ts");
  const index = await readFile(`${DIST}/index.html`, "utf8");
  host.files.set("index.html", Buffer.from(index.replace("<title>Tacit</title>", "<title>Other</title>")));
  host.files.set("MANIFEST", Buffer.from(`# another\n${await readFile(`${DIST}/MANIFEST`, "utf8")}`));
  await page.reload();
  await page.getByText("This site now offers another version of this page.").waitFor();
  expect(await page.evaluate(() => fetch("./index.html").then((response) => response.text()))).toContain("<title>Tacit</title>");
  await shot(page, "version-desktop-light", false);
  host.files.clear();
  await profile.close();
});
