//! Whether and when a request that failed is sent once more.

use shared::random::{Stream, mix};
use shared::run::FailureKind;
use shared::scenario::model::target::{Backoff, Retry, RetryCause, ThrottleWait};
use shared::units::Nanos;

/// Longest wait that a target may ask for.
const LONGEST_ASKED: Nanos = Nanos::from_secs(3_600);

/// A target's rule.
#[derive(Clone, Debug)]
pub(crate) struct RetryRule {
    attempts: u32,
    backoff: Backoff,
    when: Vec<RetryCause>,
    throttle_wait: Option<ThrottleWait>,
}

impl RetryRule {
    /// The rule of a target; without a `retry` nothing is sent twice, unless the target is to be waited for when it
    /// asks for a lower rate.
    pub(crate) fn new(retry: Option<&Retry>, throttle_wait: Option<ThrottleWait>) -> Self {
        let given = retry.cloned().unwrap_or_else(|| Retry {
            attempts: if throttle_wait.is_some() { Retry::default().attempts } else { 1 },
            when: Vec::new(),
            ..Retry::default()
        });
        let mut when = given.when;
        if throttle_wait.is_some() && !when.contains(&RetryCause::Throttled) {
            when.push(RetryCause::Throttled);
        }
        Self { attempts: given.attempts.max(1), backoff: given.backoff, when, throttle_wait }
    }

    /// How long to wait before the next attempt, after so many failed ones; none when there is to be no other.
    ///
    /// `key` is the request's own: the random part of the wait is a function of it and of the attempt.
    pub(crate) fn wait(&self, failure: FailureKind, failed: u32, asked: Option<Nanos>, key: u64) -> Option<Nanos> {
        if failed >= self.attempts || !self.when.contains(&cause(failure)?) {
            return None;
        }
        let planned = match self.backoff {
            Backoff::Constant { wait } => wait,
            Backoff::Linear { step } => Nanos(step.0.saturating_mul(u64::from(failed))),
            Backoff::Exponential { base, max } => Nanos(base.0.saturating_mul(1 << (failed - 1).min(40))).min(max),
        };
        // Half of the wait is certain, half is drawn, so that requests that failed together do not return together.
        let draw = mix(Stream::root(key).key(), u64::from(failed)) >> 11;
        let jittered = Nanos(planned.0 / 2 + (planned.0 as f64 / 2.0 * (draw as f64 / (1_u64 << 53) as f64)) as u64);
        let throttled = failure == FailureKind::Throttled;
        match (throttled.then_some(self.throttle_wait).flatten(), asked) {
            (Some(ThrottleWait::Fixed(wait)), _) => Some(wait),
            (Some(ThrottleWait::RetryAfter) | None, Some(asked)) => Some(jittered.max(asked.min(LONGEST_ASKED))),
            (Some(ThrottleWait::RetryAfter) | None, None) => Some(jittered),
        }
    }
}

/// What a failure is called in a rule; some are never mended by trying again.
fn cause(failure: FailureKind) -> Option<RetryCause> {
    match failure {
        FailureKind::NameNotResolved
        | FailureKind::ConnectionRefused
        | FailureKind::ConnectionReset
        | FailureKind::ConnectionFailed
        | FailureKind::NoAnswer
        | FailureKind::AnswerCut
        | FailureKind::StreamReset
        | FailureKind::HandshakeRefused
        | FailureKind::ResourcesExhausted => Some(RetryCause::Network),
        FailureKind::Timeout => Some(RetryCause::Timeout),
        FailureKind::Throttled => Some(RetryCause::Throttled),
        FailureKind::ServerError => Some(RetryCause::ServerError),
        FailureKind::CertificateExpired
        | FailureKind::CertificateName
        | FailureKind::CertificateUntrusted
        | FailureKind::Tls
        | FailureKind::Protocol
        | FailureKind::AnswerTooLarge
        | FailureKind::Unauthorized
        | FailureKind::ClientError
        | FailureKind::UnexpectedStatus
        | FailureKind::EventRejected
        | FailureKind::ErrorAnswer
        | FailureKind::Aborted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(backoff: Backoff) -> RetryRule {
        let retry = Retry { attempts: 4, backoff, when: vec![RetryCause::Network, RetryCause::Throttled] };
        RetryRule::new(Some(&retry), None)
    }

    #[test]
    fn waits_grow_as_the_rule_says_within_their_random_half() {
        let s = Nanos::from_secs;
        let exponential = rule(Backoff::Exponential { base: s(1), max: s(3) });
        let linear = rule(Backoff::Linear { step: s(1) });
        for key in 0..100 {
            for (rule, longest) in [(&exponential, [s(1), s(2), s(3)]), (&linear, [s(1), s(2), s(3)])] {
                for (failed, longest) in (1..).zip(longest) {
                    let wait = rule.wait(FailureKind::ConnectionReset, failed, None, key).unwrap();
                    assert!(wait.0 >= longest.0 / 2 && wait <= longest, "{wait} after {failed}");
                }
            }
        }
        assert_eq!(exponential.wait(FailureKind::ConnectionReset, 4, None, 1), None, "attempts are used up");
        assert_eq!(exponential.wait(FailureKind::ServerError, 1, None, 1), None, "not among the causes");
        assert_eq!(exponential.wait(FailureKind::Protocol, 1, None, 1), None, "never mended");
    }

    #[test]
    fn a_target_that_asks_for_time_gets_it() {
        let rule = rule(Backoff::Constant { wait: Nanos::from_millis(10) });
        let asked = Some(Nanos::from_secs(7));
        assert_eq!(rule.wait(FailureKind::Throttled, 1, asked, 1), asked);
        let fixed = RetryRule::new(None, Some(ThrottleWait::Fixed(Nanos::from_secs(2))));
        assert_eq!(fixed.wait(FailureKind::Throttled, 1, asked, 1), Some(Nanos::from_secs(2)));
        assert_eq!(fixed.wait(FailureKind::ConnectionReset, 1, None, 1), None);
    }

    #[test]
    fn without_a_rule_nothing_is_sent_twice() {
        assert_eq!(RetryRule::new(None, None).wait(FailureKind::Timeout, 1, None, 1), None);
    }
}
