//! Loads: one kind each, schedules that can be met, nothing that has no effect.

use crate::scenario::model::behavior::{Behavior, ReplayOrder};
use crate::scenario::model::load::{EFFECTS, Load, Shape};
use crate::scenario::model::{ClockMode, Scenario, Workload};
use crate::units::{Length, Nanos, Rate};

use super::Findings;

/// No machine sends faster than this.
const MAX_RATE: f64 = 1e8;
/// Nor does anybody wait for so many events.
const MAX_COUNT: u64 = 1_000_000_000_000_000;
/// Users or requests that one run holds at once, at most.
const MAX_AT_ONCE: u64 = 1_000_000;
/// What the kinds are called, in the order of [`kinds`].
const KINDS: [&str; 6] = ["rate", "users", "per_connection", "count", "concurrency", "ratio_of"];

pub(super) fn check(name: &str, workload: &Workload, scenario: &Scenario, findings: &mut Findings<'_>) {
    let path = format!("workloads.{name}.load");
    let load = &workload.load;
    let behavior = match &workload.behavior {
        Some(behavior) => scenario.behaviors.get(behavior),
        None => scenario.behaviors.values().next(),
    };
    let replays = matches!(behavior, Some(Behavior::Replay(_)));
    let sessions = matches!(behavior, Some(Behavior::Session(_))) && workload.human_delays;
    let by_own_time = matches!(behavior, Some(Behavior::Replay(replay)) if replay.order == ReplayOrder::EventTime);
    let given: Vec<&str> =
        kinds(load).into_iter().zip(KINDS).filter(|(given, _)| *given).map(|(_, name)| name).collect();
    let kind = match given.as_slice() {
        // So many events, as fast as the target answers.
        ["count", "concurrency"] => Some("concurrency"),
        [] if by_own_time => None,
        [kind, ..] if by_own_time => {
            let message = "the recorded events are due by their own time";
            findings.error(format!("{path}.{kind}"), message, "remove it, or write order: file");
            None
        }
        [] => {
            findings.error(
                path.as_str(),
                "how much is not said",
                "write rate: 10/s, users: 10, count: 1000 or concurrency: 10",
            );
            None
        }
        [kind] => Some(*kind),
        several => {
            findings.error(path.as_str(), format!("{} cannot stand together", several.join(", ")), "keep one of them");
            None
        }
    };
    check_amounts(&path, load, findings);
    if let Some(kind) = kind {
        check_effects(&path, kind, load, findings);
        let backfill = scenario.clock.mode == ClockMode::Backfill;
        if backfill && matches!(kind, "users" | "concurrency") && !replays && !sessions {
            let message = "a backfill has to know when its events happened, which only a rate or a count says";
            findings.error(format!("{path}.{kind}"), message, "write rate: 10/s or count: 1000");
        }
        let ends = matches!(kind, "count" | "concurrency" | "ratio_of") || replays || backfill;
        if load.duration.is_none() && !ends && load.ramp.and_then(|ramp| ramp.hold).is_none() {
            findings.error(path.as_str(), "how long is not said", "write duration: 10m, or duration: forever");
        }
        if kind == "count" && load.duration.and_then(Length::span).is_none() && !backfill && !replays {
            findings.error(path.as_str(), "over which time the events are spread is not said", "write duration: 10m");
        }
    }
    if let Some(other) = &load.ratio_of {
        findings.refers(format!("{path}.ratio_of"), "workload", "workloads", other);
        let chained = scenario.workloads.get(other).is_some_and(|other| other.load.ratio_of.is_some());
        if scenario.workloads.get(other).is_some_and(|other| !other.enabled) {
            let message = format!("the workload `{other}` is switched off, so that nothing ever arrives");
            findings.error(
                format!("{path}.ratio_of"),
                message,
                "write `enabled: true` there, or `enabled: false` here",
            );
        }
        if other == name || chained {
            findings.error(format!("{path}.ratio_of"), "must name a workload that has a rate of its own", "");
        }
    }
    check_schedule(&path, load, findings);
    check_shape(&path, load, findings);
}

fn kinds(load: &Load) -> [bool; 6] {
    [
        load.rate.is_some(),
        load.users.is_some(),
        load.per_connection.is_some(),
        load.count.is_some(),
        load.concurrency.is_some(),
        load.ratio_of.is_some(),
    ]
}

fn check_amounts(path: &str, load: &Load, findings: &mut Findings<'_>) {
    for (key, rate) in [("rate", load.rate), ("per_connection", load.per_connection)] {
        if rate.map(Rate::per_second) == Some(0.0) {
            findings.error(format!("{path}.{key}"), "a rate must be above zero", "write 10/s, 20/min or 600/h");
        }
        if rate.is_some_and(|rate| rate.per_second() > MAX_RATE) {
            let message = "no machine sends a hundred million events a second";
            findings.error(format!("{path}.{key}"), message, "write less");
        }
    }
    let counts = [
        ("users", load.users.map(u64::from)),
        ("count", load.count),
        ("concurrency", load.concurrency.map(u64::from)),
        ("max_in_flight", load.max_in_flight.map(u64::from)),
    ];
    for (key, _) in counts.into_iter().filter(|(_, count)| *count == Some(0)) {
        findings.error(format!("{path}.{key}"), "must be above zero", "write 1 or more");
    }
    if load.count.is_some_and(|count| count > MAX_COUNT) {
        let message = "a thousand million million events are the most that can be counted";
        findings.error(format!("{path}.count"), message, "write less");
    }
    // The count is only time; the others take memory.
    let kept =
        counts.into_iter().filter(|(key, count)| *key != "count" && count.is_some_and(|count| count > MAX_AT_ONCE));
    for (key, _) in kept {
        let message = format!("no machine holds more than {MAX_AT_ONCE} at once");
        findings.error(format!("{path}.{key}"), message, "write less, or several runs with a part each");
    }
    if let Some(ratio) = load.ratio
        && !(ratio > 0.0 && ratio.is_finite())
    {
        findings.error(format!("{path}.ratio"), format!("a ratio must be above zero, this is {ratio}"), "write 0.5");
    }
    if let (Some(late), Some(drop)) = (load.late_after, load.drop_after)
        && drop < late
    {
        findings.error(format!("{path}.drop_after"), format!("would drop events before they are late ({late})"), "");
    }
}

/// Settings that this kind of load would ignore.
fn check_effects(path: &str, kind: &str, load: &Load, findings: &mut Findings<'_>) {
    let given = |setting: &str| match setting {
        "ratio" => load.ratio.is_some(),
        "arrival" => load.arrival.is_some(),
        "stagger" => load.stagger.is_some(),
        "delay" => load.delay.is_some(),
        "max_in_flight" => load.max_in_flight.is_some(),
        "late_after" => load.late_after.is_some(),
        "drop_after" => load.drop_after.is_some(),
        "shape" => !load.shape.is_empty(),
        "ramp" => load.ramp.is_some(),
        "burst" => load.burst.is_some(),
        _ => false,
    };
    for (setting, kinds) in EFFECTS {
        if given(setting) && !kinds.contains(&kind) {
            findings.error(format!("{path}.{setting}"), format!("has no effect on a load of `{kind}`"), "remove it");
        }
    }
    if kind == "ratio_of" && load.ratio.is_none() {
        findings.error(path, "how many per arrival of the other workload is not said", "write ratio: 0.5");
    }
    if kind == "ratio_of" && load.duration.is_some() {
        findings.error(format!("{path}.duration"), "lasts as long as the other workload", "remove it");
    }
}

/// Ramps, bursts and spikes have to fit into the time.
fn check_schedule(path: &str, load: &Load, findings: &mut Findings<'_>) {
    let duration = load.duration.and_then(Length::span);
    if let Some(ramp) = &load.ramp {
        let place = format!("{path}.ramp");
        let ends = ramp.up.saturating_add(ramp.down);
        match (ramp.hold, duration) {
            (Some(hold), Some(duration)) if ends.saturating_add(hold) != duration => {
                let message = format!("covers {}, the load lasts {duration}", ends.saturating_add(hold));
                findings.error(place, message, "leave out hold, or duration");
            }
            (None, Some(duration)) if ends > duration => {
                findings.error(place, format!("takes {ends}, the load lasts only {duration}"), "make it shorter");
            }
            (None, None) if ramp.down > Nanos::ZERO && load.duration == Some(Length::Forever) => {
                findings.error(format!("{place}.down"), "a load without end never ramps down", "give it a duration");
            }
            _ => {}
        }
    }
    if let Some(burst) = &load.burst {
        let place = format!("{path}.burst");
        if !(burst.factor > 0.0 && burst.factor.is_finite()) {
            findings.error(
                format!("{place}.factor"),
                format!("a factor must be above zero, this is {}", burst.factor),
                "write 2",
            );
        }
        if burst.every == Nanos::ZERO || burst.lasts == Nanos::ZERO {
            findings.error(place.as_str(), "`every` and `lasts` must be above zero", "write every: 60s, lasts: 5s");
        } else if burst.lasts > burst.every {
            let message = format!("a burst of {} does not fit into {}", burst.lasts, burst.every);
            findings.error(place, message, "let `lasts` be shorter than `every`");
        }
    }
}

fn check_shape(path: &str, load: &Load, findings: &mut Findings<'_>) {
    let duration = load.duration.and_then(Length::span);
    for (index, shape) in load.shape.iter().enumerate() {
        let place = format!("{path}.shape[{index}]");
        match shape {
            Shape::Hours(hours) => {
                for (row, (from, to, factor)) in hours.iter().enumerate() {
                    let place = format!("{place}.hours[{row}]");
                    if !(0.0..=24.0).contains(from) || !(0.0..=24.0).contains(to) || from == to {
                        findings.error(
                            place.as_str(),
                            "hours are [from, to, factor] with hours from 0 to 24",
                            "write [9, 17, 2.0]",
                        );
                    }
                    if from.fract() != 0.0 || to.fract() != 0.0 {
                        findings.error(place.as_str(), "hours are whole hours of the day", "write [9, 17, 2.0]");
                    }
                    let before = hours[..row].iter().position(|(other, until, _)| {
                        (0..24).any(|hour| is_inside(hour, *from, *to) && is_inside(hour, *other, *until))
                    });
                    if let Some(before) = before {
                        let message = format!("overlaps hours[{before}]; each hour has one factor");
                        findings.error(place.as_str(), message, "let one end where the other begins");
                    }
                    factor_at_least_zero(&place, *factor, findings);
                }
            }
            Shape::Curve(_) => {}
            Shape::Weekend(factor) => factor_at_least_zero(&format!("{place}.weekend"), *factor, findings),
            Shape::Points(points) => {
                let place = format!("{place}.points");
                if points.is_empty() {
                    findings.error(place.as_str(), "there are no points", "write [[0s, 1], [5m, 2]]");
                }
                if points.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
                    findings.error(place.as_str(), "moments must grow from point to point", "");
                }
                for (_, factor) in points {
                    factor_at_least_zero(&place, *factor, findings);
                }
            }
            Shape::Sine { period, amplitude, .. } => {
                if *period == Nanos::ZERO {
                    findings.error(format!("{place}.sine.period"), "must be above zero", "write 24h");
                }
                if !(0.0..=1.0).contains(amplitude) {
                    let message = format!("an amplitude lies between 0 and 1, this is {amplitude}");
                    findings.error(format!("{place}.sine.amplitude"), message, "");
                }
            }
            Shape::Csv(_) => {}
            Shape::Spike { at, factor, lasts, .. } => {
                let place = format!("{place}.spike");
                factor_at_least_zero(&place, *factor, findings);
                if *lasts == Nanos::ZERO {
                    findings.error(format!("{place}.lasts"), "must be above zero", "write 2m");
                }
                if let Some(duration) = duration.filter(|duration| at >= duration) {
                    findings.error(format!("{place}.at"), format!("never happens, the load lasts {duration}"), "");
                }
            }
            Shape::Wobble { sd, tau } => {
                if !(0.0..=3.0).contains(sd) {
                    findings.error(
                        format!("{place}.wobble.sd"),
                        format!("lies between 0 and 3, this is {sd}"),
                        "write 0.15",
                    );
                }
                if *tau == Nanos::ZERO {
                    findings.error(format!("{place}.wobble.tau"), "must be above zero", "write 5m");
                }
            }
        }
    }
}

/// Whether an hour of the day lies between two, the second not included; from after to wraps midnight.
fn is_inside(hour: u8, from: f64, to: f64) -> bool {
    let middle = f64::from(hour) + 0.5;
    if from <= to { (from..to).contains(&middle) } else { middle >= from || middle < to }
}

fn factor_at_least_zero(path: &str, factor: f64, findings: &mut Findings<'_>) {
    if !(factor >= 0.0 && factor.is_finite()) {
        findings.error(path, format!("a factor must not be negative, this is {factor}"), "");
    }
}
