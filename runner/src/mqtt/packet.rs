//! The packets of MQTT. Texts and payloads are borrowed from whatever they were read from.

use super::property::Properties;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Version {
    /// 3.1.1.
    #[default]
    V3,
    /// 5.
    V5,
}

impl Version {
    /// Its number on the wire.
    pub fn level(self) -> u8 {
        match self {
            Self::V3 => 4,
            Self::V5 => 5,
        }
    }
}

/// A packet that came in.
#[derive(Debug, PartialEq)]
pub enum Packet<'a> {
    /// A client introduces itself.
    Connect(Connect<'a>),
    /// Whether a broker lets a client in.
    ConnAck {
        /// Whether it has kept a session.
        present: bool,
        /// 0, or why not.
        reason: u8,
        /// What it allows.
        properties: Properties<'a>,
    },
    /// A message.
    Publish(Publish<'a>),
    /// A step in which a message is acknowledged.
    Ack {
        /// Which.
        step: Step,
        /// The message.
        id: u16,
        /// 0, or what is wrong with it.
        reason: u8,
    },
    /// A client wants to hear of topics.
    Subscribe {
        /// The request.
        id: u16,
        /// Filters with what the client wants of them.
        filters: Vec<Filter<'a>>,
    },
    /// What became of that, filter by filter.
    SubAck {
        /// The request.
        id: u16,
        /// A quality of service, or why not.
        reasons: &'a [u8],
    },
    /// A client does not want to hear of topics any more.
    Unsubscribe {
        /// The request.
        id: u16,
        /// Filters.
        filters: Vec<&'a str>,
    },
    /// What became of that.
    UnsubAck {
        /// The request.
        id: u16,
    },
    /// A client asks whether the broker is there.
    PingReq,
    /// It is.
    PingResp,
    /// The other side says good-bye.
    Disconnect {
        /// 0, or why.
        reason: u8,
    },
}

/// The steps in which a message is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// PUBACK: a message of quality 1 has come.
    Acknowledged,
    /// PUBREC: a message of quality 2 has come.
    Received,
    /// PUBREL: it may be handed on and forgotten.
    Release,
    /// PUBCOMP: it is forgotten.
    Complete,
}

impl Step {
    /// The first byte of its packet.
    pub(super) fn head(self) -> u8 {
        match self {
            Self::Acknowledged => 0x40,
            Self::Received => 0x50,
            Self::Release => 0x62,
            Self::Complete => 0x70,
        }
    }
}

/// How a client introduces itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connect<'a> {
    /// The version that it speaks.
    pub version: Version,
    /// Whether it begins anew.
    pub clean: bool,
    /// Seconds of its longest silence; 0: without end.
    pub keepalive: u16,
    /// What it is called; empty: the broker finds a name.
    pub client: &'a str,
    /// Its user's name.
    pub user: Option<&'a str>,
    /// Its password.
    pub password: Option<&'a [u8]>,
    /// What the broker says when it is lost.
    pub will: Option<Will<'a>>,
    /// Version 5: what it allows and wants.
    pub properties: Properties<'a>,
}

/// What a broker says when a client is lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Will<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Message.
    pub payload: &'a [u8],
    /// Quality of service.
    pub qos: u8,
    /// Whether it is kept.
    pub retain: bool,
}

/// A message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Publish<'a> {
    /// Its topic; empty in version 5 where an alias says it.
    pub topic: &'a str,
    /// Version 5: a number that stands for the topic from now on.
    pub alias: Option<u16>,
    /// What it says.
    pub payload: &'a [u8],
    /// Quality of service.
    pub qos: u8,
    /// Whether it is kept, or was.
    pub retain: bool,
    /// Whether it was sent before.
    pub again: bool,
    /// Its number; 0 at quality 0, which has none.
    pub id: u16,
}

/// A filter of topics in a subscription.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Filter<'a> {
    /// The filter.
    pub filter: &'a str,
    /// The highest quality of service that is wanted.
    pub qos: u8,
    /// Version 5: whether the client's own messages are left out.
    pub no_local: bool,
    /// Version 5: whether messages say that they were kept when they were published so.
    pub as_published: bool,
    /// Version 5: when kept messages are sent: 0 always, 1 for a new subscription, 2 never.
    pub kept: u8,
}

impl<'a> Filter<'a> {
    /// A plain one.
    pub fn new(filter: &'a str, qos: u8) -> Self {
        Self { filter, qos, no_local: false, as_published: false, kept: 0 }
    }

    /// Its options as a byte.
    pub(super) fn options(&self) -> u8 {
        self.qos | u8::from(self.no_local) << 2 | u8::from(self.as_published) << 3 | self.kept << 4
    }
}
