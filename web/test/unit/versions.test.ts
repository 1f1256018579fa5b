import { afterEach, expect, test, vi } from "vitest";
import { pin, shortVersion, take, wholeVersion } from "../../src/version/pin.ts";

const ONE = "1a2b".repeat(16);

/** A service worker whose state the test sets. */
class Worker extends EventTarget {
  sent: string[] = [];
  constructor(
    readonly scriptURL: string,
    public state = "installing",
  ) {
    super();
  }
  postMessage(message: string): void {
    this.sent.push(message);
  }
  become(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

function browser(active: Worker | null = null) {
  const made = new Worker(`https://p.example/sw.js?version=${ONE}`);
  const registration: { installing: Worker | null; waiting: Worker | null; active: Worker | null } = { installing: made, waiting: null, active };
  const serviceWorker = Object.assign(new EventTarget(), {
    register: vi.fn(async () => registration),
    getRegistration: async () => (active === null ? undefined : registration),
  });
  vi.stubGlobal("navigator", { serviceWorker });
  vi.stubGlobal("fetch", async () => new Response("list"));
  return { made, registration, serviceWorker };
}
afterEach(() => vi.unstubAllGlobals());

/** Whether a promise is fulfilled already. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  await new Promise((done) => setTimeout(done, 0));
  return Promise.race([promise.then(() => false, () => false), Promise.resolve(true)]);
}

test("a short digest names a version, and the whole one is there to compare", () => {
  expect(shortVersion(ONE)).toBe("1a2b 1a2b 1a2b 1a2b");
  expect(wholeVersion(ONE).replaceAll(" ", "")).toBe(ONE);
  expect(wholeVersion(ONE).split(" ").length).toBe(16);
});

test("a version counts as pinned once its files are installed and checked, and not before", async () => {
  const { made, registration } = browser();
  const pinned = pin();
  expect(await isOpen(pinned)).toBe(true);
  made.become("installed");
  expect(await isOpen(pinned)).toBe(true);
  [registration.installing, registration.active] = [null, made];
  made.become("activated");
  expect(await pinned).toEqual({ pinned: ONE, offered: null });
});

test("a version whose files are others is not pinned", async () => {
  const { made } = browser();
  const pinned = pin();
  await new Promise((done) => setTimeout(done, 0));
  made.become("redundant");
  await expect(pinned).rejects.toThrow("did not arrive, or has another digest");
});

test("another version is taken once it is installed; if it cannot be, that is an error and nothing changes", async () => {
  const reload = vi.fn();
  const good = browser(new Worker("https://p.example/sw.js?version=x", "activated"));
  const taken = take(ONE, reload);
  await new Promise((done) => setTimeout(done, 0));
  expect(good.made.sent).toEqual([]);
  [good.registration.installing, good.registration.waiting] = [null, good.made];
  good.made.become("installed");
  await vi.waitFor(() => expect(good.made.sent).toEqual(["take"]));
  expect(reload).not.toHaveBeenCalled();
  [good.registration.waiting, good.registration.active] = [null, good.made];
  good.made.become("activated");
  await taken;
  expect(reload).toHaveBeenCalled();
  reload.mockClear();
  const bad = browser(new Worker("https://p.example/sw.js?version=x", "activated"));
  const refused = take(ONE, reload);
  await new Promise((done) => setTimeout(done, 0));
  bad.made.become("redundant");
  await expect(refused).rejects.toThrow("did not arrive, or has another digest");
  expect([bad.made.sent, reload.mock.calls]).toEqual([[], []]);
});
