// Which clusters a person has accepted on this device, at which addresses of coordinators, and which cluster file the host of the page offered first.

import { names } from "../storage/names.ts";
import type { SealedStore } from "../storage/sealed-store.ts";

/** What is remembered of clusters. */
export class Trust {
  constructor(private readonly store: SealedStore) {}

  /** The addresses of coordinators that were accepted for a cluster; null if the cluster was never accepted. */
  async addresses(cluster: string): Promise<string[] | null> {
    return ((await this.store.get(names.trusted(cluster)))?.json as string[] | undefined) ?? null;
  }

  async accept(cluster: string, coordinator: string): Promise<void> {
    const before = (await this.addresses(cluster)) ?? [];
    await this.store.put(names.trusted(cluster), { json: [...new Set([...before, coordinator])] });
  }

  /** The digest of the file that the host of the page offered when it was first seen, or was accepted last. The first one is noted. */
  async hostFile(now: string): Promise<string> {
    const before = (await this.store.get(names.hostFile))?.json as string | undefined;
    if (before === undefined) {
      await this.acceptHostFile(now);
    }
    return before ?? now;
  }

  async acceptHostFile(cluster: string): Promise<void> {
    await this.store.put(names.hostFile, { json: cluster });
  }
}
