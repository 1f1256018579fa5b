// What the worker does for a buyer: reads specs, signs jobs, verifies results.

import type * as Module from "tacit-engine";
import type { JobView, Verified } from "tacit-engine";
import { names } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";
import type { ContributorCalls } from "./contributor-calls.ts";

/** A file that a person has chosen. */
export interface NamedFile {
  name: string;
  bytes: Uint8Array;
}

/** A job that was signed here. */
export interface SignedJob {
  view: JobView;
  body: Uint8Array;
}

/** The calls of a buyer. */
export class BuyerCalls {
  constructor(
    private readonly engine: typeof Module,
    private readonly store: SealedStore,
    private readonly shared: ContributorCalls,
  ) {}

  /** Reads a spec with the files that it names. Returns it as JSON. */
  readSpec(files: NamedFile[], name: string): string {
    const given = new this.engine.SpecFiles();
    try {
      files.forEach((file) => given.add(file.name, file.bytes));
      const spec = given.read(name);
      try {
        return spec.toJson();
      } finally {
        spec.free();
      }
    } finally {
      given.free();
    }
  }

  /** Signs a job with the buyer's key, which is made the first time. Keeps the digest: no result of other terms passes for this job's. */
  async signJob(id: string, json: string): Promise<SignedJob> {
    const spec = this.engine.Spec.fromJson(json);
    const key = await this.key();
    try {
      spec.check(id);
      const job = this.engine.Job.sign(this.shared.cluster(), id, spec, key);
      try {
        const [view, body] = [job.view(), job.signedSpec()];
        await this.store.put(names.buyerJob(this.shared.cluster().digest, id), { json: { digest: view.digest }, bytes: { body } });
        return { view, body };
      } finally {
        job.free();
      }
    } finally {
      key.free();
      spec.free();
    }
  }

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

  /** Takes the buyer's key from a file, in place of the one that is here. */
  async importBuyerKey(text: string): Promise<string> {
    const key = this.engine.Key.fromFile(text);
    try {
      await this.store.put(names.buyer, { json: key.toFile() });
      return key.publicKey;
    } finally {
      key.free();
    }
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
