//! The newest events as they came, for the search.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Most events that can be found, and most bytes that they take; the oldest go first.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// Most events of one answer, and how many there are unless asked for more.
const MOST_FOUND: usize = 1_000;
const USUALLY_FOUND: usize = 100;

/// An event that can be found.
#[derive(Clone, Debug)]
pub(in crate::practice) struct Kept {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) service: String,
    pub(super) timestamp: String,
    pub(super) status: Option<u16>,
    pub(super) json: String,
}

/// What can be found.
#[derive(Debug, Default)]
pub(in crate::practice) struct Shelf {
    events: VecDeque<Kept>,
    bytes: usize,
    searches: u64,
}

/// What a search found.
pub(in crate::practice) struct Found<'a> {
    pub(super) events: Vec<&'a Kept>,
    pub(in crate::practice) matching: usize,
    pub(super) has_more: bool,
    pub(super) took: Duration,
}

impl Shelf {
    /// Keeps an event, and lets the oldest go where there is no room.
    pub(super) fn put(&mut self, event: Kept) {
        self.bytes += event.json.len();
        self.events.push_back(event);
        while self.events.len() > MOST_EVENTS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.json.len();
        }
    }

    /// The number of the search that comes next.
    pub(in crate::practice) fn next_search(&mut self) -> u64 {
        self.searches += 1;
        self.searches
    }

    /// How many can be found.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The newest event of an id.
    pub(super) fn find(&self, id: &str) -> Option<&Kept> {
        self.events.iter().rev().find(|event| event.id == id)
    }

    /// Events that fit: `event_type`, `service` (a part of it), `status_code`, `start_time`, `end_time`, `limit`, `offset`.
    pub(in crate::practice) fn search(&self, parameters: &BTreeMap<String, String>) -> Result<Found<'_>, String> {
        let begun = Instant::now();
        let number = |name: &str, usual: usize| match parameters.get(name) {
            None => Ok(usual),
            Some(text) => text.parse::<usize>().map_err(|_error| format!("{name} must be a whole number")),
        };
        let (limit, offset) = (number("limit", USUALLY_FOUND)?, number("offset", 0)?);
        if !(1..=MOST_FOUND).contains(&limit) {
            return Err(format!("limit must lie between 1 and {MOST_FOUND}"));
        }
        let status = match parameters.get("status_code") {
            None => None,
            Some(text) => Some(text.parse::<u16>().map_err(|_error| "status_code must be a number".to_owned())?),
        };
        let given = |name: &str| parameters.get(name).map(String::as_str);
        let fits = |event: &&Kept| {
            given("event_type").is_none_or(|wanted| event.event_type == wanted)
                && given("service").is_none_or(|wanted| event.service.contains(wanted))
                && status.is_none_or(|wanted| event.status == Some(wanted))
                && given("start_time").is_none_or(|from| comparable(&event.timestamp) >= comparable(from))
                && given("end_time").is_none_or(|to| comparable(&event.timestamp) <= comparable(to))
        };
        let matching = self.events.iter().filter(fits).count();
        let events: Vec<&Kept> = self.events.iter().filter(fits).skip(offset).take(limit).collect();
        Ok(Found { has_more: offset + events.len() < matching, events, matching, took: begun.elapsed() })
    }
}

/// A moment in UTC as a text whose order is that of time, to the second.
fn comparable(moment: &str) -> &str {
    moment.get(..19).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(count: usize) -> Shelf {
        let mut shelf = Shelf::default();
        for number in 0..count {
            shelf.put(Kept {
                id: format!("e{number}"),
                event_type: "api_call".to_owned(),
                service: ["auth-service", "user-service"][number % 2].to_owned(),
                timestamp: format!("2026-01-01T00:00:{:02}.000000Z", number % 60),
                status: Some(if number.is_multiple_of(3) { 500 } else { 200 }),
                json: format!("{{\"n\":{number}}}"),
            });
        }
        shelf
    }

    fn search(shelf: &Shelf, parameters: &[(&str, &str)]) -> Result<(usize, usize, bool), String> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        shelf.search(&parameters).map(|found| (found.events.len(), found.matching, found.has_more))
    }

    #[test]
    fn every_filter_filters_and_pages_follow_each_other() {
        let shelf = shelf(60);
        assert_eq!(search(&shelf, &[]), Ok((60, 60, false)));
        assert_eq!(search(&shelf, &[("service", "auth")]), Ok((30, 30, false)));
        assert_eq!(search(&shelf, &[("service", "auth"), ("status_code", "500")]), Ok((10, 10, false)));
        assert_eq!(search(&shelf, &[("event_type", "user_action")]), Ok((0, 0, false)));
        assert_eq!(search(&shelf, &[("start_time", "2026-01-01T00:00:50Z")]), Ok((10, 10, false)));
        assert_eq!(search(&shelf, &[("end_time", "2026-01-01T00:00:09")]), Ok((10, 10, false)));
        assert_eq!(search(&shelf, &[("limit", "25"), ("offset", "25")]), Ok((25, 60, true)));
        assert_eq!(search(&shelf, &[("limit", "25"), ("offset", "50")]), Ok((10, 60, false)));
        for wrong in [("limit", "0"), ("limit", "1001"), ("limit", "many"), ("offset", "-1"), ("status_code", "ok")] {
            assert!(search(&shelf, &[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_oldest_go_first() {
        let shelf = shelf(MOST_EVENTS + 5);
        assert_eq!(shelf.len(), MOST_EVENTS);
        assert!(shelf.find("e4").is_none() && shelf.find("e5").is_some());
    }
}
