//! Packets there and back, and bytes that are none.

use super::packet::{Connect, Filter, Packet, Publish, Step, Version, Will};
use super::property::Properties;
use super::read::{self, MOST_RECEIVED};
use super::wire::Malformed;
use super::write;

const VERSIONS: [Version; 2] = [Version::V3, Version::V5];

/// Reads the one packet that was written.
#[track_caller]
fn back(bytes: &[u8], version: Version) -> Packet<'_> {
    assert_eq!(read::length(bytes, MOST_RECEIVED), Ok(Some(bytes.len())));
    for cut in 0..bytes.len().min(5) {
        assert!(read::length(&bytes[..cut], MOST_RECEIVED).is_ok(), "a beginning is no mistake");
    }
    read::packet(bytes, version).unwrap()
}

#[test]
fn introductions_come_through_with_everything_in_them() {
    for version in VERSIONS {
        for (clean, user, password, will) in [
            (true, None, None, None),
            (false, Some("ann"), Some(&b"s3cret"[..]), None),
            (true, Some("key"), None, Some(Will { topic: "gone", payload: b"c1", qos: 2, retain: true })),
        ] {
            let properties = match version {
                Version::V3 => Properties::default(),
                Version::V5 => {
                    Properties { session_expiry: Some(3600), receive_maximum: Some(7), ..Properties::default() }
                }
            };
            let connect = Connect { version, clean, keepalive: 60, client: "c-1", user, password, will, properties };
            let mut out = Vec::new();
            write::connect(&mut out, &connect);
            assert_eq!(back(&out, Version::V3), Packet::Connect(connect), "the packet says its version itself");
        }
    }
}

#[test]
fn messages_come_through_in_every_size_and_quality() {
    for version in VERSIONS {
        for size in [0, 1, 127, 128, 16_383, 16_384, 300_000] {
            let payload = vec![b'x'; size];
            for (qos, retain, again) in [(0, true, false), (1, false, true), (2, true, true)] {
                let id = if qos > 0 { 513 } else { 0 };
                let message = Publish { topic: "a/b", alias: None, payload: &payload, qos, retain, again, id };
                let mut out = Vec::new();
                assert_eq!(write::publish(&mut out, version, &message), out.len());
                assert_eq!(back(&out, version), Packet::Publish(message));
            }
        }
    }
    let message = Publish { topic: "", alias: Some(3), payload: b"p", ..Publish::default() };
    let mut out = Vec::new();
    write::publish(&mut out, Version::V5, &message);
    assert_eq!(back(&out, Version::V5), Packet::Publish(message));
}

#[test]
fn everything_else_comes_through() {
    for version in VERSIONS {
        let reason = if version == Version::V5 { 0x97 } else { 0 };
        for step in [Step::Acknowledged, Step::Received, Step::Release, Step::Complete] {
            for reason in [0, reason] {
                let mut out = Vec::new();
                write::ack(&mut out, version, step, 7, reason);
                assert_eq!(back(&out, version), Packet::Ack { step, id: 7, reason });
            }
        }
        let mut out = Vec::new();
        let filters = vec![Filter::new("a/+", 1), Filter::new("#", 2)];
        write::subscribe(&mut out, version, 9, &filters);
        assert_eq!(back(&out, version), Packet::Subscribe { id: 9, filters });
        let mut out = Vec::new();
        write::suback(&mut out, version, 9, &[1, 0x80]);
        assert_eq!(back(&out, version), Packet::SubAck { id: 9, reasons: &[1, 0x80] });
        let mut out = Vec::new();
        write::unsubscribe(&mut out, version, 3, &["a", "b/#"]);
        assert_eq!(back(&out, version), Packet::Unsubscribe { id: 3, filters: vec!["a", "b/#"] });
        let mut out = Vec::new();
        write::unsuback(&mut out, version, 3, &[0, 0]);
        assert_eq!(back(&out, version), Packet::UnsubAck { id: 3 });
        let mut out = Vec::new();
        write::disconnect(&mut out, version, reason);
        assert_eq!(back(&out, version), Packet::Disconnect { reason });
        let properties = match version {
            Version::V3 => Properties::default(),
            Version::V5 => Properties {
                receive_maximum: Some(20),
                alias_maximum: Some(10),
                maximum_packet: Some(70_000),
                maximum_qos: Some(1),
                retain_available: Some(false),
                shared_available: Some(false),
                server_keepalive: Some(30),
                assigned_client: Some("auto-1"),
                ..Properties::default()
            },
        };
        let mut out = Vec::new();
        write::connack(&mut out, version, true, 5, &properties);
        assert_eq!(back(&out, version), Packet::ConnAck { present: true, reason: 5, properties });
    }
    let mut out = Vec::new();
    write::pingreq(&mut out);
    assert_eq!(back(&out, Version::V3), Packet::PingReq);
    out.clear();
    write::pingresp(&mut out);
    assert_eq!(back(&out, Version::V5), Packet::PingResp);
}

#[test]
fn properties_that_mean_nothing_here_are_passed_over() {
    // CONNACK of a broker that has much to say: reason, user property, wildcard and subscription ids available.
    let bytes = b"\x20\x16\x00\x00\x13\x1f\x00\x02ok\x26\x00\x01a\x00\x01b\x28\x01\x29\x01\x21\x00\x14";
    let Packet::ConnAck { properties, .. } = back(bytes, Version::V5) else { panic!("another packet") };
    assert_eq!(properties.receive_maximum, Some(20));
}

#[test]
fn bytes_that_are_no_packet_are_refused_with_a_reason() {
    for (bytes, why) in [
        (&b"\xf0\x00"[..], "a packet of no kind"),
        (b"\x36\x05\x00\x01a\x00\x01", "a quality of service of 3"),
        (b"\x32\x05\x00\x01a\x00\x00", "a packet number of 0"),
        (b"\x30\x03\x00\x01+", "a topic that nobody can publish to"),
        (b"\x30\x02\x00\x00", "a topic that nobody can publish to"),
        (b"\x30\x03\x00\x09a", "a packet that ends too early"),
        (b"\x30\x03\x00\x01\xff", "a text that is not UTF-8"),
        (b"\x38\x03\x00\x01a", "a message of quality 0 that was sent before"),
        (b"\x40\x03\x00\x01\x00", "a packet with more in it than belongs there"),
        (b"\x60\x02\x00\x01", "a packet of no kind"),
        (b"\x82\x02\x00\x01", "a subscription to nothing"),
        (b"\x82\x06\x00\x01\x00\x01a\x03", "a subscription with options that do not exist"),
        (b"\x82\x07\x00\x01\x00\x02a#\x00", "a filter with wildcards where none can be"),
        (b"\x10\x0c\x00\x04MQTT\x03\x02\x00\x00\x00\x00", "a version that is not spoken here"),
        (b"\x10\x0c\x00\x04HTTP\x04\x02\x00\x00\x00\x00", "another protocol"),
        (b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x00\x00\x00", "flags that contradict each other"),
    ] {
        assert_eq!(read::packet(bytes, Version::V3), Err(Malformed::Wrong(why)), "{bytes:?}");
    }
    assert_eq!(
        read::packet(b"\x30\x06\x00\x01a\x02\x77\x00", Version::V5),
        Err(Malformed::Wrong("a property of no kind"))
    );
    assert!(matches!(read::length(b"\x30\xff\xff\xff\x7f", MOST_RECEIVED), Err(Malformed::TooLong(_))));
    assert_eq!(
        read::length(b"\x30\xff\xff\xff\xff\x01", MOST_RECEIVED),
        Err(Malformed::Wrong("a length of more than four bytes"))
    );
}

#[test]
fn no_bytes_whatever_make_the_reader_fall_over() {
    // A cheap generator: the same bytes in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut written = Vec::new();
    let connect = Connect { client: "c", user: Some("u"), version: Version::V5, ..Connect::default() };
    write::connect(&mut written, &connect);
    write::publish(
        &mut written,
        Version::V5,
        &Publish { topic: "t", qos: 1, id: 1, alias: Some(1), ..Publish::default() },
    );
    let mut read = 0;
    for round in 0..200_000 {
        let length = (next() % 48) as usize + 1;
        let mut bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        if round % 2 == 0 {
            // One that is nearly right.
            bytes = written.clone();
            let place = next() as usize % bytes.len();
            bytes[place] = next() as u8;
        }
        for version in VERSIONS {
            if let Ok(Some(whole)) = read::length(&bytes, MOST_RECEIVED)
                && let Some(packet) = bytes.get(..whole)
            {
                read += u64::from(read::packet(packet, version).is_ok());
            }
        }
    }
    assert!(read > 1_000, "some were right: {read}");
}
