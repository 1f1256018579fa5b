//! A cluster made as operators make it: `init` for every member, one cluster file from the cards, `run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{get, get_as};
use crate::processes::Running;
use crate::programs::{Output, program, run};
use crate::relay::{self, Recording, Relay};

/// A time at which a job of a test may close: after the test, and no later than nodes keep a job.
pub fn in_a_month() -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A cluster with all its processes.
#[derive(Debug)]
pub struct TestCluster {
    folder: TempDir,
    /// The coordinator, while it runs.
    pub coordinator: Option<Running>,
    /// The nodes, while they run.
    pub nodes: Vec<Option<Running>>,
    /// host:port of the API, through a relay.
    pub api: String,
    /// The buyer's token.
    pub token: String,
    /// The certificate that `tacit` trusts instead of the system's.
    trusted: Option<PathBuf>,
    recording: Recording,
    /// In front of the coordinator and of every node.
    relays: (Relay, Vec<Relay>),
}

impl TestCluster {
    /// Makes and starts a cluster. All traffic between its members passes through recording relays.
    pub fn start(nodes: usize, threshold: usize) -> Self {
        let mut cluster = Self::lay_out(nodes, threshold);
        cluster.start_coordinator();
        (0..nodes).for_each(|node| cluster.start_node(node));
        cluster
    }

    /// Makes the folders and files of a cluster without starting it.
    pub fn lay_out(nodes: usize, threshold: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::default();
        let relays = (
            relay::tcp(&recording),
            (0..nodes).map(|_| relay::udp(&recording)).collect::<Vec<_>>(),
        );

        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let api = relays.0.address.to_string();
        let dir = path("coordinator");
        let url = format!("http://{api}");
        let init = [
            "init",
            "--dir",
            &dir,
            "--url",
            &url,
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ];
        let output = run("tacit-coordinator", init);
        let token = output.err.lines().find_map(|line| line.strip_prefix("buyer_token = "));
        let token = token.unwrap().trim_matches('"').to_owned();
        let keep = |name: &str, card: String| {
            let path = path(&format!("{name}.card.toml"));
            std::fs::write(&path, card).unwrap();
            path
        };
        let mut cards = vec![keep("coordinator", output.ok())];
        for (i, relay) in relays.1.iter().enumerate() {
            let address = relay.address.to_string();
            let name = format!("node-{i}");
            let init = [
                "init",
                "--dir",
                &path(&name),
                "--name",
                &name,
                "--operator",
                "test",
                "--address",
                &address,
            ];
            let output = run(
                "tacit-node",
                init.into_iter().chain(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]),
            );
            cards.push(keep(&name, output.ok()));
        }
        let (file, threshold) = (path("cluster.toml"), threshold.to_string());
        let create = ["cluster", "create", "--name", "test", "--threshold", &threshold, "--out", &file];
        run("tacit", create.into_iter().chain(cards.iter().map(String::as_str))).ok();
        run("tacit", ["keygen", "--out", &path("key-of-the-buyer")]).ok();
        let cluster = Self {
            api,
            token,
            nodes: (0..nodes).map(|_| None).collect(),
            coordinator: None,
            folder,
            trusted: None,
            recording,
            relays,
        };
        for folder in (0..nodes).map(|i| cluster.node_folder(i)).chain([cluster.coordinator_folder()]) {
            std::fs::copy(cluster.file(), folder.join("cluster.toml")).unwrap();
        }
        cluster
    }

    /// The folder that contains all files of the cluster.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The clients' cluster file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("cluster.toml")
    }

    /// A node's folder.
    pub fn node_folder(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node-{node}"))
    }

    /// The coordinator's folder.
    pub fn coordinator_folder(&self) -> PathBuf {
        self.folder.path().join("coordinator")
    }

    /// All traffic between the members so far.
    pub fn traffic(&self) -> Vec<u8> {
        self.recording.bytes()
    }

    /// Lets `tacit` trust this certificate and no other from now on.
    pub fn trust(&mut self, certificate: &Path) {
        self.trusted = Some(certificate.to_owned());
    }

    /// Runs `tacit` as the buyer or a contributor of this cluster.
    pub fn tacit<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap().into()
    }

    /// `tacit` as the buyer or a contributor of this cluster, to be run.
    pub fn command<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program("tacit"));
        if let Some(certificate) = &self.trusted {
            command.env_remove("SSL_CERT_DIR").env("SSL_CERT_FILE", certificate);
        }
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("TACIT_CLUSTER", self.file())
            .env("TACIT_TOKEN", &self.token)
            .env("TACIT_BUYER_KEY", self.folder().join("key-of-the-buyer"))
            .env("TACIT_STATE", self.folder().join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Writes a file into the cluster's folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// Waits until every running process is ready.
    pub fn ready(&self) {
        for process in self.nodes.iter().flatten().chain(&self.coordinator) {
            let end = Instant::now() + Duration::from_secs(20);
            while get(process.admin(), "/readyz").trim() != "ok" {
                assert!(Instant::now() < end, "{}", get(process.admin(), "/readyz"));
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// The status of a job, from the API.
    pub fn status(&self, job: &str) -> Value {
        serde_json::from_str(&get_as(&self.token, &self.api, &format!("/v1/jobs/{job}"))).unwrap()
    }

    /// Waits until a job's status is as wanted.
    pub fn wait_for(&self, job: &str, wanted: impl Fn(&Value) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !wanted(&self.status(job)) {
            assert!(Instant::now() < end, "{}", self.status(job));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills a node, like a crash.
    pub fn kill_node(&mut self, node: usize) {
        self.nodes[node].take().unwrap().kill();
    }

    /// Starts a node; it may have run before.
    pub fn start_node(&mut self, node: usize) {
        self.start_node_with(node, &[]);
    }

    /// Starts a node with more options of `run`.
    pub fn start_node_with(&mut self, node: usize, options: &[&str]) {
        let running = Running::start_with("tacit-node", &self.node_folder(node), options);
        self.relays.1[node].lead_to(running.listens());
        self.nodes[node] = Some(running);
    }

    /// Lets others reach something else at a node's address.
    pub fn lead_node(&self, node: usize, to: SocketAddr) {
        self.relays.1[node].lead_to(to);
    }

    /// Silently drops all traffic of a node.
    pub fn silence_node(&self, node: usize) {
        self.relays.1[node].silence();
    }

    /// Changes a line of a member's config file. It takes effect at the next start.
    pub fn configure(folder: &Path, field: &str, value: u64) {
        let path = folder.join("config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.starts_with(field)).unwrap();
        std::fs::write(&path, text.replace(line, &format!("{field} = {value}"))).unwrap();
    }

    /// Starts the coordinator; it may have run before.
    pub fn start_coordinator(&mut self) {
        let running = Running::start("tacit-coordinator", &self.coordinator_folder());
        self.relays.0.lead_to(running.listens());
        self.coordinator = Some(running);
    }

    /// Opens a job with `items` items and the classes `no` and `yes`. Returns its id.
    pub fn create_job(&self, id: &str, items: usize, answers_per_item: usize) -> String {
        let list: String = (0..items).map(|i| format!("item-{i}\n")).collect();
        self.write(&format!("{id}.items.csv"), &format!("id\n{list}"));
        let budget = items * answers_per_item * 40_000;
        self.write(
            &format!("{id}.toml"),
            &format!(
                "name = \"{id}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\"] }}\nitems = \"{id}.items.csv\"\n\
                 answers_per_item = {answers_per_item}\nsensitive = false\nrelease = [\"agreement\", \"class_totals\", \"payouts\", \"scores\"]\n\
                 [payout]\ncurrency = \"EUR\"\nbase_per_item = 20000\nbonus_per_item = 20000\nbudget = {budget}\n"
            ),
        );
        self.tacit(["job", "create", &format!("{id}.toml"), "--id", id])
            .ok()
            .trim()
            .to_owned()
    }

    /// The same with gold answers, pairs of item and class, and with pay by gold.
    pub fn create_job_with_gold(&self, id: &str, items: usize, answers_per_item: usize, gold: &[(usize, &str)]) -> Output {
        let list: String = (0..items).map(|i| format!("item-{i}\n")).collect();
        let rows: String = gold.iter().map(|(i, class)| format!("item-{i},{class}\n")).collect();
        self.write(&format!("{id}.items.csv"), &format!("id\n{list}"));
        self.write(&format!("{id}.gold.csv"), &format!("item,answer\n{rows}"));
        let budget = items * answers_per_item * 40_000;
        self.write(
            &format!("{id}.toml"),
            &format!(
                "name = \"{id}\"\nquestion = {{ kind = \"categorical\", classes = [\"no\", \"yes\", \"other\"] }}\nitems = \"{id}.items.csv\"\n\
                 answers_per_item = {answers_per_item}\nsensitive = false\nrelease = [\"agreement\", \"payouts\", \"scores\"]\n\
                 gold = \"{id}.gold.csv\"\n[payout]\nrule = \"gold\"\ncurrency = \"EUR\"\nbase_per_item = 20000\n\
                 bonus_per_item = 20000\nbudget = {budget}\n"
            ),
        );
        self.tacit(["job", "create", &format!("{id}.toml"), "--id", id])
    }

    /// Invites people to a pool of one issuer. Returns the pool as a spec names it, and everybody's code, in their order.
    pub fn invite(&self, pool: &str, people: &[String]) -> (String, Vec<String>) {
        let (key, list, out) = (
            format!("{pool}.key"),
            format!("{pool}.people.csv"),
            format!("{pool}.invitations.csv"),
        );
        self.tacit(["issuer", "keygen", "--out", &key]).ok();
        self.write(&list, &format!("person\n{}\n", people.join("\n")));
        let said = self
            .tacit(["issuer", "invite", &list, "--pool", pool, "--key", &key, "--out", &out])
            .ok();
        let named = said.lines().find_map(|line| line.strip_prefix("for the job's spec: issuers = "));
        let text = std::fs::read_to_string(self.folder().join(&out)).unwrap();
        let code = |line: &str| line.rsplit(',').next().unwrap().to_owned();
        (named.unwrap().to_owned(), text.lines().skip(1).map(code).collect())
    }

    /// Submits the answers of a contributor who has a code: one class for each of the first items.
    pub fn answer_invited(&self, job: &str, contributor: &str, code: &str, classes: &[&str]) -> Output {
        let (answers, key) = (self.write_answers(contributor, classes), format!("{contributor}.key"));
        self.tacit(["answer", job, "--answers", &answers, "--key", &key, "--invitation", code])
    }

    /// Writes a contributor's answers into a file, one class for each of the first items, and returns its name.
    fn write_answers(&self, contributor: &str, classes: &[&str]) -> String {
        let rows = classes.iter().enumerate();
        let rows: String = rows.map(|(i, class)| format!("item-{i},{contributor},{class}\n")).collect();
        let answers = format!("{contributor}.csv");
        self.write(&answers, &format!("item,contributor,answer\n{rows}"));
        answers
    }

    /// Submits a contributor's answers: one class for each of the first items.
    pub fn answer(&self, job: &str, contributor: &str, classes: &[&str]) -> Output {
        let (answers, key) = (self.write_answers(contributor, classes), format!("{contributor}.key"));
        if !self.folder().join(&key).exists() {
            self.tacit(["keygen", "--out", &key]).ok();
        }
        self.tacit(["answer", job, "--answers", &answers, "--key", &key, "--public-answers"])
    }

    /// Closes a job, follows it to its end and saves the result in a folder of its own.
    pub fn finish(&self, job: &str) -> PathBuf {
        self.close(job);
        self.end(job)
    }

    /// Closes a job, whatever is in it.
    pub fn close(&self, job: &str) {
        self.tacit(["job", "close", job, "--yes"]).ok();
    }

    /// Follows a closed job to its end and saves the result in a folder of its own.
    pub fn end(&self, job: &str) -> PathBuf {
        self.tacit(["job", "watch", job]).ok();
        let out = self.folder().join(format!("{job}.out"));
        self.tacit(["job", "result", job, "--out", out.to_str().unwrap()]).ok();
        out
    }
}
