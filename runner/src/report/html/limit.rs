//! The report of a search for the highest rate: the curve of rate against latency, and every step.

use shared::chart::line::lines;
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::limit::{LimitResult, LimitStep, LimitedBy, StepOutcome};
use shared::run::Percentiles;
use shared::wording;

use super::chart::{Chart, frame};
use super::charts::time_ticks;
use super::escape::{escaped, pixels};
use super::{close_page, open_page, tables};

/// A line of the curve: its class and its figure.
type Series = (&'static str, fn(&Percentiles) -> u64);

/// The page of one search.
pub fn limit_page(result: &LimitResult) -> String {
    let title = match &result.profile {
        Some(profile) => format!("Limit of {} · {profile}", result.scenario),
        None => format!("Limit of {}", result.scenario),
    };
    let mut out = String::with_capacity(64 * 1024);
    open_page(&mut out, &title);
    out.push_str("<header>\n<label class=\"theme\"><input type=\"checkbox\"> other colours</label>\n");
    out.push_str(&format!("<p class=\"brand\">Throng</p>\n<h1>{}</h1>\n<p class=\"facts under\">", escaped(&title)));
    let facts = result.targets.iter().chain(&result.thresholds);
    let facts: Vec<String> = facts.map(|fact| format!("<span>{}</span>", escaped(fact))).collect();
    out.push_str(&facts.join(" "));
    out.push_str("</p>\n</header>\n");
    let (class, sign) = match result.limited_by {
        LimitedBy::Target | LimitedBy::HighestRate => ("good", "✓"),
        LimitedBy::Generator | LimitedBy::Steps => ("warn", "!"),
        LimitedBy::NothingHeld => ("bad", "✗"),
    };
    out.push_str(&format!(
        "<section class=\"verdict {class}\"><p><b aria-hidden=\"true\">{sign}</b> {}</p></section>\n",
        escaped(&result.summary)
    ));
    out.push_str("<section class=\"charts\" aria-label=\"charts\">\n");
    write_curve(&mut out, result);
    write_rates(&mut out, result);
    out.push_str("</section>\n");
    tables::write_steps(&mut out, &result.steps);
    close_page(&mut out);
    out
}

/// The steps by rate; of several at one rate the last.
fn by_rate(result: &LimitResult) -> Vec<&LimitStep> {
    let mut steps: Vec<&LimitStep> = Vec::new();
    for step in result.steps.iter().rev() {
        if steps.iter().all(|known| known.rate != step.rate) {
            steps.push(step);
        }
    }
    steps.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    steps
}

/// The axis of rates, logarithmic, with labels at round values.
fn rates(steps: &[&LimitStep]) -> (Scale, Vec<(f64, String)>) {
    let low = steps.first().map_or(1.0, |step| step.rate) * 0.9;
    let high = steps.last().map_or(10.0, |step| step.rate) * 1.1;
    let labels: Vec<(f64, String)> = [1.0, 2.0, 5.0]
        .into_iter()
        .flat_map(|digit| (-3..8).map(move |power| digit * 10_f64.powi(power)))
        .filter(|value| (low..=high).contains(value))
        .map(|value| (value, wording::rate(value)))
        .collect();
    (Scale::log((low, high), frame().across()), labels)
}

fn write_curve(out: &mut String, result: &LimitResult) {
    let steps = by_rate(result);
    let series: [Series; 3] =
        [("p50", |times| times.p50_us), ("p95", |times| times.p95_us), ("p99", |times| times.p99_us)];
    let known = || steps.iter().map(|step| &step.response_time).filter(|times| times.count > 0);
    let values = || known().flat_map(|times| series.iter().map(|(_, figure)| figure(times).max(1) as f64));
    let (low, high) = ticks::log_bounds(values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let (x, across) = rates(&steps);
    let mut chart = Chart::new("Response time by rate", frame(), x, Scale::log((low, high), frame().upwards()));
    chart.grid(&across, &time_ticks(low, high));
    for (class, figure) in series {
        let points = steps.iter().filter(|step| step.response_time.count > 0);
        let drawn =
            lines(points.map(|step| (step.rate, Some(figure(&step.response_time).max(1) as f64))), &chart.x, &chart.y);
        chart.line(class, class, &drawn);
    }
    for step in &steps {
        if step.response_time.count == 0 {
            continue;
        }
        let (x, y) = (chart.x.place(step.rate), chart.y.place(step.response_time.p95_us.max(1) as f64));
        chart.draw(&format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" class=\"step {}\"><title>{}</title></circle>",
            pixels(x),
            pixels(y),
            if step.outcome == StepOutcome::Held { "held" } else { "failed" },
            escaped(&say(step))
        ));
    }
    mark_limit(&mut chart, result);
    if known().next().is_none() {
        chart.nothing("nothing was measured");
    }
    chart.describe(result.summary.clone());
    chart.finish(out);
}

fn write_rates(out: &mut String, result: &LimitResult) {
    let steps = by_rate(result);
    let (x, across) = rates(&steps);
    let high = ticks::round_end(steps.iter().map(|step| step.rate.max(step.achieved_rate)).fold(0.0, f64::max), 4);
    let labels: Vec<(f64, String)> =
        ticks::linear(0.0, high, 4).into_iter().map(|value| (value, wording::digits(value))).collect();
    let mut chart = Chart::new("Events per second", frame(), x, Scale::linear((0.0, high), frame().upwards()));
    chart.grid(&across, &labels);
    let asked = lines(steps.iter().map(|step| (step.rate, Some(step.rate))), &chart.x, &chart.y);
    chart.line("target", "asked for", &asked);
    let achieved = lines(steps.iter().map(|step| (step.rate, Some(step.achieved_rate))), &chart.x, &chart.y);
    chart.line("succeeded", "acknowledged", &achieved);
    mark_limit(&mut chart, result);
    chart.describe("what was acknowledged of what was asked for".to_owned());
    chart.finish(out);
}

fn mark_limit(chart: &mut Chart, result: &LimitResult) {
    let Some(limit) = result.limit else { return };
    let (x, top, bottom) = (pixels(chart.x.place(limit)), pixels(chart.frame.top - 4.0), pixels(chart.frame.bottom));
    let y = pixels(chart.frame.top - 7.0);
    chart.draw(&format!(
        "<g class=\"mark\"><path d=\"M{x} {top}V{bottom}\"/><text class=\"middle\" x=\"{x}\" y=\"{y}\">{}</text></g>",
        escaped(&wording::rate(limit))
    ));
}

fn say(step: &LimitStep) -> String {
    let times = &step.response_time;
    let mut said = format!(
        "{} asked for, {} acknowledged\np50 {}, p95 {}, p99 {}",
        wording::rate(step.rate),
        wording::rate(step.achieved_rate),
        wording::latency(times.p50_us as f64),
        wording::latency(times.p95_us as f64),
        wording::latency(times.p99_us as f64)
    );
    for reason in &step.reasons {
        said.push('\n');
        said.push_str(reason);
    }
    said
}
