// The module gives the values that Rust gives: every case of protocol/vectors that it has to do with. `web/build module` makes the module,
// `web/build testing` the one with randomness of a seed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOW, bytes, clusterInfo, failure, handles, hex, load, setup, text, unhex, vectors } from "./setup.mjs";

const engine = await load("web/wasm/pkg");
const of = handles(engine);

test("the cluster file has the digest that everything is signed for", () => {
  const view = of.cluster.view();
  assert.equal(view.digest, setup.cluster_digest);
  assert.equal(of.cluster.digest, setup.cluster_digest);
  assert.deepEqual(view.nodes.map((node) => node.name), ["node-0", "node-1", "node-2"]);
  assert.match(view.nodes[0].fingerprint, /^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
  assert.match(view.digestWords, /^([a-z]+ ){15}[a-z]+$/);
  assert.equal(engine.Cluster.ofCoordinator(clusterInfo(), setup.cluster_digest).digest, setup.cluster_digest);
  assert.equal(failure(() => engine.Cluster.parse(bytes("name = 3"))).code, "cluster_file");
});

test("another cluster's coordinator and other versions are refused", () => {
  const other = "11".repeat(32);
  assert.equal(failure(() => engine.Cluster.ofCoordinator(clusterInfo(), other)).code, "other_cluster");
  assert.equal(failure(() => of.cluster.checkCoordinator(clusterInfo((info) => (info.digest = other)))).code, "other_cluster");
  const later = clusterInfo((info) => Object.assign(info, { protocol: { min: 9, max: 9 }, nodes: undefined }));
  assert.equal(failure(() => of.cluster.checkCoordinator(later)).code, "protocol_version");
  assert.equal(failure(() => of.cluster.checkCoordinator(bytes("{"))).code, "syntax");
});

test("sealing keys are those that the nodes have signed, and never older ones", () => {
  assert.deepEqual([...of.sealing.epochs], [1, 1, 1]);
  const code = (change, seen, now) => failure(() => of.cluster.sealingKeys(clusterInfo(change), seen, now)).code;
  const none = () => {};
  assert.equal(code((info) => (info.nodes[1].sealing = null), [], NOW), "sealing_keys_missing");
  assert.equal(code((info) => info.nodes.pop(), [], NOW), "sealing_keys_missing");
  assert.equal(code((info) => info.nodes.reverse(), [], NOW), "sealing_keys");
  assert.equal(code((info) => (info.nodes[2].sealing.value.expires += 1), [], NOW), "sealing_keys");
  assert.equal(code(none, [], 101), "sealing_keys", "expired");
  assert.equal(code(none, [1, 2, 1], NOW), "sealing_keys", "an older one");
  assert.equal(code(none, [], 1.5), "time");
});

test("the buyer's jobs have the digests and the signature of the vectors", () => {
  assert.equal(of.job.digest, setup.job_digest);
  assert.equal(of.invited.digest, setup.invited_job_digest);
  const signed = JSON.parse(text(of.job.signedSpec()));
  assert.deepEqual([signed.buyer, signed.signature], [setup.buyer, setup.buyer_signature]);
  const view = of.job.view();
  assert.deepEqual(view.items[1], { id: "b", text: "a picture" });
  assert.deepEqual(view.pay, { currency: "EUR", base: 20000, bonus: 10000, rule: "gold" });
  assert.deepEqual([view.floors, view.takesGold, view.goldSubmissions, view.closesAt], [null, true, 1, null]);
  assert.equal(view.answersPerSubmission, 500);
  assert.equal(of.invited.view().closesAt, Date.UTC(2026, 11, 1) / 1000);
  assert.equal(JSON.parse(text(of.job.terms())).items, 4);
});

test("a job is opened only as its buyer signed it, and of the pinned terms", () => {
  const spec = of.job.signedSpec();
  assert.equal(engine.Job.open(of.cluster, setup.job_id, spec, setup.job_digest).digest, setup.job_digest);
  const code = (...call) => failure(() => engine.Job.open(of.cluster, ...call)).code;
  assert.equal(code(setup.job_id, spec, setup.invited_job_digest), "other_terms");
  assert.equal(code("another", spec), "job");
  assert.equal(code("a/b", spec), "job_id");
  assert.equal(code(setup.job_id, spec.slice(1)), "syntax");
  const altered = JSON.parse(text(spec));
  altered.spec.answers_per_item = 2;
  assert.equal(code(setup.job_id, bytes(JSON.stringify(altered))), "job");
});

test("every header is judged as coordinator and nodes judge it", () => {
  const jobs = { [setup.job_id]: of.job, [setup.invited_job_id]: of.invited };
  const verdicts = vectors("header").cases.map((one) => {
    let header;
    try {
      header = engine.Header.parse(unhex(one.signed_header));
    } catch (error) {
      assert.equal(error.code, "syntax");
      return [one.name, "malformed"];
    }
    const verdict = header.verdict(of.cluster, jobs[one.job]);
    if (verdict === "ok") {
      assert.equal(header.digest, one.digest, one.name);
      assert.equal(header.contributor, one.header.statement.contributor);
      assert.deepEqual([...header.items], one.header.statement.items);
    }
    return [one.name, verdict];
  });
  assert.deepEqual(verdicts, vectors("header").cases.map((one) => [one.name, one.expect]));
  assert.ok(verdicts.length > 10);
});

test("with the vectors' randomness the submission is the vectors', byte for byte", async () => {
  const seeded = await load("target/web/testing");
  const { cluster, job, contributor, consent, sealing } = handles(seeded);
  const [good] = vectors("submission").cases;
  // In another order than they are sent in.
  const answers = good.answers.toReversed();
  const items = Uint32Array.from(answers, ([item]) => item);
  const classes = Uint32Array.from(answers, ([, answer]) => answer);
  const made = seeded.shareWithSeed(sealing, job, contributor, setup.contributor.name, consent, items, classes, 1);
  assert.equal(hex(made.bytes()), good.submission);
  assert.equal(made.header().verdict(cluster, job), "ok");
  // What pages load has no such door.
  assert.equal(engine.shareWithSeed, undefined);
});

test("a submission is what was asked for, and new each time", () => {
  const agree = (job, key = of.contributor) => engine.Consent.agree(of.cluster, job, key, NOW);
  const share = (items, classes, job = of.job) =>
    engine.share(of.sealing, job, of.contributor, setup.contributor.name, agree(job), Uint32Array.from(items), Uint32Array.from(classes));
  const [one, two] = [share([3, 0], [1, 2]), share([3, 0], [1, 2])];
  assert.deepEqual([...one.header().items], [0, 3]);
  assert.equal(one.header().verdict(of.cluster, of.job), "ok");
  assert.notEqual(one.header().id, two.header().id);
  const again = engine.Submission.parse(one.bytes());
  assert.equal(again.header().digest, one.header().digest);
  assert.deepEqual(engine.Header.parse(one.header().bytes()).bytes(), one.header().bytes());
  const altered = one.bytes();
  altered[altered.length - 1] ^= 1;
  assert.equal(failure(() => engine.Submission.parse(altered)).code, "syntax");

  const code = (...call) => failure(() => share(...call)).code;
  assert.equal(code([], []), "answers");
  assert.equal(code([0, 0], [1, 1]), "answers", "an item twice");
  assert.equal(code([4], [0]), "answers", "no such item");
  assert.equal(code([0], [3]), "answers", "no such class");
  assert.equal(code([0, 1], [0]), "answers", "fewer answers than items");
  assert.equal(code([0], [0], of.invited), "not_invited");
  const gold = () => engine.share(of.sealing, of.job, of.gold, "x", agree(of.job, of.gold), Uint32Array.of(0), Uint32Array.of(0));
  assert.equal(failure(gold).code, "gold_key");
  // What was agreed to with another key, or to another job, is no consent.
  for (const other of [agree(of.job, of.buyer), agree(of.invited)]) {
    const call = () => engine.share(of.sealing, of.job, of.contributor, "x", other, Uint32Array.of(0), Uint32Array.of(0));
    assert.equal(failure(call).code, "consent");
  }
});

test("a record of consent is that of the vectors, has a fresh salt each time, and shows what was sent under it", () => {
  assert.equal(of.consent.view().digest, setup.consent_digest);
  of.consent.check(of.cluster, of.job);
  assert.equal(failure(() => of.consent.check(of.cluster, of.invited)).code, "consent");
  assert.equal(failure(() => engine.Consent.parse(bytes("{}"))).code, "syntax");
  const [one, two] = [1, 2].map(() => engine.Consent.agree(of.cluster, of.job, of.contributor, NOW));
  assert.notEqual(one.view().digest, two.view().digest);
  assert.deepEqual([one.view().agreedAt, one.view().terms, one.view().key], [NOW, setup.job_digest, setup.contributor.key]);
  assert.deepEqual(engine.Consent.parse(one.bytes()).bytes(), one.bytes());

  const made = engine.share(of.sealing, of.job, of.contributor, "Zoë", one, Uint32Array.of(0), Uint32Array.of(0));
  const proof = (record) => {
    const proof = new engine.ConsentProof(record, of.job.terms(), ["shown"], undefined);
    proof.add(made.header(), undefined);
    return proof.file(of.cluster);
  };
  const file = JSON.parse(text(proof(one)));
  assert.deepEqual([file.shown, file.submissions.length, file.record.salt], [["shown"], 1, JSON.parse(text(one.bytes())).salt]);
  assert.equal(failure(() => proof(two)).code, "consent", "a record that was made afterwards");
});

test("an invitation is taken up once and answers as a person of the pool", () => {
  const invitation = engine.Invitation.parse(` ${setup.invitation_code}\n`);
  assert.deepEqual([invitation.serial, invitation.expires], [7, undefined]);
  assert.equal(failure(() => engine.Invitation.parse(setup.invitation_code.slice(0, -1))).code, "invitation_code");
  assert.equal(failure(() => engine.Invitation.parse("hello, world")).code, "invitation_code");
  const credential = invitation.takeUp(of.cluster, of.invited, of.contributor);
  assert.deepEqual([credential.name, credential.pool, credential.serial], ["crowd/7", "crowd", 7]);
  assert.equal(failure(() => invitation.takeUp(of.cluster, of.job, of.contributor)).code, "no_issuers");
  // Two pools of one name are told apart, and people can compare who asks and who vouches.
  const { issuers, buyerFingerprint } = of.invited.view();
  assert.deepEqual([credential.issuersDigest, issuers.fingerprints.length], [issuers.digest, JSON.parse(setup.invited_job_spec).issuers.keys.length]);
  assert.match(`${buyerFingerprint} ${issuers.fingerprints[0]}`, /^([0-9a-f]{4} ?){16}$/);
  assert.equal(of.job.view().issuers, null);
  const kept = engine.Credential.fromFile(credential.toFile());
  kept.check(of.cluster, of.invited, of.contributor);
  assert.equal(failure(() => kept.check(of.cluster, of.invited, of.buyer)).code, "credential");
  const agreed = engine.Consent.agree(of.cluster, of.invited, of.contributor, NOW);
  const made = engine.shareWithCredential(of.sealing, of.invited, of.contributor, kept, agreed, Uint32Array.of(2), Uint32Array.of(1));
  assert.equal(made.header().contributor, "crowd/7");
  assert.equal(made.header().verdict(of.cluster, of.invited), "ok");
  assert.deepEqual([...made.header().epochs], [...of.sealing.epochs]);
  assert.match(invitation.header(), /^[A-Za-z0-9_-]+$/);
  assert.notEqual(invitation.key().publicKey, of.contributor.publicKey);
});

test("key files are those of the command, and no error repeats what is in them", () => {
  const made = engine.Key.generate();
  assert.match(text(made.toFile()), /^[0-9a-f]{64}\n$/);
  assert.equal(engine.Key.fromFile(made.toFile()).publicKey, made.publicKey);
  assert.notEqual(engine.Key.generate().publicKey, made.publicKey);
  assert.equal(of.contributor.publicKey, setup.contributor.key);
  assert.equal(engine.Key.fromFile(bytes(`# made 2026-11-24T03:00:00Z\n${setup.contributor.seed}\n`)).publicKey, setup.contributor.key);
  const error = failure(() => engine.Key.fromFile(bytes(setup.contributor.seed.slice(2))));
  assert.equal(error.code, "key_file");
  assert.ok(!error.message.includes(setup.contributor.seed.slice(2, 10)));
  made.free();
  assert.throws(() => made.toFile());
});

test("requests and enrolment carry what the key has signed", () => {
  const header = (body, created = NOW) => engine.authorization(of.contributor, of.cluster, "PUT", "/v1/jobs/a?b=c", body, created);
  const [, key, created, signature] = /^Tacit-Key key=([0-9a-f]{64}), created=(\d+), signature=([0-9a-f]{128})$/.exec(header(bytes("x")));
  assert.deepEqual([key, created], [setup.contributor.key, String(NOW)]);
  assert.ok(header(bytes("x")).includes(signature) && !header(undefined).includes(signature) && !header(bytes("y")).includes(signature));
  assert.equal(failure(() => header(undefined, -1)).code, "time");
  const enrolment = JSON.parse(text(engine.enrolment(of.contributor, of.cluster, "Zoë")));
  assert.deepEqual([enrolment.contributor, enrolment.key], ["Zoë", setup.contributor.key]);
  assert.equal(failure(() => engine.enrolment(of.contributor, of.cluster, "")).code, "name");
  assert.equal(engine.credentialHeaderName(), "tacit-credential");
  assert.equal(engine.submissionType(), "application/vnd.tacit.submission");
});

test("what is certified to contributors is checked as it says", () => {
  const [good] = vectors("submission").cases;
  const header = engine.Submission.parse(unhex(good.submission)).header();
  const said = vectors("receipt").cases.map((one) => {
    const check = new engine.ReceiptCheck(of.cluster, of.job.terms());
    check.kept(header, undefined);
    const body = bytes(JSON.stringify({ state: "published", submissions: [], certified: { root: one.root, records: [one.proof] } }));
    const error = failure(() => check.check(body));
    assert.equal(error.code, "certified");
    return [one, error.message];
  });
  // A vector has no pay, which the terms promise: what is right with a record of one's own is refused for that alone.
  const due = {
    ok: (one) => (one.proof.record.contributor?.facts.contributor === setup.contributor.name ? /pay|score/ : /somebody else/),
    path: () => /does not fit the root/,
    elsewhere: () => /it is for another/,
    participants: () => /cannot certify|exactly one signature/,
    signature: () => /signature of node/,
  };
  for (const [one, message] of said) {
    assert.match(message, due[one.expect](one), one.name);
  }
  assert.ok(new Set(said.map(([one]) => one.expect)).size === 5);
  const open = new engine.ReceiptCheck(of.cluster, of.job.terms());
  assert.equal(open.check(bytes(JSON.stringify({ state: "open", submissions: [], certified: null }))), null);
});

test("a receipt that the coordinator has not signed is refused", () => {
  const header = engine.Submission.parse(unhex(vectors("submission").cases[0].submission)).header();
  const value = {
    cluster: setup.cluster_digest,
    job: setup.job_id,
    job_digest: setup.job_digest,
    submission: header.id,
    digest: header.digest,
    answers: 3,
    sequence: 0,
  };
  const receipt = bytes(JSON.stringify({ value, signature: "00".repeat(64) }));
  assert.equal(failure(() => header.checkReceipt(of.cluster, receipt)).code, "receipt");
  const check = new engine.ReceiptCheck(of.cluster, of.job.terms());
  assert.equal(failure(() => check.kept(header, receipt)).code, "receipt");
});

test("withdrawals are signed, and erasures that no node has signed do not count", () => {
  const header = engine.Submission.parse(unhex(vectors("submission").cases[0].submission)).header();
  assert.match(JSON.parse(text(header.withdrawal(of.contributor))).signature, /^[0-9a-f]{128}$/);
  const forged = { value: { cluster: setup.cluster_digest, job_digest: setup.job_digest, submission: header.digest }, signature: "00".repeat(64) };
  const body = bytes(JSON.stringify({ erasures: [forged], waiting_on: [] }));
  assert.deepEqual(header.checkErasures(of.cluster, body), { receipts: "[]", erasedBy: [], missing: ["node-0", "node-1", "node-2"] });
});

test("certificates are verified as they say, and results compared byte for byte", () => {
  let good = 0;
  for (const one of vectors("certificate").cases) {
    const verify = (...files) => engine.verify(of.cluster, bytes(one.certificate), ...files);
    if (one.expect !== "ok") {
      assert.equal(failure(() => verify()).code, "verify", one.name);
      continue;
    }
    good += 1;
    const files = [bytes(one.result_json), bytes(one.payouts_csv)];
    const verified = verify(...files, setup.job_digest);
    assert.equal(text(verified.resultJson), one.result_json);
    assert.equal(text(verified.payoutsCsv), one.payouts_csv);
    assert.deepEqual(verified.report, JSON.parse(one.result_json));
    assert.deepEqual([verified.digest, verified.terms.id], [setup.job_digest, setup.job_id]);
    assert.deepEqual(verified.signers.map((signer) => signer.node), ["node-0", "node-1", "node-2"]);
    assert.equal(failure(() => verify(...files, setup.invited_job_digest)).code, "other_terms");
    assert.equal(verify(...files, undefined, setup.job_id, of.buyer.publicKey).digest, setup.job_digest);
    assert.equal(failure(() => verify(...files, undefined, "another")).code, "other_terms");
    assert.equal(failure(() => verify(...files, undefined, setup.job_id, setup.contributor.key)).code, "other_terms");
    // The last number is another one.
    const altered = (file) => bytes(file.replace(/\d(?=\D*$)/, (digit) => (Number(digit) + 1) % 10));
    assert.match(failure(() => verify(altered(one.result_json), files[1])).message, /result\.json.*line/);
    assert.match(failure(() => verify(files[0], altered(one.payouts_csv))).message, /payouts\.csv/);
    assert.match(failure(() => verify(files[0])).message, /payouts\.csv: missing/);
  }
  assert.equal(good, 1);
});

test("a buyer's files are read as the command reads them", () => {
  const files = new engine.SpecFiles();
  const toml = (extra) => bytes(`name = "signs"
question = { kind = "categorical", classes = ["stop", "yield"] }
items = "items.csv"
answers_per_item = 3
sensitive = false
closes_at = 2026-12-01T01:00:00+01:00
release = ["agreement", "scores"]
gold = "gold.csv"
${extra}`);
  files.add("job.toml", toml(""));
  assert.match(failure(() => files.read("job.toml")).message, /items\.csv: there is no such file/);
  files.add("items.csv", bytes("id,url\n1,https://a\n2,\n3,\n"));
  const spec = files.read("job.toml");
  assert.equal(spec.goldFile, "gold.csv");
  spec.check("signs");
  const job = engine.Job.sign(of.cluster, "signs", spec, of.buyer, of.gold.publicKey);
  assert.deepEqual(job.view().items[0], { id: "1", text: "https://a" });
  assert.equal(job.view().terms.closes_at, "2026-12-01T00:00:00Z");
  assert.equal(engine.Spec.fromJson(spec.toJson()).toJson(), spec.toJson());

  const gold = engine.Gold.parse("gold.csv", bytes("item,answer\n2,yield\n"), job);
  assert.deepEqual([gold.answers, /33|1 of 3/.test(gold.advice)], [1, true]);
  assert.equal(gold.share(of.sealing, job, of.gold, 0).header().verdict(of.cluster, job), "ok");
  assert.equal(failure(() => gold.share(of.sealing, job, of.buyer, 0)).code, "gold_key");
  assert.match(failure(() => engine.Gold.parse("gold.csv", bytes("item,answer\n9,stop\n"), job)).message, /gold\.csv, line 2/);

  files.add("bad.toml", toml("nonsense = 1\n"));
  const error = failure(() => files.read("bad.toml"));
  assert.deepEqual([error.code, /bad\.toml, line 9: unknown field `nonsense`/.test(error.message)], ["spec_file", true]);
  assert.equal(failure(() => engine.Spec.fromJson("{}")).code, "spec_file");
  const sensitive = engine.Spec.fromJson(JSON.stringify({ ...JSON.parse(spec.toJson()), sensitive: true }));
  assert.equal(failure(() => sensitive.check("signs")).code, "job");
  assert.match(engine.cancellation(of.cluster, "signs", job.digest, of.buyer), /^[0-9a-f]{128}$/);
});

test("reasons are told in words", () => {
  assert.match(engine.explainReason("item_full"), /all the answers the job asked for/);
  assert.equal(engine.explainReason("of_tomorrow"), "of_tomorrow");
});
