//! `tacit`: the command of contributors, buyers and auditors.

mod args;
mod bench;
mod commands;
mod demo;
mod local_cluster;
mod output;
mod progress;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tacit_client::receipt::ReceiptError;
use tacit_client::text::one_line;
use tacit_program::report_failure;

use args::{Args, Command};
use local_cluster::MissingPrograms;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if error.is::<MissingPrograms>() {
                MissingPrograms::EXIT_CODE
            } else {
                error.downcast_ref::<ReceiptError>().map_or(1, ReceiptError::exit_code)
            };
            report_failure("tacit", &one_line(&format!("{error:#}")), code)
        }
    }
}

fn run(args: Args) -> Result<()> {
    let work = async {
        match args.command {
            Command::Demo(args) => demo::run(&args).await,
            Command::Bench(args) => bench::run(&args).await,
            Command::Cluster(args) => commands::cluster::run(&args),
            Command::Job(args) => commands::job::run(&args).await,
            Command::Items(args) => commands::items::run(&args).await,
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
