//! Jobs for the people of a pool: three issuers of whom two must sign, on a whole cluster, with all that people could try.

use std::path::Path;

use serde_json::Value;
use tacit_tests::cluster::{TestCluster, in_a_month};
use tacit_tests::programs::Output;

const ISSUERS: [&str; 3] = ["ann", "bob", "carl"];

/// Makes the issuers' keys and the file of the pool. Returns the keys.
fn issuers(cluster: &TestCluster) -> Vec<String> {
    let keygen = |name: &&str| {
        let file = format!("{name}.key");
        cluster.tacit(["issuer", "keygen", "--out", &file]).ok().trim().to_owned()
    };
    let keys: Vec<String> = ISSUERS.iter().map(keygen).collect();
    let listed: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    cluster.write(
        "pool.toml",
        &format!("pool = \"staff\"\nneed = 2\nkeys = [{}]\n", listed.join(", ")),
    );
    keys
}

fn invite(cluster: &TestCluster) -> String {
    let people = ["issuer", "invite", "people.csv", "--issuers", "pool.toml", "--key", "ann.key"];
    cluster.tacit(people).ok()
}

/// The codes of the invitations, by number from 1.
fn codes(cluster: &TestCluster) -> Vec<String> {
    let text = std::fs::read_to_string(cluster.folder().join("invitations.csv")).unwrap();
    let code = |line: &str| line.rsplit(',').next().unwrap().to_owned();
    text.lines().skip(1).map(code).collect()
}

fn open(cluster: &TestCluster, id: &str, sensitive: bool, issuers: &str) -> Output {
    cluster.write(
        &format!("{id}.toml"),
        &format!(
            "name = \"{id}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = [\"item-0\", \"item-1\", \"item-2\"]\n\
             answers_per_item = 5\nclosesat\nsensitive = {sensitive}\nrelease = [\"agreement\", \"payouts\"]\nissuers = {issuers}\n\
             [payout]\ncurrency = \"EUR\"\nbase_per_item = 20000\nbonus_per_item = 20000\nbudget = 1000000\n"
        )
        .replace("closesat\n", &if sensitive { format!("closes_at = {}\n", in_a_month()) } else { String::new() }),
    );
    cluster.tacit(["job", "create", &format!("{id}.toml"), "--id", id])
}

/// Answers as a person with a key file, and with a code if it is not empty.
fn answer(cluster: &TestCluster, job: &str, person: &str, code: &str, classes: &[&str]) -> Output {
    let rows: String = classes
        .iter()
        .enumerate()
        .map(|(i, class)| format!("item-{i},{person},{class}\n"))
        .collect();
    let (answers, key) = (format!("{person}.csv"), format!("{person}.person.key"));
    cluster.write(&answers, &format!("item,contributor,answer\n{rows}"));
    let command = ["answer", job, "--answers", &answers, "--key", &key, "--public-answers"];
    let code = if code.is_empty() { vec![] } else { vec!["--invitation", code] };
    cluster.tacit(command.into_iter().chain(code))
}

fn result(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap()
}

#[test]
fn two_of_three_issuers_invite_and_each_person_counts_once() {
    let cluster = TestCluster::start(3, 1);
    let keys = issuers(&cluster);
    cluster.write(
        "people.csv",
        "person\np1@example.org\np2@example.org\np3@example.org\np4@example.org\n",
    );
    let said = invite(&cluster);
    assert!(
        said.contains("0 of 4 are complete") && said.contains("invitations.csv.request.json"),
        "{said}"
    );
    open(&cluster, "signs", false, "\"pool.toml\"").ok();
    let incomplete = answer(&cluster, "signs", "p1", &codes(&cluster)[0], &["yes"]).error();
    assert!(incomplete.contains("lacks signatures"), "{incomplete}");

    let request = "invitations.csv.request.json";
    let secret = std::fs::read_to_string(cluster.folder().join(request)).unwrap();
    assert!(!secret.contains("tacit-invitation"), "the request holds no code");
    let signed = cluster.tacit(["issuer", "sign", request, "--key", "bob.key"]).ok();
    assert!(
        signed.contains("4 signatures added") && signed.contains("p3@example.org"),
        "{signed}"
    );
    let stranger = cluster.tacit(["issuer", "sign", request, "--key", "key-of-the-buyer"]).error();
    assert!(stranger.contains("not one of the issuers"), "{stranger}");
    assert!(invite(&cluster).contains("4 of 4 are complete"));
    let codes = codes(&cluster);

    // Who has no invitation, or one that another pool's issuer has made, answers nothing.
    let error = answer(&cluster, "signs", "nobody", "", &["yes"]).error();
    assert!(error.contains("--invitation"), "{error}");
    let own = [
        "issuer",
        "invite",
        "people.csv",
        "--pool",
        "staff",
        "--key",
        "ann.key",
        "--out",
        "own.csv",
    ];
    cluster.tacit(own).ok();
    let text = std::fs::read_to_string(cluster.folder().join("own.csv")).unwrap();
    let forged = text.lines().nth(1).unwrap().rsplit(',').next().unwrap();
    let error = answer(&cluster, "signs", "forger", forged, &["yes"]).error();
    assert!(error.contains("lacks signatures"), "{error}");

    let first = answer(&cluster, "signs", "p1", &codes[0], &["yes", "no"]).ok();
    assert!(keys.iter().all(|key| first.contains(key)), "{first}");
    assert!(first.contains("staff/1"), "{first}");
    // Once is enough, and a second run sends nothing twice.
    assert!(
        answer(&cluster, "signs", "p1", "", &["yes", "no"])
            .ok()
            .contains("nothing new to send, 2 answers of staff/1 sent before")
    );
    answer(&cluster, "signs", "p2", &codes[1], &["yes", "no", "no"]).ok();
    answer(&cluster, "signs", "p3", &codes[2], &["no", "no", "no"]).ok();
    // A second key under the first invitation is the same person: one further answer counts, two do not.
    answer(&cluster, "signs", "sybil", &codes[0], &["no", "no", "no"]).ok();

    // A revocation that one of two has signed is none.
    let revoke = [
        "issuer",
        "revoke",
        "4",
        "--issuers",
        "pool.toml",
        "--key",
        "ann.key",
        "--out",
        "revocation.json",
    ];
    assert!(cluster.tacit(revoke).ok().contains("1 more of the issuers must sign"));
    let early = cluster.tacit(["issuer", "revoke", "--send", "revocation.json"]).error();
    assert!(early.contains("exactly 2 different issuers"), "{early}");
    cluster.tacit(["issuer", "sign", "revocation.json", "--key", "carl.key"]).ok();
    let sent = cluster.tacit(["issuer", "revoke", "--send", "revocation.json"]).ok();
    assert!(sent.contains("1 numbers are revoked"), "{sent}");
    let error = answer(&cluster, "signs", "p4", &codes[3], &["yes"]).error();
    assert!(error.contains("was revoked"), "{error}");

    let count = [
        "issuer",
        "sign",
        "--count",
        "4",
        "--issuers",
        "pool.toml",
        "--key",
        "ann.key",
        "--out",
        "size.json",
    ];
    cluster.tacit(count).ok();
    cluster.tacit(["issuer", "sign", "size.json", "--key", "bob.key"]).ok();

    let out = cluster.finish("signs");
    let result = result(&out);
    assert_eq!(result["job"]["contributors"], 3, "{result}");
    assert_eq!(result["job"]["answers"], 9, "{result}");
    let payouts = std::fs::read_to_string(out.join("payouts.csv")).unwrap();
    let names: Vec<&str> = payouts.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["staff/1", "staff/2", "staff/3"], "{payouts}");
    let path = out.join("result.json");
    let verify = [
        "verify",
        path.to_str().unwrap(),
        "--cluster",
        "cluster.toml",
        "--spec",
        "signs.toml",
        "--pool-size",
        "size.json",
    ];
    let verified = cluster.tacit(verify).ok();
    assert!(verified.contains("3 people of pool `staff`, which has 4"), "{verified}");
    let sybil = cluster.tacit(["receipt", "signs", "--key", "sybil.person.key"]).ok();
    assert!(sybil.contains("2 rejected as duplicate_answer"), "{sybil}");
}

/// An issuer's own list keeps a person from getting a second number, whatever file another issuer sends.
#[test]
fn an_honest_issuer_signs_nobody_twice() {
    let cluster = TestCluster::lay_out(3, 1);
    issuers(&cluster);
    let request = "invitations.csv.request.json";
    cluster.write("people.csv", "person\np1@example.org\n");
    invite(&cluster);
    cluster.tacit(["issuer", "sign", request, "--key", "bob.key"]).ok();
    // Ann makes a second list, with the same person under another number, and forgets what she has signed.
    for file in ["invitations.csv", request, "ann.key.signed.json"] {
        std::fs::remove_file(cluster.folder().join(file)).unwrap();
    }
    cluster.write("people.csv", "person\nsomebody@example.org\np1@example.org\n");
    invite(&cluster);
    let error = cluster.tacit(["issuer", "sign", request, "--key", "bob.key"]).error();
    assert!(
        error.contains("nobody gets two") || error.contains("cannot be given again"),
        "{error}"
    );
    // With Bob's own list gone as well, the attack works.
    std::fs::remove_file(cluster.folder().join("bob.key.signed.json")).unwrap();
    cluster.tacit(["issuer", "sign", request, "--key", "bob.key"]).ok();
}

#[test]
fn the_nodes_policies_refuse_jobs_by_the_rules_name() {
    let mut cluster = TestCluster::lay_out(3, 1);
    let keys = issuers(&cluster);
    let policy = |node: usize, text: &str| {
        let path = cluster.node_folder(node).join("config.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{config}\n[policy]\n{text}\n")).unwrap();
    };
    let accepted = |key: &str| format!("[[policy.issuers]]\nneed = 1\nkeys = [\"{key}\"]\n");
    policy(1, &(accepted(&keys[0]) + &accepted(&keys[1])));
    policy(2, "refuse_public_answers = true");
    cluster.start_coordinator();
    (0..3).for_each(|node| cluster.start_node(node));
    cluster.ready();
    let buyer = cluster.tacit(["keygen", "--out", "other.key"]).ok();
    let alone = |key: &str| format!("{{ pool = \"staff\", keys = [\"{key}\"] }}");

    let public = open(&cluster, "public", false, &alone(&keys[0])).error();
    assert!(public.contains("node-2") && public.contains("`refuse_public_answers`"), "{public}");
    let stranger = open(&cluster, "stranger", true, &alone(buyer.trim())).error();
    assert!(stranger.contains("node-1") && stranger.contains("`issuers`"), "{stranger}");
    // The buyer's own key as the only issuer, which a node without a list refuses.
    let mine = std::fs::read_to_string(cluster.folder().join("stranger.toml")).unwrap();
    let buyers_key = cluster
        .tacit(["job", "create", "stranger.toml", "--id", "x", "--buyer-key", "other.key"])
        .error();
    assert!(
        buyers_key.contains("node-0") && buyers_key.contains("can invite contributors alone"),
        "{buyers_key}"
    );
    assert!(mine.contains(buyer.trim()));
    open(&cluster, "good", true, &alone(&keys[0])).ok();
}
