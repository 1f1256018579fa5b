//! One computation: the same request to every participant, and their answers.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::control::{Computed, Refusal, Reply, Request};
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::board::Live;
use crate::nodes::Trouble;
use crate::schedule::Word;

/// How long the last participants may take after the first one has its result.
const STRAGGLERS: Duration = Duration::from_secs(60);

/// How long the others are listened to after one has failed: what they say helps to find the cause.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a computation failed: what each node said that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub Vec<(usize, Trouble)>);

impl Failure {
    /// Whether another try would end the same: more than `threshold` nodes say no for good, of whom one is honest,
    /// or no `quorum` remains without them.
    pub fn is_final(&self, nodes: usize, threshold: usize, quorum: usize) -> bool {
        let refusing = self.refusing().len();
        refusing > threshold || (refusing > 0 && nodes - refusing < quorum)
    }

    /// The nodes that say no for good.
    fn refusing(&self) -> NodeSet {
        let refusing = self.0.iter().filter(|(_, trouble)| trouble.is_final());
        refusing.map(|(node, _)| *node).collect()
    }

    /// What is wrong with the buyer's gold answers, if more than `threshold` nodes say the same of them: at
    /// least one of those is honest.
    pub fn about_gold(&self, threshold: usize) -> Option<&str> {
        let reasons = || self.0.iter().filter_map(|(_, trouble)| trouble.about_gold());
        reasons().find(|reason| reasons().filter(|other| other == reason).count() > threshold)
    }

    /// Whether some node deviated from the protocol: this is not to be tried for ever.
    pub fn is_deviation(&self) -> bool {
        self.0.iter().any(|(_, trouble)| trouble.is_deviation())
    }

    /// The nodes of which another try may get more when they are left out.
    pub fn unable(&self) -> NodeSet {
        self.0
            .iter()
            .filter(|(_, trouble)| trouble.is_unable())
            .map(|(node, _)| *node)
            .collect::<NodeSet>()
            .union(self.refusing())
    }

    /// The busy nodes.
    pub fn busy(&self) -> NodeSet {
        self.0
            .iter()
            .filter(|(_, trouble)| trouble.is_busy())
            .map(|(node, _)| *node)
            .collect()
    }

    /// What the nodes said of a session that failed.
    pub fn session_words(&self) -> Vec<Word> {
        let word = |(node, trouble): &(usize, Trouble)| match trouble {
            Trouble::Refused(Refusal::Session { suspects, transient, .. }) => Some(Word {
                node: *node,
                suspects: *suspects,
                transient: *transient,
            }),
            _ => None,
        };
        self.0.iter().filter_map(word).collect()
    }

    /// In words, with the names of the nodes.
    pub fn words(&self, cluster: &Cluster) -> String {
        let said = |(node, trouble): &(usize, Trouble)| {
            let name = cluster.node_name(*node);
            let Trouble::Refused(Refusal::Session {
                phase, suspects, message, ..
            }) = trouble
            else {
                return format!("node `{name}`: {trouble}");
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
        self.0.iter().map(said).collect::<Vec<_>>().join("; ")
    }
}

/// Lets the participants compute, and gives what each of them computed, in order of the nodes.
///
/// # Errors
/// One of them did not end well; then all are abandoned.
pub async fn compute(
    app: &App,
    live: &Live,
    participants: NodeSet,
    attempt: u32,
    list: Vec<SubmissionEntry>,
) -> Result<Vec<(usize, Computed)>, Failure> {
    let request = Request::Compute {
        job: live.job().id().clone(),
        attempt,
        participants,
        list,
    };
    let mut running: FuturesUnordered<_> = participants
        .iter()
        .map(|node| {
            let request = &request;
            async move { (node, one(app, live, node, request).await) }
        })
        .collect();
    let mut computed: Vec<(usize, Computed)> = Vec::new();
    let mut setbacks: Vec<(usize, Trouble)> = Vec::new();
    let mut deadline: Option<Instant> = None;
    loop {
        let next = match deadline {
            None => running.next().await,
            Some(at) => timeout_at(at, running.next()).await.unwrap_or_default(),
        };
        // Either all have answered or time is up.
        let Some((node, outcome)) = next else { break };
        let within = match outcome {
            Ok(one) => {
                computed.push((node, one));
                STRAGGLERS
            }
            Err(trouble) => {
                setbacks.push((node, trouble));
                LAST_WORDS
            }
        };
        let at = Instant::now() + within;
        deadline = Some(deadline.map_or(at, |earlier| earlier.min(at)));
    }
    computed.sort_by_key(|(node, _)| *node);
    if setbacks.is_empty() {
        let silent = participants.iter().filter(|node| computed.iter().all(|(other, _)| other != node));
        setbacks.extend(silent.map(|node| (node, Trouble::Silent(STRAGGLERS))));
    }
    if setbacks.is_empty() {
        Ok(computed)
    } else {
        Err(Failure(setbacks))
    }
}

async fn one(app: &App, live: &Live, index: usize, request: &Request) -> Result<Computed, Trouble> {
    let channel = app
        .nodes
        .get(index)
        .and_then(crate::nodes::Node::channel)
        .ok_or(Trouble::NotConnected)?;
    let mut replies = channel.request(request).await?;
    loop {
        match replies.next().await? {
            Reply::Progress(phase) => live.set_phase(index, phase),
            Reply::Computed(computed) => return Ok(*computed),
            Reply::Refused(refusal) => return Err(Trouble::Refused(refusal)),
            Reply::Opened(_) | Reply::Delivered(_) | Reply::Cancelled => return Err(Trouble::Odd("not the outcome of a computation")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_protocol::control::Refusal;
    use tacit_protocol::job::JobId;

    #[test]
    fn one_node_alone_ends_no_job_that_others_can_compute() {
        let job: JobId = "job".parse().unwrap();
        let no = |node| (node, Trouble::Refused(Refusal::ReleasedBefore(job.clone())));
        let failure = |nodes: &[usize]| Failure(nodes.iter().copied().map(no).collect());
        assert!(!failure(&[3]).is_final(4, 1, 3));
        assert_eq!(failure(&[3]).unable(), [3].into_iter().collect());
        assert!(failure(&[2, 3]).is_final(4, 1, 3));
        // None can be spared.
        assert!(failure(&[2]).is_final(3, 1, 3));
        assert!(!Failure(Vec::new()).is_final(3, 1, 3));
    }
}
