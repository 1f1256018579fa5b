// What the worker does for a buyer: reads specs, signs jobs, verifies results.

import type * as Module from "tacit-engine";
import type { JobView, Verified } from "tacit-engine";
import { names } from "../storage/names.ts";
import type { Change, SealedStore } from "../storage/sealed-store.ts";
import type { ContributorCalls } from "./contributor-calls.ts";
import { EngineFailure, type ReadySubmission } from "./messages.ts";

/** A file that a person has chosen. */
export interface NamedFile {
  name: string;
  bytes: Uint8Array;
}

/** A spec as JSON, and the name of its file of gold answers if it names one. */
export interface ReadSpec {
  json: string;
  goldFile: string | null;
}

/** A job that was checked, before it is signed. */
export interface CheckedJob {
  view: JobView;
  /** What to think about before its gold answers are sent, if there is anything. */
  goldAdvice: string | null;
}

/** A job that was signed here. */
export interface SignedJob {
  view: JobView;
  body: Uint8Array;
  /** Whether it was signed for the first time. */
  isNew: boolean;
}

/** A job that is being looked at. Nothing of it is stored, and nothing that is signed leaves the worker. */
interface DraftJob {
  job: Module.Job;
  gold: { file: NamedFile; key: Module.Key } | undefined;
}

/** The gold answers of a job, as they are stored until all of them are acknowledged. */
interface StoredGold {
  /** The text of the file of their key. */
  key: string;
  /** The name of their file, for messages. */
  file: string;
  /** Which parts are acknowledged. */
  done: number[];
}

/** The calls of a buyer. */
export class BuyerCalls {
  private draft: DraftJob | undefined;

  constructor(
    private readonly engine: typeof Module,
    private readonly store: SealedStore,
    private readonly shared: ContributorCalls,
  ) {}

  /** Reads a spec with the files that it names. Returns it as JSON. */
  readSpec(files: NamedFile[], name: string): ReadSpec {
    const given = new this.engine.SpecFiles();
    try {
      files.forEach((file) => given.add(file.name, file.bytes));
      const spec = given.read(name);
      try {
        return { json: spec.toJson(), goldFile: spec.goldFile ?? null };
      } finally {
        spec.free();
      }
    } finally {
      given.free();
    }
  }

  /** Checks a job, for the buyer to look at before it is signed. Gold answers get a key of their own, which signs nothing else. */
  async checkJob(id: string, json: string, gold?: NamedFile): Promise<CheckedJob> {
    this.forgetDraft();
    const spec = this.engine.Spec.fromJson(json);
    const key = await this.key();
    const goldKey = gold === undefined ? undefined : this.engine.Key.generate();
    let job: Module.Job | undefined;
    try {
      job = this.engine.Job.sign(this.shared.cluster(), id, spec, key, goldKey?.publicKey);
      let goldAdvice: string | null = null;
      if (gold !== undefined) {
        const answers = this.engine.Gold.parse(gold.name, gold.bytes, job);
        goldAdvice = answers.advice ?? null;
        answers.free();
      }
      const view = job.view();
      this.draft = { job, gold: gold === undefined || goldKey === undefined ? undefined : { file: gold, key: goldKey } };
      return { view, goldAdvice };
    } catch (error) {
      job?.free();
      goldKey?.free();
      throw error;
    } finally {
      key.free();
      spec.free();
    }
  }

  /** Signs the job that was checked last. Keeps its digest, so that no result of other terms passes for this job's, and its gold answers, so that they can
   *  still be sent when the page was closed meanwhile. A digest that is kept is never replaced by another one. */
  async signChecked(): Promise<SignedJob> {
    if (this.draft === undefined) {
      throw new EngineFailure("unexpected", "no job was checked");
    }
    const { job, gold } = this.draft;
    const [view, body, cluster] = [job.view(), job.signedSpec(), this.shared.cluster().digest];
    const kept = await this.pinned(view.id);
    if (kept !== null && kept !== view.digest) {
      throw new EngineFailure("known_job", `a job “${view.id}” with other terms was signed on this device before: give this one another id`);
    }
    const changes: Change[] = [[names.buyerJob(cluster, view.id), { json: { digest: view.digest }, bytes: { body } }]];
    if (gold !== undefined && kept === null) {
      const stored: StoredGold = { key: gold.key.toFile(), file: gold.file.name, done: [] };
      changes.push([names.buyerGold(cluster, view.id), { json: stored, bytes: { csv: gold.file.bytes } }]);
    }
    await this.store.change(changes);
    return { view, body, isNew: kept === null };
  }

  /** Forgets a job that the coordinator has refused: it does not exist. */
  async forgetJob(id: string): Promise<void> {
    const cluster = this.shared.cluster().digest;
    await this.store.change([
      [names.buyerJob(cluster, id), undefined],
      [names.buyerGold(cluster, id), undefined],
    ]);
  }

  // ------------------------------------------------------------------------------------------------------------------- gold answers

  /** Which parts of a job's gold answers are not acknowledged. */
  async goldParts(id: string): Promise<number[]> {
    const gold = await this.storedGold(id);
    if (gold === undefined) {
      return [];
    }
    return this.withJob(id, (job) => Array.from({ length: job.view().goldSubmissions }, (_, part) => part).filter((part) => !gold.note.done.includes(part)));
  }

  /** One part of the gold answers of a job, shared and sealed, and stored before it is sent. The same part again is the same bytes. */
  async goldSubmission(id: string, part: number): Promise<ReadySubmission> {
    const gold = this.need(await this.storedGold(id));
    const made = gold.bytes[`part-${part}`];
    if (made !== undefined) {
      return this.ready(made);
    }
    const bytes = await this.withJob(id, (job) => {
      const answers = this.engine.Gold.parse(gold.note.file, this.need(gold.bytes["csv"]), job);
      const key = this.engine.Key.fromFile(gold.note.key);
      try {
        const submission = answers.share(this.shared.sealingKeys(), job, key, part);
        const shared = submission.bytes();
        submission.free();
        return shared;
      } finally {
        key.free();
        answers.free();
      }
    });
    await this.keepGold(id, gold.note, { ...gold.bytes, [`part-${part}`]: bytes });
    return this.ready(bytes);
  }

  /** Forgets a part that was sealed to a key whose time is over: it is made again. */
  async discardGold(id: string, part: number): Promise<void> {
    const gold = this.need(await this.storedGold(id));
    const { [`part-${part}`]: _, ...rest } = gold.bytes;
    await this.keepGold(id, gold.note, rest);
  }

  /** Checks the receipt of a part of the gold answers. When all parts have one, the answers and their key are removed. */
  async settleGold(id: string, part: number, receipt: Uint8Array): Promise<void> {
    const gold = this.need(await this.storedGold(id));
    const submission = this.engine.Submission.parse(this.need(gold.bytes[`part-${part}`]));
    const header = submission.header();
    try {
      header.checkReceipt(this.shared.cluster(), receipt);
    } finally {
      header.free();
      submission.free();
    }
    await this.keepGold(id, { ...gold.note, done: [...gold.note.done, part] }, gold.bytes);
    if ((await this.goldParts(id)).length === 0) {
      await this.store.change([[names.buyerGold(this.shared.cluster().digest, id), undefined]]);
    }
  }

  private async storedGold(id: string): Promise<{ note: StoredGold; bytes: Record<string, Uint8Array> } | undefined> {
    const stored = await this.store.get(names.buyerGold(this.shared.cluster().digest, id));
    return stored && { note: stored.json as StoredGold, bytes: stored.bytes ?? {} };
  }

  private keepGold(id: string, note: StoredGold, bytes: Record<string, Uint8Array>): Promise<void> {
    return this.store.put(names.buyerGold(this.shared.cluster().digest, id), { json: note, bytes });
  }

  /** Opens a job that was signed here. */
  private async withJob<T>(id: string, use: (job: Module.Job) => T): Promise<T> {
    const stored = this.need(await this.store.get(names.buyerJob(this.shared.cluster().digest, id)));
    const { digest } = stored.json as { digest: string };
    const job = this.engine.Job.open(this.shared.cluster(), id, this.need(stored.bytes?.["body"]), digest);
    try {
      return use(job);
    } finally {
      job.free();
    }
  }

  private ready(bytes: Uint8Array): ReadySubmission {
    const submission = this.engine.Submission.parse(bytes);
    const header = submission.header();
    try {
      return { id: header.id, body: { bytes, type: this.engine.submissionType() }, answers: header.items.length, items: [] };
    } finally {
      header.free();
      submission.free();
    }
  }

  // ------------------------------------------------------------------------------------------------------------------- the buyer's key

  /** The digest of the terms of a job that was created here. */
  async pinned(id: string): Promise<string | null> {
    const stored = await this.store.get(names.buyerJob(this.shared.cluster().digest, id));
    return (stored?.json as { digest: string } | undefined)?.digest ?? null;
  }

  /** The headers that sign a request with the buyer's key. */
  async signAsBuyer(method: string, target: string, body: Uint8Array | undefined): Promise<Record<string, string>> {
    const key = await this.key();
    try {
      const created = Math.floor(Date.now() / 1000);
      return { authorization: this.engine.authorization(key, this.shared.cluster(), method, target, body, created) };
    } finally {
      key.free();
    }
  }

  /** The signature that cancels a job. */
  async cancellation(id: string, digest: string): Promise<string> {
    const key = await this.key();
    try {
      return this.engine.cancellation(this.shared.cluster(), id, digest, key);
    } finally {
      key.free();
    }
  }

  /** Verifies a result with the cluster file, and with the terms that were signed here if they are known. */
  verifyResult(certificate: Uint8Array, result?: Uint8Array, payouts?: Uint8Array, pinned?: string): Verified {
    return this.engine.verify(this.shared.cluster(), certificate, result, payouts, pinned);
  }

  /** The text of the buyer's key file, for the person alone. */
  async buyerKeyFile(): Promise<string> {
    const key = await this.key();
    try {
      return key.toFile();
    } finally {
      key.free();
    }
  }

  /** Takes the buyer's key from a file. Another key that is here is replaced only if the buyer has agreed to that: it may be the only copy. */
  async importBuyerKey(text: string, replaces = false): Promise<string> {
    const key = this.engine.Key.fromFile(text);
    try {
      const known = (await this.store.get(names.buyer))?.json as string | undefined;
      const isOther = known !== undefined && this.publicKeyOf(known) !== key.publicKey;
      if (isOther && !replaces) {
        throw new EngineFailure("other_key", "this device has another key of a buyer, which would be erased: save it first");
      }
      await this.store.put(names.buyer, { json: key.toFile() });
      return key.publicKey;
    } finally {
      key.free();
    }
  }

  private publicKeyOf(file: string): string {
    const key = this.engine.Key.fromFile(file);
    const { publicKey } = key;
    key.free();
    return publicKey;
  }

  private forgetDraft(): void {
    this.draft?.job.free();
    this.draft?.gold?.key.free();
    this.draft = undefined;
  }

  private need<T>(value: T | undefined): T {
    if (value === undefined) {
      throw new EngineFailure("unexpected", "this is not stored on this device");
    }
    return value;
  }

  private async key(): Promise<Module.Key> {
    const stored = (await this.store.get(names.buyer))?.json as string | undefined;
    if (stored !== undefined) {
      return this.engine.Key.fromFile(stored);
    }
    const key = this.engine.Key.generate();
    await this.store.put(names.buyer, { json: key.toFile() });
    return key;
  }
}
