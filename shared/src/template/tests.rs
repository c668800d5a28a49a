//! Templates as people write them: what they come to, what is wrong with them, and that nothing breaks them.

use indexmap::IndexMap;
use proptest::prelude::*;

use crate::problem::Problem;
use crate::random::Stream;
use crate::scenario::model::pool::{Generate, Pick, Pool};
use crate::scenario::parse::parse;
use crate::tree::{Node, Value as Written};
use crate::units::EpochMicros;

use super::compile::{Compiler, Names, Purpose, Site};
use super::context::{Context, Facts, Scratch};
use super::program::{Expr, ExprId, Fact, Program, SCOPES, Scope, Slot};
use super::reference::{ENTRIES, Kind};
use super::value::{Type, Value};

const MOMENT: EpochMicros = EpochMicros(1_772_366_400_123_456);

fn node(json: &str) -> Node {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn pools() -> IndexMap<String, Pool> {
    let inline = |json: &str, pick: Pick| Pool { inline: Some(node(json)), pick, ..Pool::default() };
    let mut pools = IndexMap::new();
    pools.insert("terms".to_owned(), inline(r#"["a", "b & c"]"#, Pick::Uniform));
    pools.insert("errors".to_owned(), inline(r#"{"404": ["gone"], "500": ["broken"]}"#, Pick::Uniform));
    let item = node(
        r#"{"id": {"$template": "p${index(3)}"}, "price": {"$uniform": [1, 9], "round": 2}, "twice": "${price * 2}"}"#,
    );
    let made = Pool { generate: Some(Generate { count: 20, item }), pick: Pick::Zipf(0.9), ..Pool::default() };
    pools.insert("products".to_owned(), made);
    pools
}

/// What a template comes to for the event of a number, or its problems.
fn written(json: &str, step: u64) -> Result<String, Vec<Problem>> {
    compiled(&node(json), step)
}

fn compiled(template: &Node, step: u64) -> Result<String, Vec<Problem>> {
    let (pools, supplied) = (pools(), IndexMap::new());
    let mut compiler = Compiler::new(Stream::root(1), &pools, &supplied, &[]);
    let mut names = Names::default();
    let index = compiler.typed(Expr::Fact(Fact::Index), Type::Int);
    names.bind("index", index);
    let time = compiler.typed(Expr::Fact(Fact::Time), Type::Moment);
    names.bind("time", time);
    let items =
        compiler.node(&node("[3, 1, 2]"), &Site::new("items", "items", Default::default()), &names, Purpose::Value);
    names.bind("items", items);
    let site = Site::new("events.e.body", "body", Default::default());
    let typed = compiler.node(template, &site, &names, Purpose::Json);
    let (program, problems) = compiler.finish();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut scratch = Scratch::default();
    scratch.begin(&program);
    let stream = Stream::root(7).child(step);
    let facts = Facts { moment: MOMENT, streams: [stream; SCOPES], indexes: [step; SCOPES], ..Facts::default() };
    let mut out = Vec::new();
    if !Context::new(&program, &mut scratch, None, facts).write(typed.id, &mut out) {
        out.extend_from_slice(b"omitted");
    }
    Ok(String::from_utf8(out).expect("events are text"))
}

/// The value of an expression for the event of a number.
fn value(program: &Program, id: ExprId, step: u64) -> Value {
    let mut scratch = Scratch::default();
    scratch.begin(program);
    let facts = Facts { streams: [Stream::root(7).child(step); SCOPES], ..Facts::default() };
    Context::new(program, &mut scratch, None, facts).evaluate(id)
}

#[test]
fn conditions_that_were_made_cheap_hold_when_they_held_before() {
    let draws = [
        r#"{"$int": [399, 401]}"#,
        r#"{"$uniform": [399, 401], "round": 0}"#,
        r#"{"$uniform": [399, 401], "round": 1}"#,
        r#"{"$weighted": {"POST": 1, "GET": 1, "PO": 1}}"#,
        r#"{"$pick": [null, "POST"]}"#,
        r#"{"$pick": [400, "POST"]}"#,
    ];
    let conditions = [
        "x >= 400",
        "x > 400",
        "x <= 400",
        "x < 400",
        "x == 400",
        "x != 400",
        "x == 'POST'",
        "x != 'POST'",
        "not x == 'POST'",
    ];
    let conditions = conditions.map(str::to_owned).into_iter();
    let conditions: Vec<String> = conditions.flat_map(|plain| [format!("{plain} and x"), plain]).collect();
    let (mut held, mut looked) = (0, 0);
    for (draw, condition) in draws.iter().flat_map(|draw| conditions.iter().map(move |condition| (draw, condition))) {
        let (pools, supplied) = (pools(), IndexMap::new());
        let mut compiler = Compiler::new(Stream::root(1), &pools, &supplied, &[]);
        let site = Site::new("events.e.let.x", "let.x", Default::default());
        let typed = compiler.node(&node(draw), &site, &Names::default(), Purpose::Value);
        let slot = compiler.program.add_slot(Slot::Computed(typed.id, Scope::Event));
        let mut names = Names::default();
        names.bind("x", super::compile::Typed { id: compiler.program.add(Expr::Slot(slot)), ..typed });
        let mut compile = || compiler.condition(&Node::from(Written::String(condition.clone())), &site, &names).id;
        let (first, second) = (compile(), compile());
        if !compiler.problems.is_empty() {
            continue;
        }
        let plain = compiler.program.clone();
        let (program, _) = compiler.finish();
        for step in 0..12 {
            let expected = value(&plain, first, step);
            assert_eq!(value(&program, first, step), expected, "{condition} of {draw}");
            assert_eq!(value(&program, second, step), expected, "{condition} of {draw}");
            held += u32::from(expected.is_true());
            looked += 1;
        }
    }
    assert!(looked > 500 && held > looked / 8 && held < looked, "{held} of {looked}");
}

#[test]
fn templates_come_to_what_they_say() {
    for (template, text) in [
        (r#"{"a": 1, "b": [true, null, "x\"y"], "c": {"d": 2.5}}"#, r#"{"a":1,"b":[true,null,"x\"y"],"c":{"d":2.5}}"#),
        (r#""${1 + 2 * 3}""#, "7"),
        (r#""n=${7 % 4}, ${'a' == 'a'}""#, r#""n=3, true""#),
        (r#""${7 / 2}""#, "3.5"),
        (r#""$${x}""#, r#""${x}""#),
        (r#""${round(2.345, 2)}""#, "2.35"),
        (r#""${len(items) + sum(items) + max(items)}""#, "12"),
        (r#""${join(items, '-')}""#, r#""3-1-2""#),
        (r#""${items[0]}${items[-1]}${items[9]}""#, r#""32""#),
        (
            r#""${upper('abc')} ${title('yoga mat')} ${slug('Home & Garden!')} ${url('a b&c')}""#,
            r#""ABC Yoga Mat home-garden a+b%26c""#,
        ),
        (r#""${replace('a-b-c', '-', '+')}${slice('hello', 1, 3)}""#, r#""a+b+cel""#),
        (r#""${pad(42, 5)}${pad(123456, 3)}""#, r#""00042123456""#),
        (r#""${if(1 > 2, 'x', 'y')}${coalesce(null, 'z')}""#, r#""yz""#),
        (r#""${contains(items, 2) and not contains('abc', 'd')}""#, "true"),
        (r#""${time}""#, r#""2026-03-01T12:00:00.123456Z""#),
        (r#""${time + hours(12)}""#, r#""2026-03-02T00:00:00.123456Z""#),
        (r#"{"$now": "epoch_ms"}"#, "1772366400123"),
        (r#"{"$now": {"format": "date", "plus": "48h"}}"#, r#""2026-03-03""#),
        (r#"{"$ago": {"span": "90m", "format": "rfc3339_s"}}"#, r#""2026-03-01T10:30:00Z""#),
        (r#"{"a": {"$omit": true}, "b": 1}"#, r#"{"b":1}"#),
        (r#"{"a": {"$omit": true}}"#, "{}"),
        (r#"{"$case": [["1 > 2", "x"], [true, {"k": [1]}]]}"#, r#"{"k":[1]}"#),
        (r#"{"$switch": {"on": "index", "cases": {"5": "five"}, "default": "other"}}"#, r#""five""#),
        (r#"{"$if": {"when": "index == 5", "then": 1}}"#, "1"),
        (
            r#"{"$each": {"in": "items", "as": "i", "index": "n", "make": {"v": "${i * 10 + n}"}}}"#,
            r#"[{"v":30},{"v":11},{"v":22}]"#,
        ),
        (r#"{"$merge": [{"a": 1, "b": 2}, {"b": 3}]}"#, r#"{"a":1,"b":3}"#),
        (r#"{"$max": [1, 2.5, "${index}"]}"#, "5"),
        (r#"{"$int": [4, 4]}"#, "4"),
        (r#"{"$int": [1, 9], "cast": "text", "clamp": [20, 30]}"#, r#""20""#),
        (r#"{"$concat": ["${items}", [4, 5], 6]}"#, "[3,1,2,4,5,6]"),
        (r#"{"$concat": ["a", "${index}", "${'b'}"]}"#, r#""a5b""#),
        (r#""${join(concat(items, 7), '')}""#, r#""3127""#),
        (r#"{"$pick": ["a", "b"], "weights": [0, 1]}"#, r#""b""#),
        (r#"{"a": {"$hash": {"of": "user_1", "below": 1}}}"#, r#"{"a":0}"#),
        (r#"{"$pool": "errors.404"}"#, r#""gone""#),
        (r#"{"$pool": "errors.${400 + 100}"}"#, r#""broken""#),
        (r#"{"$email_for": "Nora Lindqvist"}"#, r#""nora.lindqvist@example.com""#),
        (r#"{"$weighted": {"200": 1, "404": 0}}"#, "200"),
        (
            r#"{"$triples": [{"subject": "o:1", "set": {"n": 2, "r": {"$ref": "c:9"}, "t": "${time}"}}, {"each": "items", "as": "i", "index": "k", "subject": "l:${k}", "set": {"q": "${i}"}}]}"#,
            r#"[{"subject_id":"o:1","predicate":"n","object_value":"2","object_type":"int"},{"subject_id":"o:1","predicate":"r","object_value":"c:9","object_type":"entity_ref"},{"subject_id":"o:1","predicate":"t","object_value":"2026-03-01T12:00:00.123456Z","object_type":"timestamp"},{"subject_id":"l:0","predicate":"q","object_value":"3","object_type":"int"},{"subject_id":"l:1","predicate":"q","object_value":"1","object_type":"int"},{"subject_id":"l:2","predicate":"q","object_value":"2","object_type":"int"}]"#,
        ),
    ] {
        assert_eq!(
            written(template, 5).unwrap_or_else(|problems| panic!("{template}: {problems:#?}")),
            text,
            "{template}"
        );
    }
}

#[test]
fn every_example_of_the_reference_works() {
    for entry in ENTRIES {
        let template = match entry.kind {
            Kind::Call | Kind::Modifier => parse(entry.example, 0).root,
            Kind::Function => Written::String(format!("${{{}}}", entry.example)).into(),
            // Names are given by behaviors; plan tests hold them.
            Kind::Name => continue,
        };
        let text = compiled(&template, 5).unwrap_or_else(|problems| panic!("{}: {problems:#?}", entry.example));
        assert!(entry.example.contains(entry.name), "{}", entry.name);
        if entry.name == "$omit" {
            assert_eq!(text, "omitted");
        } else if entry.name != "missing" {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(!value.is_null(), "{} gives nothing", entry.example);
        }
    }
}

#[test]
fn draws_are_of_the_kind_they_say() {
    let many = |template: &str| -> Vec<serde_json::Value> {
        (0..300).map(|step| serde_json::from_str(&written(template, step).unwrap()).unwrap()).collect()
    };
    for value in many(
        r#"{"i": {"$int": [3, 5]}, "u": {"$uniform": [1, 2], "round": 2}, "p": {"$pool": "products"}, "id": {"$uuid": {"v": 4}}, "h": {"$hex": 32}, "u7": {"$uuid": 7}, "pt": {"$pattern": "??-##"}, "ua": {"$ua": "tablet"}, "ip": {"$ip": {"country": "JP"}}, "tz": {"$tz": "DE"}}"#,
    ) {
        assert!((3..=5).contains(&value["i"].as_i64().unwrap()));
        assert!((1.0..=2.0).contains(&value["u"].as_f64().unwrap()));
        assert_eq!(value["p"]["twice"].as_f64().unwrap(), value["p"]["price"].as_f64().unwrap() * 2.0);
        assert_eq!(value["id"].as_str().unwrap().as_bytes()[14], b'4');
        assert!(value["u7"].as_str().unwrap().starts_with("019ca945-0a7b-7"));
        assert_eq!(value["h"].as_str().unwrap().len(), 32);
        assert_eq!(value["pt"].as_str().unwrap().len(), 5);
        assert!(value["ua"].as_str().unwrap().starts_with("Mozilla"));
        assert!(["126.72.", "60.32."].iter().any(|net| value["ip"].as_str().unwrap().starts_with(net)));
        assert_eq!(value["tz"], "Europe/Berlin");
    }
    let missing = many(r#"{"a": {"$int": [1, 2], "missing": 0.25}}"#).iter().filter(|v| v.get("a").is_none()).count();
    assert!((45..110).contains(&missing), "{missing} of 300");
    for value in many(r#"{"$array": {"len": {"$int": [2, 6]}, "of": {"n": {"$int": [1, 8]}}, "unique": "n"}}"#) {
        let list: Vec<i64> = value.as_array().unwrap().iter().map(|item| item["n"].as_i64().unwrap()).collect();
        let mut sorted = list.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), list.len(), "{list:?} repeats itself");
    }
    for value in many(
        r#"{"s": {"$sine": [50, 20, "1h"]}, "w": {"$walk": {"mean": 5, "sd": 1, "tau": "10m"}}, "d": {"$decay": [100, 20, 5]}}"#,
    ) {
        assert!((30.0..=70.0).contains(&value["s"].as_f64().unwrap()));
        assert!((0.0..=10.0).contains(&value["w"].as_f64().unwrap()));
        assert!((20.0..=220.0).contains(&value["d"].as_f64().unwrap()));
    }
    let spans = many(r#"{"$uniform": ["10s", "20s"]}"#);
    assert!(spans.iter().all(|span| (10.0..20.0).contains(&span.as_f64().unwrap())));
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_a_hint() {
    for (template, path, part) in [
        (r#"{"a": "${indx}"}"#, "events.e.body.a", "there is no `indx`"),
        (r#"{"a": {"$uniforn": [1, 2]}}"#, "events.e.body.a.$uniforn", "there is no call"),
        (r#"{"a": "${1 / 0}"}"#, "events.e.body.a", "division by zero"),
        (r#"{"a": "${'x' + 1}"}"#, "events.e.body.a", "takes numbers"),
        (r#"{"a": "${len(5)}"}"#, "events.e.body.a", "takes a list"),
        (r#"{"a": "${foo(5)}"}"#, "events.e.body.a", "there is no function"),
        (r#"{"a": "${round()}"}"#, "events.e.body.a", "takes 1 to 2 arguments"),
        (r#"{"a": {"$pick": ["x"], "weights": [1, 2]}}"#, "events.e.body.a.weights", "as many weights"),
        (r#"{"a": {"$int": [1, 2], "weights": [1, 2]}}"#, "events.e.body.a.weights", "belongs to `$pick`"),
        (r#"{"a": {"$concat": []}}"#, "events.e.body.a.$concat", "takes a list of parts"),
        (r#"{"a": {"$concat": [{"b": 1}]}}"#, "events.e.body.a.$concat", "not records"),
        (r#"{"a": {"$hash": {"of": 1, "below": 0}}}"#, "events.e.body.a.$hash.below", "above zero"),
        (r#"{"a": {"$env": "HOME"}}"#, "events.e.body.a.$env", "cannot depend on the environment"),
        (r#"{"a": {"$payload": "metric"}}"#, "events.e.body.a.$payload", "no kind of payload"),
        (r#"{"a": {"$pool": "product"}}"#, "events.e.body.a.$pool", "there is no pool"),
        (r#"{"a": {"$pool": "errors.403"}}"#, "events.e.body.a.$pool", "has no group"),
        (r#"{"a": {"$int": [5, 1]}}"#, "events.e.body.a.$int", "above"),
        (r#"{"a": {"$int": [1, 2], "rond": 1}}"#, "events.e.body.a.rond", "no modifier"),
        (r#"{"a": {"$int": [1, 2], "$hex": 3}}"#, "events.e.body.a", "stand in one map"),
        (r#"{"a": {"$weighted": {"x": 0}}}"#, "events.e.body.a.$weighted", "no weight"),
        (r#"{"a": {"$if": {"p": 1.5, "then": 1}}}"#, "events.e.body.a.$if", "between 0 and 1"),
        (r#"{"a": {"$lognormal": {"p50": 9, "p99": 3}}}"#, "events.e.body.a.$lognormal", "cannot have"),
        (r#"{"a": {"$now": "rfc"}}"#, "events.e.body.a.$now", "no time format"),
        (r#"{"a": "${time == }"}"#, "events.e.body.a", "missing at the end"),
        (r#"{"a": "x ${items}"}"#, "events.e.body.a", "no place inside a text"),
    ] {
        let problems = written(template, 1).expect_err(template);
        let found = problems.iter().any(|problem| problem.path == path && problem.message.contains(part));
        assert!(found, "{template}: {problems:#?}");
    }
    // All of them at once.
    assert_eq!(written(r#"{"a": "${x}", "b": {"$y": 1}, "c": [{"$int": "z"}]}"#, 1).unwrap_err().len(), 3);
}

#[test]
fn what_cannot_be_computed_is_nothing_and_stays_so() {
    for template in [r#""${1 / (index - 5)}""#, r#""${sqrt(0 - index)}""#, r#""${9223372036854775807 + index}""#] {
        assert_eq!(written(template, 5).unwrap(), "null", "{template}");
    }
}

#[test]
fn work_and_depth_are_bounded() {
    let mut nested = r#"{"$int": [1, 2]}"#.to_owned();
    for _ in 0..6 {
        nested = format!(r#"{{"$array": {{"len": 1000, "of": {nested}}}}}"#);
    }
    assert!(written(&nested, 1).unwrap().len() < 4_000_000);
    let mut deep = "[".repeat(60);
    deep.push_str(&"]".repeat(60));
    assert!(written(&deep, 1).unwrap_err()[0].message.contains("nested"));
    let calls = "replace(".repeat(30) + "'aa'" + &", 'a', 'aaaa')".repeat(30);
    let doubled = format!(r#"{{"a": "${{{calls}}}"}}"#);
    assert!(written(&doubled, 1).unwrap().len() < 4_000_000);
}

/// Any node, built mostly of things that mean something in templates.
fn any_node() -> impl Strategy<Value = Node> {
    let word = prop::sample::select(vec![
        "$pick",
        "$weighted",
        "$pool",
        "$item",
        "$if",
        "$case",
        "$switch",
        "$omit",
        "$int",
        "$uniform",
        "$lognormal",
        "$exp",
        "$gamma",
        "$poisson",
        "$zipf",
        "$geometric",
        "$histogram",
        "$uuid",
        "$hex",
        "$seq",
        "$now",
        "$ago",
        "$template",
        "$array",
        "$each",
        "$merge",
        "$triples",
        "$faker",
        "$ip",
        "$ua",
        "$geo",
        "$pattern",
        "p",
        "when",
        "then",
        "else",
        "len",
        "of",
        "unique",
        "in",
        "make",
        "on",
        "cases",
        "round",
        "clamp",
        "missing",
        "cast",
        "a",
    ]);
    let text = prop_oneof![
        prop::sample::select(vec![
            "products",
            "terms",
            "errors.404",
            "${index}",
            "${items}",
            "${time}",
            "items",
            "index > 1",
            "10s",
            "rfc3339",
            "${1/0}",
            "${int(1, 5)}",
            "${hex(4)} x",
            "${len(items)}",
            "name",
            "${",
            "US",
            "text",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Written::Null),
        any::<bool>().prop_map(Written::Bool),
        any::<i64>().prop_map(Written::Int),
        (-3_i64..10).prop_map(Written::Int),
        any::<f64>().prop_map(Written::Float),
        text.prop_map(Written::String),
    ]
    .prop_map(Node::from);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let entry = (word.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| Written::List(items).into()),
            prop::collection::vec(entry, 0..4).prop_map(|entries| {
                let mut map: Vec<crate::tree::Entry> = Vec::new();
                for (key, node) in entries {
                    if map.iter().all(|known| known.key != key) {
                        let key_mark = Default::default();
                        map.push(crate::tree::Entry { key: key.to_owned(), key_mark, node });
                    }
                }
                Written::Map(map).into()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_template_breaks_the_compiler_and_what_compiles_is_json(template in any_node()) {
        if let Ok(text) = compiled(&template, 3) {
            prop_assert!(text == "omitted" || serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            prop_assert!(text.len() < 1_000_000, "{} bytes", text.len());
            prop_assert_eq!(compiled(&template, 3).unwrap(), text);
        }
    }

    #[test]
    fn no_expression_breaks_the_compiler(text in "[-+*/%()\\[\\].,<>=!'a-z0-9 ]{0,40}") {
        let _written = compiled(&Written::String(format!("${{{text}}}")).into(), 3);
    }
}
