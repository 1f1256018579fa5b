// How many organisations a cluster file names, and how many of them would have to act together. Names are what the file says; two spellings that look alike
// count as one.

import type { ClusterView } from "tacit-engine";

/** The nodes of each operator, the operators with most nodes first. */
export function operators({ nodes }: ClusterView): { name: string; nodes: number }[] {
  const found = new Map<string, { name: string; nodes: number }>();
  for (const { operator } of nodes) {
    const spelling = operator.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
    const one = found.get(spelling) ?? { name: operator, nodes: 0 };
    one.nodes += 1;
    found.set(spelling, one);
  }
  return [...found.values()].sort((a, b) => b.nodes - a.nodes);
}

/** How many operators have more nodes together than may be corrupt: so many can read answers. */
export function operatorsToRead(cluster: ClusterView): number {
  let [number, nodes] = [0, 0];
  for (const one of operators(cluster)) {
    if (nodes > cluster.threshold) {
      break;
    }
    number += 1;
    nodes += one.nodes;
  }
  return number;
}
