//! What happened on a run's connections, as rows for people.

use shared::run::ConnectionCounts;
use shared::run::stream::{StreamCounts, close_name};

use crate::format;

/// A row: what, how often, and whether it is trouble.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Row {
    /// What happened.
    pub(crate) what: String,
    /// How often.
    pub(crate) count: u64,
    /// Whether it is trouble.
    pub(crate) alarming: bool,
}

/// The rows of what happened; what did not happen has none, except that connections were opened.
pub(crate) fn rows(connections: &ConnectionCounts, streams: &StreamCounts) -> Vec<Row> {
    let mut rows = vec![Row { what: "opened".to_owned(), count: connections.opened, alarming: false }];
    let mut add = |what: String, count: u64, alarming: bool| {
        if count > 0 {
            rows.push(Row { what, count, alarming });
        }
    };
    add("opened again after one was lost".to_owned(), connections.reopened, false);
    add("could not be opened".to_owned(), connections.failed, true);
    for (status, count) in &streams.refused {
        add(format!("handshake refused with {status}"), *count, true);
    }
    add("broke without a word".to_owned(), streams.broken, true);
    for (code, count) in &streams.closes {
        let name = close_name(*code);
        let name = if name.is_empty() { String::new() } else { format!(", {name}") };
        add(format!("closed by the target with {code}{name}"), *count, !matches!(code, 0 | 1000 | 1001));
    }
    add("messages received".to_owned(), streams.received, false);
    add("of these answers".to_owned(), streams.matched, false);
    add("of these heartbeats and greetings".to_owned(), streams.ignored, false);
    add("pings answered".to_owned(), streams.pings, false);
    for (name, count) in &streams.errors {
        add(format!("error message {name}"), *count, true);
    }
    rows
}

/// The connections in one breath.
pub(crate) fn in_words(connections: &ConnectionCounts) -> String {
    let opened = format!("{} opened", format::count(connections.opened));
    match connections.failed {
        0 => opened,
        failed => format!("{opened}, {} refused", format::count(failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_have_their_names_and_quiet_things_no_row() {
        let connections = ConnectionCounts { attempted: 3, opened: 2, failed: 1, reopened: 0 };
        let streams =
            StreamCounts { received: 9, closes: [(1000, 2), (1006, 1), (4000, 5)].into(), ..StreamCounts::default() };
        let rows = rows(&connections, &streams);
        let whats: Vec<(&str, bool)> = rows.iter().map(|row| (row.what.as_str(), row.alarming)).collect();
        assert_eq!(
            whats,
            [
                ("opened", false),
                ("could not be opened", true),
                ("closed by the target with 1000, normal closure", false),
                ("closed by the target with 1006, connection lost", true),
                ("closed by the target with 4000", true),
                ("messages received", false),
            ]
        );
        assert_eq!(in_words(&connections), "2 opened, 1 refused");
    }
}
