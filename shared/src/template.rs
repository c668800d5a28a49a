//! Templates: from the tree of a scenario to a program that writes events.
//!
//! [`compile`] turns nodes into a [`program`] of flat arenas; `evaluate` computes values for one event and [`mod@write`]
//! writes its bytes. Nothing is drawn by order: every draw is named by the path of its field.

mod apply;
mod compare;
pub mod compile;
pub mod context;
pub(crate) mod draw;
mod evaluate;
pub(crate) mod expression;
pub(crate) mod function;
mod lists;
mod make;
pub mod program;
pub mod reference;
pub mod state;
#[cfg(test)]
mod tests;
pub mod value;
mod write;
