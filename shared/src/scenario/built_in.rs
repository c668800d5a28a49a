//! The scenarios that ship inside: documents like any other, no code for any of them.

/// A scenario that ships inside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// Its text.
    pub text: &'static str,
}

const ALL: [BuiltIn; 6] = [
    BuiltIn {
        name: "commerce-events",
        description: "shop events in batches over HTTP: carts, pages, orders, users",
        text: include_str!("../../scenarios/commerce-events.yaml"),
    },
    BuiltIn {
        name: "api-monitoring",
        description: "what an API gateway says about every call: service, status, latency, place, device",
        text: include_str!("../../scenarios/api-monitoring.yaml"),
    },
    BuiltIn {
        name: "web-analytics",
        description: "visits to a web site, one event per request: sessions, pages, clicks, journeys",
        text: include_str!("../../scenarios/web-analytics.yaml"),
    },
    BuiltIn {
        name: "freshmart",
        description: "grocery orders that live their life against a shop's API, as triples",
        text: include_str!("../../scenarios/freshmart.yaml"),
    },
    BuiltIn {
        name: "stream-testbench",
        description: "devices that hold connections open: mobile sync over WebSockets, GraphQL over MQTT, with faults",
        text: include_str!("../../scenarios/stream-testbench.yaml"),
    },
    BuiltIn {
        name: "demo",
        description: "shop traffic that breathes, bursts and jumps: made to be watched",
        text: include_str!("../../scenarios/demo.yaml"),
    },
];

/// All of them, the simplest first.
pub fn all() -> &'static [BuiltIn] {
    &ALL
}

/// The one of a name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|built_in| built_in.name == name)
}
