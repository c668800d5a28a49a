//! Calls that draw numbers and spans of time.

use crate::random::choice::Alias;
use crate::random::distribution::{CutGeometric, LogNormal};
use crate::tree::{Node, Value as Written};
use crate::units::Nanos;

use super::super::draw::Draw;
use super::super::function::Function;
use super::super::program::{Expr, ExprId};
use super::super::value::{Type, Value};
use super::{Compiler, Names, Purpose, Site, Typed};

impl Compiler<'_> {
    /// Compiles a call that gives a number; none if it is no such call.
    pub(super) fn number_call(
        &mut self,
        name: &str,
        node: &Node,
        site: &Site,
        inner: &Site,
        names: &Names,
    ) -> Option<Typed> {
        let number = Type::Float;
        Some(match name {
            "$int" => self.drawn(name, Draw::Int, &["min", "max"], Type::Int, node, site, inner, names),
            "$uniform" => self.drawn(name, Draw::Uniform, &["min", "max"], number, node, site, inner, names),
            "$normal" => self.drawn(name, Draw::Normal, &["mean", "sd"], number, node, site, inner, names),
            "$lognormal" => self.lognormal(node, site, inner, names),
            "$exp" => self.drawn(name, Draw::Exponential, &["mean"], number, node, site, inner, names),
            "$pareto" => self.drawn(name, Draw::Pareto, &["scale", "shape"], number, node, site, inner, names),
            "$weibull" => self.drawn(name, Draw::Weibull, &["scale", "shape"], number, node, site, inner, names),
            "$gamma" => self.drawn(name, Draw::Gamma, &["shape", "scale"], number, node, site, inner, names),
            "$poisson" => self.drawn(name, Draw::Poisson, &["mean"], Type::Int, node, site, inner, names),
            "$zipf" => self.drawn(name, Draw::Zipf, &["count", "exponent"], Type::Int, node, site, inner, names),
            "$sine" => self.drawn(name, Draw::Sine, &["mean", "amplitude", "period"], number, node, site, inner, names),
            "$walk" => self.drawn(name, Draw::Walk, &["mean", "sd", "tau"], number, node, site, inner, names),
            "$decay" => self.drawn(name, Draw::Decay, &["from", "to", "halves_in"], number, node, site, inner, names),
            "$geometric" => self.geometric(node, site, inner, names),
            "$bool" => {
                let p = self.node(node, inner, names, Purpose::Value);
                self.probability(&p, inner);
                Typed { id: self.draw(Draw::Bool, site.key(), &[p]), kind: Type::Bool, omits: false }
            }
            "$min" | "$max" => self.extreme(name, node, inner, names),
            "$histogram" => self.histogram(node, site, inner),
            _ => return None,
        })
    }

    /// A number, or a span of time such as `10s`.
    pub(super) fn quantity(&mut self, node: &Node, site: &Site, names: &Names) -> Typed {
        if let Some(span) = node.as_str().and_then(written_span) {
            return self.constant(span);
        }
        let typed = self.node(node, site, names, Purpose::Value);
        if !typed.kind.may_be_number() {
            return self.wrong(site, format!("a number should stand here, not {}", typed.kind.name()), "");
        }
        typed
    }

    /// A span of time; a bare number is in seconds.
    pub(crate) fn span(&mut self, node: &Node, site: &Site, names: &Names) -> Typed {
        let typed = self.quantity(node, site, names);
        if typed.kind == Type::Duration {
            return typed;
        }
        if typed.kind == Type::Moment {
            return self.wrong(site, "a span of time should stand here, not a moment", "write 10s, 5m or 1h30m");
        }
        let arguments = self.program.add_arguments(&[typed.id]);
        let needs = [typed.id];
        if matches!(self.program.expression(typed.id), Expr::Constant(_)) || typed.kind != Type::Any {
            return self.fold(Expr::Function(Function::Seconds, arguments), &needs, Type::Duration);
        }
        self.typed(Expr::Function(Function::Seconds, arguments), Type::Duration)
    }

    #[expect(clippy::too_many_arguments, reason = "a draw is its name, its parameters and where all that stands")]
    fn drawn(
        &mut self,
        name: &str,
        draw: Draw,
        parameters: &[&str],
        kind: Type,
        node: &Node,
        site: &Site,
        inner: &Site,
        names: &Names,
    ) -> Typed {
        let Some(arguments) = self.parameters(name, parameters, node, inner, names) else { return self.anything() };
        let known: Vec<Option<f64>> = arguments.iter().map(|typed| self.known(typed).and_then(Value::as_f64)).collect();
        if let Some(message) = unsound(draw, &known) {
            return self.wrong(inner, format!("`{name}`: {message}"), "");
        }
        // What is drawn between spans is a span.
        // The last parameter of these three says when, not what.
        let timed = matches!(draw, Draw::Sine | Draw::Walk | Draw::Decay);
        let values = if timed { &arguments[..2] } else { &arguments[..] };
        let spans = values.iter().any(|typed| typed.kind == Type::Duration);
        let kind = if spans { Type::Duration } else { kind };
        let mut arguments = arguments;
        if timed && !spans && arguments[2].kind == Type::Duration {
            // A span among the arguments makes a span of the draw: here it is a number of seconds.
            let number = self.program.add_arguments(&[arguments[2].id]);
            arguments[2] = self.fold(Expr::Function(Function::Number, number), &[arguments[2].id], Type::Float);
        }
        Typed { id: self.draw(draw, site.key(), &arguments), kind, omits: false }
    }

    /// A draw of a key. Where its arguments are known it takes none.
    pub(super) fn draw(&mut self, draw: Draw, key: u64, arguments: &[Typed]) -> ExprId {
        let known: Vec<f64> = arguments
            .iter()
            .filter_map(|typed| self.known(typed))
            // A span among the arguments makes a span of the draw.
            .filter(|value| !matches!(value, Value::Duration(_)))
            .filter_map(Value::as_f64)
            .collect();
        let ready = &mut self.program.ready;
        let fixed = match (draw, known.as_slice()) {
            (Draw::Int, [low, high]) => {
                ready.ints.push((*low as i64, *high as i64));
                Draw::IntFixed(ready.ints.len() as u32 - 1)
            }
            (Draw::Uniform, [low, high]) => {
                ready.uniforms.push((*low, high - low));
                Draw::UniformFixed(ready.uniforms.len() as u32 - 1)
            }
            (Draw::Bool, [p]) => {
                ready.chances.push(*p);
                Draw::BoolFixed(ready.chances.len() as u32 - 1)
            }
            _ => {
                let ids: Vec<ExprId> = arguments.iter().map(|typed| typed.id).collect();
                let arguments = self.program.add_arguments(&ids);
                return self.program.add(Expr::Draw(draw, key, arguments));
            }
        };
        self.program.add(Expr::Draw(fixed, key, Default::default()))
    }

    /// The parameters of a draw, as a list in their order, as a map, or as the only one.
    fn parameters(
        &mut self,
        name: &str,
        parameters: &[&str],
        node: &Node,
        inner: &Site,
        names: &Names,
    ) -> Option<Vec<Typed>> {
        let usage = match parameters {
            [only] => format!("write {{{name}: {only}}}"),
            _ => format!("write {{{name}: [{}]}}", parameters.join(", ")),
        };
        let nodes: Vec<&Node> = match &node.value {
            Written::List(items) => items.iter().collect(),
            Written::Map(entries) if !entries.iter().any(|entry| entry.key.starts_with('$')) => {
                self.only(node, inner, parameters, name);
                parameters.iter().filter_map(|parameter| node.get(parameter)).collect()
            }
            _ => vec![node],
        };
        if nodes.len() != parameters.len() {
            self.problem(
                inner,
                format!("`{name}` takes {} numbers, not {}", parameters.len(), nodes.len()),
                Some(usage),
            );
            return None;
        }
        Some(
            nodes
                .iter()
                .zip(parameters)
                .map(|(node, word)| self.quantity(node, &inner.child(word, node.mark), names))
                .collect(),
        )
    }

    /// `{p50, p99}` or `{mean, cv}`
    fn lognormal(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names) -> Typed {
        let by_mean = node.get("mean").is_some();
        let parameters: [&str; 2] = if by_mean { ["mean", "cv"] } else { ["p50", "p99"] };
        let Some(arguments) = self.parameters("$lognormal", &parameters, node, inner, names) else {
            return self.anything();
        };
        let known: Vec<f64> = arguments.iter().filter_map(|typed| self.known(typed).and_then(Value::as_f64)).collect();
        let spans = arguments.iter().any(|typed| typed.kind == Type::Duration);
        let kind = if spans { Type::Duration } else { Type::Float };
        if let [first, second] = known[..] {
            if first <= 0.0 || second < 0.0 || (!by_mean && second < first) {
                let message =
                    format!("`$lognormal` cannot have {} {first} and {} {second}", parameters[0], parameters[1]);
                return self.wrong(inner, message, "write a median above zero and a 99th percentile above the median");
            }
            let fixed =
                if by_mean { LogNormal::from_mean(first, second) } else { LogNormal::from_percentiles(first, second) };
            self.program.ready.lognormals.push(fixed);
            let draw = Draw::LogNormalFixed(self.program.ready.lognormals.len() as u32 - 1);
            let number = self.typed(Expr::Draw(draw, site.key(), Default::default()), Type::Float);
            if !spans {
                return number;
            }
            let arguments = self.program.add_arguments(&[number.id]);
            return self.typed(Expr::Function(Function::Seconds, arguments), kind);
        }
        if let (true, Some(cv)) = (by_mean, self.known(&arguments[1]).and_then(Value::as_f64)) {
            // Only the mean differs from event to event: the spread is computed once.
            self.program.ready.lognormals.push(LogNormal::from_mean(1.0, cv.max(0.0)));
            let draw = Draw::LogNormalScaled(self.program.ready.lognormals.len() as u32 - 1);
            let mean = self.program.add_arguments(&[arguments[0].id]);
            return self.typed(Expr::Draw(draw, site.key(), mean), kind);
        }
        let draw = if by_mean { Draw::LogNormalMean } else { Draw::LogNormalPercentiles };
        let ids: Vec<ExprId> = arguments.iter().map(|typed| typed.id).collect();
        let arguments = self.program.add_arguments(&ids);
        self.typed(Expr::Draw(draw, site.key(), arguments), kind)
    }

    /// `{min, max, mean}`
    fn geometric(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names) -> Typed {
        let parameters = ["min", "max", "mean"];
        let Some(arguments) = self.parameters("$geometric", &parameters, node, inner, names) else {
            return self.anything();
        };
        let known: Vec<f64> = arguments.iter().filter_map(|typed| self.known(typed).and_then(Value::as_f64)).collect();
        if let [low, high, mean] = known[..] {
            if high < low || mean < low || mean > high {
                let message = format!("`$geometric` cannot have a mean of {mean} between {low} and {high}");
                return self.wrong(inner, message, "write a mean between min and max");
            }
            self.program.ready.geometrics.push(CutGeometric::with_mean(low as i64, high as i64, mean));
            let draw = Draw::GeometricFixed(self.program.ready.geometrics.len() as u32 - 1);
            return self.typed(Expr::Draw(draw, site.key(), Default::default()), Type::Int);
        }
        let ids: Vec<ExprId> = arguments.iter().map(|typed| typed.id).collect();
        let arguments = self.program.add_arguments(&ids);
        self.typed(Expr::Draw(Draw::Geometric, site.key(), arguments), Type::Int)
    }

    fn extreme(&mut self, name: &str, node: &Node, inner: &Site, names: &Names) -> Typed {
        let Some(items) = node.as_list().filter(|items| (1..=8).contains(&items.len())) else {
            return self.wrong(
                inner,
                format!("`{name}` takes a list of 1 to 8 numbers"),
                format!("write {{{name}: [a, b]}}"),
            );
        };
        let compiled: Vec<Typed> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.quantity(item, &inner.item(index, item.mark), names))
            .collect();
        let (mut ids, kind, _) = super::calls::joined(compiled);
        if let [only] = ids[..] {
            // A function of one argument would look into a list.
            ids.push(only);
        }
        let function = if name == "$max" { Function::Max } else { Function::Min };
        let arguments = self.program.add_arguments(&ids);
        self.fold(Expr::Function(function, arguments), &ids, kind)
    }

    /// A list of `[low, high, weight]`: which cell by weight, where in it evenly.
    fn histogram(&mut self, node: &Node, site: &Site, inner: &Site) -> Typed {
        let usage = "write {$histogram: [[0, 10, 5], [10, 100, 1]]}";
        let Some(cells) = node.as_list().filter(|cells| !cells.is_empty()) else {
            return self.wrong(inner, "`$histogram` takes a list of cells", usage);
        };
        let mut weights = Vec::new();
        let mut options = Vec::new();
        for (index, cell) in cells.iter().enumerate() {
            let place = inner.item(index, cell.mark);
            let numbers: Vec<f64> = cell.as_list().unwrap_or_default().iter().filter_map(Node::as_f64).collect();
            let [low, high, weight] = numbers[..] else {
                return self.wrong(&place, "a cell is low, high and weight", usage);
            };
            weights.push(weight);
            let (low, high) = (self.constant(Value::Float(low)), self.constant(Value::Float(high)));
            options.push(self.draw(Draw::Uniform, place.key(), &[low, high]));
        }
        let Some(table) = Alias::new(&weights) else {
            return self.wrong(inner, "no cell has a weight above zero", usage);
        };
        self.program.tables.push(table);
        let table = self.program.tables.len() as u32 - 1;
        let arguments = self.program.add_arguments(&options);
        self.typed(Expr::Weighted(site.key(), table, arguments), Type::Float)
    }
}

/// What a text such as `10s` says; bare numbers are left to be numbers.
fn written_span(text: &str) -> Option<Value> {
    let ends_in_unit = text.chars().last().is_some_and(char::is_alphabetic);
    let starts_in_digit = text.starts_with(|c: char| c.is_ascii_digit());
    if !ends_in_unit || !starts_in_digit {
        return None;
    }
    let span: Nanos = text.parse().ok()?;
    Some(Value::Duration(i64::try_from(span.as_micros()).ok()?))
}

/// Why a draw cannot be made with these parameters, as far as they are known.
fn unsound(draw: Draw, known: &[Option<f64>]) -> Option<String> {
    let at = |index: usize| known.get(index).copied().flatten();
    match draw {
        Draw::Int | Draw::Uniform => match (at(0), at(1)) {
            (Some(low), Some(high)) if low > high => Some(format!("{low} is above {high}")),
            _ => None,
        },
        Draw::Normal => at(1).filter(|sd| *sd < 0.0).map(|sd| format!("a standard deviation of {sd} is below zero")),
        Draw::Exponential | Draw::Poisson => {
            at(0).filter(|mean| *mean < 0.0).map(|mean| format!("a mean of {mean} is below zero"))
        }
        Draw::Pareto | Draw::Weibull | Draw::Gamma => {
            let wrong = [at(0), at(1)].into_iter().flatten().find(|number| *number <= 0.0);
            wrong.map(|number| format!("{number} is not above zero"))
        }
        Draw::Sine | Draw::Walk | Draw::Decay => {
            at(2).filter(|span| *span <= 0.0).map(|span| format!("{span} is not above zero"))
        }
        Draw::Zipf => at(0).filter(|count| *count < 1.0).map(|_| "it needs at least one rank".to_owned()),
        _ => None,
    }
}
