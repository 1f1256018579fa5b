// Browsers may delete what a page has stored when space is short or the page was not opened for a while, unless they are asked to keep it.

/** Asks the browser to keep what is stored. Returns whether it will; some browsers decide by themselves, some ask the person. */
export async function askToPersist(): Promise<boolean> {
  try {
    return typeof navigator !== "undefined" && ((await navigator.storage?.persist?.()) ?? false);
  } catch {
    return false;
  }
}
