//! Of a job that has ended nothing is left in any byte of any store: no envelope, no sealed share, no text of an item, no key. And of a submission that
//! was withdrawn nothing is left while its job is still open.
//!
//! `TACIT_SOAK_JOBS` says how many jobs go through the cluster; `.ci/long` takes 500.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::MIN_CONTRIBUTORS;
use tacit_tests::cluster::{TestCluster, in_a_month};
use tacit_tests::stored::{coordinator_store, node_store, number};

const NODES: usize = 3;
const ITEMS: usize = 10;
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// As many invited people as a sensitive job needs for numbers with noise.
const INVITED: usize = MIN_CONTRIBUTORS;
/// How many jobs are open at once.
const WAVE: usize = 8;
/// How the names of sensitive jobs begin.
const SENSITIVE: &str = "sensitive";
/// Bytes of a piece that is searched for. No two random pieces are equal.
const PIECE: usize = 24;

/// Where a piece of a secret comes from: the job, and what it is.
type Origin = (String, &'static str);

/// Pieces of what jobs had in stores while they were open.
#[derive(Default)]
struct Needles {
    pieces: HashMap<[u8; PIECE], Origin>,
    /// Whether a piece begins with these two bytes: most bytes of a file begin none.
    begins: Vec<bool>,
}

impl Needles {
    /// Takes pieces of a secret from its beginning, its end, and in between: some may lie across two pages of a database.
    fn add(&mut self, job: &str, what: &'static str, secret: &[u8]) {
        self.begins.resize(1 << 16, false);
        let last = secret
            .len()
            .checked_sub(PIECE)
            .unwrap_or_else(|| panic!("{what} of {job} is short"));
        for quarter in 0..=4 {
            let at = last * quarter / 4;
            let piece: [u8; PIECE] = secret[at..at + PIECE].try_into().unwrap();
            self.begins[usize::from(u16::from_le_bytes([piece[0], piece[1]]))] = true;
            self.pieces.insert(piece, (job.to_owned(), what));
        }
    }

    /// Whose secrets a file holds, and how many pieces of each.
    fn search(&self, bytes: &[u8], found: &mut HashMap<Origin, usize>) {
        for window in bytes.windows(PIECE) {
            if self.begins[usize::from(u16::from_le_bytes([window[0], window[1]]))]
                && let Some(origin) = self.pieces.get(window)
            {
                *found.entry(origin.clone()).or_default() += 1;
            }
        }
    }
}

/// Calls `each` with the contents of every file below a folder.
fn files(folder: &Path, each: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, each);
        } else if let Ok(bytes) = std::fs::read(&path) {
            // A file may have been removed meanwhile.
            each(&path, &bytes);
        }
    }
}

/// Copies the files of a member's store, so that a test can query them while the member runs.
fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let (from, to) = (folder.join("data"), copy.path().join("data"));
    std::fs::create_dir(&to).unwrap();
    files(&from, &mut |path, bytes| {
        if path.parent() == Some(from.as_path()) && path.extension().is_none_or(|e| e != "sqlite-shm") {
            std::fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
        }
    });
    copy
}

/// The column of bytes that a query finds.
fn blobs(store: &Connection, query: &str) -> Vec<Vec<u8>> {
    let mut query = store.prepare(query).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

struct Soak {
    cluster: TestCluster,
    needles: Needles,
    /// The issuers as a spec names them, and the codes of the invited people.
    pool: (String, Vec<String>),
}

/// What the members hold of an open job.
struct Held {
    envelopes: Vec<Vec<u8>>,
    shares: Vec<Vec<u8>>,
}

/// How many people answer a job, by its name.
fn contributors(job: &str) -> usize {
    if job.starts_with(SENSITIVE) { INVITED } else { NAMES.len() }
}

impl Soak {
    fn start() -> Self {
        let cluster = TestCluster::start(NODES, 1);
        cluster.ready();
        let people: Vec<String> = (0..INVITED).map(|person| format!("person-{person}")).collect();
        let pool = cluster.invite("staff", &people);
        Self {
            cluster,
            needles: Needles::default(),
            pool,
        }
    }

    fn folders(&self) -> Vec<std::path::PathBuf> {
        let nodes = (0..NODES).map(|node| self.cluster.node_folder(node));
        nodes.chain([self.cluster.coordinator_folder()]).collect()
    }

    /// Whose secrets the folders of all members hold.
    fn found(&self) -> HashMap<Origin, usize> {
        let mut found = HashMap::new();
        for folder in self.folders() {
            files(&folder, &mut |_, bytes| self.needles.search(bytes, &mut found));
        }
        found
    }

    /// Opens a job whose items have texts, and answers it.
    fn open(&self, job: &str) {
        let items: String = (0..ITEMS).map(|i| format!("item-{i},{}\n", text(job, i))).collect();
        self.cluster.write(&format!("{job}.items.csv"), &format!("id,text\n{items}"));
        let sensitive = job.starts_with(SENSITIVE);
        let who = if sensitive {
            format!("sensitive = true\ncloses_at = {}\nissuers = {}\n", in_a_month(), self.pool.0)
        } else {
            "sensitive = false\n".to_owned()
        };
        let spec = format!(
            "name = \"{job}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = \"{job}.items.csv\"\n\
             answers_per_item = 30\nrelease = [\"agreement\", \"class_totals\"]\n{who}"
        );
        let file = format!("{job}.toml");
        self.cluster.write(&file, &spec);
        self.cluster.tacit(["job", "create", &file, "--id", job]).ok();
        for c in 0..contributors(job) {
            let classes: Vec<&str> = (0..ITEMS).map(|item| ["no", "yes"][(item * 5 + c * item) % 2]).collect();
            if sensitive {
                self.cluster
                    .answer_invited(job, &format!("person-{c}"), &self.pool.1[c], &classes)
                    .ok();
            } else {
                self.cluster.answer(job, NAMES[c], &classes).ok();
            }
        }
        self.cluster.wait_for(job, |status| status["delivered"] == contributors(job));
    }

    /// What the stores hold of an open job: the coordinator's envelopes, and the nodes' sealed shares.
    fn held(&self, job: &str) -> Held {
        let coordinator = copy(&self.cluster.coordinator_folder());
        let coordinator = coordinator_store(coordinator.path());
        let envelopes = blobs(
            &coordinator,
            &format!("SELECT envelope FROM envelopes_{}", number(&coordinator, job)),
        );
        let shares = (0..NODES).flat_map(|node| {
            let copy = copy(&self.cluster.node_folder(node));
            let store = node_store(copy.path());
            blobs(&store, &format!("SELECT sealed FROM components_{}", number(&store, job)))
        });
        Held {
            envelopes,
            shares: shares.collect(),
        }
    }

    /// Withdraws a submission of an open job, and waits until no byte of its envelopes and shares is left.
    fn withdraw(&mut self, job: &str, open: &[String]) {
        let before = self.held(job);
        self.cluster.tacit(["withdraw", job, "--key", &format!("{}.key", NAMES[1])]).ok();
        let after = self.held(job);
        let withdrawn = format!("{job}, withdrawn");
        for (what, before, after) in [
            ("envelope", before.envelopes, after.envelopes),
            ("share", before.shares, after.shares),
        ] {
            let gone: Vec<_> = before.iter().filter(|one| !after.contains(one)).collect();
            assert_eq!(gone.len(), NODES, "one {what} for each node");
            gone.iter().for_each(|one| self.needles.add(&withdrawn, what, one));
        }
        self.wait_until_erased(open);
    }

    /// Takes note of what the stores hold of open jobs.
    fn note(&mut self, jobs: &[String]) {
        let coordinator = copy(&self.cluster.coordinator_folder());
        let coordinator = coordinator_store(coordinator.path());
        for job in jobs {
            (0..ITEMS).for_each(|i| self.needles.add(job, "text", text(job, i).as_bytes()));
            let envelopes = blobs(
                &coordinator,
                &format!("SELECT envelope FROM envelopes_{}", number(&coordinator, job)),
            );
            assert_eq!(envelopes.len(), NODES * contributors(job));
            envelopes.iter().for_each(|envelope| self.needles.add(job, "envelope", envelope));
        }
        for node in 0..NODES {
            let folder = self.cluster.node_folder(node);
            let copy = copy(&folder);
            let store = node_store(copy.path());
            for job in jobs {
                let number = number(&store, job);
                let shares = blobs(&store, &format!("SELECT sealed FROM components_{number}"));
                assert_eq!(shares.len(), contributors(job), "node {node} has all shares of {job}");
                shares.iter().for_each(|share| self.needles.add(job, "share", share));
                let spec = blobs(&store, &format!("SELECT spec FROM spec_{number}"));
                self.needles.add(job, "spec", &spec[0]);
                let digest = blobs(&store, &format!("SELECT digest FROM jobs WHERE number = {number}"));
                let key = std::fs::read(folder.join("data/job-keys").join(hex::encode(&digest[0]))).unwrap();
                self.needles.add(job, "key", &key);
            }
        }
    }

    /// Asserts that all that was noted of these open jobs is in the stores: the search finds what is there.
    fn assert_there(&self, jobs: &[String]) {
        let found = self.found();
        for job in jobs {
            // Every text, envelope, share, spec and key has five pieces; few of them lie across two pages.
            for (what, at_least) in [
                ("text", ITEMS),
                ("envelope", NODES * contributors(job)),
                ("share", NODES * contributors(job)),
                ("spec", NODES),
                ("key", NODES),
            ] {
                let pieces = found.get(&(job.clone(), what)).copied().unwrap_or(0);
                assert!(pieces >= at_least, "{job}: {pieces} pieces of a {what}");
            }
        }
    }

    /// Waits until nothing is found but what belongs to these open jobs.
    fn wait_until_erased(&self, open: &[String]) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.found();
            let mut left: Vec<_> = found.iter().filter(|((job, _), _)| !open.contains(job)).collect();
            if left.is_empty() {
                return;
            }
            left.sort();
            assert!(
                Instant::now() < end,
                "{} kinds of secrets are left: {:?}",
                left.len(),
                &left[..left.len().min(10)]
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The text of an item: no piece of it is in another text.
fn text(job: &str, item: usize) -> String {
    let part = |part: usize| Digest::of("item text", &[job.as_bytes(), &[item as u8, part as u8]]).to_string();
    part(0) + &part(1)
}

#[test]
fn of_jobs_that_have_ended_no_byte_is_left_in_any_store() {
    let jobs: usize = std::env::var("TACIT_SOAK_JOBS").map_or(5, |jobs| jobs.parse().unwrap());
    let mut soak = Soak::start();
    let mut open = Vec::new();
    for (wave, first) in (0..jobs).step_by(WAVE).enumerate() {
        let mut ending: Vec<String> = (first..jobs.min(first + WAVE)).map(|job| format!("job-{job}")).collect();
        // One is sensitive: its numbers carry noise, whose keys the nodes store.
        ending[0] = format!("{SENSITIVE}-{first}");
        ending.iter().for_each(|job| soak.open(job));
        // A few jobs stay open while others around them end.
        if wave < 3 {
            let stays = format!("stays-{wave}");
            soak.open(&stays);
            soak.note(std::slice::from_ref(&stays));
            open.push(stays);
        }
        soak.note(&ending);
        soak.assert_there(&ending);
        if let Some(job) = ending.get(1) {
            soak.withdraw(job, &[&open[..], &ending[..]].concat());
        }
        // One of five is cancelled by its buyer, the others are published.
        for (at, job) in ending.iter().enumerate() {
            if at % 5 == 3 {
                soak.cluster.tacit(["job", "cancel", job]).ok();
            } else {
                soak.cluster.close(job);
            }
        }
        for (at, job) in ending.drain(..).enumerate() {
            let state = if at % 5 == 3 { "cancelled" } else { "published" };
            soak.cluster.wait_for(&job, |status| status["state"] == state);
        }
        soak.wait_until_erased(&open);
    }
    soak.assert_there(&open);
    // Nothing comes back when the programs are started again.
    for process in soak.cluster.nodes.drain(..).flatten().chain(soak.cluster.coordinator.take()) {
        assert!(process.terminate().success());
    }
    soak.wait_until_erased(&open);
    soak.assert_there(&open);
}
