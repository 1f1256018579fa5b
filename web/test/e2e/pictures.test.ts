// Three people look at pictures of a host that the terms name, and compare pairs, by thumb and by keyboard. The host learns nothing but that they take
// part, a picture of other bytes is never shown as one, and the buyer gets what they have answered.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Buyer, Contributor, jobFile } from "../browser/people.ts";
import { PictureHost, street } from "../browser/picture-host.ts";
import { labels, totals, type Crowd } from "../browser/reference.ts";
import { openSite, type Site } from "../browser/site.ts";
import { expectNoTrace } from "../browser/traces.ts";

const PEOPLE = [["dora", "phone", "light"], ["emil", "desktop", "light"], ["fatma", "phone", "dark"]] as const;

let site: Site;
let pictures: PictureHost;

beforeAll(async () => {
  site = await openSite();
  pictures = await PictureHost.start();
});
afterAll(async () => {
  await site?.close();
  await pictures?.close();
});

/** What all people have asked the host for must be all pictures from the item at which they begin, in the order of the items: each once. */
function expectFixedOrder(asked: string[], inOrder: string[]): void {
  const start = inOrder.indexOf(asked[0] ?? "");
  expect(start).toBeGreaterThanOrEqual(0);
  expect(asked).toEqual([...inOrder.slice(start), ...inOrder.slice(0, start)]);
}

async function expectResult(buyer: Buyer, crowd: Crowd, items: number, classes: string[]): Promise<void> {
  expect((await buyer.cells("How often each answer was given")).map(([, number]) => Number(number))).toEqual(totals(crowd, classes.length));
  expect((await buyer.cells("Labels")).map(([, label]) => label)).toEqual(
    labels(crowd, items, classes.length).map((index) => (index === undefined ? "–" : classes[index])),
  );
}

test("pictures: a fixed order, no referrer, and none but those that were signed", async () => {
  const { browser, cluster, relay } = site;
  const classes = ["Stop", "Give way", "Straight on"];
  const items = Array.from({ length: 20 }, (_, item) => ({ id: `street-${item + 1}`, image: pictures.add(`/street/${item + 1}.png`, street(item), `Street number ${item + 1}`) }));
  const inOrder = items.map(({ image }) => new URL(image.url).pathname);
  // The host shows another picture in the place of the fifth.
  const [signed, forged] = [pictures.pictures.get("/street/5.png") ?? Buffer.alloc(0), street(99)];
  pictures.pictures.set("/street/5.png", forged);
  const isForged = (id: string) => id === "street-5";

  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const link = await buyer.createFromFiles(
    jobFile({ name: "Signs", question: "Which sign is it?", classes, items }),
  );

  // What they answer differs as much as it can: the first answers, the second skips a lot and takes back, the third answers something else.
  const planned = (person: number, item: number): number | undefined => (item === 4 || (person === 1 && item % 3 === 0) ? undefined : (item + (person === 2 ? item % 2 : 0)) % 3);
  const crowd: Crowd = PEOPLE.map((_, person) => items.map((_, item) => planned(person, item)));
  const people: Contributor[] = [];
  for (const [person, [name, size, scheme]] of PEOPLE.entries()) {
    const one = await Contributor.open(browser, link, { name, size, scheme });
    await one.look("consent to a host of pictures", `Pictures come from ${pictures.name}.`);
    // Nothing is loaded from the host before somebody agrees to it.
    expect(pictures.paths(`browser of ${name}`)).toEqual([]);
    await one.agree({ items: items.length });
    for (let isLooked = false; (await one.item()) !== undefined; ) {
      const id = (await one.item()) ?? "";
      const item = items.findIndex((other) => other.id === id);
      if (isForged(id)) {
        await one.look("a picture of other bytes", "This is not the picture that the buyer signed");
        expect(await one.page.locator("section.item img").count()).toBe(0);
        await one.answer(undefined);
        continue;
      }
      await one.page.getByAltText(`Street number ${item + 1}`, { exact: true }).waitFor();
      if (!isLooked) {
        await one.look("an item with a picture");
        isLooked = true;
      }
      await one.answer(planned(person, item));
      if (person === 1 && item % 4 === 0 && (await one.item()) !== undefined) {
        await one.page.keyboard.press("u");
        await one.page.locator(`section.item[data-item="${id}"]`).waitFor();
        await one.answer(planned(person, item));
      }
    }
    expectFixedOrder(pictures.paths(`browser of ${name}`), inOrder);
    await one.send();
    expect(one.wrong).toEqual([]);
    people.push(one);
  }

  for (const { headers } of pictures.asked) {
    expect([headers.referer, headers.cookie, headers.authorization]).toEqual([undefined, undefined, undefined]);
  }
  // The page's policy allows these hosts and no other.
  const reach = (address: string) => people[0]?.page.evaluate((to) => fetch(to).then(() => "reached", () => "blocked"), address);
  expect(await reach(`http://${pictures.name}/street/1.png`)).toBe("reached");
  expect(await reach("http://127.0.0.1:9/")).toBe("blocked");

  // Once the host shows what was signed, the picture is there.
  pictures.pictures.set("/street/5.png", signed);
  const [dora] = people as [Contributor];
  await dora.part("Answer");
  await dora.press("Answer them now");
  await dora.press("Load it again");
  await dora.page.getByAltText("Street number 5", { exact: true }).waitFor();
  await dora.answer(2);
  await dora.send();
  crowd[0] = crowd[0]?.map((answer, item) => (item === 4 ? 2 : answer)) ?? [];

  await buyer.closeJob();
  await expectResult(buyer, crowd, items.length, classes);
  for (const answers of crowd) {
    expectNoTrace(cluster, relay, answers.filter((answer) => answer !== undefined), classes);
  }
  await Promise.all([buyer, ...people].map((one) => one.close()));
});

test("pairs: texts and pictures side by side, and a picture that never arrives", async () => {
  const { browser, cluster, relay } = site;
  const classes = ["Left", "Right", "Neither"];
  const items = [
    ...Array.from({ length: 8 }, (_, pair) => ({
      id: `pair-${pair + 1}`,
      text: `Question ${pair + 1}: how does one boil an egg?`,
      left: { text: `Put it into boiling water for ${pair + 5} minutes.` },
      right: { text: `Ask somebody who knows, or wait for ${pair + 1} hours.` },
    })),
    ...Array.from({ length: 4 }, (_, pair) => ({
      id: `pair-${pair + 9}`,
      left: { image: pictures.add(`/left/${pair}.png`, street(20 + pair), `Left street ${pair}`) },
      right: { image: pictures.add(`/right/${pair}.png`, street(30 + pair), `Right street ${pair}`) },
    })),
  ];
  const inOrder = items.flatMap((item) => ("image" in item.left && "image" in item.right ? [item.left.image, item.right.image] : [])).map(({ url }) => new URL(url).pathname);
  pictures.pictures.delete("/right/2.png");

  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const link = await buyer.createFromFiles(
    jobFile({ name: "Which is better", question: "Which one is better?", classes, items, payout: undefined, release: ["labels", "class_totals"] }),
  );
  const planned = (person: number, item: number): number | undefined => (item === 10 ? undefined : (item * 2 + (item % 5 === 0 ? person : 0)) % 3);
  const crowd: Crowd = PEOPLE.map((_, person) => items.map((_, item) => planned(person, item)));
  for (const [person, [name, size, scheme]] of PEOPLE.entries()) {
    const one = await Contributor.open(browser, link, { name: `${name}-2`, size, scheme });
    await one.agree({ items: items.length });
    const looked = new Set<string>();
    for (let id = await one.item(); id !== undefined; id = await one.item()) {
      const item = items.findIndex((other) => other.id === id);
      const sides = one.page.locator(".pair > section");
      expect(await sides.evaluateAll((all) => all.map((side) => side.getAttribute("aria-label")))).toEqual(["Left", "Right"]);
      const kind = item === 10 ? "missing" : item < 8 ? "texts" : "pictures";
      if (kind === "missing") {
        await one.page.getByText("This picture did not arrive.").waitFor();
      } else if (kind === "pictures") {
        await one.page.getByAltText(`Right street ${item - 8}`, { exact: true }).waitFor();
      }
      if (!looked.has(kind)) {
        await one.look(`a pair of ${kind}`);
        looked.add(kind);
      }
      await one.answer(planned(person, item));
    }
    // The missing one was asked for three times in its turn.
    const asked = pictures.paths(`browser of ${name}-2`);
    expect(asked.filter((path) => path === "/right/2.png").length).toBe(3);
    expectFixedOrder(asked.filter((path, place) => path !== asked[place - 1]), inOrder);
    await one.send();
    await one.close();
  }
  await buyer.closeJob();
  await expectResult(buyer, crowd, items.length, classes);
  for (const answers of crowd) {
    expectNoTrace(cluster, relay, answers.filter((answer) => answer !== undefined), classes);
  }
  await buyer.close();
});
