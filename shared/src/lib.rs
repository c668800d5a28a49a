//! Throng's pure core: the scenario model, the plan, the generator, the result and wire types.
//!
//! Nothing here knows what time it is, touches a file, a network, a thread or a global, so that the preview in the
//! browser and the bytes on the wire come from the same code and agree bit for bit.

extern crate self as shared;

pub mod api;
pub mod chart;
pub mod checks;
pub mod compare;
pub mod compile;
pub mod curl;
pub mod distribution;
pub mod encode;
pub mod event_id;
pub mod fault;
pub mod generate;
pub mod limit;
pub mod merge;
pub mod metrics;
pub mod openapi;
pub mod order;
pub mod plan;
pub mod problem;
pub mod random;
pub mod realism;
pub mod results_schema;
pub mod run;
pub mod scenario;
pub mod scenario_schema;
pub mod schema_page;
pub mod template;
pub mod threshold;
pub mod tree;
pub mod units;
pub mod wording;
