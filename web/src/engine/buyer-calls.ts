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

/** The gold answers of a job, as they are stored until all of them are acknowledged. The file of their key, their CSV file and the parts that were made
 *  are stored beside it as bytes. */
interface StoredGold {
  /** The name of their file, for messages. */
  file: string;
  /** Which parts are acknowledged. */
  done: number[];
}

/** The calls of a buyer. */
export class BuyerCalls {
  private draft: DraftJob | undefined;
  /** The buyer's key: read once, and held as a handle. */
  private held: Module.Key | undefined;

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
    let key: Uint8Array | undefined;
    const changes: Change[] = [[names.buyerJob(cluster, view.id), { json: { digest: view.digest }, bytes: { body } }]];
    if (gold !== undefined && kept === null) {
      const stored: StoredGold = { file: gold.file.name, done: [] };
      key = gold.key.toFile();
      changes.push([names.buyerGold(cluster, view.id), { json: stored, bytes: { csv: gold.file.bytes, key } }]);
    }
    await this.store.change(changes);
    key?.fill(0);
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
  goldParts(id: string): Promise<number[]> {
    return this.withGold(id, async (gold) => {
      if (gold === undefined) {
        return [];
      }
      return this.withJob(id, (job) => Array.from({ length: job.view().goldSubmissions }, (_, part) => part).filter((part) => !gold.note.done.includes(part)));
    });
  }

  /** One part of the gold answers of a job, shared and sealed, and stored before it is sent. The same part again is the same bytes. */
  goldSubmission(id: string, part: number): Promise<ReadySubmission> {
    return this.withGold(id, async (stored) => {
      const gold = this.need(stored);
      const made = gold.bytes[`part-${part}`];
      if (made !== undefined) {
        return this.ready(made);
      }
      const bytes = await this.withJob(id, (job) => {
        const answers = this.engine.Gold.parse(gold.note.file, this.need(gold.bytes["csv"]), job);
        const key = this.engine.Key.fromFile(this.need(gold.bytes["key"]));
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
    });
  }

  /** Gives a part up that was sealed to a key whose time is over: it is made again. Believed only if there is a newer key, signed by its node. */
  discardGold(id: string, part: number): Promise<void> {
    return this.withGold(id, async (stored) => {
      const gold = this.need(stored);
      const { [`part-${part}`]: made, ...rest } = gold.bytes;
      this.withHeader(this.need(made), (header) => this.shared.checkNewerKeys(header));
      await this.keepGold(id, gold.note, rest);
    });
  }

  /** Checks the receipt of a part of the gold answers. When all parts have one, the answers and their key are removed. */
  async settleGold(id: string, part: number, receipt: Uint8Array): Promise<void> {
    await this.withGold(id, async (stored) => {
      const gold = this.need(stored);
      this.withHeader(this.need(gold.bytes[`part-${part}`]), (header) => header.checkReceipt(this.shared.cluster(), receipt));
      await this.keepGold(id, { ...gold.note, done: [...gold.note.done, part] }, gold.bytes);
    });
    if ((await this.goldParts(id)).length === 0) {
      await this.store.change([[names.buyerGold(this.shared.cluster().digest, id), undefined]]);
    }
  }

  /** Reads the stored gold answers of a job, and overwrites the file of their key after use. */
  private async withGold<T>(id: string, use: (gold: { note: StoredGold; bytes: Record<string, Uint8Array> } | undefined) => Promise<T>): Promise<T> {
    const stored = await this.store.get(names.buyerGold(this.shared.cluster().digest, id));
    try {
      return await use(stored && { note: stored.json as StoredGold, bytes: stored.bytes ?? {} });
    } finally {
      stored?.bytes?.["key"]?.fill(0);
    }
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
    const type = this.engine.submissionType();
    return this.withHeader(bytes, (header) => ({ id: header.id, body: { bytes, type }, answers: header.items.length, items: [] }));
  }

  private withHeader<T>(bytes: Uint8Array, use: (header: Module.Header) => T): T {
    const submission = this.engine.Submission.parse(bytes);
    const header = submission.header();
    try {
      return use(header);
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
    const created = Math.floor(Date.now() / 1000);
    return { authorization: this.engine.authorization(await this.key(), this.shared.cluster(), method, target, body, created) };
  }

  /** The public half of the buyer's key; null if there is no key on this device. */
  async buyerPublicKey(): Promise<string | null> {
    return (await this.keyIfAny())?.publicKey ?? null;
  }

  /** The signature that cancels a job. */
  async cancellation(id: string, digest: string): Promise<string> {
    return this.engine.cancellation(this.shared.cluster(), id, digest, await this.key());
  }

  /** Verifies a result with the cluster file: that it is of this job, of the terms that were signed here if they are known, and of this buyer's key
   *  if there is one. */
  async verifyResult(job: string, certificate: Uint8Array, result?: Uint8Array, payouts?: Uint8Array, pinned?: string): Promise<Verified> {
    const buyer = (await this.buyerPublicKey()) ?? undefined;
    return this.engine.verify(this.shared.cluster(), certificate, result, payouts, pinned, job, buyer);
  }

  /** The bytes of the buyer's key file, for the person alone. */
  async buyerKeyFile(): Promise<Uint8Array> {
    return (await this.key()).toFile();
  }

  /** Takes the buyer's key from a file, and overwrites the given bytes. Another key that is here is replaced only if the buyer has agreed to that: it may be
   *  the only copy. */
  async importBuyerKey(file: Uint8Array, replaces = false): Promise<string> {
    const key = this.engine.Key.fromFile(file);
    file.fill(0);
    const known = await this.buyerPublicKey();
    if (known !== null && known !== key.publicKey && !replaces) {
      key.free();
      throw new EngineFailure("other_key", "this device has another key of a buyer, which would be erased: save it first");
    }
    await this.keep(key);
    return key.publicKey;
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
    const known = await this.keyIfAny();
    if (known !== undefined) {
      return known;
    }
    const key = this.engine.Key.generate();
    await this.keep(key);
    return key;
  }

  private async keyIfAny(): Promise<Module.Key | undefined> {
    const file = this.held === undefined ? (await this.store.get(names.buyer))?.bytes?.["file"] : undefined;
    if (file !== undefined) {
      this.held = this.engine.Key.fromFile(file);
      file.fill(0);
    }
    return this.held;
  }

  private async keep(key: Module.Key): Promise<void> {
    const file = key.toFile();
    await this.store.put(names.buyer, { json: null, bytes: { file } });
    file.fill(0);
    this.held?.free();
    this.held = key;
  }
}
