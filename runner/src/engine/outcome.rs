//! What becomes of a request: dropped, sent, answered, sent again, ended; and what is noted of it.

use shared::run::{FailureKind, Sample};
use shared::units::Nanos;

use crate::engine::hub::Hub;
use crate::engine::job::Job;
use crate::engine::meaning::Meaning;
use crate::engine::recorder::Ending;
use crate::engine::target::{Route, TargetSetup};
use crate::transport::exchange::Answer;
use crate::transport::failure::TransportError;

/// Longest part of a body in a sample.
const SHOWN: usize = 4 * 1024;
/// What a sample shows in place of a secret.
const HIDDEN: &str = "***";
/// A secret shorter than this would be found in innocent text.
const SHORTEST_SECRET: usize = 4;

/// One attempt to send a request.
pub(crate) struct Attempt<'a> {
    /// When it was sent.
    pub(crate) sent: Nanos,
    /// When its answer was complete, or its failure known.
    pub(crate) done: Nanos,
    /// What was kept of the answer's body.
    pub(crate) body: &'a [u8],
    /// The answer, or why there is none.
    pub(crate) result: Result<Answer, TransportError>,
}

/// The request, unless it has waited for longer than its workload allows: then it is dropped.
pub(crate) fn in_time(hub: &Hub, job: Job) -> Option<Job> {
    let now = hub.clock.now();
    if job.first_sent.is_none() && job.drop_after.is_some_and(|limit| now.saturating_sub(job.due) > limit) {
        drop_job(hub, job, true);
        return None;
    }
    Some(job)
}

/// Gives up a request that was never sent.
pub(crate) fn drop_job(hub: &Hub, job: Job, overflowed: bool) {
    let now = hub.clock.now();
    let mut recorder = hub.record(now);
    recorder.request_dropped(&job.types);
    if overflowed {
        recorder.overflowed(job.types.len());
    }
    hub.ended(&job, now);
    hub.spare.borrow_mut().give(job);
}

/// Keeps a request back because a fault closes its connection instead.
pub(crate) fn withhold(hub: &Hub, job: Job) {
    let now = hub.clock.now();
    let mut recorder = hub.record(now);
    recorder.request_withheld(&job.types);
    if let Some(fault) = job.fault() {
        recorder.fault_applied(fault);
    }
    drop(recorder);
    hub.ended(&job, now);
    hub.spare.borrow_mut().give(job);
}

/// A request is about to be sent; gives the moment.
pub(crate) fn begin(hub: &Hub, job: &mut Job) -> Nanos {
    let now = hub.clock.now();
    job.attempts += 1;
    if job.first_sent.is_some() {
        hub.record(now).request_retried(&job.types);
        return now;
    }
    job.first_sent = Some(now);
    if let Some(saver) = &hub.saver {
        job.events().for_each(|event| saver.add(event));
    }
    hub.in_flight.set(hub.in_flight.get() + 1);
    let lag = now.saturating_sub(job.due);
    // A request that had to wait for a connection waited for the target from the moment it was taken up.
    let own_lag = if job.waited || job.held { job.taken.saturating_sub(job.due) } else { lag };
    let mut recorder = hub.record(now);
    recorder.request_sent(&job.types, lag, own_lag, lag > job.late_after);
    if let Some(fault) = job.fault() {
        recorder.fault_applied(fault);
    }
    now
}

/// An attempt is over: notes how it went, and either sends the request again later or ends it.
pub(crate) fn end(hub: &Hub, target: usize, mut job: Job, attempt: Attempt<'_>) {
    let setup = &hub.targets[target];
    let events = job.types.len() as u32;
    let mut asked = None;
    let (succeeded, duplicate, failure) = match &attempt.result {
        Err(error) => (0, false, Some(error.kind)),
        Ok(answer) => {
            if answer.status > 0 {
                hub.record(attempt.done).status(answer.status);
            }
            asked = answer.retry_after.map(|span| Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)));
            match setup.meanings.of(answer.status) {
                Meaning::Accepted => {
                    let accepted = accepted(&setup.routes[job.route], attempt.body, events);
                    (accepted, false, (accepted < events).then_some(FailureKind::EventRejected))
                }
                Meaning::Duplicate => (events, true, None),
                Meaning::Refused(kind) => (0, false, Some(kind)),
            }
        }
    };
    if failure == Some(FailureKind::Throttled) && !job.throttled {
        job.throttled = true;
        hub.record(attempt.done).throttled(&job.types);
    }
    if let Some(kind) = failure
        && hub.retries_allowed.get()
        && let Some(wait) = setup.retry.wait(kind, job.attempts, asked, job.key)
    {
        job.retry_of = Some(kind);
        hub.retry_at(attempt.done.saturating_add(wait), target, job);
        return;
    }
    let ending = Ending {
        response_time: attempt.done.saturating_sub(job.due),
        service_time: attempt.done.saturating_sub(attempt.sent),
        at: attempt.done,
        answered: attempt.result.is_ok() || failure == Some(FailureKind::Timeout),
        succeeded,
        duplicate,
        failure,
    };
    finish(hub, setup, job, &ending, &attempt);
}

/// A request that was to be sent again ends here: the run is stopping.
pub(crate) fn give_up_retry(hub: &Hub, target: usize, job: Job, now: Nanos) {
    let kind = if hub.aborted.get() { FailureKind::Aborted } else { job.retry_of.unwrap_or(FailureKind::Aborted) };
    let ending = Ending {
        response_time: now.saturating_sub(job.due),
        service_time: Nanos::ZERO,
        at: now,
        answered: false,
        succeeded: 0,
        duplicate: false,
        failure: Some(kind),
    };
    let error = TransportError::new(kind, "the run ended before the next attempt");
    finish(hub, &hub.targets[target], job, &ending, &Attempt { sent: now, done: now, body: &[], result: Err(error) });
}

fn finish(hub: &Hub, setup: &TargetSetup, job: Job, ending: &Ending, attempt: &Attempt<'_>) {
    hub.in_flight.set(hub.in_flight.get() - 1);
    let mut recorder = hub.record(ending.at);
    let sample = recorder.wants_sample(ending.failure).then(|| sample(hub, setup, &job, ending, attempt));
    recorder.request_ended(&job.types, ending, sample);
    drop(recorder);
    hub.ended(&job, ending.at);
    hub.spare.borrow_mut().give(job);
}

/// How many events of an accepted request were accepted, by the answer's own count.
fn accepted(route: &Route, body: &[u8], events: u32) -> u32 {
    let count = |pointer: &Option<shared::encode::Pointer>| {
        pointer.as_ref()?.count(body).map(|count| u32::try_from(count).unwrap_or(u32::MAX).min(events))
    };
    match (count(&route.ok_count), count(&route.failed_count)) {
        (Some(ok), _) => ok,
        (None, Some(failed)) => events - failed,
        (None, None) => events,
    }
}

fn sample(hub: &Hub, setup: &TargetSetup, job: &Job, ending: &Ending, attempt: &Attempt<'_>) -> Sample {
    let route = &setup.routes[job.route];
    let shown = |bytes: &[u8]| {
        let cut = bytes.get(..SHOWN).unwrap_or(bytes);
        hide(&String::from_utf8_lossy(cut), &hub.secrets)
    };
    let answer_body = match &attempt.result {
        Ok(_) => shown(attempt.body),
        Err(error) => hide(&error.detail, &hub.secrets),
    };
    Sample {
        number: 0,
        elapsed_seconds: ending.at.as_secs_f64(),
        label: match job.types.as_slice() {
            [one] => hub.type_name(*one),
            more => format!("batch of {}", more.len()),
        },
        events: job.types.len() as u32,
        request: route.shown.clone(),
        request_body: shown(job.body(setup.room)),
        status: attempt.result.as_ref().ok().map(|answer| answer.status),
        answer_body,
        failure: ending.failure,
        response_time_us: ending.response_time.as_micros(),
    }
}

fn hide(text: &str, secrets: &[String]) -> String {
    let mut shown = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        if shown.contains(secret.as_str()) {
            shown = shown.replace(secret.as_str(), HIDDEN);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_shows_no_secret() {
        let secrets = ["proj_abc_s3cret".to_owned(), "s3cret".to_owned(), "no".to_owned()];
        let shown = hide(r#"{"key":"proj_abc_s3cret","again":"s3cret","fine":"not now"}"#, &secrets);
        assert_eq!(shown, r#"{"key":"***","again":"***","fine":"not now"}"#);
    }
}
