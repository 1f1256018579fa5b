//! Who reads what of a job, on a whole cluster with the client's own commands.

use std::path::Path;
use std::process::{Command, Stdio};

use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{get, get_as};
use tacit_tests::programs::{Output, program};

/// Runs `tacit` with the cluster file and nothing else of the buyer's.
fn without_token(cluster: &TestCluster, arguments: &[&str]) -> Output {
    Command::new(program("tacit"))
        .args(arguments)
        .current_dir(cluster.folder())
        .env_remove("TACIT_TOKEN")
        .env_remove("TACIT_BUYER_KEY")
        .env("TACIT_CLUSTER", cluster.file())
        .env("TACIT_STATE", cluster.folder().join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into()
}

const ROUTES: [&str; 6] = ["", "/spec", "/events", "/result", "/payouts", "/certificate"];

#[test]
fn a_job_is_shown_to_its_buyer_and_its_contributors_only() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("signs", 2, 2);
    // A contributor reads it with the key that answers.
    cluster.answer("signs", "ada", &["yes", "no"]).ok();
    cluster.finish("signs");
    for route in ROUTES {
        let path = format!("/v1/jobs/signs{route}");
        let refused = get(&cluster.api, &path);
        assert!(refused.contains("urn:tacit:problem:unknown_job"), "{path}: {refused}");
        assert_eq!(
            refused.replace("signs", "none"),
            get(&cluster.api, &format!("/v1/jobs/none{route}"))
        );
        let refused = get_as("invented", &cluster.api, &path);
        assert!(refused.contains("urn:tacit:problem:unauthorized"), "{path}: {refused}");
        let shown = get_as(&cluster.token, &cluster.api, &path);
        // The items of a job that has ended are erased.
        let erased = route == "/spec" && shown.contains("urn:tacit:problem:job_ended");
        assert!(erased || !shown.contains("urn:tacit:problem"), "{path}: {shown}");
    }
    for command in ["status", "watch", "result"] {
        let error = without_token(&cluster, &["job", command, "signs"]).error();
        assert!(error.contains("no job `signs` that this request may read"), "{error}");
        without_token(&cluster, &["job", command, "signs", "--buyer-key", "key-of-the-buyer"]).ok();
    }
    let list = without_token(&cluster, &["job", "list", "--buyer-key", "key-of-the-buyer"]).ok();
    assert!(list.contains("signs"), "{list}");
    // The outcome is there for the contributor, who reads it without a token.
    let said = without_token(&cluster, &["receipt", "signs", "--key", "ada.key"]).ok();
    assert!(said.contains("certified: 2 of your 2 answers count"), "{said}");
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_coordinator_that_was_restored_from_a_backup_gets_lost_answers_again() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("signs", 2, 2);
    let (data, backup) = (cluster.coordinator_folder().join("data"), cluster.folder().join("backup"));
    cluster.coordinator.take().unwrap().kill();
    copy(&data, &backup);
    cluster.start_coordinator();
    cluster.ready();
    cluster.answer("signs", "ada", &["yes", "no"]).ok();
    cluster.wait_for("signs", |status| status["delivered"] == 1);
    cluster.coordinator.take().unwrap().kill();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    cluster.start_coordinator();
    cluster.ready();
    assert_eq!(cluster.status("signs")["submissions"], 0);

    let output = cluster.tacit(["receipt", "signs", "--key", "ada.key"]);
    assert!(output.err.contains("had lost 1 submissions"), "{}", output.err);
    output.ok();
    let out = cluster.finish("signs");
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["job"]["answers"], 2);
}

#[test]
fn a_person_of_a_pool_reads_its_jobs_with_the_invitation_and_later_without() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    let (issuers, codes) = cluster.invite("crowd", &["ann".to_owned()]);
    for id in ["one", "two"] {
        cluster.write(
            &format!("{id}.toml"),
            &format!(
                "name = \"{id}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = [\"item-0\"]\n\
                 answers_per_item = 2\nsensitive = false\nrelease = [\"class_totals\"]\nissuers = {issuers}\n"
            ),
        );
        cluster.tacit(["job", "create", &format!("{id}.toml"), "--id", id]).ok();
    }
    cluster.write("ann.csv", "item,contributor,answer\nitem-0,ann,yes\n");
    let answer = |job: &str, more: &[&str]| {
        let command = ["answer", job, "--answers", "ann.csv", "--public-answers"];
        without_token(&cluster, &[&command[..], more].concat())
    };
    let error = answer("one", &[]).error();
    assert!(error.contains("--invitation"), "{error}");
    answer("one", &["--invitation", &codes[0]]).ok();
    // The key that was made for the pool reads the same job again, and the next one.
    assert!(answer("one", &[]).ok().contains("nothing new to send"));
    assert!(answer("two", &[]).ok().contains("1 new answers of crowd/1 sent"));
    // With a second pool nothing says which key to read a new job with; one that was answered is known.
    let (_, others) = cluster.invite("others", &["ann".to_owned()]);
    let error = answer("two", &["--invitation", &others[0]]).error();
    assert!(error.contains("revoked, or lacks signatures"), "{error}");
    assert!(answer("two", &[]).ok().contains("nothing new to send"));
}
