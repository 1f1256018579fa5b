//! New jobs, and what the jobs of a buyer take together.

use rusqlite::Connection;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::api::JobState;
use tacit_protocol::codec::encode;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::{Job, JobId};

use super::pieces::digest_of;
use super::readers::Pool;
use super::schema::create_tables_of;
use super::{Failure, Store, StoreError, from_db, now, number_of, to_db};
use crate::limits::Taken;

/// A job to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    /// The id that the buyer has chosen.
    pub id: JobId,
    /// The digest of the cluster file under which it is opened.
    pub cluster: Digest,
    /// The name of its buyer.
    pub buyer: String,
    /// The buyer's key, which has signed the terms.
    pub buyer_key: PublicKey,
    /// The job's name.
    pub name: String,
    /// The job's digest.
    pub digest: Digest,
    /// How many items it has.
    pub items: u64,
    /// How many answers each item gets.
    pub answers_per_item: u32,
    /// Whether anyone may read it.
    pub public: bool,
    /// Whose people may answer, if the job names issuers.
    pub pool: Option<Pool>,
    /// The spec as JSON.
    pub spec: Vec<u8>,
    /// The nodes that have opened it.
    pub opened: NodeSet,
}

impl NewJob {
    /// The row of a checked job; `spec` is the text of its spec.
    pub(crate) fn new(cluster: Digest, buyer: String, job: &Job, spec: Vec<u8>, opened: NodeSet) -> Self {
        let terms = job.terms();
        Self {
            id: terms.id.clone(),
            cluster,
            buyer,
            buyer_key: terms.buyer,
            name: terms.name.clone(),
            digest: job.digest(),
            items: terms.items,
            answers_per_item: terms.answers_per_item,
            public: terms.public,
            pool: Pool::of(terms),
            spec,
            opened,
        }
    }
}

/// What became of a new job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created<E> {
    /// It was stored.
    New,
    /// There is a job of this id.
    Before,
    /// It was not admitted.
    Refused(E),
}

fn taken(db: &Connection, buyer: &str) -> Result<Taken, Failure> {
    let mut query = db.prepare_cached(
        "SELECT COUNT(*), COALESCE(SUM(spec_bytes), 0), COALESCE(SUM(items), 0) FROM jobs
         WHERE buyer = ?1 AND state NOT IN (?2, ?3, ?4)",
    )?;
    let [published, cancelled, failed] = [JobState::Published, JobState::Cancelled, JobState::Failed].map(JobState::name);
    Ok(query.query_row((buyer, published, cancelled, failed), |row| {
        Ok(Taken {
            jobs: from_db(row.get(0)?),
            spec_bytes: from_db(row.get(1)?),
            items: from_db(row.get(2)?),
        })
    })?)
}

impl Store {
    /// Stores a new job in state open, unless `admit` objects, which is given what the buyer's jobs take together with this one.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn create_job<E: Send + 'static>(
        &self,
        job: NewJob,
        admit: impl FnOnce(Taken) -> Result<(), E> + Send + 'static,
    ) -> Result<Created<E>, StoreError> {
        let nodes = self.nodes();
        self.write(move |db| {
            if number_of(db, &job.id)?.is_some() {
                return Ok(Created::Before);
            }
            if let Err(refused) = admit(taken(db, &job.buyer)?.and(job.items, job.spec.len())) {
                return Ok(Created::Refused(refused));
            }
            db.execute(
                "INSERT INTO jobs (id, cluster, name, digest, items, answers_per_item, state, created_at, changed_at, buyer, spec_bytes,
                    buyer_key, issuers, public, pool)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                (
                    job.id.as_str(),
                    job.cluster.as_bytes().as_slice(),
                    &job.name,
                    job.digest.as_bytes().as_slice(),
                    to_db(job.items),
                    job.answers_per_item,
                    JobState::Open.name(),
                    now(),
                    &job.buyer,
                    to_db(job.spec.len() as u64),
                    job.buyer_key.as_bytes().as_slice(),
                    job.pool.as_ref().map(|pool| pool.issuers.digest().as_bytes().to_vec()),
                    job.public,
                    job.pool.as_ref().map(encode),
                ),
            )?;
            let number = db.last_insert_rowid();
            db.execute_batch(&create_tables_of(number))?;
            let insert = format!("INSERT INTO spec_{number} (digest, spec) VALUES (?1, ?2)");
            db.execute(&insert, (digest_of(&job.spec).as_bytes().as_slice(), &job.spec))?;
            for node in 0..nodes {
                db.execute(
                    "INSERT INTO deliveries (job, node, opened, cursor) VALUES (?1, ?2, ?3, 0)",
                    (number, node as i64, job.opened.contains(node)),
                )?;
            }
            Ok(Created::New)
        })
        .await
    }

    /// What a buyer's jobs take that have not ended.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn taken_by(&self, buyer: String) -> Result<Taken, StoreError> {
        self.read(move |db| taken(db, &buyer)).await
    }
}
