//! `tacit`: the command of contributors, buyers and auditors.

mod args;
mod bench;
mod commands;
mod confirm;
mod demo;
mod exit;
mod interruption;
mod local_cluster;
mod output;
mod progress;
#[cfg(target_os = "linux")]
mod standing_cluster;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clap::error::ErrorKind;

use args::{Args, Command, IssuerCommand};
use exit::Cause;
use interruption::Interruptions;
use output::Format;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // `--help` and `--version`.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            let format = if std::env::args_os().any(|arg| arg == "--json") {
                Format::Json
            } else {
                Format::Text
            };
            return ExitCode::from(report(&error.into(), format));
        }
    };
    let format = args.format();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(report(&error, format)),
    }
}

/// Writes the error that ends the command to standard error. Returns the exit code.
fn report(error: &anyhow::Error, format: Format) -> u8 {
    let cause = Cause::of(error);
    match error.downcast_ref::<clap::Error>() {
        // In the form that people know, with the usage.
        Some(usage) if format == Format::Text => {
            let is_written = usage.print().is_ok();
            if is_written { cause.code() } else { Cause::UnwrittenError.code() }
        }
        _ => exit::report(&format_args!("{error:#}"), cause, format),
    }
}

fn run(args: Args) -> Result<()> {
    let format = args.format();
    let work = async {
        if !handles_interrupts(&args.command) {
            end_when_interrupted(format)?;
        }
        match args.command {
            Command::Demo(args) => demo::run(&args, format).await,
            Command::Bench(args) => bench::run(&args, format).await,
            #[cfg(target_os = "linux")]
            Command::Up(args) => standing_cluster::up(&args, format).await,
            #[cfg(target_os = "linux")]
            Command::Down(args) => standing_cluster::down(&args, format).await,
            Command::Cluster(args) => commands::cluster::run(&args, format),
            Command::Job(args) => commands::job::run(&args, format).await,
            Command::Items(args) => commands::items::run(&args, format).await,
            Command::Answer(args) => commands::answer::run(&args, format).await,
            Command::Receipt(args) => commands::receipt::run(&args, format).await,
            Command::Consent(args) => commands::consent::run(&args, format).await,
            Command::Withdraw(args) => commands::withdraw::run(&args, format).await,
            Command::Verify(args) => commands::verify::run(&args, format),
            Command::Issuer(args) => commands::issuer::run(&args, format).await,
            Command::Keygen(args) => commands::keygen::run(&args, format),
            Command::Web(args) => commands::web::run(&args, format).await,
            Command::Probe(args) => commands::probe::run(&args, format).await,
            Command::Manual(_) if format == Format::Json => {
                let text = "--json: completions and manual pages are no JSON";
                Err(<Args as clap::CommandFactory>::command()
                    .error(ErrorKind::ArgumentConflict, text)
                    .into())
            }
            Command::Manual(manual) => Ok(manual.write::<Args>()?),
        }
    };
    tokio::runtime::Runtime::new().context("cannot start the runtime")?.block_on(work)
}

/// Whether a command does something of its own at Ctrl-C: it stops what it has started.
fn handles_interrupts(command: &Command) -> bool {
    match command {
        Command::Demo(_) | Command::Bench(_) | Command::Web(_) => true,
        #[cfg(target_os = "linux")]
        Command::Up(_) | Command::Down(_) => true,
        Command::Issuer(issuer) => matches!(issuer.command, IssuerCommand::Serve(_)),
        _ => false,
    }
}

/// Ends the program at Ctrl-C and the other signals, whatever it waits for, also while it computes or waits for the keyboard. Every file is
/// written whole or not at all, so this may be at any time.
fn end_when_interrupted(format: Format) -> Result<()> {
    let mut interruptions = Interruptions::listen()?;
    tokio::spawn(async move {
        let interrupted = interruptions.next().await;
        // Nothing was started that would have to be stopped, so there is no more to say.
        std::process::exit(exit::report(&"interrupted", interrupted.cause(), format).into());
    });
    Ok(())
}
