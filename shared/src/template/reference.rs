//! Everything that can be written in a template, as one list: for the documentation, for completion in editors, and
//! for the tests, which hold that each entry works as its example says and that nothing is missing.

use std::fmt::Write as _;

use serde::Serialize;

use crate::generate::clock::TimeFormat;
use crate::generate::phrase::Phrase;
use crate::generate::place::BUILT_IN;

/// What an entry is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A map with one `$`-key.
    Call,
    /// A key beside a call.
    Modifier,
    /// A function of expressions.
    Function,
    /// A name that expressions know, where the behavior gives it.
    Name,
}

/// Something that can be written in a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// As it is written: `$pick`, `round`, `len`, `user.id`.
    pub name: &'static str,
    /// An example: a template in YAML for calls and modifiers, an expression for functions and names.
    pub example: &'static str,
    /// What it gives.
    pub meaning: &'static str,
}

const fn call(name: &'static str, example: &'static str, meaning: &'static str) -> Entry {
    Entry { kind: Kind::Call, name, example, meaning }
}

const fn modifier(name: &'static str, example: &'static str, meaning: &'static str) -> Entry {
    Entry { kind: Kind::Modifier, name, example, meaning }
}

const fn function(name: &'static str, example: &'static str, meaning: &'static str) -> Entry {
    Entry { kind: Kind::Function, name, example, meaning }
}

const fn name(name: &'static str, example: &'static str, meaning: &'static str) -> Entry {
    Entry { kind: Kind::Name, name, example, meaning }
}

/// All of them, in the order in which they are documented.
pub const ENTRIES: &[Entry] = &[
    // Choices.
    call("$pick", "{$pick: [red, green]}", "one of several values, each as often as any other"),
    call(
        "$weighted",
        "{$weighted: {desktop: 60, mobile: 40}}",
        "one of several values by weight; `[[60, value], ..]` where values are templates",
    ),
    call("$pool", "{$pool: products}", "an item of a pool; `pool.group` draws from one group of it"),
    call("$item", "{$item: items}", "an item of a list, such as one in the user's state"),
    call("$if", "{$if: {p: 0.05, then: late, else: in time}}", "one of two, by probability `p` or by condition `when`"),
    call("$case", "{$case: [[\"index > 3\", many], [true, few]]}", "the value of the first condition that holds"),
    call(
        "$switch",
        "{$switch: {on: index, cases: {1: one, 2: two}, default: many}}",
        "the value of the case that equals `on`",
    ),
    call("$omit", "{$omit: true}", "leaves the field out"),
    // Numbers.
    call("$int", "{$int: [1, 6]}", "a whole number between two, both included"),
    call("$uniform", "{$uniform: [1, 2]}", "a number between two; spans such as `10s` give spans"),
    call("$normal", "{$normal: [100, 15]}", "mean and standard deviation"),
    call(
        "$lognormal",
        "{$lognormal: {p50: 100, p99: 900}}",
        "median and 99th percentile, or `mean` and `cv`: latencies, prices, lengths",
    ),
    call("$exp", "{$exp: 7s}", "exponential with this mean: think times"),
    call("$pareto", "{$pareto: {scale: 1, shape: 2.5}}", "heavy tail above a smallest value: sizes of files"),
    call(
        "$weibull",
        "{$weibull: {scale: 42, shape: 0.75}}",
        "Weibull: time on a page, where shape below 1 means that who stays, stays",
    ),
    call("$gamma", "{$gamma: {shape: 2, scale: 3}}", "gamma"),
    call("$poisson", "{$poisson: 4}", "a count with this mean"),
    call("$zipf", "{$zipf: {count: 1000, exponent: 0.9}}", "a rank from 1 by Zipf's law"),
    call(
        "$geometric",
        "{$geometric: {min: 1, max: 15, mean: 5}}",
        "a whole number between two with this mean, each step up less likely",
    ),
    call(
        "$histogram",
        "{$histogram: [[0, 10, 5], [10, 100, 1]]}",
        "cells of low, high and weight, evenly inside a cell",
    ),
    call("$bool", "{$bool: 0.25}", "true with this probability"),
    call("$sine", "{$sine: {mean: 20, amplitude: 5, period: 24h}}", "a wave over event time: temperature of a day"),
    call(
        "$walk",
        "{$walk: {mean: 50, sd: 10, tau: 5m}}",
        "wanders over event time around a mean, each user in a way of its own: a processor's load",
    ),
    call("$decay", "{$decay: {from: 100, to: 5, halves_in: 20}}", "falls with each event of a user or life: a battery"),
    call("$min", "{$min: [\"${index}\", 5]}", "the smallest of up to 8 numbers"),
    call("$max", "{$max: [\"${index}\", 5]}", "the largest of up to 8 numbers"),
    // Ids.
    call("$uuid", "{$uuid: {v: 4}}", "UUID of version 4, or 7, which begins with the event's time"),
    call("$ulid", "{$ulid: true}", "ULID, which begins with the event's time"),
    call("$snowflake", "{$snowflake: true}", "64-bit number that begins with the event's time"),
    call("$seq", "{$seq: 6}", "number of the arrival from 1, padded to this width if one is given"),
    call("$hex", "{$hex: 12}", "so many hexadecimal digits, up to 32"),
    call("$pattern", "{$pattern: \"???-####\"}", "a letter for each `?`, a digit for each `#`"),
    // People and places.
    call("$faker", "{$faker: name}", "a made-up text of a kind, or `{words: 3}`"),
    call("$email_for", "{$email_for: Nora Lindqvist}", "an e-mail address that agrees with a name"),
    call("$address", "{$address: {city: Berlin}}", "a street and number in a city"),
    call("$geo", "{$geo: true}", "a city with country, region, position, timezone, locale, currency and network"),
    call("$ip", "{$ip: {country: JP}}", "an IPv4 address that is used in a country"),
    call("$ua", "{$ua: {device: tablet}}", "a user agent of a device: desktop, mobile, tablet, api_client, bot"),
    call("$tz", "{$tz: {country: DE}}", "a time zone of a country"),
    // Time.
    call("$now", "{$now: rfc3339}", "the event's time in a format; `{format, plus}` for another moment"),
    call("$ago", "{$ago: {span: 90m, format: rfc3339}}", "the event's time less a span"),
    // Structure.
    call("$template", "{$template: \"p_${index(4)}\"}", "a text with expressions in it, always text"),
    call(
        "$array",
        "{$array: {len: {$int: [1, 6]}, of: {$pool: products}, unique: id}}",
        "a list, each item drawn on its own",
    ),
    call("$concat", "{$concat: [\"${items}\", [9]]}", "lists as one list, or texts as one text"),
    call(
        "$each",
        "{$each: {in: items, as: i, index: n, make: {value: \"${i}\"}}}",
        "something for each item of a list",
    ),
    call("$merge", "{$merge: [{a: 1, b: 2}, {b: 3}]}", "maps as one map, later fields win"),
    call(
        "$triples",
        "{$triples: [{subject: \"order:1\", set: {status: NEW}}]}",
        "subject, predicate and object of each field",
    ),
    call("$ref", "{$ref: \"customer:9\"}", "in triples: a reference to another subject"),
    call(
        "$payload",
        "{$payload: metrics}",
        "part of a device's message: voice_data, behavioral_data, session_data, metrics, heartbeat, custom; `{kind, form: graphql}` for the other spelling",
    ),
    // Context.
    call(
        "$hash",
        "{$hash: {of: \"${index}\", below: 100}}",
        "a number that a value always gives: groups of an experiment",
    ),
    // Modifiers.
    modifier("clamp", "{$normal: [50, 30], clamp: [0, 100]}", "moves a number between two bounds"),
    modifier("round", "{$uniform: [1, 9], round: 2}", "rounds to so many digits; 0 makes whole numbers"),
    modifier("cast", "{$int: [1, 9], cast: text}", "makes text, int or number of it"),
    modifier("missing", "{$int: [1, 9], missing: 0.1}", "leaves the field out with this probability"),
    modifier(
        "unique",
        "{$array: {len: 3, of: {$int: [1, 9]}}, unique: true}",
        "no item of an `$array` twice: true, or a path in the item",
    ),
    modifier("weights", "{$pick: [a, b], weights: [3, 1]}", "weights for the values of a `$pick`, in their order"),
    // Functions.
    function("len", "len(items)", "items of a list, characters of a text"),
    function("sum", "sum(items)", "sum of a list of numbers; prices keep their cents"),
    function("min", "min(1, index)", "smallest of numbers or of a list"),
    function("max", "max(1, index)", "largest of numbers or of a list"),
    function("round", "round(2.345, 2)", "rounded to so many digits, none when left out"),
    function("floor", "floor(2.5)", "next whole number down"),
    function("ceil", "ceil(2.5)", "next whole number up"),
    function("abs", "abs(0 - 3)", "without its sign"),
    function("sqrt", "sqrt(16)", "square root"),
    function("pow", "pow(2, 10)", "power"),
    function("int", "int('42')", "as a whole number; with two arguments a draw between them, both included"),
    function("number", "number('3.19')", "as a number"),
    function("text", "text(42)", "as text"),
    function("seconds", "seconds(90)", "so many seconds as a span"),
    function("minutes", "minutes(5)", "so many minutes as a span"),
    function("hours", "hours(2)", "so many hours as a span"),
    function("days", "days(7)", "so many days as a span"),
    function("hour", "hour(time)", "hour of the day of a moment, in UTC"),
    function("weekday", "weekday(time)", "day of the week of a moment in UTC, Monday 0 to Sunday 6"),
    function("slug", "slug('Home & Garden')", "small letters and digits, dashes between"),
    function("url", "url('a b&c')", "as a part of a query"),
    function("title", "title('yoga mat')", "each word with a capital"),
    function("upper", "upper('abc')", "in capitals"),
    function("lower", "lower('ABC')", "in small letters"),
    function("contains", "contains(items, 2)", "whether a text or a list contains something"),
    function("starts_with", "starts_with('abc', 'a')", "whether a text starts with another"),
    function("ends_with", "ends_with('abc', 'c')", "whether a text ends with another"),
    function("replace", "replace('a-b', '-', '+')", "a text with each occurrence of another replaced"),
    function("slice", "slice('hello', 1, 3)", "characters from one place up to another"),
    function("join", "join(items, ', ')", "the texts of a list with something between them"),
    function("concat", "concat(items, 9)", "lists as one list, or texts as one text"),
    function("first", "first(items)", "first item of a list"),
    function("last", "last(items)", "last item of a list"),
    function("pad", "pad(42, 5)", "a number with leading zeros, so many digits wide"),
    function("coalesce", "coalesce(null, 1)", "the first argument that is something"),
    function("if", "if(index > 3, 'many', 'few')", "the second argument where the first holds, else the third"),
    function("format", "format(time, 'date')", "a moment in a format"),
    function("hash", "hash('user_1', 100)", "a number that a value always gives, below a bound"),
    function("uniform", "uniform(1, 2)", "a draw: a number between two"),
    function("hex", "hex(12)", "a draw: so many hexadecimal digits, up to 32"),
    function("uuid", "uuid()", "a draw: a UUID of version 4"),
    function(
        "index",
        "index(4)",
        "number of the item, user, session or life at hand from 1, padded if a width is given",
    ),
    function("seq", "seq(6)", "number of the arrival from 1, padded if a width is given"),
    // Names.
    name("time", "time", "the moment when the event happens"),
    name("seq", "seq", "number of the arrival, from 1"),
    name("index", "index", "number of the item, user, session or life that is being made, from 1"),
    name("event.id", "event.id", "the event's id"),
    name("event.mark", "event.mark", "12 hexadecimal digits for ids of your own, which `throng explain` can decode"),
    name("event.name", "event.name", "its name on the wire"),
    name("event.topic", "event.topic", "its topic"),
    name("event.time", "event.time", "the moment when it happens"),
    name("event.body", "event.body", "its body; in envelopes only"),
    name("user.id", "user.id", "the user's id; `user.NAME` of the population's `let`"),
    name("session.id", "session.id", "the session's id; `session.NAME` of its `let`"),
    name("session.event", "session.event", "number of the event within its session, from 1"),
    name("page", "page", "the page at hand"),
    name("step.page", "step.page", "the page at hand"),
    name("step.number", "step.number", "number of the page within its session, from 1"),
    name("prev.page", "prev.page", "the page before"),
    name("journey.name", "journey.name", "the journey that the session is on"),
    name("journey.path", "journey.path", "its pages"),
    name("journey.clicks", "journey.clicks", "its likely clicks"),
    name(
        "entity.id",
        "entity.id",
        "the life's id; under the lifecycle's `noun` where it has one, with the names of `bind`",
    ),
    name("state.name", "state.name", "the life's state"),
    name("prev.state", "prev.state", "the state before"),
];

/// Formats of time, for `$now`, `$ago` and `format`.
pub fn time_formats() -> impl Iterator<Item = &'static str> {
    TimeFormat::ALL.iter().map(|(name, _)| *name)
}

/// Kinds of made-up texts, for `$faker`.
pub fn phrases() -> impl Iterator<Item = &'static str> {
    Phrase::ALL.iter().map(|(name, _)| *name)
}

/// Pools that ship inside, for `builtin`.
pub fn built_in_pools() -> impl Iterator<Item = &'static str> {
    BUILT_IN.into_iter()
}

/// The list as a page of documentation.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Templates\n\n\
         Bodies of events, draws of `let`, envelopes, ids: everything that differs from event to event is a template.\n\
         A template is a literal, a list, a map, or a *call*: a map with exactly one key that starts with `$`, and\n\
         *modifiers* beside it. A text may hold expressions, `\"user ${user.id}\"`; one that is exactly one expression\n\
         keeps its type. `$${` writes a plain `${`. Expressions have numbers, `'texts'`, `true`, `false`, `null`, names\n\
         and their fields, `list[0]`, `+ - * / %`, `== != < <= > >=`, `and or not`, and the functions below.\n\n\
         A draw is named by the path of its field: adding a field changes no other. What cannot be computed, such as a\n\
         division by zero or the root of a negative number, is nothing (`null`); where it is plain from the template\n\
         already, it is a problem. Work per event, depth and length are bounded.\n\n\
         This page is made from the list that the compiler is tested against.\n",
    );
    for (title, kind, head) in [
        ("Calls", Kind::Call, "call"),
        ("Modifiers", Kind::Modifier, "modifier"),
        ("Functions", Kind::Function, "function"),
        ("Names", Kind::Name, "name"),
    ] {
        // Writing to a string cannot fail.
        let _written = write!(page, "\n## {title}\n\n| {head} | example | gives |\n| --- | --- | --- |\n");
        for entry in ENTRIES.iter().filter(|entry| entry.kind == kind) {
            let Entry { name, example, meaning, .. } = entry;
            let _written = writeln!(page, "| `{name}` | `{}` | {meaning} |", example.replace('|', "\\|"));
        }
    }
    for (title, words) in [
        ("Formats of time", time_formats().collect::<Vec<_>>()),
        ("Made-up texts of `$faker`", phrases().collect()),
        ("Built-in pools", built_in_pools().collect()),
    ] {
        let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
        let _written = write!(page, "\n## {title}\n\n{}\n", words.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::compile::calls::CALLS;
    use crate::template::compile::expressions::DRAWS;
    use crate::template::compile::modifiers::MODIFIERS;
    use crate::template::function::Function;

    fn names(kind: Kind) -> Vec<&'static str> {
        ENTRIES.iter().filter(|entry| entry.kind == kind).map(|entry| entry.name).collect()
    }

    #[test]
    fn every_call_modifier_and_function_has_one_entry() {
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(names(Kind::Call)), sorted(CALLS.to_vec()));
        assert_eq!(sorted(names(Kind::Modifier)), sorted(MODIFIERS.to_vec()));
        let mut functions: Vec<&str> = Function::names().chain(DRAWS).collect();
        functions.sort_unstable();
        functions.dedup();
        assert_eq!(sorted(names(Kind::Function)), functions);
    }

    #[test]
    fn the_published_page_is_made_of_the_list() {
        let published = include_str!("../../../docs/templates.md");
        if markdown() != published {
            println!("{}", markdown());
        }
        assert!(markdown() == published, "docs/templates.md is out of date; it should be the text above");
    }
}
