// Loads pictures ahead, in the order of the items and in blocks that are the same for everybody, so that the host of the pictures cannot read off the
// requests what was answered, or how long somebody looked at one item: it sees when a person comes to the next block, and nothing in between. Pictures are
// kept for who goes back, up to a limit of memory. Each host has a queue of its own, so that a slow one holds up nobody else's pictures.

import type { Image, Item } from "tacit-engine";
import { isLoopback } from "../route.ts";
import { images } from "./item-content.ts";
import type { Refusal } from "./picture-fetch.ts";

/** How far a picture is. */
export type ImageState = { state: "loading" } | { state: "ready"; address: string } | { state: "failed"; why: Refusal | "not-named" };

/** How many items a block has. The block where somebody is and the next one are loaded. */
export const BLOCK = 20;
/** How many bytes of pictures are kept. */
const MOST_KEPT = 200_000_000;
const TRIES = 3;

/** The pictures of a job. */
export class ImageLoader {
  /** In the order in which they were last needed. */
  private readonly known = new Map<string, { state: ImageState; bytes: number }>();
  private readonly queues = new Map<string, Image[]>();
  private readonly running = new Set<string>();
  /** The pictures of the blocks that are needed now: they are never given back. */
  private needed = new Set<string>();
  private block = -1;
  private isClosed = false;

  constructor(
    private readonly itemAt: (place: number) => Item | undefined,
    /** The hosts that the terms name; pictures of others are not loaded. */
    private readonly hosts: readonly string[],
    private readonly onChange: () => void,
    // Loaded with the first picture: most jobs have none.
    private readonly fetchOne: (image: Image) => Promise<Blob | Refusal> = async (image) => (await import("./picture-fetch.ts")).fetchPicture(image),
    private readonly pause: (milliseconds: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
    private readonly mostKept: number = MOST_KEPT,
  ) {}

  /** How far a picture is. */
  state(image: Image): ImageState {
    return this.known.get(key(image))?.state ?? { state: "loading" };
  }

  /** Whether all that an item shows is there. Nobody answers about a picture that was not seen. */
  isShown(item: Item): boolean {
    return images(item).every((image) => this.state(image).state === "ready");
  }

  /** The person is at this place: the pictures of its block and of the next one are loaded. */
  moveTo(place: number): void {
    const block = Math.floor(place / BLOCK);
    if (block === this.block) {
      return;
    }
    this.block = block;
    const wanted = Array.from({ length: 2 * BLOCK }, (_, index) => this.itemAt(block * BLOCK + index)).flatMap((item) => (item === undefined ? [] : images(item)));
    this.needed = new Set(wanted.map(key));
    // What waits for a block that was left is not loaded any more.
    this.queues.clear();
    for (const image of wanted) {
      const before = this.known.get(key(image));
      if (before === undefined) {
        this.enqueue(image);
      } else {
        this.known.delete(key(image));
        this.known.set(key(image), before);
      }
    }
    this.start();
  }

  /** Tries a picture again, before the others of its host. */
  retry(image: Image): void {
    this.known.delete(key(image));
    this.enqueue(image, true);
    this.onChange();
    this.start();
  }

  /** The browser cannot draw a picture that has arrived. */
  refuse(image: Image): void {
    this.keep(image, { state: "failed", why: "no-picture" }, 0);
    this.onChange();
  }

  /** Gives all memory back, also of what arrives later. */
  close(): void {
    this.isClosed = true;
    this.queues.clear();
    for (const { state } of this.known.values()) {
      release(state);
    }
    this.known.clear();
  }

  private enqueue(image: Image, isNext = false): void {
    const host = hostOf(image);
    const queue = this.queues.get(host) ?? [];
    this.queues.set(host, queue);
    if (!queue.some((other) => key(other) === key(image))) {
      queue[isNext ? "unshift" : "push"](image);
    }
  }

  private start(): void {
    for (const host of this.queues.keys()) {
      void this.run(host);
    }
  }

  private async run(host: string): Promise<void> {
    if (this.running.has(host)) {
      return;
    }
    this.running.add(host);
    for (let image = this.next(host); image !== undefined; image = this.next(host)) {
      const found = isNamed(image.url, this.hosts) ? await this.patiently(image) : "not-named";
      if (this.isClosed || this.known.has(key(image))) {
        continue;
      }
      if (typeof found === "string") {
        this.keep(image, { state: "failed", why: found }, 0);
      } else {
        this.keep(image, { state: "ready", address: URL.createObjectURL(found) }, found.size);
        this.giveBack();
      }
      this.onChange();
    }
    this.running.delete(host);
  }

  private next(host: string): Image | undefined {
    return this.queues.get(host)?.shift();
  }

  private async patiently(image: Image): Promise<Blob | Refusal> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.fetchOne(image);
      if (found !== "network" || attempt === TRIES || this.isClosed) {
        return found;
      }
      await this.pause(attempt * 700);
    }
  }

  private keep(image: Image, state: ImageState, bytes: number): void {
    release(this.known.get(key(image))?.state);
    this.known.delete(key(image));
    this.known.set(key(image), { state, bytes });
  }

  /** Gives pictures back that were not needed for longest, until the rest is within the limit. */
  private giveBack(): void {
    let kept = [...this.known.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [name, { state, bytes }] of this.known) {
      if (kept <= this.mostKept) {
        return;
      }
      if (!this.needed.has(name)) {
        release(state);
        this.known.delete(name);
        kept -= bytes;
      }
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

function hostOf(image: Image): string {
  try {
    return new URL(image.url).host;
  } catch {
    return "";
  }
}

function key(image: Image): string {
  return `${image.sha256} ${image.url}`;
}

function release(state: ImageState | undefined): void {
  if (state?.state === "ready") {
    URL.revokeObjectURL(state.address);
  }
}
