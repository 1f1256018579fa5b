//! Nodes change the keys that contributors seal to while answers come in, by hand or by their interval. Not one upload is refused, all of them
//! count, and of a key whose time is over nothing is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tacit_protocol::api::ClusterInfo;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::fixtures::share;
use tacit_protocol::question::Answer;
use tacit_tests::api_client::{enrol, job, submit};
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{Connection, get};
use tacit_tests::impostor::coordinator::counted;
use tacit_tests::programs::run;
use tacit_tests::stored::sealing_keys;

const NODES: usize = 3;
/// How often each node changes its key.
const ROTATIONS: usize = 4;
/// How long older keys are kept, in seconds: far longer than an upload takes, and short enough to wait for.
const OVERLAP: u64 = 20;
/// How often nodes change their keys by themselves, in seconds, where nobody does it by hand.
const INTERVAL: u64 = 5;
/// How long a contributor uses the keys that it has fetched.
const FETCHED: Duration = Duration::from_secs(2);
/// How many contributors answer at most; one more would fill the job, which then closes.
const CONTRIBUTORS: usize = 998;

/// The cluster with the keys that the coordinator has now.
fn fetched(cluster: &TestCluster) -> Cluster {
    let info: ClusterInfo = serde_json::from_str(&get(&cluster.api, "/v1/cluster")).unwrap();
    let statements: Vec<_> = info.nodes.into_iter().map(|node| node.sealing).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let file = Cluster::parse(info.file.as_bytes()).unwrap();
    file.sealing_to(&statements, &[], now).unwrap()
}

fn numbers(cluster: &Cluster) -> Vec<u64> {
    cluster.sealing_keys().iter().map(|key| key.number).collect()
}

/// A cluster whose nodes have these settings, and a job with one contributor's answers.
fn cluster_with(settings: &[(&str, u64)]) -> TestCluster {
    let mut cluster = TestCluster::lay_out(NODES, 1);
    for node in 0..NODES {
        for (field, value) in settings {
            TestCluster::configure(&cluster.node_folder(node), field, *value);
        }
        cluster.start_node(node);
    }
    cluster.start_coordinator();
    cluster.ready();
    cluster.create_job("epochs", 2, CONTRIBUTORS + 2);
    // This waits until the coordinator has a key of every node.
    cluster.answer("epochs", "alice", &["no", "yes"]).ok();
    cluster
}

/// Answers as one contributor after the other until it is told to stop, with a pause after each. Returns how many did, and the keys they have
/// sealed to. Every upload must get a receipt.
fn answer_until(stop: &AtomicBool, cluster: &TestCluster, pause: Duration) -> (usize, BTreeSet<Vec<u64>>) {
    let (job, mut connection) = (job(cluster, "epochs"), Connection::open(&cluster.api));
    let (mut file, mut since) = (fetched(cluster), Instant::now());
    let (mut uploads, mut used) = (0, BTreeSet::new());
    while !stop.load(Ordering::SeqCst) && uploads < CONTRIBUTORS {
        if since.elapsed() > FETCHED {
            (file, since) = (fetched(cluster), Instant::now());
        }
        let name = format!("c{uploads}");
        let author = enrol(&mut connection, &file, &name);
        let answers = [(0, Answer::Class(1)), (1, Answer::Class(0))];
        let submission = share(&file, &job, &name, &author.key, &answers, &mut rand::rng()).unwrap();
        let receipt = submit(&mut connection, "epochs", &submission);
        assert_eq!(receipt.value.submission, submission.header.value.statement.id);
        used.insert(numbers(&file));
        uploads += 1;
        // So that they last until all keys have changed.
        std::thread::sleep(pause);
    }
    (uploads, used)
}

/// Whether a file below a folder holds one of these texts or byte strings.
fn is_found(folder: &Path, wanted: &[Vec<u8>]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_found(&path, wanted);
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |wanted: &Vec<u8>| bytes.windows(wanted.len()).any(|window| window == wanted);
        wanted.iter().any(holds)
    })
}

/// Publishes the job: the answers of this many contributors count, all of them, and no node has found one that it could not open.
fn all_count(cluster: &TestCluster, contributors: usize) {
    let out = cluster.finish("epochs");
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["job"]["answers"], 2 * contributors);
    assert_eq!(result["job"]["rejected_answers"], 0);
    for class in ["no", "yes"] {
        assert_eq!(result["class_totals"][class], contributors);
    }
    for process in cluster.nodes.iter().flatten() {
        for outcome in ["no_sealing_key", "unsealable"] {
            let name = format!("tacit_node_submissions_total{{outcome=\"{outcome}\"}} ");
            assert_eq!(counted(process.admin(), &name), 0, "{outcome}");
        }
    }
}

#[test]
fn keys_that_change_by_their_interval_refuse_no_upload() {
    let cluster = cluster_with(&[("sealing_interval_seconds", INTERVAL), ("sealing_overlap_seconds", OVERLAP)]);
    let first = numbers(&fetched(&cluster));
    // The epochs that were in use, by node.
    let mut epochs: Vec<BTreeSet<u64>> = first.iter().map(|number| BTreeSet::from([*number])).collect();
    let stop = AtomicBool::new(false);
    let (uploads, used) = std::thread::scope(|scope| {
        // With this pause the contributors last for a minute at least.
        let answering = scope.spawn(|| answer_until(&stop, &cluster, Duration::from_millis(60)));
        let end = Instant::now() + Duration::from_secs(60);
        while epochs.iter().any(|epochs| epochs.len() <= ROTATIONS) {
            assert!(Instant::now() < end, "keys do not change by themselves: {epochs:?}");
            for (epochs, number) in epochs.iter_mut().zip(numbers(&fetched(&cluster))) {
                epochs.insert(number);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        std::thread::sleep(FETCHED);
        stop.store(true, Ordering::SeqCst);
        answering.join().unwrap()
    });
    // The number of an epoch is the time of its begin.
    for (one, next) in epochs.iter().flat_map(|epochs| epochs.iter().zip(epochs.iter().skip(1))) {
        assert!(next - one >= INTERVAL, "a key was changed before its time: {epochs:?}");
    }
    assert!(used.len() >= ROTATIONS, "{used:?}");
    all_count(&cluster, uploads + 1);
}

#[test]
fn nodes_change_their_keys_under_load_and_no_upload_is_refused() {
    let mut cluster = cluster_with(&[("sealing_overlap_seconds", OVERLAP)]);
    // All keys that there were, by node.
    let mut keys = vec![std::collections::BTreeMap::new(); NODES];
    let stop = AtomicBool::new(false);
    let (uploads, used) = std::thread::scope(|scope| {
        let answering = scope.spawn(|| answer_until(&stop, &cluster, Duration::from_millis(25)));
        for _ in 0..ROTATIONS {
            let before = numbers(&fetched(&cluster));
            for (node, keys) in keys.iter_mut().enumerate() {
                let folder = cluster.node_folder(node);
                keys.append(&mut sealing_keys(&folder));
                run(
                    "tacit-node",
                    ["rotate-sealing-key", "--config", folder.join("config.toml").to_str().unwrap()],
                )
                .ok();
                keys.append(&mut sealing_keys(&folder));
            }
            let end = Instant::now() + Duration::from_secs(60);
            while numbers(&fetched(&cluster)).iter().zip(&before).any(|(now, before)| now <= before) {
                assert!(Instant::now() < end, "the new keys are not in use");
                std::thread::sleep(Duration::from_millis(100));
            }
            // Some answers are sealed to these keys.
            std::thread::sleep(FETCHED);
        }
        stop.store(true, Ordering::SeqCst);
        answering.join().unwrap()
    });
    assert!(used.len() > ROTATIONS, "{used:?}");
    assert!(keys.iter().all(|keys| keys.len() == ROTATIONS + 1));

    all_count(&cluster, uploads + 1);

    let end = Instant::now() + Duration::from_secs(60 + OVERLAP);
    while (0..NODES).any(|node| sealing_keys(&cluster.node_folder(node)).len() > 1) {
        assert!(Instant::now() < end, "older keys are still there");
        std::thread::sleep(Duration::from_millis(200));
    }
    for (node, mut keys) in keys.into_iter().enumerate() {
        cluster.kill_node(node);
        let (_, newest) = keys.pop_last().unwrap();
        let spellings = |secret: &[u8]| [secret.to_vec(), hex::encode(secret).into_bytes()];
        let over: Vec<Vec<u8>> = keys.values().flat_map(|key| spellings(key.to_bytes())).collect();
        let folder = cluster.node_folder(node);
        assert!(is_found(&folder, &spellings(newest.to_bytes())), "the search finds the key in use");
        assert!(
            !is_found(&folder, &over),
            "a key whose time is over is still on the disk of node {node}"
        );
    }
}
