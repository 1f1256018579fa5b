// What people do with the module at a real cluster, in Node.js in place of a browser: node people.mjs ACTION FOLDER. The folder stands for what a
// browser keeps; arguments.json in it says what to do. The answer is one line of JSON. tests/tests/web_module.rs runs it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { bytes, load } from "./setup.mjs";

const [action, folder] = process.argv.slice(2);
const engine = await load("web/wasm/pkg");
const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
const readText = (name) => readFileSync(join(folder, name), "utf8");
const keep = (name, contents) => writeFileSync(join(folder, name), contents);
const given = JSON.parse(readText("arguments.json"));
const cluster = engine.Cluster.parse(new Uint8Array(readFileSync(given.cluster)));
const now = () => Math.floor(Date.now() / 1000);

async function send(method, target, { body, headers = {} } = {}) {
  const response = await fetch(given.url + target, { method, body, headers });
  const answer = new Uint8Array(await response.arrayBuffer());
  if (!response.ok) {
    throw new Error(`${method} ${target}: ${response.status} ${new TextDecoder().decode(answer)}`);
  }
  return answer;
}

const asKey = (key, method, target, body, headers = {}, type = "application/json") =>
  send(method, target, {
    body,
    headers: { ...headers, "content-type": type, authorization: engine.authorization(key, cluster, method, target, body, now()) },
  });
const asBuyer = (method, target, body) =>
  send(method, target, { body, headers: { authorization: `Bearer ${given.token}`, "content-type": "application/json" } });

/** The nodes' sealing keys, which a coordinator that has just started does not have yet. */
async function sealingKeys() {
  for (;;) {
    const info = await send("GET", "/v1/cluster");
    cluster.checkCoordinator(info);
    try {
      return cluster.sealingKeys(info, [], now());
    } catch (error) {
      if (error.code !== "sealing_keys_missing") throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const indices = (view, answers) => ({
  items: Uint32Array.from(Object.keys(answers), (id) => view.items.findIndex((item) => item.id === id)),
  classes: Uint32Array.from(Object.values(answers), (name) => view.terms.question.classes.indexOf(name)),
});

const path = (header) => `/v1/jobs/${given.job}/submissions/${header.id}`;

const actions = {
  /** A buyer makes a job of files, with gold answers if there are any. */
  async create() {
    const files = new engine.SpecFiles();
    for (const [name, text] of Object.entries(given.files)) files.add(name, bytes(text));
    const spec = files.read("job.toml");
    const gold = spec.goldFile && engine.Key.generate();
    const job = engine.Job.sign(cluster, given.job, spec, engine.Key.fromFile(bytes(given.key)), gold?.publicKey);
    await asBuyer("PUT", `/v1/jobs/${given.job}`, job.signedSpec());
    if (gold) {
      const answers = engine.Gold.parse(spec.goldFile, bytes(given.files[spec.goldFile]), job);
      const sealing = await sealingKeys();
      for (let part = 0; part < job.view().goldSubmissions; part += 1) {
        const made = answers.share(sealing, job, gold, part);
        const receipt = await asBuyerSubmission(made);
        made.header().checkReceipt(cluster, receipt);
      }
    }
    return { digest: job.digest };
  },

  /** A contributor reads the job, consents to its terms by their digest, answers, and keeps what it needs later. */
  async answer() {
    const key = engine.Key.generate();
    keep("key", key.toFile());
    let header = {};
    let credential;
    const target = `/v1/jobs/${given.job}/spec`;
    let job;
    if (given.invitation) {
      const invitation = engine.Invitation.parse(given.invitation);
      const shown = { [engine.credentialHeaderName()]: invitation.header() };
      job = engine.Job.open(cluster, given.job, await asKey(invitation.key(), "GET", target, undefined, shown), given.digest);
      credential = invitation.takeUp(cluster, job, key);
      header = { [engine.credentialHeaderName()]: credential.header() };
      invitation.free();
    } else {
      await send("POST", "/v1/contributors", { body: engine.enrolment(key, cluster, given.name), headers: { "content-type": "application/json" } });
      job = engine.Job.open(cluster, given.job, await asKey(key, "GET", target), given.digest);
    }
    keep("terms", job.terms());
    const agreed = engine.Consent.agree(cluster, job, key, now());
    keep("consent", agreed.bytes());
    const { items, classes } = indices(job.view(), given.answers);
    const sealing = await sealingKeys();
    const made = credential
      ? engine.shareWithCredential(sealing, job, key, credential, agreed, items, classes)
      : engine.share(sealing, job, key, given.name, agreed, items, classes);
    keep("submission", made.bytes());
    const receipt = await send("PUT", path(made.header()), { body: made.bytes(), headers: { "content-type": engine.submissionType(), ...header } });
    const view = made.header().checkReceipt(cluster, receipt);
    keep("receipt", receipt);
    return { id: made.header().id, ...view };
  },

  /** The same bytes again are the same submission. */
  async again() {
    const header = engine.Submission.parse(read("submission")).header();
    const receipt = await send("PUT", path(header), { body: read("submission"), headers: { "content-type": engine.submissionType() } });
    return header.checkReceipt(cluster, receipt);
  },

  async withdraw() {
    const key = engine.Key.fromFile(read("key"));
    const header = engine.Submission.parse(read("submission")).header();
    for (let kept; ; ) {
      const body = header.withdrawal(key);
      const answer = await send("DELETE", path(header), { body, headers: { "content-type": "application/json" } });
      const view = header.checkErasures(cluster, answer, kept && bytes(kept));
      kept = view.receipts;
      keep("erasures", kept);
      if (view.missing.length === 0) return { erasedBy: view.erasedBy };
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },

  /** What is certified to the contributor, and what the coordinator says of single answers. */
  async receipt() {
    const key = engine.Key.fromFile(read("key"));
    const header = engine.Submission.parse(read("submission")).header();
    const check = new engine.ReceiptCheck(cluster, read("terms"));
    check.kept(header, read("receipt"));
    const body = await asKey(key, "GET", `/v1/jobs/${given.job}/receipts`);
    const certified = check.check(body);
    const proof = new engine.ConsentProof(engine.Consent.parse(read("consent")), read("terms"), ["what the page has shown"], "page");
    proof.add(header, read("receipt"));
    proof.certified(body);
    keep("proof.json", proof.file(cluster));
    const record = certified.submissions[header.id];
    if (!record) return { certified, outcome: null };
    // Another device with the same key learns from this what it need not ask.
    const sent = [...engine.sentItems(cluster, given.job, key, body)];
    if (![...header.items].every((item) => sent.includes(item))) throw new Error(`the list of what was sent has only the items ${sent}`);
    const status = await asKey(key, "GET", path(header));
    const outcome = header.checkOutcome(cluster, read("receipt"), status, JSON.stringify(record));
    return { certified, outcome };
  },

  /** Anybody who has the files verifies them. */
  async verify() {
    const [certificate, result, payouts] = await Promise.all(
      ["certificate", "result", "payouts"].map((name) => asBuyer("GET", `/v1/jobs/${given.job}/${name}`)),
    );
    const verified = engine.verify(cluster, certificate, result, payouts, given.digest);
    return { report: verified.report, signers: verified.signers };
  },
};

async function asBuyerSubmission(made) {
  const target = path(made.header());
  return send("PUT", target, { body: made.bytes(), headers: { authorization: `Bearer ${given.token}`, "content-type": engine.submissionType() } });
}

console.log(JSON.stringify(await actions[action]()));
