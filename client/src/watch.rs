//! Following a job: the coordinator's server-sent events, connected again when they break.

use std::time::Duration;

use tacit_program::Backoff;
use tacit_protocol::api::JobStatus;
use tacit_protocol::job::JobId;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::events::Events;
use crate::http::{Api, ApiError, FailureClass};

/// The pauses before the stream is opened again after it has ended or broken.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The changes of one job until nothing more will happen.
pub struct Watch<'a> {
    api: &'a Api,
    id: &'a JobId,
    events: Option<Events>,
    pauses: Backoff,
    /// How long the coordinator may give no answer.
    patience: Duration,
    silence: Option<Silence>,
    ended: bool,
}

/// The coordinator gives no answer.
#[derive(Clone)]
struct Silence {
    /// Until when it may give none.
    until: Instant,
    /// How it began.
    error: ApiError,
}

impl<'a> Watch<'a> {
    /// Follows job `id`, and gives up as soon as the coordinator gives no answer.
    pub fn new(api: &'a Api, id: &'a JobId) -> Self {
        Self::with_patience(api, id, Duration::ZERO)
    }

    /// Follows job `id`, and gives up when the coordinator has given no answer for this long.
    pub fn with_patience(api: &'a Api, id: &'a JobId, patience: Duration) -> Self {
        Self {
            api,
            id,
            events: None,
            pauses: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            patience,
            silence: None,
            ended: false,
        }
    }

    /// The next change; `None` after a final state. `lost` is called when the coordinator gives no answer and is tried again, once until it
    /// does. The future may be dropped and the method called again.
    ///
    /// # Errors
    /// The coordinator refuses the request, or has given no answer for too long.
    pub async fn next(&mut self, mut lost: impl FnMut(&ApiError)) -> Result<Option<JobStatus>, ApiError> {
        while !self.ended {
            let answer = match self.silence.clone() {
                None => self.answer().await,
                Some(Silence { until, error }) => timeout_at(until, self.answer()).await.map_err(|_| error)?,
            };
            match answer {
                Ok(status) => {
                    self.silence = None;
                    self.ended = status.state.is_final();
                    return Ok(Some(status));
                }
                Err(error) if error.class() == FailureClass::TryLater && !self.patience.is_zero() => {
                    if self.silence.is_none() {
                        lost(&error);
                    }
                    let until = Instant::now() + self.patience;
                    let until = self.silence.get_or_insert(Silence { until, error }).until;
                    sleep_until(until.min(Instant::now() + self.pauses.next_pause())).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The next event; where the stream has ended, the status, and the stream is opened again next time.
    async fn answer(&mut self) -> Result<JobStatus, ApiError> {
        let events = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(self.api.events(self.id).await?),
        };
        if let Some(status) = events.next().await {
            self.pauses.reset();
            return Ok(status);
        }
        self.events = None;
        sleep(self.pauses.next_pause()).await;
        self.api.status(self.id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::{StatusCode, header};
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tacit_protocol::api::{JobState, Problem, ProblemKind};

    const OPEN: &str = r#"{"id":"j","name":"n","digest":"0000000000000000000000000000000000000000000000000000000000000000","state":"open",
        "items":1,"answers_per_item":1,"submissions":0,"answers":0,"delivered":0,"attempt":0,"created_at":0,"waiting_on":[]}"#;

    fn problem(kind: ProblemKind) -> Response {
        let body = serde_json::to_vec(&Problem::new(kind, String::new())).unwrap();
        let status = StatusCode::from_u16(kind.status()).unwrap();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }

    /// A client of a coordinator that answers requests for events in this order; the status of the job is that it is open.
    async fn coordinator(answers: Vec<fn() -> Response>) -> Api {
        let asked = Arc::new(AtomicUsize::new(0));
        let events = move || {
            let answer = answers[asked.fetch_add(1, Ordering::SeqCst)];
            async move { answer() }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/jobs/{id}/events", get(events))
            .route("/v1/jobs/{id}", get(async || OPEN));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Api::new(&url, None).unwrap()
    }

    fn event(text: &str) -> Response {
        let line = text.replace('\n', "");
        ([(header::CONTENT_TYPE, "text/event-stream")], format!("data: {line}\n\n")).into_response()
    }

    const OPENED: fn() -> Response = || event(OPEN);
    const PUBLISHED: fn() -> Response = || event(&OPEN.replace("\"open\"", "\"published\""));
    const BUSY: fn() -> Response = || problem(ProblemKind::ShuttingDown);
    const UNKNOWN: fn() -> Response = || problem(ProblemKind::UnknownJob);

    #[tokio::test]
    async fn a_coordinator_that_gives_no_answer_is_asked_again_until_it_does() {
        let api = coordinator(vec![BUSY, BUSY, PUBLISHED]).await;
        let id: JobId = "j".parse().unwrap();
        let mut watch = Watch::with_patience(&api, &id, Duration::from_secs(3600));
        let mut lost = 0;
        let status = watch.next(|_| lost += 1).await.unwrap().unwrap();
        assert_eq!((status.state, lost), (JobState::Published, 1), "said once");
        assert!(watch.next(|_| ()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn patience_ends_and_without_any_the_first_failure_counts() {
        let id: JobId = "j".parse().unwrap();
        let api = coordinator(vec![BUSY; 100]).await;
        let mut watch = Watch::with_patience(&api, &id, Duration::from_millis(1));
        let mut lost = 0;
        let error = watch.next(|_| lost += 1).await.unwrap_err();
        assert_eq!((error.kind(), lost), (Some(ProblemKind::ShuttingDown), 1));
        let api = coordinator(vec![BUSY]).await;
        let error = Watch::new(&api, &id).next(|_| lost += 1).await.unwrap_err();
        assert_eq!((error.kind(), lost), (Some(ProblemKind::ShuttingDown), 1));
    }

    #[tokio::test]
    async fn a_refusal_is_final_however_patient_one_is() {
        let id: JobId = "j".parse().unwrap();
        let api = coordinator(vec![UNKNOWN]).await;
        let mut watch = Watch::with_patience(&api, &id, Duration::from_secs(3600));
        let error = watch.next(|_| panic!("nothing is tried again")).await.unwrap_err();
        assert_eq!(error.kind(), Some(ProblemKind::UnknownJob));
    }

    #[tokio::test]
    async fn a_stream_that_has_ended_is_opened_again() {
        let id: JobId = "j".parse().unwrap();
        let api = coordinator(vec![OPENED, PUBLISHED]).await;
        let mut watch = Watch::new(&api, &id);
        // An event, the status after the end of the stream, and an event of the next stream.
        for state in [JobState::Open, JobState::Open, JobState::Published] {
            assert_eq!(watch.next(|_| ()).await.unwrap().unwrap().state, state);
        }
        assert!(watch.next(|_| ()).await.unwrap().is_none());
    }
}
