//! Compiling pools: their items become constants, their `pick` a picker.

use crate::generate::place::{BUILT_IN, built_in_items};
use crate::order;
use crate::random::choice::{Alias, Zipf};
use crate::random::permutation::Permutation;
use crate::random::{Domain, Stream};
use crate::scenario::model::pool::{Pick, Pool as PoolModel};
use crate::tree::nearest;
use crate::tree::{Node, Value as Written};

use super::super::context::Scratch;
use super::super::program::{Expr, Fact, Picker, Pool};
use super::super::value::{Type, Value};
use super::{Binding, Compiler, Names, Purpose, Site, Typed};

/// Most items of a generated pool; more are refused, since items are kept.
const MAX_ITEMS: u32 = 1_000_000;

/// A pool on its way.
#[derive(Clone, Debug)]
pub(crate) enum Compiled {
    /// Begun, not done: whoever meets it now goes in a circle.
    Begun,
    /// Done: its index and the type of its items.
    Done(u32, Type),
    /// Wrong; the problem is noted.
    Wrong,
}

impl Compiler<'_> {
    /// Compiles every pool, used or not, so that all problems are found.
    pub(crate) fn all_pools(&mut self) {
        let names: Vec<&String> = self.models.keys().collect();
        for name in names {
            self.pool(name);
        }
    }

    /// A pool by name.
    fn pool(&mut self, name: &str) -> Compiled {
        match self.pools.get(name) {
            Some(known) => return known.clone(),
            None => self.pools.insert(name.to_owned(), Compiled::Begun),
        };
        let compiled = match self.models.get(name) {
            Some(model) => {
                let site = Site::new(format!("pools.{name}"), "item", pool_mark(model));
                let stream = self.seed.domain(Domain::Pool).named(name);
                self.build_pool(name, model, &site, stream)
            }
            None => Compiled::Wrong,
        };
        self.pools.insert(name.to_owned(), compiled.clone());
        compiled
    }

    fn build_pool(&mut self, name: &str, model: &PoolModel, site: &Site, stream: Stream) -> Compiled {
        if let Some(inline) = &model.inline {
            let place = site.child("inline", inline.mark);
            return match &inline.value {
                Written::List(items) => {
                    let values = items.iter().map(|item| self.literal(item)).collect();
                    self.put_pool(values, &model.pick, Vec::new(), &place, stream)
                }
                Written::Map(entries) => {
                    let mut groups = Vec::new();
                    let mut all = Vec::new();
                    for entry in entries {
                        let place = place.child(&entry.key, entry.node.mark);
                        let Some(items) = entry.node.as_list() else {
                            self.problem(&place, format!("a group is a list, not {}", entry.node.kind()), None);
                            continue;
                        };
                        let values: Vec<Value> = items.iter().map(|item| self.literal(item)).collect();
                        all.extend_from_slice(&values);
                        let stream = stream.named(&entry.key);
                        if let Compiled::Done(index, _) = self.put_pool(values, &model.pick, Vec::new(), &place, stream)
                        {
                            groups.push((entry.key.clone(), index));
                        }
                    }
                    order::sort(&mut groups);
                    self.put_pool(all, &model.pick, groups, &place, stream)
                }
                _ => {
                    let message = format!("`inline` is a list of items, not {}", inline.kind());
                    self.wrong(&place, message, "write inline: [a, b, c]");
                    Compiled::Wrong
                }
            };
        }
        if let Some(generate) = &model.generate {
            let place = site.child("generate", generate.item.mark);
            if generate.count == 0 || generate.count > MAX_ITEMS {
                let message = format!("a pool has 1 to {MAX_ITEMS} items, not {}", generate.count);
                self.wrong(&place.child("count", generate.item.mark), message, "");
                return Compiled::Wrong;
            }
            // Draws are named by the item's own fields, wherever the pool stands.
            let place = Site { field: "item".to_owned(), ..place.child("item", generate.item.mark) };
            let mut names = Names::default();
            let index = self.typed(Expr::Fact(Fact::Index), Type::Int);
            names.bind("index", index);
            let before = self.problems.len();
            let item = self.pool_item(&generate.item, &place, &names);
            if self.problems.len() > before {
                return Compiled::Wrong;
            }
            let mut scratch = Scratch::default();
            let values = (0..u64::from(generate.count))
                .map(|number| self.computed_with(item.id, stream.child(number), number + 1, &mut scratch))
                .collect();
            return self.put_pool(values, &model.pick, Vec::new(), &place, stream);
        }
        if model.file.is_some() || model.fetch.is_some() {
            let compiled = self.supplied_pool(name, model, site, stream);
            if let Compiled::Done(index, _) = compiled {
                self.program.supplied.push((name.to_owned(), index));
            }
            return compiled;
        }
        if let Some(name) = &model.builtin {
            return match built_in_items(name) {
                Some(items) => {
                    let values = items.iter().map(|item| self.literal(item)).collect();
                    self.put_pool(values, &model.pick, Vec::new(), site, stream)
                }
                None => {
                    let hint = nearest::hint(name, BUILT_IN);
                    let place = site.child("builtin", site.mark);
                    self.wrong(&place, format!("Throng brings no `{name}` along"), hint.unwrap_or_default());
                    Compiled::Wrong
                }
            };
        }
        self.wrong(site, "the pool has no items", "give it inline, generate, file, fetch or builtin");
        Compiled::Wrong
    }

    /// Gives a pool that is read elsewhere the items that the caller brings now. What was made of the old ones stays valid:
    /// texts and values are only added.
    pub(crate) fn refill(&mut self, name: &str) {
        let place = self.program.supplied.iter().find(|(known, _)| known == name).map(|(_, index)| *index as usize);
        let (Some(place), Some(model)) = (place, self.models.get(name)) else { return };
        let site = Site::new(format!("pools.{name}"), "item", pool_mark(model));
        let stream = self.seed.domain(Domain::Pool).named(name);
        if let Compiled::Done(..) = self.supplied_pool(name, model, &site, stream)
            && let Some(pool) = self.program.pools.pop()
        {
            self.program.pools[place] = pool;
        }
    }

    /// A pool whose items the caller brings; without them it is empty and everything drawn from it is nothing.
    fn supplied_pool(&mut self, name: &str, model: &PoolModel, site: &Site, stream: Stream) -> Compiled {
        let Some(items) = self.supplied.get(name) else {
            self.program.pools.push(Pool { items: Vec::new(), picker: Picker::Even, groups: Vec::new() });
            return Compiled::Done(self.program.pools.len() as u32 - 1, Type::Any);
        };
        let Some(items) = items.as_list() else {
            self.wrong(site, format!("its items are a list, not {}", items.kind()), "");
            return Compiled::Wrong;
        };
        let fewest = model.fetch.as_ref().and_then(|fetch| fetch.min).unwrap_or(1) as usize;
        if items.len() < fewest {
            let message = format!("there are {} items, and it needs {fewest}", items.len());
            self.wrong(site, message, "look at what the file or the target holds");
            return Compiled::Wrong;
        }
        let values = items.iter().map(|item| self.literal(item)).collect();
        let compiled = self.put_pool(values, &model.pick, Vec::new(), site, stream);
        match compiled {
            // Another answer may have other fields: what is there now proves nothing.
            Compiled::Done(index, _) => Compiled::Done(index, Type::Any),
            other => other,
        }
    }

    /// An item: a record whose fields may use those before them.
    fn pool_item(&mut self, node: &Node, site: &Site, names: &Names) -> Typed {
        let Some(entries) = node.as_map().filter(|entries| !entries.iter().any(|entry| entry.key.starts_with('$')))
        else {
            return self.node(node, site, names, Purpose::Value);
        };
        let mut names = names.clone();
        let mut fields = Vec::new();
        for entry in entries {
            let place = site.child(&entry.key, entry.node.mark);
            let typed = self.node(&entry.node, &place, &names, Purpose::Value);
            if !matches!(names.get(&entry.key), Some(Binding::Names(_))) {
                names.bind(&entry.key, typed.clone());
            }
            fields.push((entry.key.clone(), typed));
        }
        self.record(fields)
    }

    fn put_pool(
        &mut self,
        items: Vec<Value>,
        pick: &Pick,
        groups: Vec<(String, u32)>,
        site: &Site,
        stream: Stream,
    ) -> Compiled {
        if items.is_empty() {
            self.wrong(site, "the pool is empty", "give it at least one item");
            return Compiled::Wrong;
        }
        let Some(picker) = self.picker(&items, pick, site, stream) else { return Compiled::Wrong };
        let kind = items.iter().map(|item| self.type_of(*item)).reduce(Type::join).unwrap_or(Type::Any);
        self.program.pools.push(Pool { items, picker, groups });
        Compiled::Done(self.program.pools.len() as u32 - 1, kind)
    }

    fn picker(&mut self, items: &[Value], pick: &Pick, site: &Site, stream: Stream) -> Option<Picker> {
        let count = items.len() as u64;
        let weights: Vec<f64> = match pick {
            Pick::Uniform => return Some(Picker::Even),
            Pick::Zipf(exponent) => {
                if !(0.0..=10.0).contains(exponent) {
                    self.wrong(
                        site,
                        format!("an exponent of {exponent} is not between 0 and 10"),
                        "write pick: {zipf: 0.9}",
                    );
                    return None;
                }
                let order = Permutation::new(stream.named("$order").key(), count);
                return Some(Picker::Zipf(Zipf::new(count, *exponent), order));
            }
            Pick::Recent(mean) if *mean > 0.0 => return Some(Picker::Recent(*mean)),
            Pick::Recent(mean) => {
                self.wrong(site, format!("a mean of {mean} is not above zero"), "write pick: {recent: 10}");
                return None;
            }
            Pick::Weighted(field) => {
                let values: Vec<Value> = items.iter().map(|item| self.constant_field(*item, field)).collect();
                values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
            }
            Pick::By { field, weights } => {
                let names: Vec<String> = items.iter().map(|item| self.field_text(*item, field)).collect();
                for name in weights.keys() {
                    if !names.contains(name) {
                        let hint = nearest::hint(name, names.iter().map(String::as_str));
                        self.problem(site, format!("no item has `{name}` as its {field}"), hint);
                    }
                }
                let share = |name: &String| {
                    let same = names.iter().filter(|other| *other == name).count() as f64;
                    weights.get(name).copied().unwrap_or(0.0) / same
                };
                names.iter().map(share).collect()
            }
            Pick::Hot { items: hot, share } => {
                let hot = u64::from(*hot).clamp(1, count);
                let order = Permutation::new(stream.named("$order").key(), count);
                let cold = (count - hot) as f64;
                (0..count)
                    .map(|number| if order.apply(number) < hot { share / hot as f64 } else { (1.0 - share) / cold })
                    .collect()
            }
        };
        match Alias::new(&weights) {
            Some(table) => Some(Picker::Weighted(table)),
            None => {
                self.wrong(site, "the weights of `pick` are not numbers of at least 0, one of them above", "");
                None
            }
        }
    }

    fn constant_field(&mut self, item: Value, field: &str) -> Value {
        let Value::Record { shape, values } = item else { return Value::Null };
        let symbol = self.program.symbol(field);
        let place = self.program.shapes[shape as usize].iter().position(|name| *name == symbol);
        place.map_or(Value::Null, |place| self.program.values[values.start as usize + place])
    }

    fn field_text(&mut self, item: Value, field: &str) -> String {
        use super::super::context::{Context, Facts};
        let value = self.constant_field(item, field);
        let mut scratch = Scratch::default();
        let mut text = Vec::new();
        Context::new(&self.program, &mut scratch, None, Facts::default()).write_plain(value, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// `{$pool: name}`, `{$pool: name.group}`, `{$pool: "name.${group}"}`
    pub(super) fn item_of_pool(&mut self, node: &Node, site: &Site, inner: &Site, names: &Names) -> Typed {
        let usage = "write {$pool: products}";
        let Some(text) = node.as_str() else {
            return self.wrong(inner, format!("`$pool` takes a name, not {}", node.kind()), usage);
        };
        let (name, group) = match text.split_once('.') {
            Some((name, group)) if !self.models.contains_key(text) => (name, Some(group)),
            _ => (text, None),
        };
        let (index, kind) = match self.pool(name) {
            Compiled::Done(index, kind) => (index, kind),
            Compiled::Begun => {
                return self.wrong(inner, format!("pool `{name}` is made of itself"), "take the circle apart");
            }
            Compiled::Wrong if self.models.contains_key(name) => return self.anything(),
            Compiled::Wrong => {
                let hint = nearest::hint(name, self.models.keys().map(String::as_str));
                return self.wrong(inner, format!("there is no pool `{name}`"), hint.unwrap_or_default());
            }
        };
        let Some(group) = group else { return self.typed(Expr::Pool(site.key(), index), kind) };
        if group.contains("${") {
            let group = self.text_with(group, inner, names, true);
            return self.typed(Expr::PoolGroup(site.key(), index, group.id), kind);
        }
        let groups = &self.program.pools[index as usize].groups;
        match groups.iter().find(|(known, _)| known == group) {
            Some((_, index)) => {
                let index = *index;
                self.typed(Expr::Pool(site.key(), index), kind)
            }
            None => {
                let known: Vec<String> = groups.iter().map(|(name, _)| name.clone()).collect();
                let hint = nearest::hint(group, known.iter().map(String::as_str));
                self.wrong(inner, format!("pool `{name}` has no group `{group}`"), hint.unwrap_or_default())
            }
        }
    }
}

/// Where a pool is written, as far as its template knows.
fn pool_mark(model: &PoolModel) -> crate::tree::Mark {
    model
        .inline
        .as_ref()
        .or(model.generate.as_ref().map(|generate| &generate.item))
        .map_or_else(Default::default, |node| node.mark)
}
