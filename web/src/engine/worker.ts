// The contributor's worker: with the smaller module, which lacks what only buyers need.

import type * as Module from "tacit-engine";
import init, * as module from "tacit-engine-contributor";
import { SealedStore } from "../storage/sealed-store.ts";
import { ContributorCalls } from "./contributor-calls.ts";
import { serveCalls } from "./serve-calls.ts";

async function start(): Promise<readonly object[]> {
  const [store] = await Promise.all([SealedStore.open(), init()]);
  return [new ContributorCalls(module as unknown as typeof Module, store)];
}

serveCalls(start());
