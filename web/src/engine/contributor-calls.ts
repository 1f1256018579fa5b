// What the worker does for a contributor. It holds the cluster, the job and the key: the page sees what people may see of them, and never the key,
// unless the person asks for the key file.

import type * as Module from "tacit-engine";
import type { Certified, ClusterView, ConsentView, ErasureView, JobView, OutcomeView } from "tacit-engine";
import { Consents } from "../storage/consents.ts";
import { Drafts } from "../storage/drafts.ts";
import { saveJob, loadJob, type JobRecord } from "../storage/job-record.ts";
import { names, type JobPlace } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import { isFinal, Submissions, type SubmissionNote } from "../storage/submissions.ts";
import { Identities, type IdentityNote } from "./identities.ts";
import { EngineFailure, type ReaderKind, type ReadySubmission } from "./messages.ts";
import { lossOf, removePerson, type Loss } from "./removal.ts";
import { Trust } from "./trust.ts";

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
    /** The whole module, where `engine` is one that lacks what is needed only after answering. */
    private readonly whole: () => Promise<typeof Module> = async () => engine,
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
    const cluster = await this.readCluster(this.engine, digest);
    if (cluster === undefined) {
      return null;
    }
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

  /** The addresses that were accepted for a cluster; null if it was never accepted on this device. */
  trustedAddresses(cluster: string): Promise<string[] | null> {
    return new Trust(this.store).addresses(cluster);
  }

  /** Notes that the person has accepted a cluster at an address, and whether it is the one that the host of the page offers. */
  async acceptCluster(cluster: string, coordinator: string, isOfHost: boolean): Promise<void> {
    const trust = new Trust(this.store);
    await trust.accept(cluster, coordinator);
    if (isOfHost) {
      await trust.acceptHostFile(cluster);
    }
  }

  /** The digest of the cluster file that the host of the page offered before; that of the file which it offers now, if it is the first. */
  hostFile(now: string): Promise<string> {
    return new Trust(this.store).hostFile(now);
  }

  // ------------------------------------------------------------------------------------------------------------------- who asks

  /** Reads an invitation code. It is held until it is taken up, and stored nowhere. */
  readInvitation(code: string): void {
    const invitation = this.engine.Invitation.parse(code.trim());
    this.invitation?.free();
    this.invitation = invitation;
  }

  /** Whether the invitation is that of a person whose key is on this device. */
  async isInvitedAs(name: string): Promise<boolean> {
    const { issuers } = await this.identities.note(name);
    return issuers !== undefined && name === `${names.pool(this.cluster().digest, issuers)}/${this.need(this.invitation, "an invitation").serial}`;
  }

  /** What identities there are for this cluster. */
  listIdentities(): Promise<IdentityNote[]> {
    return this.identities.list(this.cluster().digest);
  }

  /** Signs as a stored identity from now on. */
  async useIdentity(name: string): Promise<IdentityNote> {
    const { note, file, credential } = await this.identities.load(name);
    file.fill(0);
    const key = await this.identities.key(name);
    this.forgetIdentity();
    this.identity = {
      note,
      key,
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

  /** Makes or takes the key that is enrolled with this cluster, and the body that asks to enrol it under a name. For somebody else than the person whose
   *  key is here, it is another key. */
  async enrolment(name: string, isSomebodyElse = false): Promise<{ identity: IdentityNote; body: Uint8Array }> {
    this.engine.checkName(name);
    const identity = await this.identities.enrolled(this.cluster().digest, name, isSomebodyElse);
    await this.useIdentity(identity.name);
    return { identity, body: this.engine.enrolment(this.need(this.identity, "a key").key, this.cluster(), name) };
  }

  /** Notes that the coordinator has enrolled the key. */
  async noteEnrolled(): Promise<IdentityNote> {
    const identity = this.need(this.identity, "a key");
    identity.note = await this.identities.change(identity.note.name, { isEnrolled: true });
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

  /** Notes that the person has saved the key. */
  async noteSaved(): Promise<IdentityNote> {
    const identity = this.need(this.identity, "a key");
    identity.note = await this.identities.change(identity.note.name, { isSaved: true });
    return identity.note;
  }

  /** What is lost when a key is removed from this device. */
  async lossOf(name: string): Promise<Loss> {
    return lossOf(this.store, this.cluster().digest, await this.identities.note(name));
  }

  /** Removes a key from this device, with everything that was kept for it. */
  async removeIdentity(name: string): Promise<void> {
    await removePerson(this.store, this.cluster().digest, await this.identities.note(name));
    if (this.identity?.note.name === name) {
      this.forgetIdentity();
    }
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
    const place = this.place();
    const { terms } = this.need(await loadJob(this.store, place), "the job");
    return this.afterwards(async (engine, cluster) => {
      const { shown, page, record } = await this.consent(engine);
      const proof = new engine.ConsentProof(record, terms, shown, page ?? undefined);
      try {
        for (const { note, bytes } of await new Submissions(this.store, place).all()) {
          if (note.state === "made" || note.state === "sent") {
            const header = engine.Header.parse(this.need(bytes["header"], "the submission"));
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
        return proof.file(cluster);
      } finally {
        proof.free();
        record.free();
      }
    });
  }

  /** Keeps the open job with what is noted of it. */
  async keepJob(spec: Uint8Array, record: JobRecord): Promise<void> {
    await saveJob(this.store, this.place(), { record, spec, terms: this.needJob().terms() });
  }

  // ------------------------------------------------------------------------------------------------------------------- sending

  /** The next submission to send: one that was made before and has no receipt, or one of the drafts but those set aside; null if nothing is left. */
  async nextSubmission(aside: readonly number[] = []): Promise<ReadySubmission | null> {
    const submissions = new Submissions(this.store, this.place());
    for (;;) {
      const all = await submissions.all();
      const made = all.find(({ note }) => note.state === "made");
      if (made !== undefined) {
        return this.ready(made.note, this.need(made.bytes["bytes"], "the submission"));
      }
      const taken = new Set([...all.flatMap(({ note }) => (isFinal(note) ? note.items : [])), ...aside]);
      const drafts = await new Drafts(this.store, this.place()).all();
      const answers = [...drafts].flatMap(([item, draft]) => (draft === "skipped" || taken.has(item) ? [] : [[item, draft.class] as const]));
      const batch = answers.sort(([a], [b]) => a - b).slice(0, this.needJob().view().answersPerSubmission);
      if (batch.length === 0) {
        return null;
      }
      const ready = await this.make(submissions, batch);
      if (ready !== undefined) {
        return ready;
      }
      // An answer was changed while it was shared: what was made is of no use, and the newer answers are shared.
    }
  }

  /** Shares and seals answers and stores the submission; nothing if one of them was changed meanwhile. */
  private async make(submissions: Submissions, batch: readonly (readonly [item: number, answer: number])[]): Promise<ReadySubmission | undefined> {
    const job = this.needJob();
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
      const isStored = await submissions.make({ note: made, bytes: { bytes, header: header.bytes() } }, batch);
      return isStored ? this.ready(made, bytes) : undefined;
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
      await this.store.renewKey(names.drafts(this.place()));
      return note;
    } finally {
      header.free();
    }
  }

  /** Gives up a submission that was sealed to a key whose time is over, so that its answers are sealed again. That the coordinator has stored nothing of it
   *  is only its word: it is believed if there is a newer key, signed by its node, and the header is kept, to be taken back and looked for with the
   *  submissions that take its place. */
  async discard(id: string): Promise<void> {
    const { submissions, stored, header } = await this.stored(id);
    try {
      this.checkNewerKeys(header);
    } finally {
      header.free();
    }
    const { header: kept } = stored.bytes;
    await submissions.reopen({ note: { ...stored.note, state: "replaced" }, bytes: kept === undefined ? {} : { header: kept } });
  }

  /** Notes that the coordinator refuses a submission for good, so that it is not sent again. Its answers stay on this device. */
  async noteRefused(id: string, refusal: string): Promise<void> {
    const submissions = new Submissions(this.store, this.place());
    const { note, bytes } = this.need(await submissions.get(id), "the submission");
    const { bytes: _, ...rest } = bytes;
    await submissions.put({ note: { ...note, state: "refused", refusal }, bytes: rest });
  }

  /** Opens the answers of all refused submissions again, to be sent once more in new ones. That the coordinator has stored nothing of them is only its
   *  word, so their headers are kept as those of replaced submissions are. */
  async reopenRefused(): Promise<void> {
    const submissions = new Submissions(this.store, this.place());
    for (const { note, bytes } of await submissions.all()) {
      if (note.state === "refused") {
        await submissions.reopen({ note: { ...note, state: "replaced" }, bytes });
      }
    }
  }

  /** What was made so far and counts, oldest first. */
  async listSubmissions(): Promise<SubmissionNote[]> {
    const all = await new Submissions(this.store, this.place()).all();
    return all.flatMap(({ note }) => (note.state === "replaced" || note.isReplaced ? [] : [note]));
  }

  /** The submissions with answers to the same items that this one has taken the place of: they are taken back with it. */
  async replacedBy(id: string): Promise<string[]> {
    const all = await new Submissions(this.store, this.place()).all();
    const items = new Set(all.find(({ note }) => note.id === id)?.note.items);
    return all.flatMap(({ note }) => (note.id !== id && (note.state === "replaced" || note.isReplaced) && note.items.some((item) => items.has(item)) ? [note.id] : []));
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
        const isReplaced = stored.note.state === "replaced" || stored.note.isReplaced;
        await submissions.put({ ...stored, note: { ...stored.note, state: "withdrawing", ...(isReplaced && { isReplaced }) } });
      }
      return body;
    } finally {
      header.free();
    }
  }

  /** Notes that the coordinator says that it does not have what is to be taken back. If it counts all the same, the coordinator has lied. */
  async noteDenied(id: string): Promise<void> {
    const submissions = new Submissions(this.store, this.place());
    const stored = this.need(await submissions.get(id), "the submission");
    await submissions.put({ ...stored, note: { ...stored.note, isDenied: true } });
  }

  /** Checks what nodes have signed about the erasure of a submission, and keeps it. It is taken back when every node has signed: the coordinator's word
   *  alone erases nothing. */
  async noteWithdrawn(id: string, body: Uint8Array): Promise<ErasureView> {
    const { submissions, stored, header } = await this.stored(id);
    try {
      const view = header.checkErasures(this.cluster(), body, stored.bytes["erasures"]);
      const erasures = new TextEncoder().encode(view.receipts);
      const isWithdrawn = view.missing.length === 0;
      const now = { note: { ...stored.note, state: isWithdrawn ? ("withdrawn" as const) : ("withdrawing" as const), missing: view.missing }, bytes: { ...stored.bytes, erasures } };
      await (isWithdrawn ? submissions.reopen(now) : submissions.put(now));
      return view;
    } finally {
      header.free();
    }
  }

  /** The items that the identity in use has sent to a job, from whatever device: what the coordinator lists counts only with the signature of the key. */
  sentItems(job: string, body: Uint8Array): number[] {
    return [...this.engine.sentItems(this.cluster(), job, this.need(this.identity, "a key").key, body)];
  }

  /** Checks what the nodes certify to this contributor; null until the job is published. `job` has the terms where the job cannot be opened any more:
   *  the nodes have signed what they certify for the digest of these terms, so other terms do not pass. */
  async checkReceipts(body: Uint8Array, job?: { id: string; terms: Uint8Array }): Promise<Certified | null> {
    const place = job === undefined ? this.place() : this.placeOf(job.id);
    const terms = job?.terms ?? this.need(await loadJob(this.store, place), "the job").terms;
    return this.afterwards(async (engine, cluster) => {
      const check = new engine.ReceiptCheck(cluster, terms);
      const headers: Module.Header[] = [];
      try {
        for (const { note, bytes } of await new Submissions(this.store, place).all()) {
          const header = engine.Header.parse(this.need(bytes["header"], "the submission"));
          headers.push(header);
          const none = new TextEncoder().encode("[]");
          const erasures = bytes["erasures"] ?? none;
          // A node that has signed, or a coordinator that has said that there is nothing, has promised that it does not count.
          if (note.state === "withdrawn" || note.isDenied || erasures.length > none.length) {
            check.withdrawn(header, erasures);
          } else {
            // Nobody has promised that what is to be taken back, or was replaced, stays in the job or out of it.
            check.kept(header, note.state === "sent" ? bytes["receipt"] : undefined);
          }
        }
        return check.check(body);
      } finally {
        headers.forEach((header) => header.free());
        check.free();
      }
    });
  }

  /** Checks what the coordinator says of the single answers of a submission. */
  async checkOutcome(id: string, body: Uint8Array, record: string | undefined): Promise<OutcomeView | null> {
    return this.afterwards(async (engine, cluster) => {
      const { stored, header } = await this.stored(id, engine);
      try {
        return header.checkOutcome(cluster, this.need(stored.bytes["receipt"], "the receipt"), body, record);
      } finally {
        header.free();
      }
    });
  }

  /** A reason not to count an answer, in words. */
  async explain(reason: string): Promise<string> {
    return (await this.whole()).explainReason(reason);
  }

  /** The cluster in use, also for the buyer's calls. */
  cluster(): Module.Cluster {
    return this.need(this.opened, "a cluster file");
  }

  /** The nodes' keys in use, also for the buyer's gold answers. */
  sealingKeys(): Module.SealingKeys {
    return this.need(this.sealing, "the nodes' keys");
  }

  /** Does what only the whole module can, with the cluster in use. What belongs to one module means nothing to another, so all is read anew. */
  private async afterwards<T>(use: (engine: typeof Module, cluster: Module.Cluster) => Promise<T>): Promise<T> {
    const engine = await this.whole();
    const cluster = this.need(await this.readCluster(engine, this.cluster().digest), "a cluster file");
    try {
      return await use(engine, cluster);
    } finally {
      cluster.free();
    }
  }

  private async readCluster(engine: typeof Module, digest: string): Promise<Module.Cluster | undefined> {
    const stored = await this.store.get(names.cluster(digest));
    const data = stored?.bytes?.["data"];
    if (stored === undefined || data === undefined) {
      return undefined;
    }
    const { isFile } = stored.json as { isFile: boolean };
    return isFile ? engine.Cluster.parse(data) : engine.Cluster.ofCoordinator(data, digest);
  }

  private async consent(engine = this.engine): Promise<{ record: Module.Consent; shown: string[]; page: string | null }> {
    const stored = this.need(await new Consents(this.store).get(this.place()), "the record of consent");
    return { record: engine.Consent.parse(new TextEncoder().encode(stored.record)), shown: stored.shown, page: stored.page };
  }

  /** Throws unless a node has signed a newer key than the one to which a submission is sealed. */
  checkNewerKeys(header: Module.Header): void {
    const now = this.sealingKeys().epochs;
    if (!header.epochs.some((epoch, node) => (now[node] ?? 0) > epoch)) {
      throw new EngineFailure("sealing_keys", "the coordinator says that the nodes have newer keys, but shows none: try again later, or tell the operators");
    }
  }

  private ready(note: SubmissionNote, bytes: Uint8Array): ReadySubmission {
    return { id: note.id, body: { bytes, type: this.engine.submissionType() }, answers: note.items.length, items: note.items };
  }

  private async stored(id: string, engine = this.engine) {
    const submissions = new Submissions(this.store, this.place());
    const stored = this.need(await submissions.get(id), "the submission");
    const header = engine.Header.parse(this.need(stored.bytes["header"], "the submission"));
    return { submissions, stored, header };
  }

  private place(): JobPlace {
    return this.placeOf(this.needJob().id);
  }

  private placeOf(job: string): JobPlace {
    return { cluster: this.cluster().digest, job, person: this.need(this.identity, "a key").note.publicKey };
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
