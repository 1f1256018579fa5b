// Tells when the host replaces the program that keeps the version. A host that offers another version changes MANIFEST, and the page asks. One that changes
// the bytes of sw.js under the same address would get around that question: browsers install such a script by themselves. It can be noticed here only while
// the page is open and the script is not in use yet.

/** What is needed of a registration. */
export interface Registered {
  readonly active: { readonly scriptURL: string } | null;
  readonly waiting: { readonly scriptURL: string } | null;
  readonly installing: { readonly scriptURL: string } | null;
  addEventListener(type: "updatefound", listener: () => void): void;
}

/** Calls back if a script is being installed, or waits, under the address of the one in use. */
export function watchForReplacement(registration: Registered, onReplaced: () => void): void {
  const inUse = registration.active?.scriptURL;
  const look = (): void => {
    const isOther = [registration.installing, registration.waiting].some((one) => one !== null && one.scriptURL === inUse);
    if (inUse !== undefined && isOther) {
      onReplaced();
    }
  };
  registration.addEventListener("updatefound", look);
  look();
}
