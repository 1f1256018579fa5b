// What the worker does for a buyer: reads specs, signs jobs, verifies results.

import type * as Module from "tacit-engine";
import type { JobView, Verified } from "tacit-engine";
import { names } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import type { ContributorCalls, ReadySubmission } from "./contributor-calls.ts";
import { EngineFailure } from "./messages.ts";

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

/** A job that was signed here. */
export interface SignedJob {
  view: JobView;
  body: Uint8Array;
  /** What to think about before these gold answers are sent, if there is anything. */
  goldAdvice: string | null;
}

/** Gold answers that are being sent. */
interface GoldSending {
  answers: Module.Gold;
  job: Module.Job;
  key: Module.Key;
  parts: Map<number, Module.Submission>;
}

/** The calls of a buyer. */
export class BuyerCalls {
  private gold: GoldSending | undefined;
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

  /** Signs a job with the buyer's key, which is made the first time. Keeps the digest: no result of other terms passes for this job's. Gold answers
   *  are signed with a key of their own, which signs nothing else. */
  async signJob(id: string, json: string, gold?: NamedFile): Promise<SignedJob> {
    const spec = this.engine.Spec.fromJson(json);
    const key = await this.key();
    this.forgetGold();
    const goldKey = gold === undefined ? undefined : this.engine.Key.generate();
    let job: Module.Job | undefined;
    try {
      job = this.engine.Job.sign(this.shared.cluster(), id, spec, key, goldKey?.publicKey);
      if (gold !== undefined && goldKey !== undefined) {
        this.gold = { answers: this.engine.Gold.parse(gold.name, gold.bytes, job), job, key: goldKey, parts: new Map() };
      }
      const [view, body] = [job.view(), job.signedSpec()];
      await this.store.put(names.buyerJob(this.shared.cluster().digest, id), { json: { digest: view.digest }, bytes: { body } });
      return { view, body, goldAdvice: this.gold?.answers.advice ?? null };
    } finally {
      if (this.gold === undefined) {
        job?.free();
        goldKey?.free();
      }
      spec.free();
    }
  }

  /** One part of the gold answers of the job that was signed last, shared and sealed. The same part again is the same bytes. */
  goldSubmission(part: number): ReadySubmission {
    const gold = this.needGold();
    const made = gold.parts.get(part) ?? gold.answers.share(this.shared.sealingKeys(), gold.job, gold.key, part);
    gold.parts.set(part, made);
    const header = made.header();
    try {
      return { id: header.id, body: { bytes: made.bytes(), type: this.engine.submissionType() }, answers: header.items.length };
    } finally {
      header.free();
    }
  }

  /** Checks the receipt of a part of the gold answers. */
  checkGoldReceipt(part: number, receipt: Uint8Array): void {
    const header = this.needGold().parts.get(part)?.header();
    try {
      header?.checkReceipt(this.shared.cluster(), receipt);
    } finally {
      header?.free();
    }
  }

  /** Gives the gold answers and their key back: all parts have a receipt. */
  forgetGold(): void {
    this.gold?.parts.forEach((part) => part.free());
    this.gold?.answers.free();
    this.gold?.key.free();
    this.gold?.job.free();
    this.gold = undefined;
  }

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

  /** Takes the buyer's key from a file, in place of the one that is here, and overwrites the given bytes. */
  async importBuyerKey(file: Uint8Array): Promise<string> {
    const key = this.engine.Key.fromFile(file);
    await this.keep(key);
    file.fill(0);
    return key.publicKey;
  }

  private needGold(): GoldSending {
    if (this.gold === undefined) {
      throw new EngineFailure("unexpected", "there are no gold answers to send");
    }
    return this.gold;
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
