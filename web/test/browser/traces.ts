// Looks for answers where none may be: in what was sent, in the stores, in the logs.

import { expect } from "vitest";
import type { LocalCluster } from "./local-cluster.ts";
import type { Relay } from "./relay.ts";
import { files, spellings } from "./spellings.ts";

/** Fails if answers are found, in a usual spelling, in what has passed through the relay, in a store of the coordinator or a node, or in a log. */
export function expectNoTrace(cluster: LocalCluster, relay: Relay, answers: readonly number[], classes: readonly string[]): void {
  const found = [...files(cluster.folder)];
  expect(found.some(([path]) => path.endsWith(".sqlite"))).toBe(true);
  expect(found.filter(([path]) => path.endsWith("log.txt")).length).toBe(6);
  const places: [string, Buffer][] = [...found, ["what has passed between the page and the coordinator", relay.traffic()]];
  for (const spelling of spellings(answers, classes)) {
    expect(places.filter(([, bytes]) => bytes.includes(spelling)).map(([path]) => path), "places that hold answers in clear").toEqual([]);
  }
  // The search finds what is there.
  const own = Buffer.from(JSON.stringify(answers.map((choice) => classes[choice])));
  expect(spellings(answers, classes).some((spelling) => own.includes(spelling))).toBe(true);
}
