//! `throng merge`: the results of several parts of one load as one.

use shared::merge::merge as merged;

use super::runs::{any_result, write_out};
use super::{Exit, Refusal};
use crate::cli::MergeArgs;
use crate::report::format::ResultsFormat;

/// Merges results and writes the whole.
pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Refusal> {
    let results = args.results.iter().map(|name| any_result(name, &args.data)).collect::<Result<Vec<_>, _>>()?;
    let whole =
        merged(&results).map_err(|reason| Refusal::usage(format!("these results cannot be merged: {reason}")))?;
    let format = args.results_format.or_else(|| args.output.as_deref().map(ResultsFormat::of_path));
    write_out(&whole, format.unwrap_or(ResultsFormat::Throng), args.output.as_deref())?;
    Ok(Exit::Done)
}
