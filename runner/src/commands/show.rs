//! `throng show`: a scenario as it was written, or merged with what it extends and a profile.

use shared::scenario::secret::without_secrets;
use shared::scenario::to_yaml;

use super::{Exit, Refusal, library, show_problems};
use crate::cli::ShowArgs;
use crate::library::loading::look_at;

/// Prints a scenario.
pub(super) fn show(args: &ShowArgs) -> Result<Exit, Refusal> {
    let found = library(&args.data)?.open(&args.scenario)?;
    if !args.full && !args.json && args.profile.is_none() {
        anstream::print!("{}", found.text);
        return Ok(Exit::Done);
    }
    let loading = look_at(&found, args.profile.as_deref());
    if !loading.is_valid() {
        show_problems(loading.problems(), &found);
        return Ok(Exit::Usage);
    }
    let document = without_secrets(loading.document());
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&document).map_err(Refusal::failed)?);
    } else {
        anstream::print!("{}", to_yaml(&document));
    }
    Ok(Exit::Done)
}
