//! Starts the programs of a cluster that do not run, and waits until all are ready.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Client;
use tacit_client::text::one_line;
use tokio::time::{Instant, sleep};

use super::process::{Process, Started};
use super::program::{Program, Turn};

/// How long the programs of one turn may take to become ready.
const READY: Duration = Duration::from_secs(60);
/// The time-out of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a program is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// What this command has started: everything is stopped again if it fails.
pub(super) struct Start<'a> {
    programs: &'a [Program],
    client: Client,
    /// The programs that this command has started, in order.
    started: Vec<(&'a Program, Started)>,
    /// Those that ran already.
    running: Vec<(&'a Program, Process)>,
}

impl<'a> Start<'a> {
    /// Nothing is started yet.
    pub(super) fn new(programs: &'a [Program]) -> Result<Self> {
        let client = Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().tls_certs_only([]).build();
        Ok(Self {
            programs,
            client: client.context("cannot make an HTTP client")?,
            started: Vec::new(),
            running: Vec::new(),
        })
    }

    /// Starts what does not run, and waits until all programs are ready. After an error, and if the future is dropped, call [`Self::undo`].
    pub(super) async fn run(&mut self) -> Result<()> {
        for turn in [Turn::Monitoring, Turn::Nodes, Turn::Coordinator, Turn::Page] {
            let first = self.started.len();
            for program in self.programs.iter().filter(|program| program.turn == turn) {
                match Process::find(program)? {
                    Some(process) => self.running.push((program, process)),
                    None => self.started.push((program, Started::start(program)?)),
                }
            }
            let deadline = Instant::now() + READY;
            for (program, started) in &mut self.started[first..] {
                listens(program, started, deadline).await?;
            }
        }
        let ended = tokio::select! {
            ready = self.all_answer() => return ready,
            ended = self.first_ended() => ended,
        };
        let (program, started) = &mut self.started[ended];
        Err(started.why_ended(&program.name))
    }

    /// Waits until all programs answer that they are ready. A node is ready once it is connected to its peers, so all must run by now.
    async fn all_answer(&self) -> Result<()> {
        let deadline = Instant::now() + READY;
        for (program, _) in &self.started {
            answers(&self.client, program, deadline).await?;
        }
        for (program, process) in &self.running {
            let hint = || {
                format!(
                    "{} (process {}) ran before this command; if it does not recover, run `tacit down`, then `tacit up`",
                    program.name, process.id
                )
            };
            answers(&self.client, program, deadline).await.with_context(hint)?;
        }
        Ok(())
    }

    /// Waits until one of the programs that this command has started ends. Returns which.
    async fn first_ended(&self) -> usize {
        loop {
            if let Some(index) = self.started.iter().position(|(_, started)| started.process.has_ended()) {
                return index;
            }
            sleep(PAUSE).await;
        }
    }

    /// The names of the programs that this command has started.
    pub(super) fn started(&self) -> Vec<&str> {
        self.started.iter().map(|(program, _)| program.name.as_str()).collect()
    }

    /// Whether some of the programs ran before.
    pub(super) fn some_ran(&self) -> bool {
        !self.running.is_empty()
    }

    /// Stops what this command has started, the last one first. If one cannot be stopped, the others are, and the last error is returned.
    pub(super) async fn undo(self) -> Result<()> {
        let mut outcome = Ok(());
        for (program, started) in self.started.into_iter().rev() {
            if let Err(error) = started.process.stop().await {
                outcome = Err(error.context(program.name.clone()));
            }
        }
        outcome
    }
}

/// Waits until a program has said that it listens. Another program that has its port would answer requests in its place.
async fn listens(program: &Program, started: &mut Started, deadline: Instant) -> Result<()> {
    while !started.output().lines().any(|line| line.contains(program.announcement)) {
        tokio::select! {
            () = started.process.ended() => return Err(started.why_ended(&program.name)),
            () = sleep(PAUSE) => {}
        }
        if Instant::now() >= deadline {
            bail!(
                "{} does not listen after {} seconds; its log is {}",
                program.name,
                READY.as_secs(),
                program.log().display()
            );
        }
    }
    Ok(())
}

/// Waits until a program answers that it is ready.
async fn answers(client: &Client, program: &Program, deadline: Instant) -> Result<()> {
    let url = program.ready.url()?;
    loop {
        let answer = match client.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => format!("{}: {}", answer.status(), answer.text().await.unwrap_or_default()),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            bail!(
                "{} is not ready after {} seconds: {url} says {}; its log is {}",
                program.name,
                READY.as_secs(),
                one_line(&answer),
                program.log().display()
            );
        }
        sleep(PAUSE).await;
    }
}
