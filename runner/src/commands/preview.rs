//! `throng preview`: what a scenario would do, without sending anything.

use std::fmt::Write as _;

use shared::generate::clock::TimeFormat;
use shared::plan::{Plan, Schedule, Share, WorkloadPlan};
use shared::units::Nanos;
use shared::wording;

use super::planned::{Planned, plan, shown, start};
use super::{Exit, Refusal};
use crate::cli::PreviewArgs;
use crate::report::{counted, seconds};

/// Columns and lines of a curve.
const WIDTH: usize = 72;
const HEIGHT: usize = 8;
/// Eighths of a block, from none to all.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How much is drawn of a load without end.
const ENDLESS: Nanos = Nanos::from_secs(3_600);

/// Prints the preview.
pub(super) fn preview(args: &PreviewArgs) -> Result<Exit, Refusal> {
    let Planned { scenario, plan } = plan(&args.plan, |_| Ok(Vec::new()))?;
    let start = start(&args.plan, &scenario, None)?;
    let mut out = format!(
        "{}  seed {}  plan {}  start {}\n",
        scenario.name,
        scenario.seed.unwrap_or_default(),
        plan.fingerprint(),
        shown(start, TimeFormat::Rfc3339Seconds),
    );
    for (number, workload) in plan.workloads().iter().enumerate() {
        let schedule = workload.schedule(start);
        describe(&plan, workload, &schedule, &mut out);
        out.push_str(&curve(&schedule, workload.length.span().unwrap_or(ENDLESS)));
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..args.events {
            let Some(due) = cursor.next_due(&schedule) else { break };
            event.clear();
            cursor.emit(start.plus(due), &mut event);
            // Writing to a string cannot fail.
            let _written = writeln!(out, "  {:>9}  {}", seconds(due.as_secs_f64()), String::from_utf8_lossy(&event));
        }
    }
    anstream::print!("{out}");
    Ok(Exit::Done)
}

/// What to expect of a workload.
fn describe(plan: &Plan, workload: &WorkloadPlan, schedule: &Schedule, out: &mut String) {
    let expected = workload.length.span().map(|span| schedule.expected_until(span));
    let amount = match expected {
        Some(arrivals) => format!("about {}", counted(arrivals.round() as u64, "arrival")),
        None => "until it is stopped".to_owned(),
    };
    let target = plan.targets().get(usize::from(workload.target.0)).map_or("", |target| target.name.as_str());
    let users = counted(workload.users, "user");
    let _written = writeln!(out, "\n{} to {target}: {amount} in {}, {users}", workload.name, workload.length);
    let names =
        workload.declared.iter().filter_map(|(id, share)| Some((plan.event_types().get(usize::from(id.0))?, share)));
    let widest = names.clone().map(|(info, _)| info.name.chars().count()).max().unwrap_or(0);
    for (info, share) in names {
        let events = expected.map(|arrivals| wording::count((arrivals * share).round() as u64)).unwrap_or_default();
        let _written = writeln!(out, "  {:widest$}  {:>6}  {events:>12}", info.name, wording::share(*share));
    }
}

/// The arrival rate over time, as blocks.
fn curve(schedule: &Schedule, span: Nanos) -> String {
    let mut out = String::new();
    if span == Nanos::ZERO {
        return out;
    }
    let at = |column: usize| Nanos((u128::from(span.0) * column as u128 / WIDTH as u128) as u64);
    let mean = |column: usize| {
        let (from, to) = (at(column), at(column + 1));
        (schedule.expected_until(to) - schedule.expected_until(from))
            / (to.as_secs_f64() - from.as_secs_f64()).max(1e-9)
    };
    let rates: Vec<f64> = (0..WIDTH).map(mean).collect();
    let highest = rates.iter().copied().fold(0.0, f64::max);
    if highest <= 0.0 {
        return out;
    }
    for line in (0..HEIGHT).rev() {
        let label = match line {
            0 => wording::rate(0.0),
            line if line == HEIGHT - 1 => wording::rate(highest),
            _ => String::new(),
        };
        let _written = write!(out, "  {label:>10} ");
        for rate in &rates {
            let filled = rate / highest * HEIGHT as f64 - line as f64;
            out.push(BLOCKS[(filled * 8.0).round().clamp(0.0, 8.0) as usize]);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    let end = span.to_string();
    let _written = writeln!(out, "  {:>10} 0s{end:>width$}", "", width = WIDTH - 2);
    out
}

#[cfg(test)]
mod tests {
    use shared::plan::Curve;

    use super::*;

    #[test]
    fn a_curve_is_drawn_to_its_own_height() {
        let drawn = curve(&Schedule::new(Curve::constant(10.0, Some(60.0))), Nanos::from_secs(60));
        assert_eq!(drawn.matches('█').count(), WIDTH * HEIGHT, "{drawn}");
        assert!(drawn.contains("1m\n"));
        assert_eq!(curve(&Schedule::new(Curve::constant(0.0, None)), Nanos::from_secs(60)), "");
    }
}
