//! `throng scenarios`: what can be run.

use anstyle::Style;

use super::{Exit, Refusal, library};
use crate::cli::ScenariosArgs;

/// Lists scenarios with their profiles.
pub(super) fn scenarios(args: &ScenariosArgs) -> Result<Exit, Refusal> {
    let bold = Style::new().bold();
    let quiet = Style::new().dimmed();
    for scenario in library(&args.data)?.list()? {
        let whose = if scenario.built_in { "built in" } else { "yours" };
        let broken = match scenario.problems {
            0 => String::new(),
            number => format!(", {}", crate::report::counted(number.into(), "problem")),
        };
        anstream::println!("{bold}{}{bold:#}  {quiet}{whose}{broken}{quiet:#}", scenario.name);
        if !scenario.description.is_empty() {
            anstream::println!("  {}", scenario.description);
        }
        let widest = scenario.profiles.iter().map(|profile| profile.name.chars().count()).max().unwrap_or(0);
        for profile in &scenario.profiles {
            anstream::println!("  --profile {:widest$}  {quiet}{}{quiet:#}", profile.name, profile.summary);
        }
    }
    Ok(Exit::Done)
}
