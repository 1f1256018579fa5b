// A contributor's work on one job, without any display: opening it, agreeing to it, and keeping answers. Sending is in sending.ts, what comes after it in
// afterwards.ts.

import type { ClusterView, ConsentView, Item, JobView } from "tacit-engine";
import type { ReaderKind } from "../engine/messages.ts";
import type { Engine } from "../engine/client.ts";
import type { IdentityNote } from "../engine/identities.ts";
import { Api } from "../http/api.ts";
import { tighten } from "../http/csp.ts";
import { Problem, Unreachable } from "../http/problem.ts";
import { openCluster, type Doubt, type Site } from "../open-cluster.ts";
import type { JobRoute } from "../route.ts";
import { Drafts, type Draft } from "../storage/drafts.ts";
import { listJobs, loadJob, type JobRecord } from "../storage/job-record.ts";
import type { JobPlace } from "../storage/names.ts";
import { askToPersist } from "../storage/persist.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import { isFinal, type SubmissionNote } from "../storage/submissions.ts";
import { ImageLoader } from "./image-loader.ts";
import { Outbox } from "./outbox.ts";
import { Sitting } from "./sitting.ts";

/** The hosts of pictures that the terms of a job name. */
export function imageHosts(job: JobView): string[] {
  return job.terms.image_hosts ?? [];
}

/** What the desk needs before it can go on: `person` says who of several people answers, `ended` that the job has ended, so that only its result can be
 *  shown. */
export type Need = "access" | "consent" | "person" | "ended" | "nothing";

/** Somebody who has agreed to the job on this device. */
export interface Person {
  /** The public half of the key. */
  key: string;
  contributor: string;
}

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
  /** The people who have agreed to the job on this device. */
  people: Person[] = [];
  readonly outbox = new Outbox(this);
  /** Whether the job had ended before it was opened on this device. */
  hasEnded = false;
  /** Called when a picture has arrived. */
  onPicture: () => void = () => {};
  /** The state of the job, as far as it is known here. */
  state = "open";

  constructor(
    readonly engine: Engine,
    private readonly store: SealedStore,
    readonly route: JobRoute,
    /** Whether somebody wants to answer who is not the one person that this device knows at this job. */
    private readonly asksWho = false,
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

  /** Whether the link names the terms. */
  get isPinned(): boolean {
    return this.route.terms !== undefined;
  }

  get items(): readonly Item[] {
    return this.job.items;
  }

  /** Whether the job's terms and items are known: not where the job had ended before it was opened on this device. */
  get isOpen(): boolean {
    return this.view !== undefined;
  }

  /** The job's name; its id where the job cannot be opened any more. */
  get name(): string {
    return this.view?.terms.name ?? this.route.job;
  }

  /** The pictures: loaded by one loader, so that what was loaded is kept while other screens are shown. */
  get loader(): ImageLoader {
    this.images ??= new ImageLoader(
      (place) => (this.sitting !== undefined && place < this.sitting.total ? this.items[this.sitting.itemAt(place)] : undefined),
      imageHosts(this.job),
      () => this.onPicture(),
    );
    return this.images;
  }

  /** Answers that are not acknowledged: drafts, and submissions without a receipt. */
  get waiting(): number {
    const made = this.submissions.filter((one) => one.state === "made").reduce((sum, one) => sum + one.items.length, 0);
    return (this.sitting?.waiting ?? 0) + made;
  }

  get coordinator(): string {
    return this.need(this.site).coordinator;
  }

  /** When the contributor has agreed to the job, Unix seconds. */
  get agreedAt(): number | undefined {
    return this.record?.agreedAt;
  }

  /** The pool whose people the job asks, as far as it is known. */
  get poolAsked(): string | undefined {
    return this.view?.terms.issuers?.pool;
  }

  get place(): JobPlace {
    return this.placeOf(this.need(this.identity).publicKey);
  }

  /** The coordinator, asked as this contributor. */
  get api(): Api {
    const as = this.reader;
    return new Api(this.coordinator, (method, target, body) => this.engine.sign(as, method, target, body));
  }

  /** Opens the cluster and the job. `file` is a cluster file that the contributor has chosen. */
  async open(file?: Uint8Array, accepted?: Doubt): Promise<Need> {
    const all = (await listJobs(this.store)).filter((one) => one.job === this.route.job);
    const addressOfJob = async (cluster: string) => all.find((one) => one.cluster === cluster)?.record.coordinator;
    this.site = await openCluster(this.engine, this.route, file, { accepted, addressOfJob });
    const jobs = all.filter((one) => one.cluster === this.cluster.digest);
    this.people = jobs.map(({ person, record }) => ({ key: person, contributor: record.contributor }));
    if (this.route.invitation !== undefined) {
      await this.engine.readInvitation(this.route.invitation);
      this.hasInvitation = true;
      // The invitation says who answers, if that person has answered here before.
      for (const { person, record } of jobs) {
        if (await this.engine.isInvitedAs(record.identity)) {
          return this.goOnAs(person);
        }
      }
    }
    const [only] = jobs;
    if (only === undefined) {
      return this.read();
    }
    return jobs.length === 1 && this.route.invitation === undefined && !this.asksWho ? this.goOnAs(only.person) : "person";
  }

  /** Goes on as somebody who has agreed to the job on this device before. */
  async goOnAs(person: string): Promise<Need> {
    const stored = this.need(await loadJob(this.store, this.placeOf(person)));
    this.hasInvitation = false;
    this.record = stored.record;
    this.identity = await this.engine.useIdentity(stored.record.identity);
    this.reader = "identity";
    this.spec = stored.spec;
    this.take(await this.engine.openJob(this.route.job, stored.spec, this.route.terms ?? stored.record.digest));
    await this.load();
    return "nothing";
  }

  /** Opens the job for somebody who has not answered it on this device: with the link's invitation, or with whatever the person enters. */
  answerAsNew(): Promise<Need> {
    this.isSomebodyElse = true;
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
      if (error instanceof Problem && (error.kind === "job_ended" || error.kind === "purged")) {
        // The items are erased. What the nodes have certified can be shown to whoever has a key here.
        this.hasEnded = true;
        return this.identity === undefined ? "access" : "ended";
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
    const { identity, body } = await this.engine.enrolment(name.trim(), this.isSomebodyElse);
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

  /** Keeps what the contributor has agreed to, signed, and the words that were shown. A record that is kept of the same terms is used on. */
  async agree(shown: string[], page: string | null): Promise<void> {
    const identity = this.need(this.identity);
    const consent: ConsentView = await this.engine.agree(shown, page);
    this.record = {
      coordinator: this.coordinator,
      name: this.job.terms.name,
      digest: this.job.digest,
      buyer: this.job.terms.buyer,
      issuers: this.job.issuers?.digest ?? null,
      identity: identity.name,
      contributor: identity.contributor,
      agreedAt: consent.agreedAt,
      start: randomBelow(this.items.length),
    };
    await this.engine.keepJob(this.need(this.spec), this.record);
    void askToPersist();
    await this.load();
  }

  /** The file that shows to others what was agreed to, with what nodes and coordinator have signed as far as they can be asked now. */
  async consentFile(): Promise<Uint8Array> {
    let certified: Uint8Array | undefined;
    try {
      certified = await this.api.receipts(this.job.id);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Problem)) {
        throw error;
      }
    }
    return this.engine.consentProof(certified);
  }

  /** Keeps one answer, or removes it. It is on the disk when the promise is fulfilled. */
  async keep(item: number, draft: Draft | undefined): Promise<void> {
    await this.need(this.drafts).put(item, draft);
    this.kept += 1;
  }

  /** Reads again what is stored: after a submission was made, sent or taken back. */
  async load(): Promise<void> {
    this.drafts ??= new Drafts(this.store, this.place);
    let [drafts, kept] = [await this.drafts.all(), this.kept];
    do {
      kept = this.kept;
      this.submissions = await this.engine.listSubmissions();
      drafts = await this.drafts.all();
      // What was answered while this was read is not in it.
    } while (kept !== this.kept);
    this.stored = drafts;
    const final = new Set([...this.ownItems(), ...this.passedOver]);
    if (this.sitting === undefined) {
      this.sitting = new Sitting(this.items.length, this.need(this.record).start, drafts, final);
    } else {
      this.sitting.update(drafts, final);
    }
  }

  /** Asks how far the job is, and what was sent with this key from other devices: that is not asked again, and answers to it that wait here are set aside,
   *  until the person decides. The key has signed it, but only the coordinator says that it was not taken back, so nothing is removed. Without a network
   *  nothing is known, and nothing changes. */
  async look(): Promise<void> {
    try {
      const body = await this.api.receipts(this.route.job);
      this.state = (JSON.parse(new TextDecoder().decode(body)) as { state: string }).state;
      const sent = await this.engine.sentItems(this.route.job, body);
      const before = this.elsewhere.length;
      const own = this.ownItems();
      this.elsewhere = sent.filter((item) => !own.has(item));
      if (this.sitting !== undefined && this.elsewhere.length + before > 0) {
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
    const own = this.ownItems();
    const isItem = (item: number): boolean => Number.isInteger(item) && item >= 0 && item < this.items.length;
    return this.ignoresElsewhere ? [] : this.elsewhere.filter((item) => isItem(item) && !own.has(item));
  }

  /** Items with an answer that waits here, and is not sent because of that. */
  get aside(): readonly number[] {
    return this.passedOver.filter((item) => (this.stored.get(item) ?? "skipped") !== "skipped");
  }

  /** Asks and sends everything all the same, whatever the coordinator says was sent from another device. */
  async ignoreElsewhere(): Promise<void> {
    this.ignoresElsewhere = true;
    await this.load();
  }

  /** Gives the memory of the pictures back. */
  close(): void {
    this.images?.close();
    this.images = undefined;
  }

  /** Items whose answers were sent from here, or are on their way. */
  private ownItems(): Set<number> {
    return new Set(this.submissions.flatMap((one) => (isFinal(one) ? one.items : [])));
  }

  /** Items that were sent with this key from other devices, as the coordinator says. */
  elsewhere: readonly number[] = [];
  private ignoresElsewhere = false;
  /** The drafts as they were read last. */
  private stored: ReadonlyMap<number, Draft> = new Map();
  private hasInvitation = false;
  private isSomebodyElse = false;
  private images: ImageLoader | undefined;
  /** How many times something was kept. */
  private kept = 0;

  private async chooseReader(): Promise<void> {
    if (this.reader !== "nobody") {
      return;
    }
    if (this.hasInvitation) {
      this.reader = "invitation";
      return;
    }
    if (this.isSomebodyElse) {
      return;
    }
    const known = await this.engine.listIdentities();
    const enrolled = known.filter((one) => one.pool === undefined && one.isEnrolled);
    const pools = known.filter((one) => one.pool !== undefined);
    // Of several keys none is tried after the other: that would tell the coordinator that they are of one person, or of people who share a device.
    const candidates = enrolled.length > 0 ? enrolled : pools;
    const only = candidates.length === 1 ? candidates[0] : undefined;
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
      const known = this.isSomebodyElse ? [] : (await this.engine.listIdentities()).filter((one) => one.issuers === pool);
      const [inPool] = known;
      if (inPool === undefined || known.length > 1) {
        return "access";
      }
      this.identity = await this.engine.useIdentity(inPool.name);
      this.reader = "identity";
    }
    await this.engine.checkIdentity();
    return "consent";
  }

  private placeOf(person: string): JobPlace {
    return { cluster: this.cluster.digest, job: this.route.job, person };
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
