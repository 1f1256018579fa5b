//! What a node tells all its peers before it releases anything of a job. A node whose store was lost, or replaced by an older copy, has
//! forgotten what it released; its peers have not, and remind it. `docs/security/release.md` has the argument.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use crate::check::Check;
use crate::cluster::Cluster;
use crate::identity::{Purpose, SecretKey, Signed};

/// What a node signs before it releases outputs of a job, for [`Purpose::ReleaseNotice`]. It signs one for each job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseNotice {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// The digest of the job's terms.
    pub job_digest: Digest,
    /// The digest of the accepted submissions that the outputs are about.
    pub accepted: Digest,
    /// The digest of the keys of the outputs' noise; `None` if they have none.
    pub noise: Option<Digest>,
    /// The index of the node that signs.
    pub node: u8,
}

/// A notice with its node's signature.
pub type SignedNotice = Signed<ReleaseNotice>;

impl ReleaseNotice {
    /// Signs it with the node's identity key.
    pub fn sign(self, key: &SecretKey) -> SignedNotice {
        Signed::new(self, Purpose::ReleaseNotice, key)
    }

    /// Whether a node has signed this notice, for this cluster and the job with this digest.
    pub fn is_by(notice: &SignedNotice, node: usize, cluster: &Cluster, job: &Digest) -> bool {
        let Self {
            cluster: of_cluster,
            job_digest,
            node: signer,
            ..
        } = &notice.value;
        let names_them = *of_cluster == cluster.digest() && job_digest == job && usize::from(*signer) == node;
        let entry = cluster.nodes().get(node);
        names_them && entry.is_some_and(|entry| notice.verify(Purpose::ReleaseNotice, &entry.identity).is_ok())
    }

    /// Whether a notice that a peer shows forbids the release that this one announces: the same node has signed another release of the
    /// same job before. A notice that it has not signed forbids nothing, so a peer that makes notices up stops nobody.
    pub fn is_forbidden_by(&self, shown: &SignedNotice, cluster: &Cluster) -> bool {
        shown.value != *self && Self::is_by(shown, usize::from(self.node), cluster, &self.job_digest) && Check::Reminders.is_made()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::skip;
    use crate::fixtures::{ClusterWithKeys, cluster_with_keys};

    fn notice(cluster: &Cluster) -> ReleaseNotice {
        ReleaseNotice {
            cluster: cluster.digest(),
            job_digest: Digest::of("job", &[]),
            accepted: Digest::of("accepted", &[]),
            noise: None,
            node: 1,
        }
    }

    #[test]
    fn a_notice_is_of_one_node_cluster_and_job() {
        let ClusterWithKeys { cluster, identities, .. } = cluster_with_keys(3, 1);
        let job = Digest::of("job", &[]);
        let good = notice(&cluster).sign(&identities[1]);
        assert!(ReleaseNotice::is_by(&good, 1, &cluster, &job));
        assert!(!ReleaseNotice::is_by(&good, 0, &cluster, &job) && !ReleaseNotice::is_by(&good, 9, &cluster, &job));
        assert!(!ReleaseNotice::is_by(&good, 1, &cluster, &Digest::of("other", &[])));
        assert!(!ReleaseNotice::is_by(&good, 1, &cluster_with_keys(4, 1).cluster, &job));
        // Signed by somebody else, for another purpose, or altered afterwards.
        assert!(!ReleaseNotice::is_by(&notice(&cluster).sign(&identities[2]), 1, &cluster, &job));
        let for_other = Signed::new(notice(&cluster), Purpose::Release, &identities[1]);
        assert!(!ReleaseNotice::is_by(&for_other, 1, &cluster, &job));
        for alter in [
            |notice: &mut ReleaseNotice| notice.accepted = Digest::of("another set", &[]),
            |notice| notice.noise = Some(Digest::of("noise", &[])),
        ] as [fn(&mut ReleaseNotice); 2]
        {
            let mut altered = good.clone();
            alter(&mut altered.value);
            assert!(!ReleaseNotice::is_by(&altered, 1, &cluster, &job));
        }
    }

    #[test]
    fn only_another_release_that_the_node_has_signed_forbids_one() {
        let ClusterWithKeys { cluster, identities, .. } = cluster_with_keys(3, 1);
        let announced = notice(&cluster);
        let others = || {
            let mut set = announced.clone();
            set.accepted = Digest::of("another set", &[]);
            let mut noise = announced.clone();
            noise.noise = Some(Digest::of("noise", &[]));
            [set, noise]
        };
        {
            let _all = skip(&[]);
            assert!(
                !announced.is_forbidden_by(&announced.clone().sign(&identities[1]), &cluster),
                "the same"
            );
            for other in others() {
                assert!(announced.is_forbidden_by(&other.clone().sign(&identities[1]), &cluster));
                assert!(!announced.is_forbidden_by(&other.clone().sign(&identities[2]), &cluster), "made up");
                let of_another_node = ReleaseNotice { node: 2, ..other.clone() };
                assert!(!announced.is_forbidden_by(&of_another_node.sign(&identities[2]), &cluster));
                let of_another_job = ReleaseNotice {
                    job_digest: Digest::of("another job", &[]),
                    ..other
                };
                assert!(!announced.is_forbidden_by(&of_another_job.sign(&identities[1]), &cluster));
            }
        }
        let _skipped = skip(&[Check::Reminders]);
        for other in others() {
            assert!(
                !announced.is_forbidden_by(&other.sign(&identities[1]), &cluster),
                "it would release both"
            );
        }
    }
}
