//! The broker over real sockets, by packets that are written here.

use std::time::Duration;

use bytes::BytesMut;
use shared::api::TargetSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::mqtt::packet::{Connect, Filter, Packet, Publish, Step, Version, Will};
use crate::mqtt::property::Properties;
use crate::mqtt::read::{self, MOST_RECEIVED};
use crate::mqtt::write;
use crate::practice::PracticeTarget;

const VERSIONS: [Version; 2] = [Version::V3, Version::V5];

fn start(settings: TargetSettings) -> PracticeTarget {
    PracticeTarget::start(([127, 0, 0, 1], 0).into(), settings).unwrap()
}

/// A client of the tests.
struct Trial {
    stream: TcpStream,
    version: Version,
    input: BytesMut,
    /// Whether the broker remembered it.
    present: bool,
}

impl Trial {
    async fn connect(target: &PracticeTarget, connect: &Connect<'_>) -> Self {
        let stream = TcpStream::connect(target.address()).await.unwrap();
        let mut trial = Self { stream, version: connect.version, input: BytesMut::new(), present: false };
        let mut out = Vec::new();
        write::connect(&mut out, connect);
        trial.stream.write_all(&out).await.unwrap();
        trial.present = trial
            .next(|packet| match packet {
                Packet::ConnAck { present, reason: 0, .. } => *present,
                other => panic!("not let in: {other:?}"),
            })
            .await;
        trial
    }

    async fn named(target: &PracticeTarget, version: Version, client: &str) -> Self {
        Self::connect(target, &Connect { version, client, clean: true, ..Connect::default() }).await
    }

    /// Looks at the next packet.
    async fn next<T>(&mut self, look: impl FnOnce(&Packet<'_>) -> T) -> T {
        let patience = Duration::from_secs(10);
        let packet = tokio::time::timeout(patience, self.packet()).await.expect("a packet in time").expect("a packet");
        look(&read::packet(&packet, self.version).unwrap())
    }

    /// The next packet's bytes; none once the broker has closed.
    async fn packet(&mut self) -> Option<BytesMut> {
        loop {
            if let Ok(Some(length)) = read::length(&self.input, MOST_RECEIVED)
                && self.input.len() >= length
            {
                return Some(self.input.split_to(length));
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn send(&mut self, act: impl FnOnce(&mut Vec<u8>, Version)) {
        let mut out = Vec::new();
        act(&mut out, self.version);
        self.stream.write_all(&out).await.unwrap();
    }

    async fn publish(&mut self, message: Publish<'_>) {
        self.send(|out, version| {
            write::publish(out, version, &message);
        })
        .await;
    }

    async fn subscribe(&mut self, filter: &str, qos: u8) -> u8 {
        self.send(|out, version| write::subscribe(out, version, 9, &[Filter::new(filter, qos)])).await;
        self.next(|packet| match packet {
            Packet::SubAck { id: 9, reasons } => reasons[0],
            other => panic!("no answer to a subscription: {other:?}"),
        })
        .await
    }

    /// The next message: topic, payload, quality, whether it was kept.
    async fn message(&mut self) -> (String, Vec<u8>, u8, bool) {
        let (seen, id) = self
            .next(|packet| match packet {
                Packet::Publish(message) => {
                    let seen = (message.topic.to_owned(), message.payload.to_vec(), message.qos, message.retain);
                    (seen, message.id)
                }
                other => panic!("no message: {other:?}"),
            })
            .await;
        match seen.2 {
            1 => self.send(|out, version| write::ack(out, version, Step::Acknowledged, id, 0)).await,
            2 => {
                self.send(|out, version| write::ack(out, version, Step::Received, id, 0)).await;
                let released = Packet::Ack { step: Step::Release, id, reason: 0 };
                assert!(self.next(|packet| *packet == released).await);
                self.send(|out, version| write::ack(out, version, Step::Complete, id, 0)).await;
            }
            _ => {}
        }
        seen
    }

    /// Makes sure that everything sent before has been taken in.
    async fn settle(&mut self) {
        self.send(|out, _| write::pingreq(out)).await;
        assert!(self.next(|packet| *packet == Packet::PingResp).await);
    }
}

fn plain<'a>(topic: &'a str, payload: &'a [u8]) -> Publish<'a> {
    Publish { topic, payload, ..Publish::default() }
}

#[tokio::test]
async fn subscribers_hear_what_they_asked_for_at_the_lower_of_both_qualities() {
    let target = start(TargetSettings::default());
    for version in VERSIONS {
        let mut publisher = Trial::named(&target, version, "publisher").await;
        for (filter, wanted) in [("a/b", 0), ("a/+", 1), ("#", 2)] {
            let mut subscriber = Trial::named(&target, version, "subscriber").await;
            assert_eq!(subscriber.subscribe(filter, wanted).await, wanted);
            for qos in 0..3 {
                let id = u16::from(qos) * 7;
                publisher.publish(Publish { qos, id, ..plain("a/b", b"hello") }).await;
                let (topic, payload, heard, kept) = subscriber.message().await;
                assert_eq!(
                    (topic.as_str(), payload.as_slice(), heard, kept),
                    ("a/b", &b"hello"[..], qos.min(wanted), false)
                );
                let step = match qos {
                    0 => continue,
                    1 => Step::Acknowledged,
                    _ => Step::Received,
                };
                assert!(publisher.next(|packet| *packet == Packet::Ack { step, id, reason: 0 }).await);
                if qos == 2 {
                    publisher.send(|out, version| write::ack(out, version, Step::Release, id, 0)).await;
                    let done = Packet::Ack { step: Step::Complete, id, reason: 0 };
                    assert!(publisher.next(|packet| *packet == done).await);
                }
            }
            publisher.publish(plain("other", b"for nobody but #")).await;
            if filter == "#" {
                assert_eq!(subscriber.message().await.0, "other");
            }
            subscriber.settle().await;
        }
    }
}

#[tokio::test]
async fn a_message_of_quality_2_counts_once_however_often_it_comes() {
    let target = start(TargetSettings::default());
    let mut trial = Trial::named(&target, Version::V3, "c").await;
    for again in [false, true, true] {
        trial.publish(Publish { qos: 2, id: 5, again, ..plain("t", br#"{"id":1}"#) }).await;
        assert!(trial.next(|packet| *packet == Packet::Ack { step: Step::Received, id: 5, reason: 0 }).await);
    }
    trial.send(|out, version| write::ack(out, version, Step::Release, 5, 0)).await;
    assert!(trial.next(|packet| *packet == Packet::Ack { step: Step::Complete, id: 5, reason: 0 }).await);
    let account = target.report().await.unwrap().account;
    assert_eq!((account.accepted, account.duplicates, account.requests, account.answered), (1, 0, 1, 1));
    // The number is free again: this is another message.
    trial.publish(Publish { qos: 2, id: 5, ..plain("t", br#"{"id":2}"#) }).await;
    trial.settle_received(5).await;
    assert_eq!(target.report().await.unwrap().account.accepted, 2);
}

impl Trial {
    async fn settle_received(&mut self, id: u16) {
        assert!(self.next(|packet| *packet == Packet::Ack { step: Step::Received, id, reason: 0 }).await);
    }
}

#[tokio::test]
async fn kept_messages_and_wills_reach_those_who_come_later() {
    let target = start(TargetSettings::default());
    for version in VERSIONS {
        let mut publisher = Trial::named(&target, version, "publisher").await;
        publisher.publish(Publish { retain: true, ..plain("state/a", b"on") }).await;
        publisher.settle().await;
        let mut late = Trial::named(&target, version, "late").await;
        late.subscribe("state/#", 1).await;
        assert_eq!(late.message().await, ("state/a".to_owned(), b"on".to_vec(), 0, true));
        // Nothing in it: forgotten.
        publisher.publish(Publish { retain: true, ..plain("state/a", b"") }).await;
        assert_eq!(late.message().await.1, b"");
        let mut later = Trial::named(&target, version, "later").await;
        later.subscribe("state/#", 1).await;
        later.settle().await;

        let will = Some(Will { topic: "gone", payload: b"dead", qos: 1, retain: false });
        later.subscribe("gone", 1).await;
        let dying =
            Trial::connect(&target, &Connect { version, client: "dying", clean: true, will, ..Connect::default() })
                .await;
        drop(dying);
        assert_eq!(later.message().await.1, b"dead");
        let mut polite =
            Trial::connect(&target, &Connect { version, client: "polite", clean: true, will, ..Connect::default() })
                .await;
        polite.send(|out, version| write::disconnect(out, version, 0)).await;
        assert!(polite.packet().await.is_none());
        later.settle().await;
    }
}

#[tokio::test]
async fn a_session_is_kept_where_that_is_asked_for() {
    let target = start(TargetSettings::default());
    for version in VERSIONS {
        let properties = match version {
            Version::V3 => Properties::default(),
            Version::V5 => Properties { session_expiry: Some(60), ..Properties::default() },
        };
        let kept = Connect { version, client: "kept", properties, ..Connect::default() };
        let mut first = Trial::connect(&target, &kept).await;
        assert!(!first.present);
        first.subscribe("t", 1).await;
        drop(first);
        let mut publisher = Trial::named(&target, version, "publisher").await;
        publisher.settle().await;
        publisher.publish(Publish { qos: 1, id: 1, ..plain("t", b"while away") }).await;
        assert!(publisher.next(|packet| matches!(packet, Packet::Ack { .. })).await);
        publisher.publish(plain("t", b"lost: quality 0")).await;
        publisher.settle().await;
        let mut again = Trial::connect(&target, &kept).await;
        assert!(again.present);
        assert_eq!(again.message().await.1, b"while away");
        again.settle().await;
        // Whoever takes the name takes the connection.
        let taker = Trial::connect(&target, &Connect { clean: true, ..kept.clone() }).await;
        assert!(!taker.present, "a clean session forgets");
        if version == Version::V5 {
            assert!(again.next(|packet| *packet == Packet::Disconnect { reason: 0x8e }).await);
        }
        assert!(again.packet().await.is_none());
    }
}

#[tokio::test]
async fn version_5_has_aliases_names_and_reasons() {
    let target = start(TargetSettings { rate_limit: Some(0.5), ..TargetSettings::default() });
    let mut trial = Trial::named(&target, Version::V5, "").await;
    trial.publish(Publish { qos: 1, id: 1, alias: Some(3), ..plain("long/topic", b"1") }).await;
    assert!(trial.next(|packet| *packet == Packet::Ack { step: Step::Acknowledged, id: 1, reason: 0 }).await);
    trial.publish(Publish { qos: 1, id: 2, alias: Some(3), ..plain("", b"2") }).await;
    assert!(trial.next(|packet| *packet == Packet::Ack { step: Step::Acknowledged, id: 2, reason: 0x97 }).await);
    assert_eq!(trial.subscribe("$share/g/t", 1).await, 0x9e);
    let account = target.report().await.unwrap().account;
    assert_eq!((account.event_types["long/topic"], account.throttled), (1, 1));
    // A number that stands for nothing.
    trial.publish(Publish { alias: Some(4), ..plain("", b"3") }).await;
    assert!(trial.next(|packet| *packet == Packet::Disconnect { reason: 0x82 }).await);
    assert!(trial.packet().await.is_none());
}

#[tokio::test]
async fn a_client_that_falls_silent_is_let_go() {
    let target = start(TargetSettings::default());
    let connect = Connect { version: Version::V5, client: "c", clean: true, keepalive: 1, ..Connect::default() };
    let mut trial = Trial::connect(&target, &connect).await;
    assert!(trial.next(|packet| *packet == Packet::Disconnect { reason: 0x8d }).await);
}

#[tokio::test]
async fn a_service_behind_the_broker_acknowledges_mutations() {
    let target = start(TargetSettings::default());
    let mut trial = Trial::named(&target, Version::V3, "c").await;
    trial.subscribe("response/acknowledgement", 1).await;
    trial.subscribe("response/status", 1).await;
    trial.publish(plain("graphql/mutation", br#"{"serviceName":"s","uuids":["u"],"query":"q"}"#)).await;
    let (topic, payload, ..) = trial.message().await;
    let answer: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((topic.as_str(), &answer["uuids"][0]), ("response/acknowledgement", &"u".into()));
    let task = answer["task_id"].as_str().unwrap();
    let question = format!(r#"{{"taskIds":[{{"taskId":"{task}"}}]}}"#);
    trial.publish(plain("graphql/mutation/status", question.as_bytes())).await;
    let (topic, payload, ..) = trial.message().await;
    let answer: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((topic.as_str(), answer[0]["taskId"].as_str()), ("response/status", Some(task)));
    // One that is no JSON ends nothing.
    trial.publish(plain("graphql/mutation", b"\xff\x00")).await;
    trial.settle().await;
}

#[tokio::test]
async fn no_bytes_whatever_end_the_broker() {
    let target = start(TargetSettings::default());
    // A cheap generator: the same bytes in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut hello = Vec::new();
    write::connect(&mut hello, &Connect { version: Version::V5, client: "fuzz", clean: true, ..Connect::default() });
    let mut sound = Vec::new();
    write::subscribe(&mut sound, Version::V5, 1, &[Filter::new("#", 2)]);
    write::publish(&mut sound, Version::V5, &Publish { qos: 2, id: 1, alias: Some(1), ..plain("a", b"b") });
    write::ack(&mut sound, Version::V5, Step::Release, 1, 0);
    for round in 0..400 {
        let mut stream = TcpStream::connect(target.address()).await.unwrap();
        let mut bytes = if round % 4 == 0 { vec![0x10] } else { hello.clone() };
        if round % 2 == 0 {
            bytes.extend((0..next() % 200).map(|_| next() as u8));
        } else {
            let mut wrong = sound.clone();
            let place = next() as usize % wrong.len();
            wrong[place] = next() as u8;
            bytes.extend(wrong);
        }
        let _gone = stream.write_all(&bytes).await;
    }
    // It still serves everybody, and requests as well.
    let mut trial = Trial::named(&target, Version::V3, "after").await;
    trial.publish(Publish { qos: 1, id: 1, ..plain("t", b"x") }).await;
    assert!(trial.next(|packet| matches!(packet, Packet::Ack { .. } | Packet::Publish(_))).await);
    assert!(target.report().await.unwrap().account.accepted >= 1);
}

#[tokio::test]
async fn a_subscriber_that_reads_nothing_is_let_go_and_others_go_on() {
    let target = start(TargetSettings::default());
    let mut lazy = Trial::named(&target, Version::V5, "lazy").await;
    lazy.subscribe("t", 0).await;
    let mut publisher = Trial::named(&target, Version::V5, "publisher").await;
    let payload = vec![b'x'; 60_000];
    for id in 1..=600 {
        publisher.publish(Publish { qos: 1, id, ..plain("t", &payload) }).await;
        assert!(publisher.next(|packet| *packet == Packet::Ack { step: Step::Acknowledged, id, reason: 0 }).await);
    }
    let account = target.report().await.unwrap().account;
    assert_eq!(account.accepted, 600, "nobody waits for the lazy one");
}
