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
mod notices;
mod policy;
mod quiet_repair;
mod refusals;
mod repair;
mod run;
mod running;
mod sealing_key_files;
mod sealing_keys;
mod serve;
mod store;
mod supply;
#[cfg(test)]
mod testing;
mod web;
mod withdraw;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use tacit_program::report_failure;

use args::{Args, Command};
use config::Config;

#[global_allocator]
static ALLOCATOR: tacit_program::allocator::Jemalloc = tacit_program::allocator::Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Init(init) => init::init(&init, &mut std::io::stdout(), &mut std::io::stderr()),
        Command::Run(run) => run::run(&run),
        Command::CheckConfig(check) => check::check_config(&check.config),
        Command::RotateSealingKey(rotate) => rotate_sealing_key(&rotate.config),
        Command::Manual(manual) => manual.write::<Args>().map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure("tacit-node", &format_args!("{error:#}"), 1),
    }
}

/// Draws the next sealing key, and says which epoch it begins.
fn rotate_sealing_key(path: &Path) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    let number = sealing_key_files::rotate(&config.data, config.lifetime())?;
    println!(
        "sealing key {number}: a running node takes it up within two seconds, and destroys older keys after {} seconds",
        config.sealing_overlap_seconds
    );
    Ok(())
}
