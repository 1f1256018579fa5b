//! The keys of a job's noise in this node's store, sealed under the job's key.

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::sharing::Party;
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_protocol::control::Refusal;
use tacit_protocol::job::Job;

use super::NodeSubmissions;
use crate::intake::Intake;
use crate::store::StoreError;

impl NodeSubmissions<'_> {
    /// The keys of the noise that this node has stored, and whether it has recorded a release with them, or announced one: a notice forbids
    /// other noise as a record does.
    pub(super) fn open_noise_keys(&self, party: &Party) -> Result<Option<OwnKeys>, Refusal> {
        let Intake { store, me, .. } = self.intake;
        let (sealed, released) = store.noise_keys(self.job).map_err(StoreError::into_refusal)?;
        let announced = store.announced(self.job).map_err(StoreError::into_refusal)?;
        let announced = announced.and_then(|notice| notice.value.noise);
        let Some(sealed) = sealed else {
            // Its keys were forgotten with the job: nobody can make the same noise again. A node that was only reminded of a release gets the
            // keys from its peers.
            return if released.is_some() {
                Err(Refusal::ReleasedBefore(self.job.id().clone()))
            } else {
                Ok(None)
            };
        };
        let opened = self.key.open(&noise_binding(self.job, *me), sealed).ok();
        let keys = opened.and_then(|bytes| StoredKeys::from_bytes(party.access(), *me, &bytes));
        match keys {
            Some(keys) => {
                let recorded = released.is_some() || announced == Some(keys.digest());
                Ok(Some(OwnKeys { keys, recorded }))
            }
            None => {
                let job = self.job.id();
                let text = format!("the keys of the noise of job {job} do not open any more: the store was changed");
                Err(Refusal::Storage(text))
            }
        }
    }

    /// Seals and stores keys of the noise; those that are stored already are left as they are.
    pub(super) fn seal_noise_keys(&self, keys: &StoredKeys) -> Result<bool, Refusal> {
        let Intake { store, me, .. } = self.intake;
        let binding = noise_binding(self.job, *me);
        let (stored, _) = store.noise_keys(self.job).map_err(StoreError::into_refusal)?;
        if let Some(stored) = stored
            && self.key.open(&binding, stored).is_ok_and(|stored| stored == keys.to_bytes())
        {
            return Ok(true);
        }
        let announced = store.announced(self.job).map_err(StoreError::into_refusal)?;
        if announced.as_ref().is_some_and(|notice| notice.value.noise != Some(keys.digest())) {
            return Ok(false);
        }
        let sealed = self.key.seal(&binding, &keys.to_bytes(), &mut UnwrapErr(SysRng));
        let sealed = sealed.map_err(|error| Refusal::Storage(error.to_string()))?;
        store
            .store_noise_keys(self.job, &sealed, announced.as_ref())
            .map_err(StoreError::into_refusal)
    }
}

/// The job and node that sealed keys of noise are bound to.
pub(super) fn noise_binding(job: &Job, me: usize) -> Vec<u8> {
    [b"tacit/v1 kept noise".as_slice(), job.digest().as_bytes(), &[me as u8]].concat()
}
