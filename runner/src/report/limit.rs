//! A search for the highest rate, as it goes on and as a curve, for a terminal; and its curve as CSV.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::chart::scale::Scale;
use shared::limit::{LimitResult, LimitStep, StepKind, StepOutcome};
use shared::wording::{latency, rate, share};

use super::counted;

/// Rows and most columns of the drawn curve.
const HEIGHT: usize = 12;
const MOST_WIDTH: usize = 72;
/// Room for the labels of the axis of time.
const LABELS: usize = 9;

/// How a figure is drawn.
type Mark = (char, fn(&LimitStep) -> u64);

/// One step in one line.
pub fn step_line(number: usize, step: &LimitStep) -> String {
    let (sign, colour) = match step.outcome {
        StepOutcome::Held => ("✓", AnsiColor::Green),
        StepOutcome::Failed => ("✗", AnsiColor::Red),
        StepOutcome::GeneratorLimited => ("!", AnsiColor::Yellow),
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let kind = match step.kind {
        StepKind::Bracket => "bracket",
        StepKind::Bisect => "bisect",
        StepKind::Confirm => "confirm",
    };
    let times = &step.response_time;
    let [p50, p95, p99] = [times.p50_us, times.p95_us, times.p99_us]
        .map(|time| if times.count == 0 { "–".to_owned() } else { latency(time as f64) });
    let mut line = format!(
        "{number:>3}  {kind:<7}  {:>9}  {style}{sign}{style:#}  p50 {p50:>8}  p95 {p95:>8}  p99 {p99:>8}  {:>6} failed",
        rate(step.rate),
        share(step.error_rate),
    );
    if let Some(reason) = step.reasons.first() {
        let _written = write!(line, "  {reason}");
    } else if let Some(doubt) = step.doubts.first() {
        let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
        let _written = write!(line, "  {yellow}held, but degraded{yellow:#}: {doubt}");
    }
    line
}

/// What the search came to, with the curve of rate against response time drawn in characters.
pub fn summary(result: &LimitResult, columns: usize) -> String {
    let mut out = String::new();
    let quiet = Style::new().dimmed();
    let bold = Style::new().bold();
    let steps: Vec<&LimitStep> = result.steps.iter().filter(|step| step.response_time.count > 0).collect();
    if steps.iter().any(|step| step.rate != steps[0].rate) {
        let _written = writeln!(out, "\n{quiet}response time by rate: ● p99  ○ p95  · p50{quiet:#}");
        out.push_str(&curve(result, &steps, columns.min(MOST_WIDTH)));
    }
    let _written = writeln!(out, "\n{bold}{}{bold:#}", result.summary);
    let _written = writeln!(out, "what had to hold: {}", result.thresholds.join(", "));
    let doubted = result.steps.iter().filter(|step| Some(step.rate) == result.limit && !step.doubts.is_empty()).count();
    if doubted > 0 {
        let _written = writeln!(
            out,
            "the generator was degraded in {} at that rate: see their verdicts, or repeat the search on a quieter machine",
            counted(doubted as u64, "step")
        );
    }
    out
}

fn curve(result: &LimitResult, steps: &[&LimitStep], columns: usize) -> String {
    let width = columns.saturating_sub(LABELS + 2).max(20);
    let fold = |value: fn(&LimitStep) -> f64, start: f64, pick: fn(f64, f64) -> f64| {
        steps.iter().map(|step| value(step)).fold(start, pick)
    };
    let low = fold(|step| step.response_time.p50_us.max(1) as f64, f64::INFINITY, f64::min);
    let high = fold(|step| step.response_time.p99_us.max(2) as f64, 2.0, f64::max).max(low * 1.5);
    let (slowest, fastest) = (fold(|step| step.rate, f64::INFINITY, f64::min), fold(|step| step.rate, 0.0, f64::max));
    let x = Scale::log((slowest, fastest), (0.0, (width - 1) as f64));
    let y = Scale::log((low, high), ((HEIGHT - 1) as f64, 0.0));
    let mut cells = vec![vec![' '; width]; HEIGHT];
    let place = |scale: &Scale, value: f64, most: usize| (scale.place_inside(value).round() as usize).min(most - 1);
    if let Some(limit) = result.limit {
        let column = place(&x, limit, width);
        cells.iter_mut().for_each(|row| row[column] = '┊');
    }
    let marks: [Mark; 3] = [
        ('·', |step| step.response_time.p50_us),
        ('○', |step| step.response_time.p95_us),
        ('●', |step| step.response_time.p99_us),
    ];
    for (mark, figure) in marks {
        for step in steps {
            let (column, row) = (place(&x, step.rate, width), place(&y, figure(step).max(1) as f64, HEIGHT));
            cells[row][column] = mark;
        }
    }
    let mut out = String::new();
    for (number, row) in cells.iter().enumerate() {
        let label = match number {
            0 => latency(high),
            _ if number == HEIGHT - 1 => latency(low),
            _ if number == HEIGHT / 2 => latency(y.value(number as f64)),
            _ => String::new(),
        };
        let line: String = row.iter().collect();
        let _written = writeln!(out, "{label:>LABELS$} ┤{}", line.trim_end());
    }
    let (first, last) = (rate(slowest), rate(fastest));
    let mut axis = format!("{first}{}{last}", " ".repeat(width.saturating_sub(first.len() + last.len())));
    if let Some(limit) = result.limit {
        let (label, column) = (rate(limit), place(&x, limit, width));
        let start = column.saturating_sub(label.len() / 2);
        // The limit's label stands where it leaves the two ends their room.
        if start > first.len() && start + label.len() + 1 < width.saturating_sub(last.len()) {
            axis.replace_range(start..start + label.len(), &label);
        }
    }
    let _written = writeln!(out, "{:>LABELS$} └{}", "", "─".repeat(width));
    let _written = writeln!(out, "{:>LABELS$}  {axis}", "");
    out
}

/// The curve as CSV: one line per step, in the order in which they were tried.
pub fn csv(result: &LimitResult) -> String {
    let mut out = String::from(
        "step,kind,rate,outcome,achieved_rate,error_rate,response_time_count,response_time_mean_us,\
         response_time_p50_us,response_time_p95_us,response_time_p99_us,response_time_max_us,verdict,run\n",
    );
    for (number, step) in result.steps.iter().enumerate() {
        let kind = match step.kind {
            StepKind::Bracket => "bracket",
            StepKind::Bisect => "bisect",
            StepKind::Confirm => "confirm",
        };
        let outcome = match step.outcome {
            StepOutcome::Held => "held",
            StepOutcome::Failed => "failed",
            StepOutcome::GeneratorLimited => "generator_limited",
        };
        let times = &step.response_time;
        let _written = writeln!(
            out,
            "{},{kind},{},{outcome},{},{},{},{},{},{},{},{},{},{}",
            number + 1,
            step.rate,
            step.achieved_rate,
            step.error_rate,
            times.count,
            times.mean_us,
            times.p50_us,
            times.p95_us,
            times.p99_us,
            times.max_us,
            step.verdict.name(),
            step.run
        );
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use shared::limit::LimitedBy;
    use shared::run::{Percentiles, RunId, VerdictStatus};

    /// A search that found a knee at 200/s.
    pub(crate) fn found() -> LimitResult {
        let step = |rate: f64, held: bool| LimitStep {
            rate,
            kind: StepKind::Bracket,
            outcome: if held { StepOutcome::Held } else { StepOutcome::Failed },
            reasons: if held { Vec::new() } else { vec!["p(95)<50ms: <812> ms".to_owned()] },
            seconds: 10.0,
            doubts: Vec::new(),
            run: RunId(format!("run-{rate}")),
            verdict: VerdictStatus::Valid,
            achieved_rate: rate.min(210.0),
            error_rate: 0.0,
            response_time: Percentiles {
                count: 500,
                mean_us: 2_000.0,
                p50_us: if held { 1_500 } else { 400_000 },
                p95_us: if held { 2_500 } else { 812_000 },
                p99_us: if held { 4_000 } else { 900_000 },
                max_us: 950_000,
                ..Percentiles::default()
            },
        };
        LimitResult {
            schema_version: 1,
            scenario: "shop".to_owned(),
            profile: None,
            targets: vec!["http://127.0.0.1:1".to_owned()],
            thresholds: vec!["p(95)<50ms".to_owned()],
            limit: Some(200.0),
            failed_at: Some(210.0),
            confirmed: 1,
            limited_by: LimitedBy::Target,
            summary: "the target takes 200/s".to_owned(),
            steps: vec![step(50.0, true), step(100.0, true), step(200.0, true), step(400.0, false)],
        }
    }

    #[test]
    fn the_curve_fits_and_shows_every_rate() {
        for columns in [30, 60, 200] {
            let text = anstream::adapter::strip_str(&summary(&found(), columns)).to_string();
            let drawn: Vec<&str> = text.lines().filter(|line| line.contains('┤')).collect();
            assert_eq!(drawn.len(), HEIGHT);
            assert!(drawn.iter().all(|line| line.chars().count() <= columns.clamp(31, MOST_WIDTH)), "{text}");
            assert_eq!(drawn.iter().map(|line| line.matches('●').count()).sum::<usize>(), 4, "{text}");
            assert!(text.contains("50/s") && text.contains("400/s") && text.contains("┊"), "{text}");
        }
    }

    #[test]
    fn every_step_is_a_line_of_csv_and_of_the_terminal() {
        let text = csv(&found());
        assert_eq!(text.lines().count(), 5);
        let columns = text.lines().next().unwrap().split(',').count();
        assert!(text.lines().all(|line| line.split(',').count() == columns), "{text}");
        let line = anstream::adapter::strip_str(&step_line(4, &found().steps[3])).to_string();
        assert!(line.contains("400/s  ✗") && line.ends_with("p(95)<50ms: <812> ms"), "{line}");
    }

    #[test]
    fn the_page_shows_the_curve_and_escapes_what_it_says() {
        let page = crate::report::html::limit::limit_page(&found());
        assert!(page.contains("Response time by rate") && page.contains("&lt;812&gt; ms"), "{page}");
        assert!(page.matches("<circle").count() == 4 && !page.contains("<script"));
    }
}
