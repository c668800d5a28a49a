//! A stream's place: opened when the run begins, opened again when it breaks, its messages failed when it cannot be.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use shared::run::FailureKind;
use shared::units::Nanos;

use crate::engine::flights::Flights;
use crate::engine::hub::Hub;
use crate::engine::outcome::{self, Attempt, Told};
use crate::engine::stream_session::{End, Place, Session, fail};
use crate::transport::channel::Channel;
use crate::transport::dial::DialTimes;
use crate::transport::failure::TransportError;
use crate::transport::traffic::Message;

/// Time for the good-bye of a connection.
const GOODBYE: Duration = Duration::from_millis(200);

/// Serves one place of a target's streams until the run is over.
pub(crate) async fn serve(hub: Rc<Hub>, target: usize, place: usize) {
    let Some(pool) = &hub.streams[target] else { return };
    let Some(setup) = &hub.targets[target].stream else { return };
    let place = Place {
        hub: &hub,
        target,
        target_setup: &hub.targets[target],
        setup,
        pool,
        lane: &pool.lanes[place],
        number: pool.number(place),
    };
    let mut failed = 0;
    let mut again = false;
    // What goes on with the next connection.
    let mut kept = Flights::default();
    loop {
        let Ok(permit) = pool.opening.acquire().await else { break };
        if hub.closing.get() {
            break;
        }
        let began = hub.clock.now();
        let opened = open(place, again).await;
        drop(permit);
        again = true;
        match opened {
            Ok(connection) => {
                failed = 0;
                hub.connections.set(hub.connections.get() + 1);
                let mut session = Session::new(place, connection, std::mem::take(&mut kept));
                let end = poll_fn(|cx| session.poll(cx)).await;
                hub.connections.set(hub.connections.get() - 1);
                kept = session.end(&end);
                if matches!(end, End::Over) {
                    let mut connection = session.connection;
                    let _late = tokio::time::timeout(GOODBYE, poll_fn(|cx| connection.poll_close(cx))).await;
                    return;
                }
            }
            Err(error) => fail_waiting(place, began, &error),
        }
        failed += 1;
        rest(place, setup.wait(failed, place.number), &mut kept).await;
        if hub.closing.get() {
            break;
        }
    }
    let error = TransportError::new(FailureKind::Aborted, "the run ended");
    while let Some(flight) = kept.oldest() {
        fail(place, flight, hub.clock.now(), &error);
    }
}

/// Opens the connection within the target's time, the first message included.
async fn open(place: Place<'_>, again: bool) -> Result<Channel, TransportError> {
    let Place { hub, target, pool, setup, .. } = place;
    let now = hub.clock.now();
    hub.record(now).connection_attempted(again);
    let lane = &place.lane.lane;
    lane.expired.set(false);
    lane.deadline.set(Some(now.saturating_add(place.target_setup.connect_timeout)));
    let mut client = hub.client(target, place.number).unwrap_or_default();
    if let Some(mqtt) = setup.mqtt() {
        client.id.get_or_insert_with(|| mqtt.client_name(place.number));
    }
    let mut dialling = pin!(pool.transport.connect(&client, again));
    let opened = poll_fn(|cx| {
        if lane.expired.get() {
            return Poll::Ready(Err((TransportError::new(FailureKind::Timeout, "no connection in time"), None)));
        }
        if hub.aborted.get() || hub.closing.get() {
            return Poll::Ready(Err((TransportError::new(FailureKind::Aborted, "the run ended"), None)));
        }
        lane.remember(cx.waker());
        dialling.as_mut().poll(cx)
    })
    .await;
    lane.deadline.set(None);
    let mut recorder = hub.record(hub.clock.now());
    match opened {
        Ok((mut connection, DialTimes { connect, tls })) => {
            let nanos = |span: Duration| Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
            recorder.connection_opened(nanos(connect), tls.map(nanos));
            if let Some(first) = &setup.first {
                let sent = connection.send(&Message { topic: &[], payload: &first.0, id: 0, again: false })?;
                recorder.bytes(sent, 0);
            }
            Ok(connection)
        }
        Err((error, status)) => {
            recorder.connection_failed();
            if let (FailureKind::HandshakeRefused, Some(status)) = (error.kind, status) {
                *recorder.streams().refused.entry(status).or_default() += 1;
            }
            Err(error)
        }
    }
}

/// No connection could be had: what waited for it since before the attempt began has failed with it.
fn fail_waiting(place: Place<'_>, began: Nanos, error: &TransportError) {
    let Place { hub, target, pool, lane, .. } = place;
    while lane.waits_since(began) {
        let Some(mut job) = pool.next_at(lane) else { return };
        let sent = hub.clock.now();
        outcome::begin(hub, &mut job, sent);
        let attempt = Attempt { sent, done: sent, body: &[], result: Err(error.clone()) };
        outcome::settle(hub, target, job, &attempt, Told::failed(error.kind, false));
    }
}

/// Waits before another attempt, not beyond the run's end. What is kept for the next connection waits for its answers
/// meanwhile, as long as it may.
async fn rest(place: Place<'_>, wait: Nanos, kept: &mut Flights) {
    let Place { hub, lane, .. } = place;
    let mut sleep = pin!(tokio::time::sleep(Duration::from_nanos(wait.0)));
    poll_fn(|cx| {
        if hub.closing.get() || hub.aborted.get() {
            return Poll::Ready(());
        }
        lane.lane.remember(cx.waker());
        while let Some(flight) = kept.late(hub.clock.now()) {
            place.timed_out(flight);
        }
        lane.lane.deadline.set(kept.deadline());
        lane.lane.expired.set(false);
        sleep.as_mut().poll(cx)
    })
    .await;
    lane.lane.deadline.set(None);
}
