//! `throng validate`: every problem of scenarios at once.

use super::{Exit, Refusal, open, show_problems};
use crate::cli::ValidateArgs;
use crate::library::loading::look_at;

/// Checks scenarios; the exit code tells whether all of them can run.
pub(super) fn validate(args: &ValidateArgs) -> Result<Exit, Refusal> {
    let mut exit = Exit::Done;
    for name in &args.scenarios {
        let found = open(&args.data, name)?;
        let loading = look_at(&found, args.profile.as_deref());
        let problems = loading.problems();
        if problems.is_empty() {
            anstream::println!("{name}: no problems");
            continue;
        }
        show_problems(problems, &found);
        if problems.iter().any(shared::problem::Problem::is_error) {
            exit = Exit::Usage;
        }
    }
    Ok(exit)
}
