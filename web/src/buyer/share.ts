// The addresses in the links that a buyer gives to contributors. Under `tacit web` the page has an address that only this device can open.

import { coordinatorUrl, isLoopback } from "../route.ts";

/** Under which addresses contributors reach the page and the coordinator. */
export interface Addresses {
  /** The address of the page, without a fragment. */
  page: string;
  coordinator: string;
}

/** Whether only this device can open an address. */
export function isLocal(address: string): boolean {
  try {
    return isLoopback(new URL(address).hostname);
  } catch {
    return false;
  }
}

/** The address of a page as links need it; nothing if it cannot be one. */
export function pageUrl(text: string): string | undefined {
  try {
    const url = new URL(text.trim());
    const isSafe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
    return isSafe && url.username === "" && url.password === "" && url.search === "" ? url.origin + url.pathname : undefined;
  } catch {
    return undefined;
  }
}

/** What the buyer has typed, as addresses; the name of the field that cannot be one. */
export function addressesOf(page: string, coordinator: string): Addresses | "page" | "coordinator" {
  const [pageAddress, coordinatorAddress] = [pageUrl(page), coordinatorUrl(coordinator.trim())];
  if (pageAddress === undefined) {
    return "page";
  }
  return coordinatorAddress === undefined ? "coordinator" : { page: pageAddress, coordinator: coordinatorAddress };
}

/** The invitation codes in a text, for example in the issuer's file invitations.csv. */
export function codesOf(text: string): string[] {
  return [...new Set(text.match(/tacit-invitation-[A-Za-z0-9_-]+/g) ?? [])];
}
