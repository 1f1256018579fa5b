// What can go wrong with a request, as the page tells it apart: the coordinator says no (RFC 9457), or does not answer.

const PREFIX = "urn:tacit:problem:";

/** The coordinator has answered with a problem document. */
export class Problem extends Error {
  constructor(
    /** The last part of the document's type, for example `unknown_job`; `unknown` if the body is no problem document. */
    readonly kind: string,
    readonly title: string,
    readonly detail: string,
    readonly status: number,
    /** After how many seconds to ask again, if the coordinator says so. */
    readonly retryAfter?: number,
  ) {
    super(detail === "" ? title : `${title}: ${detail}`);
    this.name = "Problem";
  }

  /** Whether the same request may succeed a little later. */
  get isPassing(): boolean {
    return this.status === 503 || this.status === 429 || this.status === 408 || this.status === 502 || this.status === 504;
  }
}

/** Nothing came back: no network, no such host, or the answer was blocked. */
export class Unreachable extends Error {
  constructor(readonly host: string) {
    super(`${host} cannot be reached`);
    this.name = "Unreachable";
  }
}

/** Reads the problem out of a response that is not a success. Bodies of strangers are read with care: only texts are taken, and not long ones. */
export async function readProblem(response: Response): Promise<Problem> {
  const after = Number(response.headers.get("retry-after"));
  const retryAfter = Number.isFinite(after) && after > 0 ? Math.min(after, 86_400) : undefined;
  const text = (name: unknown): string => (typeof name === "string" ? name.slice(0, 2_000) : "");
  try {
    const body: unknown = JSON.parse(await response.text());
    if (typeof body === "object" && body !== null && "type" in body) {
      const { type, title, detail } = body as Record<string, unknown>;
      const kind = text(type).startsWith(PREFIX) ? text(type).slice(PREFIX.length) : "unknown";
      return new Problem(kind, text(title), text(detail), response.status, retryAfter);
    }
  } catch {
    // The body is not JSON: something between the page and the coordinator has answered.
  }
  return new Problem("unknown", `HTTP ${response.status}`, "", response.status, retryAfter);
}
