//! Which requests and answers are shown while a run goes on: few enough that thousands may watch, however large events are
//! and however long a watcher takes.

use shared::run::Sample;

/// What the samples of a tick may weigh, in bytes of their bodies: more than people can read in its time.
pub(crate) const TICK_BYTES: usize = 16 * 1024;

/// What those of a greeting may weigh.
pub(crate) const HELLO_BYTES: usize = 128 * 1024;

/// The newest of some samples that fit into a weight, failures before others; at least one, in their order.
pub(crate) fn newest_within(samples: &[Sample], most_bytes: usize) -> Vec<Sample> {
    let mut newest_first: Vec<usize> = (0..samples.len()).rev().collect();
    newest_first.sort_by_key(|index| samples[*index].failure.is_none());
    let mut weight = 0;
    let fitting = newest_first.iter().take_while(|index| {
        weight += samples[**index].request_body.len() + samples[**index].answer_body.len();
        weight <= most_bytes
    });
    let fitting = fitting.count();
    newest_first.truncate(fitting.max(1));
    newest_first.sort_unstable();
    newest_first.into_iter().map(|index| samples[index].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::FailureKind;

    fn sample(number: u64, bytes: usize, failure: Option<FailureKind>) -> Sample {
        let text = "x".repeat(bytes);
        Sample {
            number,
            elapsed_seconds: 0.0,
            label: String::new(),
            events: 1,
            request: String::new(),
            request_body: text,
            status: None,
            answer_body: String::new(),
            failure,
            response_time_us: 0,
        }
    }

    #[test]
    fn failures_and_the_newest_come_first_and_stay_in_order() {
        let samples: Vec<Sample> =
            (0..10).map(|number| sample(number, 100, (number == 3).then_some(FailureKind::Timeout))).collect();
        let numbers = |most| newest_within(&samples, most).iter().map(|sample| sample.number).collect::<Vec<_>>();
        assert_eq!(numbers(300), [3, 8, 9]);
        assert_eq!(numbers(10_000), (0..10).collect::<Vec<_>>());
        assert_eq!(numbers(0), [3], "something is always to be seen");
        assert_eq!(newest_within(&[], 100), []);
    }
}
