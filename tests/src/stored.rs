//! Reads what stopped nodes and coordinators have stored, with the keys of the nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use serde::Deserialize;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_program::create_private;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::decode;
use tacit_protocol::fixtures::sealing_to;
use tacit_protocol::identity::{SecretKey, Signed};
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::sealing::{AtRestKey, RecordKey, Suite, UnsealingKey};
use tacit_protocol::sealing_epoch::EpochKey;
use tacit_protocol::submission::{Delivery, Header, OpenedSubmission};

use crate::cluster::TestCluster;

/// A file of the folder `sealing`.
#[derive(Deserialize)]
struct SealingFile {
    suite: Suite,
    secret_key: String,
}

/// A submission opened by a node.
#[derive(Debug)]
pub struct Opened {
    /// The header.
    pub header: Header,
    /// The components that the node holds, with their elements.
    pub components: Vec<(usize, Vec<Fp61>)>,
}

/// The database of a node that does not run.
pub fn node_store(folder: &Path) -> Connection {
    Connection::open(folder.join("data/node.sqlite")).unwrap()
}

/// The database of a coordinator that does not run.
pub fn coordinator_store(folder: &Path) -> Connection {
    let files = std::fs::read_dir(folder.join("data")).unwrap().map(|entry| entry.unwrap().path());
    let stores: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "sqlite")).collect();
    let [store] = stores.as_slice() else { panic!("{stores:?}") };
    Connection::open(store).unwrap()
}

/// The sealing keys of a node, by the number of their epoch. A node that never ran gets one.
pub fn sealing_keys(folder: &Path) -> BTreeMap<u64, UnsealingKey> {
    let sealing = folder.join("data/sealing");
    if !sealing.exists() {
        let number = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let secret = hex::encode(UnsealingKey::generate(Suite::XWing, &mut rand::rng()).to_bytes());
        let end = number + 7 * 24 * 3600;
        let text = format!("expires = {end}\nopens_older_until = {end}\nsuite = \"x-wing\"\nsecret_key = \"{secret}\"\n");
        std::fs::create_dir_all(&sealing).unwrap();
        create_private(&sealing.join(format!("{number}.key")), text.as_bytes()).unwrap();
    }
    let entries = std::fs::read_dir(sealing).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let number = path.file_stem().unwrap().to_str().unwrap().parse().ok()?;
        // A running node may have destroyed it meanwhile.
        let file: SealingFile = toml::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        Some((
            number,
            UnsealingKey::from_bytes(file.suite, &hex::decode(file.secret_key).unwrap()).unwrap(),
        ))
    };
    entries.filter_map(read).collect()
}

/// A node's newest sealing key.
pub fn sealing_key(folder: &Path) -> UnsealingKey {
    sealing_keys(folder).pop_last().unwrap().1
}

/// A cluster with the newest sealing key of each node, out of the folders of the nodes. The nodes must have run.
pub fn with_sealing_keys(file: Cluster, cluster: &TestCluster) -> Cluster {
    let newest = |node| {
        let (number, key) = sealing_keys(&cluster.node_folder(node)).pop_last().unwrap();
        EpochKey { number, key: key.public() }
    };
    let keys = (0..file.nodes().len()).map(newest).collect();
    sealing_to(file, keys)
}

/// The identity key in a member's folder.
pub fn identity(folder: &Path) -> SecretKey {
    SecretKey::from_bytes(&tacit_program::key_file::read_seed(&folder.join("identity.key")).unwrap())
}

/// The path of the file that holds a node's key of a job.
pub fn job_key_file(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join("data/job-keys").join(digest.to_string())
}

/// The number of a job in a store, which its own tables are called by.
pub fn number(store: &Connection, id: &str) -> i64 {
    store
        .query_row("SELECT number FROM jobs WHERE id = ?1", [id], |row| row.get(0))
        .unwrap()
}

/// The digest of a job, and a node's key of it.
fn job_key(folder: &Path, store: &Connection, id: &str) -> (Digest, AtRestKey) {
    let digest = store.query_row("SELECT digest FROM jobs WHERE id = ?1", [id], |row| row.get(0));
    let digest = Digest::from_bytes(digest.unwrap());
    let key = std::fs::read(job_key_file(folder, &digest)).unwrap();
    (digest, AtRestKey::from_bytes(&key.try_into().unwrap()))
}

/// Records at a node that does not run that outputs of a job were released for this accepted set, or for none, with the node's own key. Of
/// the job's noise, and of what the node has announced, nothing stays.
pub fn record_release(folder: &Path, id: &str, accepted: Option<&Digest>) {
    let store = node_store(folder);
    let (digest, _) = job_key(folder, &store, id);
    let code = RecordKey::of(&identity(folder)).code(&digest, accepted);
    let set = "UPDATE jobs SET released = ?2, record = ?3, noise = NULL, announced = NULL WHERE id = ?1";
    let released = accepted.map(Digest::as_bytes);
    assert_eq!(store.execute(set, rusqlite::params![id, released, code]).unwrap(), 1);
}

/// Takes from a node that does not run what its peers have announced.
pub fn forget_notices(folder: &Path) {
    node_store(folder).execute("DELETE FROM notices", []).unwrap();
}

/// What a node has recorded of a job's releases, as a backup of its store would keep it.
#[derive(Debug)]
pub struct ReleaseRecord {
    released: Option<Vec<u8>>,
    code: Vec<u8>,
    announced: Option<Vec<u8>>,
    noise: Option<Vec<u8>>,
}

/// Reads at a node that does not run what it has recorded of a job's releases.
pub fn release_record(folder: &Path, id: &str) -> ReleaseRecord {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(ReleaseRecord {
            released: row.get(0)?,
            code: row.get(1)?,
            announced: row.get(2)?,
            noise: row.get(3)?,
        })
    };
    let query = "SELECT released, record, announced, noise FROM jobs WHERE id = ?1";
    node_store(folder).query_row(query, [id], read).unwrap()
}

/// Puts an earlier record back at a node that does not run, as somebody who restores a backup does.
pub fn restore_release_record(folder: &Path, id: &str, record: &ReleaseRecord) {
    let ReleaseRecord {
        released,
        code,
        announced,
        noise,
    } = record;
    let set = "UPDATE jobs SET released = ?2, record = ?3, announced = ?4, noise = ?5 WHERE id = ?1";
    let changed = node_store(folder).execute(set, rusqlite::params![id, released, code, announced, noise]);
    assert_eq!(changed.unwrap(), 1);
}

/// A job, read from a node's database.
pub fn job(folder: &Path, cluster: &Cluster, id: &str) -> Job {
    let store = node_store(folder);
    let (digest, key) = job_key(folder, &store, id);
    let sealed: Vec<u8> = store
        .query_row(&format!("SELECT spec FROM spec_{}", number(&store, id)), [], |row| row.get(0))
        .unwrap();
    let binding = [b"tacit/v1 kept spec".as_slice(), digest.as_bytes()].concat();
    let spec = key.open(&binding, sealed).unwrap();
    Job::open(&cluster.digest(), id.parse().unwrap(), SignedSpec::from_json(&spec).unwrap()).unwrap()
}

/// Every submission of a job that node `node` has stored, opened with its key.
pub fn opened(folder: &Path, cluster: &Cluster, job_id: &str, node: usize) -> Vec<Opened> {
    let store = node_store(folder);
    let (_, key) = job_key(folder, &store, job_id);
    let job = job(folder, cluster, job_id);
    let sql = format!(
        "SELECT s.digest, s.body, c.sealed FROM submissions_{0} s JOIN components_{0} c ON c.number = s.components ORDER BY s.digest",
        number(&store, job_id)
    );
    let mut query = store.prepare(&sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?)));
    rows.unwrap()
        .map(|row| {
            let (digest, header, sealed) = row.unwrap();
            let digest = Digest::from_bytes(digest);
            let header = Header::from_stored(&header, &digest).unwrap();
            let opened = header.open_at_rest(cluster, &job, (node, &digest), &key, sealed).unwrap();
            components(header, &opened, cluster, node)
        })
        .collect()
}

/// Opens a delivery with the key of the node it is for.
pub fn open(delivery: &Delivery, cluster: &Cluster, job: &Job, node: usize, key: &UnsealingKey) -> Opened {
    let opened = delivery.open(cluster, job, node, key).unwrap();
    components(delivery.header.value.clone(), &opened, cluster, node)
}

fn components(header: Header, opened: &OpenedSubmission, cluster: &Cluster, node: usize) -> Opened {
    let held = cluster.access().held_by(node).into_iter().enumerate();
    Opened {
        header,
        components: held
            .map(|(position, component)| (component, opened.expand(position).to_vec()))
            .collect(),
    }
}

/// Every envelope that the coordinator has stored, as a delivery to the node it is for.
pub fn envelopes(folder: &Path) -> Vec<(usize, Delivery)> {
    let store = coordinator_store(folder);
    let jobs = "SELECT number FROM jobs WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'envelopes_' || number) ORDER BY number";
    let mut query = store.prepare(jobs).unwrap();
    let jobs: Vec<i64> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for job in jobs {
        let sql = format!(
            "SELECT e.node, s.header, e.envelope FROM envelopes_{job} e JOIN submissions s ON s.job = ?1 AND s.sequence = e.sequence"
        );
        let mut query = store.prepare(&sql).unwrap();
        let rows = query.query_map([job], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?)));
        found.extend(rows.unwrap().map(|row| {
            let (node, header, envelope) = row.unwrap();
            let header: Signed<Header> = decode(&header, "a header").unwrap();
            (usize::try_from(node).unwrap(), Delivery { header, envelope })
        }));
    }
    found
}
