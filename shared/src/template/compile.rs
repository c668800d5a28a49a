//! From nodes to a program: checks everything that can be checked before anything is drawn.

pub(crate) mod calls;
mod conditions;
mod constants;
pub(crate) mod expressions;
mod layout;
pub(crate) mod modifiers;
mod numbers;
mod people;
mod pools;
mod triples;

use indexmap::IndexMap;

use crate::problem::Problem;
use crate::random::{Stream, hash_name};
use crate::scenario::model::pool::Pool as PoolModel;
use crate::tree::{Mark, Node, Value as Written};

use super::expression::{Piece, pieces};
use super::program::{Expr, ExprId, Program};
use super::value::{Type, Value};

pub(crate) use layout::Layout;

/// Deepest nesting of a template.
const MAX_DEPTH: u32 = 48;
/// Deepest chain of expressions, over all the names that they use: what fits on any stack.
const MAX_CHAIN: u16 = 300;

/// Where a template stands: its path for people, its path for naming draws, its mark.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Path in the document, for problems.
    pub(crate) document: String,
    /// Path within the event, user or pool: the name of its draws.
    pub(crate) field: String,
    /// Where it is written.
    pub(crate) mark: Mark,
    depth: u32,
}

impl Site {
    /// A place in the document whose draws are named by another path.
    pub(crate) fn new(document: impl Into<String>, field: impl Into<String>, mark: Mark) -> Self {
        Self { document: document.into(), field: field.into(), mark, depth: 0 }
    }

    /// A part of this place.
    pub(crate) fn child(&self, name: &str, mark: Mark) -> Self {
        Self {
            document: format!("{}.{name}", self.document),
            field: format!("{}.{name}", self.field),
            mark,
            depth: self.depth + 1,
        }
    }

    /// An item of this place.
    pub(crate) fn item(&self, index: usize, mark: Mark) -> Self {
        self.child(&index.to_string(), mark)
    }

    /// The key of its draws.
    pub(crate) fn key(&self) -> u64 {
        hash_name(&self.field)
    }
}

/// A compiled expression and what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) id: ExprId,
    pub(crate) kind: Type,
    /// Whether it may be left out.
    pub(crate) omits: bool,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    /// A value.
    Value(Typed),
    /// More names.
    Names(Names),
}

/// Names in scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(IndexMap<String, Binding>);

impl Names {
    /// Binds a name; the latest wins.
    pub(crate) fn bind(&mut self, name: &str, typed: Typed) {
        self.0.insert(name.to_owned(), Binding::Value(typed));
    }

    /// Binds a group of names.
    pub(crate) fn group(&mut self, name: &str, names: Self) {
        self.0.insert(name.to_owned(), Binding::Names(names));
    }

    fn get(&self, name: &str) -> Option<&Binding> {
        self.0.get(name)
    }

    fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }
}

/// What a template is compiled for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To be looked into: maps become records.
    Value,
    /// To be written: maps become bytes.
    Json,
}

/// Compiles the templates of a scenario into one program.
pub(crate) struct Compiler<'a> {
    pub(crate) program: Program,
    pub(crate) problems: Vec<Problem>,
    seed: Stream,
    sources: &'a [String],
    models: &'a IndexMap<String, PoolModel>,
    supplied: &'a IndexMap<String, Node>,
    pools: IndexMap<String, pools::Compiled>,
}

impl<'a> Compiler<'a> {
    /// A compiler for a scenario's templates. `supplied` are the items of pools that are read elsewhere, `sources` the
    /// names that marks refer to.
    pub(crate) fn new(
        seed: Stream,
        models: &'a IndexMap<String, PoolModel>,
        supplied: &'a IndexMap<String, Node>,
        sources: &'a [String],
    ) -> Self {
        let (program, problems, pools) = (Program::default(), Vec::new(), IndexMap::new());
        Self { program, problems, seed, sources, models, supplied, pools }
    }

    /// A compiler that goes on with a program.
    pub(crate) fn resume(
        program: Program,
        seed: Stream,
        models: &'a IndexMap<String, PoolModel>,
        supplied: &'a IndexMap<String, Node>,
        sources: &'a [String],
    ) -> Self {
        Self { program, ..Self::new(seed, models, supplied, sources) }
    }

    /// Notes a problem at a place.
    pub(crate) fn problem(&mut self, site: &Site, message: impl Into<String>, hint: Option<String>) {
        let mut problem = Problem::error(site.document.clone(), message);
        problem.hint = hint;
        if site.mark.line > 0 {
            let source = self.sources.get(usize::from(site.mark.source)).map(String::as_str);
            problem = problem.with_place(source, site.mark.line, site.mark.column);
        }
        self.problems.push(problem);
    }

    /// Notes a problem and goes on with nothing in its place.
    pub(crate) fn wrong(&mut self, site: &Site, message: impl Into<String>, hint: impl Into<String>) -> Typed {
        let hint: String = hint.into();
        self.problem(site, message, (!hint.is_empty()).then_some(hint));
        self.anything()
    }

    /// Nothing, of a type that fits everywhere.
    fn anything(&mut self) -> Typed {
        let id = self.program.add(Expr::Constant(Value::Null));
        Typed { id, kind: Type::Any, omits: false }
    }

    /// A constant.
    pub(crate) fn constant(&mut self, value: Value) -> Typed {
        let kind = self.type_of(value);
        Typed { id: self.program.add(Expr::Constant(value)), kind, omits: false }
    }

    /// An expression of a type.
    pub(crate) fn typed(&mut self, expression: Expr, kind: Type) -> Typed {
        Typed { id: self.program.add(expression), kind, omits: false }
    }

    /// The constant that an expression is, if it is one.
    pub(crate) fn known(&self, typed: &Typed) -> Option<Value> {
        match self.program.expression(typed.id) {
            Expr::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Compiles a template.
    pub(crate) fn node(&mut self, node: &Node, site: &Site, names: &Names, purpose: Purpose) -> Typed {
        if site.depth > MAX_DEPTH {
            return self.wrong(site, format!("the template is nested more than {MAX_DEPTH} deep"), "");
        }
        match &node.value {
            Written::Null => self.constant(Value::Null),
            Written::Bool(value) => self.constant(Value::Bool(*value)),
            Written::Int(number) => self.constant(Value::Int(*number)),
            Written::Float(number) => self.constant(Value::Float(*number)),
            Written::String(text) => self.text(text, site, names),
            Written::List(items) => self.list(items, site, names, purpose),
            Written::Map(entries) => {
                let calls: Vec<_> = entries.iter().filter(|entry| entry.key.starts_with('$')).collect();
                match calls.as_slice() {
                    [] => self.map(entries, site, names, purpose),
                    [call] => self.call(call, entries, site, names, purpose),
                    [first, second, ..] => {
                        let message = format!("`{}` and `{}` stand in one map", first.key, second.key);
                        self.wrong(site, message, "a call is a map with one $-key; give each its own field")
                    }
                }
            }
        }
    }

    /// Compiles a template that is a condition: an expression without `${}`, or a truth.
    pub(crate) fn condition(&mut self, node: &Node, site: &Site, names: &Names) -> Typed {
        match &node.value {
            Written::String(text) if !text.contains("${") => {
                let mut draws = 0;
                self.expression(text, site, names, &mut draws)
            }
            _ => self.node(node, site, names, Purpose::Value),
        }
    }

    /// Compiles a text: literal, with expressions in it, or exactly one expression, which keeps its type.
    pub(crate) fn text(&mut self, text: &str, site: &Site, names: &Names) -> Typed {
        self.text_with(text, site, names, false)
    }

    /// The same; `always` makes even a single expression text.
    fn text_with(&mut self, text: &str, site: &Site, names: &Names, always: bool) -> Typed {
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(message) => return self.wrong(site, message, "close it with `}`, or write `$${` for a plain `${`"),
        };
        let mut draws = 0;
        if let ([Piece::Expression(expression)], false) = (pieces.as_slice(), always) {
            return self.expression(expression, site, names, &mut draws);
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => literal.push_str(text),
                Piece::Expression(expression) => {
                    let typed = self.expression(expression, site, names, &mut draws);
                    if matches!(typed.kind, Type::List(_) | Type::Record(_)) {
                        let message =
                            format!("`${{{expression}}}` is {}, which has no place inside a text", typed.kind.name());
                        self.problem(site, message, Some("name one of its fields, or use join(list, ', ')".to_owned()));
                    }
                    if !literal.is_empty() {
                        let span = self.program.add_text(literal.as_bytes());
                        parts.push(self.program.add(Expr::Constant(Value::Text(span))));
                        literal.clear();
                    }
                    parts.push(typed.id);
                }
            }
        }
        if parts.is_empty() {
            let span = self.program.add_text(literal.as_bytes());
            return self.constant(Value::Text(span));
        }
        if !literal.is_empty() {
            let span = self.program.add_text(literal.as_bytes());
            parts.push(self.program.add(Expr::Constant(Value::Text(span))));
        }
        let arguments = self.program.add_arguments(&parts);
        self.typed(Expr::Concat(arguments), Type::Text)
    }

    fn list(&mut self, items: &[Node], site: &Site, names: &Names, purpose: Purpose) -> Typed {
        let mut kind: Option<Type> = None;
        let mut ids = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let typed = self.node(item, &site.item(index, item.mark), names, purpose);
            kind = Some(match kind {
                Some(known) => known.join(typed.kind),
                None => typed.kind,
            });
            ids.push(typed.id);
        }
        let kind = Type::List(Box::new(kind.unwrap_or(Type::Any)));
        let constants: Vec<Value> = ids.iter().filter_map(|id| self.constant_of(*id)).collect();
        if constants.len() == ids.len() {
            let span = self.program.add_values(&constants);
            return Typed { id: self.program.add(Expr::Constant(Value::List(span))), kind, omits: false };
        }
        let arguments = self.program.add_arguments(&ids);
        self.typed(Expr::List(arguments), kind)
    }

    fn constant_of(&self, id: ExprId) -> Option<Value> {
        match self.program.expression(id) {
            Expr::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn map(&mut self, entries: &[crate::tree::Entry], site: &Site, names: &Names, purpose: Purpose) -> Typed {
        let mut fields: Vec<(String, Typed)> = Vec::with_capacity(entries.len());
        for entry in entries {
            let typed = self.node(&entry.node, &site.child(&entry.key, entry.node.mark), names, purpose);
            fields.push((entry.key.clone(), typed));
        }
        match purpose {
            Purpose::Value => self.record(fields),
            Purpose::Json => self.object(&fields),
        }
    }

    /// A record of fields.
    pub(crate) fn record(&mut self, fields: Vec<(String, Typed)>) -> Typed {
        let symbols = fields.iter().map(|(name, _)| self.program.symbol(name)).collect();
        let shape = self.program.shape(symbols);
        let ids: Vec<ExprId> = fields.iter().map(|(_, typed)| typed.id).collect();
        let kind = Type::Record(fields.into_iter().map(|(name, typed)| (name, typed.kind)).collect());
        let constants: Vec<Value> = ids.iter().filter_map(|id| self.constant_of(*id)).collect();
        if constants.len() == ids.len() {
            let values = self.program.add_values(&constants);
            return Typed { id: self.program.add(Expr::Constant(Value::Record { shape, values })), kind, omits: false };
        }
        let arguments = self.program.add_arguments(&ids);
        self.typed(Expr::Record(shape, arguments), kind)
    }

    /// A map as bytes: keys and constants are written now.
    pub(crate) fn object(&mut self, fields: &[(String, Typed)]) -> Typed {
        let optional = fields.iter().any(|(_, typed)| typed.omits);
        let mut layout = Layout::default();
        layout.literal(b"{");
        for (index, (name, typed)) in fields.iter().enumerate() {
            if optional {
                layout.field(&mut self.program, name, typed);
            } else {
                if index > 0 {
                    layout.literal(b",");
                }
                layout.key(name);
                layout.value(&mut self.program, typed);
            }
        }
        if optional {
            layout.close(&mut self.program, b'}')
        } else {
            layout.literal(b"}")
        }
        let operations = layout.finish(&mut self.program);
        let kind = Type::Record(fields.iter().map(|(name, typed)| (name.clone(), typed.kind.clone())).collect());
        self.typed(Expr::Json(operations), kind)
    }

    /// Ends compiling.
    pub(crate) fn finish(mut self) -> (Program, Vec<Problem>) {
        conditions::share_conditions(&mut self.program);
        conditions::shorten_comparisons(&mut self.program);
        if self.program.depth() > MAX_CHAIN {
            let message = format!("the draws of an event build on each other more than {MAX_CHAIN} deep");
            self.problems.push(Problem::error("events", message).with_hint("take the longest chain of `let` apart"));
        }
        (self.program, self.problems)
    }
}
