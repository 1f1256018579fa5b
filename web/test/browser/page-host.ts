// Serves the built page as any static host does, on a free port, with the headers that the documentation asks hosts for.

import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const DIST = process.env["TACIT_WEB_DIST"] ?? fileURLToPath(new URL("../../dist", import.meta.url));

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".toml": "text/plain",
  "": "text/plain",
};

/** A host of the page. */
export interface PageHost {
  url: string;
  /** Files that stand in for those of the folder, or beside them. */
  files: Map<string, Uint8Array | undefined>;
  /** What was sent, in order. */
  served: { path: string; body: Uint8Array }[];
  close(): Promise<void>;
}

/** `clusterFile` is the cluster file that the host offers beside the page. */
export async function startPageHost(clusterFile?: string, folder: string = DIST): Promise<PageHost> {
  const files = new Map<string, Uint8Array | undefined>(clusterFile === undefined ? [] : [["cluster.toml", Buffer.from(clusterFile)]]);
  const served: PageHost["served"] = [];
  const server: Server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname)).replace(/^\/+/, "") || "index.html";
    const found = files.has(path) ? Promise.resolve(files.get(path)) : readFile(join(folder, path)).catch(() => undefined);
    void found.then((bytes) => {
      served.push({ path, body: bytes ?? new Uint8Array() });
      if (bytes === undefined) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      });
      response.end(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files,
    served,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
