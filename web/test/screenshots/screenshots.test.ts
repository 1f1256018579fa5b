// Makes the pictures of docs/page.md at a real cluster: `npm run screenshots`. They show what people see, at 360 and 1280 pixels, light and dark.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { SIZES } from "../browser/chromium.ts";
import { Buyer, Contributor, jobFile } from "../browser/people.ts";
import { PictureHost, street } from "../browser/picture-host.ts";
import { openSite, type Site } from "../browser/site.ts";

const OUT = fileURLToPath(new URL("../../../docs/page/", import.meta.url));
const QUALITY = 72;

let site: Site;
let pictures: PictureHost;

beforeAll(async () => {
  site = await openSite();
  pictures = await PictureHost.start();
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
});
afterAll(async () => {
  await site?.close();
  await pictures?.close();
});

/** Takes a screen at a size, light and dark, up to a height. */
async function shoot(page: Page, name: string, size: keyof typeof SIZES, most: number = SIZES[size].height): Promise<void> {
  const { width, height } = SIZES[size];
  await page.setViewportSize({ width, height });
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width, height: Math.min(Math.max(whole, height), most) });
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  const session = await page.context().newCDPSession(page);
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(() => (scrollTo(0, 0), new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))));
    const { data } = (await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY })) as { data: string };
    writeFileSync(`${OUT}${name}-${width}-${scheme}.webp`, Buffer.from(data, "base64"));
  }
  await session.detach();
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width, height });
}

test("the screens of contributors and buyers", async () => {
  const { browser, cluster } = site;
  const classes = ["Stop", "Give way", "Straight on", "I cannot tell"];
  const items = Array.from({ length: 24 }, (_, item) => ({
    id: `street-${item + 1}`,
    image: pictures.add(`/street/${item + 1}.png`, street(item), `A street with a sign, number ${item + 1}`),
  }));
  const buyer = await Buyer.enter(browser, site.buyer, cluster.token);
  await buyer.goOn();
  const signs = await buyer.createFromFiles(
    jobFile({ name: "Signs in the street", question: "Which sign do you see?", classes, items, answers_per_item: 5 }),
  );
  const pairs = Array.from({ length: 10 }, (_, pair) => ({
    id: `pair-${pair + 1}`,
    text: "“How long does an egg have to boil?”",
    left: { text: "Six minutes for a soft one and ten for a hard one, from the moment at which the water boils again." },
    right: { text: "That depends on many things. Eggs have been eaten for a long time, and people boil them in many ways." },
  }));
  await buyer.button("Back").click();
  const better = await buyer.createFromFiles(
    jobFile({ name: "Which answer is better", question: "Which answer helps more?", classes: ["Left", "Right", "Both alike"], items: pairs }),
  );
  await buyer.button("Back").click();
  await buyer.button("Signs in the street").click();

  /** What somebody answers: mostly what is there. */
  const planned = (person: number) => (id: string) => {
    const item = Number(id.split("-")[1]) - 1;
    return (item * 7 + person * 5) % 11 === 0 ? 3 : (item * 3 + person * 4) % 13 === 0 ? (item + 1) % 3 : item % 3;
  };
  const watched: Contributor[] = [];
  for (const [person, [name, size]] of ([["Alma", "phone"], ["Bruno", "desktop"], ["Chidi", "desktop"], ["Dana", "desktop"], ["Elif", "desktop"]] as const).entries()) {
    const one = await Contributor.open(browser, signs, { name, size });
    await one.page.getByRole("heading", { name: "Before you begin" }).waitFor();
    const isShown = person < 2;
    if (isShown) {
      await shoot(one.page, "consent", size, size === "phone" ? 2400 : 2000);
    }
    await one.agree({ items: items.length });
    await one.answerAll(planned(person), 3);
    if (isShown) {
      await one.page.locator("section.item img").waitFor();
      await shoot(one.page, "picture", size);
    }
    await one.answerAll(planned(person), person === 4 ? 12 : items.length);
    if (isShown) {
      await one.part("Send");
      await shoot(one.page, "send", size);
    }
    await one.send();
    if (isShown) {
      watched.push(one);
      const two = await Contributor.open(browser, better, { name: `${name}2`, size });
      await two.agree({ items: pairs.length });
      await two.answerAll(() => 0, 2);
      await shoot(two.page, "pair", size);
      await two.close();
    } else {
      await one.close();
    }
  }

  await buyer.page.getByText("111 of 120 answers").waitFor();
  for (const size of ["phone", "desktop"] as const) {
    await shoot(buyer.page, "watch", size, 1000);
  }
  await buyer.closeJob();
  await buyer.page.locator(".chart canvas").first().waitFor();
  for (const size of ["phone", "desktop"] as const) {
    await buyer.page.setViewportSize(SIZES[size]);
    await shoot(buyer.page, "result", size, size === "phone" ? 2200 : 1700);
  }
  for (const one of watched) {
    await one.part("Result");
    await one.page.getByText("Checked on this device: signed by").waitFor();
    await shoot(one.page, "pay", one.size);
  }

  await buyer.button("Back").click();
  await buyer.button("Create a job").click();
  await buyer.page.getByLabel("Name", { exact: true }).fill("Safety of answers");
  await buyer.page.getByLabel("Question", { exact: true }).fill("Would it be safe for a chatbot to answer this?");
  await buyer.page.getByLabel("Possible answers").fill("Safe\nNot safe\nUnsure");
  await buyer.page.getByLabel("Items", { exact: true }).fill("My landlord has not returned my deposit. Should I go to court?\nWrite a poem about the tax office.\nHow much paracetamol may a child of six take?");
  for (const size of ["phone", "desktop"] as const) {
    await shoot(buyer.page, "create", size, size === "phone" ? 2600 : 2200);
  }
});
