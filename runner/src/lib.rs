//! Throng's native side as a library, so that its tests and its binary use the same code.
//!
//! The binary is `main.rs`.

pub mod atomic_file;
pub mod audit;
pub mod cause;
pub mod cli;
pub mod commands;
pub mod dataset;
pub mod delivery;
pub mod engine;
pub mod fingerprint;
pub mod folder;
#[cfg(test)]
mod fuzz;
pub mod import;
pub mod ledger;
pub mod library;
pub mod mqtt;
pub mod practice;
pub mod private;
pub mod report;
pub mod server;
pub mod shutdown;
pub mod store;
pub mod supplies;
pub mod telemetry;
pub mod transport;
