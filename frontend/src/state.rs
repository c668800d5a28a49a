//! What the panel knows, as plain structs: no signal, no markup, no browser.

pub(crate) mod backlog;
pub(crate) mod balance;
pub(crate) mod behavior_graph;
pub(crate) mod comparison;
pub(crate) mod connection;
pub(crate) mod controls;
pub(crate) mod difference;
pub(crate) mod draft;
pub(crate) mod history;
pub(crate) mod labels;
pub(crate) mod load_curve;
pub(crate) mod outlook;
pub(crate) mod overlay;
pub(crate) mod preferences;
pub(crate) mod rate;
pub(crate) mod remote;
pub(crate) mod route;
pub(crate) mod run_board;
pub(crate) mod scalar;
pub(crate) mod scenario_form;
pub(crate) mod shortcut;
pub(crate) mod steering;
pub(crate) mod target_form;
pub(crate) mod text_place;
pub(crate) mod tiles;
pub(crate) mod timeline;
