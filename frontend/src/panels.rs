//! The sections of the pages.

pub(crate) mod changes;
pub(crate) mod connection_notice;
pub(crate) mod event_types;
pub(crate) mod failures;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod rate_control;
pub(crate) mod run_controls;
pub(crate) mod run_line;
pub(crate) mod samples;
pub(crate) mod scenario_choice;
pub(crate) mod tiles;
