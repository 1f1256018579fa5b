// Sending, as long as the job is open in this tab: it goes on whatever screen is shown, and closing the tab meanwhile is asked about. Only one tab sends
// at a time.

import { Api } from "../http/api.ts";
import { exclusively } from "../storage/exclusively.ts";
import type { Desk } from "./desk.ts";
import { sendAll, type SendProgress, type SendResult } from "./sending.ts";

const warn = (event: BeforeUnloadEvent): void => event.preventDefault();

/** What is being sent of one job, and what came of it. */
export class Outbox {
  /** How far it is; nothing if nothing is being sent. */
  progress: SendProgress | undefined;
  /** What came of the last time. */
  result: SendResult | undefined;
  error: unknown;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly desk: Desk,
    private readonly pause: (seconds: number) => Promise<void> = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
  ) {}

  /** Calls back whenever something has changed; returns what ends that. */
  listen(onChange: () => void): () => void {
    this.listeners.add(onChange);
    return () => void this.listeners.delete(onChange);
  }

  /** Sends all that waits. Does nothing if that is under way. */
  async send(): Promise<void> {
    if (this.progress !== undefined) {
      return;
    }
    const { desk } = this;
    const { engine } = desk;
    [this.result, this.error] = [undefined, undefined];
    this.report({ step: "preparing", sent: 0, total: desk.waiting });
    globalThis.addEventListener?.("beforeunload", warn);
    try {
      this.result = await exclusively(`tacit-send/${desk.place.cluster}/${desk.place.job}/${desk.place.person}`, () =>
        sendAll(
          {
            freshKeys: async () => engine.takeSealingKeys(await new Api(desk.coordinator).cluster()),
            next: async () => {
              const ready = await engine.nextSubmission(desk.aside);
              // What was sealed is final from now on, on every screen.
              await desk.load();
              return ready;
            },
            send: (ready) => desk.api.submit(desk.job.id, ready.id, ready.body),
            settle: (id, receipt) => engine.settle(id, receipt),
            discard: (id) => engine.discard(id),
            refuse: (id, kind) => engine.noteRefused(id, kind),
            pause: this.pause,
          },
          desk.waiting,
          (progress) => this.report(progress),
        ),
      );
    } catch (error) {
      this.error = error;
    }
    try {
      await desk.load();
    } catch (error) {
      this.error ??= error;
    }
    globalThis.removeEventListener?.("beforeunload", warn);
    this.report(undefined);
  }

  private report(progress: SendProgress | undefined): void {
    this.progress = progress;
    this.listeners.forEach((onChange) => onChange());
  }
}
