//! `/v1/jobs/{id}/receipts`: what the contributor who asks has sent, and what the nodes certify to it.

use std::convert::Infallible;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use tacit_protocol::api::{ContributorReceipts, Problem as Document, SentSubmission};
use tacit_protocol::codec::decode;
use tacit_protocol::identity::PublicKey;

use super::extract::{JobPath, SigningKey};
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, may_read};
use crate::app::{App, Shared};
use crate::receipts::certified;
use tacit_http_server::Reservation;

/// The most answers of a key whose list needs no place: about a megabyte.
const SHORT: u64 = 100_000;

/// How much of a long list is handed to the connection at once.
const SENT_AT_ONCE: usize = 64 << 10;

/// What the key that has signed the request has sent to a job, also before the job is published; and then what the nodes certify to it: its own
/// records, which of its answers count and what it is paid, with their paths to the root that all nodes have signed. Nobody else's can be
/// asked for.
#[utoipa::path(get, path = "/v1/jobs/{id}/receipts", tag = "submissions", security(("key" = [])), params(("id" = String, Path)), responses(
    (status = 200, body = ContributorReceipts, description = "what the key has sent, and what is certified to it"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "the job is published, and has no submission of this key; or the key has none, and may not read the job"),
    (status = 503, body = Document, content_type = "application/problem+json", description = "too many long lists are being sent; ask again"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_receipts(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    SigningKey(key): SigningKey,
    reader: Reader,
) -> Result<Response, Problem> {
    let answers = app.store.answers_by(&id, key).await?;
    if answers.is_none() && may_read(&app, &id, &reader).await?.purged {
        return Err(Problem::purged(&id));
    }
    let place = place(&app, key, answers.unwrap_or_default())?;
    let row = look_up::job(&app, &id).await?;
    let submissions = sent(&app, app.store.sent_by(&id, key).await?)?;
    let certified = match app.store.receipts(&id, key).await? {
        None => None,
        Some((_, records)) if records.is_empty() => {
            let detail = format!("job `{id}` has no submission of the key {key}");
            return Err(Problem::new(ProblemKind::UnknownSubmission, detail));
        }
        Some((root, records)) => {
            let certified = certified(&root, &records).ok_or("they are not the encoding of any");
            Some(look_up::stored(&app, "certified records", certified)?)
        }
    };
    let receipts = ContributorReceipts {
        state: row.state,
        submissions,
        certified,
    };
    match place {
        None => Ok(Json(receipts).into_response()),
        Some(place) => {
            let written = tokio::task::spawn_blocking(move || serde_json::to_vec(&receipts)).await;
            let written = written.map_err(|_| Problem::new(ProblemKind::ShuttingDown, "send the request again"))?;
            let text = written.map_err(|error| Problem::new(ProblemKind::StoreFailed, error.to_string()))?;
            Ok(([(header::CONTENT_TYPE, "application/json")], held_while_sent(text.into(), place)).into_response())
        }
    }
}

/// The place that a long list takes; `None` for a short one.
fn place(app: &App, key: PublicKey, answers: u64) -> Result<Option<Reservation<PublicKey>>, Problem> {
    let busy = |_| Problem::new(ProblemKind::Busy, "long lists of receipts are being sent: ask again in a second");
    let take = || app.long_receipts.take(vec![(key, 1)], 1).map_err(busy);
    (answers > SHORT).then(take).transpose()
}

/// A body that holds a place until the last of it is handed to the connection.
fn held_while_sent(text: Bytes, place: Reservation<PublicKey>) -> Body {
    let pieces = unfold((text, place), |(mut text, place)| async move {
        let piece = text.split_to(SENT_AT_ONCE.min(text.len()));
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (text, place)))
    });
    Body::from_stream(pieces)
}

/// The submissions of these receipts and headers, as they are stored.
fn sent(app: &App, stored: Vec<(String, Vec<u8>)>) -> Result<Vec<SentSubmission>, Problem> {
    let read = |(receipt, header): (String, Vec<u8>)| {
        let receipt = look_up::stored(app, "a receipt", serde_json::from_str(&receipt))?;
        let header = look_up::stored(app, "a submission's header", decode(&header, "a submission's header"))?;
        Ok(SentSubmission { receipt, header })
    };
    stored.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestCluster, contributor_key};
    use futures::StreamExt;

    #[tokio::test]
    async fn few_long_lists_are_sent_at_once_and_one_to_each_key() {
        let (cluster, folder) = (TestCluster::new(3, 1), tempfile::tempdir().unwrap());
        let app = cluster.start(folder.path()).await;
        let key = |byte| contributor_key(byte).public();
        assert!(place(&app, key(1), SHORT).unwrap().is_none());
        let first = place(&app, key(1), SHORT + 1).unwrap().unwrap();
        assert!(place(&app, key(1), SHORT + 1).is_err(), "one key has one place");
        assert!(place(&app, key(1), SHORT).unwrap().is_none());
        let _others: Vec<_> = (2..5).map(|byte| place(&app, key(byte), u64::MAX).unwrap()).collect();
        assert!(place(&app, key(5), SHORT + 1).is_err(), "four in all");
        let mut sent = held_while_sent(vec![7; SENT_AT_ONCE + 1].into(), first).into_data_stream();
        assert_eq!(sent.next().await.unwrap().unwrap().len(), SENT_AT_ONCE);
        assert!(place(&app, key(1), SHORT + 1).is_err(), "it is being sent");
        assert_eq!(sent.next().await.unwrap().unwrap().len(), 1);
        assert!(sent.next().await.is_none());
        assert!(place(&app, key(1), SHORT + 1).unwrap().is_some());
    }
}
