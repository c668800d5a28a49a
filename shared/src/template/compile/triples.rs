//! `$triples`: records as triples of subject, predicate and object, the objects as text with their type.

use crate::tree::{Entry, Node};

use super::super::program::{Each, Expr, ExprId, Slot};
use super::super::value::{Type, Value};
use super::{Compiler, Layout, Names, Purpose, Site, Typed};

impl Compiler<'_> {
    /// A list of `{subject, set}`, or `{each, as, index, subject, set}` for each item of a list.
    pub(super) fn triples(&mut self, node: &Node, inner: &Site, names: &Names) -> Typed {
        let usage = "write {$triples: [{subject: \"order:1\", set: {order_status: CREATED}}]}";
        let Some(items) = node.as_list() else {
            return self.wrong(inner, format!("`$triples` takes a list, not {}", node.kind()), usage);
        };
        let mut parts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = inner.item(index, item.mark);
            if !self.only(item, &place, &["each", "as", "index", "subject", "set"], "$triples") {
                continue;
            }
            let (Some(subject), Some(set)) = (item.get("subject"), item.get("set").and_then(Node::as_map)) else {
                self.problem(&place, "an item needs `subject` and `set`", Some(usage.to_owned()));
                continue;
            };
            let Some(each) = item.get("each") else {
                let whole = self.fragment(subject, set, &place, names);
                parts.push(whole);
                continue;
            };
            let list = self.condition(each, &place.child("each", each.mark), names);
            let kind = match &list.kind {
                Type::List(item) => (**item).clone(),
                Type::Any | Type::Null => Type::Any,
                other => {
                    let message = format!("`each` is a list, not {}", other.name());
                    self.problem(&place, message, Some(usage.to_owned()));
                    continue;
                }
            };
            let (slot, number) = (self.program.add_slot(Slot::Given), self.program.add_slot(Slot::Given));
            let mut scope = names.clone();
            let whole = Typed { id: self.program.add(Expr::Slot(slot)), kind, omits: false };
            scope.bind(item.get("as").and_then(Node::as_str).unwrap_or("item"), whole);
            let count = Typed { id: self.program.add(Expr::Slot(number)), kind: Type::Int, omits: false };
            scope.bind(item.get("index").and_then(Node::as_str).unwrap_or("index"), count);
            let make = self.fragment(subject, set, &place, &scope);
            self.program.eaches.push(Each { list: list.id, key: place.key(), item: slot, index: number, make });
            parts.push(self.program.add(Expr::Each(self.program.eaches.len() as u32 - 1)));
        }
        let arguments = self.program.add_arguments(&parts);
        self.typed(Expr::Flat(arguments), Type::List(Box::new(Type::Any)))
    }

    /// The triples of one subject, one after the other.
    fn fragment(&mut self, subject: &Node, set: &[Entry], site: &Site, names: &Names) -> ExprId {
        let place = site.child("subject", subject.mark);
        let subject = self.node(subject, &place, names, Purpose::Json);
        let mut layout = Layout::default();
        for (index, entry) in set.iter().enumerate() {
            if index > 0 {
                layout.literal(b",");
            }
            let place = site.child("set", entry.node.mark).child(&entry.key, entry.node.mark);
            let (object, reference) = match entry.node.as_map() {
                Some([call]) if call.key == "$ref" => (&call.node, true),
                _ => (&entry.node, false),
            };
            let typed = self.node(object, &place, names, Purpose::Value);
            layout.literal(b"{\"subject_id\":");
            layout.value(&mut self.program, &subject);
            layout.literal(b",\"predicate\":");
            let predicate = self.program.add_text(entry.key.as_bytes());
            let predicate = self.constant(Value::Text(predicate));
            layout.value(&mut self.program, &predicate);
            layout.literal(b",\"object_value\":");
            let parts = self.program.add_arguments(&[typed.id]);
            let text = self.typed(Expr::Concat(parts), Type::Text);
            layout.value(&mut self.program, &text);
            layout.literal(b",\"object_type\":");
            let kind = if reference { self.text_constant("entity_ref") } else { self.type_name_of(&typed) };
            layout.value(&mut self.program, &kind);
            layout.literal(b"}");
        }
        let operations = layout.finish(&mut self.program);
        self.program.add(Expr::Json(operations))
    }

    fn text_constant(&mut self, text: &str) -> Typed {
        let span = self.program.add_text(text.as_bytes());
        self.constant(Value::Text(span))
    }

    /// The name of a value's type, now if it is known.
    fn type_name_of(&mut self, typed: &Typed) -> Typed {
        if let Some(value) = self.known(typed) {
            return self.text_constant(value.type_name());
        }
        match typed.kind {
            Type::Bool => self.text_constant("bool"),
            Type::Int => self.text_constant("int"),
            Type::Text => self.text_constant("string"),
            Type::Moment => self.text_constant("timestamp"),
            Type::Float | Type::Duration | Type::Any | Type::Null | Type::List(_) | Type::Record(_) => {
                self.typed(Expr::TypeName(typed.id), Type::Text)
            }
        }
    }
}
