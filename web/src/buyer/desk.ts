// A buyer's work without any display: the token, the key's signature, and requests about jobs.

import type { ClusterView, ReleaseName, Verified } from "tacit-engine";
import type { Engine } from "../engine/client.ts";
import { Api, asStatus, JSON_TYPE, type JobStatus } from "../http/api.ts";
import { readEvents } from "../http/events.ts";
import { tighten } from "../http/csp.ts";
import { Problem } from "../http/problem.ts";
import type { Site } from "../open-cluster.ts";
import { jobFragment } from "../route.ts";
import { openOwn, ownJob, type OwnJob } from "./own-job.ts";
import type { Addresses } from "./share.ts";

/** What the API says to the job's buyer only, beside the rest. */
export interface LiveStatus extends JobStatus {
  contributors?: number;
  complete_items?: number;
  /** Whether two contributors have answered the same item; while the job is open. */
  comparable?: boolean | null;
}

/** A published result, verified here. */
export interface Result {
  verified: Verified;
  certificate: Uint8Array;
  /** Whether it is of the terms that were signed on this device. */
  isPinned: boolean;
}

/** Makes the link for contributors, where page and coordinator have these addresses; with an invitation code, it is for one person. */
export type LinkMaker = (at: Addresses, invitation?: string) => string;

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

  /** Signs the job that was checked last, opens it, and sends its gold answers if it has some. Called again after a failure, it goes on where it was. */
  async create(): Promise<LiveStatus> {
    const { view, body, isNew } = await this.engine.signChecked();
    let status: LiveStatus;
    try {
      status = asStatus(await this.api.bytes("PUT", `/v1/jobs/${view.id}`, { bytes: body, type: JSON_TYPE }));
    } catch (error) {
      // Where the coordinator has refused it, there is no such job. Where nothing came back, it may have been opened.
      if (isNew && error instanceof Problem && error.status < 500 && !error.isPassing) {
        await this.engine.forgetJob(view.id);
      }
      throw error;
    }
    await this.sendGold(view.id);
    return status;
  }

  /** Whether gold answers of a job wait on this device to be sent. */
  async hasGold(job: string): Promise<boolean> {
    return (await this.engine.goldParts(job)).length > 0;
  }

  /** Sends the gold answers of a job that are not acknowledged. */
  async sendGold(job: string): Promise<void> {
    const parts = await this.engine.goldParts(job);
    if (parts.length > 0) {
      await this.engine.takeSealingKeys(await this.api.cluster());
    }
    for (const part of parts) {
      try {
        await this.sendPart(job, part);
      } catch (error) {
        if (!(error instanceof Problem && error.kind === "sealing_key_expired")) {
          throw error;
        }
        // First the keys: without newer ones, what the coordinator says is not true.
        await this.engine.takeSealingKeys(await this.api.cluster());
        await this.engine.discardGold(job, part);
        await this.sendPart(job, part);
      }
    }
  }

  private async sendPart(job: string, part: number): Promise<void> {
    const { id, body } = await this.engine.goldSubmission(job, part);
    await this.engine.settleGold(job, part, await this.api.submit(job, id, body));
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
  async releases(job: string): Promise<ReleaseName[]> {
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

  /** Makes links for contributors, for addresses of the page and of the coordinator. They pin the terms that were signed here, and not those that the
   *  coordinator names. */
  async shareLinks(job: string, said: Pick<LiveStatus, "id" | "digest">): Promise<LinkMaker> {
    const { id, digest } = await this.own(job, said);
    const { digest: cluster } = this.cluster;
    return (at, invitation) => at.page + jobFragment({ job: id, cluster, coordinator: at.coordinator, terms: digest, invitation });
  }

  /** From now on this page reaches the coordinator only. Whoever makes a job loads pictures of hosts that are not known before, so it is not done at once. */
  confine(): void {
    tighten(this.site.coordinator, []);
  }

  private own(job: string, said: Pick<LiveStatus, "id" | "digest">): Promise<OwnJob> {
    return ownJob(this.engine, job, said, () => this.api.spec(job));
  }
}

/** Whether a job stays as it is. */
export function isFinal(job: JobStatus): boolean {
  return job.state === "published" || job.state === "cancelled" || job.state === "failed";
}
