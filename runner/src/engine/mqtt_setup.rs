//! What a scenario says of an MQTT target, made ready: how clients introduce themselves, what reasons mean.

use shared::encode::Pointer;
use shared::random::mix;
use shared::run::FailureKind;
use shared::scenario::model::target::mqtt::{Mqtt, MqttVersion, reason_name};
use shared::units::Nanos;

use crate::mqtt::packet::Version;
use crate::transport::mqtt::Introduction;

/// Longest silence, and how long a session is kept, where the scenario says nothing.
const KEEPALIVE: Nanos = Nanos::from_secs(60);
const SESSION_EXPIRY: Nanos = Nanos::from_secs(3_600);

/// An MQTT target made ready.
#[derive(Debug)]
pub(crate) struct MqttSetup {
    pub(crate) introduction: Introduction,
    /// Field by which a message is known that comes back.
    pub(crate) correlate: Option<Pointer>,
    /// Whether what is under way goes on after a connection is lost.
    pub(crate) resumes: bool,
    /// What clients are called that the scenario gives no name: this, then their number.
    client_name: String,
}

impl MqttSetup {
    /// Makes a target ready. `run` is a number that no other run has; `name` and `seed` stay the same.
    ///
    /// # Errors
    ///
    /// Says what is no path into a message.
    pub(crate) fn new(
        mqtt: &Mqtt,
        (user, password): (Option<String>, Option<String>),
        (name, seed): (&str, u64),
        run: u64,
    ) -> Result<Self, String> {
        let clean = mqtt.clean.unwrap_or(true);
        let version = match mqtt.version {
            MqttVersion::V3 => Version::V3,
            MqttVersion::V5 => Version::V5,
        };
        let seconds = |span: Nanos| u32::try_from(span.0 / 1_000_000_000).unwrap_or(u32::MAX);
        let keepalive = u16::try_from(seconds(mqtt.keepalive.unwrap_or(KEEPALIVE))).unwrap_or(u16::MAX);
        // A session is found again by its client's name, so that this must not change from run to run.
        let own = if clean { run } else { mix(shared::random::hash_name(name), seed) };
        Ok(Self {
            introduction: Introduction {
                version,
                clean,
                keepalive,
                session_expiry: (!clean).then(|| seconds(mqtt.session_expiry.unwrap_or(SESSION_EXPIRY))),
                user,
                password,
                qos: mqtt.qos,
                retain: mqtt.retain,
                will: mqtt.will.as_ref().map_or((0, false), |will| (will.qos, will.retain)),
            },
            correlate: mqtt.correlate.as_deref().map(str::parse).transpose()?,
            resumes: !clean && mqtt.qos > 0,
            // 23 characters at most, and none but letters and digits: that is what every broker must take.
            client_name: format!("throng{:08x}c", own as u32),
        })
    }

    /// What a client is called that the scenario gives no name.
    pub(crate) fn client_name(&self, number: u64) -> String {
        format!("{}{number}", self.client_name)
    }

    /// How often a client says that it is there: well within the silence that it promised.
    pub(crate) fn ping(&self) -> Nanos {
        Nanos(Nanos::from_secs(u64::from(self.introduction.keepalive.max(1))).0 / 2)
    }
}

/// What a reason of a broker is called.
pub(crate) fn name_of(reason: u8) -> String {
    reason_name(reason).map_or_else(|| format!("REASON_{reason}"), str::to_owned)
}

/// What it means for a message where the scenario does not say.
pub(crate) fn meaning_of(reason: u8) -> Result<bool, FailureKind> {
    match reason {
        0..=0x7f => Ok(false),
        0x86 | 0x87 | 0x8a | 0x8c => Err(FailureKind::Unauthorized),
        0x93 | 0x96 | 0x97 | 0x9f => Err(FailureKind::Throttled),
        0x81 | 0x82 | 0x84 | 0x85 | 0x8f..=0x92 | 0x94 | 0x95 | 0x99..=0x9b => Err(FailureKind::ClientError),
        0x83 | 0x88 | 0x89 | 0x8b => Err(FailureKind::ServerError),
        _ => Err(FailureKind::ErrorAnswer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(mqtt: &Mqtt, seed: u64, run: u64) -> MqttSetup {
        MqttSetup::new(mqtt, (None, None), ("broker", seed), run).unwrap()
    }

    #[test]
    fn a_session_is_found_again_by_its_name_and_a_clean_one_never() {
        let (clean, kept) = (Mqtt::default(), Mqtt { clean: Some(false), qos: 1, ..Mqtt::default() });
        assert_eq!(setup(&kept, 1, 5).client_name(3), setup(&kept, 1, 6).client_name(3));
        assert_ne!(setup(&kept, 1, 5).client_name(3), setup(&kept, 2, 5).client_name(3));
        assert_ne!(setup(&clean, 1, 5).client_name(3), setup(&clean, 1, 6).client_name(3));
        let longest = setup(&clean, 1, u64::MAX).client_name(99_999);
        assert!(longest.len() <= 23 && longest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{longest}");
    }

    #[test]
    fn reasons_have_meanings() {
        for (reason, meaning) in [
            (0x00, Ok(false)),
            (0x10, Ok(false)),
            (0x87, Err(FailureKind::Unauthorized)),
            (0x97, Err(FailureKind::Throttled)),
            (0x90, Err(FailureKind::ClientError)),
            (0x83, Err(FailureKind::ServerError)),
            (0xff, Err(FailureKind::ErrorAnswer)),
        ] {
            assert_eq!(meaning_of(reason), meaning, "{reason:#x}");
        }
        assert_eq!((name_of(0x97).as_str(), name_of(0xee).as_str()), ("QUOTA_EXCEEDED", "REASON_238"));
    }
}
