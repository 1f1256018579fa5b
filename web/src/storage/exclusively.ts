// One at a time, in all tabs and their workers.

const running = new Map<string, Promise<unknown>>();

/** Runs an action while no other one of the same name runs, in any tab of this origin. */
export function exclusively<T>(name: string, action: () => Promise<T>): Promise<T> {
  if (typeof navigator !== "undefined" && "locks" in navigator) {
    return navigator.locks.request(name, action) as Promise<T>;
  }
  // Every browser that can run this page has Web Locks; some versions of Node.js, which run the tests, have none.
  const next = (running.get(name) ?? Promise.resolve()).then(action, action);
  running.set(name, next.catch(() => undefined));
  return next;
}
