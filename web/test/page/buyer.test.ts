// What the page promises to buyers beside the way through a job (test/e2e): what is signed, where the token is, and that nothing is shown which was not
// verified. A coordinator that lies about a result is one that the relay plays: a real one does not.

import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { context } from "../browser/chromium.ts";
import { DIST } from "../browser/page-host.ts";
import { Buyer, Contributor, jobFile } from "../browser/people.ts";
import { PictureHost, street } from "../browser/picture-host.ts";
import { openSite, type Site } from "../browser/site.ts";

let site: Site;

beforeAll(async () => void (site = await openSite()));
afterAll(async () => site?.close());

test("a form becomes a job that is shown before it is signed, and the token is stored nowhere", async () => {
  const { token } = site.cluster;
  const pictures = await PictureHost.start();
  const picture = pictures.add("/a.png", street(1), "");
  const buyer = await Buyer.enter(site.browser, site.buyer, token);
  await buyer.goOn();
  await buyer.button("Create a job").click();
  await buyer.page.getByLabel("Name", { exact: true }).fill("Ampel");
  await buyer.page.getByLabel("Question", { exact: true }).fill("Which light?");
  await buyer.page.getByLabel("Possible answers").fill("red\ngreen");
  await buyer.page.getByLabel("Items", { exact: true }).fill(`first\n${picture.url}`);
  await buyer.page.getByText("At most 0.24 EUR can fall due").waitFor();
  await buyer.page.getByLabel("Answers say something about the people who give them").uncheck();
  await buyer.button("Check it").click();
  await buyer.page.getByRole("heading", { name: "Check what you sign" }).waitFor();
  await buyer.page.getByText("Which light?").waitFor();
  await buyer.page.getByText(`Pictures come from ${pictures.name}.`).waitFor();
  expect(site.relay.requests("PUT")).toEqual([]);
  const link = await buyer.sign();
  const [put = ""] = site.relay.requests("PUT");
  expect(put).toContain("PUT /v1/jobs/ampel ");
  expect(put).toContain(`Bearer ${token}`);
  expect(put).toContain(`"items":[{"id":"item-1","text":"first"},{"id":"item-2","image":{"url":"${picture.url}","sha256":"${picture.sha256}"}}]`);
  expect(link).toContain("job=ampel");
  expect(link).toMatch(/cluster=[0-9a-f]{64}/);
  expect(link).not.toContain(token);
  expect(JSON.stringify(await buyer.profile.storageState({ indexedDB: true }))).not.toContain(token);
  expect(buyer.wrong).toEqual([]);
  await buyer.close();
  await pictures.close();
});

test("a coordinator that shows other terms than those that were signed gets no link, no cancellation and no summary", async () => {
  const { relay } = site;
  const buyer = await Buyer.enter(site.browser, site.buyer, site.cluster.token);
  await buyer.goOn();
  const items = [{ id: "a", text: "Sign a" }];
  await buyer.createFromFiles(jobFile({ name: "Swapped", question: "Which sign?", classes: ["stop", "yield"], items, release: ["labels"], payout: undefined }));
  await buyer.button("Back").click();
  const status = JSON.parse(await (await fetch(`${relay.url}/v1/jobs/swapped`, { headers: { authorization: `Bearer ${site.cluster.token}` } })).text()) as object;
  const event = `data: ${JSON.stringify({ ...status, digest: "ab".repeat(32) })}\n\n`;
  relay.answers.set("GET /v1/jobs/swapped/events", { type: "text/event-stream", body: event });
  const warning = buyer.page.getByText("The coordinator shows another job than yours");
  await buyer.button("Swapped").click();
  await warning.first().waitFor();
  expect(await buyer.page.locator(".part .code").count()).toBe(0);
  await buyer.button("Cancel the job").click();
  await buyer.button("Yes, cancel it").click();
  await warning.nth(1).waitFor();
  expect(relay.requests("DELETE")).toEqual([]);
  relay.answers.clear();
  await buyer.close();
});

test("what only buyers need is fetched when it is needed, and checked against the pinned version", async () => {
  const { host } = site;
  const profile = await context(site.browser, "desktop", "light");
  const page = await profile.newPage();
  await page.goto(host.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  const app = readdirSync(`${DIST}/assets`).find((name) => /^buyer-app-.*\.js$/.test(name)) ?? "";
  const reach = () => page.evaluate((path) => fetch(path).then((response) => response.text(), () => "refused"), `./assets/${app}`);
  host.files.set(`assets/${app}`, Buffer.from("alert(1)"));
  await page.reload();
  expect(await reach()).toBe("refused");
  host.files.delete(`assets/${app}`);
  expect((await reach()).length).toBeGreaterThan(1_000);
  await profile.close();
});

test("a result that the certificate does not yield is not shown", async () => {
  const { browser, cluster, relay } = site;
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const items = ["a", "b"].map((id) => ({ id, text: `Sign ${id}` }));
  const link = await buyer.createFromFiles(jobFile({ name: "Forged", question: "Which sign?", classes: ["stop", "yield"], items, release: ["labels", "class_totals"], payout: undefined }));
  const one = await Contributor.open(browser, link, { name: "forgery" });
  await one.agree({ items: 2 });
  await one.answer(0);
  await one.answer(1);
  await one.send();
  await one.close();
  await buyer.closeJob();

  const result = relay.exchanges.findLast(({ target }) => target === "/v1/jobs/forged/result");
  const forged = Buffer.concat(result?.answer ?? []).toString().replace(/"answers": ?2/, '"answers":3');
  expect(forged).not.toBe(Buffer.concat(result?.answer ?? []).toString());
  relay.answers.set("GET /v1/jobs/forged/result", { body: forged });
  await buyer.button("Back").click();
  await buyer.button("Forged").click();
  await buyer.page.getByRole("alert").waitFor();
  await buyer.look("a result that is not verified");
  expect(await buyer.page.getByText("Verified on this device.").count()).toBe(0);
  expect(await buyer.page.getByRole("table").count()).toBe(0);
  relay.answers.clear();
  await buyer.close();
});
