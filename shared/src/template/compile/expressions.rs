//! Compiling expressions: names are found, types checked, constants computed.

use crate::tree::nearest;

use super::super::draw::Draw;
use super::super::expression::{Ast, Operator, cut, parse};
use super::super::function::Function;
use super::super::program::{Expr, ExprId, Fact};
use super::super::value::{Symbol, Type, Value};
use super::{Binding, Compiler, Names, Site, Typed};

/// Functions that draw, for messages.
pub(crate) const DRAWS: [&str; 6] = ["int", "uniform", "hex", "uuid", "index", "seq"];

impl Compiler<'_> {
    /// Compiles an expression. `draws` counts the draws of its text, so that each has a name of its own.
    pub(crate) fn expression(&mut self, text: &str, site: &Site, names: &Names, draws: &mut u32) -> Typed {
        match parse(text) {
            Ok(ast) => self.ast(&ast, site, names, draws),
            Err(message) => {
                let message = format!("`{}` is no expression: {message}", cut(text.trim()));
                self.wrong(site, message, "write it like `${user.id}`")
            }
        }
    }

    fn ast(&mut self, ast: &Ast, site: &Site, names: &Names, draws: &mut u32) -> Typed {
        match ast {
            Ast::Null => self.constant(Value::Null),
            Ast::Bool(value) => self.constant(Value::Bool(*value)),
            Ast::Int(number) => self.constant(Value::Int(*number)),
            Ast::Float(number) => self.constant(Value::Float(*number)),
            Ast::Text(text) => {
                let span = self.program.add_text(text.as_bytes());
                self.constant(Value::Text(span))
            }
            Ast::Name(_) | Ast::Field(..) => self.path(ast, site, names, draws),
            Ast::Index(of, index) => {
                let (of, index) = (self.ast(of, site, names, draws), self.ast(index, site, names, draws));
                let kind = match &of.kind {
                    Type::List(item) => (**item).clone(),
                    Type::Any | Type::Record(_) | Type::Null => Type::Any,
                    other => {
                        let message = format!("{} has no items", other.name());
                        return self.wrong(site, message, "write [..] behind a list or a record");
                    }
                };
                self.fold(Expr::At(of.id, index.id), &[of.id, index.id], kind)
            }
            Ast::Call(name, arguments) => self.function(name, arguments, site, names, draws),
            Ast::Negate(of) => {
                let of = self.ast(of, site, names, draws);
                if !of.kind.may_be_number() {
                    return self.wrong(site, format!("`-` takes a number, not {}", of.kind.name()), "");
                }
                self.fold(Expr::Negate(of.id), &[of.id], of.kind)
            }
            Ast::Not(of) => {
                let of = self.ast(of, site, names, draws);
                self.fold(Expr::Not(of.id), &[of.id], Type::Bool)
            }
            Ast::Binary(operator, left, right) => {
                let (left, right) = (self.ast(left, site, names, draws), self.ast(right, site, names, draws));
                self.binary(*operator, &left, &right, site)
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: &Typed, right: &Typed, site: &Site) -> Typed {
        let kind = match operator {
            Operator::Or | Operator::And => Type::Bool,
            Operator::Equal | Operator::Unequal => {
                if let (Type::Text, Type::Int | Type::Float | Type::Bool)
                | (Type::Int | Type::Float | Type::Bool, Type::Text) = (&left.kind, &right.kind)
                {
                    let message = format!("{} never equals {}", left.kind.name(), right.kind.name());
                    return self.wrong(site, message, "put quotes around a text, or use text(..) or number(..)");
                }
                Type::Bool
            }
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                let sortable = |kind: &Type| kind.may_be_number() || *kind == Type::Text;
                if !sortable(&left.kind)
                    || !sortable(&right.kind)
                    || (left.kind == Type::Text) != (right.kind == Type::Text)
                        && ![&left.kind, &right.kind].contains(&&Type::Any)
                {
                    let message =
                        format!("`{operator}` cannot compare {} with {}", left.kind.name(), right.kind.name());
                    return self.wrong(site, message, "compare numbers with numbers, texts with texts");
                }
                Type::Bool
            }
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                for side in [left, right] {
                    if !side.kind.may_be_number() {
                        let hint = if operator == Operator::Add { "join texts by writing \"${a}${b}\"" } else { "" };
                        return self.wrong(site, format!("`{operator}` takes numbers, not {}", side.kind.name()), hint);
                    }
                }
                let by_zero = matches!(operator, Operator::Divide | Operator::Remainder)
                    && self.known(right).and_then(Value::as_f64) == Some(0.0);
                if by_zero {
                    return self.wrong(site, "division by zero", "divide by something that is never zero");
                }
                arithmetic_type(operator, &left.kind, &right.kind)
            }
        };
        self.fold(Expr::Binary(operator, left.id, right.id), &[left.id, right.id], kind)
    }

    /// Finds what a path of names stands for.
    fn path(&mut self, ast: &Ast, site: &Site, names: &Names, draws: &mut u32) -> Typed {
        let mut fields = Vec::new();
        let mut root = ast;
        while let Ast::Field(of, name) = root {
            fields.push(name.as_str());
            root = of;
        }
        fields.reverse();
        let Ast::Name(name) = root else {
            let of = self.ast(root, site, names, draws);
            return self.fields(of, &fields, site);
        };
        let mut scope = names;
        let mut word = name.as_str();
        let mut walked = String::new();
        let mut rest = fields.as_slice();
        loop {
            match scope.get(word) {
                Some(Binding::Value(typed)) => return self.fields(typed.clone(), rest, site),
                Some(Binding::Names(inner)) => {
                    if !walked.is_empty() {
                        walked.push('.');
                    }
                    walked.push_str(word);
                    match rest.split_first() {
                        Some((next, after)) => (scope, word, rest) = (inner, next, after),
                        None => {
                            let hint = nearest::hint("", inner.iter());
                            return self.wrong(site, format!("`{walked}` is not a value"), hint.unwrap_or_default());
                        }
                    }
                }
                None => {
                    let message = if walked.is_empty() {
                        format!("there is no `{word}` here")
                    } else {
                        format!("`{walked}` has no `{word}`")
                    };
                    let hint = nearest::hint(word, scope.iter());
                    return self.wrong(site, message, hint.unwrap_or_default());
                }
            }
        }
    }

    /// Goes down into fields of a value.
    pub(crate) fn fields(&mut self, of: Typed, fields: &[&str], site: &Site) -> Typed {
        let mut typed = of;
        for name in fields {
            let kind = match &typed.kind {
                Type::Any | Type::Null => Type::Any,
                Type::Record(known) => match known.iter().find(|(field, _)| field == name) {
                    Some((_, kind)) => kind.clone(),
                    None => {
                        let hint = nearest::hint(name, known.iter().map(|(field, _)| field.as_str()));
                        return self.wrong(site, format!("there is no field `{name}`"), hint.unwrap_or_default());
                    }
                },
                // A field of a list is that field of each of its items.
                Type::List(item) => match &**item {
                    Type::Any => Type::List(Box::new(Type::Any)),
                    Type::Record(known) if known.iter().any(|(field, _)| field == name) => {
                        let kind = known.iter().find(|(field, _)| field == name).map(|(_, kind)| kind.clone());
                        Type::List(Box::new(kind.unwrap_or(Type::Any)))
                    }
                    _ => {
                        let message = format!("the items of the list have no field `{name}`");
                        return self.wrong(site, message, "");
                    }
                },
                other => {
                    let message = format!("{} has no field `{name}`", other.name());
                    return self.wrong(site, message, "");
                }
            };
            let symbol = self.program.symbol(name);
            let expression = match &typed.kind {
                Type::Record(known) => self.field_at(typed.id, known, symbol),
                _ => Expr::Field(typed.id, symbol),
            };
            let known_list = matches!(self.known(&typed), Some(Value::StateList(_)));
            typed = if known_list { self.typed(expression, kind) } else { self.fold(expression, &[typed.id], kind) };
        }
        typed
    }

    /// A field of a record whose type is known: most likely the record has exactly these fields in this order.
    fn field_at(&mut self, of: ExprId, known: &[(String, Type)], symbol: Symbol) -> Expr {
        let fields: Vec<Symbol> = known.iter().map(|(name, _)| self.program.symbol(name)).collect();
        match fields.iter().position(|field| *field == symbol) {
            Some(place) => Expr::FieldAt(of, self.program.shape(fields), place as u32),
            None => Expr::Field(of, symbol),
        }
    }

    fn function(&mut self, name: &str, arguments: &[Ast], site: &Site, names: &Names, draws: &mut u32) -> Typed {
        let compiled: Vec<Typed> = arguments.iter().map(|argument| self.ast(argument, site, names, draws)).collect();
        let ids: Vec<ExprId> = compiled.iter().map(|typed| typed.id).collect();
        if let Some(typed) = self.drawing_function(name, &compiled, &ids, site, draws) {
            return typed;
        }
        let Some((function, fewest, most)) = Function::named(name) else {
            let hint = nearest::hint(name, Function::names().chain(DRAWS));
            return self.wrong(site, format!("there is no function `{name}`"), hint.unwrap_or_default());
        };
        if !(fewest..=most).contains(&ids.len()) {
            let wanted = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
            return self.wrong(site, format!("`{name}` takes {wanted} arguments, not {}", ids.len()), "");
        }
        let kinds: Vec<Type> = compiled.into_iter().map(|typed| typed.kind).collect();
        match function.result(&kinds) {
            Ok(kind) => {
                let arguments = self.program.add_arguments(&ids);
                self.fold(Expr::Function(function, arguments), &ids, kind)
            }
            Err(message) => self.wrong(site, format!("`{name}` {message}"), ""),
        }
    }

    /// Functions that draw or say where the event stands.
    fn drawing_function(
        &mut self,
        name: &str,
        arguments: &[Typed],
        ids: &[ExprId],
        site: &Site,
        draws: &mut u32,
    ) -> Option<Typed> {
        let (draw, kind) = match (name, ids.len()) {
            ("int", 2) => (Draw::Int, Type::Int),
            ("uniform", 2) => (Draw::Uniform, Type::Float),
            ("uuid", 0) => (Draw::UuidV4, Type::Text),
            ("hex", 1) => {
                let digits =
                    self.known(&arguments[0]).and_then(Value::as_i64).filter(|digits| (1..=32).contains(digits));
                let Some(digits) = digits else {
                    return Some(self.wrong(site, "`hex` takes a number of digits from 1 to 32", "write hex(12)"));
                };
                return Some(self.hex(digits as u8, site, draws));
            }
            ("index" | "seq", 0 | 1) => {
                let fact = if name == "index" { Fact::Index } else { Fact::Sequence };
                let number = self.program.add(Expr::Fact(fact));
                let Some(width) = ids.first() else { return Some(self.typed(Expr::Fact(fact), Type::Int)) };
                let arguments = self.program.add_arguments(&[number, *width]);
                return Some(self.typed(Expr::Function(Function::Pad, arguments), Type::Text));
            }
            _ => return None,
        };
        for argument in arguments {
            if !argument.kind.may_be_number() {
                let message = format!("`{name}` takes numbers, not {}", argument.kind.name());
                return Some(self.wrong(site, message, ""));
            }
        }
        let key = self.next_key(site, draws);
        Some(Typed { id: self.draw(draw, key, arguments), kind, omits: false })
    }

    /// So many random hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: u8, site: &Site, draws: &mut u32) -> Typed {
        let mut parts = Vec::new();
        let mut rest = digits;
        while rest > 0 {
            let width = rest.min(16);
            let key = self.next_key(site, draws);
            parts.push(self.program.add(Expr::Draw(Draw::Hex(width), key, Default::default())));
            rest -= width;
        }
        match parts.as_slice() {
            [only] => Typed { id: *only, kind: Type::Text, omits: false },
            _ => {
                let arguments = self.program.add_arguments(&parts);
                self.typed(Expr::Concat(arguments), Type::Text)
            }
        }
    }

    /// The name of the next draw of a text.
    fn next_key(&mut self, site: &Site, draws: &mut u32) -> u64 {
        let key = crate::random::hash_name(&format!("{}#{draws}", site.field));
        *draws += 1;
        key
    }
}

/// The type that arithmetic comes to.
fn arithmetic_type(operator: Operator, left: &Type, right: &Type) -> Type {
    match (operator, left, right) {
        (_, Type::Any | Type::Null, _) | (_, _, Type::Any | Type::Null) => Type::Any,
        (Operator::Subtract, Type::Moment, Type::Moment) => Type::Duration,
        (_, Type::Moment, _) | (_, _, Type::Moment) => Type::Moment,
        (Operator::Divide, Type::Duration, Type::Duration) => Type::Float,
        (_, Type::Duration, _) | (_, _, Type::Duration) => Type::Duration,
        (Operator::Divide, ..) => Type::Float,
        (_, Type::Int, Type::Int) => Type::Int,
        _ => Type::Float,
    }
}
