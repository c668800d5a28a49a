//! The list of runs: which of them a search finds.

use shared::api::RunSummary;
use shared::run::VerdictStatus;

/// The verdict's word.
pub(crate) fn verdict_word(status: VerdictStatus) -> &'static str {
    match status {
        VerdictStatus::Valid => "valid",
        VerdictStatus::Degraded => "degraded",
        VerdictStatus::Invalid => "invalid",
    }
}

/// Whether a run has every word of a search in its scenario, profile, state, verdict, start, targets or id.
pub(crate) fn matches(run: &RunSummary, search: &str) -> bool {
    let info = &run.info;
    let mut text = format!(
        "{} {} {} {} {} {}",
        info.scenario,
        info.profile.as_deref().unwrap_or_default(),
        info.state.name(),
        verdict_word(run.verdict.status),
        crate::format::moment(&info.started_at),
        info.id,
    );
    for target in &info.targets {
        text.push(' ');
        text.push_str(target);
    }
    let text = text.to_lowercase();
    search.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use shared::api::RunSummary;
    use shared::run::{Percentiles, RunState, Totals, Verdict};

    use super::*;
    use crate::state::run_board::tests::hello;

    #[test]
    fn a_search_finds_runs_by_all_of_its_words() {
        let run = RunSummary {
            info: hello(RunState::Stopped, 1.0).run,
            verdict: Verdict::default(),
            totals: Totals::default(),
            response_time: Percentiles::default(),
            labels: shared::api::Labels::default(),
        };
        for found in ["", "commerce", "QUICK stopped", "valid 7979", "2026-11-20"] {
            assert!(matches(&run, found), "{found}");
        }
        assert!(!matches(&run, "commerce finished"));
    }
}
