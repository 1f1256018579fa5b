//! Runs the commands of the guide in `deploy/` on a booted systemd, and checks the file tree of the container image. All but the last need
//! root and kernel namespaces; without them they are skipped, or fail if `TACIT_REQUIRE_SYSTEMD` is set.

use std::io::Write;
use std::path::Path;

use tacit_tests::booted_host::BootedHost;
use tacit_tests::cluster::TestCluster;
use tacit_tests::programs::program;

const GUIDE: &str = include_str!("../../deploy/README.md");
const MEMBERS: [&str; 4] = ["node-1", "node-2", "node-3", "coordinator"];

/// The commands of the guide's section on one machine, by the number of the step.
fn step(number: usize) -> &'static str {
    let section = GUIDE.split("\n## ").find(|section| section.starts_with("One machine\n")).unwrap();
    let step = section.split("\n**").find(|step| step.starts_with(&format!("{number}. "))).unwrap();
    let (_, rest) = step.split_once("```sh\n").unwrap();
    rest.split_once("```").unwrap().0
}

/// A host where the programs are built as the guide says.
fn prepared_host() -> Option<BootedHost> {
    let programs = program("tacit").parent().unwrap().to_owned();
    let host = BootedHost::boot()?;
    let checkout = host.run(&format!("test -d target && test -d '{}'", programs.display()));
    if checkout.code != Some(0) {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the machine does not see the checkout, which is on another file system"
        );
        return None;
    }
    // Remove the files of somebody who followed the guide here before: `init` does not overwrite them.
    host.run("rm -rf /etc/tacit /var/lib/tacit /var/lib/private/tacit cluster").ok();
    host.run(&format!(
        "mkdir -p target/release && mount --bind '{}' target/release",
        programs.display()
    ))
    .ok();
    Some(host)
}

fn finish_a_job(host: &BootedHost) {
    let output = host.run(step(6)).ok();
    let signed = "signed by    node-1 (Operator 1), node-2 (Operator 2), node-3 (Operator 3)";
    assert!(
        output.contains(
            "
verified
"
        ) && output.contains(signed),
        "{output}"
    );
}

#[test]
fn the_guide_leads_to_a_finished_job_with_every_member_on_its_own() {
    let Some(host) = prepared_host() else { return };
    for number in 1..=4 {
        host.run(step(number)).ok();
    }
    // Installed only on that host, if the package is available.
    let _ = host.run("systemctl cat prometheus || dpkg --install --force-depends target/prometheus/prometheus_*.deb");
    let watched = host.run("systemctl cat prometheus").code == Some(0);
    if !watched {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the guide's Prometheus, which is not here as a Debian package"
        );
    }
    if watched {
        host.run(step(5)).ok();
    }
    finish_a_job(&host);
    each_has_its_own(&host);
    if watched {
        no_alert_fires(&host);
    }
    host.run("systemctl stop 'tacit-*'").ok();
    let journal = host.journal();
    let stopped = journal
        .lines()
        .filter(|line| line.starts_with("tacit-") && line.ends_with(": Deactivated successfully."));
    assert_eq!(stopped.count(), MEMBERS.len(), "{journal}");
}

/// No service can read the folder of another.
fn each_has_its_own(host: &BootedHost) {
    let unit = |member: &str| match member {
        "coordinator" => "tacit-coordinator".to_owned(),
        node => format!("tacit-node@{node}"),
    };
    let mut users = Vec::new();
    for member in MEMBERS {
        // As the program itself: with its mounts and its user.
        let own = format!(
            "process=$(systemctl show --property=MainPID --value {0})
             user=$(stat --format=%u /proc/$process)
             as() {{ nsenter --target $process --mount -- setpriv --reuid $user --regid $user --clear-groups \"$@\"; }}
             as test -r /var/lib/tacit/{member}/
             as test -r /run/credentials/{0}.service/identity.key
             for other in {1}; do
                 for folder in /var/lib/tacit/$other/ /etc/tacit/$other/; do
                     [ $folder != /var/lib/tacit/{member}/ ] || continue
                     ! as ls $folder >&2 2>/dev/null || exit 3
                 done
             done
             for folder in /etc /usr /var/lib; do
                 ! as touch $folder/x 2>/dev/null || exit 4
             done
             echo $user",
            unit(member),
            MEMBERS.join(" "),
        );
        users.push(host.run(&own).ok());
    }
    users.sort();
    users.dedup();
    assert_eq!(users.len(), MEMBERS.len(), "{users:?}");
    assert!(!users.contains(&"0\n".to_owned()), "{users:?}");
}

fn no_alert_fires(host: &BootedHost) {
    let ask = |query: &str| format!("curl --silent --fail --get --data-urlencode 'query={query}' http://127.0.0.1:9090/api/v1/query");
    // All members are scraped, and every rule has been evaluated since then.
    host.until(&format!("{} | grep '\"4\"'", ask("count(up == 1)")));
    host.until("! curl --silent http://127.0.0.1:9090/api/v1/rules | grep '\"lastEvaluation\":\"0001'");
    let alerts: serde_json::Value = serde_json::from_str(&host.run(step(7)).ok()).unwrap();
    let alerts = alerts["data"]["alerts"].as_array().unwrap();
    assert!(alerts.iter().all(|alert| alert["state"] != "firing"), "{alerts:?}");
}

/// Runs a program of the image as `deploy/compose/compose.yaml` does: the tree as a read-only root, as user 65532 without privileges, with
/// a volume for keys, one for the store, and the cluster file's folder. `keys` says how the first is bound, `kind` when it counts as started.
fn contained(folder: &Path, member: &str, keys: &str, kind: &str, command: &str) -> String {
    let folder = folder.display();
    format!(
        "cat > /run/systemd/system/{member}.service <<END
[Service]
Type={kind}
RootDirectory={folder}/tree
MountAPIVFS=yes
ReadOnlyPaths=/
TemporaryFileSystem=/tmp
{keys}={folder}/{member}/keys:/etc/tacit
BindPaths={folder}/{member}/data:/var/lib/tacit
BindReadOnlyPaths={folder}/cluster:/cluster
User=65532
Group=65532
CapabilityBoundingSet=
NoNewPrivileges=yes
StandardOutput=append:{folder}/said/{member}.out
StandardError=append:{folder}/said/{member}.err
ExecStart=/usr/bin/{command}
END
systemctl daemon-reload
systemctl start {member} || {{ journalctl --no-pager --output=cat --unit={member} >&2; cat {folder}/said/{member}.err >&2; exit 1; }}"
    )
}

#[test]
fn the_images_tree_is_all_that_a_cluster_needs() {
    let Some(host) = prepared_host() else { return };
    let folder = host.folder().join("containers");
    let at = folder.display();
    host.run(&format!(
        "# systemd asks this machine who the image's user is.
             groupadd --gid 65532 tacit && useradd --uid 65532 --gid 65532 tacit
             mkdir -p {at}/cluster {at}/said
             deploy/container/tree target/release {at}/tree
             for member in {} probe; do
                 install -d -m 700 -o 65532 -g 65532 {at}/$member/{{keys,data}}
             done",
        MEMBERS.join(" ")
    ))
    .ok();
    let files = host.run(&format!("find {at}/tree -type f -printf '%P\\n'")).ok();
    assert!(
        !files.lines().any(|file| file.contains("bin/") && !file.contains("tacit")),
        "{files}"
    );

    for member in MEMBERS {
        let init = match member {
            "coordinator" => "tacit-coordinator init --url http://127.0.0.1:8080 --listen 0.0.0.0:8080 --admin 0.0.0.0:9110".to_owned(),
            node => {
                let n = node.trim_start_matches("node-");
                let listens = format!("--address 127.0.0.1:443{n} --admin 0.0.0.0:911{n}");
                format!("tacit-node init --name {node} --operator 'Operator {n}' {listens}")
            }
        };
        let command = format!("{init} --dir /etc/tacit --cluster /cluster/cluster.toml --data /var/lib/tacit");
        host.run(&contained(&folder, member, "BindPaths", "oneshot", &command)).ok();
    }
    host.run(&format!(
        "target=$PWD/target/release
             cd {at}
             $target/tacit cluster create --name containers --threshold 1 --out cluster/cluster.toml said/*.out
             cp said/coordinator.err cluster/buyer.txt"
    ))
    .ok();
    // The container's health check.
    let ask = "tacit probe http://127.0.0.1:9110/readyz";
    let ready = contained(&folder, "probe", "BindReadOnlyPaths", "oneshot", ask);
    let early = host.run(&ready);
    assert!(early.code == Some(1) && early.err.contains("cannot be reached"), "{early:?}");
    for member in MEMBERS {
        let name = if member == "coordinator" {
            "tacit-coordinator"
        } else {
            "tacit-node"
        };
        let command = format!("{name} run --config /etc/tacit/config.toml");
        host.run(&contained(&folder, member, "BindReadOnlyPaths", "exec", &command)).ok();
    }
    host.until(&ready);
    // The job of the guide, run by a client outside of the containers.
    host.run(&format!(
        "install target/release/tacit /usr/local/bin/ && rm -rf cluster && cp -r {at}/cluster cluster"
    ))
    .ok();
    finish_a_job(&host);
}

#[test]
fn a_probe_says_whether_a_node_is_alive_and_ready() {
    let mut cluster = TestCluster::lay_out(3, 1);
    cluster.start_node(0);
    let admin = cluster.nodes[0].as_ref().unwrap().admin().to_owned();
    let probe = |path: &str| cluster.tacit(["probe", &format!("http://{admin}{path}")]);
    assert_eq!(probe("/livez").ok(), "ok\n");
    let error = probe("/readyz").error();
    assert!(error.contains("503") && error.contains("0 peers connected"), "{error}");
    let gone = cluster.nodes[0].take().unwrap();
    gone.terminate();
    let error = cluster.tacit(["probe", &format!("http://{admin}/livez")]).error();
    assert!(error.contains("cannot be reached"), "{error}");
}
