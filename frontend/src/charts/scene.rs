//! A chart laid out in pixels: pure, so that it is tested without a browser.

use shared::chart::frame::{Frame, Margins, spread_labels};
use shared::chart::heat::shade;
use shared::chart::line::{Lines, Point as Place, lines};
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::metrics::heat_cell_floor_us;

use crate::charts::spec::{ChartSpec, Content, Measure};
use crate::format;
use crate::state::limits::{Limit, limits};
use crate::state::run_board::{RunBoard, describe};
use crate::state::timeline::Point;

/// Height of a label at the end of a line.
const END_LABEL: f64 = 14.0;
/// Narrowest column of a stack or a heat map, in pixels.
const MIN_COLUMN: f64 = 3.0;
/// By how much neighbours overlap, so that no seam shows between them.
const SEAM: f64 = 0.5;

/// What of the run is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// Width of the chart in CSS pixels.
    pub(crate) width: f64,
    /// Its height.
    pub(crate) height: f64,
    /// The part of the time axis that is shown; the whole run without.
    pub(crate) zoom: Option<(f64, f64)>,
    /// Lines that are hidden, a bit each.
    pub(crate) hidden: u32,
}

impl Look {
    /// Whether a line is hidden.
    pub(crate) fn hides(&self, line: usize) -> bool {
        self.hidden >> line & 1 == 1
    }
}

/// A labelled place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Its pixel.
    pub(crate) place: f64,
    /// Its label; empty for a line without one.
    pub(crate) label: String,
}

/// A filled rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    /// Number of its colour: a line of the spec, or a shade.
    pub(crate) colour: usize,
    /// Left edge.
    pub(crate) left: f64,
    /// Upper edge.
    pub(crate) top: f64,
    /// Width.
    pub(crate) width: f64,
    /// Height.
    pub(crate) height: f64,
}

/// A chart laid out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    /// The plot's rectangle.
    pub(crate) frame: Frame,
    /// Seconds to pixels.
    pub(crate) x: Scale,
    /// Values to pixels.
    pub(crate) y: Scale,
    /// Labels of time.
    pub(crate) times: Vec<Tick>,
    /// Labels of values.
    pub(crate) values: Vec<Tick>,
    /// The shown lines, by their number in the spec.
    pub(crate) lines: Vec<(usize, Lines)>,
    /// Parts of a stack, or cells of a heat map.
    pub(crate) blocks: Vec<Block>,
    /// Names at the lines' ends: number in the spec, place.
    pub(crate) ends: Vec<(usize, Place)>,
    /// What was changed in the run.
    pub(crate) marks: Vec<Tick>,
    /// Thresholds: where, their notation, whether they hold.
    pub(crate) limits: Vec<(Tick, bool)>,
}

impl Scene {
    /// Lays a chart out; without a run, an empty one with its axes.
    pub(crate) fn new(spec: &ChartSpec, board: Option<&RunBoard>, look: &Look) -> Self {
        let margins = Margins { top: 16.0, right: if spec.named_ends { 34.0 } else { 12.0 }, bottom: 22.0, left: 50.0 };
        let frame = Frame::new(look.width, look.height, margins);
        let (start, end) = look.zoom.unwrap_or((0.0, board.map_or(60.0, RunBoard::axis_end)));
        let x = Scale::linear((start, end), frame.across());
        let points = board.map_or(&[][..], |board| board.timeline.drawn(board.is_over()));
        let points = within(points, start, end);
        let columns = match spec.content {
            Content::Lines => Vec::new(),
            Content::Stack | Content::Heat => columns(points, &x),
        };
        let limits = board.map_or_else(Vec::new, |board| limits(&board.snapshot.thresholds, spec.limits));
        let y = match spec.content {
            Content::Lines => value_scale(spec, points, &limits, look, &frame),
            Content::Stack => stack_scale(spec, &columns, look, &frame),
            Content::Heat => heat_scale(points, &frame),
        };
        let mut drawn = Vec::new();
        let mut blocks = Vec::new();
        match spec.content {
            Content::Lines => {
                for (index, line) in spec.lines.iter().enumerate().filter(|(index, _)| !look.hides(*index)) {
                    let values = points.iter().map(|point| (point.middle(), line.at(point)));
                    drawn.push((index, lines(values, &x, &y)));
                }
            }
            Content::Stack => stack(spec, &columns, look, &x, &y, &mut blocks),
            Content::Heat => heat(&columns, &x, &y, &mut blocks),
        }
        let ends = if spec.named_ends { line_ends(&drawn, &frame) } else { Vec::new() };
        let shown = end - start;
        let times = ticks::time(start, end, (frame.width() / 80.0).max(2.0) as u32)
            .into_iter()
            .map(|second| Tick { place: x.place(second), label: format::time_tick(second, shown) })
            .collect();
        let marks = board.map_or(&[][..], |board| &board.changes);
        let marks = marks
            .iter()
            .filter(|change| (start..=end).contains(&change.elapsed_seconds))
            .map(|change| Tick { place: x.place(change.elapsed_seconds), label: describe(&change.command) })
            .collect();
        let values = value_ticks(spec.measure, &y, &frame);
        let limits = limits
            .into_iter()
            .filter(|limit| limit.bound >= y.span().low && limit.bound <= y.span().high)
            .map(|limit| (Tick { place: y.place(limit.bound), label: limit.label }, limit.holds))
            .collect();
        Self { frame, x, y, times, values, lines: drawn, blocks, ends, marks, limits }
    }
}

/// The points that a part of the axis shows, and one more on each side so that lines run to the edges.
fn within(points: &[Point], start: f64, end: f64) -> &[Point] {
    let from = points.partition_point(|point| point.end() < start).saturating_sub(1);
    let to = (points.partition_point(|point| f64::from(point.second) <= end) + 1).min(points.len());
    &points[from.min(to)..to]
}

/// Points merged so that each is wide enough to be seen.
fn columns(points: &[Point], x: &Scale) -> Vec<Point> {
    let Some(first) = points.first() else { return Vec::new() };
    let wide = (x.place(f64::from(first.second) + 1.0) - x.place(f64::from(first.second))).abs().max(1e-9);
    let mut found: Vec<Point> = Vec::new();
    for point in points {
        match found.last_mut() {
            Some(last) if f64::from(last.length) * wide < MIN_COLUMN => last.merge(point),
            _ => found.push(point.clone()),
        }
    }
    found
}

/// Left edge and width of a column, inside the plot.
fn across(point: &Point, x: &Scale) -> (f64, f64) {
    let left = x.place_inside(f64::from(point.second));
    let right = x.place_inside(f64::from(point.second) + point.covered.max(f64::from(point.length) * 0.2));
    (left, (right - left).max(0.0))
}

fn stack(spec: &ChartSpec, columns: &[Point], look: &Look, x: &Scale, y: &Scale, blocks: &mut Vec<Block>) {
    for point in columns {
        let (left, width) = across(point, x);
        let mut below = 0.0;
        for (colour, line) in spec.lines.iter().enumerate().filter(|(index, _)| !look.hides(*index)) {
            let value = line.at(point).filter(|value| value.is_finite() && *value > 0.0).unwrap_or(0.0);
            if value > 0.0 && width > 0.0 {
                let (bottom, top) = (y.place_inside(below), y.place_inside(below + value));
                blocks.push(Block { colour, left, top, width: width + SEAM, height: bottom - top });
                below += value;
            }
        }
    }
}

fn heat(columns: &[Point], x: &Scale, y: &Scale, blocks: &mut Vec<Block>) {
    let most = columns.iter().flat_map(|point| &point.heat).map(|(_, count)| *count).max().unwrap_or(0);
    for point in columns {
        let (left, width) = across(point, x);
        for (cell, count) in point.heat.iter().filter(|_| width > 0.0) {
            let top = y.place_inside(heat_cell_floor_us(cell.saturating_add(1)));
            let height = y.place_inside(heat_cell_floor_us(*cell)) - top + SEAM;
            let colour = shade(u64::from(*count), u64::from(most));
            blocks.push(Block { colour, left, top, width: width + SEAM, height });
        }
    }
}

/// The sum of the shown lines of the highest column.
fn stack_scale(spec: &ChartSpec, columns: &[Point], look: &Look, frame: &Frame) -> Scale {
    let shown = |point: &Point| -> f64 {
        let lines = spec.lines.iter().enumerate().filter(|(index, _)| !look.hides(*index));
        lines.filter_map(|(_, line)| line.at(point)).filter(|value| value.is_finite()).sum()
    };
    let highest = columns.iter().map(shown).fold(0.0, f64::max);
    from_zero(if highest > 0.0 { highest * 1.08 } else { 10.0 }, frame)
}

fn heat_scale(points: &[Point], frame: &Frame) -> Scale {
    let cells = || points.iter().flat_map(|point| &point.heat).map(|(cell, _)| *cell);
    let (low, high) = match cells().min().zip(cells().max()) {
        Some((lowest, highest)) => (heat_cell_floor_us(lowest), heat_cell_floor_us(highest.saturating_add(1))),
        None => ticks::log_bounds(0.0, 0.0),
    };
    Scale::log((low, high.max(low * 4.0)), frame.upwards())
}

fn from_zero(highest: f64, frame: &Frame) -> Scale {
    Scale::linear((0.0, ticks::round_end(highest, 5)), frame.upwards())
}

fn value_scale(spec: &ChartSpec, points: &[Point], limits: &[Limit], look: &Look, frame: &Frame) -> Scale {
    let (mut lowest, mut highest) = (f64::MAX, 0.0_f64);
    for (_, line) in spec.lines.iter().enumerate().filter(|(index, _)| !look.hides(*index)) {
        for value in points.iter().filter_map(|point| line.at(point)).filter(|value| value.is_finite() && *value > 0.0)
        {
            lowest = lowest.min(value);
            highest = highest.max(value);
        }
    }
    // A bound that is far away must not press the lines flat; on an axis of decades there is room for more.
    let far = match spec.measure {
        Measure::Latency => 1_000.0,
        Measure::Rate | Measure::Count => 2.0,
    };
    for bound in limits.iter().map(|limit| limit.bound).filter(|bound| *bound > 0.0) {
        if highest == 0.0 || (bound <= highest * far && bound >= lowest / far) {
            lowest = lowest.min(bound);
            highest = highest.max(bound);
        }
    }
    match spec.measure {
        // A little headroom, so that the schedule's line does not lie on the frame.
        Measure::Rate => from_zero(if highest > 0.0 { highest * 1.08 } else { 10.0 }, frame),
        // Things are whole: an axis that ends below five would name fractions of them.
        Measure::Count => from_zero((highest * 1.08).max(5.0), frame),
        Measure::Latency => Scale::log(ticks::log_bounds(lowest, highest), frame.upwards()),
    }
}

fn value_ticks(measure: Measure, y: &Scale, frame: &Frame) -> Vec<Tick> {
    let span = y.span();
    let label = |value| Tick { place: y.place(value), label: measure.tick(value) };
    match measure {
        Measure::Rate | Measure::Count => {
            ticks::linear(span.low, span.high, (frame.height() / 34.0).max(2.0) as u32).into_iter().map(label).collect()
        }
        Measure::Latency => {
            let all = ticks::log(span.low, span.high);
            // 2 and 5 get a label only where there is room for it.
            let room = frame.height() / all.len().max(1) as f64 >= 18.0;
            all.into_iter()
                .map(|tick| {
                    if tick.power || room {
                        label(tick.value)
                    } else {
                        Tick { label: String::new(), ..label(tick.value) }
                    }
                })
                .collect()
        }
    }
}

/// The lines' names stand right of the last point of all, pushed apart so that they can be read.
fn line_ends(drawn: &[(usize, Lines)], frame: &Frame) -> Vec<(usize, Place)> {
    let last = |lines: &Lines| lines.last().and_then(|line| line.last()).copied();
    let ends: Vec<(usize, Place)> =
        drawn.iter().filter_map(|(index, lines)| last(lines).map(|place| (*index, place))).collect();
    let right = ends.iter().map(|(_, (x, _))| *x).fold(frame.left, f64::max).min(frame.right);
    let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| *y).collect();
    let half = END_LABEL / 2.0;
    let placed = spread_labels(&wanted, END_LABEL, frame.top + half, frame.bottom - half);
    ends.into_iter().zip(placed).map(|((index, _), y)| (index, (right, y))).collect()
}

#[cfg(test)]
mod tests {
    use shared::run::{Change, Command, Counts, FailureKind, Percentiles, RunState, TimelineRow};

    use super::*;
    use crate::charts::failures::FAILURES;
    use crate::charts::heat_map::HEAT_MAP;
    use crate::charts::response_time::RESPONSE_TIME;
    use crate::charts::throughput::THROUGHPUT;
    use crate::state::run_board::tests::hello;

    fn board() -> RunBoard {
        let mut hello = hello(RunState::Running, 20.0);
        hello.timeline = (0..20)
            .map(|second| TimelineRow {
                second,
                covered_seconds: 1.0,
                target_rate: 10.0,
                events: Counts { sent: 10, succeeded: 9, ..Counts::default() },
                response_time: Percentiles {
                    count: 10,
                    p50_us: 400,
                    p95_us: 410,
                    p99_us: 420 + u64::from(second),
                    ..Default::default()
                },
                ..TimelineRow::default()
            })
            .collect();
        hello.changes = vec![Change { elapsed_seconds: 7.0, command: Command::Pause, origin: "panel".to_owned() }];
        RunBoard::new(hello)
    }

    const LOOK: Look = Look { width: 600.0, height: 220.0, zoom: None, hidden: 0 };

    #[test]
    fn every_line_stays_inside_the_plot() {
        for spec in [&THROUGHPUT, &RESPONSE_TIME] {
            let scene = Scene::new(spec, Some(&board()), &LOOK);
            assert_eq!(scene.lines.len(), 3);
            for (x, y) in scene.lines.iter().flat_map(|(_, lines)| lines).flatten() {
                assert!(*x >= scene.frame.left && *x <= scene.frame.right, "{x}");
                assert!(*y >= scene.frame.top && *y <= scene.frame.bottom, "{y}");
            }
        }
    }

    #[test]
    fn a_hidden_line_is_not_drawn_and_does_not_stretch_the_axis() {
        let scene = Scene::new(&THROUGHPUT, Some(&board()), &Look { hidden: 0b001, ..LOOK });
        assert_eq!(scene.lines.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn names_at_the_ends_of_close_lines_do_not_overlap() {
        let scene = Scene::new(&RESPONSE_TIME, Some(&board()), &LOOK);
        let mut places: Vec<f64> = scene.ends.iter().map(|(_, (_, y))| *y).collect();
        places.sort_by(f64::total_cmp);
        assert_eq!(places.len(), 3);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= END_LABEL - 1e-9));
    }

    #[test]
    fn changes_are_marks_where_they_are_in_view() {
        let whole = Scene::new(&THROUGHPUT, Some(&board()), &LOOK);
        assert_eq!(whole.marks[0].label, "paused");
        let zoomed = Scene::new(&THROUGHPUT, Some(&board()), &Look { zoom: Some((10.0, 15.0)), ..LOOK });
        assert!(zoomed.marks.is_empty());
        assert!(zoomed.lines[0].1[0].len() <= 9);
    }

    #[test]
    fn a_threshold_is_drawn_inside_the_plot_even_where_no_line_comes_near() {
        let mut board = board();
        board.snapshot.thresholds = vec![shared::run::ThresholdResult {
            threshold: "p(95)<50ms".to_owned(),
            unit: shared::run::FigureUnit::Microseconds,
            bound: 50_000.0,
            observed: Some(410.0),
            passed: true,
            worst: None,
            worst_at_seconds: None,
            required: true,
            reason: None,
        }];
        let scene = Scene::new(&RESPONSE_TIME, Some(&board), &LOOK);
        let (tick, holds) = &scene.limits[0];
        assert!(*holds && tick.place >= scene.frame.top && tick.place < scene.lines[0].1[0][0].1);
        assert!(Scene::new(&THROUGHPUT, Some(&board), &LOOK).limits.is_empty());
    }

    fn troubled() -> RunBoard {
        let mut hello = hello(RunState::Running, 20.0);
        hello.timeline = (0..2_000)
            .map(|second| TimelineRow {
                second,
                covered_seconds: 1.0,
                failures: [(FailureKind::Timeout, 3), (FailureKind::ServerError, 2)].into(),
                response_time: Percentiles { count: 9, ..Default::default() },
                heat: vec![(20, 8), (40, 1)],
                ..TimelineRow::default()
            })
            .collect();
        hello.snapshot.failures = [(FailureKind::Timeout, 6_000), (FailureKind::ServerError, 4_000)].into();
        hello.run.state = RunState::Finished;
        RunBoard::new(hello)
    }

    #[test]
    fn a_stack_sums_to_all_failures_and_leaves_out_what_is_hidden() {
        let board = troubled();
        let scene = Scene::new(&FAILURES, Some(&board), &LOOK);
        let top = scene.blocks.iter().map(|block| block.top).fold(f64::MAX, f64::min);
        assert!((scene.y.value(top) - 5.0).abs() < 0.01, "{}", scene.y.value(top));
        let timeout = FailureKind::ALL.iter().position(|kind| *kind == FailureKind::Timeout).unwrap();
        let less = Scene::new(&FAILURES, Some(&board), &Look { hidden: 1 << timeout, ..LOOK });
        assert!(less.blocks.iter().all(|block| block.colour != timeout));
        let top = less.blocks.iter().map(|block| block.top).fold(f64::MAX, f64::min);
        assert!((less.y.value(top) - 2.0).abs() < 0.01);
    }

    #[test]
    fn columns_are_wide_enough_to_be_seen_and_lose_no_answer() {
        let board = troubled();
        let scene = Scene::new(&HEAT_MAP, Some(&board), &LOOK);
        // The last column has what is left over.
        let last = scene.blocks.iter().map(|block| block.left).fold(0.0, f64::max);
        assert!(scene.blocks.iter().all(|block| block.width >= MIN_COLUMN || block.left == last));
        assert!(scene.blocks.len() <= 2 * (LOOK.width / MIN_COLUMN) as usize);
        let inside = |block: &Block| block.top >= scene.frame.top - 1e-9 && block.left >= scene.frame.left - 1e-9;
        assert!(scene.blocks.iter().all(inside));
        let many = columns(board.timeline.drawn(true), &scene.x);
        let answers: u32 = many.iter().flat_map(|point| &point.heat).map(|(_, count)| *count).sum();
        assert_eq!(answers, 18_000);
    }

    #[test]
    fn a_chart_without_a_run_still_has_its_axes() {
        assert!(Scene::new(&HEAT_MAP, None, &LOOK).values.len() > 1);
        assert!(Scene::new(&FAILURES, None, &LOOK).blocks.is_empty());
        let scene = Scene::new(&RESPONSE_TIME, None, &LOOK);
        assert!(scene.lines.iter().all(|(_, lines)| lines.is_empty()));
        assert!(scene.times.len() > 2 && scene.values.len() > 2);
    }
}
