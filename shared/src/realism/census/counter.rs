//! Counts the values of one declared field.

use indexmap::IndexMap;

use crate::metrics::Histogram;
use crate::realism::declared::{Declared, Field};
use crate::realism::law::Parts;
use crate::realism::probe::Scalar;
use crate::realism::{Judgement, Part, Row};
use crate::scenario::model::check::Distribution;

use super::{ABSENT, Drawn, FEW, PRESENT, figures, shares_row};

/// Histograms hold whole numbers: values are kept in thousandths.
const SCALE: f64 = 1_000.0;
/// Names of events in a row's title, at most.
const NAMES: usize = 2;

/// Counts the values of a field that one or several events declare alike.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    pub(super) workload: usize,
    /// Keys of the events that have the field.
    pub(super) events: Vec<String>,
    path: Vec<String>,
    declared: Declared,
    drawn: Drawn,
    users: u64,
    /// How far shares may be off, where a check says so.
    tolerance: Option<f64>,
    count: Count,
}

#[derive(Clone, Debug)]
enum Count {
    Values { places: IndexMap<String, f64>, counts: Vec<u64>, others: u64 },
    Parts { parts: Parts, counts: Vec<u64>, others: u64 },
    Figures(Histogram),
}

impl Counter {
    pub(super) fn new(field: &Field, users: u64) -> Self {
        let count = match &field.declared {
            Declared::Shares(shares) => Count::values(&shares.values),
            Declared::Parts(parts) => {
                Count::Parts { parts: parts.clone(), counts: vec![0; parts.shares.len()], others: 0 }
            }
            Declared::Computed => Count::Figures(Histogram::new()),
        };
        Self {
            workload: field.workload,
            events: Vec::new(),
            path: field.path.clone(),
            declared: field.declared.clone(),
            drawn: field.drawn(),
            users,
            tolerance: None,
            count,
        }
    }

    pub(super) fn of_check(distribution: &Distribution, tolerance: f64) -> Self {
        Self {
            workload: usize::MAX,
            events: Vec::new(),
            path: vec![distribution.field.clone()],
            declared: Declared::Computed,
            drawn: Drawn::Event,
            users: 0,
            tolerance: Some(tolerance),
            count: Count::values(&distribution.shares),
        }
    }

    /// Whether a field is declared like this one.
    pub(super) fn is_for(&self, field: &Field) -> bool {
        self.tolerance.is_none()
            && self.workload == field.workload
            && self.path == field.path
            && self.declared == field.declared
            && self.declared != Declared::Computed
    }

    /// Whether leaving the field out is one of its values.
    pub(super) fn counts_absence(&self) -> bool {
        matches!(&self.count, Count::Values { places, .. } if places.contains_key(ABSENT))
    }

    pub(super) fn observe(&mut self, scalar: &Scalar<'_>) {
        match &mut self.count {
            Count::Values { places, counts, others } => {
                let place = match scalar {
                    Scalar::Text(text) => places.get_index_of(*text),
                    Scalar::Int(number) => places.get_index_of(itoa::Buffer::new().format(*number)),
                    Scalar::Bool(value) => places.get_index_of(if *value { "true" } else { "false" }),
                    Scalar::Float(number) => places.get_index_of(number.to_string().as_str()),
                    Scalar::Null => places.get_index_of("null").or_else(|| places.get_index_of(ABSENT)),
                    Scalar::Compound => None,
                };
                let place = place.or_else(|| places.get_index_of(PRESENT));
                *place.and_then(|place| counts.get_mut(place)).unwrap_or(others) += 1;
            }
            Count::Parts { parts, counts, others } => {
                let part = scalar.number().map(|number| parts.part(number));
                *part.and_then(|part| counts.get_mut(part)).unwrap_or(others) += 1;
            }
            Count::Figures(histogram) => {
                if let Some(number) = scalar.number().filter(|number| *number >= 0.0) {
                    histogram.record((number * SCALE + 0.5) as u64);
                }
            }
        }
    }

    pub(super) fn observe_absent(&mut self) {
        if let Count::Values { places, counts, .. } = &mut self.count
            && let Some(count) = places.get_index_of(ABSENT).and_then(|place| counts.get_mut(place))
        {
            *count += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (&mut self.count, &other.count) {
            (Count::Values { counts, others, .. }, Count::Values { counts: theirs, others: more, .. })
            | (Count::Parts { counts, others, .. }, Count::Parts { counts: theirs, others: more, .. }) => {
                counts.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
                *others += more;
            }
            (Count::Figures(mine), Count::Figures(theirs)) => mine.merge(theirs),
            (Count::Values { .. } | Count::Parts { .. } | Count::Figures(_), _) => {}
        }
    }

    /// Its row; `stories` is how many sessions or lives there were.
    pub(super) fn row(&self, stories: u64) -> Option<Row> {
        let (names, counts, shares, others) = match &self.count {
            Count::Values { places, counts, others } => {
                let name = |value: &String| if value.is_empty() { "(empty)".to_owned() } else { value.clone() };
                (places.keys().map(name).collect(), counts, places.values().copied().collect(), *others)
            }
            Count::Parts { parts, counts, others } => (parts.names.clone(), counts, parts.shares.clone(), *others),
            Count::Figures(histogram) => {
                let parts = if histogram.is_empty() { return None } else { figures(histogram, SCALE) };
                return Some(Row { what: self.title(), count: histogram.count(), parts, ..Row::default() });
            }
        };
        let draws = match self.drawn {
            Drawn::Event => None,
            Drawn::Session => Some(stories as f64),
            Drawn::User => Some(self.users as f64),
        };
        let mut row = shares_row(self.title(), names, counts, &shares, others, draws);
        if row.count == 0 {
            return None;
        }
        if let Some(tolerance) = self.tolerance {
            let within = |part: &Part| (part.emitted - part.declared.unwrap_or(0.0)).abs() <= tolerance;
            row.fit = None;
            row.judgement = match row.count {
                0..FEW => Judgement::Unjudged,
                _ if row.parts.iter().all(within) => Judgement::Fits,
                _ => Judgement::Off,
            };
        }
        Some(row)
    }

    fn title(&self) -> String {
        let path =
            self.path.iter().filter(|step| *step != super::EACH).map(String::as_str).collect::<Vec<_>>().join(".");
        if self.tolerance.is_some() {
            return format!("{path} (check)");
        }
        match self.events.as_slice() {
            events if events.len() <= NAMES => format!("{path} in {}", events.join(", ")),
            events => format!("{path} in {} events", events.len()),
        }
    }
}

impl Count {
    fn values(shares: &IndexMap<String, f64>) -> Self {
        Self::Values { places: shares.clone(), counts: vec![0; shares.len()], others: 0 }
    }
}
