//! The `throng` binary: parse, set up, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use runner::cli::Cli;
use runner::{commands, telemetry};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(cli.verbose);
    commands::dispatch(cli).into()
}
