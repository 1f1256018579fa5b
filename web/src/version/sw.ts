// The service worker. It pins one version of the page: the one whose list of digests (MANIFEST) has the digest in this script's address. Every file is
// checked against the list when it is installed, and served from the device from then on. A host that offers another version changes nothing here,
// until the person takes it.

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

/** Fetches a file of the page, and checks its digest. */
async function fetchChecked(path: string, digest: string): Promise<Response> {
  const response = await fetch(new URL(path, worker.registration.scope), { cache: "no-store", credentials: "omit" });
  const bytes = await response.arrayBuffer();
  if (!response.ok || (await sha256(bytes)) !== digest) {
    throw new Error(`${path} is not the file of this version`);
  }
  const headers = new Headers(response.headers);
  // The body is stored as it is, without the encoding it was sent in.
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(bytes, { headers });
}

async function install(): Promise<void> {
  const list = await fetchChecked("MANIFEST", version);
  const text = await list.clone().text();
  const cache = await caches.open(cacheName);
  await cache.put(new URL("MANIFEST", worker.registration.scope).href, list);
  for (const line of text.split("\n")) {
    // Lines that begin with # say what the files were made with.
    const [, digest, path] = /^([0-9a-f]{64})  (.+)$/.exec(line) ?? [];
    if (digest !== undefined && path !== undefined) {
      await cache.put(new URL(path, worker.registration.scope).href, await fetchChecked(path, digest));
    }
  }
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("tacit-") && name !== cacheName) {
      await caches.delete(name);
    }
  }
  await worker.clients.claim();
}

/** The pinned file, or what the network has where the version has no such file. */
async function serve(request: Request, address: URL): Promise<Response> {
  const cache = await caches.open(cacheName);
  const path = address.origin + address.pathname;
  const pinned = await cache.match(path === worker.registration.scope ? `${path}index.html` : path);
  return pinned ?? fetch(request);
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  if (event.data === "take") {
    void worker.skipWaiting();
  }
});
worker.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const isOwn = address.href.startsWith(worker.registration.scope) && event.request.method === "GET";
  // `?offered` asks what the host offers now.
  if (isOwn && address.search !== "?offered") {
    event.respondWith(serve(event.request, address));
  }
});
