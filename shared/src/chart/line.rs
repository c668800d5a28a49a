//! A series as a line: thinned to the pixels there are, broken where nothing was measured.

use std::fmt::Write as _;

use crate::chart::scale::Scale;

/// A point on the screen.
pub type Point = (f64, f64);

/// A series as lines without gaps inside; each has at least one point.
pub type Lines = Vec<Vec<Point>>;

/// Places a series on the screen. Values come as (x, y), ascending in x; `None` breaks the line.
///
/// Where several values share a column of pixels, the first, lowest, highest and last of them are kept: the drawn line
/// covers exactly the same pixels (after the M4 aggregation of Jugel et al., VLDB 2014), and its length depends on
/// the width of the chart, not on the length of the run.
pub fn lines(values: impl Iterator<Item = (f64, Option<f64>)>, x: &Scale, y: &Scale) -> Lines {
    let mut found: Lines = Vec::new();
    let mut open: Vec<Point> = Vec::new();
    let mut column: Option<Column> = None;
    for (at, value) in values {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            close(&mut found, &mut open, &mut column);
            continue;
        };
        let point = (x.place(at), y.place_inside(value));
        let index = libm::floor(point.0) as i64;
        match &mut column {
            Some(column) if column.index == index => column.take(point),
            _ => {
                if let Some(full) = column.take() {
                    full.write(&mut open);
                }
                column = Some(Column::new(index, point));
            }
        }
    }
    close(&mut found, &mut open, &mut column);
    found
}

fn close(found: &mut Lines, open: &mut Vec<Point>, column: &mut Option<Column>) {
    if let Some(full) = column.take() {
        full.write(open);
    }
    if !open.is_empty() {
        found.push(std::mem::take(open));
    }
}

/// What is kept of the values in one column of pixels.
struct Column {
    index: i64,
    first: Point,
    lowest: Point,
    highest: Point,
    last: Point,
}

impl Column {
    fn new(index: i64, point: Point) -> Self {
        Self { index, first: point, lowest: point, highest: point, last: point }
    }

    fn take(&mut self, point: Point) {
        if point.1 < self.lowest.1 {
            self.lowest = point;
        }
        if point.1 > self.highest.1 {
            self.highest = point;
        }
        self.last = point;
    }

    fn write(self, out: &mut Vec<Point>) {
        let inner =
            if self.lowest.0 <= self.highest.0 { [self.lowest, self.highest] } else { [self.highest, self.lowest] };
        for point in [self.first, inner[0], inner[1], self.last] {
            if out.last() != Some(&point) {
                out.push(point);
            }
        }
    }
}

/// The lines as the `d` of an SVG path, to a tenth of a pixel.
pub fn svg_path(lines: &Lines) -> String {
    let mut path = String::new();
    for line in lines {
        for (index, (x, y)) in line.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        if let [(x, y)] = line.as_slice() {
            // A line of one point is drawn as a dot by its round cap.
            let _ = write!(path, "L{x:.1} {y:.1}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scales(width: f64) -> (Scale, Scale) {
        (Scale::linear((0.0, 1_000.0), (0.0, width)), Scale::linear((0.0, 100.0), (100.0, 0.0)))
    }

    #[test]
    fn a_long_series_costs_what_the_chart_is_wide() {
        let (x, y) = scales(100.0);
        let values = (0..100_000).map(|i| (f64::from(i) / 100.0, Some(f64::from(i * 7_919 % 100))));
        let drawn = lines(values, &x, &y);
        assert_eq!(drawn.len(), 1);
        assert!(drawn[0].len() <= 4 * 101, "{} points", drawn[0].len());
    }

    #[test]
    fn thinning_keeps_the_peak() {
        let (x, y) = scales(50.0);
        let values = (0..1_000).map(|i| (f64::from(i), Some(if i == 377 { 99.0 } else { 1.0 })));
        let top = lines(values, &x, &y)[0].iter().map(|point| point.1).fold(f64::MAX, f64::min);
        assert!((top - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_hole_in_the_measurement_is_a_hole_in_the_line() {
        let (x, y) = scales(1_000.0);
        let values = [(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(f64::NAN)), (4.0, Some(3.0))];
        let drawn = lines(values.into_iter(), &x, &y);
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_path_names_its_points() {
        let path = svg_path(&vec![vec![(0.0, 1.0), (2.25, 3.0)], vec![(5.0, 5.0)]]);
        assert_eq!(path, "M0.0 1.0L2.2 3.0M5.0 5.0L5.0 5.0");
    }
}
