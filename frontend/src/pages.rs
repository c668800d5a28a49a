//! The pages: sections put together.

pub(crate) mod compare;
pub(crate) mod history;
pub(crate) mod run;
pub(crate) mod scenarios;
pub(crate) mod target;
