// A host of pictures, as a buyer has one: other pages may read it (CORS), and it keeps what it is asked.

import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";

/** What the host was asked. */
export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
}

/** A running host of pictures. */
export class PictureHost {
  /** What it gives, by path. */
  readonly pictures = new Map<string, Buffer>();
  readonly asked: Asked[] = [];
  private readonly server = createServer((request, response) => {
    const path = request.url ?? "/";
    this.asked.push({ path, headers: request.headers });
    const found = this.pictures.get(path);
    response.writeHead(found === undefined ? 404 : 200, { "access-control-allow-origin": "*", "content-type": "image/png", "cache-control": "no-store" });
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
  add(path: string, picture: Buffer, alt: string): { url: string; sha256: string; alt: string } {
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

/** A street with a sign, drawn from a number as a PNG file: no two are the same. */
export function street(number: number): Buffer {
  const hue = (number * 47) % 360;
  const x = 120 + ((number * 67) % 240);
  const [red, blue, white] = [[179, 37, 30], [28, 95, 176], [255, 255, 255]] as [Colour, Colour, Colour];
  const houses = [0, 1, 2, 3, 4].map((place) => {
    const height = 90 + ((number * 31 + place * 53) % 90);
    return shape(box(place * 100 - 10, 270 - height, 92, height), hsl((hue + place * 24) % 360, 0.22, 0.52 + place * 0.04));
  });
  const signs = [
    [shape(octagon(x, 130, 55), white), shape(octagon(x, 130, 49), red)],
    [shape([[x - 64, 86], [x + 64, 86], [x, 198]], red), shape([[x - 43, 98], [x + 43, 98], [x, 174]], white)],
    [disc(x, 134, 53, white), disc(x, 134, 47, blue), shape(box(x - 6, 108, 12, 60), white), shape([[x - 26, 128], [x, 98], [x + 26, 128]], white)],
  ];
  return png(480, 320, [
    shape(box(0, 0, 480, 320), hsl(hue, 0.45, 0.88)),
    ...houses,
    shape(box(0, 270, 480, 50), [139, 143, 147]),
    shape(box(x - 5, 150, 10, 130), [91, 97, 103]),
    ...(signs[number % 3] ?? []),
  ]);
}

type Colour = readonly [red: number, green: number, blue: number];
type Corner = readonly [x: number, y: number];
/** What is drawn: a colour, where it is, and whether a point there belongs to it. */
interface Shape {
  colour: Colour;
  from: Corner;
  to: Corner;
  has: (x: number, y: number) => boolean;
}

const box = (x: number, y: number, width: number, height: number): Corner[] => [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
const disc = (x: number, y: number, radius: number, colour: Colour): Shape => ({
  colour,
  from: [x - radius, y - radius],
  to: [x + radius, y + radius],
  has: (px, py) => (px - x) ** 2 + (py - y) ** 2 <= radius ** 2,
});

function octagon(x: number, y: number, radius: number): Corner[] {
  return Array.from({ length: 8 }, (_, corner) => (corner + 0.5) * (Math.PI / 4)).map((angle) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)]);
}

/** A polygon without dents whose corners go round as a clock's hands do: a point is in it if it is on the right of all edges. */
function shape(corners: readonly Corner[], colour: Colour): Shape {
  const edges = corners.map((from, index) => [...from, ...(corners[(index + 1) % corners.length] ?? from)] as const);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return {
    colour,
    from: [Math.min(...xs), Math.min(...ys)],
    to: [Math.max(...xs), Math.max(...ys)],
    has: (x, y) => edges.every(([ax, ay, bx, by]) => (bx - ax) * (y - ay) >= (by - ay) * (x - ax)),
  };
}

function hsl(hue: number, saturation: number, lightness: number): Colour {
  const part = (by: number): number => {
    const at = (by + hue / 30) % 12;
    return Math.round(255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** A PNG file of shapes, of which later ones lie over earlier ones. Each pixel is the mean of four points in it. */
function png(width: number, height: number, shapes: readonly Shape[]): Buffer {
  const points = new Uint8Array(width * height * 12);
  for (const { colour, from, to, has } of shapes) {
    for (let row = Math.max(Math.floor(from[1] * 2), 0); row < Math.min(Math.ceil(to[1] * 2), height * 2); row += 1) {
      for (let column = Math.max(Math.floor(from[0] * 2), 0); column < Math.min(Math.ceil(to[0] * 2), width * 2); column += 1) {
        if (has(column / 2 + 0.25, row / 2 + 0.25)) {
          points.set(colour, (row * width * 2 + column) * 3);
        }
      }
    }
  }
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width * 3; x += 1) {
      const first = y * width * 12 + Math.floor(x / 3) * 6 + (x % 3);
      const sum = [0, 3, width * 6, width * 6 + 3].reduce((total, place) => total + (points[first + place] ?? 0), 0);
      rows[y * (width * 3 + 1) + 1 + x] = Math.round(sum / 4);
    }
  }
  const header = Buffer.from([...u32(width), ...u32(height), 8, 2, 0, 0, 0]);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", [])]);
}

export const u32 = (number: number): number[] => [24, 16, 8, 0].map((by) => (number >>> by) & 0xff);

/** A chunk of a PNG file, with its checksum. */
export function chunk(name: string, data: Iterable<number>): Buffer {
  const bytes = [...data];
  const checked = [...Buffer.from(name), ...bytes];
  let sum = 0xffff_ffff;
  for (const byte of checked) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
    }
  }
  return Buffer.from([...u32(bytes.length), ...checked, ...u32(~sum)]);
}
