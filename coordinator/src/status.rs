//! The status of a job: from its row in the store, its state in memory, and the connections of the nodes.

use tacit_protocol::api::{JobState, JobStatus, WaitingOn};

use crate::active_jobs::ActiveJob;
use crate::nodes::{LinkState, Nodes};
use crate::store::JobRow;

/// Why a job waits for a node that is connected and has everything, and still says that it cannot use its part.
const REFUSES: &str = "refuses submissions that the others hold: there is no result while it does; see its log for what it lacks, and whether \
     peers have supplied it";

/// Who gets a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The job's buyer.
    Buyer,
    /// Somebody else who may read the job. Whoever watches how the numbers of contributors and of complete items change with each submission
    /// could tell which submissions come from one person, and which items they answer.
    Reader,
}

/// The status of a job. `active` is its state in memory, unless it has ended.
pub(crate) fn of(row: JobRow, view: View, active: Option<&ActiveJob>, nodes: &Nodes) -> JobStatus {
    let active = active.filter(|_| !row.state.is_final());
    let for_buyer = view == View::Buyer;
    let complete_items = row.complete_items.or_else(|| active.map(ActiveJob::complete_items));
    let waiting_on = active.map(|active| waiting_on(&row, active, nodes)).unwrap_or_default();
    let phase = active.filter(|_| row.state == JobState::Computing).and_then(ActiveJob::phase);
    JobStatus {
        id: row.id,
        name: row.name,
        digest: row.digest,
        state: row.state,
        reason: row.reason,
        created_at: row.created_at,
        closed_at: row.closed_at,
        published_at: row.published_at,
        items: row.items,
        answers_per_item: row.answers_per_item,
        submissions: row.submissions,
        answers: row.answers,
        delivered: row.delivered,
        complete_items: complete_items.filter(|_| for_buyer),
        contributors: for_buyer.then_some(row.contributors),
        attempt: row.attempt,
        phase,
        waiting_on,
    }
}

fn waiting_on(row: &JobRow, active: &ActiveJob, nodes: &Nodes) -> Vec<WaitingOn> {
    if row.state == JobState::Verified {
        return Vec::new();
    }
    let running = active.running();
    let setbacks = active.setbacks();
    let refusing = active.refusing();
    let mut waiting = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if running.is_some_and(|running| !running.contains(index)) {
            continue;
        }
        let progress = active.progress(index);
        let (reason, needs_operator) = match (node.state(), progress.error) {
            (LinkState::Down { error, .. }, _) | (LinkState::Up(_), Some((error, _))) => (error.to_string(), error.needs_operator()),
            (LinkState::Up(_), None) if row.state == JobState::Closing && progress.cursor < row.submissions => {
                (format!("has {} of {} submissions so far", progress.cursor, row.submissions), false)
            }
            (LinkState::Up(_), None) if refusing.contains(index) => (REFUSES.to_owned(), true),
            // What the others say is that they wait for these.
            (LinkState::Up(_), None) if !refusing.is_empty() => continue,
            (LinkState::Up(_), None) => match setbacks.iter().find(|(node, _)| *node == index) {
                Some((_, error)) => (error.to_string(), error.needs_operator()),
                None => continue,
            },
        };
        waiting.push(WaitingOn {
            node: node.name().to_owned(),
            reason,
            needs_operator,
        });
    }
    waiting
}
