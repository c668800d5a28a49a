//! A long timeline in as many rows as a chart can show.

use std::borrow::Cow;

use shared::merge::counted;
use shared::run::{RunResult, TimelineRow};

/// Most rows that are drawn: more would be less than two pixels each.
const MOST_ROWS: usize = 360;

/// The result with a timeline that a chart can show: the same, or rows of several seconds each, all equally long.
pub(super) fn drawn(result: &RunResult) -> Cow<'_, RunResult> {
    let per_row = result.timeline.len().div_ceil(MOST_ROWS);
    if per_row <= 1 {
        return Cow::Borrowed(result);
    }
    let timeline = result.timeline.chunks(per_row).filter_map(merged).collect();
    Cow::Owned(RunResult { timeline, ..result.clone() })
}

/// Rows one after the other as one.
fn merged(rows: &[TimelineRow]) -> Option<TimelineRow> {
    let (first, last) = (rows.first()?, rows.last()?);
    let covered: f64 = rows.iter().map(|row| row.covered_seconds).sum();
    let planned: f64 = rows.iter().map(|row| row.target_rate * row.covered_seconds).sum();
    Some(TimelineRow {
        second: first.second,
        covered_seconds: covered,
        target_rate: if covered > 0.0 { planned / covered } else { 0.0 },
        in_flight: last.in_flight,
        users: last.users,
        ..counted(&rows.iter().collect::<Vec<_>>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn nothing_is_lost_when_rows_become_one() {
        let mut result = example::frozen();
        let minute = result.timeline.clone();
        result.timeline = (0..3_600_u32)
            .map(|second| TimelineRow { second, ..minute[second as usize % minute.len()].clone() })
            .collect();
        let drawn = drawn(&result);
        assert_eq!(drawn.timeline.len(), 360);
        let sum = |rows: &[TimelineRow]| rows.iter().map(|row| row.events.sent).sum::<u64>();
        assert_eq!(sum(&drawn.timeline), sum(&result.timeline));
        assert_eq!(drawn.timeline[2].response_time.max_us, minute[22].response_time.max_us);
        assert_eq!(drawn.timeline[7].second, 70);
        assert_eq!(drawn.timeline[7].target_rate, 400.0);
        assert!(matches!(super::drawn(&example::frozen()), Cow::Borrowed(_)));
    }
}
