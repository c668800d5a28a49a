//! The charts: what they show, as pure scenes, and the canvas that draws it.

pub(crate) mod canvas;
pub(crate) mod failures;
pub(crate) mod heat_map;
pub(crate) mod in_flight;
pub(crate) mod response_time;
pub(crate) mod scene;
pub(crate) mod send_lag;
pub(crate) mod spec;
pub(crate) mod throughput;
pub(crate) mod time_chart;
