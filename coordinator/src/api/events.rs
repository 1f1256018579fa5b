//! `GET /v1/jobs/{id}/events`: a job's status as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::stream::unfold;
use tacit_protocol::api::{JobStatus, Problem as Document};
use tacit_protocol::job::JobId;
use tokio::sync::watch;
use tokio::time::sleep;

use super::extract::JobPath;
use super::look_up;
use super::problem::Problem;
use super::readers::{Reader, may_read};
use crate::app::Shared;
use crate::status::View;

/// The shortest time between two events. Changes in between are sent as one.
const PACE: Duration = Duration::from_millis(50);

/// The route. Its requests last until the client stops listening, so they are not timed.
pub(super) const PATH: &str = "/v1/jobs/{id}/events";

/// Sends the job's status at once and on each change. Ends after a final state.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", tag = "jobs", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, body = JobStatus, content_type = "text/event-stream", description = "each event's data is a status"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is none that this request may read"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn events(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let view = reader.view(&app, &may_read(&app, &id, &reader).await?);
    // Subscribed before the status is read, so that no change is missed.
    let changes = app.changes_of(&id);
    let first = look_up::status(&app, &id, view).await?;
    let watch = Watch {
        app,
        id,
        view,
        changes,
        next: Some(first),
        ended: false,
    };
    let stream = unfold(watch, |mut watch| async move {
        let status = watch.next().await?;
        let event = Event::default().event("status").json_data(&status).ok()?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

struct Watch {
    app: Shared,
    id: JobId,
    view: View,
    changes: Option<watch::Receiver<()>>,
    next: Option<JobStatus>,
    ended: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<JobStatus> {
        if self.ended {
            return None;
        }
        let status = match self.next.take() {
            Some(first) => first,
            None => self.changed().await?,
        };
        self.ended = status.state.is_final();
        Some(status)
    }

    async fn changed(&mut self) -> Option<JobStatus> {
        let wait = async {
            sleep(PACE).await;
            self.changes.as_mut()?.changed().await.ok()
        };
        self.app.shutdown.run_until_cancelled(wait).await??;
        self.app.status(&self.id, self.view).await.ok()?
    }
}
