//! Calls about people and places: `$ip`, `$ua`, `$tz`, `$email_for`, `$address`, `$geo`.

use crate::generate::place::CITIES;
use crate::tree::{Node, Value as Written};

use super::super::program::{Expr, Maker, Picker, Pool};
use super::super::value::{Type, Value};
use super::{Compiler, Names, Purpose, Site, Typed};

impl Compiler<'_> {
    /// Compiles a call about people or places; none if it is no such call.
    pub(super) fn people_call(
        &mut self,
        name: &str,
        node: &Node,
        site: &Site,
        inner: &Site,
        names: &Names,
    ) -> Option<Typed> {
        let (maker, parameter) = match name {
            "$ip" => (Maker::Address, "country"),
            "$ua" => (Maker::Agent, "device"),
            "$tz" => (Maker::Zone, "country"),
            "$email_for" => (Maker::Email, "name"),
            "$address" => (Maker::Street, "city"),
            "$geo" => return Some(self.geo(node, site, inner)),
            _ => return None,
        };
        let argument = match &node.value {
            Written::Null | Written::Bool(true) => None,
            Written::Map(entries) if !entries.iter().any(|entry| entry.key.starts_with('$')) => {
                if !self.only(node, inner, &[parameter], name) {
                    return Some(self.wrong(inner, format!("`{name}` needs its {parameter}"), ""));
                }
                node.get(parameter)
            }
            _ => Some(node),
        };
        let argument = match argument {
            Some(node) => {
                let typed = self.node(node, &inner.child(parameter, node.mark), names, Purpose::Value);
                if !matches!(typed.kind, Type::Text | Type::Any | Type::Null) {
                    let message = format!("`{name}` takes a {parameter} as text, not {}", typed.kind.name());
                    return Some(self.wrong(inner, message, ""));
                }
                typed.id
            }
            None => self.program.add(Expr::Constant(Value::Null)),
        };
        Some(self.typed(Expr::Made(maker, site.key(), argument), Type::Text))
    }

    /// Some city with everything that agrees with it.
    fn geo(&mut self, node: &Node, site: &Site, inner: &Site) -> Typed {
        if !matches!(node.value, Written::Null | Written::Bool(true)) {
            return self.wrong(inner, "`$geo` takes nothing", "for some cities only, write a pool of them");
        }
        let items: Vec<Value> = crate::generate::place::built_in_items("cities")
            .unwrap_or_default()
            .iter()
            .map(|item| self.literal(item))
            .collect();
        let kind = items.first().map_or(Type::Any, |item| self.type_of(*item));
        debug_assert_eq!(items.len(), CITIES.len());
        self.program.pools.push(Pool { items, picker: Picker::Even, groups: Vec::new() });
        let pool = self.program.pools.len() as u32 - 1;
        self.typed(Expr::Pool(site.key(), pool), kind)
    }
}
