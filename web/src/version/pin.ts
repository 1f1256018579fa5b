// The page's side of pinning: which version runs here, and whether the host offers another one.

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

/** Fifteen groups of four digits are more than anybody reads: the first four are enough to see that two differ. */
export function shortVersion(version: string): string {
  return (version.slice(0, 16).match(/.{4}/g) ?? []).join(" ");
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
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()));
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

/** Pins the version that the host offers on the first visit. Later it only looks whether another one is offered. `onReplaced` is called if the host
 *  replaces the service worker under its address. */
export async function pin(onReplaced: () => void = () => {}): Promise<Versions> {
  if (!("serviceWorker" in navigator)) {
    return { pinned: null, offered: null };
  }
  const [registration, offered] = await Promise.all([navigator.serviceWorker.getRegistration("./"), offeredVersion()]);
  if (registration !== undefined) {
    watchForReplacement(registration, onReplaced);
  }
  const active = registration?.active ?? registration?.waiting ?? registration?.installing;
  const pinned = active ? versionOf(active.scriptURL) : null;
  if (pinned !== null) {
    return { pinned, offered: offered === pinned ? null : offered };
  }
  if (offered === null) {
    return { pinned: null, offered: null };
  }
  await register(offered);
  return { pinned: offered, offered: null };
}

function register(version: string): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.register(`./sw.js?version=${version}`, { scope: "./", updateViaCache: "none" });
}

/** Takes the version that the host offers, and loads the page again with it. */
export async function take(version: string): Promise<void> {
  const registration = await register(version);
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
  const ready = registration.waiting ?? registration.installing;
  const go = () => registration.waiting?.postMessage("take");
  ready?.addEventListener("statechange", go);
  go();
}
