//! Checks of shares: the mix of events, and the values of a field, against what the scenario says they are.

use crate::encode::Pointer;
use crate::run::{FigureUnit, ThresholdResult, Verdict, VerdictStatus};
use crate::threshold::watch::OnBreach;
use crate::wording;

/// How far a share may be off where nobody says so.
const TOLERANCE: f64 = 0.02;
/// Standard deviations of a share that are taken for chance.
const CHANCE: f64 = 3.0;
/// Events below which a run is not ended for its shares.
const ENOUGH: u64 = 200;

/// Shares that must hold.
#[derive(Clone, Debug)]
pub struct ShareCheck {
    /// What they are shares of.
    pub subject: Subject,
    /// Each value with its share (0 to 1).
    pub shares: Vec<(String, f64)>,
    /// How far a share may be off, beyond chance.
    pub tolerance: f64,
    /// What follows when one is.
    pub on_breach: OnBreach,
}

/// What shares are of.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Events, by their type.
    EventTypes,
    /// The values of a field, found here in each event that has it.
    Field {
        /// As the scenario names it.
        name: String,
        /// Where it is in an event as it is sent; the first place that an event has counts.
        places: Vec<Pointer>,
    },
}

/// The share that is farthest off.
struct Farthest<'a> {
    value: &'a str,
    declared: f64,
    actual: f64,
    /// How far it is off beyond what chance explains.
    beyond_chance: f64,
}

impl ShareCheck {
    /// Shares with the tolerance that was asked for, or the usual one.
    pub fn new(subject: Subject, shares: Vec<(String, f64)>, tolerance: Option<f64>, on_breach: OnBreach) -> Self {
        Self { subject, shares, tolerance: tolerance.unwrap_or(TOLERANCE), on_breach }
    }

    /// The place of a value among the declared ones; what is not declared comes after the last.
    pub fn place(&self, value: &str) -> usize {
        self.shares.iter().position(|(declared, _)| declared == value).unwrap_or(self.shares.len())
    }

    /// The place of the value that an event has in the field; none for an event without the field.
    pub fn place_in(&self, event: &[u8]) -> Option<usize> {
        let Subject::Field { places, .. } = &self.subject else { return None };
        let text = places.iter().find_map(|place| place.find(event))?;
        let text = std::str::from_utf8(text).ok()?;
        if text.starts_with('"') && text.contains('\\') {
            return Some(serde_json::from_str::<String>(text).map_or(self.shares.len(), |value| self.place(&value)));
        }
        Some(self.place(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)))
    }

    /// Why a run must end now, from the counts in the order of [`Self::place`].
    pub fn abort_reason(&self, counts: &[u64]) -> Option<String> {
        if self.on_breach != OnBreach::Abort || counts.iter().sum::<u64>() < ENOUGH {
            return None;
        }
        let farthest = self.farthest(counts).filter(|farthest| farthest.beyond_chance > self.tolerance)?;
        Some(format!("`{}` was breached: {}", self.name(), farthest.sentence()))
    }

    /// What became of it, from the counts in the order of [`Self::place`].
    pub fn result(&self, counts: &[u64], verdict: &Verdict) -> ThresholdResult {
        let farthest = self.farthest(counts);
        let holds = farthest.as_ref().is_some_and(|farthest| farthest.beyond_chance <= self.tolerance);
        let invalid = verdict.status == VerdictStatus::Invalid;
        let reason = match &farthest {
            None => Some("there was nothing to count".to_owned()),
            Some(_) if invalid => Some("the run is invalid, its numbers say nothing about the target".to_owned()),
            Some(farthest) if !holds => Some(farthest.sentence()),
            Some(_) => None,
        };
        ThresholdResult {
            threshold: self.name(),
            unit: FigureUnit::Ratio,
            bound: self.tolerance,
            observed: farthest.as_ref().map(|farthest| (farthest.actual - farthest.declared).abs()),
            passed: holds && !invalid,
            worst: None,
            worst_at_seconds: None,
            required: self.on_breach != OnBreach::Warn,
            reason,
        }
    }

    /// In words: `mix of events off by at most 2 %`.
    pub fn name(&self) -> String {
        let tolerance = wording::share(self.tolerance);
        match &self.subject {
            Subject::EventTypes => format!("mix of events off by at most {tolerance}"),
            Subject::Field { name, .. } => format!("shares of {name} off by at most {tolerance}"),
        }
    }

    /// The declared share that is farthest off; a value that is not declared is off by its whole share.
    fn farthest(&self, counts: &[u64]) -> Option<Farthest<'_>> {
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let undeclared = ("anything else", 0.0);
        let declared = self.shares.iter().map(|(value, share)| (value.as_str(), *share)).chain([undeclared]);
        let mut farthest: Option<Farthest<'_>> = None;
        for (place, (value, declared)) in declared.enumerate() {
            let actual = counts.get(place).copied().unwrap_or(0) as f64 / total as f64;
            let chance = CHANCE * libm::sqrt(declared * (1.0 - declared) / total as f64);
            let beyond_chance = ((actual - declared).abs() - chance).max(0.0);
            let candidate = Farthest { value, declared, actual, beyond_chance };
            let off = |found: &Farthest<'_>| (found.beyond_chance, (found.actual - found.declared).abs());
            if farthest.as_ref().is_none_or(|known| off(&candidate) > off(known)) {
                farthest = Some(candidate);
            }
        }
        farthest
    }
}

impl Farthest<'_> {
    fn sentence(&self) -> String {
        format!("{} is {}, not {}", self.value, wording::share(self.actual), wording::share(self.declared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(tolerance: f64, on_breach: OnBreach) -> ShareCheck {
        let shares = vec![("view".to_owned(), 0.75), ("click".to_owned(), 0.25)];
        ShareCheck::new(Subject::EventTypes, shares, Some(tolerance), on_breach)
    }

    #[test]
    fn shares_hold_up_to_the_tolerance_and_what_chance_makes() {
        let check = mix(0.02, OnBreach::Fail);
        let passed = |counts: &[u64]| check.result(counts, &Verdict::default()).passed;
        assert!(passed(&[75_000, 25_000, 0]));
        assert!(passed(&[76_900, 23_100, 0]));
        assert!(!passed(&[78_000, 22_000, 0]));
        assert!(passed(&[7, 3, 0]), "ten events prove nothing");
        assert!(!passed(&[1, 99, 0]), "a hundred are enough for a gross error");
        assert!(!passed(&[70_000, 23_000, 7_000]), "what is not declared counts");
        assert!(!passed(&[0, 0, 0]));
    }

    #[test]
    fn a_result_names_the_share_that_is_farthest_off() {
        let result = mix(0.02, OnBreach::Warn).result(&[60_000, 40_000, 0], &Verdict::default());
        assert_eq!(result.threshold, "mix of events off by at most 2 %");
        assert_eq!(result.reason.as_deref(), Some("view is 60 %, not 75 %"));
        assert!((result.observed.unwrap() - 0.15).abs() < 1e-9 && !result.required && !result.passed);
    }

    #[test]
    fn only_a_check_that_aborts_ends_a_run_and_only_once_there_is_enough() {
        let check = mix(0.05, OnBreach::Abort);
        assert_eq!(check.abort_reason(&[0, 100, 0]), None);
        assert!(check.abort_reason(&[0, 300, 0]).unwrap().contains("view is 0 %, not 75 %"));
        assert_eq!(check.abort_reason(&[220, 80, 0]), None);
        assert_eq!(mix(0.05, OnBreach::Fail).abort_reason(&[0, 300, 0]), None);
    }

    #[test]
    fn an_invalid_run_passes_no_check() {
        let invalid = Verdict { status: VerdictStatus::Invalid, reasons: Vec::new() };
        assert!(!mix(0.5, OnBreach::Fail).result(&[75, 25, 0], &invalid).passed);
    }

    #[test]
    fn a_value_is_found_in_an_event_as_it_is_sent() {
        let places = vec!["data.device".parse().unwrap(), "device".parse().unwrap()];
        let subject = Subject::Field { name: "device".to_owned(), places };
        let shares = vec![("desktop".to_owned(), 0.5), ("404".to_owned(), 0.3), ("a\"b".to_owned(), 0.2)];
        let check = ShareCheck::new(subject, shares, None, OnBreach::Fail);
        for (event, place) in [
            (r#"{"data":{"device":"desktop"}}"#, Some(0)),
            (r#"{"device": 404}"#, Some(1)),
            (r#"{"device":"a\"b"}"#, Some(2)),
            (r#"{"device":"toaster"}"#, Some(3)),
            (r#"{"data":{}}"#, None),
            ("no json", None),
        ] {
            assert_eq!(check.place_in(event.as_bytes()), place, "{event}");
        }
        assert_eq!(check.name(), "shares of device off by at most 2 %");
    }
}
