// What the worker does for a contributor. It holds the cluster, the job and the key: the page sees what people may see of them, and never the key,
// unless the person asks for the key file.

import type * as Module from "tacit-engine";
import type { Certified, ClusterView, ConsentView, ErasureView, JobView, OutcomeView } from "tacit-engine";
import { Consents } from "../storage/consents.ts";
import { Drafts } from "../storage/drafts.ts";
import { saveJob, loadJob, type JobRecord } from "../storage/job-record.ts";
import { names, type JobPlace } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import { Submissions, type SubmissionNote } from "../storage/submissions.ts";
import { Identities, type IdentityNote } from "./identities.ts";
import { EngineFailure } from "./messages.ts";

/** As whom requests are signed. */
export type ReaderKind = "nobody" | "invitation" | "identity";

/** A submission that is ready to be sent. */
export interface ReadySubmission {
  id: string;
  body: { bytes: Uint8Array; type: string };
  answers: number;
}

const now = (): number => Math.floor(Date.now() / 1000);

/** The calls of a contributor. */
export class ContributorCalls {
  private opened: Module.Cluster | undefined;
  private sealing: Module.SealingKeys | undefined;
  private invitation: Module.Invitation | undefined;
  private job: Module.Job | undefined;
  private identity: { note: IdentityNote; key: Module.Key; credential: Module.Credential | undefined } | undefined;
  private readonly identities: Identities;

  constructor(
    private readonly engine: typeof Module,
    private readonly store: SealedStore,
  ) {
    this.identities = new Identities(engine, store);
  }

  // ------------------------------------------------------------------------------------------------------------------- the cluster

  /** Takes a cluster file, or one from the coordinator whose digest is known from elsewhere. What was taken is kept for use without a network. */
  async openCluster(from: { file: Uint8Array } | { body: Uint8Array; digest: string }): Promise<ClusterView> {
    const isFile = "file" in from;
    const cluster = isFile ? this.engine.Cluster.parse(from.file) : this.engine.Cluster.ofCoordinator(from.body, from.digest);
    this.opened?.free();
    this.opened = cluster;
    await this.store.put(names.cluster(cluster.digest), { json: { isFile }, bytes: { data: isFile ? from.file : from.body } });
    return cluster.view();
  }

  /** The cluster of this digest, if it was opened here before. */
  async openKnownCluster(digest: string): Promise<ClusterView | null> {
    const stored = await this.store.get(names.cluster(digest));
    const data = stored?.bytes?.["data"];
    if (stored === undefined || data === undefined) {
      return null;
    }
    const { isFile } = stored.json as { isFile: boolean };
    const cluster = isFile ? this.engine.Cluster.parse(data) : this.engine.Cluster.ofCoordinator(data, digest);
    this.opened?.free();
    this.opened = cluster;
    return cluster.view();
  }

  /** Checks that the coordinator is of this cluster, and takes the nodes' newest keys to seal to. */
  async takeSealingKeys(body: Uint8Array): Promise<void> {
    const cluster = this.cluster();
    cluster.checkCoordinator(body);
    const name = `epochs/${cluster.digest}`;
    const seen = ((await this.store.get(name))?.json ?? []) as number[];
    const sealing = cluster.sealingKeys(body, seen, now());
    this.sealing?.free();
    this.sealing = sealing;
    await this.store.put(name, { json: [...sealing.epochs] });
  }

  // ------------------------------------------------------------------------------------------------------------------- who asks

  /** Reads an invitation code. It is held until it is taken up, and stored nowhere. */
  readInvitation(code: string): void {
    const invitation = this.engine.Invitation.parse(code.trim());
    this.invitation?.free();
    this.invitation = invitation;
  }

  /** What identities there are for this cluster. */
  listIdentities(): Promise<IdentityNote[]> {
    return this.identities.list(this.cluster().digest);
  }

  /** Signs as a stored identity from now on. */
  async useIdentity(name: string): Promise<IdentityNote> {
    const { note, file, credential } = await this.identities.load(name);
    this.forgetIdentity();
    this.identity = {
      note,
      key: this.engine.Key.fromFile(file),
      credential: credential === undefined ? undefined : this.engine.Credential.fromFile(credential),
    };
    return note;
  }

  /** The headers that authenticate a request. */
  sign(as: ReaderKind, method: string, target: string, body: Uint8Array | undefined): Record<string, string> {
    if (as === "nobody") {
      return {};
    }
    const header = this.engine.credentialHeaderName();
    if (as === "invitation") {
      const invitation = this.need(this.invitation, "an invitation");
      const key = invitation.key();
      try {
        const authorization = this.engine.authorization(key, this.cluster(), method, target, body, now());
        return { authorization, [header]: invitation.header() };
      } finally {
        key.free();
      }
    }
    const { key, credential } = this.need(this.identity, "a key");
    const authorization = this.engine.authorization(key, this.cluster(), method, target, body, now());
    return credential === undefined ? { authorization } : { authorization, [header]: credential.header() };
  }

  /** Makes or takes the key that is enrolled with this cluster, and the body that asks to enrol it under a name. */
  async enrolment(name: string): Promise<{ identity: IdentityNote; body: Uint8Array }> {
    this.engine.checkName(name);
    const identity = await this.identities.enrolled(this.cluster().digest, name);
    await this.useIdentity(identity.name);
    return { identity, body: this.engine.enrolment(this.need(this.identity, "a key").key, this.cluster(), name) };
  }

  /** Notes that the coordinator has enrolled the key. */
  async noteEnrolled(): Promise<IdentityNote> {
    const identity = this.need(this.identity, "a key");
    identity.note = await this.identities.noteEnrolled(identity.note.name);
    return identity.note;
  }

  /** Makes a credential of the invitation for a key of this pool, keeps it, and forgets the invitation. */
  async takeUpInvitation(): Promise<IdentityNote> {
    const [invitation, job, cluster] = [this.need(this.invitation, "an invitation"), this.needJob(), this.cluster()];
    const note = await this.identities.takeUp(cluster, job, invitation);
    invitation.free();
    this.invitation = undefined;
    return this.useIdentity(note.name);
  }

  /** Whether the identity in use may answer the job: throws if not. */
  checkIdentity(): void {
    const { key, credential } = this.need(this.identity, "a key");
    credential?.check(this.cluster(), this.needJob(), key);
  }

  /** The key file of the identity in use, for the person alone; with the records of what was agreed to with the key, unless there is no room. */
  async keyFile(withConsents = true): Promise<string> {
    return this.identities.toFile(this.need(this.identity, "a key").note.name, withConsents ? this.cluster().digest : undefined);
  }

  /** Takes a key file from another device. */
  importKey(text: string): Promise<IdentityNote> {
    return this.identities.fromFile(this.cluster().digest, text);
  }

  // ------------------------------------------------------------------------------------------------------------------- the job

  /** Checks a job as the coordinator gives it. */
  openJob(id: string, spec: Uint8Array, pinned?: string): JobView {
    const job = this.engine.Job.open(this.cluster(), id, spec, pinned);
    this.job?.free();
    this.job = job;
    return job.view();
  }

  /** Agrees to the open job as the identity in use, and keeps the record. One of the same key and terms is used on. */
  async agree(shown: string[], page: string | null): Promise<ConsentView> {
    const [cluster, job, { key }] = [this.cluster(), this.needJob(), this.need(this.identity, "a key")];
    const consents = new Consents(this.store);
    const before = await consents.get(this.place());
    if (before !== undefined) {
      const record = this.engine.Consent.parse(new TextEncoder().encode(before.record));
      try {
        const view = record.view();
        if (view.terms === job.digest && view.key === key.publicKey) {
          record.check(cluster, job);
          return view;
        }
      } finally {
        record.free();
      }
    }
    const record = this.engine.Consent.agree(cluster, job, key, now());
    try {
      await consents.put(this.place(), { record: new TextDecoder().decode(record.bytes()), key: key.publicKey, shown, page });
      return record.view();
    } finally {
      record.free();
    }
  }

  /** The file by which the contributor shows what it has agreed to. `certified` is the coordinator's answer about receipts. */
  async consentProof(certified: Uint8Array | undefined): Promise<Uint8Array> {
    const { shown, page, record } = await this.consent();
    const { terms } = this.need(await loadJob(this.store, this.place()), "the job");
    const proof = new this.engine.ConsentProof(record, terms, shown, page ?? undefined);
    try {
      for (const { note, bytes } of await new Submissions(this.store, this.place()).all()) {
        if (note.state === "made" || note.state === "sent") {
          const header = this.engine.Header.parse(this.need(bytes["header"], "the submission"));
          try {
            proof.add(header, bytes["receipt"]);
          } finally {
            header.free();
          }
        }
      }
      if (certified !== undefined) {
        proof.certified(certified);
      }
      return proof.file(this.cluster());
    } finally {
      proof.free();
      record.free();
    }
  }

  /** Keeps the open job with what is noted of it. */
  async keepJob(spec: Uint8Array, record: JobRecord): Promise<void> {
    await saveJob(this.store, this.place(), { record, spec, terms: this.needJob().terms() });
  }

  // ------------------------------------------------------------------------------------------------------------------- sending

  /** The next submission to send: one that was made before and has no receipt, or one of the drafts; null if nothing is left. */
  async nextSubmission(): Promise<ReadySubmission | null> {
    const submissions = new Submissions(this.store, this.place());
    const all = await submissions.all();
    const made = all.find(({ note }) => note.state === "made");
    if (made !== undefined) {
      return this.ready(made.note, this.need(made.bytes["bytes"], "the submission"));
    }
    const taken = new Set(all.flatMap(({ note }) => note.items));
    const drafts = await new Drafts(this.store, this.place()).all();
    const answers = [...drafts].flatMap(([item, draft]) => (draft === "skipped" || taken.has(item) ? [] : [[item, draft.class] as const]));
    const job = this.needJob();
    const batch = answers.sort(([a], [b]) => a - b).slice(0, job.view().answersPerSubmission);
    if (batch.length === 0) {
      return null;
    }
    const { key, credential, note } = this.need(this.identity, "a key");
    const items = Uint32Array.from(batch, ([item]) => item);
    const classes = Uint32Array.from(batch, ([, answer]) => answer);
    const sealing = this.need(this.sealing, "the nodes' keys");
    const { record } = await this.consent();
    let submission: Module.Submission;
    try {
      submission =
        credential === undefined
          ? this.engine.share(sealing, job, key, note.contributor, record, items, classes)
          : this.engine.shareWithCredential(sealing, job, key, credential, record, items, classes);
    } finally {
      classes.fill(0);
      record.free();
    }
    const header = submission.header();
    try {
      const bytes = submission.bytes();
      const made: SubmissionNote = { id: header.id, items: [...items], state: "made", made: Date.now() };
      await submissions.put({ note: made, bytes: { bytes, header: header.bytes() } });
      return this.ready(made, bytes);
    } finally {
      header.free();
      submission.free();
    }
  }

  /** Checks the receipt of a submission, keeps it, and removes its answers from this device. */
  async settle(id: string, receipt: Uint8Array): Promise<SubmissionNote> {
    const { submissions, stored, header } = await this.stored(id);
    try {
      const { sequence } = header.checkReceipt(this.cluster(), receipt);
      const note: SubmissionNote = { ...stored.note, state: "sent", sequence };
      await submissions.settle({ note, bytes: { header: header.bytes(), receipt } });
      return note;
    } finally {
      header.free();
    }
  }

  /** Forgets a submission that was sealed to a key whose time is over: the coordinator has stored nothing of it. */
  async discard(id: string): Promise<void> {
    await new Submissions(this.store, this.place()).forget(id);
  }

  /** What was made so far, oldest first. */
  async listSubmissions(): Promise<SubmissionNote[]> {
    return (await new Submissions(this.store, this.place()).all()).map(({ note }) => note);
  }

  /** The receipts of all submissions, as the coordinator has signed them. */
  async receipts(): Promise<unknown[]> {
    const all = await new Submissions(this.store, this.place()).all();
    return all.flatMap(({ bytes }) => (bytes["receipt"] === undefined ? [] : [JSON.parse(new TextDecoder().decode(bytes["receipt"]))]));
  }

  // ------------------------------------------------------------------------------------------------------------------- afterwards

  /** Notes that a submission is to be taken back, and makes the request for it. */
  async withdrawal(id: string): Promise<Uint8Array> {
    const { submissions, stored, header } = await this.stored(id);
    try {
      const body = header.withdrawal(this.need(this.identity, "a key").key);
      if (stored.note.state !== "withdrawn") {
        await submissions.put({ ...stored, note: { ...stored.note, state: "withdrawing" } });
      }
      return body;
    } finally {
      header.free();
    }
  }

  /** Checks what nodes have signed about the erasure of a submission, and keeps it. */
  async noteWithdrawn(id: string, body: Uint8Array): Promise<ErasureView> {
    const { submissions, stored, header } = await this.stored(id);
    try {
      const view = header.checkErasures(this.cluster(), body, stored.bytes["erasures"]);
      const erasures = new TextEncoder().encode(view.receipts);
      await submissions.put({ note: { ...stored.note, state: "withdrawn" }, bytes: { ...stored.bytes, erasures } });
      return view;
    } finally {
      header.free();
    }
  }

  /** Checks what the nodes certify to this contributor; null until the job is published. */
  async checkReceipts(body: Uint8Array): Promise<Certified | null> {
    const { terms } = this.need(await loadJob(this.store, this.place()), "the job");
    const check = new this.engine.ReceiptCheck(this.cluster(), terms);
    const headers: Module.Header[] = [];
    try {
      for (const { note, bytes } of await new Submissions(this.store, this.place()).all()) {
        const header = this.engine.Header.parse(this.need(bytes["header"], "the submission"));
        headers.push(header);
        if (note.state === "withdrawn") {
          check.withdrawn(header, bytes["erasures"] ?? new TextEncoder().encode("[]"));
        } else {
          // Nobody has promised that what is to be taken back stays in the job.
          check.kept(header, note.state === "sent" ? bytes["receipt"] : undefined);
        }
      }
      return check.check(body);
    } finally {
      headers.forEach((header) => header.free());
      check.free();
    }
  }

  /** Checks what the coordinator says of the single answers of a submission. */
  async checkOutcome(id: string, body: Uint8Array, record: string | undefined): Promise<OutcomeView | null> {
    const { stored, header } = await this.stored(id);
    try {
      return header.checkOutcome(this.cluster(), this.need(stored.bytes["receipt"], "the receipt"), body, record);
    } finally {
      header.free();
    }
  }

  /** A reason not to count an answer, in words. */
  explain(reason: string): string {
    return this.engine.explainReason(reason);
  }

  /** The cluster in use, also for the buyer's calls. */
  cluster(): Module.Cluster {
    return this.need(this.opened, "a cluster file");
  }

  /** The nodes' keys in use, also for the buyer's gold answers. */
  sealingKeys(): Module.SealingKeys {
    return this.need(this.sealing, "the nodes' keys");
  }

  private async consent(): Promise<{ record: Module.Consent; shown: string[]; page: string | null }> {
    const stored = this.need(await new Consents(this.store).get(this.place()), "the record of consent");
    return { record: this.engine.Consent.parse(new TextEncoder().encode(stored.record)), shown: stored.shown, page: stored.page };
  }

  private ready(note: SubmissionNote, bytes: Uint8Array): ReadySubmission {
    return { id: note.id, body: { bytes, type: this.engine.submissionType() }, answers: note.items.length };
  }

  private async stored(id: string) {
    const submissions = new Submissions(this.store, this.place());
    const stored = this.need(await submissions.get(id), "the submission");
    const header = this.engine.Header.parse(this.need(stored.bytes["header"], "the submission"));
    return { submissions, stored, header };
  }

  private place(): JobPlace {
    return { cluster: this.cluster().digest, job: this.needJob().id };
  }

  private needJob(): Module.Job {
    return this.need(this.job, "a job");
  }

  private need<T>(value: T | undefined, what: string): T {
    if (value === undefined) {
      throw new EngineFailure("unexpected", `${what} is needed first`);
    }
    return value;
  }

  private forgetIdentity(): void {
    this.identity?.key.free();
    this.identity?.credential?.free();
    this.identity = undefined;
  }
}
