// What people do at the page: a contributor on a phone or at a desktop, and a buyer.

import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { context, inspect, troubles, type Scheme, type Size } from "./chromium.ts";

/** A file that somebody chooses. */
export interface ChosenFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export const file = (name: string, text: string): ChosenFile => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

/** Somebody at the page. */
class Person {
  /** What went wrong: errors, and what the page's policy has blocked. */
  readonly wrong: string[];

  protected constructor(
    readonly page: Page,
    readonly profile: BrowserContext,
  ) {
    this.wrong = troubles(page);
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });
  }

  /** Looks at the screen that is shown now, once a text of it is there. */
  async look(name: string, text?: string | RegExp): Promise<void> {
    if (text !== undefined) {
      await this.page.getByText(text).first().waitFor();
    }
    // The bar with the answers lies over what stands further down, until somebody scrolls to it. axe takes what is half covered for too small.
    await this.page.evaluate(() => scrollTo(0, document.querySelector(".answer-bar") === null ? 0 : document.documentElement.scrollHeight));
    await inspect(this.page, name);
  }

  /** Opens an address. Links of these tests lead to the relay and not to the address in the cluster file, so the page asks first. */
  async goTo(address: string): Promise<void> {
    await this.page.goto(address);
    if (address.includes("coordinator=")) {
      await this.acceptAddress();
    }
  }

  /** Accepts the address in a link, if the page asks about it and does not show what comes next. */
  async acceptAddress(next: Locator = this.page.getByRole("heading").or(this.page.getByRole("alert"))): Promise<void> {
    const asks = this.page.getByRole("heading", { name: "Check where this link leads" });
    await asks.or(next).first().waitFor();
    if (await asks.isVisible()) {
      await this.page.getByLabel("I know the address in the link").check();
      await this.button("Go on with this link").click();
      await asks.waitFor({ state: "detached" });
    }
  }

  close(): Promise<void> {
    return this.profile.close();
  }
}

/** A contributor. On a phone everything is done by thumb, at a desktop answers are given with keys. */
export class Contributor extends Person {
  private constructor(
    readonly name: string,
    readonly size: Size,
    page: Page,
    profile: BrowserContext,
  ) {
    super(page, profile);
  }

  static async open(browser: Browser, link: string, { name = "alice", size = "phone", scheme = "light" }: { name?: string; size?: Size; scheme?: Scheme } = {}): Promise<Contributor> {
    const profile = await context(browser, size, scheme, `browser of ${name}`);
    await profile.addInitScript(watchMainThread);
    const one = new Contributor(name, size, await profile.newPage(), profile);
    await one.goTo(link);
    return one;
  }

  get isPhone(): boolean {
    return this.size === "phone";
  }

  async press(name: string | RegExp): Promise<void> {
    await (this.isPhone ? this.button(name).tap() : this.button(name).click());
  }

  async part(name: "Answer" | "Send" | "Result" | "Key" | "About"): Promise<void> {
    const part = this.page.getByRole("navigation").getByRole("button", { name });
    await (this.isPhone ? part.tap() : part.click());
  }

  /** Agrees under the name, where the job is shown to everybody. */
  async agree({ isNamed = true, items }: { isNamed?: boolean; items: number }): Promise<void> {
    if (isNamed) {
      await this.page.getByLabel("Your name here").fill(this.name);
    }
    await this.page.getByLabel("I understand that my answers may become visible.").check();
    await this.press("I agree, show me the items");
    await this.page.getByText(`Item 1 of ${items}`).waitFor();
  }

  /** The id of the item that is shown; nothing at the end. */
  async item(): Promise<string | undefined> {
    const item = this.page.locator("section.item");
    await item.waitFor();
    return (await item.getAttribute("data-item")) ?? undefined;
  }

  /** Answers the item that is shown with the answer of this index, or skips it, and waits for what follows. */
  async answer(choice: number | undefined): Promise<void> {
    const id = await this.item();
    if (!this.isPhone) {
      await this.page.keyboard.press(choice === undefined ? "s" : String(choice + 1));
    } else if (choice === undefined) {
      await this.button("Skip").tap();
    } else {
      await this.page.locator(".choice").nth(choice).tap();
    }
    await this.page.locator(`section.item[data-item="${id}"]`).waitFor({ state: "detached" });
  }

  /** Answers up to so many items as planned. */
  async answerAll(planned: (item: string) => number | undefined, most = Infinity): Promise<void> {
    for (let count = 0; count < most; count += 1) {
      const id = await this.item();
      if (id === undefined) {
        return;
      }
      await this.answer(planned(id));
    }
  }

  /** Answers up to so many items as planned, from inside the page: the browser's driver looks at the page from its own thread, and its looks would
   *  count as tasks of the page. */
  answerFromInside(planned: Record<string, number | null>, most: number): Promise<void> {
    return this.page.evaluate(
      async ({ planned, most }) => {
        const item = () => document.querySelector("section.item")?.getAttribute("data-item") ?? undefined;
        for (let count = 0, id = item(); count < most && id !== undefined; count += 1, id = item()) {
          const choice = planned[id];
          const buttons = document.querySelectorAll<HTMLButtonElement>(typeof choice === "number" ? ".choice" : ".steps button");
          // Of the four steps the third is the one that skips.
          buttons[choice ?? 2]?.click();
          while (item() === id) {
            await new Promise((done) => requestAnimationFrame(done));
          }
        }
      },
      { planned, most },
    );
  }

  async send(): Promise<void> {
    await this.part("Send");
    await this.press(/^Send \d+ answers?$/);
    await this.page.getByText(/answers? sent\./).waitFor({ timeout: 90_000 });
  }

  /** What has loaded WebAssembly on the page's own thread: sharing and sealing are done in the worker, so nothing may. */
  loadedWasm(): Promise<string[]> {
    return this.page.evaluate(() => (window as unknown as Watched).seenWasm);
  }

  /** How long tasks of the page's own thread took that took more than 50 ms, since this was asked last. */
  longTasks(): Promise<number[]> {
    return this.page.evaluate(() => (window as unknown as Watched).longTasks.splice(0));
  }
}

interface Watched {
  seenWasm: string[];
  longTasks: number[];
}

function watchMainThread(): void {
  const watched: Watched = { seenWasm: [], longTasks: [] };
  Object.assign(window, watched);
  for (const call of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"] as const) {
    const original = WebAssembly[call] as (...args: unknown[]) => unknown;
    (WebAssembly as unknown as Record<string, unknown>)[call] = (...args: unknown[]) => (watched.seenWasm.push(call), original.apply(WebAssembly, args));
  }
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => watched.longTasks.push(entry.duration))).observe({ entryTypes: ["longtask"] });
}

/** A buyer. */
export class Buyer extends Person {
  private constructor(page: Page, profile: BrowserContext) {
    super(page, profile);
  }

  /** Opens the buyer's part, and enters the token. `address` is that of the page, with what stands after `#buyer`. */
  static async enter(browser: Browser, address: string, token: string, { size = "desktop", scheme = "light" }: { size?: Size; scheme?: Scheme } = {}): Promise<Buyer> {
    const profile = await context(browser, size, scheme);
    const one = new Buyer(await profile.newPage(), profile);
    await one.page.goto(address);
    const field = one.page.getByLabel("Token");
    await one.acceptAddress(field);
    await field.fill(token);
    return one;
  }

  async goOn(): Promise<void> {
    await this.button("Go on").click();
    await this.page.getByRole("heading", { name: "Your jobs" }).waitFor();
  }

  /** Opens a job from files. Returns the link for contributors. */
  async createFromFiles(...files: ChosenFile[]): Promise<string> {
    await this.button("Create a job").click();
    await this.page.locator("input[type=file]").first().setInputFiles(files);
    return this.sign();
  }

  /** Signs what is shown. Returns the link for contributors. */
  async sign(): Promise<string> {
    const [sign, alert] = [this.button("Sign and open the job"), this.page.getByRole("alert")];
    await sign.or(alert).first().waitFor();
    if (await alert.isVisible()) {
      throw new Error(`the job cannot be signed: ${await alert.textContent()}`);
    }
    await sign.click();
    await this.page.getByText("Link for contributors").waitFor();
    return (await this.page.locator(".part .code").first().textContent()) ?? "";
  }

  /** Closes the job that is shown, and waits for its verified result. */
  async closeJob(): Promise<void> {
    await this.button("Close the job").click();
    await this.button("Yes, close it").click();
    await this.page.getByText("Verified on this device.").waitFor({ timeout: 120_000 });
  }

  /** The table under a heading, row by row. */
  async cells(heading: string): Promise<string[][]> {
    const section = this.page.locator("section.part", { has: this.page.getByRole("heading", { name: heading, exact: true }) });
    const rows = await section.locator("tbody tr").all();
    return Promise.all(rows.map((row) => row.locator("th, td").allTextContents()));
  }
}

/** A job as a file, with what most tests leave as it is. */
export function jobFile(fields: { name: string; classes: string[]; question: string; items: object[] } & Record<string, unknown>): ChosenFile {
  const { classes, question, ...others } = fields;
  return file(
    "job.json",
    JSON.stringify({
      question: { kind: "categorical", classes, text: question },
      answers_per_item: 3,
      sensitive: false,
      public: true,
      release: ["labels", "agreement", "class_totals", "payouts"],
      payout: { rule: "peer_agreement", currency: "EUR", base_per_item: 20_000, bonus_per_item: 20_000, budget: 40_000 * Number(fields["answers_per_item"] ?? 3) * fields.items.length },
      ...others,
    }),
  );
}
