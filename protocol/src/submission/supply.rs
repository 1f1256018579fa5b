//! The parts of a stored submission, given to a node that lacks them and collected there.

use std::collections::BTreeMap;
use std::fmt;

#[cfg(feature = "aws-lc")]
use rand_core::CryptoRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::Component;
use zeroize::{Zeroize, Zeroizing};

#[cfg(feature = "aws-lc")]
use super::OpenedSubmission;
#[cfg(feature = "aws-lc")]
use super::at_rest::bound_to;
use super::envelope::component_digest;
use super::opened::payload_length;
use super::{Header, Statement};
use crate::cluster::Cluster;
use crate::codec::{decode, encode};
use crate::identity::Signed;
use crate::job::Job;
use crate::reject::RejectReason;
#[cfg(feature = "aws-lc")]
use crate::sealing::AtRestKey;

#[cfg(feature = "aws-lc")]
impl Header {
    /// The payloads of some components, salt and component each, out of the row that `node` has stored for the submission of
    /// this header; empty for a component that it does not hold. `None` if the row does not open.
    pub fn payloads_at_rest(
        &self,
        cluster: &Cluster,
        job: &Job,
        (node, digest): (usize, &Digest),
        (key, sealed): (&AtRestKey, Vec<u8>),
        wanted: &[Component],
    ) -> Option<Vec<Vec<u8>>> {
        let plaintext = key.open(&bound_to(job, digest, node), sealed).ok()?;
        let mut payloads = vec![Vec::new(); wanted.len()];
        let mut rest = plaintext.as_slice();
        for component in cluster.access().held_by(node) {
            let length = payload_length(&self.statement, cluster.access(), job, component);
            let (payload, tail) = rest.split_at_checked(length)?;
            rest = tail;
            for (place, _) in payloads.iter_mut().zip(wanted).filter(|(_, wanted)| **wanted == component) {
                *place = payload.to_vec();
            }
        }
        Some(payloads)
    }
}

/// What a node collects of one submission from nodes that hold it. Bytes that are not what the signed header names are refused, so
/// that it does not matter who supplies them. Payloads are secret shares: never printed; zeroized on drop.
pub struct Gathering {
    digest: Digest,
    signed: Vec<u8>,
    header: Header,
    payloads: BTreeMap<Component, Payload>,
}

/// A payload with the length that it must have; empty until it is there.
struct Payload {
    length: usize,
    bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gathering({}, {} missing)", self.digest, self.missing().count())
    }
}

impl Gathering {
    /// Begins with the encoded signed header of the submission that is listed by `digest`, for `node`, which has nothing of it.
    ///
    /// # Errors
    /// [`RejectReason::NotDelivered`] if these bytes are not that header or its signature does not verify; else the reason for
    /// which nobody may accept the submission, see [`Header::check`].
    pub fn new(signed: &[u8], digest: &Digest, cluster: &Cluster, job: &Job, node: usize) -> Result<Self, RejectReason> {
        let header = decode::<Signed<Header>>(signed, "a header").map_err(|_| RejectReason::NotDelivered)?;
        if header.value.digest() != *digest {
            return Err(RejectReason::NotDelivered);
        }
        // The digest does not cover the signature: another one may be right.
        Header::check(&header, cluster, job).map_err(|reason| match reason {
            RejectReason::BadSignature => RejectReason::NotDelivered,
            reason => reason,
        })?;
        let access = cluster.access();
        let payload = |component| {
            let length = payload_length(&header.value.statement, access, job, component);
            let bytes = Zeroizing::new(Vec::new());
            (component, Payload { length, bytes })
        };
        Ok(Self {
            digest: *digest,
            signed: encode(&header),
            payloads: access.held_by(node).into_iter().map(payload).collect(),
            header: header.value,
        })
    }

    /// The digest by which the submission is listed.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The encoded signed header.
    pub fn signed_header(&self) -> &[u8] {
        &self.signed
    }

    /// What the contributor has signed.
    pub fn statement(&self) -> &Statement {
        &self.header.statement
    }

    /// The components that are still missing, ascending.
    pub fn missing(&self) -> impl Iterator<Item = Component> {
        self.payloads
            .iter()
            .filter(|(_, one)| one.bytes.is_empty())
            .map(|(component, _)| *component)
    }

    /// How many bytes the missing payloads have.
    pub fn missing_bytes(&self) -> usize {
        self.payloads
            .values()
            .filter(|one| one.bytes.is_empty())
            .map(|one| one.length)
            .sum()
    }

    /// Takes the payload of a missing component. Returns false, and keeps nothing, if it is not the one that the header names.
    #[must_use]
    pub fn take(&mut self, component: Component, mut payload: Vec<u8>) -> bool {
        let statement = &self.header.statement;
        let genuine = |place: &Payload| {
            place.bytes.is_empty()
                && place.length == payload.len()
                && statement.components.get(component) == Some(&component_digest(&statement.id, component, &payload))
        };
        match self.payloads.get_mut(&component) {
            Some(place) if genuine(place) => {
                place.bytes = Zeroizing::new(payload);
                true
            }
            _ => {
                payload.zeroize();
                false
            }
        }
    }

    /// Seals what was collected for the store of `node`, as [`Delivery::seal_at_rest`](super::Delivery::seal_at_rest) seals what
    /// an envelope held; `None` while something is missing.
    ///
    /// # Errors
    /// [`RejectReason::DigestMismatch`]: what the header names is no shares.
    #[cfg(feature = "aws-lc")]
    pub fn seal_at_rest<R: CryptoRng>(
        &self,
        cluster: &Cluster,
        job: &Job,
        node: usize,
        key: &AtRestKey,
        rng: &mut R,
    ) -> Option<Result<Vec<u8>, RejectReason>> {
        if self.missing().next().is_some() {
            return None;
        }
        // With its final length: a vector that grows leaves unwiped copies behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(self.payloads.values().map(|one| one.length).sum()));
        self.payloads.values().for_each(|one| plaintext.extend_from_slice(&one.bytes));
        let read = OpenedSubmission::read(&plaintext, cluster.access(), job, node, &self.header.statement, |_, _| true);
        Some(read.and_then(|_| {
            key.seal(&bound_to(job, &self.digest, node), &plaintext, rng)
                .map_err(|_| RejectReason::Unsealable)
        }))
    }
}

#[cfg(feature = "aws-lc")]
#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::fixtures::{ClusterWithKeys, cluster_with_keys, job, submission};
    use crate::identity::{Purpose, SecretKey};
    use crate::job::PayRule;
    use crate::submission::Submission;

    struct Stored {
        members: ClusterWithKeys,
        job: Job,
        submission: Submission,
        digest: Digest,
        /// The row of each node.
        rows: Vec<Vec<u8>>,
    }

    fn at_rest_key(node: usize) -> AtRestKey {
        AtRestKey::from_bytes(&[node as u8; 32])
    }

    impl Stored {
        fn new(nodes: usize, threshold: usize) -> Self {
            let members = cluster_with_keys(nodes, threshold);
            let job = job(4, 3, 5, PayRule::Flat);
            let submission = submission(&members, &job, 7, &[(0, 2), (2, 0)]);
            let digest = submission.header.value.digest();
            let row = |node: usize| {
                let keys = (&members.sealing[node], &at_rest_key(node));
                let delivery = submission.delivery(node).unwrap();
                let mut rng = ChaCha20Rng::seed_from_u64(node as u64);
                delivery
                    .seal_at_rest(&members.cluster, &job, (node, &digest), keys, &mut rng)
                    .unwrap()
            };
            let rows = (0..nodes).map(row).collect();
            Self {
                members,
                job,
                submission,
                digest,
                rows,
            }
        }

        fn supplied(&self, node: usize, wanted: &[Component]) -> Vec<Vec<u8>> {
            let key = at_rest_key(node);
            let stored = (&key, self.rows[node].clone());
            let header = &self.submission.header.value;
            header
                .payloads_at_rest(&self.members.cluster, &self.job, (node, &self.digest), stored, wanted)
                .unwrap()
        }

        fn gathering(&self, node: usize) -> Gathering {
            let signed = encode(&self.submission.header);
            Gathering::new(&signed, &self.digest, &self.members.cluster, &self.job, node).unwrap()
        }
    }

    #[test]
    fn more_than_t_holders_give_a_node_all_it_lacks_and_t_give_it_never_all() {
        for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
            let stored = Stored::new(nodes, threshold);
            let access = stored.members.cluster.access();
            for lacking in 0..nodes {
                for mask in 0..1usize << nodes {
                    let holders: Vec<usize> = (0..nodes).filter(|node| mask >> node & 1 == 1 && *node != lacking).collect();
                    let mut gathering = stored.gathering(lacking);
                    for holder in &holders {
                        let wanted: Vec<Component> = gathering.missing().collect();
                        for (component, payload) in wanted.iter().zip(stored.supplied(*holder, &wanted)) {
                            assert_eq!(payload.is_empty(), !access.holders(*component).contains(*holder));
                            assert!(payload.is_empty() || gathering.take(*component, payload));
                        }
                    }
                    let mut rng = ChaCha20Rng::seed_from_u64(9);
                    let key = at_rest_key(lacking);
                    let sealed = gathering.seal_at_rest(&stored.members.cluster, &stored.job, lacking, &key, &mut rng);
                    assert_eq!(sealed.is_some(), holders.len() > threshold, "{lacking} from {holders:?}");
                    let Some(sealed) = sealed else { continue };
                    // What was collected is what its envelope held.
                    let open = |row: Vec<u8>| {
                        let header = &stored.submission.header.value;
                        let opened = header.open_at_rest(&stored.members.cluster, &stored.job, (lacking, &stored.digest), &key, row);
                        let opened = opened.unwrap();
                        (0..access.held_by(lacking).len())
                            .map(|position| opened.expand(position).to_vec())
                            .collect::<Vec<_>>()
                    };
                    assert!(open(sealed.unwrap()) == open(stored.rows[lacking].clone()));
                }
            }
        }
    }

    #[test]
    fn bytes_that_the_header_does_not_name_leave_no_trace() {
        let stored = Stored::new(3, 1);
        let mut gathering = stored.gathering(2);
        let wanted: Vec<Component> = gathering.missing().collect();
        let genuine = [stored.supplied(0, &wanted), stored.supplied(1, &wanted)];
        let of = |component: Component| {
            genuine
                .iter()
                .map(|all| &all[component])
                .find(|one| !one.is_empty())
                .unwrap()
                .clone()
        };
        let mut altered = of(0);
        altered[40] ^= 1;
        for (component, wrong) in [
            (0, altered),
            (0, of(1)),
            (0, Vec::new()),
            (0, [of(0), vec![0]].concat()),
            (0, of(0)[..of(0).len() - 1].to_vec()),
            // Component 2 is the one that node 2 must not hold.
            (2, of(0)),
            (9, of(0)),
        ] {
            assert!(!gathering.take(component, wrong), "{component}");
            assert_eq!(gathering.missing().collect::<Vec<_>>(), [0, 1]);
        }
        assert!(gathering.take(0, of(0)) && gathering.take(1, of(1)));
        assert!(!gathering.take(0, of(0)), "what is there is not replaced");
        assert_eq!((gathering.missing().count(), gathering.missing_bytes()), (0, 0));
    }

    #[test]
    fn only_the_listed_header_with_its_signature_begins_a_repair() {
        let stored = Stored::new(3, 1);
        let (cluster, job) = (&stored.members.cluster, &stored.job);
        let signed = encode(&stored.submission.header);
        let reason = |signed: &[u8], digest: &Digest| Gathering::new(signed, digest, cluster, job, 2).map(|_| ()).unwrap_err();
        let none = RejectReason::NotDelivered;
        assert_eq!(reason(&signed, &Digest::of("other", &[])), none);
        assert_eq!(reason(&signed[..signed.len() - 1], &stored.digest), none);
        assert_eq!(reason(&[], &stored.digest), none);
        // The digest does not cover the signature.
        let mut forged = signed;
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(reason(&forged, &stored.digest), none);
        // A header that everybody must refuse: its digest says that it is the listed one.
        let mut header = stored.submission.header.value.clone();
        header.statement.items.clear();
        let bad = Signed::new(header, Purpose::Submission, &SecretKey::from_bytes(&[3; 32]));
        assert_eq!(reason(&encode(&bad), &bad.value.digest()), RejectReason::Malformed);
    }
}
