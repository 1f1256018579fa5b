//! What the nodes certify to contributors, on whole clusters: each checks its own, and neither the coordinator nor a node can change it.

use rand::rng;
use serde_json::Value;
use tacit_client::http::Api;
use tacit_client::receipt::{Certified, ContributorView, KeptSubmission, ReceiptError, check};
use tacit_client::state::State;
use tacit_client::{files, keys};
use tacit_protocol::api::CertifiedReceipts;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{JobId, Terms};
use tacit_protocol::receipt::Record;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Header;
use tacit_tests::api_client::{self, cluster_file, enrol, submit};
use tacit_tests::cluster::{TestCluster, in_a_month};
use tacit_tests::forgery::elements;
use tacit_tests::http::Connection;
use tacit_tests::impostor::lanes::Deviation;
use tacit_tests::impostor::node::ImpostorNode;

/// What the coordinator passes on to the owner of a key.
fn fetched(cluster: &TestCluster, job: &str, key: SecretKey) -> CertifiedReceipts {
    let api = Api::new(&format!("http://{}", cluster.api), None).unwrap();
    let api = api.signed_with(key, cluster_file(cluster).digest());
    let id: JobId = job.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(api.receipts(&id)).unwrap().certified.unwrap()
}

/// What a contributor keeps, and what it is passed on.
struct Contributor {
    file: Cluster,
    terms: Terms,
    header: Header,
    passed_on: CertifiedReceipts,
}

impl Contributor {
    /// The contributor whose client has sent one submission with this key.
    fn new(cluster: &TestCluster, job: &str, name: &str) -> Self {
        let path = cluster.folder().join(format!("{name}.key"));
        let state = State::stored(&path, &job.parse().unwrap()).unwrap().unwrap();
        Self {
            file: cluster_file(cluster),
            terms: state.terms().unwrap().unwrap(),
            header: state.submission(0).unwrap().unwrap().header.value,
            passed_on: fetched(cluster, job, keys::load(&path).unwrap()),
        }
    }

    /// What the client says after the coordinator has altered what it passes on.
    fn checked(&self, alter: impl FnOnce(&mut CertifiedReceipts)) -> Result<Certified, ReceiptError> {
        let mut altered = self.passed_on.clone();
        alter(&mut altered);
        let kept = [KeptSubmission {
            header: &self.header,
            receipt: Some("kept"),
        }];
        let own = ContributorView {
            cluster: &self.file,
            terms: &self.terms,
            kept: &kept,
            withdrawn: &[],
        };
        check(&own, &altered)
    }
}

#[test]
fn contributors_check_what_counts_and_what_they_are_paid() {
    let cluster = TestCluster::start(3, 1);
    // Nobody answers the third item, so the job stays open.
    let job = cluster.create_job("paid", 3, 2);
    cluster.answer(&job, "alice", &["yes", "no"]).ok();
    // Malformed: the row of the first item says everything.
    let mut connection = Connection::open(&cluster.api);
    let file = cluster_file(&cluster);
    let mallory = enrol(&mut connection, &file, "mallory");
    let read = api_client::job(&cluster, &job);
    let forgery = mallory.share(&file, &read, &[0], &elements(&[1, 1]), &mut rng());
    let envelopes = forgery.envelopes(&mut rng());
    let malformed = mallory.sign(forgery.statement, envelopes);
    submit(&mut connection, &job, &malformed);
    cluster.answer(&job, "bob", &["yes", "no"]).ok();
    cluster.answer(&job, "carol", &["no"]).ok();
    let before = cluster.tacit(["receipt", &job, "--key", "carol.key"]).ok();
    assert!(before.contains("not yet known") && !before.contains("certified"), "{before}");
    cluster.finish(&job);

    let alice = cluster.tacit(["receipt", &job, "--key", "alice.key"]).ok();
    for line in [
        "certified: 2 of your 2 answers count\n",
        // Both agree on both items, so beyond chance everything is earned that can be.
        "your pay: 0.08 EUR = 2 answers at 0.02 EUR, and 0.04 EUR (by agreement with others who answered the same, beyond chance)\n",
        "contributors with answers that count: 2\n",
        "signed by all nodes that took part (node-0, node-1, node-2)",
    ] {
        assert!(alice.contains(line), "{alice}");
    }
    let carol = cluster.tacit(["receipt", &job, "--key", "carol.key"]).ok();
    for line in [
        "certified: 0 of your 1 answers count\n",
        "  1 do not: the item had all the answers the job asked for\n",
        "your pay: 0.00 EUR = 0 answers at 0.02 EUR",
    ] {
        assert!(carol.contains(line), "{carol}");
    }
    let passed_on = fetched(&cluster, &job, mallory.key.clone());
    let [proof] = &passed_on.records[..] else { panic!("{passed_on:?}") };
    let Record::Submission(alone) = &proof.record else {
        panic!("{proof:?}")
    };
    assert_eq!(alone.digest, malformed.header.value.digest());
    assert_eq!(alone.left_out[0].reason, RejectReason::MalformedAnswer);
    assert!(proof.is_under(&passed_on.root.statement.records));
    passed_on.root.verify(&file).unwrap();

    // The certificate has the same root, and anyone can check it.
    let certificate = files::read(&cluster.folder().join("paid.out/certificate.json")).unwrap();
    let certificate = tacit_protocol::certificate::Certificate::from_json(&certificate).unwrap();
    certificate.verify(&file).unwrap();
    assert_eq!(certificate.certified_root(), passed_on.root);

    // A coordinator that passes on something else.
    let alice = Contributor::new(&cluster, &job, "alice");
    alice.checked(|_| {}).unwrap();
    let of_record = |alter: fn(&mut tacit_protocol::receipt::ContributorRecord)| {
        alice.checked(|passed_on| {
            if let Record::Contributor(one) = &mut passed_on.records[0].record {
                alter(one);
            }
        })
    };
    assert_eq!(of_record(|one| one.pay = Some(1)), Err(ReceiptError::Leaf));
    assert_eq!(of_record(|one| one.facts.contributor = "bob".to_owned()), Err(ReceiptError::Leaf));
    assert_eq!(of_record(|one| one.submissions.clear()), Err(ReceiptError::Leaf));
    assert!(matches!(
        alice.checked(|passed_on| passed_on.records.clear()),
        Err(ReceiptError::LeftOut { .. })
    ));
    let bobs = fetched(&cluster, &job, keys::load(&cluster.folder().join("bob.key")).unwrap());
    assert!(matches!(
        alice.checked(|passed_on| passed_on.records = bobs.records),
        Err(ReceiptError::NotYours(_))
    ));
}

#[test]
fn in_a_sensitive_job_the_base_is_certified() {
    let cluster = TestCluster::start(3, 1);
    let people = ["p1", "p2"].map(str::to_owned);
    let (pool, codes) = cluster.invite("staff", &people);
    cluster.write(
        "quiet.toml",
        &format!(
            "name = \"quiet\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = [\"item-0\", \"item-1\", \"item-2\"]\n\
             answers_per_item = 5\ncloses_at = {}\nsensitive = true\nrelease = [\"agreement\", \"payouts\"]\nissuers = {pool}\n\
             [payout]\ncurrency = \"EUR\"\nbase_per_item = 20000\nbonus_per_item = 20000\nbudget = 1000000\n",
            in_a_month()
        ),
    );
    cluster.tacit(["job", "create", "quiet.toml", "--id", "quiet"]).ok();
    cluster.answer_invited("quiet", "p1", &codes[0], &["yes", "no", "yes"]).ok();
    cluster.answer_invited("quiet", "p2", &codes[1], &["no"]).ok();
    cluster.finish("quiet");
    for (person, paid) in [
        (
            "p1",
            "your pay: 0.06 EUR = 3 answers at 0.02 EUR (the base for every answer: in a sensitive job nothing depends on what was answered)\n",
        ),
        ("p2", "your pay: 0.02 EUR = 1 answers at 0.02 EUR (the base for every answer"),
    ] {
        let said = cluster.tacit(["receipt", "quiet", "--key", &format!("{person}.key")]).ok();
        assert!(said.contains(paid), "{said}");
        let person = Contributor::new(&cluster, "quiet", person);
        let certified = person.checked(|_| {}).unwrap();
        let record = certified.contributor.unwrap();
        assert!(
            record.scores.is_empty() && record.facts.contributor.starts_with("staff/"),
            "{record:?}"
        );
    }
}

#[test]
fn a_node_that_signs_other_records_is_named_and_left_out() {
    for (nodes, goes_on) in [(3, false), (4, true)] {
        let mut cluster = TestCluster::lay_out(nodes, 1);
        TestCluster::configure(&cluster.coordinator_folder(), "max_attempts", if goes_on { 10 } else { 1 });
        cluster.start_coordinator();
        (0..nodes - 1).for_each(|node| cluster.start_node(node));
        let liar = ImpostorNode::start(&cluster, &[("lied".to_owned(), Deviation::SignsOtherRecords)]);
        cluster.ready();
        while liar.connected() < nodes - 1 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        cluster.create_job("lied", 1, 9);
        for name in ["alice", "bob"] {
            cluster.answer("lied", name, &["yes"]).ok();
        }
        cluster.close("lied");
        if !goes_on {
            cluster.wait_for("lied", |status| status["state"] == "failed");
            let reason = cluster.status("lied")["reason"].as_str().unwrap().to_owned();
            assert!(
                reason.contains(&format!("node `node-{}` signed another root", nodes - 1)),
                "{reason}"
            );
            continue;
        }
        let out = cluster.end("lied");
        let certificate: Value = serde_json::from_slice(&std::fs::read(out.join("certificate.json")).unwrap()).unwrap();
        let signers: Vec<u64> = certificate["records_signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["node"].as_u64().unwrap())
            .collect();
        assert_eq!(signers, [0, 1, 2]);
        let said = cluster.tacit(["receipt", "lied", "--key", "alice.key"]).ok();
        assert!(
            said.contains("signed by all nodes that took part (node-0, node-1, node-2)"),
            "{said}"
        );
    }
}
