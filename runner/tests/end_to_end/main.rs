//! The real binary from outside: command line, signals, files, API and live stream, over loopback.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod api_fuzz;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod brokers;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod datasets;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod headless;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod interruption;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod packaging;
#[cfg(test)]
mod process;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod safety;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sinks;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod steering;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod supplies;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod trial;
