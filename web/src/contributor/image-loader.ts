// Loads pictures ahead, one after the other, in the order of the items. The order does not depend on any answer, so the host of the pictures cannot
// read one off the requests; it gets no referrer and no cookie either.

import type { Image, Item } from "tacit-engine";
import { isLoopback } from "../route.ts";
import { images, integrity } from "./item-content.ts";

/** How far a picture is. */
export type ImageState = { state: "loading" } | { state: "ready"; address: string } | { state: "failed"; why: "network" | "not-named" };

/** How many items ahead are loaded, and how many behind are kept. */
const AHEAD = 6;
const BEHIND = 3;
const TRIES = 3;

/** The pictures of a job. */
export class ImageLoader {
  private readonly known = new Map<string, ImageState>();
  private waiting: Image[] = [];
  /** The pictures that are near enough to be kept. */
  private near = new Set<string>();
  private place = 0;
  private isRunning = false;

  constructor(
    private readonly itemAt: (place: number) => Item | undefined,
    /** The hosts that the terms name; pictures of others are not loaded. */
    private readonly hosts: readonly string[],
    private readonly onChange: () => void,
    private readonly load: typeof fetch = (input, init) => fetch(input, init),
    private readonly pause: (milliseconds: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
  ) {}

  /** How far a picture is. */
  state(image: Image): ImageState {
    return this.known.get(key(image)) ?? { state: "loading" };
  }

  /** The person is at this place: its pictures are loaded first, then those of a few items further. What is far away is given back, and not loaded any more
   *  if it still waits. */
  moveTo(place: number): void {
    this.near = new Set(this.imagesOf(place - BEHIND, place + AHEAD + BEHIND).map(key));
    for (const [name, state] of this.known) {
      if (!this.near.has(name)) {
        release(state);
        this.known.delete(name);
      }
    }
    this.waiting = this.waiting.filter((image) => this.near.has(key(image)));
    const wanted = this.imagesOf(place, place + AHEAD);
    if (place < this.place) {
      // Whoever has gone back may go back further.
      wanted.push(...this.imagesOf(place - BEHIND, place - 1));
    }
    this.place = place;
    const waits = new Map([...wanted, ...this.waiting].map((image) => [key(image), image]));
    this.waiting = [...waits.values()].filter((image) => !this.known.has(key(image)));
    void this.run();
  }

  /** Tries a picture again. */
  retry(image: Image): void {
    this.known.delete(key(image));
    this.waiting.unshift(image);
    this.onChange();
    void this.run();
  }

  /** The pictures of the items from one place to another, without those before the first item. */
  private imagesOf(from: number, to: number): Image[] {
    const found: Image[] = [];
    for (let place = Math.max(from, 0); place <= to; place += 1) {
      const item = this.itemAt(place);
      found.push(...(item === undefined ? [] : images(item)));
    }
    return found;
  }

  private async run(): Promise<void> {
    if (this.isRunning) {
      return;
    }
    this.isRunning = true;
    for (let image = this.waiting.shift(); image !== undefined; image = this.waiting.shift()) {
      const name = key(image);
      if (this.known.has(name)) {
        continue;
      }
      const state = await this.fetchImage(image);
      if (this.near.has(name)) {
        this.known.set(name, state);
        this.onChange();
      } else {
        release(state);
      }
    }
    this.isRunning = false;
  }

  private async fetchImage(image: Image): Promise<ImageState> {
    const digest = integrity(image.sha256);
    if (digest === undefined || !isNamed(image.url, this.hosts)) {
      return { state: "failed", why: "not-named" };
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.load(image.url, { integrity: digest, referrerPolicy: "no-referrer", credentials: "omit", mode: "cors" });
        if (response.ok) {
          const blob = await response.blob();
          // A picture is drawn as one whatever the host calls it; scripts in it do not run.
          return { state: "ready", address: URL.createObjectURL(new Blob([blob], { type: pictureType(blob.type) })) };
        }
      } catch {
        // The browser does not say whether the network or the digest was at fault.
      }
      if (attempt === TRIES) {
        return { state: "failed", why: "network" };
      }
      await this.pause(attempt * 700);
    }
  }
}

/** Whether the host of an address is one that the terms name. */
export function isNamed(address: string, hosts: readonly string[]): boolean {
  try {
    const { host, hostname, protocol } = new URL(address);
    const isSafe = protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
    return isSafe && hosts.some((named) => named.replace(/:443$/, "") === host);
  } catch {
    return false;
  }
}

function pictureType(type: string): string {
  return /^image\/[a-z0-9.+-]+$/i.test(type) ? type : "image/*";
}

function key(image: Image): string {
  return `${image.sha256} ${image.url}`;
}

function release(state: ImageState): void {
  if (state.state === "ready") {
    URL.revokeObjectURL(state.address);
  }
}
