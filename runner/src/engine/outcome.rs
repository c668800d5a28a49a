//! What becomes of a request: dropped, sent, answered, sent again, ended; and what is noted of it.

use std::borrow::Cow;

use shared::encode::Pointer;
use shared::run::{FailureKind, Sample};
use shared::units::Nanos;

use crate::engine::hub::Hub;
use crate::engine::job::Job;
use crate::engine::meaning::Meaning;
use crate::engine::notes::note;
use crate::engine::packing::{encoding_of, unpack};
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
pub(crate) fn in_time(hub: &Hub, job: Job, now: Nanos) -> Option<Job> {
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
    job.faults().for_each(|fault| recorder.fault_applied(fault));
    drop(recorder);
    hub.ended(&job, now);
    hub.spare.borrow_mut().give(job);
}

/// A request is about to be sent.
pub(crate) fn begin(hub: &Hub, job: &mut Job, now: Nanos) {
    job.attempts += 1;
    if job.first_sent.is_some() {
        hub.record(now).request_retried(&job.types);
        return;
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
    recorder.carried(job.protocol, job.feed, job.types.len());
    job.faults().for_each(|fault| recorder.fault_applied(fault));
    if let Some(packed) = job.packed {
        recorder.compressed(packed);
    }
}

/// An attempt is over: notes how it went, and either sends the request again later or ends it.
pub(crate) fn end(hub: &Hub, target: usize, job: Job, attempt: Attempt<'_>) {
    let setup = &hub.targets[target];
    let mut asked = None;
    let mut body = Cow::Borrowed(attempt.body);
    let judged = match &attempt.result {
        Err(error) => Told { failure: Some(error.kind), ..Told::default() },
        Ok(answer) => {
            if answer.status > 0 {
                hub.record(attempt.done).status(answer.status);
            }
            asked = answer.retry_after.map(|span| Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)));
            if let Some(encoding) = answer.encoding
                && setup.routes[job.route].reads_body
                && let Some(plain) = unpack(encoding, attempt.body, setup.routes[job.route].keep)
            {
                body = Cow::Owned(plain);
            }
            judge(setup, &setup.routes[job.route], answer.status, &body, job.types.len())
        }
    };
    let answered = attempt.result.is_ok() || judged.failure == Some(FailureKind::Timeout);
    let attempt = Attempt { body: &body, ..attempt };
    settle(hub, target, job, &attempt, Told { answered, asked, ..judged });
}

/// What was told of an attempt's events.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Events accepted.
    succeeded: u32,
    /// Whether as known already.
    duplicate: bool,
    /// Why the rest was not; of several reasons the first.
    failure: Option<FailureKind>,
    /// What became of each, where the answer says so and it is not the same for all.
    items: Vec<Meaning>,
    /// Whether there was an answer, or none in time: only then there are times.
    answered: bool,
    /// How long the target asks to wait.
    asked: Option<Nanos>,
}

impl Told {
    /// All of so many events were accepted.
    pub(crate) fn accepted(events: u32, duplicate: bool) -> Self {
        Self { succeeded: events, duplicate, answered: true, ..Self::default() }
    }

    /// None was.
    pub(crate) fn failed(kind: FailureKind, answered: bool) -> Self {
        Self { failure: Some(kind), answered, ..Self::default() }
    }
}

/// Notes how an attempt went, and either sends its request again later or ends it.
pub(crate) fn settle(hub: &Hub, target: usize, mut job: Job, attempt: &Attempt<'_>, told: Told) {
    let setup = &hub.targets[target];
    let Told { succeeded, duplicate, failure, items, answered, asked } = told;
    if failure == Some(FailureKind::Throttled) && items.is_empty() && !job.throttled {
        job.throttled = true;
        hub.record(attempt.done).throttled(&job.types);
    }
    if attempt.result.is_err() && failure.is_some_and(FailureKind::may_have_arrived) {
        job.unanswered = true;
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
        answered,
        succeeded,
        duplicate,
        failure,
    };
    if !setup.expectations.is_empty() && setup.answers {
        look_at(hub, setup, &job, &ending, attempt);
    }
    finish(hub, setup, job, &ending, &items, attempt);
}

fn judge(setup: &TargetSetup, route: &Route, status: u16, body: &[u8], count: usize) -> Told {
    let events = u32::try_from(count).unwrap_or(u32::MAX);
    if let Some(items) = items(setup, route, status, body, count) {
        let refused = |meaning: &Meaning| match meaning {
            Meaning::Refused(kind) => Some(*kind),
            Meaning::Accepted | Meaning::Duplicate => None,
        };
        let failed = items.iter().filter_map(refused).count();
        return Told {
            succeeded: u32::try_from(count - failed).unwrap_or(u32::MAX),
            duplicate: items.iter().all(|meaning| *meaning == Meaning::Duplicate),
            failure: items.iter().find_map(refused),
            items,
            ..Told::default()
        };
    }
    match setup.meanings.of_answer(status, body) {
        Meaning::Accepted => {
            let succeeded = accepted(route, body, events);
            let failure = (succeeded < events).then_some(FailureKind::EventRejected);
            Told { succeeded, failure, ..Told::default() }
        }
        Meaning::Duplicate => Told { succeeded: events, duplicate: true, ..Told::default() },
        Meaning::Refused(kind) => Told { failure: Some(kind), ..Told::default() },
    }
}

/// What became of each event of a batch, if its answer has an item for each.
fn items(setup: &TargetSetup, route: &Route, status: u16, body: &[u8], count: usize) -> Option<Vec<Meaning>> {
    let (list, ok) = route.results.as_ref()?;
    if setup.meanings.of(status) != Meaning::Accepted {
        return None;
    }
    let items = list.items(body).filter(|items| items.len() == count)?;
    let meaning = |item: &[u8]| {
        let said = ok.text(item);
        let accepted = matches!(said.as_deref(), Some("true" | "ok" | "success" | "accepted" | "created"));
        match (setup.meanings.of_item(item), accepted) {
            (Some(meaning), _) => meaning,
            (None, true) => Meaning::Accepted,
            (None, false) => Meaning::Refused(FailureKind::EventRejected),
        }
    };
    Some(items.into_iter().map(meaning).collect())
}

/// Holds an answer against what the scenario's checks expect of it.
fn look_at(hub: &Hub, setup: &TargetSetup, job: &Job, ending: &Ending, attempt: &Attempt<'_>) {
    let Ok(answer) = &attempt.result else { return };
    for (place, expected) in setup.expectations.iter().enumerate() {
        let complaint = expected.complaint(answer.status, ending.failure, attempt.body, ending.response_time);
        let wanted = hub.record(ending.at).expectation(place, ending.at, complaint.is_some());
        if let (Some(reason), true) = (complaint, wanted) {
            let sample = sample(hub, setup, job, ending, attempt);
            hub.record(ending.at).expectation_example(place, hide(&reason, &hub.secrets), sample);
        }
    }
}

/// Holds a message that came back on a topic against what the scenario's checks expect of answers.
pub(crate) fn look_at_delivery(hub: &Hub, setup: &TargetSetup, event_type: u16, message: &[u8], delay: Nanos) {
    let now = hub.clock.now();
    for (place, expected) in setup.expectations.iter().enumerate() {
        let complaint = expected.complaint(0, None, message, delay);
        let wanted = hub.record(now).expectation(place, now, complaint.is_some());
        if let (Some(reason), true) = (complaint, wanted) {
            let cut = message.get(..SHOWN).unwrap_or(message);
            let sample = Sample {
                number: 0,
                elapsed_seconds: now.as_secs_f64(),
                label: hub.type_name(event_type),
                events: 1,
                request: setup.routes.first().map(|route| route.shown.clone()).unwrap_or_default(),
                // The message that it answers is acknowledged and gone.
                request_body: String::new(),
                status: None,
                answer_body: hide(&String::from_utf8_lossy(cut), &hub.secrets),
                failure: None,
                response_time_us: delay.as_micros(),
            };
            hub.record(now).expectation_example(place, hide(&reason, &hub.secrets), sample);
        }
    }
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
    finish(
        hub,
        &hub.targets[target],
        job,
        &ending,
        &[],
        &Attempt { sent: now, done: now, body: &[], result: Err(error) },
    );
}

fn finish(hub: &Hub, setup: &TargetSetup, job: Job, ending: &Ending, items: &[Meaning], attempt: &Attempt<'_>) {
    hub.in_flight.set(hub.in_flight.get() - 1);
    let mut recorder = hub.record(ending.at);
    let sample = recorder.wants_sample(ending.failure).then(|| sample(hub, setup, &job, ending, attempt));
    let failed = recorder.request_ended(&job.types, ending, items, sample);
    recorder.carried_to_its_end(job.protocol, job.feed, job.types.len(), failed, ending);
    drop(recorder);
    if let Some(page) = hub.ledger.borrow_mut().as_mut() {
        let status = attempt.result.as_ref().ok().map(|answer| answer.status);
        note(page, &job, ending, items, status, attempt.body);
    }
    hub.ended(&job, ending.at);
    hub.spare.borrow_mut().give(job);
}

/// How many events of an accepted request were accepted, by the answer's own count.
fn accepted(route: &Route, body: &[u8], events: u32) -> u32 {
    let count = |pointer: &Option<Pointer>| {
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
        request_body: match (job.packed, setup.compression) {
            (Some(_), Some((compression, _))) => {
                let body = unpack(encoding_of(compression), job.body(setup.room), SHOWN);
                shown(body.as_deref().unwrap_or_default())
            }
            _ => shown(job.body(setup.room)),
        },
        // A message on a stream has none.
        status: attempt.result.as_ref().ok().map(|answer| answer.status).filter(|status| *status > 0),
        answer_body,
        failure: ending.failure,
        response_time_us: ending.response_time.as_micros(),
    }
}

/// A text without the secrets of a run.
pub(crate) fn hide(text: &str, secrets: &[String]) -> String {
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
