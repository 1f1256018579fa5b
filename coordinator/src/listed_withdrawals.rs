//! Submissions that the list of a computation names although their contributors have withdrawn them: this coordinator was restored from a backup
//! that is older than the withdrawal, or somebody has uploaded the submission again. Nodes then refuse the list, and show the withdrawals.
//!
//! A submission leaves the list of a closed job only with the erasure receipts of a quorum. A node signs none if it has recorded a release, so no
//! node has released anything of the list before: nobody can change the list after seeing an output. And as soon as a release may be recorded
//! somewhere, nodes that do not know of the withdrawal are not told of it. Otherwise nodes with a record would insist on the list, and nodes with the
//! withdrawal would refuse it, for ever.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future;
use futures::stream::{self, FuturesUnordered, StreamExt};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::codec::decode;
use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::identity::{Signature, Signed};
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt, MAX_WITHDRAWALS, SignedWithdrawal, Withdrawal};

use crate::active_jobs::ActiveJob;
use crate::app::Shared;
use crate::compute::Failure;
use crate::drop_envelopes::erase_from_log;
use crate::nodes::{Node, NodeError, ask};
use crate::store::{ListedSubmission, StoreError};

/// How many withdrawals nodes are told of at once.
const AT_ONCE: usize = 16;

/// What came of the withdrawals that nodes have shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TakenOut {
    /// How many submissions are out of the list.
    pub submissions: usize,
    /// How many of the others were shown to be withdrawn, but too few nodes have signed that they have erased them.
    pub waiting: usize,
    /// The nodes that show what no contributor has signed, or of what was not listed.
    pub false_by: NodeSet,
}

/// Takes the submissions that these nodes show to be withdrawn out of a job that is being computed, if a quorum has erased them.
///
/// # Errors
/// The store fails.
pub(crate) async fn take_out(app: &Shared, active: &Arc<ActiveJob>, failure: &Failure) -> Result<TakenOut, StoreError> {
    let id = active.job().id();
    let shown: Vec<(usize, Vec<SignedWithdrawal>)> = failure
        .withdrawals()
        .map(|(node, withdrawals)| (node, withdrawals.iter().take(MAX_WITHDRAWALS).cloned().collect()))
        .collect();
    let digests = shown.iter().flat_map(|(_, withdrawals)| withdrawals).map(|one| one.submission);
    let listed = app.store.listed(id, digests.collect()).await?;
    let (of, with) = (Arc::clone(active), Arc::clone(app));
    let checked = tokio::task::spawn_blocking(move || check(&with, &of, &shown, listed)).await;
    let (withdrawn, false_by) = checked.map_err(|_| StoreError::ShuttingDown)?;
    let mut taken_out = TakenOut {
        false_by,
        ..TakenOut::default()
    };
    let nodes = if active.may_be_recorded() {
        failure.withdrawals().map(|(node, _)| node).collect()
    } else {
        NodeSet::all(app.cluster.nodes().len())
    };
    let silent = Mutex::new(HashSet::new());
    let silent = &silent;
    let erased = stream::iter(withdrawn).map(|one| async move {
        let receipts = receipts(app, active, nodes, &one, silent).await;
        (one, receipts)
    });
    let mut erased = pin!(erased.buffer_unordered(AT_ONCE));
    // Of a job that is cancelled meanwhile, nothing more is to be done.
    while let Some((one, receipts)) = active.cancelled().run_until_cancelled(erased.next()).await.flatten() {
        if receipts.len() < app.quorum() {
            taken_out.waiting += 1;
            continue;
        }
        let sequence = one.listed.sequence;
        if app.store.withdraw_listed(id, sequence, one.signature, receipts).await? {
            active.withdraw(sequence);
            taken_out.submissions += 1;
            tracing::warn!(job = %id, sequence, "a listed submission was withdrawn before, as nodes show: it is out of the job");
        }
    }
    if taken_out.submissions > 0 {
        erase_from_log(app, id).await;
        // Nodes whose receipts were not waited for are told again with what is delivered to them.
        app.nodes.wake();
    }
    Ok(taken_out)
}

/// A submission of the list with a withdrawal that was checked.
struct Shown {
    listed: ListedSubmission,
    header: Signed<Header>,
    signature: Signature,
}

/// The submissions with a good withdrawal, and the nodes that have shown another one or none.
fn check(
    app: &Shared,
    active: &ActiveJob,
    shown: &[(usize, Vec<SignedWithdrawal>)],
    mut listed: HashMap<Digest, ListedSubmission>,
) -> (Vec<Shown>, NodeSet) {
    let mut good: HashMap<Digest, Shown> = HashMap::new();
    let mut false_by = Vec::new();
    for (node, withdrawals) in shown {
        for one in withdrawals {
            let header = match (good.get(&one.submission), listed.get(&one.submission)) {
                // Signatures are not unique, so another good one is no lie.
                (Some(known), _) if known.signature == one.signature => continue,
                (Some(known), _) => Some(known.header.clone()),
                (None, Some(listed)) => decode(&listed.header, "a submission's header").ok(),
                (None, None) => None,
            };
            let checked = header.filter(|header| Withdrawal::check(header, &one.signature, &app.cluster, active.job()).is_ok());
            match (checked, listed.remove(&one.submission)) {
                (Some(header), Some(listed)) => {
                    let signature = one.signature;
                    good.insert(one.submission, Shown { listed, header, signature });
                }
                (Some(_), None) => {}
                (None, still_listed) => {
                    if let Some(still_listed) = still_listed {
                        listed.insert(one.submission, still_listed);
                    }
                    false_by.push(*node);
                }
            }
        }
        if withdrawals.is_empty() {
            false_by.push(*node);
        }
    }
    (good.into_values().collect(), false_by.into_iter().collect())
}

/// Tells those of these nodes that can be reached of a withdrawal, and returns the receipts of a quorum that have erased the submission, or of
/// all that answer if there are fewer. A node that does not answer at all is asked for no further one, and noted in `silent`: one that deviates
/// would hold up the job for a minute with each withdrawal.
async fn receipts(
    app: &Shared,
    active: &ActiveJob,
    nodes: NodeSet,
    one: &Shown,
    silent: &Mutex<HashSet<usize>>,
) -> Vec<(usize, ErasureReceipt)> {
    let request = Request::Withdraw {
        job: active.job().id().clone(),
        header: one.listed.header.clone(),
        signature: one.signature,
    };
    let silent_now = silent.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked = nodes.iter().filter(|index| !silent_now.contains(index)).map(|index| {
        let (request, channel) = (&request, app.nodes.get(index).and_then(Node::channel));
        async move {
            match ask(&*channel?, request).await {
                Ok(Reply::Withdrawn(receipt)) => {
                    let signer = Erasure::signer(&receipt, &app.cluster, &one.header.value);
                    (signer == Some(index)).then_some((index, *receipt))
                }
                // It computes still, or it has recorded a release.
                Err(NodeError::Refused(Refusal::Frozen(_))) => None,
                Ok(_) => None,
                Err(error) => {
                    if matches!(error, NodeError::Silent(_)) {
                        silent.lock().unwrap_or_else(PoisonError::into_inner).insert(index);
                    }
                    tracing::warn!(job = %active.job().id(), node = index, %error, "a node does not erase a submission that was withdrawn");
                    None
                }
            }
        }
    });
    let receipts = asked.collect::<FuturesUnordered<_>>().filter_map(future::ready);
    receipts.take(app.quorum()).collect().await
}
