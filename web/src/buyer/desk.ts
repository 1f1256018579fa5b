// A buyer's work without any display: the token, the key's signature, and requests about jobs.

import type { ClusterView, Verified } from "tacit-engine";
import type { Engine } from "../engine/client.ts";
import type { SignedJob } from "../engine/buyer-calls.ts";
import { Api, asStatus, JSON_TYPE, type JobStatus } from "../http/api.ts";
import { readEvents } from "../http/events.ts";
import { tighten } from "../http/csp.ts";
import { Problem } from "../http/problem.ts";
import type { Site } from "../open-cluster.ts";
import { jobFragment } from "../route.ts";
import { openOwn, ownJob, type OwnJob } from "./own-job.ts";

/** What the API says to the job's buyer only, beside the rest. */
export interface LiveStatus extends JobStatus {
  contributors?: number;
  complete_items?: number;
}

/** A published result, verified here. */
export interface Result {
  verified: Verified;
  certificate: Uint8Array;
  /** Whether it is of the terms that were signed on this device. */
  isPinned: boolean;
}

/** One buyer at one cluster. */
export class BuyerDesk {
  constructor(
    readonly engine: Engine,
    readonly site: Site,
    /** Kept in memory only. Storage of any kind could be read by whoever uses the device next. */
    private readonly token: string,
  ) {}

  get cluster(): ClusterView {
    return this.site.cluster;
  }

  get hasToken(): boolean {
    return this.token !== "";
  }

  private get api(): Api {
    const { engine, token } = this;
    const authenticate = async (method: string, target: string, body: Uint8Array | undefined) =>
      token === "" ? engine.signAsBuyer(method, target, body) : { authorization: `Bearer ${token}` };
    return new Api(this.site.coordinator, authenticate);
  }

  async jobs(): Promise<LiveStatus[]> {
    const body = await this.api.bytes("GET", "/v1/jobs");
    return (JSON.parse(new TextDecoder().decode(body)) as { jobs: LiveStatus[] }).jobs;
  }

  status(job: string): Promise<LiveStatus> {
    return this.api.status(job);
  }

  /** Opens a job, and sends its gold answers if it has some. Called again after a failure, it goes on where it was. */
  async create({ view, body }: SignedJob): Promise<LiveStatus> {
    const status = asStatus(await this.api.bytes("PUT", `/v1/jobs/${view.id}`, { bytes: body, type: JSON_TYPE }));
    if (view.goldSubmissions > 0) {
      await this.engine.takeSealingKeys(await this.api.cluster());
    }
    for (let part = 0; part < view.goldSubmissions; part += 1) {
      const { id, body: gold } = await this.engine.goldSubmission(part);
      await this.engine.checkGoldReceipt(part, await this.api.submit(view.id, id, gold));
    }
    await this.engine.forgetGold();
    return status;
  }

  async close(job: string): Promise<LiveStatus> {
    return asStatus(await this.api.bytes("POST", `/v1/jobs/${job}/close`));
  }

  /** Cancels the job on the screen: what is signed is its id and the terms that were signed here, whatever the coordinator says. */
  async cancel(job: string, said: LiveStatus): Promise<LiveStatus> {
    const { id, digest } = await this.own(job, said);
    const signature = await this.engine.cancellation(id, digest);
    return asStatus(await this.api.bytes("DELETE", `/v1/jobs/${id}?signature=${signature}`));
  }

  /** What the terms of a job say is published. */
  async releases(job: string): Promise<string[]> {
    return (await openOwn(this.engine, job, await this.api.spec(job))).terms.release;
  }

  /** Follows a job until it has ended, and connects again when the connection is lost. */
  async follow(job: string, signal: AbortSignal, onStatus: (status: LiveStatus) => void, onLost: () => void): Promise<void> {
    this.confine();
    for (let lost = 0; !signal.aborted; lost += 1) {
      let last: LiveStatus | undefined;
      try {
        const response = await this.api.request("GET", `/v1/jobs/${job}/events`, undefined, signal);
        await readEvents(response, (data) => {
          last = JSON.parse(data) as LiveStatus;
          lost = 0;
          onStatus(last);
        });
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (error instanceof Problem && !error.isPassing) {
          throw error;
        }
      }
      if (last !== undefined && isFinal(last)) {
        return;
      }
      if (!signal.aborted) {
        onLost();
        await new Promise((done) => setTimeout(done, Math.min(1_000 * 2 ** lost, 15_000)));
      }
    }
  }

  /** Fetches a result and verifies it in the worker. */
  async result(job: string): Promise<Result> {
    const [certificate, result] = await Promise.all([
      this.api.bytes("GET", `/v1/jobs/${job}/certificate`),
      this.api.bytes("GET", `/v1/jobs/${job}/result`),
    ]);
    const { payouts } = JSON.parse(new TextDecoder().decode(result)) as { payouts: unknown };
    const csv = payouts === null || payouts === undefined ? undefined : await this.api.bytes("GET", `/v1/jobs/${job}/payouts`);
    const pinned = (await this.engine.pinned(job)) ?? undefined;
    const verified = await this.engine.verifyResult(job, certificate, result, csv, pinned);
    return { verified, certificate, isPinned: pinned !== undefined };
  }

  /** The link for contributors. It pins the terms that were signed here, and not those that the coordinator names. */
  async shareLink(job: string, said: LiveStatus): Promise<string> {
    const { id, digest } = await this.own(job, said);
    const fragment = jobFragment({ job: id, cluster: this.cluster.digest, coordinator: this.site.coordinator, terms: digest });
    return location.origin + location.pathname + fragment;
  }

  /** From now on this page reaches the coordinator only. Whoever makes a job loads pictures of hosts that are not known before, so it is not done at once. */
  confine(): void {
    tighten(this.site.coordinator, []);
  }

  private own(job: string, said: LiveStatus): Promise<OwnJob> {
    return ownJob(this.engine, job, said, () => this.api.spec(job));
  }
}

/** Whether a job stays as it is. */
export function isFinal(job: JobStatus): boolean {
  return job.state === "published" || job.state === "cancelled" || job.state === "failed";
}
