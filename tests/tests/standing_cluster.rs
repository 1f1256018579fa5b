//! `tacit up` and `tacit down`: a cluster that runs until it is stopped.

use std::fs::Permissions;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use serde_json::Value;
use tacit_protocol::cluster::Cluster;
use tacit_tests::http::get;
use tacit_tests::left_behind::{Seen, names, wait_for};
use tacit_tests::programs::Output;
use tacit_tests::prometheus::tool;
use tacit_tests::standing_cluster::Workplace;

const MEMBERS: [&str; 4] = ["coordinator", "node-1", "node-2", "node-3"];
/// The members and the page.
const PROGRAMS: usize = 5;
const ALL_STARTED: &str = "started: node-1, node-2, node-3, coordinator, page\n";
const ALL_STOPPED: &str = "stopped: page, coordinator, node-1, node-2, node-3; files and keys stay in tacit-cluster\n";

/// A workplace with a new cluster that runs.
fn running() -> Workplace {
    let workplace = Workplace::make();
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    workplace
}

/// Waits for a command that was begun.
fn finish(child: Child) -> Output {
    child.wait_with_output().unwrap().into()
}

/// Begins `tacit up`, waits until `look` finds something, and sends a signal to the command. Returns its output.
fn interrupt<T>(workplace: &Workplace, signal: &str, look: impl FnMut() -> Option<T>) -> Output {
    let child = workplace.begin(&["up"]);
    wait_for("a moment of `tacit up`", look);
    let command = Seen {
        id: child.id(),
        folder: workplace.folder().to_owned(),
        line: String::new(),
    };
    command.signal(signal);
    finish(child)
}

/// host:port of the page, from what `tacit up` says.
fn page(said: &str) -> String {
    let url = said.lines().find_map(|line| line.strip_prefix("page ")).unwrap().trim();
    url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned()
}

/// A field of the config file of a member.
fn config(workplace: &Workplace, name: &str, field: &str) -> String {
    let text = std::fs::read_to_string(workplace.cluster(name).join("config.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    table[field].as_str().unwrap().to_owned()
}

#[test]
fn up_leaves_a_cluster_running_that_can_be_used_at_once_and_again_after_down() {
    let workplace = running();
    assert_eq!(workplace.processes().len(), PROGRAMS);
    for name in MEMBERS.into_iter().chain(["page"]) {
        let process = workplace.process(name).unwrap_or_else(|| panic!("{name} does not run"));
        // It leads a session of its own, without a terminal.
        let stat = process.stat();
        assert_eq!(
            (stat[3].as_str(), stat[4].as_str()),
            (process.id.to_string().as_str(), "0"),
            "{stat:?}"
        );
        let input = std::fs::read_link(format!("/proc/{}/fd/0", process.id)).unwrap();
        assert_eq!(input.to_str(), Some("/dev/null"));
    }
    for name in MEMBERS {
        let url = format!("http://{}/readyz", config(&workplace, name, "admin"));
        workplace.tacit(&["probe", &url]).ok();
    }

    let before = workplace.processes();
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with("the cluster runs already\n"), "{said}");
    assert_eq!(workplace.processes(), before);
    let coordinator = format!("coordinator   http://{}\n", config(&workplace, "coordinator", "listen"));
    assert!(said.contains(&coordinator), "{said}");
    let page = page(&said);
    assert!(get(&page, "/").contains("<title>Tacit</title>"));
    let file = std::fs::read_to_string(workplace.cluster("cluster.toml")).unwrap();
    assert_eq!(get(&page, "/cluster.toml"), file);
    let digest = Cluster::parse(file.as_bytes()).unwrap().digest();
    assert!(said.contains(&format!("http://{page}/#cluster={digest}&job=ID, with")), "{said}");

    // The commands that it proposes can be typed as they stand.
    let next = said.split_once("as it stands:\n").unwrap().1.split_once("`tacit down`").unwrap().0;
    assert_eq!(next.trim().lines().count(), 4, "{next}");
    let output = workplace.bash(next).ok();
    assert!(output.contains("signs published: 2 submissions with 6 answers"), "{output}");
    assert!(output.trim_end().ends_with("verified"), "{output}");

    assert_eq!(workplace.tacit(&["down"]).ok(), ALL_STOPPED);
    assert_eq!(workplace.processes(), []);
    assert_eq!(workplace.tacit(&["down"]).ok(), "nothing runs of the cluster in tacit-cluster\n");

    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED) && said.contains(&coordinator), "{said}");
    // What browsers keep belongs to the address.
    assert!(said.contains(&format!("http://{page}/\n")), "{said}");
    assert_eq!(get(&page, "/cluster.toml"), file);
    let buyer = "export TACIT_CLUSTER=tacit-cluster/cluster.toml TACIT_BUYER_KEY=tacit-cluster/buyer.key";
    let status = workplace.bash(&format!("{buyer}\ntacit job status signs")).ok();
    assert!(status.contains("published"), "{status}");
    workplace.tacit(&["down"]).ok();
}

/// A code of the issuer in the directory is all that a contributor needs for a job of its pool.
#[test]
fn an_invitation_admits_to_a_job_of_the_pool() {
    let workplace = running();
    let script = r#"
        export TACIT_CLUSTER=tacit-cluster/cluster.toml TACIT_BUYER_KEY=tacit-cluster/buyer.key
        sed 's|^# issuers = .*|issuers = "tacit-cluster/issuer/pool.toml"|; s|"items.csv"|"tacit-cluster/example/items.csv"|' \
            tacit-cluster/example/signs.toml > invited.toml
        tacit job create invited.toml --id invited --token-file tacit-cluster/token
        grep '^"person-3",' tacit-cluster/issuer/invitations.csv | sed 's/.*,//' | tr -d '"' > code.txt
        tacit answer invited --answers tacit-cluster/example/alice.csv --invitation-file code.txt --public-answers
    "#;
    let output = workplace.bash(script).ok();
    assert!(output.contains("invited: 3 new answers"), "{output}");
    workplace.tacit(&["down"]).ok();
}

/// To be stopped, a program needs neither its config file nor the program beside `tacit`.
#[test]
fn a_cluster_with_a_damaged_config_file_can_be_stopped() {
    let workplace = running();
    std::fs::write(workplace.cluster("node-1/config.toml"), "???").unwrap();
    std::fs::remove_file(workplace.cluster("coordinator/config.toml")).unwrap();
    assert_eq!(workplace.tacit(&["down"]).ok(), ALL_STOPPED);
    assert!(workplace.processes().is_empty());
    let error = workplace.tacit(&["up"]).error();
    assert!(error.contains("node-1"), "{error}");
    assert!(workplace.processes().is_empty());
}

#[test]
fn up_starts_what_has_ended_and_leaves_alone_what_runs() {
    let workplace = running();
    for name in ["node-2", "page"] {
        let killed = workplace.process(name).unwrap();
        killed.signal("-KILL");
        let said = workplace.tacit(&["up"]).ok();
        assert!(said.starts_with(&format!("started: {name}; the others ran already\n")), "{said}");
        assert_ne!(workplace.process(name).unwrap().id, killed.id);
    }

    // As after a crash of the machine. A process that has nothing to do with the cluster works in a folder of it.
    workplace.processes().iter().for_each(|process| process.signal("-KILL"));
    let mut stranger = workplace.command("sleep");
    let mut stranger = stranger.arg("600").current_dir(workplace.cluster("node-1")).spawn().unwrap();
    assert_eq!(workplace.tacit(&["down"]).ok(), "nothing runs of the cluster in tacit-cluster\n");
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    assert_eq!(workplace.tacit(&["down"]).ok(), ALL_STOPPED);
    assert_eq!(
        stranger.try_wait().unwrap(),
        None,
        "`tacit down` has stopped a process that is not of the cluster"
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// The processes are found although the directory has another name since they were started.
#[test]
fn a_directory_that_was_moved_is_still_the_cluster() {
    let workplace = running();
    std::fs::rename(workplace.cluster(""), workplace.folder().join("moved")).unwrap();
    let said = workplace.tacit(&["up", "--dir", "moved"]).ok();
    assert!(said.starts_with("the cluster runs already\n"), "{said}");
    let said = workplace.tacit(&["down", "--dir", "moved"]).ok();
    assert!(said.starts_with("stopped: page, coordinator, node-1, node-2, node-3;"), "{said}");
}

#[test]
fn an_interrupted_up_stops_what_it_has_started_and_nothing_else() {
    let workplace = running();
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        // With frozen nodes the coordinator does not become ready, and the command waits.
        workplace.process("coordinator").unwrap().signal("-KILL");
        wait_for("the coordinator's end", || workplace.process("coordinator").is_none().then_some(()));
        let running = workplace.processes();
        assert_eq!(running.len(), PROGRAMS - 1);
        running.iter().for_each(|program| program.signal("-STOP"));
        let output = interrupt(&workplace, signal, || workplace.process("coordinator"));
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(
            output.err.contains(&format!("interrupted by SIG{}", &signal[1..])),
            "{}",
            output.err
        );
        assert_eq!(workplace.processes(), running, "these ran before");
        running.iter().for_each(|program| program.signal("-CONT"));
        let said = workplace.tacit(&["up"]).ok();
        assert!(said.starts_with("started: coordinator; the others ran already\n"), "{said}");
    }
    workplace.tacit(&["down"]).ok();
}

#[test]
fn a_first_up_that_is_interrupted_leaves_no_process_and_the_next_one_succeeds() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let workplace = Workplace::make();
        let unfinished = workplace.cluster("unfinished");
        let output = interrupt(&workplace, signal, || unfinished.exists().then_some(()));
        assert_eq!(output.code, Some(code), "{output:?}");
        assert_eq!(workplace.processes(), []);
        assert!(!unfinished.exists());
        let said = workplace.tacit(&["up"]).ok();
        assert!(said.starts_with(ALL_STARTED), "{said}");
        workplace.tacit(&["down"]).ok();
    }
}

/// No program can handle SIGKILL. What `up` had started runs on, and the next command finds it.
#[test]
fn what_a_killed_up_has_started_is_found_by_the_next_command() {
    let workplace = Workplace::make();
    let output = interrupt(&workplace, "-KILL", || workplace.process("node-1"));
    assert_eq!(output.code, None, "{output:?}");
    assert!(workplace.process("node-1").is_some());
    workplace.tacit(&["up"]).ok();
    assert_eq!(workplace.processes().len(), PROGRAMS);
    assert_eq!(workplace.tacit(&["down"]).ok(), ALL_STOPPED);
    assert_eq!(workplace.processes(), []);
}

#[test]
fn a_member_that_cannot_start_stops_the_others_and_the_error_names_its_log() {
    let workplace = running();
    workplace.tacit(&["down"]).ok();
    let taken = UdpSocket::bind(config(&workplace, "node-2", "listen")).unwrap();
    let error = workplace.tacit(&["up"]).error();
    for part in ["node-2 has ended", "in use", "tacit-cluster/node-2/log.txt"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(workplace.processes(), []);
    drop(taken);
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    workplace.tacit(&["down"]).ok();
}

#[test]
fn two_commands_at_the_same_time_work_one_after_the_other() {
    let workplace = Workplace::make();
    let both = [workplace.begin(&["up"]), workplace.begin(&["up"])];
    let mut said = both.map(|child| finish(child).ok());
    said.sort();
    assert!(said[0].starts_with(ALL_STARTED), "{said:?}");
    assert!(said[1].starts_with("the cluster runs already\n"), "{said:?}");
    assert_eq!(workplace.processes().len(), PROGRAMS);
    workplace.tacit(&["down"]).ok();
}

#[test]
fn a_folder_that_is_no_cluster_is_left_alone() {
    let workplace = Workplace::make();
    let error = workplace.tacit(&["down"]).error();
    assert!(error.contains("there is no cluster of `tacit up` in tacit-cluster"), "{error}");

    std::fs::create_dir(workplace.cluster("")).unwrap();
    std::fs::write(workplace.cluster("thesis.txt"), "all I have").unwrap();
    for words in [["up"].as_slice(), &["down"]] {
        workplace.tacit(words).error();
        assert_eq!(names(&workplace.cluster("")), ["thesis.txt"]);
    }
    // A new folder that cannot be filled is not left behind.
    let error = workplace
        .tacit(&["up", "--dir", "other", "--nodes", "3", "--threshold", "2"])
        .error();
    assert!(error.contains("--threshold"), "{error}");
    assert_eq!(names(workplace.folder()), ["tacit-cluster"]);
}

/// Whoever can write to the folder could put a cluster of their own there.
#[test]
fn a_folder_that_other_users_can_write_to_is_refused() {
    let workplace = Workplace::make();
    std::fs::create_dir(workplace.cluster("")).unwrap();
    for mode in [0o777, 0o775, 0o757] {
        std::fs::set_permissions(workplace.cluster(""), Permissions::from_mode(mode)).unwrap();
        let error = workplace.tacit(&["up"]).error();
        assert!(error.contains("other users can write to tacit-cluster"), "{error}");
        assert!(names(&workplace.cluster("")).is_empty());
    }
}

/// An `up` that is killed leaves an unfinished folder, or has moved a part of what it made.
#[test]
fn an_unfinished_folder_is_made_again_or_completed() {
    let workplace = Workplace::make();
    let unfinished = workplace.cluster("unfinished");
    std::fs::create_dir_all(unfinished.join("node-1")).unwrap();
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    workplace.tacit(&["down"]).ok();

    std::fs::create_dir(&unfinished).unwrap();
    for name in ["node-1", "token", "cluster.toml"] {
        std::fs::rename(workplace.cluster(name), unfinished.join(name)).unwrap();
    }
    let key = std::fs::read(unfinished.join("node-1/identity.key")).unwrap();
    let error = workplace.tacit(&["up", "--nodes", "5", "--threshold", "2"]).error();
    assert!(error.contains("has --nodes 3 and --threshold 1"), "{error}");
    let said = workplace.tacit(&["up"]).ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    assert!(!unfinished.exists());
    assert_eq!(std::fs::read(workplace.cluster("node-1/identity.key")).unwrap(), key);
    workplace.tacit(&["down"]).ok();
}

#[test]
fn prometheus_watches_the_cluster_where_it_is_installed() {
    if tool("prometheus").is_none() {
        return;
    }
    let workplace = Workplace::make();
    let said = workplace.tacit(&["up", "--monitor"]).ok();
    assert!(
        said.starts_with("started: prometheus, node-1, node-2, node-3, coordinator, page\n"),
        "{said}"
    );
    let url = said.lines().find_map(|line| line.strip_prefix("Prometheus")).unwrap().trim();
    let address = url.strip_prefix("http://").unwrap();
    let ask = |path: &str| -> Value { serde_json::from_str(&get(address, path)).unwrap() };
    // All members are scraped; until then the result is empty.
    let all_up = "/api/v1/query?query=count(up%3D%3D1)%3D%3D4";
    wait_for("Prometheus to see all members", || {
        let result = ask(all_up)["data"]["result"].clone();
        (result.as_array().unwrap().len() == 1).then_some(())
    });
    let rules = ask("/api/v1/rules")["data"]["groups"].to_string();
    assert!(rules.contains("tacit-reachability") && rules.contains("tacit-recording"), "{rules}");
    assert!(workplace.cluster("prometheus/data").is_dir());

    let said = workplace.tacit(&["down"]).ok();
    assert!(
        said.starts_with("stopped: page, coordinator, node-1, node-2, node-3, prometheus;"),
        "{said}"
    );
    assert_eq!(workplace.processes(), []);
    // From then on it belongs to the cluster, at the same address.
    let again = workplace.tacit(&["up"]).ok();
    assert!(again.starts_with("started: prometheus, ") && again.contains(url), "{again}");
    workplace.tacit(&["down"]).ok();
}

#[test]
fn without_prometheus_the_cluster_runs_unwatched_and_says_so() {
    let workplace = Workplace::make();
    // Only what the command itself needs is on the path.
    let setsid = workplace.bash("command -v setsid").ok();
    let bin = workplace.folder().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(setsid.trim(), bin.join("setsid")).unwrap();
    let tacit = workplace.bash("command -v tacit").ok();
    let output: Output = workplace
        .command(tacit.trim())
        .args(["up", "--monitor"])
        .env("PATH", &bin)
        .output()
        .unwrap()
        .into();
    let said = output.ok();
    assert!(said.starts_with(ALL_STARTED), "{said}");
    assert!(
        said.contains("Prometheus    is not on the PATH, so nothing is monitored\n"),
        "{said}"
    );
    assert_eq!(workplace.tacit(&["down"]).ok(), ALL_STOPPED);
}
