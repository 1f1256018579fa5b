// Loads pictures ahead, one after the other, in the order of the items. The order does not depend on any answer, so the host of the pictures cannot
// read one off the requests; it gets no referrer and no cookie either. A picture is shown only if it is the one that the buyer has signed.

import { isLoopback } from "../route.ts";
import { sha256 } from "../http/sha256.ts";
import { images, isDigest, type ImageRef, type ShownItem } from "./item-content.ts";

/** How far a picture is. */
export type ImageState = { state: "loading" } | { state: "ready"; address: string } | { state: "failed"; why: "network" | "other-picture" | "not-named" };

/** How many items ahead are loaded, and how many behind are kept: so many that whoever goes back is hardly ever seen by the host. */
const AHEAD = 6;
const BEHIND = 200;
const TRIES = 3;

/** The pictures of a job. */
export class ImageLoader {
  private readonly known = new Map<string, ImageState>();
  private readonly waiting: ImageRef[] = [];
  private isRunning = false;
  /** Up to which place pictures were asked for: each is asked for once, in order. */
  private asked = 0;
  private dropped = 0;
  /** Called when a picture has arrived or failed. */
  onChange: () => void = () => undefined;

  constructor(
    private readonly itemAt: (place: number) => ShownItem | undefined,
    /** The hosts that the terms name; pictures of others are not loaded. */
    private readonly hosts: readonly string[],
    private readonly load: typeof fetch = (input, init) => fetch(input, init),
    private readonly pause: (milliseconds: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
  ) {}

  /** How far a picture is. */
  state(image: ImageRef): ImageState {
    return this.known.get(key(image)) ?? { state: "loading" };
  }

  /** The person is at this place: pictures up to a few items further are loaded, those far behind are given back. */
  moveTo(place: number): void {
    for (; this.asked <= place + AHEAD; this.asked += 1) {
      this.ask(this.asked);
    }
    for (; this.dropped < place - BEHIND; this.dropped += 1) {
      this.drop(this.dropped);
    }
    // Somebody may have gone back to a picture that was given back.
    this.ask(place);
    this.dropped = Math.min(this.dropped, place);
    void this.run();
  }

  /** Tries a picture again. */
  retry(image: ImageRef): void {
    this.known.set(key(image), { state: "loading" });
    this.waiting.push(image);
    this.onChange();
    void this.run();
  }

  private ask(place: number): void {
    const item = this.itemAt(place);
    for (const image of item === undefined ? [] : images(item)) {
      if (!this.known.has(key(image))) {
        this.known.set(key(image), { state: "loading" });
        this.waiting.push(image);
      }
    }
  }

  private drop(place: number): void {
    const item = this.itemAt(place);
    for (const image of item === undefined ? [] : images(item)) {
      const state = this.known.get(key(image));
      // One that is still to be loaded stays: its turn is part of the order.
      if (state !== undefined && state.state !== "loading") {
        release(state);
        this.known.delete(key(image));
      }
    }
  }

  private async run(): Promise<void> {
    if (this.isRunning) {
      return;
    }
    this.isRunning = true;
    for (let image = this.waiting.shift(); image !== undefined; image = this.waiting.shift()) {
      this.known.set(key(image), await this.fetchImage(image));
      this.onChange();
    }
    this.isRunning = false;
  }

  private async fetchImage(image: ImageRef): Promise<ImageState> {
    if (!isDigest(image.sha256) || !isNamed(image.url, this.hosts)) {
      return { state: "failed", why: "not-named" };
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.load(image.url, { referrerPolicy: "no-referrer", credentials: "omit", mode: "cors" });
        if (response.ok) {
          const bytes = await response.arrayBuffer();
          if ((await sha256(bytes)) !== image.sha256.toLowerCase()) {
            return { state: "failed", why: "other-picture" };
          }
          // A picture is drawn as one whatever the host calls it; scripts in it do not run.
          const type = pictureType(response.headers.get("content-type") ?? "");
          return { state: "ready", address: URL.createObjectURL(new Blob([bytes], { type })) };
        }
      } catch {
        // The network was at fault, or the host does not let other pages read it.
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

function key(image: ImageRef): string {
  return `${image.sha256} ${image.url}`;
}

function release(state: ImageState): void {
  if (state.state === "ready") {
    URL.revokeObjectURL(state.address);
  }
}
