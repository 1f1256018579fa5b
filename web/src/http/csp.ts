// The second content security policy. The first, in index.html, must let the page reach a coordinator that it does not know yet. This one names the
// coordinator and the hosts of pictures that the job's terms name. A browser enforces both, so nothing is loosened.

import { isLoopback } from "../route.ts";

/** A host, with a port or without, as terms name hosts of pictures. */
const HOST = /^[a-z0-9.-]+(:[0-9]{1,5})?$/i;

/** The policy for one coordinator and these hosts of pictures. */
export function policy(coordinator: string, imageHosts: readonly string[]): string {
  const connect = ["'self'", new URL(coordinator).origin];
  for (const host of imageHosts) {
    if (!HOST.test(host)) {
      continue;
    }
    connect.push(`https://${host}`);
    if (isLoopback(host.replace(/:[0-9]+$/, ""))) {
      connect.push(`http://${host}`);
    }
  }
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src blob: data:",
    `connect-src ${[...new Set(connect)].join(" ")}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** Has the browser enforce the policy from now on. It cannot be taken back: another coordinator needs the page to be loaded again. */
export function tighten(coordinator: string, imageHosts: readonly string[]): void {
  const content = policy(coordinator, imageHosts);
  if ([...document.head.querySelectorAll("meta[http-equiv]")].some((meta) => meta.getAttribute("content") === content)) {
    return;
  }
  const meta = document.createElement("meta");
  meta.httpEquiv = "Content-Security-Policy";
  meta.content = content;
  document.head.append(meta);
}
