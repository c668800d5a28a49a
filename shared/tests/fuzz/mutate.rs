//! Damages scenarios in ways in which people and programs damage them: in their text and in their tree. A number decides
//! what is done, so that a finding can be repeated.

use serde_json::{Map, Value, json};
use shared::scenario::{built_in, read_tree};

/// Numbers that break things.
const NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "0.5",
    "1e308",
    "-1e308",
    "1e-320",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "4294967296",
    "999999",
    "NaN",
    ".inf",
    "0x10",
    "1_000",
];
/// Pieces of YAML and of templates.
const PIECES: [&str; 58] = [
    "$pick",
    "$weighted",
    "$pool",
    "$item",
    "$if",
    "$case",
    "$array",
    "$each",
    "$merge",
    "$triples",
    "$payload",
    "$concat",
    "$hash",
    "$walk",
    "$omit",
    "$unset",
    "extends: ",
    "profile: ",
    "${",
    "}",
    "{",
    "[",
    "]",
    ", ",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!!int ",
    "? ",
    "<<: ",
    "| ",
    "> ",
    "#",
    "'",
    "\"",
    "\t",
    "\n",
    "\u{feff}",
    "\0",
    "💥",
    "ä",
    "${1/0}",
    "${int(1, 9223372036854775807)}",
    "${user.id}",
    "${len(cart)}",
    "0s",
    "forever",
    "1/s",
    "100000000/s",
    "10m",
    "-24h",
    "null",
    "true",
    "~",
    "yes",
    "%YAML 1.2\n",
    "---\n",
];
/// Whole values that may stand anywhere.
const VALUES: [&str; 30] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"${\"",
    "\"${x}\"",
    "0",
    "-1",
    "1e300",
    "9223372036854775807",
    r#"{"$int": [1, 3]}"#,
    r#"{"$int": [-9223372036854775808, 9223372036854775807]}"#,
    r#"{"$uniform": ["0s", "90d"]}"#,
    r#"{"$array": {"len": 1000, "of": {"$array": {"len": 1000, "of": 1}}}}"#,
    r#"{"$pool": "products"}"#,
    r#"{"$lognormal": {"p50": 1e-300, "p99": 1e300}}"#,
    r#"{"$pareto": {"scale": 1e300, "shape": 1e-9}}"#,
    r#"{"$geometric": {"min": 0, "max": 9007199254740993, "mean": 5}}"#,
    r#"{"$zipf": [9007199254740993, 0.000001]}"#,
    r#"{"$gamma": [1e-300, 1e300]}"#,
    r#"{"$poisson": 1e18}"#,
    r#"{"$omit": true}"#,
    r#"{"$now": "epoch_us"}"#,
    r#"{"$template": "${hex(32)}${hex(32)}"}"#,
    r#""forever""#,
    r#""0s""#,
    r#""100000000/s""#,
    r#""600000h""#,
    r#"{"$weighted": {"a": 1e308, "b": 1e308}}"#,
];
/// Shortest loads, so that what is planned is looked at and not waited for.
const LOADS: [&str; 8] = [
    r#"{"rate": "100000000/s", "duration": "1s"}"#,
    r#"{"rate": "1e-12/s", "duration": "forever"}"#,
    r#"{"count": 9007199254740993, "duration": "1s"}"#,
    r#"{"users": 4294967295, "duration": "forever"}"#,
    r#"{"rate": "1/s", "duration": "876000h", "shape": [{"sine": {"period": "1ms", "amplitude": 1}}]}"#,
    r#"{"rate": "1/s", "duration": "1h", "shape": [{"hours": [[0, 24, 0]]}]}"#,
    r#"{"rate": "1/s", "duration": "1h", "ramp": {"up": "1h"}, "burst": {"factor": 1e9, "every": "1ns", "lasts": "1ns"}}"#,
    r#"{"rate": "1/s", "duration": "1000h", "shape": [{"wobble": {"sd": 3, "tau": "1ns"}}]}"#,
];

/// Numbers from a number (splitmix64).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }
}

/// A damaged built-in, as text.
pub(crate) fn damaged(seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let all = built_in::all();
    let source = all[rng.below(all.len())].text;
    match rng.below(3) {
        0 => text(&mut rng, source),
        1 => tree(&mut rng, source),
        // An overlay: what people write themselves.
        _ => {
            let name = all[rng.below(all.len())].name;
            let mut overlay = json!({"extends": name});
            for _ in 0..1 + rng.below(3) {
                let (path, value) = piece(&mut rng);
                put(&mut overlay, &path, value);
            }
            overlay.to_string()
        }
    }
}

fn text(rng: &mut Rng, source: &str) -> String {
    let mut text = source.to_owned();
    for _ in 0..1 + rng.below(4) {
        let place = |rng: &mut Rng, text: &str| {
            let at = rng.below(text.len() + 1);
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        match rng.below(6) {
            0 => {
                let from = place(rng, &text);
                let to = from + text[from..].chars().take(rng.below(40)).map(char::len_utf8).sum::<usize>();
                text.replace_range(from..to, "");
            }
            1 => {
                let at = place(rng, &text);
                let piece = rng.of(&PIECES);
                text.insert_str(at, piece);
            }
            2 => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (from, to, count) = (rng.below(lines.len()), rng.below(lines.len()), 1 + rng.below(8));
                let block: Vec<&str> = lines.iter().skip(from).take(count).copied().collect();
                lines.splice(to..to, block);
                text = lines.join("\n");
            }
            3 => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (one, other) = (rng.below(lines.len()), rng.below(lines.len()));
                if !lines.is_empty() {
                    lines.swap(one, other);
                }
                text = lines.join("\n");
            }
            4 => {
                // A number elsewhere than where it was.
                let digits: Vec<usize> =
                    text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
                if let Some(from) = digits.get(rng.below(digits.len())).copied() {
                    let to = from + text[from..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').count();
                    text.replace_range(from..to, rng.of(&NUMBERS));
                }
            }
            _ => {
                let lines: Vec<&str> = text.lines().collect();
                let at = rng.below(lines.len());
                let indent = if rng.below(2) == 0 { "  " } else { "" };
                let line = lines.get(at).copied().unwrap_or_default();
                let moved = if indent.is_empty() { line.trim_start().to_owned() } else { format!("{indent}{line}") };
                let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
                if let Some(line) = lines.get_mut(at) {
                    *line = moved;
                }
                text = lines.join("\n");
            }
        }
    }
    text
}

fn value_of(source: &str) -> Value {
    let tree = read_tree(source, "").expect("a built-in can be read");
    serde_json::to_value(tree).expect("a tree is JSON")
}

fn tree(rng: &mut Rng, source: &str) -> String {
    let mut root = value_of(source);
    for _ in 0..1 + rng.below(4) {
        let mut paths = Vec::new();
        gather(&root, &mut Vec::new(), &mut paths);
        let path = paths[rng.below(paths.len())].clone();
        let new = any_value(rng);
        let other = paths[rng.below(paths.len())].clone();
        let elsewhere = at(&mut root, &other).clone();
        let node = at(&mut root, &path);
        match rng.below(6) {
            0 => *node = new,
            1 => *node = elsewhere,
            2 => *node = Value::Array(vec![node.take()]),
            3 => {
                let mut map = Map::new();
                map.insert(rng.of(&PIECES).to_owned(), node.take());
                *node = Value::Object(map);
            }
            4 => match node {
                Value::Object(map) => {
                    let keys: Vec<String> = map.keys().cloned().collect();
                    if let Some(key) = keys.get(rng.below(keys.len())) {
                        let value = map.remove(key).unwrap_or_default();
                        if rng.below(2) == 0 {
                            let to = keys[rng.below(keys.len())].clone() + rng.of(&["", "x", ".", "s"]);
                            map.insert(to, value);
                        }
                    }
                }
                Value::Array(items) if !items.is_empty() => {
                    let index = rng.below(items.len());
                    if rng.below(2) == 0 {
                        items.remove(index);
                    } else {
                        let again = items[index].clone();
                        items.push(again);
                    }
                }
                other => *other = new,
            },
            _ => {
                for _ in 0..rng.below(80) {
                    *node = Value::Array(vec![node.take()]);
                }
            }
        }
    }
    root.to_string()
}

fn any_value(rng: &mut Rng) -> Value {
    serde_json::from_str(rng.of(&VALUES)).unwrap_or_default()
}

/// A path that means something, and something to put there.
fn piece(rng: &mut Rng) -> (Vec<&'static str>, Value) {
    if rng.below(2) == 0 {
        let load = serde_json::from_str(rng.of(&LOADS)).unwrap_or_default();
        let name = rng.of(&["shop", "web", "calls", "mobile"]);
        return (vec!["workloads", name, "load"], load);
    }
    let paths: [&[&str]; 12] = [
        &["workloads", "shop", "population"],
        &["workloads", "shop", "population", "count"],
        &["workloads", "shop", "envelope"],
        &["workloads", "web", "population", "id"],
        &["events", "page.view", "body"],
        &["events", "page.view", "let"],
        &["events", "api_call", "body", "metrics"],
        &["behaviors", "browse", "session", "step"],
        &["behaviors", "browse", "session", "limits", "steps"],
        &["behaviors", "browse", "session", "between"],
        &["behaviors", "shopper", "mix", "weights"],
        &["pools", "products", "generate"],
    ];
    (paths[rng.below(paths.len())].to_vec(), any_value(rng))
}

fn put(root: &mut Value, path: &[&str], value: Value) {
    let mut node = root;
    for key in path {
        if !node.is_object() {
            *node = json!({});
        }
        node = &mut node[*key];
    }
    *node = value;
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn gather(node: &Value, path: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
    paths.push(path.clone());
    let children: Vec<(Step, &Value)> = match node {
        Value::Object(map) => map.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (Step::Index(index), item)).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.push(step);
        gather(child, path, paths);
        path.pop();
    }
}

fn at<'v>(root: &'v mut Value, path: &[Step]) -> &'v mut Value {
    let mut node = root;
    for step in path {
        node = match step {
            Step::Key(key) => &mut node[key.as_str()],
            Step::Index(index) => &mut node[*index],
        };
    }
    node
}
