//! Shows the progress of a command in phases: bars on a terminal, short lines elsewhere. Measures how long each phase takes.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tacit_program::error_line;

use crate::output;

/// The progress of the whole command.
pub(crate) struct Progress {
    terminal: bool,
    began: Instant,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    times: Vec<(&'static str, Duration)>,
    now: String,
}

/// A running phase; it ends when this is dropped.
pub(crate) struct Phase<'a> {
    progress: &'a Progress,
    name: &'static str,
    began: Instant,
    bar: Option<ProgressBar>,
    title: String,
}

impl Progress {
    /// Progress before the first phase.
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            began: Instant::now(),
            state: RefCell::default(),
        }
    }

    /// Begins a phase of `total` steps, if they can be counted.
    pub(crate) fn phase(&self, name: &'static str, title: String, total: Option<u64>) -> Phase<'_> {
        let bar = self.terminal.then(|| bar(&title, total));
        if bar.is_none() {
            error_line("tacit", &format_args!("{title}"));
        }
        let mut state = self.state.borrow_mut();
        state.now.clone_from(&title);
        Phase {
            progress: self,
            name,
            began: Instant::now(),
            bar,
            title,
        }
    }

    /// What the current phase does.
    pub(crate) fn now(&self) -> String {
        self.state.borrow().now.clone()
    }

    /// How long each phase took that has ended.
    pub(crate) fn times(&self) -> Vec<(&'static str, Duration)> {
        self.state.borrow().times.clone()
    }

    /// How many seconds each phase took, by name, and all of it as `total`.
    pub(crate) fn seconds(&self) -> Vec<(&'static str, f64)> {
        let times = self.times().into_iter().chain([("total", self.began.elapsed())]);
        times.map(|(name, time)| (name, time.as_secs_f64())).collect()
    }

    /// A table of how long each phase took.
    pub(crate) fn table(&self) -> String {
        let rows = self
            .seconds()
            .into_iter()
            .map(|(name, time)| vec![name.to_owned(), format!("{time:.2} s")]);
        output::table(&["phase", "time"], rows)
    }
}

impl Phase<'_> {
    /// Counts steps that are done.
    pub(crate) fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }

    /// Shows a note about the phase; the same note is shown once.
    pub(crate) fn note(&self, text: String) {
        let now = format!("{} ({text})", self.title);
        let mut state = self.progress.state.borrow_mut();
        if state.now == now {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set_message(now.clone()),
            None => error_line("tacit", &format_args!("{text}")),
        }
        state.now = now;
    }
}

impl Drop for Phase<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.progress.state.borrow_mut().times.push((self.name, self.began.elapsed()));
    }
}

fn bar(title: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{spinner} {msg} [{bar:30}] {pos}/{len}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    // The template is constant; if it were wrong, the plain style would be used.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_message(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
