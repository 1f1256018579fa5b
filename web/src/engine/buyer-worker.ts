// The buyer's worker: with the whole module.

import init, * as module from "tacit-engine";
import { SealedStore } from "../storage/sealed-store.ts";
import { BuyerCalls } from "./buyer-calls.ts";
import { ContributorCalls } from "./contributor-calls.ts";
import { serveCalls } from "./serve-calls.ts";

async function start(): Promise<readonly object[]> {
  const [store] = await Promise.all([SealedStore.open(), init()]);
  const shared = new ContributorCalls(module, store);
  return [shared, new BuyerCalls(module, store, shared)];
}

serveCalls(start());
