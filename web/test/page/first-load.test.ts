// What somebody with a slow phone waits for: how much is loaded, and from whom, until the first item can be answered. Numbers of bytes and requests, and
// no times, which depend on the machine.

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUDGET } from "../../tools/finish.mjs";
import { firstLoad } from "../../tools/first-load.mjs";
import { DIST } from "../browser/page-host.ts";
import { Buyer, Contributor, jobFile } from "../browser/people.ts";
import { openSite, type Site } from "../browser/site.ts";

/** The most bytes of the API's answers, compressed. Most of them are the nodes' keys, which do not compress. */
const API_BUDGET = 10_000;
/** The page, its style and script, the worker and its module, the screens after the first one, the list of files for the service worker, and what the
 *  service worker adds. */
const MOST_REQUESTS = 22;
/** The cluster, the job's terms, and the enrolment. Where the job stands is asked once more, after the first item is shown. */
const MOST_CALLS = 8;

let site: Site;

beforeAll(async () => void (site = await openSite()));
afterAll(async () => site?.close());

test("until the first item can be answered, little is loaded, and nothing from anybody else", async () => {
  const { browser, cluster, host, relay } = site;
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const items = Array.from({ length: 50 }, (_, item) => ({ id: `item-${item + 1}`, text: `Question number ${item + 1}` }));
  const link = await buyer.createFromFiles(jobFile({ name: "First load", question: "Is it safe?", classes: ["Yes", "No"], items, release: ["labels"], payout: undefined }));
  await buyer.close();

  host.served.length = 0;
  const before = relay.exchanges.length;
  const one = await Contributor.open(browser, "about:blank", { name: "first" });
  const asked: string[] = [];
  one.profile.on("request", (request) => asked.push(request.url()));
  await one.goTo(link);
  await one.agree({ items: items.length });
  // With the service worker, which keeps the page for days without a network.
  await one.page.evaluate(() => navigator.serviceWorker.ready);

  const compressed = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
  const files = host.served.map(({ path, body }) => [path, compressed(body)] as const);
  const calls = relay.exchanges.slice(before).map(({ method, target, answer }) => [`${method} ${target}`, compressed(Buffer.concat(answer))] as const);
  // What is used only later (QR codes, licences) is kept by the service worker meanwhile, and nobody waits for it.
  const first = firstLoad(DIST, files.map(([path]) => path));
  // The screen of an item comes after the first one, and is waited for, too.
  const isFirst = (path: string) => first.has(path) || path === "MANIFEST" || path.startsWith("assets/later-");
  const sum = (all: (readonly [string, number])[]): number => all.reduce((total, [, size]) => total + size, 0);
  const [page, api] = [sum(files.filter(([path]) => isFirst(path))), sum(calls)];
  const shown = [...files, ...calls].map(([name, size]) => `${String(size).padStart(8)}  ${name}${isFirst(name) || name.includes(" ") ? "" : "  (for later)"}`).join("\n");
  console.log(`the first load, in bytes after gzip -9:\n${shown}\n${page} of the page, of ${BUDGET}, and ${api} of the API until the first item can be answered`);
  expect(page, shown).toBeLessThan(BUDGET);
  expect(api, shown).toBeLessThan(API_BUDGET);
  expect(files.length, shown).toBeLessThanOrEqual(MOST_REQUESTS);
  expect(calls.filter(([name]) => !name.startsWith("OPTIONS")).length, shown).toBeLessThanOrEqual(MOST_CALLS);
  // No script, style or module of the first load is loaded twice, not even by the service worker. Small parts that are wanted while it fetches them are.
  const assets = files.map(([path]) => path).filter((path) => path.startsWith("assets/") && isFirst(path));
  expect(assets.filter((path, place) => assets.indexOf(path) !== place)).toEqual([]);

  const origins = new Set(asked.filter((address) => /^(http|ws)/.test(address)).map((address) => new URL(address).origin));
  expect([...origins].sort()).toEqual([new URL(host.url).origin, relay.url].sort());
  expect((await one.profile.cookies()).length).toBe(0);
  await one.close();
});

test("the page says its language, its title and its width, and no script blocks its drawing", async () => {
  const one = await Contributor.open(site.browser, site.host.url);
  await one.page.getByRole("heading", { name: "Answer without being seen" }).waitFor();
  const found = await one.page.evaluate(() => ({
    language: document.documentElement.lang,
    title: document.title,
    viewport: document.querySelector<HTMLMetaElement>("meta[name=viewport]")?.content,
    blocking: [...document.querySelectorAll("script")].filter((script) => script.type !== "module" && !script.defer && !script.async).map((script) => script.src),
    pictures: [...document.images].filter((image) => !image.hasAttribute("alt")).length,
  }));
  expect(found).toEqual({
    language: "en",
    title: "Answer without being seen · Tacit",
    // Nobody is kept from enlarging the page.
    viewport: "width=device-width, initial-scale=1",
    blocking: [],
    pictures: 0,
  });
  const blocking = await one.page.evaluate(() =>
    (performance.getEntriesByType("resource") as (PerformanceResourceTiming & { renderBlockingStatus?: string })[])
      .filter((entry) => entry.renderBlockingStatus === "blocking")
      .map((entry) => new URL(entry.name).pathname),
  );
  expect(blocking.filter((path) => path.endsWith(".js"))).toEqual([]);
  await one.close();
});
