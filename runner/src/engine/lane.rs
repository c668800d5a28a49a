//! A connection at work: opened when it is needed, carrying one request after the other, replaced when it breaks.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use shared::run::FailureKind;
use shared::units::Nanos;

use crate::engine::hub::Hub;
use crate::engine::job::Job;
use crate::engine::outcome::{self, Attempt};
use crate::engine::place::Lane;
use crate::transport::Connection;
use crate::transport::dial::DialTimes;
use crate::transport::exchange::{Exchange, Expectation};
use crate::transport::failure::TransportError;
use crate::transport::http::request::Outgoing;

/// A connection that was idle for longer than this is looked at before it is used: targets close idle connections.
const LOOK_AFTER: Nanos = Nanos::from_millis(50);

/// Serves a target until its connection is gone and nothing waits for another.
pub(crate) async fn serve(hub: Rc<Hub>, target: usize, lane: Rc<Lane>) {
    let pool = &hub.pools[target];
    loop {
        let began = hub.clock.now();
        let opened = open(&hub, target, &lane).await;
        pool.opening.set(pool.opening.get() - 1);
        match opened {
            Ok((connection, opened)) => {
                hub.connections.set(hub.connections.get() + u64::from(opened));
                let last = carry(&hub, target, &lane, connection).await;
                hub.connections.set(hub.connections.get() - u64::from(last));
            }
            Err(error) => {
                if !fail_waiting(&hub, target, began, &error) {
                    break;
                }
            }
        }
        if hub.closing.get() || pool.waiting.borrow().is_empty() {
            break;
        }
        pool.opening.set(pool.opening.get() + 1);
    }
    pool.lanes.borrow_mut().retain(|other| !Rc::ptr_eq(other, &lane));
}

/// Opens the connection within the target's time, or finds a place in an open one; says whether it is a new one.
async fn open(hub: &Hub, target: usize, lane: &Lane) -> Result<(Connection, bool), TransportError> {
    let pool = &hub.pools[target];
    let now = hub.clock.now();
    lane.expired.set(false);
    lane.deadline.set(Some(now.saturating_add(hub.targets[target].connect_timeout)));
    let mut dialling = pin!(async {
        match &pool.transport {
            Some(transport) => transport.connect().await,
            None => Err(TransportError::new(FailureKind::ConnectionFailed, "the target has streams")),
        }
    });
    let opened = poll_fn(|cx| {
        if lane.expired.get() {
            return Poll::Ready(Err(TransportError::new(FailureKind::Timeout, "no connection in time")));
        }
        if hub.aborted.get() {
            return Poll::Ready(Err(TransportError::new(FailureKind::Aborted, "the run was aborted")));
        }
        lane.remember(cx.waker());
        dialling.as_mut().poll(cx)
    })
    .await;
    lane.deadline.set(None);
    let mut recorder = hub.record(hub.clock.now());
    if !matches!(opened, Ok((_, None))) {
        let lost = pool.lost.get();
        pool.lost.set(lost.saturating_sub(1));
        recorder.connection_attempted(lost > 0);
    }
    match opened {
        Ok((connection, None)) => Ok((connection, false)),
        Ok((connection, Some(DialTimes { connect, tls }))) => {
            let nanos = |span: std::time::Duration| Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
            recorder.connection_opened(nanos(connect), tls.map(nanos));
            Ok((connection, true))
        }
        Err(error) => {
            recorder.connection_failed();
            Err(error)
        }
    }
}

/// No connection could be had: what waited for one since before the attempt began has failed with it.
///
/// Says whether to try again for those that came later: not when other connections are at work.
fn fail_waiting(hub: &Hub, target: usize, began: Nanos, error: &TransportError) -> bool {
    let pool = &hub.pools[target];
    let alone = pool.lanes.borrow().len() <= pool.opening.get() + 1;
    // That this machine has nothing left is told by name, even where the others may take up the work.
    let mut certain = u32::from(alone || error.kind == FailureKind::ResourcesExhausted);
    while let Some(mut job) = pool.next_waiting() {
        if certain == 0 && (!alone || job.taken > began) {
            pool.put_back(job);
            break;
        }
        certain = 0;
        let sent = hub.clock.now();
        outcome::begin(hub, &mut job, sent);
        let attempt = Attempt { sent, done: sent, body: &[], result: Err(error.clone()) };
        outcome::end(hub, target, job, attempt);
    }
    alone
}

/// Carries requests until the connection is of no more use; says whether nothing else is under way in it.
async fn carry(hub: &Hub, target: usize, lane: &Rc<Lane>, mut connection: Connection) -> bool {
    let pool = &hub.pools[target];
    let most = hub.targets[target].requests_per_connection;
    let mut idle_since = hub.clock.now();
    for _request in 0..most {
        let waited = pool.next_waiting();
        let was_idle = waited.is_none();
        let job = match waited {
            Some(job) => job,
            None => {
                let Some(job) = idle(hub, target, lane, &mut connection).await else { return connection.is_last() };
                job
            }
        };
        // One look at the clock serves for all that follows: it is a good part of what a request costs.
        let mut now = hub.clock.now();
        if was_idle && now.saturating_sub(idle_since) > LOOK_AFTER {
            if !connection.is_open() {
                pool.lost.set(pool.lost.get() + u64::from(connection.is_last()));
                pool.put_back(job);
                return connection.is_last();
            }
            now = hub.clock.now();
        }
        let Some(job) = outcome::in_time(hub, job, now) else { continue };
        if job.cuts {
            outcome::withhold(hub, job);
            pool.lost.set(pool.lost.get() + 1);
            hub.wake_worker_if_due(hub.clock.now());
            connection.cut();
            return connection.is_last();
        }
        let (reusable, done) = exchange(hub, target, lane, &mut connection, job, now).await;
        if !reusable {
            pool.lost.set(pool.lost.get() + u64::from(connection.is_last()));
            return connection.is_last();
        }
        idle_since = done;
    }
    connection.is_last()
}

/// Waits for a request; none when the connection is gone or nothing will come any more.
async fn idle(hub: &Hub, target: usize, lane: &Rc<Lane>, connection: &mut Connection) -> Option<Job> {
    let pool = &hub.pools[target];
    pool.idle.borrow_mut().push(Rc::clone(lane));
    poll_fn(|cx| {
        if let Some(job) = lane.job.take() {
            return Poll::Ready(Some(job));
        }
        if hub.closing.get() {
            pool.no_longer_idle(lane);
            return Poll::Ready(None);
        }
        if connection.poll_closed(cx).is_ready() {
            pool.no_longer_idle(lane);
            pool.lost.set(pool.lost.get() + u64::from(connection.is_last()));
            return Poll::Ready(None);
        }
        lane.remember(cx.waker());
        Poll::Pending
    })
    .await
}

/// Sends one request, waits for its answer; says whether the connection can be used again, and when that was known.
async fn exchange(
    hub: &Hub,
    target: usize,
    lane: &Lane,
    connection: &mut Connection,
    mut job: Job,
    sent: Nanos,
) -> (bool, Nanos) {
    let setup = &hub.targets[target];
    outcome::begin(hub, &mut job, sent);
    let route = &setup.routes[job.route];
    connection.begin(Expectation { keep_body: route.keep, head_only: false, bytes_per_second: job.bytes_per_second });
    lane.expired.set(false);
    lane.deadline.set(Some(sent.saturating_add(setup.timeout)));
    let outgoing = Outgoing { wire: job.request(), head: job.head(route), body: job.body(setup.room) };
    let exchanged = poll_fn(|cx| {
        if hub.aborted.get() {
            return Poll::Ready(Err(TransportError::new(FailureKind::Aborted, "the run was aborted")));
        }
        if let Poll::Ready(exchange) = connection.poll_exchange(cx, &outgoing) {
            return Poll::Ready(Ok(exchange));
        }
        if lane.expired.get() {
            let detail = format!("no answer within {}", setup.timeout);
            return Poll::Ready(Err(TransportError::new(FailureKind::Timeout, detail)));
        }
        lane.remember(cx.waker());
        Poll::Pending
    })
    .await;
    lane.deadline.set(None);
    match exchanged {
        Ok(Exchange { done, bytes_sent, bytes_received, reusable, result, .. }) => {
            let done = hub.clock.at(done);
            hub.record(done).bytes(bytes_sent, bytes_received);
            let body = if result.is_ok() { connection.answer_body() } else { &[] };
            outcome::end(hub, target, job, Attempt { sent, done, body, result });
            hub.wake_worker_if_due(done);
            (reusable, done)
        }
        Err(error) => {
            let done = hub.clock.now();
            hub.record(done).bytes(job.request().len() as u64, 0);
            outcome::end(hub, target, job, Attempt { sent, done, body: &[], result: Err(error) });
            (false, done)
        }
    }
}
