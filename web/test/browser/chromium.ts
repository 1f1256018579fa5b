// Debian's Chromium, and what tests look at in it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export type Scheme = "light" | "dark";
export type Size = keyof typeof SIZES;

/** Sizes at which the page is looked at: a small phone and a desktop. */
export const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } } as const;

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(process.env["CHROMIUM_ARGS"]?.split(" ") ?? []),
    ],
  });
}

/** A browser profile of its own. `agent` is the name under which its requests can be told from those of others. */
export async function context(browser: Browser, size: Size, scheme: Scheme, agent?: string): Promise<BrowserContext> {
  const isPhone = size === "phone";
  return browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    hasTouch: isPhone,
    isMobile: isPhone,
    locale: "en-GB",
    reducedMotion: "reduce",
    // axe is put into the page by the test; everything else stays under the page's own policy.
    bypassCSP: false,
    ...(agent !== undefined && { userAgent: agent }),
  });
}

/** Everything that went wrong in a page: errors, and what its policy has blocked. */
export function troubles(page: Page): string[] {
  const found: string[] = [];
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") {
      found.push(`console: ${message.text()}`);
    }
  });
  return found;
}

/** Looks at a screen in light and dark: axe finds nothing wrong by WCAG 2.2 AA and its best practices, and nothing is wider than the screen. */
export async function inspect(page: Page, name: string): Promise<void> {
  const isDark = await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches);
  for (const scheme of isDark ? (["light", "dark"] as const) : (["dark", "light"] as const)) {
    await page.emulateMedia({ colorScheme: scheme });
    expect(await axe(page), `${name}, ${scheme}`).toEqual([]);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), `${name} is wider than the screen`).toBe(0);
}

async function axe(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which no policy of the page stops: the policy itself stays as it is.
  if (!(await page.evaluate("'axe' in window"))) {
    await page.evaluate(readFileSync(AXE, "utf8"));
  }
  const result = (await page.evaluate(
    "axe.run(document, { runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice'] })",
  )) as { violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] };
  return result.violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ""}`));
}
