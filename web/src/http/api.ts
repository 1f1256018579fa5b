// Requests to the coordinator. Every one is sent without cookies, referrer or cache, and follows no redirect.

import { readProblem, Unreachable } from "./problem.ts";

/** What authenticates a request: headers, made anew for each one. */
export type Authenticator = (method: string, target: string, body: Uint8Array | undefined) => Promise<Record<string, string>>;

/** A body and its media type. */
export interface Sent {
  bytes: Uint8Array;
  type: string;
}

/** A job's status, as the API has it. */
export interface JobStatus {
  id: string;
  name: string;
  digest: string;
  state: "open" | "closing" | "computing" | "verified" | "published" | "cancelled" | "failed";
  reason?: string | null;
  items: number;
  answers_per_item: number;
  submissions: number;
  answers: number;
  delivered: number;
  attempt: number;
  phase?: string;
  waiting_on: { node: string; reason: string; needs_operator: boolean }[];
}

export const JSON_TYPE = "application/json";

/** The coordinator's HTTP API at one address. */
export class Api {
  constructor(
    /** Its address without a slash at the end. */
    readonly base: string,
    private readonly authenticator?: Authenticator,
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
    /** How long a request may take, in milliseconds, before it counts as failed. A large body gets more. */
    private readonly patience = 120_000,
  ) {}

  /** The same API with other authentication. */
  as(authenticator: Authenticator): Api {
    return new Api(this.base, authenticator, this.send, this.patience);
  }

  /** Sends a request. `target` begins with `/v1` and is signed as it stands. */
  async request(method: string, target: string, sent?: Sent, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = (await this.authenticator?.(method, target, sent?.bytes)) ?? {};
    if (sent !== undefined) {
      headers["content-type"] = sent.type;
    }
    let response: Response;
    try {
      response = await this.send(this.base + target, {
        method,
        headers,
        body: sent ? (sent.bytes as Uint8Array<ArrayBuffer>) : null,
        credentials: "omit",
        referrerPolicy: "no-referrer",
        cache: "no-store",
        redirect: "error",
        ...(signal && { signal }),
      });
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new Unreachable(new URL(this.base).host);
    }
    if (!response.ok) {
      throw await readProblem(response);
    }
    return response;
  }

  /** The bytes of a response's body. A request that does not end within its time has failed, as one without a network has. */
  async bytes(method: string, target: string, sent?: Sent): Promise<Uint8Array> {
    // Ten kilobytes a second are a bad line, and still enough for a body to arrive.
    const limit = AbortSignal.timeout(this.patience + Math.ceil((sent?.bytes.length ?? 0) / 10));
    const unreachable = (): Unreachable => new Unreachable(new URL(this.base).host);
    let response: Response;
    try {
      response = await this.request(method, target, sent, limit);
    } catch (error) {
      throw limit.aborted ? unreachable() : error;
    }
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch {
      throw unreachable();
    }
  }

  cluster(): Promise<Uint8Array> {
    return this.bytes("GET", "/v1/cluster");
  }

  spec(job: string): Promise<Uint8Array> {
    return this.bytes("GET", `/v1/jobs/${job}/spec`);
  }

  async status(job: string): Promise<JobStatus> {
    return asStatus(await this.bytes("GET", `/v1/jobs/${job}`));
  }

  async enrol(body: Uint8Array): Promise<void> {
    await this.bytes("POST", "/v1/contributors", { bytes: body, type: JSON_TYPE });
  }

  /** Sends a submission and returns the body with its receipt. */
  submit(job: string, id: string, body: Sent): Promise<Uint8Array> {
    return this.bytes("PUT", `/v1/jobs/${job}/submissions/${id}`, body);
  }

  submission(job: string, id: string): Promise<Uint8Array> {
    return this.bytes("GET", `/v1/jobs/${job}/submissions/${id}`);
  }

  withdraw(job: string, id: string, body: Uint8Array): Promise<Uint8Array> {
    return this.bytes("DELETE", `/v1/jobs/${job}/submissions/${id}`, { bytes: body, type: JSON_TYPE });
  }

  receipts(job: string): Promise<Uint8Array> {
    return this.bytes("GET", `/v1/jobs/${job}/receipts`);
  }

  certificate(job: string): Promise<Uint8Array> {
    return this.bytes("GET", `/v1/jobs/${job}/certificate`);
  }
}

/** Reads a status. Its numbers are for people to see; nothing is decided by them. */
export function asStatus(body: Uint8Array): JobStatus {
  return JSON.parse(new TextDecoder().decode(body)) as JobStatus;
}
