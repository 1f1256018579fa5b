// A host of pictures, as a buyer has one: other pages may read it (CORS), and it keeps what it is asked.

import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What the host was asked. */
export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
}

/** A running host of pictures. */
export class PictureHost {
  /** What it gives, by path. */
  readonly pictures = new Map<string, string>();
  readonly asked: Asked[] = [];
  private readonly server = createServer((request, response) => {
    const path = request.url ?? "/";
    this.asked.push({ path, headers: request.headers });
    const found = this.pictures.get(path);
    response.writeHead(found === undefined ? 404 : 200, { "access-control-allow-origin": "*", "content-type": "image/svg+xml", "cache-control": "no-store" });
    response.end(found);
  });

  static async start(): Promise<PictureHost> {
    const host = new PictureHost();
    await new Promise<void>((done) => host.server.listen(0, "127.0.0.1", done));
    return host;
  }

  /** The host and port, as terms name them. */
  get name(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Puts a picture there. Returns the fields of an item's image. */
  add(path: string, picture: string, alt: string): { url: string; sha256: string; alt: string } {
    this.pictures.set(path, picture);
    return { url: `http://${this.name}${path}`, sha256: createHash("sha256").update(picture).digest("hex"), alt };
  }

  /** The paths that somebody, known by the name of the browser, has asked for. */
  paths(agent: string): string[] {
    return this.asked.filter(({ headers }) => headers["user-agent"] === agent).map(({ path }) => path);
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.server.closeAllConnections();
      this.server.close(() => done());
    });
  }
}

/** A street with a sign, drawn from a number: no two are the same. */
export function street(number: number): string {
  const hue = (number * 47) % 360;
  const x = 120 + ((number * 67) % 240);
  const sign = [
    `<polygon points="${octagon(x, 130, 52)}" fill="#b3251e" stroke="#fff" stroke-width="6"/>`,
    `<polygon points="${x - 54},92 ${x + 54},92 ${x},186" fill="#fff" stroke="#b3251e" stroke-width="12"/>`,
    `<circle cx="${x}" cy="134" r="50" fill="#1c5fb0" stroke="#fff" stroke-width="6"/><path d="M${x} 168v-62m-20 20 20-22 20 22" stroke="#fff" stroke-width="12" fill="none"/>`,
  ][number % 3];
  const houses = [0, 1, 2, 3, 4].map((place) => {
    const height = 90 + ((number * 31 + place * 53) % 90);
    return `<rect x="${place * 100 - 10}" y="${270 - height}" width="92" height="${height}" fill="hsl(${(hue + place * 24) % 360} 22% ${52 + place * 4}%)"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 320" width="480" height="320"><rect width="480" height="320" fill="hsl(${hue} 45% 88%)"/>${houses.join("")}<rect y="270" width="480" height="50" fill="#8b8f93"/><rect x="${x - 5}" y="150" width="10" height="130" fill="#5b6167"/>${sign}</svg>`;
}

function octagon(x: number, y: number, radius: number): string {
  return Array.from({ length: 8 }, (_, corner) => (corner + 0.5) * (Math.PI / 4))
    .map((angle) => `${(x + radius * Math.cos(angle)).toFixed(1)},${(y + radius * Math.sin(angle)).toFixed(1)}`)
    .join(" ");
}
