//! `tacit-node`: one operator's node of a Tacit cluster.

mod admin;
mod args;
mod check;
mod compute;
mod config;
mod erasure;
mod init;
mod intake;
mod keys;
mod lanes;
mod memory;
mod mesh;
mod metrics;
mod policy;
mod quiet_repair;
mod refusals;
mod repair;
mod run;
mod serve;
mod store;
mod supply;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

#[global_allocator]
static ALLOCATOR: tacit_program::allocator::Jemalloc = tacit_program::allocator::Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Init(init) => init::init(&init, &mut std::io::stdout(), &mut std::io::stderr()),
        Command::Run(run) => run::run(&run),
        Command::CheckConfig(check) => check::check_config(&check.config),
        Command::Manual(manual) => manual.write::<Args>().map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tacit-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}
