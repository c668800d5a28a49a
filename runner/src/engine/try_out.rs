//! Trying a scenario out: is each target there, and what does it say to one event of each kind.

use std::future::poll_fn;
use std::time::Duration;

use shared::api::{TriedEvent, TriedTarget};
use shared::plan::EventTypeId;
use shared::plan::firsts::{First, firsts};
use shared::run::FailureKind;
use shared::units::Nanos;

use crate::engine::meaning::Meaning;
use crate::engine::outcome::hide;
use crate::engine::packing::{Packer, unpack};
use crate::engine::prepare::{Prepared, today};
use crate::engine::target::TargetSetup;
use crate::transport::Connection;
use crate::transport::exchange::{Exchange, Expectation};
use crate::transport::failure::TransportError;
use crate::transport::http::request::Outgoing;

/// Bytes that are shown of a body.
const SHOWN: usize = 16 * 1024;

impl Prepared {
    /// Asks each target that the scenario uses for a connection, and for its health where the scenario names a path.
    pub async fn try_targets(&self) -> Vec<TriedTarget> {
        let mut tried = Vec::new();
        for target in self.targets.iter().filter(|target| target.used) {
            let began = tokio::time::Instant::now();
            let reached = target.reachable().await;
            tried.push(TriedTarget {
                name: target.name.clone(),
                url: target.origin(),
                reachable: reached.is_ok(),
                micros: micros(began),
                detail: match reached {
                    Ok(warning) => warning,
                    Err(error) => Some(hide(&error.to_string(), &self.secrets)),
                },
            });
        }
        tried
    }

    /// Sends the first event of each kind that is wanted, one after the other, each alone and once.
    pub async fn try_events(&self, wanted: &[EventTypeId]) -> Vec<TriedEvent> {
        let start = self.plan.clock().start(today());
        let mut tried = Vec::new();
        for first in firsts(&self.plan, start, wanted, 1, |_| true) {
            let target = self.plan.workloads().get(first.workload).map(|workload| usize::from(workload.target.0));
            let Some(setup) = target.and_then(|target| self.targets.get(target)) else { continue };
            tried.push(self.try_event(&first, setup).await);
        }
        tried
    }

    async fn try_event(&self, first: &First, setup: &TargetSetup) -> TriedEvent {
        let place = setup.own_route(first.event_type).unwrap_or(0);
        let route = &setup.routes[place];
        let kind = self.plan.event_types().get(usize::from(first.event_type.0));
        let shown = |bytes: &[u8]| hide(&String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes)), &self.secrets);
        let body = [route.prefix.as_slice(), &first.body, &route.suffix].concat();
        let mut tried = TriedEvent {
            event_type: kind.map(|kind| kind.name.clone()).unwrap_or_default(),
            target: setup.name.clone(),
            request: route.shown.clone(),
            body: shown(&body),
            ..TriedEvent::default()
        };
        let began = tokio::time::Instant::now();
        let sent = async {
            let transport = setup.transport(0, 1, 1);
            let transport = transport.map_err(|why| TransportError::new(FailureKind::ConnectionFailed, why))?;
            let transport = transport.ok_or_else(|| {
                TransportError::new(FailureKind::Protocol, "messages on streams are sent by runs alone")
            })?;
            let (connection, _times) = transport.connect().await?;
            send(setup, place, connection, body).await
        };
        let limit = Duration::from_nanos(setup.connect_timeout.saturating_add(setup.timeout).0);
        let sent = tokio::time::timeout(limit, sent).await.unwrap_or_else(|_elapsed| {
            let detail = format!("no answer within {}", Nanos(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)));
            Err(TransportError::new(FailureKind::Timeout, detail))
        });
        tried.micros = micros(began);
        match sent {
            Ok((status, answer)) => {
                tried.status = Some(status).filter(|status| *status > 0);
                tried.accepted = !matches!(setup.meanings.of_answer(status, &answer), Meaning::Refused(_));
                tried.answer = shown(&answer);
            }
            Err(error) => tried.failure = Some(hide(&error.to_string(), &self.secrets)),
        }
        tried
    }
}

/// Sends one request; gives the status and the body of its answer, unpacked.
async fn send(
    setup: &TargetSetup,
    route: usize,
    mut connection: Connection,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>), TransportError> {
    let route = &setup.routes[route];
    let mut buffer = vec![0; setup.room];
    buffer.extend_from_slice(&body);
    if let Some((compression, level)) = setup.compression {
        let packed = Packer::new(compression, level).and_then(|mut packer| packer.pack(&mut buffer, setup.room));
        packed.map_err(|error| TransportError::new(FailureKind::Protocol, error.to_string()))?;
    }
    let offset = setup.room - route.head.room();
    let start = offset + route.head.place(&mut buffer[offset..]);
    connection.begin(Expectation { keep_body: SHOWN, head_only: false, bytes_per_second: None });
    let outgoing = Outgoing { wire: &buffer[start..], head: &route.head, body: &buffer[setup.room..] };
    let Exchange { result, .. } = poll_fn(|cx| connection.poll_exchange(cx, &outgoing)).await;
    let answer = result?;
    let kept = connection.answer_body();
    let body = match answer.encoding {
        Some(encoding) => unpack(encoding, kept, SHOWN).unwrap_or_default(),
        None => kept.to_vec(),
    };
    Ok((answer.status, body))
}

fn micros(began: tokio::time::Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}
