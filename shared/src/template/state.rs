//! What a user remembers between events: values and bounded lists, kept without a tree.

use super::value::{Place, Symbol, Value};

/// Most items that a list keeps; one more pushes the oldest out.
pub const MAX_ITEMS: usize = 64;

/// What a state has a place for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateShape {
    /// The variables in order.
    pub variables: Vec<Variable>,
}

/// A variable of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether it is a list, and the fields of its items; a list of plain values has none.
    pub list: Option<Vec<Symbol>>,
    /// First value of one that is no list.
    pub initial: Kept,
}

impl Variable {
    /// How many values an item takes.
    fn width(&self) -> usize {
        self.list.as_ref().map_or(1, |fields| fields.len().max(1))
    }
}

/// A value that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Kept {
    /// Nothing.
    #[default]
    Null,
    /// Anything that needs no text of its own.
    Plain(Value),
    /// A short text.
    Short(u8, [u8; 22]),
    /// A long text.
    Long(Box<[u8]>),
}

impl Kept {
    /// Keeps a text.
    pub fn text(text: &[u8]) -> Self {
        let mut bytes = [0; 22];
        match bytes.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text);
                Self::Short(text.len() as u8, bytes)
            }
            None => Self::Long(text.into()),
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Short(len, bytes) => bytes.get(..usize::from(*len)),
            Self::Long(bytes) => Some(bytes),
            Self::Null | Self::Plain(_) => None,
        }
    }
}

/// What one user remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// For each variable its values: one, or those of a list's items one after the other.
    variables: Vec<Vec<Kept>>,
}

impl State {
    /// The state that users begin with.
    pub fn initial(shape: &StateShape) -> Self {
        let first = |variable: &Variable| match variable.list {
            Some(_) => Vec::new(),
            None => vec![variable.initial.clone()],
        };
        Self { variables: shape.variables.iter().map(first).collect() }
    }

    /// Items of a list.
    pub fn len(&self, shape: &StateShape, variable: u16) -> u32 {
        let width = shape.variables[usize::from(variable)].width();
        (self.variables[usize::from(variable)].len() / width) as u32
    }

    /// A field of an item, or the value of a variable that is no list (item 0, field 0).
    pub fn get(&self, shape: &StateShape, variable: u16, item: u32, field: u16) -> &Kept {
        const NOTHING: &Kept = &Kept::Null;
        let width = shape.variables[usize::from(variable)].width();
        self.variables[usize::from(variable)].get(item as usize * width + usize::from(field)).unwrap_or(NOTHING)
    }

    /// Sets a field of an item, or the value of a variable that is no list.
    pub fn set(&mut self, shape: &StateShape, variable: u16, item: u32, field: u16, value: Kept) {
        let width = shape.variables[usize::from(variable)].width();
        if let Some(place) = self.variables[usize::from(variable)].get_mut(item as usize * width + usize::from(field)) {
            *place = value;
        }
    }

    /// Appends an item, field by field.
    pub fn push(&mut self, shape: &StateShape, variable: u16, fields: impl IntoIterator<Item = Kept>) {
        let width = shape.variables[usize::from(variable)].width();
        let list = &mut self.variables[usize::from(variable)];
        if list.len() >= MAX_ITEMS * width {
            list.drain(..width);
        }
        list.extend(fields);
    }

    /// Removes an item.
    pub fn remove(&mut self, shape: &StateShape, variable: u16, item: u32) {
        let width = shape.variables[usize::from(variable)].width();
        let list = &mut self.variables[usize::from(variable)];
        let start = item as usize * width;
        if start + width <= list.len() {
            list.drain(start..start + width);
        }
    }

    /// Empties a list, or sets a value to nothing.
    pub fn clear(&mut self, shape: &StateShape, variable: u16) {
        let list = &mut self.variables[usize::from(variable)];
        if shape.variables[usize::from(variable)].list.is_some() {
            list.clear();
        } else if let Some(value) = list.first_mut() {
            *value = Kept::Null;
        }
    }
}

/// Whether a value needs no text of its own to be kept.
pub(crate) fn is_plain(value: Value) -> bool {
    match value {
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Decimal(..)
        | Value::Static(_)
        | Value::Uuid(..)
        | Value::EventId(..)
        | Value::Hex(..)
        | Value::Moment(..)
        | Value::Duration(_) => true,
        // What lies in the program's own arena outlives every event.
        Value::Text(span) | Value::List(span) | Value::Record { values: span, .. } => span.place != Place::Scratch,
        Value::Null | Value::Omit | Value::StateList(_) | Value::StateItem(..) | Value::StateColumn(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> StateShape {
        let list = Variable { name: "cart".to_owned(), list: Some(vec![Symbol(1), Symbol(2)]), initial: Kept::Null };
        let value = Variable { name: "visits".to_owned(), list: None, initial: Kept::Plain(Value::Int(0)) };
        StateShape { variables: vec![list, value] }
    }

    fn int(number: i64) -> Kept {
        Kept::Plain(Value::Int(number))
    }

    #[test]
    fn lists_grow_shrink_and_stay_bounded() {
        let shape = shape();
        let mut state = State::initial(&shape);
        for number in 0..3 {
            state.push(&shape, 0, [int(number), Kept::text(b"x")]);
        }
        state.remove(&shape, 0, 1);
        assert_eq!(state.len(&shape, 0), 2);
        assert_eq!(state.get(&shape, 0, 1, 0), &int(2));
        assert_eq!(state.get(&shape, 0, 9, 0), &Kept::Null);
        state.remove(&shape, 0, 9);
        for number in 0..200 {
            state.push(&shape, 0, [int(number), Kept::Null]);
        }
        assert_eq!(state.len(&shape, 0), MAX_ITEMS as u32);
        assert_eq!(state.get(&shape, 0, 0, 0), &int(136));
        state.clear(&shape, 0);
        assert_eq!(state.len(&shape, 0), 0);
    }

    #[test]
    fn values_are_set_and_texts_of_any_length_kept() {
        let shape = shape();
        let mut state = State::initial(&shape);
        assert_eq!(state.get(&shape, 1, 0, 0), &int(0));
        for text in ["", "short", "exactly twenty-two b!!", "longer than twenty-two bytes"] {
            state.set(&shape, 1, 0, 0, Kept::text(text.as_bytes()));
            assert_eq!(state.get(&shape, 1, 0, 0).as_text(), Some(text.as_bytes()));
        }
        assert!(is_plain(Value::Int(1)));
        assert!(!is_plain(Value::Null));
    }
}
