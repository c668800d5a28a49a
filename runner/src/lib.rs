//! Throng's native side as a library, so that its tests and its binary use the same code.
//!
//! The binary is `main.rs`.

pub mod practice;
pub mod transport;
