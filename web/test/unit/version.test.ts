import { expect, test, vi } from "vitest";
import { isFramed } from "../../src/route.ts";
import { ruleFor } from "../../src/version/sw-rules.ts";
import { watchForReplacement, type Registered } from "../../src/version/watch.ts";

const SCOPE = "https://host.example/tacit/";
const rule = (path: string, mode: RequestMode = "cors", method = "GET"): string => ruleFor({ url: path.includes("://") ? path : SCOPE + path, method, mode }, SCOPE);

test("the host is asked for what it offers and for its cluster file, as data only", () => {
  expect(rule("MANIFEST?offered")).toBe("network");
  expect(rule("cluster.toml")).toBe("network");
  for (const path of ["MANIFEST?offered", "cluster.toml"]) {
    expect(rule(path, "navigate")).toBe("pinned");
  }
});

test("every other path is one of the pinned version, or nothing", () => {
  for (const path of ["", "index.html", "evil.html", "evil.html?offered", "assets/x.js?offered", "MANIFEST", "MANIFEST?offered=1", "cluster.toml?offered", "a/cluster.toml"]) {
    expect([path, rule(path), rule(path, "navigate")]).toEqual([path, "pinned", "pinned"]);
  }
  expect(rule("evil.html", "navigate", "POST")).toBe("nothing");
  expect(rule("MANIFEST?offered", "cors", "HEAD")).toBe("nothing");
  expect(rule("https://c.example/v1/cluster")).toBe("elsewhere");
  expect(rule("https://host.example/other")).toBe("elsewhere");
});

test("a script that takes the place of the one in use, under its address, is an alarm; another version is not", () => {
  const one = { scriptURL: `${SCOPE}sw.js?version=1` };
  const other = { scriptURL: `${SCOPE}sw.js?version=2` };
  const watch = (waiting: typeof one | null): { found: (installing: typeof one) => void; alarm: ReturnType<typeof vi.fn> } => {
    let listener = (): void => {};
    const registration = { active: one, waiting, installing: null as typeof one | null, addEventListener: (_: string, given: () => void) => void (listener = given) };
    const alarm = vi.fn();
    watchForReplacement(registration as Registered, alarm);
    return { alarm, found: (installing) => ((registration.installing = installing), listener()) };
  };
  const quiet = watch(other);
  quiet.found(other);
  expect(quiet.alarm).not.toHaveBeenCalled();
  const loud = watch(null);
  expect(loud.alarm).not.toHaveBeenCalled();
  loud.found({ ...one });
  expect(loud.alarm).toHaveBeenCalledOnce();
  expect(watch({ ...one }).alarm).toHaveBeenCalledOnce();
});

test("a page that another page shows inside itself is framed", () => {
  const top = {};
  expect([isFramed({ top, self: top }), isFramed({ top, self: {} })]).toEqual([false, true]);
});
