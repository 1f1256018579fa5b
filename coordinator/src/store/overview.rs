//! What operators watch of all jobs together.

use tacit_core::api::JobState;

use super::{Store, StoreError, count};

impl Store {
    /// How many jobs are in each state.
    ///
    /// # Errors
    /// The store fails.
    pub async fn count_jobs(&self) -> Result<Vec<(JobState, u64)>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare("SELECT COUNT(*) FROM jobs WHERE state = ?1")?;
            JobState::ALL
                .into_iter()
                .map(|state| Ok((state, count(query.query_row([state.name()], |row| row.get(0))?))))
                .collect()
        })
        .await
    }

    /// When the job that has been in each of these states for longest entered it; 0 without one.
    ///
    /// # Errors
    /// The store fails.
    pub async fn oldest_jobs(&self, states: &'static [JobState]) -> Result<Vec<(JobState, u64)>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT COALESCE(MIN(changed_at), 0) FROM jobs WHERE state = ?1")?;
            let since = |state: &JobState| Ok((*state, count(query.query_row([state.name()], |row| row.get(0))?)));
            states.iter().map(since).collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::jobs::tests::store;

    #[tokio::test]
    async fn a_job_has_been_in_its_state_since_it_entered_it() {
        let (_folder, store, id) = store().await;
        assert!(store.count_jobs().await.unwrap().contains(&(JobState::Open, 1)));
        store.close_job(&id).await.unwrap();
        let [(JobState::Closing, since), (JobState::Computing, 0)] =
            store.oldest_jobs(&[JobState::Closing, JobState::Computing]).await.unwrap()[..]
        else {
            panic!("a closing job and none that is computed");
        };
        assert!(since > 1_700_000_000);

        store.begin_attempt(&id).await.unwrap();
        let backdate = "UPDATE jobs SET changed_at = 1";
        store.write(move |db| Ok(db.execute(backdate, [])?)).await.unwrap();
        // Another attempt does not make it younger.
        assert_eq!(store.begin_attempt(&id).await.unwrap(), Some(2));
        let computing = store.oldest_jobs(&[JobState::Computing]).await.unwrap();
        assert_eq!(computing, [(JobState::Computing, 1)]);
        assert!(store.count_jobs().await.unwrap().contains(&(JobState::Computing, 1)));
    }
}
