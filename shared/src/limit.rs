//! The search for the highest rate that a target still takes: which rate to try next, and what came out.
//!
//! First the limit is bracketed by doubling or halving, then the bracket is narrowed by bisection on a logarithmic
//! scale, and in the end the rate that was found has to hold again. A rate at which the generator was the bottleneck
//! says nothing about the target: it bounds the search, and the result says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Percentiles, RunId, VerdictStatus};
use crate::wording;

/// The bounds of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchBounds {
    /// First rate, in events per second.
    pub start: f64,
    /// Lowest and highest rate to try.
    pub lowest: f64,
    /// Highest rate to try.
    pub highest: f64,
    /// How close the rates that held and failed have to come, as a share.
    pub precision: f64,
    /// How often the rate that was found has to hold once more.
    pub confirmations: u32,
    /// Most steps.
    pub most_steps: u32,
}

/// Why a rate is tried.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// To find a rate that holds and one that does not.
    Bracket,
    /// To bring the two closer together.
    Bisect,
    /// To see the rate that was found hold again.
    Confirm,
}

/// What became of a rate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Everything that must hold held.
    Held,
    /// It did not: the target could not take it.
    Failed,
    /// The generator was the bottleneck: nothing is known about the target.
    GeneratorLimited,
}

/// One rate that was tried.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitStep {
    /// The rate that was asked for, in events per second.
    pub rate: f64,
    /// Why.
    pub kind: StepKind,
    /// What became of it.
    pub outcome: StepOutcome,
    /// What did not hold, or why the generator was the limit; empty when everything held.
    pub reasons: Vec<String>,
    /// How long the rate was held, in seconds, warm-up included; confirmations are held longer.
    pub seconds: f64,
    /// Why its figures deserve some doubt although the generator was not the limit: the reasons of a degraded verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Its run in the history.
    pub run: RunId,
    /// The verdict on the run.
    pub verdict: VerdictStatus,
    /// Events acknowledged per second.
    pub achieved_rate: f64,
    /// Failed over sent.
    pub error_rate: f64,
    /// Response times.
    pub response_time: Percentiles,
}

/// What bounds the rate that was found.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The target failed just above it.
    Target,
    /// The generator was the bottleneck just above it; the target may take more.
    Generator,
    /// The highest rate to try held; the target may take more.
    HighestRate,
    /// Not even the lowest rate to try held.
    NothingHeld,
    /// The steps were used up, or the search was interrupted, before the limit was close enough.
    Steps,
}

/// What a search came to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitResult {
    /// Version of this shape; 1.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Its profile, where one was chosen.
    pub profile: Option<String>,
    /// Each target's address.
    pub targets: Vec<String>,
    /// What had to hold.
    pub thresholds: Vec<String>,
    /// The highest rate that held, in events per second; none when none did.
    pub limit: Option<f64>,
    /// The lowest rate above it that did not hold.
    pub failed_at: Option<f64>,
    /// How often it held once more.
    pub confirmed: u32,
    /// What bounds it.
    pub limited_by: LimitedBy,
    /// All of that in one sentence.
    pub summary: String,
    /// Every rate that was tried, in order.
    pub steps: Vec<LimitStep>,
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    bounds: SearchBounds,
    /// Rates that held, each with how often, ascending; a rate that failed later is none of them.
    held: Vec<(f64, u32)>,
    failed: Option<(f64, StepOutcome)>,
    taken: u32,
    next: Option<(f64, StepKind)>,
}

impl Search {
    /// A search that begins at the start of its bounds.
    pub fn new(bounds: SearchBounds) -> Self {
        let start = bounds.start.clamp(bounds.lowest, bounds.highest);
        Self { bounds, held: Vec::new(), failed: None, taken: 0, next: Some((start, StepKind::Bracket)) }
    }

    /// The rate to try next, in events per second, and why; none when the search is over.
    pub fn next_step(&self) -> Option<(f64, StepKind)> {
        self.next.filter(|_| self.taken < self.bounds.most_steps)
    }

    /// Takes in what became of the rate that was tried.
    pub fn tell(&mut self, outcome: StepOutcome) {
        let Some((rate, _)) = self.next else { return };
        self.taken += 1;
        match outcome {
            StepOutcome::Held => match self.held.iter_mut().find(|(held, _)| *held == rate) {
                Some((_, times)) => *times += 1,
                None => {
                    let place = self.held.partition_point(|(held, _)| *held < rate);
                    self.held.insert(place, (rate, 1));
                }
            },
            StepOutcome::Failed | StepOutcome::GeneratorLimited => {
                // What held before and does not now was luck, and so was everything above it.
                self.held.retain(|(held, _)| *held < rate);
                if self.failed.is_none_or(|(failed, _)| rate < failed) {
                    self.failed = Some((rate, outcome));
                }
            }
        }
        self.next = self.choose();
    }

    fn choose(&self) -> Option<(f64, StepKind)> {
        let bounds = &self.bounds;
        match (self.held.last(), self.failed) {
            (None, None) => None,
            (Some((held, times)), None) => {
                if *held < bounds.highest {
                    return Some(((held * 2.0).min(bounds.highest), StepKind::Bracket));
                }
                (*times <= bounds.confirmations).then_some((*held, StepKind::Confirm))
            }
            (None, Some((failed, _))) => {
                (failed > bounds.lowest).then(|| ((failed / 2.0).max(bounds.lowest), StepKind::Bracket))
            }
            (Some((held, times)), Some((failed, _))) => {
                if failed / held > 1.0 + bounds.precision {
                    return Some((rounded(libm::sqrt(held * failed), *held, failed), StepKind::Bisect));
                }
                (*times <= bounds.confirmations).then_some((*held, StepKind::Confirm))
            }
        }
    }

    /// The highest rate that held, and how often it held once more.
    pub fn limit(&self) -> Option<(f64, u32)> {
        self.held.last().map(|(rate, times)| (*rate, times - 1))
    }

    /// The lowest rate that did not hold.
    pub fn failed_at(&self) -> Option<f64> {
        self.failed.map(|(rate, _)| rate)
    }

    /// What bounds the rate that was found.
    pub fn limited_by(&self) -> LimitedBy {
        if self.next.is_some() {
            return LimitedBy::Steps;
        }
        match (self.held.last(), self.failed) {
            (None, _) => LimitedBy::NothingHeld,
            (Some(_), None) => LimitedBy::HighestRate,
            (Some(_), Some((_, StepOutcome::GeneratorLimited))) => LimitedBy::Generator,
            (Some(_), Some((_, StepOutcome::Held | StepOutcome::Failed))) => LimitedBy::Target,
        }
    }

    /// What it comes to, in one sentence.
    pub fn summary(&self) -> String {
        let Some((rate, confirmed)) = self.limit() else {
            let failed =
                self.failed_at().map_or_else(String::new, |rate| format!(", not even {}", wording::rate(rate)));
            return match self.failed {
                Some((_, StepOutcome::GeneratorLimited)) => {
                    format!("no rate could be judged{failed}: the generator was the bottleneck")
                }
                Some((_, StepOutcome::Held | StepOutcome::Failed)) | None => format!("no rate held{failed}"),
            };
        };
        let rate = wording::rate(rate);
        let failed = self.failed_at().map(wording::rate).unwrap_or_default();
        let again = match confirmed {
            0 => "not confirmed by another run".to_owned(),
            1 => "confirmed by another run".to_owned(),
            more => format!("confirmed by {more} other runs"),
        };
        match self.limited_by() {
            LimitedBy::Target => format!("the target takes {rate}, {again}; it does not take {failed}"),
            LimitedBy::Generator => format!(
                "the target takes {rate} at least, {again}; at {failed} the generator was the bottleneck, so that the \
                 target may take more"
            ),
            LimitedBy::HighestRate => {
                format!("the target takes {rate}, {again}: the highest rate that was to be tried")
            }
            LimitedBy::Steps if failed.is_empty() => {
                format!("the target takes {rate} at least, {again}; the search ended before it found a limit")
            }
            LimitedBy::Steps | LimitedBy::NothingHeld => {
                format!("the limit is between {rate}, {again}, and {failed}; the search ended before it was closer")
            }
        }
    }
}

/// A rate between two others, in a number that people can say: three digits where they leave room.
fn rounded(rate: f64, above: f64, below: f64) -> f64 {
    let size = libm::pow(10.0, libm::floor(libm::log10(rate)) - 2.0);
    let round = libm::round(rate / size) * size;
    if round > above && round < below { round } else { rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: SearchBounds = SearchBounds {
        start: 50.0,
        lowest: 1.0,
        highest: 100_000.0,
        precision: 0.05,
        confirmations: 1,
        most_steps: 40,
    };

    /// Searches at a target that judges each rate so; gives the rates that were tried.
    fn searched(bounds: SearchBounds, mut judge: impl FnMut(f64) -> StepOutcome) -> (Search, Vec<f64>) {
        let mut search = Search::new(bounds);
        let mut tried = Vec::new();
        while let Some((rate, _)) = search.next_step() {
            tried.push(rate);
            search.tell(judge(rate));
        }
        (search, tried)
    }

    fn up_to(limit: f64) -> impl FnMut(f64) -> StepOutcome {
        move |rate| if rate <= limit { StepOutcome::Held } else { StepOutcome::Failed }
    }

    #[test]
    fn every_limit_is_found_within_the_precision() {
        for limit in [1.5, 7.0, 49.0, 50.0, 51.0, 333.0, 4_096.0, 91_234.0] {
            let (search, tried) = searched(BOUNDS, up_to(limit));
            let (found, confirmed) = search.limit().unwrap();
            assert!(found <= limit && search.failed_at().unwrap() > limit, "{limit}: {found}");
            assert!(search.failed_at().unwrap() / found <= 1.05 + 1e-9, "{limit}: {found}");
            assert_eq!((confirmed, search.limited_by()), (1, LimitedBy::Target));
            assert!(tried.len() <= 20, "{limit}: {} steps", tried.len());
        }
    }

    #[test]
    fn bounds_are_respected_and_named() {
        let (search, tried) = searched(SearchBounds { highest: 300.0, ..BOUNDS }, up_to(1e9));
        assert_eq!(tried, [50.0, 100.0, 200.0, 300.0, 300.0]);
        assert_eq!((search.limit(), search.limited_by()), (Some((300.0, 1)), LimitedBy::HighestRate));
        assert!(search.summary().contains("300/s, confirmed by another run: the highest"), "{}", search.summary());

        let (search, tried) = searched(SearchBounds { lowest: 10.0, ..BOUNDS }, up_to(0.0));
        assert_eq!(tried, [50.0, 25.0, 12.5, 10.0]);
        assert_eq!((search.limit(), search.limited_by()), (None, LimitedBy::NothingHeld));
        assert_eq!(search.summary(), "no rate held, not even 10/s");

        let (search, tried) = searched(SearchBounds { most_steps: 3, ..BOUNDS }, up_to(75.0));
        assert_eq!((tried.len(), search.limited_by()), (3, LimitedBy::Steps));
        assert!(search.summary().starts_with("the limit is between 70.7/s"), "{}", search.summary());
    }

    #[test]
    fn a_generator_that_is_the_bottleneck_is_not_taken_for_the_target() {
        let generator = |rate| if rate <= 700.0 { StepOutcome::Held } else { StepOutcome::GeneratorLimited };
        let (search, _) = searched(BOUNDS, generator);
        assert_eq!(search.limited_by(), LimitedBy::Generator);
        assert!(search.summary().contains("at least") && search.summary().contains("may take more"));
        let (search, _) = searched(BOUNDS, |_| StepOutcome::GeneratorLimited);
        assert!(search.summary().contains("the generator was the bottleneck"), "{}", search.summary());
    }

    #[test]
    fn a_rate_that_held_by_luck_is_given_up() {
        let mut lucky = true;
        let (search, _) = searched(BOUNDS, |rate| {
            // 120/s holds once, and never again.
            if rate <= 100.0 || (rate < 130.0 && std::mem::take(&mut lucky)) {
                StepOutcome::Held
            } else {
                StepOutcome::Failed
            }
        });
        let (found, confirmed) = search.limit().unwrap();
        assert!((95.0..=100.0).contains(&found) && confirmed == 1, "{found}");
    }
}
