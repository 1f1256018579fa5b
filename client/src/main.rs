//! `tacit`: the command of contributors, buyers and auditors.

mod args;
mod bench;
mod commands;
mod demo;
mod interruption;
mod local_cluster;
mod output;
mod progress;
#[cfg(target_os = "linux")]
mod standing_cluster;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tacit_client::receipt::ReceiptError;
use tacit_client::text::one_line;
use tacit_program::{error_line, report_failure};

use args::{Args, Command};
use interruption::Interrupted;
use local_cluster::MissingPrograms;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = one_line(&format!("{error:#}"));
            if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                // The exit code says all there is to say, also where the terminal that would show the line is closed.
                error_line("tacit", &text);
                return interrupted.exit_code().into();
            }
            let code = if error.is::<MissingPrograms>() {
                MissingPrograms::EXIT_CODE
            } else {
                error.downcast_ref::<ReceiptError>().map_or(1, ReceiptError::exit_code)
            };
            report_failure("tacit", &text, code)
        }
    }
}

fn run(args: Args) -> Result<()> {
    let work = async {
        match args.command {
            Command::Demo(args) => demo::run(&args).await,
            Command::Bench(args) => bench::run(&args).await,
            #[cfg(target_os = "linux")]
            Command::Up(args) => standing_cluster::up(&args).await,
            #[cfg(target_os = "linux")]
            Command::Down(args) => standing_cluster::down(&args).await,
            Command::Cluster(args) => commands::cluster::run(&args),
            Command::Job(args) => commands::job::run(&args).await,
            Command::Answer(args) => commands::answer::run(&args).await,
            Command::Receipt(args) => commands::receipt::run(&args).await,
            Command::Withdraw(args) => commands::withdraw::run(&args).await,
            Command::Verify(args) => commands::verify::run(&args),
            Command::Issuer(args) => commands::issuer::run(&args).await,
            Command::Keygen(args) => commands::keygen::run(&args),
            Command::Probe(args) => commands::probe::run(&args).await,
            Command::Manual(manual) => Ok(manual.write::<Args>()?),
        }
    };
    tokio::runtime::Runtime::new().context("cannot start the runtime")?.block_on(work)
}
