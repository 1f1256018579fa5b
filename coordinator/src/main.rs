//! `tacit-coordinator`: the public face of a Tacit cluster. It takes jobs, passes sealed submissions on to the nodes, and publishes
//! results. It never sees an answer or a share in clear.

mod active_jobs;
mod admin;
mod api;
mod app;
mod args;
mod buyers;
mod check;
mod completeness;
mod compute;
mod config;
mod connection;
mod delivery;
mod driver;
mod drop_envelopes;
mod enrolments;
mod init;
mod jobs;
mod limits;
mod listed_withdrawals;
mod locks;
mod metrics;
mod nodes;
mod opening;
mod pages;
mod publish;
mod purge;
mod random;
mod receipts;
mod schedule;
mod sealing_keys;
mod serve;
mod status;
mod store;
#[cfg(test)]
mod testing;
mod toml_file;
mod uploads;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tacit_program::report_failure;

use args::{Args, Command};
use buyers::{Buyers, new_token};

// Results of large jobs are made in hundreds of megabytes, and page faults on fresh memory would take longer than the work on it.
#[global_allocator]
static ALLOCATOR: tacit_program::allocator::Jemalloc = tacit_program::allocator::Jemalloc;

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Init(args) => done(init::init(&args, &mut std::io::stdout(), &mut std::io::stderr())),
        Command::BuyerToken { name, key } => match new_token() {
            Ok(token) => done(writeln!(
                std::io::stdout(),
                "# For the buyer. It is not stored and not shown again.\n\
                 buyer_token = \"{}\"\n\
                 \n\
                 # For the file of field `buyers`. The coordinator reads it when it starts.\n{}",
                token.as_str(),
                Buyers::entry(&name, &token, key.as_ref()).trim_end()
            )),
            Err(error) => failed(&error),
        },
        Command::Run {
            config,
            logging,
            stop_with_stdin,
        } => done(serve::run(&config, &logging, stop_with_stdin)),
        Command::Purge { config, job } => match purge::purge(&config, &job) {
            Ok(said) => done(writeln!(std::io::stdout(), "{said}")),
            Err(error) => failed(&error),
        },
        Command::Manual(manual) => done(manual.write::<Args>()),
        Command::CheckConfig { config } => {
            let findings = check::findings(&config);
            findings.iter().for_each(|finding| println!("{finding}"));
            if findings.is_empty() {
                println!("ok: {} can be used", config.display());
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn done<E: Display>(outcome: Result<(), E>) -> ExitCode {
    outcome.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &dyn Display) -> ExitCode {
    report_failure("tacit-coordinator", error, 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_program_runs_with_the_settings_of_the_allocator() {
        assert_eq!(tacit_program::allocator::overridden_settings(), Vec::<String>::new());
    }
}
