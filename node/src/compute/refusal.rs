//! What the coordinator is told of a computation that ends without outputs.

use tacit_mpc_core::network::NetworkError;
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::control::Refusal;
use tacit_protocol::phase::Phase;
use tacit_scoring::{Dispute, ScoringError};

use crate::intake::Intake;

/// The phase in which a computation ended, if it was in one.
pub(super) fn phase_of(error: &ScoringError) -> Option<Phase> {
    match error {
        ScoringError::Session(error) => error.phase().map(Phase::from),
        ScoringError::AcceptedSet(_) | ScoringError::NotPermitted | ScoringError::Disputed(_) => Some(Phase::AcceptedSet),
        ScoringError::Unopened(_) | ScoringError::Gold(_) => Some(Phase::Validate),
        ScoringError::NotRecorded => Some(Phase::Release),
        ScoringError::NotComputed(_) | ScoringError::Records(_) => Some(Phase::Agreement),
    }
}

/// The refusal for an error of a computation.
pub(super) fn refusal_of(intake: &Intake, error: ScoringError) -> Refusal {
    match error {
        ScoringError::Session(error) => session_refusal(intake, &error),
        ScoringError::AcceptedSet(error) => Refusal::Malformed(error.to_string()),
        ScoringError::Disputed(dispute) => disputed(intake, &dispute),
        ScoringError::Gold(error) => Refusal::Gold(error.to_string()),
        error @ (ScoringError::Unopened(_) | ScoringError::NotRecorded | ScoringError::NotPermitted) => Refusal::Storage(error.to_string()),
        // It counts as an attempt, so that the job ends: another attempt would fail alike.
        error @ (ScoringError::NotComputed(_) | ScoringError::Records(_)) => Refusal::Job(error.to_string()),
    }
}

/// The refusal for a session that failed, with its phase and the names of the suspects.
pub(super) fn session_refusal(intake: &Intake, error: &SessionError) -> Refusal {
    let names: Vec<String> = error.suspects().iter().map(|node| intake.cluster.node_name(node)).collect();
    let suspects = if names.is_empty() {
        String::new()
    } else {
        format!(" (suspects: {})", names.join(", "))
    };
    Refusal::Session {
        phase: error.phase().map(Phase::from),
        suspects: error.suspects(),
        transient: is_transient(error),
        message: format!("{error}{suspects}"),
    }
}

/// The refusal where a few nodes refuse what the others hold, with the names of these nodes.
fn disputed(intake: &Intake, dispute: &Dispute) -> Refusal {
    let Dispute {
        refusing,
        submissions,
        suspects,
    } = *dispute;
    let names = |nodes: NodeSet| {
        nodes
            .iter()
            .map(|node| intake.cluster.node_name(node))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = if refusing.contains(intake.me) {
        let holding = names(suspects);
        format!("it lacks its part of {submissions} submissions that {holding} say they hold and did not supply")
    } else {
        format!("{} refuse {submissions} submissions that all others hold", names(refusing))
    };
    Refusal::Disputed {
        refusing,
        suspects,
        message: format!("{message}: there are no outputs while they do"),
    }
}

/// Whether the same computation may succeed when it is repeated: a node was silent or lost, or the computation was cancelled.
pub(super) fn is_transient(error: &SessionError) -> bool {
    use NetworkError::{Cancelled, Lost, Silent};
    matches!(
        error,
        SessionError::Network {
            source: Silent { .. } | Lost { .. } | Cancelled,
            ..
        }
    )
}

/// The refusal for peers that could not be reached before the first round.
pub(crate) fn unreachable(intake: &Intake, error: NetworkError) -> Refusal {
    let phase = Phase::AcceptedSet.engine();
    session_refusal(intake, &SessionError::Network { phase, source: error })
}
