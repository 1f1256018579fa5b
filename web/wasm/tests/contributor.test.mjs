// The smaller module, which contributors load first, does all that they need until their answers are sent, and nothing that only buyers need.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOW, bytes, clusterInfo, handles, load, setup, unhex, vectors } from "./setup.mjs";

const buyers = handles(await load("web/wasm/pkg"));
const engine = await load("web/wasm/pkg-contributor");

test("a contributor opens jobs, answers, and learns what the key has sent from elsewhere", () => {
  const cluster = engine.Cluster.parse(bytes(setup.cluster_toml));
  const sealing = cluster.sealingKeys(clusterInfo(), [], NOW);
  const key = engine.Key.fromFile(bytes(setup.contributor.seed));
  const job = engine.Job.open(cluster, setup.job_id, buyers.job.signedSpec(), setup.job_digest);
  const agreed = engine.Consent.agree(cluster, job, key, NOW);
  const made = engine.share(sealing, job, key, setup.contributor.name, agreed, Uint32Array.of(0, 3), Uint32Array.of(1, 2));
  assert.equal(made.header().verdict(cluster, job), "ok");

  const invited = engine.Job.open(cluster, setup.invited_job_id, buyers.invited.signedSpec());
  const credential = engine.Invitation.parse(setup.invitation_code).takeUp(cluster, invited, key);
  const agreedInPool = engine.Consent.agree(cluster, invited, key, NOW);
  const inPool = engine.shareWithCredential(sealing, invited, key, credential, agreedInPool, Uint32Array.of(1), Uint32Array.of(0));
  assert.equal(inPool.header().verdict(cluster, invited), "ok");

  const [good] = vectors("submission").cases;
  assert.equal(engine.Submission.parse(unhex(good.submission)).header().verdict(cluster, job), "ok");
  assert.deepEqual([...engine.sentItems(cluster, setup.job_id, key, bytes(JSON.stringify({ state: "open", submissions: [], certified: null })))], []);
});

test("what only buyers need, or contributors only afterwards, is not there", () => {
  for (const name of ["ReceiptCheck", "ConsentProof", "explainReason", "SpecFiles", "Spec", "Gold", "verify", "cancellation", "shareWithSeed"]) {
    assert.equal(engine[name], undefined, name);
  }
  assert.equal(engine.Job.sign, undefined);
});
