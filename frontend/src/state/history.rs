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

/// Whether a run has every word of a search in its scenario, profile, state, verdict, start, targets id, tags or note.
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
    let labels = &run.labels;
    for word in info.targets.iter().chain(&labels.tags).chain(std::iter::once(&labels.note)) {
        text.push(' ');
        text.push_str(word);
    }
    if labels.baseline {
        text.push_str(" baseline");
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
            labels: shared::api::Labels {
                tags: vec!["nightly".to_owned()],
                note: "before the fix".to_owned(),
                baseline: true,
            },
            spark: Vec::new(),
        };
        for found in ["", "commerce", "QUICK stopped", "valid 7979", "2026-11-20", "nightly fix", "baseline"] {
            assert!(matches(&run, found), "{found}");
        }
        assert!(!matches(&run, "commerce finished"));
    }
}
