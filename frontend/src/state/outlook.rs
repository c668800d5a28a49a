//! What a scenario would do, worked out in the browser by the runner's own code: its rate over time, its totals, and
//! the very next events, byte for byte as a run would send them.

use std::sync::Arc;

use shared::plan::{Plan, Schedule, Share};
use shared::units::{EpochMicros, Nanos};

/// Pieces that a rate over time is shown in.
const PIECES: u32 = 240;
/// How much is shown of a load without end.
const ENDLESS: Nanos = Nanos::from_secs(3_600);
/// Events shown of each workload.
const EVENTS: usize = 6;

/// What a scenario would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// Each workload that takes part.
    pub(crate) workloads: Vec<WorkloadOutlook>,
}

/// What a workload would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WorkloadOutlook {
    /// Its name.
    pub(crate) name: String,
    /// Where its events go.
    pub(crate) target: String,
    /// How long it goes on, in words.
    pub(crate) length: String,
    /// Virtual users.
    pub(crate) users: u64,
    /// Arrivals in all; none for one without end.
    pub(crate) expected: Option<f64>,
    /// Highest arrival rate, per second.
    pub(crate) peak: f64,
    /// How many seconds `rates` spans.
    pub(crate) seconds: f64,
    /// Mean arrival rate of each of equally long pieces, per second.
    pub(crate) rates: Vec<f64>,
    /// Share of each event type (0 to 1), where it is declared.
    pub(crate) shares: Vec<(String, f64)>,
    /// The first events.
    pub(crate) events: Vec<Upcoming>,
}

/// An event that would be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Upcoming {
    /// When it is due, in seconds since the start.
    pub(crate) due_seconds: f64,
    /// Its type.
    pub(crate) event_type: String,
    /// Its JSON, laid out for people.
    pub(crate) json: String,
}

impl Outlook {
    /// Looks at a plan as if it started at a moment.
    pub(crate) fn new(plan: &Arc<Plan>, start: EpochMicros) -> Self {
        Self { workloads: (0..plan.workloads().len()).map(|index| workload(plan, index, start)).collect() }
    }
}

fn workload(plan: &Arc<Plan>, index: usize, start: EpochMicros) -> WorkloadOutlook {
    let Some(planned) = plan.workloads().get(index) else { return WorkloadOutlook::default() };
    let schedule = planned.schedule(start);
    let span = planned.length.span().unwrap_or(ENDLESS);
    let name_of = |id: u16| plan.event_types().get(usize::from(id)).map_or("", |info| info.name.as_str()).to_owned();
    WorkloadOutlook {
        name: planned.name.clone(),
        target: plan.targets().get(usize::from(planned.target.0)).map_or("", |target| &target.name).to_owned(),
        length: planned.length.to_string(),
        users: planned.users,
        expected: planned.length.span().map(|span| schedule.expected_until(span)),
        peak: schedule.curve().peak(),
        seconds: span.as_secs_f64(),
        rates: rates(&schedule, span),
        shares: planned.declared.iter().map(|(id, share)| (name_of(id.0), *share)).collect(),
        events: events(plan, index, &schedule, start),
    }
}

fn rates(schedule: &Schedule, span: Nanos) -> Vec<f64> {
    let at = |piece: u32| Nanos((u128::from(span.0) * u128::from(piece) / u128::from(PIECES)) as u64);
    let mean = |piece: u32| {
        let (from, to) = (at(piece), at(piece + 1));
        let seconds = (to.as_secs_f64() - from.as_secs_f64()).max(1e-9);
        (schedule.expected_until(to) - schedule.expected_until(from)) / seconds
    };
    (0..PIECES).map(mean).collect()
}

fn events(plan: &Arc<Plan>, index: usize, schedule: &Schedule, start: EpochMicros) -> Vec<Upcoming> {
    let mut cursor = plan.cursor(index, Share::WHOLE);
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    while found.len() < EVENTS {
        let Some(due) = cursor.next_due(schedule) else { break };
        bytes.clear();
        let emitted = cursor.emit(start.plus(due), &mut bytes);
        found.push(Upcoming {
            due_seconds: due.as_secs_f64(),
            event_type: plan
                .event_types()
                .get(usize::from(emitted.event_type.0))
                .map(|info| info.name.clone())
                .unwrap_or_default(),
            json: laid_out(&String::from_utf8_lossy(&bytes)),
        });
    }
    found
}

/// JSON with a line for each value, in its own order and with its own numbers; anything else stays as it is.
pub(crate) fn laid_out(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut letters = json.trim().chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => {
                out.push(letter);
                out.extend(letters.next());
                continue;
            }
            '"' => quoted = !quoted,
            _ => {}
        }
        if quoted || letter == '"' {
            out.push(letter);
            continue;
        }
        match letter {
            '{' | '[' => {
                while letters.peek().is_some_and(|next| next.is_whitespace()) {
                    letters.next();
                }
                out.push(letter);
                if let Some(end @ ('}' | ']')) = letters.peek().copied() {
                    letters.next();
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_whitespace() => {}
            _ => out.push(letter),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(40)));
}

#[cfg(test)]
mod tests {
    use shared::compile::compile;
    use shared::scenario::LoadOptions;

    use super::*;

    fn outlook(text: &str) -> Outlook {
        let compiled = compile(text, &LoadOptions::new("mine"), 1);
        Outlook::new(&compiled.plan.expect("the text has no problem"), EpochMicros(1_772_366_400_000_000))
    }

    #[test]
    fn a_plan_is_looked_at_without_running_it() {
        let outlook = outlook("extends: commerce-events\nprofile: quick_test\n");
        let shop = &outlook.workloads[0];
        assert_eq!((shop.name.as_str(), shop.users, shop.expected), ("shop", 10, Some(600.0)));
        assert!(shop.rates.iter().all(|rate| (rate - 10.0).abs() < 1e-6));
        assert!((shop.shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(shop.events.len(), EVENTS);
        assert!(shop.events.windows(2).all(|pair| pair[0].due_seconds <= pair[1].due_seconds));
        assert!(shop.events.iter().all(|event| event.json.contains(&format!("\"{}\"", event.event_type))));
    }

    #[test]
    fn a_load_without_end_shows_its_first_hour() {
        let outlook = outlook("extends: commerce-events\nworkloads: {shop: {load: {duration: forever}}}\n");
        assert_eq!(outlook.workloads[0].expected, None);
        assert_eq!(outlook.workloads[0].seconds, 3_600.0);
    }

    #[test]
    fn json_is_laid_out_and_not_changed() {
        let json = r#"{"b":1.50,"a":[{}, [],"x, \"y\": {z}"],"c":null}"#;
        let text = laid_out(json);
        assert_eq!(text.lines().next(), Some("{"));
        assert!(text.contains("\n  \"b\": 1.50,\n"), "{text}");
        assert!(text.contains(r#""x, \"y\": {z}""#), "{text}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(json));
    }
}
