//! How events become requests: what is written around one event or a batch, and where an answer counts.

pub mod pointer;
pub mod request;

pub use pointer::Pointer;
pub use request::{BatchPlan, Framing, RequestTemplate};
