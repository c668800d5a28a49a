//! Modifiers of calls: `round`, `clamp`, `missing`, `unique`, `cast`, `weights`.

use crate::tree::{Entry, Value as Written};

use super::super::function::Function;
use super::super::program::Expr;
use super::super::value::Type;
use super::{Compiler, Names, Purpose, Site, Typed};

/// The keys that may stand beside a call.
pub(crate) const MODIFIERS: [&str; 6] = ["round", "clamp", "missing", "unique", "cast", "weights"];

impl Compiler<'_> {
    /// Applies a call's modifiers, in a fixed order: clamp, round, cast, missing.
    pub(super) fn modified(
        &mut self,
        typed: Typed,
        call: &str,
        entries: &[Entry],
        site: &Site,
        names: &Names,
    ) -> Typed {
        let find = |name: &str| entries.iter().find(|entry| entry.key == name);
        let mut typed = typed;
        if let Some(entry) = find("unique")
            && call != "$array"
        {
            let place = site.child("unique", entry.key_mark);
            self.problem(&place, format!("`unique` belongs to `$array`, not to `{call}`"), None);
        }
        if let Some(entry) = find("weights")
            && call != "$pick"
        {
            let place = site.child("weights", entry.key_mark);
            self.problem(&place, format!("`weights` belongs to `$pick`, not to `{call}`"), None);
        }
        if let Some(entry) = find("clamp") {
            let place = site.child("clamp", entry.node.mark);
            typed = match entry.node.as_list() {
                Some([low, high]) => {
                    let low = self.quantity(low, &place.item(0, low.mark), names);
                    let high = self.quantity(high, &place.item(1, high.mark), names);
                    self.numeric(&typed, "clamp", &place);
                    let arguments = self.program.add_arguments(&[typed.id, low.id, high.id]);
                    Typed { id: self.program.add(Expr::Clamp(arguments)), ..typed }
                }
                _ => self.wrong(&place, "`clamp` takes two bounds", "write clamp: [0, 100]"),
            };
        }
        if let Some(entry) = find("round") {
            let place = site.child("round", entry.node.mark);
            typed = match entry.node.value {
                Written::Int(digits @ 0..=12) => {
                    self.numeric(&typed, "round", &place);
                    let kind = match typed.kind {
                        Type::Float | Type::Int if digits == 0 => Type::Int,
                        other => other,
                    };
                    Typed { id: self.program.add(Expr::Round(typed.id, digits as u8)), kind, omits: typed.omits }
                }
                _ => self.wrong(&place, "`round` takes a number of digits from 0 to 12", "write round: 2"),
            };
        }
        if let Some(entry) = find("cast") {
            let place = site.child("cast", entry.node.mark);
            let (function, kind) = match entry.node.as_str() {
                Some("text" | "string") => (Function::Text, Type::Text),
                Some("int" | "integer") => (Function::Whole, Type::Int),
                Some("number" | "float") => (Function::Number, Type::Float),
                _ => return self.wrong(&place, "`cast` makes text, int or number", "write cast: text"),
            };
            let arguments = self.program.add_arguments(&[typed.id]);
            typed = Typed { id: self.program.add(Expr::Function(function, arguments)), kind, omits: false };
        }
        if let Some(entry) = find("missing") {
            let place = site.child("missing", entry.node.mark);
            let p = self.node(&entry.node, &place, names, Purpose::Value);
            self.probability(&p, &place);
            let arguments = self.program.add_arguments(&[p.id, typed.id]);
            typed =
                Typed { id: self.program.add(Expr::Missing(place.key(), arguments)), kind: typed.kind, omits: true };
        }
        typed
    }

    fn numeric(&mut self, typed: &Typed, modifier: &str, site: &Site) {
        if !typed.kind.may_be_number() {
            let message = format!("`{modifier}` is for numbers, not for {}", typed.kind.name());
            self.problem(site, message, None);
        }
    }
}
