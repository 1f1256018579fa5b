//! One computation: sends the same request to every participant and collects the answers.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::withdrawal::SignedWithdrawal;
use tokio::time::{Instant, timeout_at};

use crate::active_jobs::ActiveJob;
use crate::nodes::{Node, NodeError, Nodes};
use crate::schedule::Accusation;

/// How long the other participants may take after the first one has finished.
const STRAGGLER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait for the reports of the other participants after one has failed. They help to find the cause.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a computation failed: the error of each node that did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(pub Vec<(usize, NodeError)>);

impl Failure {
    /// Whether another attempt would fail the same way: more than `threshold` nodes refuse for good, so at least one honest node does, or
    /// no `quorum` remains without them.
    pub(crate) fn is_final(&self, nodes: usize, threshold: usize, quorum: usize) -> bool {
        let refusing = self.refusing().len();
        refusing > threshold || (refusing > 0 && nodes - refusing < quorum)
    }

    /// The nodes that refuse for good.
    fn refusing(&self) -> NodeSet {
        let refusing = self.0.iter().filter(|(_, error)| error.is_final());
        refusing.map(|(node, _)| *node).collect()
    }

    /// What is wrong with the buyer's gold answers, if more than `threshold` nodes report the same: at least one of them is honest.
    pub(crate) fn about_gold(&self, threshold: usize) -> Option<&str> {
        let reasons = || self.0.iter().filter_map(|(_, error)| error.about_gold());
        reasons().find(|reason| reasons().filter(|other| other == reason).count() > threshold)
    }

    /// The nodes that refuse submissions which the others hold, if more than `threshold` nodes report the same: at least one of
    /// them is honest. Empty otherwise.
    pub(crate) fn refusing_what_others_hold(&self, threshold: usize) -> NodeSet {
        let reported = || {
            self.0.iter().filter_map(|(_, error)| match error {
                NodeError::Refused(Refusal::Disputed { refusing, .. }) => Some(*refusing),
                _ => None,
            })
        };
        let by_enough = |refusing: &NodeSet| reported().filter(|other| other == refusing).count() > threshold;
        reported().find(by_enough).unwrap_or_default()
    }

    /// The withdrawals that nodes show because the list names the submissions, each list with its node.
    pub(crate) fn withdrawals(&self) -> impl Iterator<Item = (usize, &[SignedWithdrawal])> {
        self.0.iter().filter_map(|(node, error)| match error {
            NodeError::Refused(Refusal::Withdrawn(withdrawals)) => Some((*node, withdrawals.as_slice())),
            _ => None,
        })
    }

    /// The same after what nodes have shown was looked at. What these nodes have shown is false, so they deviate; what the others have shown is no
    /// error any more if it is `settled`.
    pub(crate) fn without_withdrawals(mut self, false_by: NodeSet, settled: bool) -> Self {
        let shows = |error: &NodeError| matches!(error, NodeError::Refused(Refusal::Withdrawn(_)));
        for (node, error) in &mut self.0 {
            if shows(error) && false_by.contains(*node) {
                *error = NodeError::UnexpectedReply("it says that submissions are withdrawn, and nobody has signed that");
            }
        }
        if settled {
            self.0.retain(|(_, error)| !shows(error));
        }
        self
    }

    /// Whether some node deviated from the protocol. Such an attempt is not repeated without limit.
    pub(crate) fn is_deviation(&self) -> bool {
        self.0.iter().any(|(_, error)| error.is_deviation())
    }

    /// The nodes without which another attempt is more likely to succeed.
    pub(crate) fn unable(&self) -> NodeSet {
        self.0
            .iter()
            .filter(|(_, error)| error.is_unable())
            .map(|(node, _)| *node)
            .collect::<NodeSet>()
            .union(self.refusing())
    }

    /// The nodes that compute too many other jobs.
    pub(crate) fn busy(&self) -> NodeSet {
        self.0.iter().filter(|(_, error)| error.is_busy()).map(|(node, _)| *node).collect()
    }

    /// What the participants report about each other, where their sessions failed.
    pub(crate) fn accusations(&self) -> Vec<Accusation> {
        let accusation = |(node, error): &(usize, NodeError)| match error {
            NodeError::Refused(Refusal::Session { suspects, transient, .. }) => Some(Accusation {
                node: *node,
                suspects: *suspects,
                transient: *transient,
            }),
            NodeError::Refused(Refusal::Disputed { suspects, .. }) => Some(Accusation {
                node: *node,
                suspects: *suspects,
                transient: false,
            }),
            _ => None,
        };
        self.0.iter().filter_map(accusation).collect()
    }

    /// Describes the failure, with the names of the nodes.
    pub(crate) fn describe(&self, cluster: &Cluster) -> String {
        let description = |(node, error): &(usize, NodeError)| {
            let name = cluster.node_name(*node);
            let NodeError::Refused(Refusal::Session {
                phase, suspects, message, ..
            }) = error
            else {
                return format!("node `{name}`: {error}");
            };
            let phase = phase.map(|phase| format!(" in phase {phase}")).unwrap_or_default();
            let suspects: Vec<String> = suspects.iter().map(|node| format!("`{}`", cluster.node_name(node))).collect();
            let suspects = if suspects.is_empty() {
                String::new()
            } else {
                format!(" (it suspects {})", suspects.join(" or "))
            };
            format!("node `{name}`{phase}: {message}{suspects}")
        };
        self.0.iter().map(description).collect::<Vec<_>>().join("; ")
    }
}

/// Lets the participants compute, and returns what each of them computed, in the order of the nodes.
///
/// # Errors
/// A participant failed; then the requests to all are abandoned.
pub(crate) async fn compute(
    nodes: &Nodes,
    active: &ActiveJob,
    participants: NodeSet,
    attempt: u32,
    (list, salts): (Vec<SubmissionEntry>, SaltSeed),
) -> Result<Vec<(usize, Computed)>, Failure> {
    let request = Request::Compute {
        job: active.job().id().clone(),
        attempt,
        participants,
        list,
        salts,
    };
    let mut running: FuturesUnordered<_> = participants
        .iter()
        .map(|node| {
            let request = &request;
            async move { (node, ask(nodes.get(node), active, node, request).await) }
        })
        .collect();
    let mut computed: Vec<(usize, Computed)> = Vec::new();
    let mut setbacks: Vec<(usize, NodeError)> = Vec::new();
    let mut deadline: Option<Instant> = None;
    loop {
        let next = match deadline {
            None => running.next().await,
            Some(at) => timeout_at(at, running.next()).await.unwrap_or_default(),
        };
        // `None` means that all have answered or the time is up.
        let Some((node, outcome)) = next else { break };
        let within = match outcome {
            Ok(one) => {
                computed.push((node, one));
                STRAGGLER_TIMEOUT
            }
            Err(error) => {
                setbacks.push((node, error));
                REPORT_TIMEOUT
            }
        };
        let at = Instant::now() + within;
        deadline = Some(deadline.map_or(at, |earlier| earlier.min(at)));
    }
    computed.sort_by_key(|(node, _)| *node);
    if setbacks.is_empty() {
        let silent = participants.iter().filter(|node| computed.iter().all(|(other, _)| other != node));
        setbacks.extend(silent.map(|node| (node, NodeError::Silent(STRAGGLER_TIMEOUT))));
    }
    if setbacks.is_empty() {
        Ok(computed)
    } else {
        Err(Failure(setbacks))
    }
}

async fn ask(node: Option<&Node>, active: &ActiveJob, index: usize, request: &Request) -> Result<Computed, NodeError> {
    let channel = node.and_then(Node::channel).ok_or(NodeError::NotConnected)?;
    let mut replies = channel.request(request).await?;
    loop {
        match replies.next().await? {
            Reply::Progress(phase) => active.set_phase(index, phase),
            Reply::Computed(computed) => return Ok(*computed),
            Reply::Refused(refusal) => return Err(NodeError::Refused(refusal)),
            Reply::Opened(_) | Reply::Delivered(_) | Reply::Erased | Reply::Revoked | Reply::SealingKey(_) | Reply::Withdrawn(_) => {
                return Err(NodeError::UnexpectedReply("expected the outcome of a computation"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_protocol::job::JobId;

    fn disputed(node: usize, refusing: &[usize], suspects: &[usize]) -> (usize, NodeError) {
        let set = |nodes: &[usize]| nodes.iter().copied().collect();
        let refusal = Refusal::Disputed {
            refusing: set(refusing),
            suspects: set(suspects),
            message: "why".to_owned(),
        };
        (node, NodeError::Refused(refusal))
    }

    #[test]
    fn a_dispute_is_believed_of_more_than_t_and_never_uses_up_attempts() {
        let failure = Failure(vec![disputed(0, &[2], &[2]), disputed(1, &[2], &[2]), disputed(2, &[2], &[0, 1])]);
        assert_eq!(failure.refusing_what_others_hold(1), [2].into_iter().collect());
        assert!(!failure.is_deviation() && !failure.is_final(3, 1, 3));
        // One node of three cannot say so of another.
        let alone = Failure(vec![disputed(2, &[0], &[0])]);
        assert!(alone.refusing_what_others_hold(1).is_empty());
        // Of four nodes, the one that refuses is left out.
        let seen = Failure(vec![
            disputed(0, &[2], &[2]),
            disputed(1, &[2], &[2]),
            disputed(2, &[2], &[0, 1, 3]),
            disputed(3, &[2], &[2]),
        ])
        .accusations();
        assert_eq!(crate::schedule::deviating(&seen, 4, 1), [2].into_iter().collect());
    }

    #[test]
    fn one_node_alone_cannot_end_a_job_that_others_can_compute() {
        let job: JobId = "job".parse().unwrap();
        let no = |node| (node, NodeError::Refused(Refusal::ReleasedBefore(job.clone())));
        let failure = |nodes: &[usize]| Failure(nodes.iter().copied().map(no).collect());
        assert!(!failure(&[3]).is_final(4, 1, 3));
        assert_eq!(failure(&[3]).unable(), [3].into_iter().collect());
        assert!(failure(&[2, 3]).is_final(4, 1, 3));
        // No node can be spared.
        assert!(failure(&[2]).is_final(3, 1, 3));
        assert!(!Failure(Vec::new()).is_final(3, 1, 3));
    }
}
