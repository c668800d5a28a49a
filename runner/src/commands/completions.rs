//! `throng completions`: what a shell needs to complete the command line.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::{Exit, Refusal};
use crate::cli::{Cli, CompletionsArgs};

/// Prints completions.
pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Refusal> {
    // Written aside first: clap's generator panics where nobody reads on.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "throng", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Refusal::failed(error)),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}
