// The contributor's worker: with the smaller module, which lacks what only buyers need, and what contributors need only after they have answered.

import type * as Module from "tacit-engine";
import init, * as module from "tacit-engine-contributor";
import { SealedStore } from "../storage/sealed-store.ts";
import { ContributorCalls } from "./contributor-calls.ts";
import { EngineFailure } from "./messages.ts";
import { serveCalls } from "./serve-calls.ts";

/** The whole module, which is fetched when somebody wants to see what counted, or to show what was agreed to. */
async function whole(): Promise<typeof Module> {
  try {
    const loaded = await import("tacit-engine");
    await loaded.default();
    return loaded;
  } catch {
    throw new EngineFailure("unexpected", "a part of this page could not be loaded: check your connection, and try again");
  }
}

async function start(): Promise<readonly object[]> {
  const [store] = await Promise.all([SealedStore.open(), init()]);
  return [new ContributorCalls(module as unknown as typeof Module, store, whole)];
}

serveCalls(start());
