//! Logs: each event is one line on standard error and, if a collector is named, an OTLP record.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use thiserror::Error;
use tracing::{Event, Metadata, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Log events of the exporter's own transport are not exported: each export would cause another.
const EXPORTERS_OWN: [&str; 4] = ["hyper", "reqwest", "opentelemetry", "h2"];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Where logs go.
#[derive(Debug, Clone, Args)]
pub struct Logging {
    /// How log lines are written to standard error; RUST_LOG selects them.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Send logs as OTLP over HTTP too, to this address of a collector, like http://localhost:4318/v1/logs.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")]
    pub otlp_logs: Option<String>,
}

/// Why logs cannot be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// The filter has a syntax error.
    #[error("{origin}: `{filter}` is not a log filter: {reason}; write for example info, or warn,tacit_node=debug")]
    Filter {
        /// Where the filter was found.
        origin: &'static str,
        /// The filter as it was given.
        filter: String,
        /// The parser's message.
        reason: String,
    },
    /// The collector cannot be used.
    #[error("--otlp-logs {address}: {reason}")]
    Collector {
        /// The address of the collector.
        address: String,
        /// What is wrong with the address.
        reason: String,
    },
    /// Logs were set up before.
    #[error("logs are set up twice")]
    Twice,
}

/// The running logs. When this is dropped, records that are not exported yet are exported.
#[derive(Debug)]
pub struct Logs(Option<SdkLoggerProvider>);

impl Logging {
    /// Sets up logs for this process. `program` is its name at a collector. The filter is RUST_LOG, else `configured`, else `info`. Call
    /// this outside any async runtime.
    ///
    /// # Errors
    /// The filter or the collector's address cannot be used.
    pub fn start(&self, program: &'static str, version: &'static str, configured: Option<&str>) -> Result<Logs, LogError> {
        let environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
        let (origin, filter) = match (&environment, configured) {
            (Some(filter), _) => ("RUST_LOG", filter.as_str()),
            (None, Some(filter)) => ("field `log` of the config file", filter),
            (None, None) => ("the default", "info"),
        };
        // If standard error cannot be written, for instance on a full disk, an error message on it would panic.
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(|| OneLine(io::stderr()))
            .with_ansi(false)
            .log_internal_errors(false);
        let lines = match self.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let filter = EnvFilter::builder().parse(filter).map_err(|error| LogError::Filter {
            origin,
            filter: filter.to_owned(),
            reason: error.to_string(),
        })?;
        let provider = self
            .otlp_logs
            .as_deref()
            .map(|address| exporter(address, program, version))
            .transpose()?;
        let records = provider
            .as_ref()
            .map(|provider| Exported(OpenTelemetryTracingBridge::new(provider)));
        Registry::default()
            .with(filter)
            .with(lines)
            .with(records)
            .try_init()
            .map_err(|_| LogError::Twice)?;
        Ok(Logs(provider))
    }
}

/// Passes on all events except those of the exporter's own transport.
struct Exported<L>(L);

impl<S: Subscriber, L: Layer<S>> Layer<S> for Exported<L> {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let normal = event.normalized_metadata();
        let target = normal.as_ref().map_or(event.metadata().target(), Metadata::target);
        let of = |name: &str| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with(['_', ':']));
        if !EXPORTERS_OWN.into_iter().any(of) {
            self.0.on_event(event, context);
        }
    }
}

/// Writes each event as one line: control characters are escaped, as an error may repeat text that a stranger sent.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// Writes one event. The subscriber passes it whole, with the line break at its end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (text, end) = match event.strip_suffix(b"\n") {
            Some(text) => (text, &b"\n"[..]),
            None => (event, &b""[..]),
        };
        if text.iter().all(|byte| !byte.is_ascii_control()) {
            return self.0.write_all(event).map(|()| event.len());
        }
        let mut line = Vec::with_capacity(event.len() + 16);
        for byte in text {
            if byte.is_ascii_control() {
                line.extend(byte.escape_ascii());
            } else {
                line.push(*byte);
            }
        }
        line.extend_from_slice(end);
        self.0.write_all(&line).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn exporter(address: &str, program: &'static str, version: &'static str) -> Result<SdkLoggerProvider, LogError> {
    let problem = |reason: String| LogError::Collector {
        address: address.to_owned(),
        reason,
    };
    let url: reqwest::Url = address.parse().map_err(|error| problem(format!("not an address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(problem("the address of a collector begins with http:// or https://".to_owned()));
    }
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address)
        .build()
        .map_err(|error| problem(error.to_string()))?;
    let resource = Resource::builder()
        .with_service_name(program)
        .with_attribute(opentelemetry::KeyValue::new("service.version", version))
        .build();
    Ok(SdkLoggerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

impl Drop for Logs {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // There is nobody left to report an error to.
            let _ = provider.shutdown();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The bytes that were written.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_of_strangers_cannot_start_a_new_line() {
        let output = Output::default();
        let writer = output.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || OneLine(writer.clone()))
            .with_ansi(false);
        tracing::subscriber::with_default(Registry::default().with(lines), || {
            let error = "closed by peer: bye\n2026-01-01T00:00:00Z  INFO outputs released job=payroll\r\u{1b}[2K";
            tracing::warn!(%error, "a connection was refused");
            tracing::info!("näxt");
        });
        let written = output.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let written = String::from_utf8_lossy(&written);
        assert_eq!(written.lines().count(), 2, "{written}");
        assert!(
            written.contains("bye\\n2026-01-01") && written.contains("payroll\\r\\x1b[2K"),
            "{written}"
        );
        assert!(written.ends_with("näxt\n") && !written.contains('\u{1b}'), "{written}");
    }
}
