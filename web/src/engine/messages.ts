// How the page and its worker talk: calls by name, answered in any order, and what they exchange in more than one call.

/** A call to the worker. */
export interface CallMessage {
  id: number;
  name: string;
  args: unknown[];
}

/** The worker's answer. */
export type AnswerMessage =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; code: string; message: string };

/** The code of the last answer of a worker whose module stopped in the middle of something. It can do nothing more. */
export const BROKEN = "broken";

/** What the worker could not do. `code` is that of the engine's error, `unexpected`, or `BROKEN`. */
export class EngineFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "EngineFailure";
  }
}

/** As whom requests are signed. */
export type ReaderKind = "nobody" | "invitation" | "identity";

/** A submission that is ready to be sent. */
export interface ReadySubmission {
  id: string;
  body: { bytes: Uint8Array; type: string };
  answers: number;
  /** The items that are answered in it; none for gold answers, which the page does not show. */
  items: number[];
}

/** The methods of a class as the page sees them. */
export type Remote<T> = {
  [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};
