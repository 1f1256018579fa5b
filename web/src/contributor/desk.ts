// A contributor's work on one job, without any display: opening it, agreeing to it, and keeping answers. Sending is in sending.ts, what comes after it in
// afterwards.ts.

import type { ClusterView, JobView } from "tacit-engine";
import type { ReaderKind } from "../engine/contributor-calls.ts";
import type { Engine } from "../engine/client.ts";
import type { IdentityNote } from "../engine/identities.ts";
import { Api } from "../http/api.ts";
import { tighten } from "../http/csp.ts";
import { Problem, Unreachable } from "../http/problem.ts";
import { openCluster, type Doubt, type Site } from "../open-cluster.ts";
import type { JobRoute } from "../route.ts";
import { Drafts, type Draft } from "../storage/drafts.ts";
import { loadJob, type ConsentRecord, type JobRecord } from "../storage/job-record.ts";
import type { JobPlace } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import type { SubmissionNote } from "../storage/submissions.ts";
import type { ShownItem } from "./item-content.ts";
import { Sitting } from "./sitting.ts";

/** The hosts of pictures that the terms of a job name. */
export function imageHosts(job: JobView): string[] {
  const { image_hosts: hosts } = job.terms as { image_hosts?: string[] };
  return hosts ?? [];
}

/** What the coordinator says of what a key has sent. */
interface Receipts {
  state: string;
  submissions?: { items: number[] }[];
}

/** What the desk needs before it can go on. */
export type Need = "access" | "consent" | "nothing";

/** One contributor and one job. */
export class Desk {
  private site: Site | undefined;
  private view: JobView | undefined;
  private spec: Uint8Array | undefined;
  private record: JobRecord | undefined;
  private reader: ReaderKind = "nobody";
  private drafts: Drafts | undefined;
  identity: IdentityNote | undefined;
  submissions: SubmissionNote[] = [];
  sitting: Sitting | undefined;
  /** The state of the job, as far as it is known here. */
  state = "open";

  constructor(
    readonly engine: Engine,
    private readonly store: SealedStore,
    readonly route: JobRoute,
  ) {}

  /** Whether the job takes no more answers. */
  get isClosed(): boolean {
    return this.state !== "open";
  }

  get cluster(): ClusterView {
    return this.need(this.site).cluster;
  }

  get job(): JobView {
    return this.need(this.view);
  }

  /** Whether the host of the page offers another cluster file than before. */
  get hasHostChanged(): boolean {
    return this.site?.hasHostChanged ?? false;
  }

  get items(): readonly ShownItem[] {
    return this.job.items as ShownItem[];
  }

  get coordinator(): string {
    return this.need(this.site).coordinator;
  }

  get consent(): ConsentRecord | undefined {
    return this.record?.consent;
  }

  /** The pool whose people the job asks, as far as it is known. */
  get poolAsked(): string | undefined {
    return this.view?.terms.issuers?.pool;
  }

  get place(): JobPlace {
    return { cluster: this.cluster.digest, job: this.route.job };
  }

  /** The coordinator, asked as this contributor. */
  get api(): Api {
    const as = this.reader;
    return new Api(this.coordinator, (method, target, body) => this.engine.sign(as, method, target, body));
  }

  /** Opens the cluster and the job. `file` is a cluster file that the contributor has chosen. */
  async open(file?: Uint8Array, accepted?: Doubt): Promise<Need> {
    const addressOfJob = async (cluster: string) => (await loadJob(this.store, { cluster, job: this.route.job }))?.record.coordinator;
    this.site = await openCluster(this.engine, this.route, file, { accepted, addressOfJob });
    const stored = await loadJob(this.store, this.place);
    if (stored !== undefined) {
      this.record = stored.record;
      this.identity = await this.engine.useIdentity(stored.record.identity);
      this.reader = "identity";
      this.spec = stored.spec;
      this.take(await this.engine.openJob(this.route.job, stored.spec, this.route.terms ?? stored.record.digest));
      await this.load();
      return "nothing";
    }
    return this.read();
  }

  /** Reads the job as whoever this device can be. */
  async read(): Promise<Need> {
    await this.chooseReader();
    try {
      this.spec = await this.api.spec(this.route.job);
    } catch (error) {
      if (error instanceof Problem && (error.kind === "unknown_job" || error.kind === "unauthorized" || error.kind === "not_enrolled")) {
        return "access";
      }
      throw error;
    }
    this.take(await this.engine.openJob(this.route.job, this.spec, this.route.terms));
    return this.settleIdentity();
  }

  /** Takes an invitation code, and reads the job with it. */
  async invite(code: string): Promise<Need> {
    await this.engine.readInvitation(code);
    this.reader = "invitation";
    this.identity = undefined;
    this.hasInvitation = true;
    return this.read();
  }

  /** Enrols this device's key under a name, and reads the job with it if it was not shown before. */
  async enrol(name: string): Promise<Need> {
    const { identity, body } = await this.engine.enrolment(name.trim());
    this.identity = identity;
    if (!identity.isEnrolled) {
      await new Api(this.coordinator).enrol(body);
      this.identity = await this.engine.noteEnrolled();
    }
    this.reader = "identity";
    return this.view === undefined ? this.read() : "consent";
  }

  /** Reads the job with a key that was taken from another device. */
  async readAs(identity: IdentityNote): Promise<Need> {
    this.identity = await this.engine.useIdentity(identity.name);
    this.reader = "identity";
    return this.view === undefined ? this.read() : this.settleIdentity();
  }

  /** Whether the job takes enrolled contributors, and this device has none yet. */
  get needsName(): boolean {
    return this.identity === undefined && this.job.terms.issuers === undefined;
  }

  /** Keeps what the contributor has agreed to, in the words that were shown. */
  async agree(shown: string[], page: string | null): Promise<void> {
    const identity = this.need(this.identity);
    const consent: ConsentRecord = {
      format: "tacit consent 1",
      cluster: this.cluster.digest,
      job: this.job.id,
      terms: this.job.digest,
      contributor: identity.contributor,
      key: identity.publicKey,
      agreed_at: new Date().toISOString(),
      shown,
      page,
    };
    this.record = {
      coordinator: this.coordinator,
      name: this.job.terms.name,
      digest: this.job.digest,
      buyer: this.job.terms.buyer,
      issuers: this.job.issuers?.digest ?? null,
      identity: identity.name,
      consent,
      start: randomBelow(this.items.length),
    };
    await this.engine.keepJob(this.need(this.spec), this.record);
    await this.load();
  }

  /** Keeps one answer, or removes it. It is on the disk when the promise is fulfilled. */
  async keep(item: number, draft: Draft | undefined): Promise<void> {
    await this.need(this.drafts).put(item, draft);
  }

  /** Reads again what is stored: after a submission was made, sent or taken back. */
  async load(): Promise<void> {
    this.drafts ??= new Drafts(this.store, this.place);
    this.submissions = await this.engine.listSubmissions();
    const final = new Set([...this.submissions.flatMap((one) => one.items), ...this.passedOver]);
    this.sitting = new Sitting(this.items.length, this.need(this.record).start, await this.drafts.all(), final);
  }

  /** Asks how far the job is, and what was sent with this key from other devices: that is not asked again, and answers to it that wait here are set aside,
   *  until the person decides. Nothing is removed: it is only the coordinator's word. Without a network nothing is known, and nothing changes. */
  async look(): Promise<void> {
    try {
      const body = JSON.parse(new TextDecoder().decode(await this.api.receipts(this.route.job))) as Receipts;
      this.state = body.state;
      const items = body.submissions?.flatMap((one) => one.items) ?? [];
      const isNew = !this.ignoresElsewhere && items.some((item) => !this.sitting?.isFinal(item));
      if (isNew) {
        this.elsewhere = items;
        this.setAside = await this.need(this.drafts).all();
        await this.load();
      }
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Problem)) {
        throw error;
      }
    }
  }

  /** Items that were sent from another device, as the coordinator says, and are not asked here. */
  get passedOver(): readonly number[] {
    const own = new Set(this.submissions.flatMap((one) => one.items));
    return this.ignoresElsewhere ? [] : this.elsewhere.filter((item) => Number.isInteger(item) && item >= 0 && item < this.items.length && !own.has(item));
  }

  /** Items with an answer that waits here, and is not sent because of that. */
  get aside(): readonly number[] {
    return this.passedOver.filter((item) => (this.setAside.get(item) ?? "skipped") !== "skipped");
  }

  /** Asks and sends everything all the same, whatever the coordinator says was sent from another device. */
  async ignoreElsewhere(): Promise<void> {
    this.ignoresElsewhere = true;
    await this.load();
  }

  private ignoresElsewhere = false;
  private setAside: ReadonlyMap<number, Draft> = new Map();
  private hasInvitation = false;
  private elsewhere: readonly number[] = [];

  private async chooseReader(): Promise<void> {
    if (this.reader !== "nobody") {
      return;
    }
    if (this.route.invitation !== undefined) {
      await this.engine.readInvitation(this.route.invitation);
      this.hasInvitation = true;
      this.reader = "invitation";
      return;
    }
    const known = await this.engine.listIdentities();
    const enrolled = known.find((one) => one.pool === undefined && one.isEnrolled);
    const pools = known.filter((one) => one.pool !== undefined);
    // Keys of several pools are not tried one after the other: that would tell the coordinator that they are of one person.
    const only = enrolled ?? (pools.length === 1 ? pools[0] : undefined);
    if (only !== undefined) {
      this.identity = await this.engine.useIdentity(only.name);
      this.reader = "identity";
    }
  }

  /** Finds the key that answers this job. */
  private async settleIdentity(): Promise<Need> {
    const issuers = this.job.terms.issuers;
    if (issuers === undefined) {
      if (this.identity !== undefined && (this.identity.pool !== undefined || this.identity.contributor === "")) {
        this.identity = undefined;
      }
      return "consent";
    }
    if (this.hasInvitation) {
      this.identity = await this.engine.takeUpInvitation();
      this.reader = "identity";
      this.hasInvitation = false;
      return "consent";
    }
    // By the keys of its issuers: anybody can give a pool the same name.
    const pool = this.need(this.job.issuers ?? undefined).digest;
    if (this.identity?.issuers !== pool) {
      const inPool = (await this.engine.listIdentities()).find((one) => one.issuers === pool);
      if (inPool === undefined) {
        return "access";
      }
      this.identity = await this.engine.useIdentity(inPool.name);
      this.reader = "identity";
    }
    await this.engine.checkIdentity();
    return "consent";
  }

  private take(view: JobView): void {
    this.view = view;
    tighten(this.coordinator, imageHosts(view));
  }

  private need<T>(value: T | undefined): T {
    if (value === undefined) {
      throw new Error("the job is not open yet");
    }
    return value;
  }
}

/** A number from 0 to below `limit`, each as likely as the others. */
function randomBelow(limit: number): number {
  const most = Math.floor(0x1_0000_0000 / limit) * limit;
  for (;;) {
    const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
    if (number < most) {
      return number % limit;
    }
  }
}
