//! The room inside a chart: where the plot is, and what its margins leave to labels.

/// Room around the plot, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// Above: headroom for marks.
    pub top: f64,
    /// Right: names at the ends of lines.
    pub right: f64,
    /// Below: labels of time.
    pub bottom: f64,
    /// Left: labels of values.
    pub left: f64,
}

/// The plot's rectangle inside a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Frame {
    /// The plot of a chart of this size; it never has a negative side.
    pub fn new(width: f64, height: f64, margins: Margins) -> Self {
        let left = margins.left.min(width);
        let top = margins.top.min(height);
        Self { left, top, right: (width - margins.right).max(left), bottom: (height - margins.bottom).max(top) }
    }

    /// Width of the plot.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Height of the plot.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Left to right, as the pixels of a scale.
    pub fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// Bottom to top, as the pixels of a scale.
    pub fn upwards(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }
}

/// Pushes labels apart that would overlap: given the wanted centres, returns centres at least `gap` apart, inside
/// `low..=high` as far as there is room, in the same order as given.
pub fn spread_labels(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    let mut floor = low;
    for index in &order {
        placed[*index] = wanted[*index].max(floor);
        floor = placed[*index] + gap;
    }
    let mut ceiling = high;
    for index in order.iter().rev() {
        placed[*index] = placed[*index].min(ceiling);
        ceiling = placed[*index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_too_small_for_its_margins_has_an_empty_plot() {
        let frame = Frame::new(20.0, 10.0, Margins { top: 8.0, right: 40.0, bottom: 20.0, left: 40.0 });
        assert_eq!((frame.width(), frame.height()), (0.0, 0.0));
    }

    #[test]
    fn labels_never_overlap_while_there_is_room() {
        let placed = spread_labels(&[50.0, 51.0, 52.0, 99.0], 12.0, 0.0, 100.0);
        let mut sorted = placed.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 12.0 - 1e-9), "{placed:?}");
        assert!(placed.iter().all(|place| (0.0..=100.0).contains(place)));
        assert!(placed[0] < placed[1] && placed[1] < placed[2]);
    }
}
