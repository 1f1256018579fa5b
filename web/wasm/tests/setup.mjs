// What the tests share: the module as it is built, and the vectors of protocol/vectors.

import { readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);

/** The module in a folder of the repository: web/wasm/pkg as pages load it, target/web/testing with randomness of a seed. */
export async function load(folder) {
  const module = await import(new URL(`${folder}/tacit_web.js`, root));
  module.initSync({ module: readFileSync(new URL(`${folder}/tacit_web_bg.wasm`, root)) });
  return module;
}

export const vectors = (name) => JSON.parse(readFileSync(new URL(`protocol/vectors/${name}.json`, root), "utf8"));

export const bytes = (text) => new TextEncoder().encode(text);
export const text = (array) => new TextDecoder().decode(array);
export const unhex = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
export const hex = (array) => Buffer.from(array).toString("hex");

export const setup = vectors("setup");
/** A time at which the sealing keys of the vectors are valid. */
export const NOW = setup.sealing_epoch + 1;

/** What a coordinator of the vectors' cluster answers to GET /v1/cluster. */
export function clusterInfo(change = () => {}) {
  const node = (index) => ({
    name: `node-${index}`,
    operator: "test",
    address: `localhost:${1000 + index}`,
    identity: "00".repeat(32),
    sealing: setup.sealing_statements[index],
  });
  const info = {
    protocol: { min: 1, max: 1 },
    digest: setup.cluster_digest,
    threshold: 1,
    nodes: [0, 1, 2].map(node),
    file: setup.cluster_toml,
  };
  const copy = structuredClone(info);
  change(copy);
  return bytes(JSON.stringify(copy));
}

/** The error that a function throws, which must have a stable code and say something. */
export function failure(call) {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error) || typeof error.code !== "string" || error.message.length < 10) {
      throw new Error(`not an error of the module: ${error}`);
    }
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The parts of the vectors' setup as handles. */
export function handles(engine) {
  const cluster = engine.Cluster.parse(bytes(setup.cluster_toml));
  const buyer = engine.Key.fromFile(bytes(setup.buyer_seed));
  const job = (id, spec) => engine.Job.sign(cluster, id, engine.Spec.fromJson(withoutGold(spec)), buyer, goldOf(spec));
  return {
    cluster,
    buyer,
    job: job(setup.job_id, setup.job_spec),
    invited: job(setup.invited_job_id, setup.invited_job_spec),
    contributor: engine.Key.fromFile(bytes(setup.contributor.seed)),
    gold: engine.Key.fromFile(bytes(setup.gold.seed)),
    consent: engine.Consent.parse(bytes(JSON.stringify(setup.consent))),
    sealing: cluster.sealingKeys(clusterInfo(), [], NOW),
  };
}

// In a buyer's file `gold` names a file of answers; in a spec that is sent it holds a key.
function withoutGold(spec) {
  const { gold, ...fields } = JSON.parse(spec);
  return JSON.stringify(fields);
}

function goldOf(spec) {
  return JSON.parse(spec).gold?.key;
}
