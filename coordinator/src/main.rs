//! `tacit-coordinator`: the public face of a Tacit cluster. Jobs in, sealed envelopes through,
//! results out; it never sees an answer or a share in clear.

mod admin;
mod api;
mod app;
mod args;
mod board;
mod buyers;
mod check;
mod compute;
mod config;
mod driver;
mod fill;
mod init;
mod key_file;
mod locks;
mod metrics;
mod nodes;
mod opening;
mod publish;
mod random;
mod schedule;
mod serve;
mod status;
mod store;
#[cfg(test)]
mod testing;
mod tidy;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use buyers::{Buyers, new_token};

// Keeps memory from job to job, in huge pages, as nodes do: what is published of a large job is made in hundreds of
// megabytes, and fresh ones take longer than what is done in them. How is said in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const _: () = assert!(
    option_env!("JEMALLOC_SYS_WITH_MALLOC_CONF").is_some(),
    "run cargo in the repository, whose .cargo/config.toml sets the allocator up"
);

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Init(args) => done(init::init(&args, &mut std::io::stdout(), &mut std::io::stderr())),
        Command::BuyerToken { name } => match new_token() {
            Ok(token) => done(writeln!(
                std::io::stdout(),
                "# For the buyer. It is not kept and not shown again.\n\
                 buyer_token = \"{}\"\n\
                 \n\
                 # For the file of field `buyers`; it holds from the next start on.\n{}",
                token.as_str(),
                Buyers::entry(&name, &token).trim_end()
            )),
            Err(error) => failed(&error),
        },
        Command::Run {
            config,
            logging,
            stop_with_stdin,
        } => done(serve::run(&config, &logging, stop_with_stdin)),
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
    eprintln!("tacit-coordinator: {error}");
    ExitCode::FAILURE
}
