//! The sections of the pages.

pub(crate) mod behavior_graph;
pub(crate) mod changes;
pub(crate) mod comparison_table;
pub(crate) mod connection_notice;
pub(crate) mod event_types;
pub(crate) mod failures;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod linked_weights;
pub(crate) mod load_curve;
pub(crate) mod new_scenario;
pub(crate) mod overlay_chart;
pub(crate) mod rate_control;
pub(crate) mod run_about;
pub(crate) mod run_controls;
pub(crate) mod run_line;
pub(crate) mod samples;
pub(crate) mod scenario_choice;
pub(crate) mod scenario_difference;
pub(crate) mod scenario_editor;
pub(crate) mod scenario_fields;
pub(crate) mod scenario_gallery;
pub(crate) mod scenario_outlook;
pub(crate) mod scenario_text;
pub(crate) mod steering;
pub(crate) mod tiles;
