// The page's side of pinning: which version runs here, and whether the host offers another one.

import { sha256 } from "../http/sha256.ts";
import { text } from "../text/index.ts";
import { watchForReplacement } from "./watch.ts";

/** What is known of the versions. */
export interface Versions {
  /** The digest of the list of this version's files; null where nothing is pinned, as in browsers without service workers. */
  pinned: string | null;
  /** The digest of the list that the host offers now, if it is another one. */
  offered: string | null;
  /** Whether the host has replaced the program that keeps the version, without offering another one. */
  isReplaced?: boolean;
}

const groups = (version: string): string[] => version.match(/.{4}/g) ?? [];

/** The first four of sixteen groups of four digits: enough to tell versions apart, and not enough to trust one. A host can choose the list of files so that
 *  these digits are those of another version. */
export function shortVersion(version: string): string {
  return groups(version).slice(0, 4).join(" ");
}

/** All sixteen groups, to compare. */
export function wholeVersion(version: string): string {
  return groups(version).join(" ");
}

/** The version that a registration has pinned: it stands in the address of its script. */
export function versionOf(scriptUrl: string): string | null {
  const version = new URL(scriptUrl).searchParams.get("version");
  return version !== null && /^[0-9a-f]{64}$/.test(version) ? version : null;
}

async function offeredVersion(): Promise<string | null> {
  try {
    const response = await fetch("./MANIFEST?offered", { cache: "no-store", credentials: "omit" });
    if (!response.ok || (response.headers.get("content-type") ?? "").includes("html")) {
      return null;
    }
    return await sha256(await response.arrayBuffer());
  } catch {
    return null;
  }
}

/** Pins the version that the host offers on the first visit. Later it only looks whether another one is offered. A version counts as pinned once all its
 *  files are installed and checked. `onReplaced` is called if the host replaces the service worker under its address. */
export async function pin(onReplaced: () => void = () => {}): Promise<Versions> {
  if (!("serviceWorker" in navigator)) {
    return { pinned: null, offered: null };
  }
  const [registration, offered] = await Promise.all([navigator.serviceWorker.getRegistration("./"), offeredVersion()]);
  if (registration !== undefined) {
    watchForReplacement(registration, onReplaced);
  }
  const pinned = registration?.active ? versionOf(registration.active.scriptURL) : null;
  if (pinned !== null) {
    return { pinned, offered: offered === pinned ? null : offered };
  }
  if (offered === null) {
    return { pinned: null, offered: null };
  }
  const made = await register(offered);
  await state(made, "activated");
  return { pinned: made.active ? versionOf(made.active.scriptURL) : null, offered: null };
}

function register(version: string): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.register(`./sw.js?version=${version}`, { scope: "./", updateViaCache: "none" });
}

/** Waits until the newest worker of a registration is so far. Fails if it cannot be installed: one of its files has another digest, or did not arrive. */
export function state(registration: ServiceWorkerRegistration, wanted: "installed" | "activated"): Promise<ServiceWorker> {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const isThere = (now: ServiceWorkerState): boolean => now === "activated" || now === wanted || (wanted === "installed" && now === "activating");
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (worker === null || worker.state === "redundant") {
        reject(new Error(text.version.notInstalled));
      } else if (isThere(worker.state)) {
        resolve(worker);
      }
    };
    worker?.addEventListener("statechange", look);
    look();
  });
}

/** Takes the version that the host offers, and loads the page again with it. Fails if it cannot be installed. */
export async function take(version: string, reload: () => void = () => location.reload()): Promise<void> {
  const registration = await register(version);
  const worker = await state(registration, "installed");
  navigator.serviceWorker.addEventListener("controllerchange", reload);
  worker.postMessage("take");
  await state(registration, "activated");
  // Without other tabs of the old version nothing else changes hands.
  reload();
}
