// Three people answer texts on phones and at a desktop, in several sittings, one of them without a network, while a node dies; the buyer creates the
// job, closes it, and gets the verified result that their answers give. Everything goes through the page, and every screen is looked at.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Buyer, Contributor } from "../browser/people.ts";
import { labels, observed, totals, type Crowd } from "../browser/reference.ts";
import { openSite, type Site } from "../browser/site.ts";
import { expectNoTrace } from "../browser/traces.ts";

const CLASSES = ["Safe", "Not safe", "Unsure"];
const ITEMS = 50;
const BASE = 20_000;

let site: Site;

beforeAll(async () => void (site = await openSite()));
afterAll(async () => site?.close());

/** What a person answers to an item; nobody answers everything. */
const planned = (person: number, item: number): number | undefined =>
  (item + person) % 10 === 9 ? undefined : item % 4 === 0 ? (item + person) % 3 : item % 3;
const plan = (person: number) => (id: string) => planned(person, Number(id.slice(5)) - 1);

test("three people answer, a node dies, and the buyer gets what they have answered", async () => {
  const { browser, cluster, relay } = site;
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.look("the buyer's first screen", "Go on");
  await buyer.goOn();
  await buyer.look("the list of jobs", "Open a job by its id");
  await buyer.button("Create a job").click();
  await buyer.page.getByLabel("Name", { exact: true }).fill("Safety");
  await buyer.page.getByLabel("Question", { exact: true }).fill("Would it be safe to answer this?");
  await buyer.page.getByLabel("Possible answers").fill(CLASSES.join("\n"));
  await buyer.page.getByLabel("Items", { exact: true }).fill(Array.from({ length: ITEMS }, (_, item) => `Question number ${item + 1}`).join("\n"));
  await buyer.page.getByText("At most 6.00 EUR can fall due").waitFor();
  await buyer.look("the form of a job");
  await buyer.page.getByLabel("Answers say something about the people who give them").uncheck();
  await buyer.button("Check it").click();
  await buyer.look("what is signed", "Check what you sign");
  // Nothing is sent before the buyer has signed.
  expect(relay.requests("PUT")).toEqual([]);
  const link = await buyer.sign();
  await buyer.look("an open job");

  const people: Contributor[] = [];
  for (const [name, size, scheme] of [["alice", "phone", "light"], ["bob", "desktop", "dark"], ["carol", "phone", "dark"]] as const) {
    const one = await Contributor.open(browser, link, { name, size, scheme });
    // The job is shown only to people who may answer it.
    await one.look("who somebody is", "Who are you here?");
    await one.page.getByLabel("Your name here").fill(name);
    await one.press("Enrol under this name");
    await one.look("consent", `You answer as “${name}”.`);
    await one.agree({ isNamed: false, items: ITEMS });
    people.push(one);
  }
  const [alice, bob, carol] = people as [Contributor, Contributor, Contributor];

  // A slow phone: how long tasks take depends on what else the machine does, so it is measured and decides nothing.
  const session = await alice.profile.newCDPSession(alice.page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await alice.longTasks();
  await alice.answerFromInside(Object.fromEntries(Array.from({ length: ITEMS }, (_, item) => [`item-${String(item + 1).padStart(2, "0")}`, planned(0, item) ?? null])), 25);
  const answering = await alice.longTasks();
  await alice.send();
  console.log(
    `tasks of the main thread over 50 ms on a processor that is throttled four times, with ${ITEMS} items: ` +
      `${JSON.stringify(answering)} while somebody answers 25, ${JSON.stringify(await alice.longTasks())} while they are sent`,
  );
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });

  for (const [number, one] of people.entries()) {
    await one.look("an item");
    if (one !== alice) {
      await one.answerAll(plan(number), 25);
      await one.part("Send");
      await one.look("before sending", /^Send \d+ answers?$/);
      await one.send();
    }
    await one.look("after sending");
    await one.part("Result");
    await one.look("before the result", "The result is not published yet.");
    await one.part("Key");
    await one.button("Show as a QR code").click();
    await one.page.getByRole("img").waitFor();
    await one.look("the key");
    await one.part("About");
    await one.look("about the job", "Who runs the nodes");
    await one.part("Answer");
  }

  cluster.kill("node-4");
  try {
    // Carol has no network from here on: she goes on answering, closes the page in between, and nothing is lost.
    await carol.page.evaluate(() => navigator.serviceWorker.ready);
    await carol.profile.setOffline(true);
    await carol.page.getByText("You are offline.").first().waitFor();
    await carol.answerAll(plan(2), 10);
    const offline = await carol.page.getByText(/^\d+ of 50 answered$/).first().textContent();
    await carol.page.reload();
    await carol.page.getByText("You are offline.").first().waitFor();
    expect(await carol.page.getByText(/^\d+ of 50 answered$/).first().textContent()).toBe(offline);
    await carol.answerAll(plan(2));
    await carol.look("all items are done", "All items are done");
    await carol.part("Send");
    await carol.press(/^Send \d+ answers?$/);
    await carol.page.getByText("Nothing is lost: the rest stays on this device.").waitFor({ timeout: 60_000 });
    await carol.look("sending that failed");
    await carol.profile.setOffline(false);
    await carol.send();
    for (const one of [alice, bob]) {
      await one.answerAll(plan(people.indexOf(one)));
      await one.send();
    }

    for (const one of people) {
      expect(await one.loadedWasm()).toEqual([]);
      // The job is not shown before somebody is enrolled, which the browser notes, and so it does of a network that is gone.
      const expected = /^console: Failed to load resource: (the server responded with a status of 404 \(Not Found\)|net::ERR_INTERNET_DISCONNECTED)$/;
      expect(one.wrong.filter((line) => !expected.test(line))).toEqual([]);
      // The names of the answers and the drafts are not readable in the browser's store, and in no request of a contributor.
      const stored = JSON.stringify(await one.profile.storageState({ indexedDB: true }));
      const sent = relay.requests().filter((request) => request.includes(`browser of ${one.name}`));
      expect(sent.filter((request) => request.startsWith("PUT")).length).toBe(2);
      for (const text of ["Not safe", '{"class":']) {
        expect(stored).not.toContain(text);
        expect(sent.join("\n")).not.toContain(text);
      }
    }

    await buyer.page.getByText(/node-4/).first().waitFor();
    await buyer.look("an open job that waits for a node");
    await buyer.button("Close the job").click();
    await buyer.look("what closing publishes", "Pay of contributors");
    await buyer.button("Not yet").click();
    await buyer.closeJob();
  } finally {
    cluster.mend();
  }
  await buyer.page.getByText("It is of the terms that you have signed.").waitFor();
  await buyer.page.locator(".chart canvas").first().waitFor();
  await buyer.look("a result");
  await buyer.page.setViewportSize({ width: 360, height: 740 });
  await buyer.look("a result on a phone");

  const crowd: Crowd = people.map((_, number) => Array.from({ length: ITEMS }, (_, item) => planned(number, item)));
  expect((await buyer.cells("How often each answer was given")).map(([, number]) => Number(number))).toEqual(totals(crowd, CLASSES.length));
  expect((await buyer.cells("Labels")).map(([, label]) => label)).toEqual(
    labels(crowd, ITEMS, CLASSES.length).map((index) => (index === undefined ? "–" : CLASSES[index])),
  );
  expect(Number((await buyer.cells("Agreement"))[0]?.[1])).toBeCloseTo(observed(crowd, ITEMS), 4);

  const pay = new Map((await buyer.cells("Pay")).map(([name = "", amount = ""]) => [name, amount]));
  for (const [number, one] of people.entries()) {
    const given = crowd[number]?.filter((choice) => choice !== undefined) ?? [];
    expectNoTrace(cluster, relay, given, CLASSES);
    await one.part("Result");
    await one.page.getByText("Checked on this device: signed by").waitFor();
    await one.page.getByText(`${given.length} of ${given.length} answers count.`).waitFor();
    expect(await one.page.locator(".amount").textContent()).toBe(pay.get(one.name));
    expect(Number(pay.get(one.name)?.split(" ")[0]) * 1_000_000).toBeGreaterThanOrEqual(given.length * BASE);
    await one.look("pay");
    await one.close();
  }
  expect(buyer.wrong.filter((line) => !line.includes("net::"))).toEqual([]);
  await buyer.close();
});

test("a buyer's screens fit a phone", async () => {
  const buyer = await Buyer.enter(site.browser, site.buyer, site.cluster.token, { size: "phone", scheme: "dark" });
  await buyer.look("the buyer's first screen on a phone", "Go on");
  await buyer.goOn();
  await buyer.look("the list of jobs on a phone", "Open a job by its id");
  await buyer.button("Create a job").click();
  await buyer.look("the form of a job on a phone", "Possible answers");
  await buyer.close();
});
