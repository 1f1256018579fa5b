// The service worker. It pins one version of the page: the one whose list of digests (MANIFEST) has the digest in this script's address. Every file is
// checked against the list when it is installed, and served from the device from then on. A host that offers another version changes nothing here,
// until the person takes it, and what the list does not name is not there (sw-rules.ts).

import { ruleFor } from "./sw-rules.ts";

interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface ServiceWorker {
  readonly location: Location;
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

const worker = self as unknown as ServiceWorker;
const version = new URL(worker.location.href).searchParams.get("version") ?? "";
const cacheName = `tacit-${version}`;

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Fetches a file of the page, and checks its digest. What the page has just loaded is not loaded a second time; where the browser's copy is another
 *  file, the host is asked. */
async function fetchChecked(path: string, digest: string, cache: RequestCache = "force-cache"): Promise<Response> {
  const response = await fetch(new URL(path, worker.registration.scope), { cache, credentials: "same-origin" });
  const bytes = await response.arrayBuffer();
  if (!response.ok || (await sha256(bytes)) !== digest) {
    if (cache === "force-cache") {
      return fetchChecked(path, digest, "reload");
    }
    throw new Error(`${path} is not the file of this version`);
  }
  const headers = new Headers(response.headers);
  // The body is stored as it is, without the encoding it was sent in.
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(bytes, { headers });
}

/** The digests of the files of this version, by path. */
function digests(list: string): Map<string, string> {
  // Lines that begin with # say what the files were made with.
  const lines = [...list.matchAll(/^([0-9a-f]{64})  (.+)$/gm)];
  return new Map(lines.map(([, digest = "", path = ""]) => [path, digest]));
}

async function install(): Promise<void> {
  const list = await fetchChecked("MANIFEST", version);
  const files = digests(await list.clone().text());
  const cache = await caches.open(cacheName);
  for (const [path, digest] of files) {
    // Contributors do not load what only buyers need: it is fetched, and checked against the same list, when somebody needs it.
    if (!path.startsWith("assets/buyer-")) {
      await cache.put(new URL(path, worker.registration.scope).href, await fetchChecked(path, digest));
    }
  }
  // Last, so that a list is there only with its files.
  await cache.put(new URL("MANIFEST", worker.registration.scope).href, list);
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("tacit-") && name !== cacheName) {
      await caches.delete(name);
    }
  }
  await worker.clients.claim();
}

/** What a path has that the version does not list. */
const nothing = (): Response => new Response("this version of the page has no such file\n", { status: 404, headers: { "content-type": "text/plain" } });

/** The pinned file. What the version does not list is not there, whatever the host has. */
async function serve(address: URL): Promise<Response> {
  const cache = await caches.open(cacheName);
  const { scope } = worker.registration;
  const file = address.origin + address.pathname === scope ? `${scope}index.html` : address.origin + address.pathname;
  const pinned = await cache.match(file);
  if (pinned !== undefined) {
    return pinned;
  }
  const list = await (await cache.match(`${scope}MANIFEST`))?.text();
  const path = file.slice(scope.length);
  const digest = list === undefined ? undefined : digests(list).get(path);
  if (digest === undefined) {
    return nothing();
  }
  const checked = await fetchChecked(path, digest);
  await cache.put(file, checked.clone());
  return checked;
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  if (event.data === "take") {
    void worker.skipWaiting();
  }
});
worker.addEventListener("fetch", (event) => {
  const rule = ruleFor(event.request, worker.registration.scope);
  if (rule === "pinned") {
    event.respondWith(serve(new URL(event.request.url)));
  } else if (rule === "nothing") {
    event.respondWith(Promise.resolve(nothing()));
  }
  // `network` and `elsewhere` go to where they were addressed.
});
