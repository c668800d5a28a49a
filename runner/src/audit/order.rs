//! Which events of an entity are in the wrong order, as far as that is certain.
//!
//! Two events that were under way at the same time have no order: only one that was acknowledged before the other was
//! sent must stand before it, and so must one that stands before the other in the same request.

use super::spill::OrderRow;

/// The events that stand after a later one of their entity.
pub(super) fn judge(mut rows: Vec<OrderRow>) -> Vec<OrderRow> {
    rows.sort_unstable_by_key(|row| (row.entity, row.sent_us, row.place));
    let mut reordered = Vec::new();
    for entity in rows.chunk_by(|a, b| a.entity == b.entity) {
        // The earliest place of all that were sent from here on.
        let mut earliest: Vec<u64> = entity.iter().map(|row| row.sink_place).collect();
        for place in (0..earliest.len().saturating_sub(1)).rev() {
            earliest[place] = earliest[place].min(earliest[place + 1]);
        }
        for (number, row) in entity.iter().enumerate() {
            let later = entity.partition_point(|other| other.sent_us <= row.done_us);
            let after_a_later = earliest.get(later).is_some_and(|place| *place < row.sink_place);
            let after_a_neighbour = entity[number + 1..]
                .iter()
                .take_while(|other| other.request == row.request)
                .any(|other| other.sink_place < row.sink_place);
            if after_a_later || after_a_neighbour {
                reordered.push(*row);
            }
        }
    }
    reordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::event_id::EventId;

    fn row(entity: u64, place: u64, sent_us: u64, done_us: u64, request: u64, sink_place: u64) -> OrderRow {
        OrderRow { entity, sent_us, done_us, place, request, sink_place, id: EventId(place.into()) }
    }

    fn places(rows: Vec<OrderRow>) -> Vec<u64> {
        judge(rows).iter().map(|row| row.place).collect()
    }

    #[test]
    fn only_what_is_certain_is_told() {
        // One after the other, and stored the other way round.
        assert_eq!(places(vec![row(1, 0, 0, 10, 0, 5), row(1, 1, 20, 30, 1, 4)]), [0]);
        // Under way at the same time: any order is right.
        assert_eq!(places(vec![row(1, 0, 0, 25, 0, 5), row(1, 1, 20, 30, 1, 4)]), [] as [u64; 0]);
        // Of different entities.
        assert_eq!(places(vec![row(1, 0, 0, 10, 0, 5), row(2, 1, 20, 30, 1, 4)]), [] as [u64; 0]);
        // In one request, whose events share their moments.
        assert_eq!(places(vec![row(1, 0, 0, 10, 0, 5), row(1, 1, 0, 10, 0, 4)]), [0]);
    }

    #[test]
    fn one_that_comes_late_is_one_however_many_it_missed() {
        let mut rows: Vec<OrderRow> = (0..10).map(|n| row(1, n, n * 100, n * 100 + 10, n, n)).collect();
        rows[2].sink_place = 20;
        assert_eq!(places(rows), [2]);
    }
}
