//! The engine: workers that carry out a plan on time, and a conductor that owns the run.
//!
//! [`prepare::prepare`] turns a valid scenario into something that can start, [`start::start`] starts it, and a
//! [`handle::RunHandle`] is how everybody else takes part: commands, watching, waiting for the result.

pub mod access;
mod account;
pub mod clock;
mod coarse;
mod conductor;
mod control;
mod deliveries;
mod expectation;
mod feed;
mod flights;
mod footprint;
mod gate;
pub mod handle;
mod held;
mod hub;
mod job;
pub mod journal;
mod lane;
mod meaning;
mod mqtt_setup;
mod notes;
pub mod orders;
mod outcome;
pub mod pacer;
mod packing;
mod place;
pub mod prepare;
mod prepare_error;
mod progress;
mod recorder;
mod retry;
pub mod saved;
mod slots;
pub mod start;
mod stream;
mod stream_lane;
mod stream_session;
mod stream_setup;
mod tail;
mod tally;
mod target;
mod timeline;
mod try_out;
mod usage;
mod verdict;
mod worker;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod mqtt_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
