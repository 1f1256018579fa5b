//! The description of the API, checked with tools that others use: a validator, and schemathesis, which makes requests of the description and
//! compares the answers of a real cluster with it.
//!
//! They are Python packages: see `requirements.txt`. `TACIT_OPENAPI_PYTHON` names the Python that has them, as `.ci/openapi` prints it.
//! Without it this test is skipped, loudly, unless `TACIT_REQUIRE_OPENAPI` is set. `TACIT_OPENAPI_SECONDS` says for how long requests are made.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get_as;
use tacit_tests::programs::Output;

/// For how long each of two runs makes requests, by default.
const SECONDS: &str = "20";

/// What schemathesis checks. It also has opinions on which requests should be refused, of which a problem document is the answer either way.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,allow_header_conformance";

/// The Python that has the tools; `None` if there is none.
fn python() -> Option<PathBuf> {
    if let Some(python) = std::env::var_os("TACIT_OPENAPI_PYTHON") {
        return Some(python.into());
    }
    assert!(
        std::env::var_os("TACIT_REQUIRE_OPENAPI").is_none(),
        "TACIT_REQUIRE_OPENAPI is set, but TACIT_OPENAPI_PYTHON is not"
    );
    // Not `println!`, of which a test that passes shows nothing.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: whether the API's description is valid and its answers follow it; set TACIT_OPENAPI_PYTHON to what .ci/openapi prints"
    );
    None
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name)
}

/// Publishes a public job that releases everything that a job can.
fn published(cluster: &TestCluster, id: &str) {
    cluster.write(&format!("{id}.items.csv"), "id,text\nitem-0,one\nitem-1,two\nitem-2,three\n");
    cluster.write(
        &format!("{id}.toml"),
        &format!(
            "name = \"{id}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = \"{id}.items.csv\"\n\
             answers_per_item = 3\nsensitive = false\npublic = true\n\
             release = [\"agreement\", \"class_totals\", \"labels\", \"payouts\", \"scores\"]\n\
             [payout]\ncurrency = \"EUR\"\nbase_per_item = 20000\nbonus_per_item = 20000\nbudget = 900000\n"
        ),
    );
    cluster.tacit(["job", "create", &format!("{id}.toml"), "--id", id]).ok();
    for (contributor, classes) in [
        ("ada", ["no", "yes", "no"]),
        ("bob", ["no", "yes", "yes"]),
        ("eve", ["yes", "yes", "no"]),
    ] {
        cluster.answer(id, contributor, &classes).ok();
    }
    cluster.finish(id);
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap().into()
}

#[test]
fn the_description_is_valid_and_every_answer_follows_it() {
    let Some(python) = python() else { return };
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    published(&cluster, "signs");
    let url = format!("http://{}", cluster.api);

    let said = run(Command::new(&python).arg(file("conforms.py")).args([&url, &cluster.token, "signs"])).ok();
    assert!(
        said.contains("/v1/jobs/signs/certificate 200") && said.contains("/v1/jobs/signs/result 200"),
        "{said}"
    );

    let seconds = std::env::var("TACIT_OPENAPI_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    for config in [Some("schemathesis.toml"), None] {
        let mut schemathesis = Command::new(python.with_file_name("schemathesis"));
        schemathesis.current_dir(cluster.folder()).env("TACIT_TEST_JOB", "signs");
        if let Some(config) = config {
            schemathesis.arg("--config-file").arg(file(config));
        }
        schemathesis.args(["run", &format!("{url}/openapi.json"), "--checks", CHECKS, "--max-time", &seconds]);
        schemathesis.args(["--phases", "examples,coverage,fuzzing", "--seed", "14", "--request-timeout", "10"]);
        // It cannot write the body of an upload, and takes a whole event for the status in it: the types of both are described in words.
        schemathesis.args(["--exclude-operation-id", "put_submission", "--exclude-operation-id", "events"]);
        schemathesis.args(["--no-color", "--warnings", "off", "--generation-database", "none"]);
        schemathesis.args(["-H", &format!("Authorization: Bearer {}", cluster.token)]);
        let output = run(&mut schemathesis);
        assert_eq!(output.code, Some(0), "{}\n{}", output.out, output.err);
        assert!(output.out.contains("15 selected"), "all others: {}", output.out);
    }
    // The coordinator lives, and what it has published is as it was.
    assert!(get_as(&cluster.token, &cluster.api, "/v1/jobs/signs").contains("\"published\""));
}
