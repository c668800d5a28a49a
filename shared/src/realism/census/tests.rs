//! Placeholder until the plan compiles.
