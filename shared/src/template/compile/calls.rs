//! Calls: maps with one `$`-key. Here are choices, structure, ids and times; numbers are in `numbers`.

use crate::generate::clock::TimeFormat;
use crate::generate::phrase::Phrase;
use crate::random::choice::Alias;
use crate::scenario::payload;
use crate::tree::nearest;
use crate::tree::{Entry, Node, Value as Written};

use super::super::draw::Draw;
use super::super::function::Function;
use super::super::program::{Each, Expr, ExprId, Fact, Repeat, Slot};
use super::super::value::{Type, Value};
use super::modifiers::MODIFIERS;
use super::{Compiler, Names, Purpose, Site, Typed};

/// All calls, for messages.
pub(crate) const CALLS: [&str; 50] = [
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
    "$normal",
    "$lognormal",
    "$exp",
    "$pareto",
    "$weibull",
    "$gamma",
    "$poisson",
    "$zipf",
    "$geometric",
    "$sine",
    "$walk",
    "$decay",
    "$histogram",
    "$bool",
    "$min",
    "$max",
    "$uuid",
    "$ulid",
    "$snowflake",
    "$seq",
    "$hex",
    "$pattern",
    "$faker",
    "$email_for",
    "$address",
    "$geo",
    "$ip",
    "$ua",
    "$tz",
    "$now",
    "$ago",
    "$template",
    "$array",
    "$concat",
    "$each",
    "$merge",
    "$triples",
    "$ref",
    "$payload",
    "$hash",
];
/// A call that is refused, with the reason; it is no call for hints.
const ENVIRONMENT: &str = "$env";

impl Compiler<'_> {
    /// Compiles a call with its modifiers.
    pub(super) fn call(
        &mut self,
        call: &Entry,
        entries: &[Entry],
        site: &Site,
        names: &Names,
        purpose: Purpose,
    ) -> Typed {
        for entry in entries {
            if entry.key != call.key && !MODIFIERS.contains(&entry.key.as_str()) {
                let message = format!("`{}` is no modifier of `{}`", entry.key, call.key);
                let hint = nearest::hint(&entry.key, MODIFIERS);
                self.problem(&site.child(&entry.key, entry.key_mark), message, hint);
            }
        }
        let inner = site.child(&call.key, call.node.mark);
        let typed = self.plain_call(&call.key, &call.node, entries, site, &inner, names, purpose);
        self.modified(typed, &call.key, entries, site, names)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a call is a name, its node, its modifiers and where all that stands"
    )]
    fn plain_call(
        &mut self,
        name: &str,
        node: &Node,
        entries: &[Entry],
        site: &Site,
        inner: &Site,
        names: &Names,
        purpose: Purpose,
    ) -> Typed {
        match name {
            "$pick" => self.pick(node, entries, site, inner, names, purpose),
            "$weighted" => self.weighted(node, site, inner, names, purpose),
            "$pool" => self.item_of_pool(node, site, inner, names),
            "$item" => self.member(node, site, inner, names),
            "$if" => self.branch(node, site, inner, names, purpose),
            "$case" => self.case(node, inner, names, purpose),
            "$switch" => self.switch(node, inner, names, purpose),
            "$omit" => {
                let omit = self.program.add(Expr::Constant(Value::Omit));
                Typed { id: omit, kind: Type::Null, omits: true }
            }
            "$template" => match node.as_str() {
                Some(text) => self.text_with(text, inner, names, true),
                None => self.wrong(
                    inner,
                    format!("`$template` takes a text, not {}", node.kind()),
                    "write {$template: \"id_${index(4)}\"}",
                ),
            },
            "$uuid" => self.uuid(node, site, inner),
            "$hex" => match node.value {
                Written::Int(digits @ 1..=32) => self.hex(digits as u8, site, &mut 0),
                _ => self.wrong(inner, "`$hex` takes a number of digits from 1 to 32", "write {$hex: 12}"),
            },
            "$snowflake" => self.typed(Expr::Draw(Draw::Snowflake, site.key(), Default::default()), Type::Int),
            "$ulid" => self.typed(Expr::Ulid(site.key()), Type::Text),
            "$pattern" => match node.as_str() {
                Some(pattern) => {
                    let span = self.program.add_text(pattern.as_bytes());
                    self.typed(Expr::Pattern(site.key(), span), Type::Text)
                }
                None => self.wrong(
                    inner,
                    format!("`$pattern` takes a text, not {}", node.kind()),
                    "write {$pattern: \"???-####\"}",
                ),
            },
            "$faker" => self.faker(node, site, inner, names),
            "$seq" => self.sequence(node, inner),
            "$now" => self.now(node, inner, names),
            "$ago" => self.ago(node, inner, names),
            "$array" => self.array(node, entries, site, inner, names),
            "$each" => self.each(node, site, inner, names, purpose),
            "$concat" => self.concatenation(node, inner, names),
            "$hash" => self.hash(node, inner, names),
            ENVIRONMENT => self.wrong(
                inner,
                "an event cannot depend on the environment: the same scenario and seed must give the same events",
                "write the value into the scenario, or set it with --set",
            ),
            "$merge" => self.merge(node, inner, names, purpose),
            "$triples" => self.triples(node, inner, names),
            "$payload" => match payload::template(node) {
                Ok(template) => self.node(&template, inner, names, purpose),
                Err((message, hint)) => self.wrong(inner, message, hint),
            },
            // Outside of triples a reference is what it refers to.
            "$ref" => self.node(node, inner, names, Purpose::Value),
            _ => match self
                .number_call(name, node, site, inner, names)
                .or_else(|| self.people_call(name, node, site, inner, names))
            {
                Some(typed) => typed,
                None => {
                    let hint = nearest::hint(name, CALLS);
                    self.wrong(inner, format!("there is no call `{name}`"), hint.unwrap_or_default())
                }
            },
        }
    }

    fn pick(
        &mut self,
        node: &Node,
        entries: &[Entry],
        site: &Site,
        inner: &Site,
        names: &Names,
        purpose: Purpose,
    ) -> Typed {
        let weights = entries.iter().find(|entry| entry.key == "weights");
        match &node.value {
            Written::List(items) if !items.is_empty() && weights.is_some() => {
                let weights = weights.map_or(node, |entry| &entry.node);
                let place = site.child("weights", weights.mark);
                let wanted = weights.as_list().unwrap_or_default();
                if wanted.len() != items.len() {
                    let message = format!("{} values need as many weights, not {}", items.len(), wanted.len());
                    return self.wrong(&place, message, "write {$pick: [a, b], weights: [3, 1]}");
                }
                let numbers: Vec<f64> = wanted
                    .iter()
                    .enumerate()
                    .map(|(index, weight)| self.weight(weight, &place.item(index, weight.mark)))
                    .collect();
                let options: Vec<Typed> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &inner.item(index, item.mark), names, purpose))
                    .collect();
                self.chosen_by(&numbers, options, site, &place)
            }
            Written::List(items) if !items.is_empty() => {
                let options: Vec<Typed> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &inner.item(index, item.mark), names, purpose))
                    .collect();
                let (ids, kind, omits) = joined(options);
                let arguments = self.program.add_arguments(&ids);
                Typed { id: self.program.add(Expr::Pick(site.key(), arguments)), kind, omits }
            }
            Written::String(_) => self.member(node, site, inner, names),
            Written::List(_) => self.wrong(inner, "`$pick` has nothing to pick from", "list at least one value"),
            _ => self.wrong(inner, format!("`$pick` takes a list, not {}", node.kind()), "write {$pick: [a, b]}"),
        }
    }

    /// Options with weights: a map from value to weight, or a list of pairs of weight and value.
    fn weighted(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let mut weights = Vec::new();
        let mut options = Vec::new();
        match &node.value {
            Written::Map(entries) => {
                for entry in entries {
                    let place = inner.child(&entry.key, entry.node.mark);
                    weights.push(self.weight(&entry.node, &place));
                    let value = match entry.key.parse::<i64>() {
                        Ok(number) => Value::Int(number),
                        Err(_) => Value::Text(self.program.add_text(entry.key.as_bytes())),
                    };
                    options.push(self.constant(value));
                }
            }
            Written::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let place = inner.item(index, item.mark);
                    match item.as_list() {
                        Some([weight, value]) => {
                            weights.push(self.weight(weight, &place.item(0, weight.mark)));
                            options.push(self.node(value, &place.item(1, value.mark), names, purpose));
                        }
                        _ => return self.wrong(&place, "an option is a pair of weight and value", "write [70, value]"),
                    }
                }
            }
            _ => {
                let message = format!("`$weighted` takes values with weights, not {}", node.kind());
                return self.wrong(inner, message, "write {$weighted: {desktop: 60, mobile: 40}}");
            }
        }
        self.chosen_by(&weights, options, site, inner)
    }

    /// One of several options, by weight.
    fn chosen_by(&mut self, weights: &[f64], options: Vec<Typed>, site: &Site, place: &Site) -> Typed {
        let Some(table) = Alias::new(weights) else {
            return self.wrong(place, "no weight is above zero", "give at least one option a weight above zero");
        };
        self.program.tables.push(table);
        let table = self.program.tables.len() as u32 - 1;
        let (ids, kind, omits) = joined(options);
        let arguments = self.program.add_arguments(&ids);
        Typed { id: self.program.add(Expr::Weighted(site.key(), table, arguments)), kind, omits }
    }

    /// A weight: a number that is not negative.
    pub(super) fn weight(&mut self, node: &Node, site: &Site) -> f64 {
        match node.as_f64() {
            Some(weight) if weight.is_finite() && weight >= 0.0 => weight,
            Some(weight) => {
                self.problem(site, format!("{weight} is no weight"), Some("write a number of at least 0".to_owned()));
                0.0
            }
            None => {
                let message = format!("a weight is a number, not {}", node.kind());
                self.problem(site, message, Some("write a number of at least 0".to_owned()));
                0.0
            }
        }
    }

    fn member(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names) -> Typed {
        let list = match node.as_str() {
            Some(text) if !text.contains("${") => self.expression(text, inner, names, &mut 0),
            _ => self.node(node, inner, names, Purpose::Value),
        };
        let kind = match &list.kind {
            Type::List(item) => (**item).clone(),
            Type::Any | Type::Null => Type::Any,
            other => {
                let message = format!("an item is drawn from a list, not from {}", other.name());
                return self.wrong(inner, message, "name a list, such as {$item: cart}");
            }
        };
        self.typed(Expr::Member(site.key(), list.id), kind)
    }

    /// `{p | when, then, else}`
    fn branch(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let usage = "write {$if: {p: 0.05, then: .., else: ..}} or {$if: {when: \"a > 1\", then: .., else: ..}}";
        if !self.only(node, inner, &["p", "when", "then", "else"], "$if") {
            return self.anything();
        }
        let Some(then) = node.get("then") else { return self.wrong(inner, "`$if` lacks `then`", usage) };
        let then = self.node(then, &inner.child("then", then.mark), names, purpose);
        let otherwise = match node.get("else") {
            Some(other) => self.node(other, &inner.child("else", other.mark), names, purpose),
            None => Typed { id: self.program.add(Expr::Constant(Value::Omit)), kind: Type::Null, omits: true },
        };
        let omits = then.omits || otherwise.omits;
        let kind = then.kind.join(otherwise.kind);
        let expression = match (node.get("p"), node.get("when")) {
            (Some(p), None) => {
                let p = self.node(p, &inner.child("p", p.mark), names, Purpose::Value);
                self.probability(&p, inner);
                let arguments = self.program.add_arguments(&[p.id, then.id, otherwise.id]);
                Expr::Chance(site.key(), arguments)
            }
            (None, Some(when)) => {
                let when = self.condition(when, &inner.child("when", when.mark), names);
                let always = self.program.add(Expr::Constant(Value::Bool(true)));
                let arguments = self.program.add_arguments(&[when.id, then.id, always, otherwise.id]);
                Expr::Case(arguments)
            }
            _ => return self.wrong(inner, "`$if` needs exactly one of `p` and `when`", usage),
        };
        Typed { id: self.program.add(expression), kind, omits }
    }

    /// Notes a probability that is none.
    pub(super) fn probability(&mut self, p: &Typed, site: &Site) {
        if let Some(value) = self.known(p)
            && !value.as_f64().is_some_and(|p| (0.0..=1.0).contains(&p))
        {
            self.problem(site, "a probability lies between 0 and 1", Some("write 0.05 for 5 %".to_owned()));
        }
    }

    /// A list of pairs of condition and value.
    fn case(&mut self, node: &Node, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let usage = "write {$case: [[\"a > 1\", x], [true, y]]}";
        let Some(items) = node.as_list() else {
            return self.wrong(inner, format!("`$case` takes a list of pairs, not {}", node.kind()), usage);
        };
        let mut ids = Vec::new();
        let mut values = Vec::new();
        let mut complete = false;
        for (index, item) in items.iter().enumerate() {
            let place = inner.item(index, item.mark);
            let Some([condition, value]) = item.as_list() else {
                return self.wrong(&place, "a case is a pair of condition and value", usage);
            };
            let condition = self.condition(condition, &place.item(0, condition.mark), names);
            let value = self.node(value, &place.item(1, value.mark), names, purpose);
            complete |= self.known(&condition).is_some_and(Value::is_true);
            ids.extend([condition.id, value.id]);
            values.push(value);
        }
        let (_, kind, omits) = joined(values);
        let arguments = self.program.add_arguments(&ids);
        Typed { id: self.program.add(Expr::Case(arguments)), kind, omits: omits || !complete }
    }

    /// `{on, cases: {value: node}, default}`
    fn switch(&mut self, node: &Node, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let usage = "write {$switch: {on: \"page.type\", cases: {home: .., cart: ..}, default: ..}}";
        if !self.only(node, inner, &["on", "cases", "default"], "$switch") {
            return self.anything();
        }
        let (Some(on), Some(cases)) = (node.get("on"), node.get("cases").and_then(Node::as_map)) else {
            return self.wrong(inner, "`$switch` needs `on` and `cases`", usage);
        };
        let on = self.condition(on, &inner.child("on", on.mark), names);
        let place = inner.child("cases", node.mark);
        let mut ids = Vec::new();
        let mut values = Vec::new();
        for entry in cases {
            let wanted = if on.kind == Type::Int
                && let Ok(number) = entry.key.parse()
            {
                Value::Int(number)
            } else if on.kind == Type::Bool {
                Value::Bool(entry.key == "true")
            } else {
                Value::Text(self.program.add_text(entry.key.as_bytes()))
            };
            let wanted = self.program.add(Expr::Constant(wanted));
            let value = self.node(&entry.node, &place.child(&entry.key, entry.node.mark), names, purpose);
            let same = super::super::expression::Operator::Equal;
            ids.extend([self.program.add(Expr::Binary(same, on.id, wanted)), value.id]);
            values.push(value);
        }
        let default = node.get("default");
        if let Some(default) = default {
            let value = self.node(default, &inner.child("default", default.mark), names, purpose);
            ids.extend([self.program.add(Expr::Constant(Value::Bool(true))), value.id]);
            values.push(value);
        }
        let (_, kind, omits) = joined(values);
        let arguments = self.program.add_arguments(&ids);
        Typed { id: self.program.add(Expr::Case(arguments)), kind, omits: omits || default.is_none() }
    }

    fn uuid(&mut self, node: &Node, site: &Site, inner: &Site) -> Typed {
        let version = match &node.value {
            Written::Int(version) => Some(*version),
            Written::Map(entries) if entries.len() == 1 => match node.get("v").map(|v| &v.value) {
                Some(Written::Int(version)) => Some(*version),
                _ => None,
            },
            Written::Null | Written::Bool(true) => Some(4),
            _ => None,
        };
        let draw = match version {
            Some(4) => Draw::UuidV4,
            Some(7) => Draw::UuidV7,
            _ => return self.wrong(inner, "`$uuid` comes in the versions 4 and 7", "write {$uuid: {v: 4}}"),
        };
        self.typed(Expr::Draw(draw, site.key(), Default::default()), Type::Text)
    }

    fn faker(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names) -> Typed {
        if let Some(count) = node.get("words")
            && node.as_map().is_some_and(|entries| entries.len() == 1)
        {
            let count = self.node(count, &inner.child("words", count.mark), names, Purpose::Value);
            if !count.kind.may_be_number() {
                return self.wrong(inner, format!("`words` takes a number, not {}", count.kind.name()), "");
            }
            return self.typed(Expr::Words(site.key(), count.id), Type::Text);
        }
        let name = node.as_str().unwrap_or_default();
        match Phrase::named(name) {
            Some(phrase) => self.typed(Expr::Phrase(phrase, site.key()), Type::Text),
            None => {
                let hint = nearest::hint(name, Phrase::ALL.iter().map(|(word, _)| *word).chain(["words"]));
                self.wrong(inner, format!("`$faker` knows no `{name}`"), hint.unwrap_or_default())
            }
        }
    }

    fn sequence(&mut self, node: &Node, inner: &Site) -> Typed {
        let number = self.typed(Expr::Fact(Fact::Sequence), Type::Int);
        match node.value {
            Written::Null | Written::Bool(true) => number,
            Written::Int(width @ 1..=20) => {
                let width = self.constant(Value::Int(width));
                let arguments = self.program.add_arguments(&[number.id, width.id]);
                self.typed(Expr::Function(Function::Pad, arguments), Type::Text)
            }
            _ => self.wrong(inner, "`$seq` takes a width, or nothing", "write {$seq: 6}"),
        }
    }

    /// A format's name, or a map with it and a span to add.
    fn now(&mut self, node: &Node, inner: &Site, names: &Names) -> Typed {
        let (format, plus) = match &node.value {
            Written::Null | Written::Bool(true) => (None, None),
            Written::String(_) => (Some(node), None),
            _ => {
                if !self.only(node, inner, &["format", "plus"], "$now") {
                    return self.anything();
                }
                (node.get("format"), node.get("plus"))
            }
        };
        let moment = self.program.add(Expr::Fact(Fact::Time));
        let moment = match plus {
            Some(plus) => {
                let plus = self.span(plus, &inner.child("plus", plus.mark), names);
                self.program.add(Expr::Binary(super::super::expression::Operator::Add, moment, plus.id))
            }
            None => moment,
        };
        self.formatted(moment, format, inner)
    }

    /// A span before now, or a map with it and a format.
    fn ago(&mut self, node: &Node, inner: &Site, names: &Names) -> Typed {
        let (span, format) = match node.get("span") {
            Some(span) => {
                if !self.only(node, inner, &["span", "format"], "$ago") {
                    return self.anything();
                }
                (span, node.get("format"))
            }
            None => (node, None),
        };
        let span = self.span(span, &inner.child("span", span.mark), names);
        let now = self.program.add(Expr::Fact(Fact::Time));
        let moment = self.program.add(Expr::Binary(super::super::expression::Operator::Subtract, now, span.id));
        self.formatted(moment, format, inner)
    }

    fn formatted(&mut self, moment: ExprId, format: Option<&Node>, site: &Site) -> Typed {
        let Some(format) = format else { return Typed { id: moment, kind: Type::Moment, omits: false } };
        let name = format.as_str().unwrap_or_default();
        let Some(known) = TimeFormat::named(name) else {
            let hint = nearest::hint(name, TimeFormat::ALL.iter().map(|(word, _)| *word));
            return self.wrong(site, format!("there is no time format `{name}`"), hint.unwrap_or_default());
        };
        let kind = if known.is_number() { Type::Int } else { Type::Moment };
        self.typed(Expr::Formatted(moment, known), kind)
    }

    /// `{len, of, unique}`
    fn array(&mut self, node: &Node, entries: &[Entry], site: &Site, inner: &Site, names: &Names) -> Typed {
        let usage = "write {$array: {len: {$int: [1, 6]}, of: ..}}";
        if !self.only(node, inner, &["len", "of", "unique"], "$array") {
            return self.anything();
        }
        let (Some(len), Some(of)) = (node.get("len"), node.get("of")) else {
            return self.wrong(inner, "`$array` needs `len` and `of`", usage);
        };
        let count = self.node(len, &inner.child("len", len.mark), names, Purpose::Value);
        if !count.kind.may_be_number() {
            return self.wrong(inner, format!("`len` is a number, not {}", count.kind.name()), usage);
        }
        let item = self.node(of, &inner.child("of", of.mark), names, Purpose::Value);
        let slot = self.program.add_slot(Slot::Given);
        let unique = entries.iter().find(|entry| entry.key == "unique").map(|entry| &entry.node).or(node.get("unique"));
        let unique = unique.map(|unique| {
            let place = inner.child("unique", unique.mark);
            let whole = Typed { id: self.program.add(Expr::Slot(slot)), kind: item.kind.clone(), omits: false };
            match &unique.value {
                Written::String(path) => {
                    let fields: Vec<&str> = path.split('.').collect();
                    self.fields(whole, &fields, &place).id
                }
                Written::Bool(true) => whole.id,
                _ => self.wrong(&place, "`unique` takes a path of the item, or true", "write unique: product.id").id,
            }
        });
        self.program.repeats.push(Repeat { count: count.id, key: site.key(), item: item.id, unique, slot });
        let index = self.program.repeats.len() as u32 - 1;
        self.typed(Expr::Repeat(index), Type::List(Box::new(item.kind)))
    }

    /// `{in, as, index, make}`
    fn each(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let usage = "write {$each: {in: lines, as: line, make: {id: \"${line.id}\"}}}";
        if !self.only(node, inner, &["in", "as", "index", "make"], "$each") {
            return self.anything();
        }
        let (Some(list), Some(make)) = (node.get("in"), node.get("make")) else {
            return self.wrong(inner, "`$each` needs `in` and `make`", usage);
        };
        let list = self.condition(list, &inner.child("in", list.mark), names);
        let kind = match &list.kind {
            Type::List(item) => (**item).clone(),
            Type::Any | Type::Null => Type::Any,
            other => {
                let message = format!("`in` is a list, not {}", other.name());
                return self.wrong(inner, message, usage);
            }
        };
        let (item, index) = (self.program.add_slot(Slot::Given), self.program.add_slot(Slot::Given));
        let mut scope = names.clone();
        let whole = Typed { id: self.program.add(Expr::Slot(item)), kind, omits: false };
        scope.bind(node.get("as").and_then(Node::as_str).unwrap_or("item"), whole);
        let number = Typed { id: self.program.add(Expr::Slot(index)), kind: Type::Int, omits: false };
        scope.bind(node.get("index").and_then(Node::as_str).unwrap_or("index"), number);
        let make = self.node(make, &inner.child("make", make.mark), &scope, purpose);
        self.program.eaches.push(Each { list: list.id, key: site.key(), item, index, make: make.id });
        let place = self.program.eaches.len() as u32 - 1;
        self.typed(Expr::Each(place), Type::List(Box::new(make.kind)))
    }

    /// Lists one after the other as one list, or texts as one text.
    fn concatenation(&mut self, node: &Node, inner: &Site, names: &Names) -> Typed {
        let usage = "write {$concat: [\"${first}\", \"${second}\"]}";
        let Some(parts) = node.as_list().filter(|parts| !parts.is_empty()) else {
            return self.wrong(inner, format!("`$concat` takes a list of parts, not {}", node.kind()), usage);
        };
        let compiled: Vec<Typed> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| self.node(part, &inner.item(index, part.mark), names, Purpose::Value))
            .collect();
        let ids: Vec<ExprId> = compiled.iter().map(|typed| typed.id).collect();
        let kinds: Vec<Type> = compiled.into_iter().map(|typed| typed.kind).collect();
        match Function::Concat.result(&kinds) {
            Ok(kind) => {
                let arguments = self.program.add_arguments(&ids);
                self.fold(Expr::Function(Function::Concat, arguments), &ids, kind)
            }
            Err(message) => self.wrong(inner, format!("`$concat` {message}"), usage),
        }
    }

    /// A number that a value always gives: a template, or `{of, below}`.
    fn hash(&mut self, node: &Node, inner: &Site, names: &Names) -> Typed {
        let (of, below) = match node.get("of") {
            Some(of) => {
                if !self.only(node, inner, &["of", "below"], "$hash") {
                    return self.anything();
                }
                (of, node.get("below"))
            }
            None => (node, None),
        };
        let of = self.node(of, &inner.child("of", of.mark), names, Purpose::Value);
        let mut ids = vec![of.id];
        if let Some(below) = below {
            let place = inner.child("below", below.mark);
            let bound = self.node(below, &place, names, Purpose::Value);
            let known = self.known(&bound).map(Value::as_i64);
            if !bound.kind.may_be_number() || known.is_some_and(|bound| bound.is_none_or(|bound| bound < 1)) {
                return self.wrong(&place, "a bound is a whole number above zero", "write below: 100");
            }
            ids.push(bound.id);
        }
        let arguments = self.program.add_arguments(&ids);
        self.fold(Expr::Function(Function::Hash, arguments), &ids, Type::Int)
    }

    /// Maps one after the other: later fields win.
    fn merge(&mut self, node: &Node, inner: &Site, names: &Names, purpose: Purpose) -> Typed {
        let usage = "write {$merge: [{a: 1}, {b: 2}]}";
        let Some(parts) = node.as_list() else {
            return self.wrong(inner, format!("`$merge` takes a list of maps, not {}", node.kind()), usage);
        };
        let mut fields: Vec<(String, Typed)> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let place = inner.item(index, part.mark);
            let pieces: Vec<(String, Typed)> = match part.as_map() {
                Some(entries) if !entries.iter().any(|entry| entry.key.starts_with('$')) => entries
                    .iter()
                    .map(|entry| {
                        let typed = self.node(&entry.node, &place.child(&entry.key, entry.node.mark), names, purpose);
                        (entry.key.clone(), typed)
                    })
                    .collect(),
                _ => {
                    let whole = self.node(part, &place, names, Purpose::Value);
                    let Type::Record(known) = whole.kind.clone() else {
                        let message = format!("`$merge` takes maps with known fields, not {}", whole.kind.name());
                        return self.wrong(&place, message, usage);
                    };
                    known.iter().map(|(name, _)| (name.clone(), self.fields(whole.clone(), &[name], &place))).collect()
                }
            };
            for (name, typed) in pieces {
                match fields.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = typed,
                    None => fields.push((name, typed)),
                }
            }
        }
        match purpose {
            Purpose::Value => self.record(fields),
            Purpose::Json => self.object(&fields),
        }
    }

    /// Whether a map has only these keys; notes the others.
    pub(super) fn only(&mut self, node: &Node, site: &Site, keys: &[&str], call: &str) -> bool {
        let Some(entries) = node.as_map() else {
            let message = format!("`{call}` takes a map, not {}", node.kind());
            self.problem(site, message, Some(format!("its keys are {}", nearest::one_of(keys))));
            return false;
        };
        for entry in entries {
            if !keys.contains(&entry.key.as_str()) {
                let hint = nearest::hint(&entry.key, keys.iter().copied());
                let place = site.child(&entry.key, entry.key_mark);
                self.problem(&place, format!("`{call}` knows no `{}`", entry.key), hint);
            }
        }
        true
    }
}

/// The ids of options, the type that covers them, and whether one may be left out.
pub(super) fn joined(options: Vec<Typed>) -> (Vec<ExprId>, Type, bool) {
    let omits = options.iter().any(|option| option.omits);
    let ids = options.iter().map(|option| option.id).collect();
    let kind = options.into_iter().map(|option| option.kind).reduce(Type::join).unwrap_or(Type::Any);
    (ids, kind, omits)
}
