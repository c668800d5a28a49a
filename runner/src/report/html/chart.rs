//! A chart over a run's time as static SVG: frame, grid, labels, marks of changes, and columns that tell their figures.

use shared::chart::frame::{Frame, Margins};
use shared::chart::line::{Lines, svg_path};
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::run::{Change, Command, RunResult, TimelineRow};
use shared::wording;

use super::escape::{escaped, pixels};

/// Size of the drawing; it is scaled to the room there is.
pub(super) const WIDTH: f64 = 640.0;
pub(super) const HEIGHT: f64 = 232.0;
/// How far neighbouring areas overlap, in pixels, so that rounding leaves no seam between them.
pub(super) const SEAM: f64 = 0.4;
const MARGINS: Margins = Margins { top: 16.0, right: 14.0, bottom: 24.0, left: 62.0 };
/// Most columns that tell their figures: each needs room for a pointer, and text in the file.
const MAX_COLUMNS: usize = 160;

/// Narrowest gap between the labels of two changes, in pixels.
const MIN_GAP: f64 = 34.0;

/// An entry of a legend: the class of its series and its name.
pub(super) type Key = (&'static str, String);

/// A chart that is being drawn.
pub(super) struct Chart {
    pub(super) frame: Frame,
    pub(super) x: Scale,
    pub(super) y: Scale,
    svg: String,
    title: &'static str,
    keys: Vec<Key>,
    description: String,
}

/// The plot of every chart.
pub(super) fn frame() -> Frame {
    Frame::new(WIDTH, HEIGHT, MARGINS)
}

/// The axis of time: from the start to the end of the last row.
pub(super) fn time_scale(result: &RunResult, frame: &Frame) -> Scale {
    let last = result.timeline.last().map_or(0.0, |row| f64::from(row.second) + row.covered_seconds.max(0.0));
    Scale::linear((0.0, last.max(result.totals.elapsed_seconds).max(1.0)), frame.across())
}

impl Chart {
    /// A chart over time with its grid; `ticks` are the labelled values of the vertical axis.
    pub(super) fn over_time(title: &'static str, result: &RunResult, y: Scale, ticks: &[(f64, String)]) -> Self {
        let frame = frame();
        let x = time_scale(result, &frame);
        let span = *x.span();
        let times = ticks::time(span.low, span.high, 7).into_iter().map(|at| (at, time_label(at, span.high)));
        let mut chart = Self::new(title, frame, x, y);
        chart.grid(&times.collect::<Vec<_>>(), ticks);
        chart
    }

    /// An empty chart.
    pub(super) fn new(title: &'static str, frame: Frame, x: Scale, y: Scale) -> Self {
        Self { frame, x, y, svg: String::new(), title, keys: Vec::new(), description: String::new() }
    }

    /// Lines and labels of both axes.
    pub(super) fn grid(&mut self, across: &[(f64, String)], upwards: &[(f64, String)]) {
        let frame = self.frame;
        for (value, label) in upwards {
            let y = pixels(self.y.place(*value));
            let (left, right) = (pixels(frame.left), pixels(frame.right));
            self.svg.push_str(&format!("<path class=\"grid\" d=\"M{left} {y}H{right}\"/>"));
            let at = pixels(frame.left - 7.0);
            self.svg.push_str(&format!("<text class=\"end\" x=\"{at}\" y=\"{y}\" dy=\".32em\">{label}</text>"));
        }
        for (value, label) in across {
            let x = self.x.place(*value);
            let (top, bottom) = (pixels(frame.bottom), pixels(frame.bottom + 4.0));
            self.svg.push_str(&format!("<path class=\"axis\" d=\"M{} {top}V{bottom}\"/>", pixels(x)));
            // The outermost labels stay inside the drawing.
            let class = if x > WIDTH - 24.0 { "end" } else { "middle" };
            let x = if x > WIDTH - 24.0 { WIDTH - 1.0 } else { x };
            let y = pixels(frame.bottom + 16.0);
            self.svg.push_str(&format!("<text class=\"{class}\" x=\"{}\" y=\"{y}\">{label}</text>", pixels(x)));
        }
        let (left, right, bottom) = (pixels(frame.left), pixels(frame.right), pixels(frame.bottom));
        self.svg.push_str(&format!("<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>"));
    }

    /// What the chart shows, for those who do not see it.
    pub(super) fn describe(&mut self, description: String) {
        self.description = description;
    }

    /// Adds an entry to the legend.
    pub(super) fn key(&mut self, class: &'static str, name: impl Into<String>) {
        self.keys.push((class, name.into()));
    }

    /// Draws a series.
    pub(super) fn line(&mut self, class: &'static str, name: &str, lines: &Lines) {
        self.key(class, name);
        if !lines.is_empty() {
            self.svg.push_str(&format!("<path class=\"line {class}\" d=\"{}\"/>", svg_path(lines)));
        }
    }

    /// Fills what is below a series.
    pub(super) fn area(&mut self, class: &'static str, lines: &Lines) {
        let bottom = pixels(self.frame.bottom);
        for line in lines {
            if let (Some((left, _)), Some((right, _))) = (line.first(), line.last()) {
                let (left, right) = (pixels(*left), pixels(*right));
                let path = svg_path(&vec![line.clone()]);
                self.svg.push_str(&format!(
                    "<path class=\"area {class}\" d=\"{path}L{right} {bottom}L{left} {bottom}z\"/>"
                ));
            }
        }
    }

    /// Adds a drawing of its own.
    pub(super) fn draw(&mut self, svg: &str) {
        self.svg.push_str(svg);
    }

    /// A line across at a bound, if it lies inside the chart.
    pub(super) fn bound(&mut self, value: f64, label: &str, holds: bool) {
        let span = self.y.span();
        if !(span.low..=span.high).contains(&value) {
            return;
        }
        let (left, right) = (pixels(self.frame.left), pixels(self.frame.right));
        let y = self.y.place(value);
        let class = if holds { "bound" } else { "bound broken" };
        self.svg.push_str(&format!("<path class=\"{class}\" d=\"M{left} {}H{right}\"/>", pixels(y)));
        let label = escaped(&shortened(label));
        let y = pixels(y - 4.0);
        self.svg.push_str(&format!("<text class=\"end {class}\" x=\"{right}\" y=\"{y}\">{label}</text>"));
    }

    /// Words in the middle of a chart that has nothing to show.
    pub(super) fn nothing(&mut self, words: &str) {
        let (x, y) = ((self.frame.left + self.frame.right) / 2.0, (self.frame.top + self.frame.bottom) / 2.0);
        self.svg.push_str(&format!(
            "<text class=\"middle nothing\" x=\"{}\" y=\"{}\">{words}</text>",
            pixels(x),
            pixels(y)
        ));
    }

    /// Marks what was changed while the run went on.
    pub(super) fn changes(&mut self, changes: &[Change]) {
        let mut labelled = f64::NEG_INFINITY;
        for change in changes {
            let place = self.x.place_inside(change.elapsed_seconds);
            // Of changes that stand close together the first has its label; all have their title.
            let label = if place - labelled < MIN_GAP { String::new() } else { short(&change.command) };
            if !label.is_empty() {
                labelled = place;
            }
            let x = pixels(place);
            let (top, bottom) = (pixels(self.frame.top - 4.0), pixels(self.frame.bottom));
            let title = format!("{} {}", wording::clock(change.elapsed_seconds), said(change));
            self.svg.push_str(&format!(
                "<g class=\"mark\"><title>{}</title><path d=\"M{x} {top}V{bottom}\"/><text class=\"middle\" x=\"{x}\" \
                 y=\"{}\">{}</text></g>",
                escaped(&title),
                pixels(self.frame.top - 7.0),
                label
            ));
        }
    }

    /// Columns that say their figures when pointed at.
    pub(super) fn columns(&mut self, timeline: &[TimelineRow], say: impl Fn(&[TimelineRow]) -> String) {
        let per_column = timeline.len().div_ceil(MAX_COLUMNS).max(1);
        let (top, height) = (pixels(self.frame.top), pixels(self.frame.height()));
        self.svg.push_str("<g class=\"columns\">");
        for rows in timeline.chunks(per_column) {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
            let end = f64::from(last.second) + last.covered_seconds.max(0.0);
            let left = self.x.place_inside(f64::from(first.second));
            let width = self.x.place_inside(end) - left;
            let title = format!("{}\n{}", wording::clock(f64::from(first.second)), say(rows));
            self.svg.push_str(&format!(
                "<rect x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{height}\"><title>{}</title></rect>",
                pixels(left),
                pixels(width.max(0.5)),
                escaped(&title)
            ));
        }
        self.svg.push_str("</g>");
    }

    /// Writes the figure with its caption and legend.
    pub(super) fn finish(self, out: &mut String) {
        out.push_str(&format!("<figure>\n<figcaption><h2>{}</h2><ul class=\"keys\">", self.title));
        for (class, name) in &self.keys {
            out.push_str(&format!("<li class=\"{class}\">{}</li>", escaped(name)));
        }
        let label = escaped(&format!("{}: {}", self.title, self.description));
        out.push_str(&format!(
            "</ul></figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">{}</svg>\n</figure>\n",
            self.svg
        ));
    }
}

/// A moment on the axis; seconds alone where the whole is short.
fn time_label(at: f64, end: f64) -> String {
    if end < 10.0 { format!("{} s", wording::digits(at)) } else { wording::clock(at) }
}

/// A label that leaves room for the chart.
fn shortened(label: &str) -> String {
    const MOST: usize = 36;
    if label.chars().count() <= MOST { label.to_owned() } else { label.chars().take(MOST - 1).chain(['…']).collect() }
}

/// A command above its mark.
fn short(command: &Command) -> String {
    match command {
        Command::Pause => "pause".to_owned(),
        Command::Resume => "resume".to_owned(),
        Command::Stop => "stop".to_owned(),
        Command::Abort => "abort".to_owned(),
        Command::SetRateMultiplier { multiplier } => format!("×{}", wording::digits(*multiplier)),
        Command::SetWeights { .. } => "weights".to_owned(),
        Command::SetUsers { users, .. } => format!("{users} users"),
        Command::SetFault { fault, factor } => format!("{fault} ×{}", wording::digits(*factor)),
    }
}

/// A change in words.
pub(super) fn said(change: &Change) -> String {
    let what = match &change.command {
        Command::Pause => "paused".to_owned(),
        Command::Resume => "resumed".to_owned(),
        Command::Stop => "stopped".to_owned(),
        Command::Abort => "aborted".to_owned(),
        Command::SetRateMultiplier { multiplier } => format!("rate ×{}", wording::digits(*multiplier)),
        Command::SetWeights { .. } | Command::SetUsers { .. } | Command::SetFault { .. } => change.command.in_words(),
    };
    format!("{what} from {}", change.origin)
}
