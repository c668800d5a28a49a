//! How the panel stands with the runner's live stream.

/// The live stream of the shown run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Connection {
    /// No run is shown.
    #[default]
    Idle,
    /// Opening it for the first time.
    Opening,
    /// Messages arrive.
    Live,
    /// It broke; the next attempt is in so many seconds.
    Lost {
        /// Seconds until the next attempt; 0 while it is being made.
        retry_seconds: u32,
    },
    /// The run is over: nothing more will come.
    Over,
    /// The runner does not know the run (any more).
    Gone,
}

/// Seconds to wait before the given attempt to reconnect (the first is 1): 1, 2, 4, 8, then every 10.
pub(crate) fn back_off_seconds(attempt: u32) -> u32 {
    match attempt {
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        _ => 10,
    }
}

/// How long a running run may stay silent before the stream counts as broken, in milliseconds: it ticks 5 to 10 times
/// a second, so that this is not the network's mood.
pub(crate) const SILENCE_MILLIS: u32 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let waits: Vec<u32> = (1..8).map(back_off_seconds).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10]);
    }
}
