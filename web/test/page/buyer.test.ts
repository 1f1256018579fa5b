// What a buyer sees: the form becomes a signed job, progress is live, and a result is verified before it is shown.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { axe, context, launch, overflow, shot, SIZES, troubles, type Scheme } from "./browser.ts";
import { answerRequests, certified, clusterInfo, COORDINATOR, loadModule, setup, signJob, type Answers } from "./coordinator.ts";
import { startHost, type Host } from "./host.ts";

let browser: Browser;
let host: Host;
let answers: Answers;

const status = (state: string, more: object = {}) => ({
  id: "signs",
  name: "Street signs",
  digest: "00".repeat(32),
  state,
  items: 4,
  answers_per_item: 3,
  submissions: 3,
  answers: 9,
  delivered: 2,
  contributors: 3,
  complete_items: 1,
  attempt: 0,
  waiting_on: [],
  ...more,
});
const events = (one: object) => ({ type: "text/event-stream", body: `data: ${JSON.stringify(one)}\n\n` });

beforeAll(async () => {
  const engine = await loadModule();
  const job = signJob(engine, "signs", {
    name: "Street signs",
    question: { kind: "categorical", classes: ["stop", "yield"] },
    items: [{ id: "a" }, { id: "b" }],
    answers_per_item: 3,
    sensitive: false,
    release: ["labels", "agreement"],
  });
  const { certificate, result, payouts } = certified();
  const waiting = status("open", { digest: job.digest, waiting_on: [{ node: "node-2", reason: "not connected for 20 s", needs_operator: false }] });
  answers = {
    "GET /v1/cluster": { body: clusterInfo() },
    "GET /v1/jobs": { body: JSON.stringify({ jobs: [waiting, status("published", { id: setup.job_id, name: "Test vectors" })] }) },
    "GET /v1/jobs/signs/events": events(waiting),
    "GET /v1/jobs/signs/spec": { body: job.body },
    "POST /v1/jobs/signs/close": { status: 202, body: JSON.stringify(status("closing")) },
    [`GET /v1/jobs/${setup.job_id}/events`]: events(status("published", { id: setup.job_id, name: "Test vectors" })),
    [`GET /v1/jobs/${setup.job_id}/certificate`]: { body: certificate },
    [`GET /v1/jobs/${setup.job_id}/result`]: { body: result },
    [`GET /v1/jobs/${setup.job_id}/payouts`]: { body: payouts, type: "text/csv" },
    "PUT /v1/jobs/ampel": { status: 201, body: JSON.stringify(status("open", { id: "ampel" })) },
    "GET /v1/jobs/ampel/events": events(status("open", { id: "ampel", name: "Ampel" })),
  };
  [browser, host] = await Promise.all([launch(), startHost(setup.cluster_toml)]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), host?.close()]);
});

async function enter(size: keyof typeof SIZES, scheme: Scheme, given: Answers = answers): Promise<{ page: Page; profile: BrowserContext; wrong: string[]; seen: string[] }> {
  const profile = await context(browser, size, scheme);
  const seen = await answerRequests(profile, given);
  const page = await profile.newPage();
  const wrong = troubles(page);
  await page.goto(`${host.url}#buyer&cluster=${setup.cluster_digest}&coordinator=${encodeURIComponent(COORDINATOR)}`);
  await page.getByLabel("Token").fill("CANARY-TOKEN");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Your jobs" }).waitFor();
  // The jobs of this coordinator are signed with this key: what is signed with another one is not this buyer's.
  await page.locator("input[type=file]").setInputFiles({ name: "buyer.key", mimeType: "text/plain", buffer: Buffer.from(setup.buyer_seed) });
  await page.getByRole("status").filter({ hasText: "key" }).first().waitFor();
  return { page, profile, wrong, seen };
}

for (const size of ["phone", "desktop"] as const) {
  for (const scheme of ["light", "dark"] as const) {
    test(`${size}, ${scheme}: every screen passes axe and fits`, async () => {
      const { page, profile, wrong } = await enter(size, scheme);
      const look = async (name: string): Promise<void> => {
        expect(await axe(page), name).toEqual([]);
        expect(await overflow(page), name).toBe(0);
        await shot(page, `buyer-${name}-${size}-${scheme}`);
      };
      await page.getByRole("button", { name: "Street signs" }).waitFor();
      await look("jobs");
      await page.getByRole("button", { name: "Create a job" }).click();
      await look("create");
      await page.getByRole("button", { name: "Back" }).click();
      await page.getByRole("button", { name: "Street signs" }).click();
      await page.getByRole("button", { name: "Close the job" }).click();
      await page.getByText("The label of each item").waitFor();
      await look("close");
      await page.getByRole("button", { name: "Back" }).click();
      await page.getByRole("button", { name: "Test vectors" }).click();
      await page.getByText("Verified on this device.").waitFor();
      await page.locator(".chart canvas").first().waitFor();
      await look("result");
      expect(wrong).toEqual([]);
      await profile.close();
    });
  }
}

test("a form becomes a job that is shown before it is signed, and the token is stored nowhere", async () => {
  const { page, profile, seen } = await enter("desktop", "light");
  await page.getByRole("button", { name: "Create a job" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ampel");
  await page.getByLabel("Question", { exact: true }).fill("Which light?");
  await page.getByLabel("Possible answers").fill("red\ngreen");
  await page.getByLabel("Items", { exact: true }).fill("first\nsecond");
  await page.getByText("At most 0.24 EUR can fall due").waitFor();
  await page.getByLabel("Answers say something about the people who give them").uncheck();
  await page.getByRole("button", { name: "Check it" }).click();
  await page.getByRole("heading", { name: "Check what you sign" }).waitFor();
  await page.getByText("Which light?").waitFor();
  expect(seen.some((one) => one.startsWith("PUT"))).toBe(false);
  const digest = /[0-9a-f]{64}$/.exec((await page.getByText(/^Digest of the job’s terms: /).textContent()) ?? "")?.[0] ?? "";
  answers["GET /v1/jobs/ampel/events"] = events(status("open", { id: "ampel", name: "Ampel", digest }));
  await page.getByRole("button", { name: "Sign and open the job" }).click();
  await page.getByText("Link for contributors").waitFor();
  const put = seen.find((one) => one.startsWith("PUT /v1/jobs/ampel")) ?? "";
  expect(put).toContain("Bearer CANARY-TOKEN");
  expect(put).toContain('"items":[{"id":"item-1","text":"first"},{"id":"item-2","text":"second"}]');
  const link = (await page.locator(".part .code").first().textContent()) ?? "";
  expect(link).toContain(`cluster=${setup.cluster_digest}`);
  expect(link).toContain("job=ampel");
  expect(link).toContain(`terms=${digest}`);
  expect(JSON.stringify(await profile.storageState({ indexedDB: true }))).not.toContain("CANARY");
  await profile.close();
});

test("a coordinator that shows other terms than those that were signed gets no link, no cancellation and no summary", async () => {
  const { page, profile, seen } = await enter("desktop", "light", {
    ...answers,
    "GET /v1/jobs/signs/events": events(status("open", { digest: "ab".repeat(32) })),
  });
  await page.getByRole("button", { name: "Street signs" }).click();
  await page.getByText("The coordinator shows another job than yours").waitFor();
  expect(await page.locator(".part .code").count()).toBe(0);
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await page.getByRole("button", { name: "Yes, cancel it" }).click();
  await page.getByText("The coordinator shows another job than yours").nth(1).waitFor();
  expect(seen.some((one) => one.startsWith("DELETE"))).toBe(false);
  await profile.close();
});

test("what only buyers need is fetched when it is needed, and checked against the pinned version", async () => {
  const profile = await context(browser, "desktop", "light");
  await answerRequests(profile, answers);
  const page = await profile.newPage();
  await page.goto(host.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  const { readdirSync } = await import("node:fs");
  const { DIST } = await import("./host.ts");
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
  const { certificate, result, payouts } = certified();
  const forged = result.replace(/"answers": (\d+)/, (_, number) => `"answers": ${Number(number) + 1}`);
  expect(forged).not.toBe(result);
  const { page, profile } = await enter("desktop", "light", {
    ...answers,
    [`GET /v1/jobs/${setup.job_id}/certificate`]: { body: certificate },
    [`GET /v1/jobs/${setup.job_id}/result`]: { body: forged },
    [`GET /v1/jobs/${setup.job_id}/payouts`]: { body: payouts, type: "text/csv" },
  });
  await page.getByRole("button", { name: "Test vectors" }).click();
  await page.getByRole("alert").waitFor();
  expect(await page.getByText("Verified on this device.").count()).toBe(0);
  expect(await page.getByRole("table").count()).toBe(0);
  await profile.close();
});
