// Invitations of a pool, a key that moves to another device, answers that are taken back, and gold answers.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Buyer, Contributor, file, jobFile } from "../browser/people.ts";
import { openSite, type Site } from "../browser/site.ts";

const CLASSES = ["Safe", "Not safe", "Unsure"];

let site: Site;

beforeAll(async () => void (site = await openSite()));
afterAll(async () => site?.close());

test("a person with an invitation answers a job of the pool, moves to another device, and takes an answer back", async () => {
  const { browser, cluster, relay } = site;
  const [code = ""] = cluster.invitations;
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const items = Array.from({ length: 4 }, (_, item) => ({ id: `item-${item + 1}`, text: `Number ${item + 1}` }));
  const link = await buyer.createFromFiles(
    jobFile({ name: "Pool", question: "Which?", classes: CLASSES, items, public: false, release: ["labels", "agreement"], payout: undefined, issuers: "pool.toml" }),
    file("pool.toml", cluster.read("issuer/pool.toml")),
  );

  const one = await Contributor.open(browser, `${link}&invitation=${encodeURIComponent(code)}`);
  await one.look("consent of somebody with an invitation", "Before you begin");
  await one.page.getByText(/You answer as “local\/\d+”\./).waitFor();
  // The code itself has left this device for nobody, and stands nowhere.
  expect(one.page.url()).not.toContain("invitation");
  expect(relay.traffic().includes(code)).toBe(false);
  expect(JSON.stringify(await one.profile.storageState({ indexedDB: true }))).not.toContain(code);
  await one.agree({ isNamed: false, items: 4 });
  await one.answer(0);
  await one.answer(0);
  await one.page.getByText("Item 3 of 4").waitFor();
  await one.send();

  // The key as text, as the QR code has it, on another device: what was sent is not asked again.
  await one.part("Key");
  const download = one.page.waitForEvent("download");
  await one.press("Save as a file");
  const key = readFileSync((await (await download).path()) ?? "", "utf8");
  const other = await Contributor.open(browser, link, { name: "another device", size: "desktop" });
  await other.look("who somebody is, for an invitation", "Who are you here?");
  await other.page.getByText("I have answered on another device").click();
  await other.page.getByLabel("Text of the key").fill(key);
  await other.press("Use this key");
  await other.page.getByLabel("I understand that my answers may become visible.").check();
  await other.press("I agree, show me the items");
  await other.page.getByText("2 of 4 answered", { exact: true }).first().waitFor();

  await one.part("Result");
  await one.press("Take back");
  await one.look("taking back", "The coordinator and the nodes erase them, and they are not paid.");
  await one.press("Yes, take back");
  await one.page.getByText("Erased, as signed by", { exact: false }).waitFor();
  await one.look("taken back");
  await Promise.all([buyer, one, other].map((person) => person.close()));
});

test("a job with gold answers opens only with its file, and the gold answers arrive", async () => {
  const { browser, cluster } = site;
  const spec = `name = "Gold"
question = { kind = "categorical", classes = ["Safe", "Not safe", "Unsure"] }
items = "items.csv"
answers_per_item = 2
sensitive = false
release = ["labels", "payouts"]
gold = "gold.csv"
[payout]
rule = "gold"
currency = "EUR"
base_per_item = 20000
bonus_per_item = 20000
budget = 500000
`;
  const items = file("items.csv", "id,text\na,First\nb,Second\nc,Third\nd,Fourth\n");
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  await buyer.button("Create a job").click();
  const chooser = buyer.page.locator("input[type=file]").first();
  await chooser.setInputFiles([file("gold-job.toml", spec), items]);
  await buyer.look("a file that is missing", /gold\.csv/);
  await chooser.setInputFiles([file("gold-job.toml", spec), items, file("gold.csv", "item,answer\na,Safe\nc,Unsure\n")]);
  await buyer.page.getByText("some items have a known answer", { exact: false }).waitFor();
  await buyer.sign();
  const submissions = buyer.page.locator(".numbers div").filter({ has: buyer.page.getByText("Submissions", { exact: true }) });
  await submissions.locator("dd", { hasText: "1" }).waitFor();
  await buyer.close();
});
