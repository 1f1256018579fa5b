// Who runs the nodes, and what to compare by voice.

import type { ClusterView } from "tacit-engine";
import { text } from "../text/index.ts";
import { operators, operatorsToRead } from "./operators.ts";

/** The operators with their nodes' fingerprints, and the digest of the cluster file. */
export function ClusterFacts({ cluster }: { cluster: ClusterView }) {
  const t = text.consent;
  return (
    <>
      <p>{t.operatorsLead(operators(cluster).length, cluster.nodes.length, operatorsToRead(cluster))}</p>
      <p class="muted">{t.operatorsClaim}</p>
      <ul class="operators">
        {cluster.nodes.map((node) => (
          <li key={node.identity}>
            <strong>
              <bdi>{node.operator}</bdi>
            </strong>{" "}
            <span class="muted">{node.name}</span>
            <span class="code" aria-label={`${t.fingerprint} ${node.fingerprint}`}>
              {node.fingerprint}
            </span>
          </li>
        ))}
      </ul>
      <dl class="facts">
        <dt>{t.digestWords}</dt>
        <dd class="code">{cluster.digestWords}</dd>
      </dl>
    </>
  );
}
