//! `throng completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;

use super::{Exit, Refusal};
use crate::cli::{Cli, CompletionsArgs};

/// Prints completions.
pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Refusal> {
    clap_complete::generate(args.shell, &mut Cli::command(), "throng", &mut std::io::stdout());
    Ok(Exit::Done)
}
