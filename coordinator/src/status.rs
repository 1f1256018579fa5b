//! A job's status, out of its row, its place on the board and the nodes' connections.

use tacit_protocol::api::{JobState, JobStatus, WaitingOn};

use crate::board::Live;
use crate::nodes::{LinkState, Nodes};
use crate::store::JobRow;

/// The status of a job; `live` unless it has ended.
pub fn of(row: JobRow, live: Option<&Live>, nodes: &Nodes) -> JobStatus {
    let live = live.filter(|_| !row.state.is_final());
    let waiting_on = live.map(|live| waiting_on(&row, live, nodes)).unwrap_or_default();
    let phase = live.filter(|_| row.state == JobState::Computing).and_then(Live::phase);
    JobStatus {
        id: row.id,
        name: row.name,
        digest: row.digest,
        state: row.state,
        reason: row.reason,
        items: row.items,
        answers_per_item: row.answers_per_item,
        submissions: row.submissions,
        answers: row.answers,
        delivered: row.delivered,
        attempt: row.attempt,
        phase,
        waiting_on,
    }
}

fn waiting_on(row: &JobRow, live: &Live, nodes: &Nodes) -> Vec<WaitingOn> {
    if row.state == JobState::Verified {
        return Vec::new();
    }
    let running = live.running();
    let setbacks = live.setbacks();
    let mut waiting = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        if running.is_some_and(|running| !running.contains(index)) {
            continue;
        }
        let place = live.place(index);
        let (reason, needs_operator) = match (node.state(), place.trouble) {
            (LinkState::Down { trouble, .. }, _) | (LinkState::Up(_), Some((trouble, _))) => {
                (trouble.to_string(), trouble.needs_operator())
            }
            (LinkState::Up(_), None) if row.state == JobState::Closing && place.cursor < row.submissions => {
                (format!("has {} of {} submissions so far", place.cursor, row.submissions), false)
            }
            (LinkState::Up(_), None) => match setbacks.iter().find(|(node, _)| *node == index) {
                Some((_, trouble)) => (trouble.to_string(), trouble.needs_operator()),
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
