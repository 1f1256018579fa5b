// Which requests the service worker answers, and with what. Whatever is not listed in the pinned version does not exist: a host that turns bad later could
// otherwise add a path with a script of its own, which reads all that the page has stored.

/** What is done with a request. `elsewhere`: not of this page. `network`: the host is asked. `pinned`: a file of the pinned version, or none. */
export type Rule = "elsewhere" | "network" | "pinned" | "nothing";

/** The rule for a request of this page's scope. */
export function ruleFor({ url, method, mode }: Pick<Request, "url" | "method" | "mode">, scope: string): Rule {
  const address = new URL(url);
  const path = `${address.origin}${address.pathname}`;
  if (!path.startsWith(scope)) {
    return "elsewhere";
  }
  if (method !== "GET") {
    return "nothing";
  }
  // Only data that the page itself reads comes from the host: what it offers now, and its cluster file, whose change the page announces. Neither is ever
  // opened as a page.
  const isData = mode !== "navigate";
  if (isData && path === `${scope}MANIFEST` && address.search === "?offered") {
    return "network";
  }
  return isData && path === `${scope}cluster.toml` && address.search === "" ? "network" : "pinned";
}
