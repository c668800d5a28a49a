//! What one worker has seen since it last told the conductor. Nothing here is shared, so that nothing is locked.

use std::collections::VecDeque;

use shared::run::fault::{FaultCounts, FaultKind};
use shared::run::stream::StreamCounts;
use shared::run::{Bytes, Carried, Compressed, ConnectionCounts, Counts, FailureKind, Sample};
use shared::units::Nanos;

use crate::engine::held::Notes;
use crate::engine::meaning::Meaning;
use crate::engine::packing::Packed;
use crate::engine::tally::{Distribution, Tally};

/// How often a worker hands on what it has.
pub(crate) const TICK: Nanos = Nanos::from_millis(100);
/// Ticks kept while the conductor is too busy to take them; from then on they grow longer instead.
const MOST_TICKS_KEPT: usize = 32;
/// Samples per worker and tick, beside the first of each failure kind.
const SAMPLES_PER_TICK: u32 = 2;

/// What a worker saw in one tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delta {
    /// The tick that it ends with: everything in it happened before `(tick + 1) * TICK`.
    pub(crate) tick: u64,
    pub(crate) events: Counts,
    pub(crate) requests: Counts,
    pub(crate) bytes: Bytes,
    pub(crate) connections: ConnectionCounts,
    pub(crate) response_time: Distribution,
    pub(crate) service_time: Distribution,
    pub(crate) send_lag: Distribution,
    /// The part of the send lag that no target had a hand in.
    pub(crate) own_lag: Distribution,
    pub(crate) connect: Distribution,
    pub(crate) tls: Distribution,
    /// From due to the moment at which a message came back on a topic.
    pub(crate) delivery: Distribution,
    /// By event type, those that were touched.
    pub(crate) event_types: Vec<(u16, Counts, Distribution)>,
    /// By protocol, where there are several; empty where there is one.
    pub(crate) protocols: Vec<(Carried, Distribution)>,
    /// By workload, where there are several: its number, what was sent of it and how that ended.
    pub(crate) workloads: Vec<(usize, Carried, Distribution)>,
    /// Answers by status.
    pub(crate) statuses: Vec<(u16, u64)>,
    pub(crate) failures: Vec<FailureSeen>,
    /// Faults that were decided, and those that came to pass.
    pub(crate) faults_planned: FaultCounts,
    pub(crate) faults_applied: FaultCounts,
    /// By check of answers; empty where there is none.
    pub(crate) expectations: Vec<ExpectationSeen>,
    pub(crate) compressed: Compressed,
    /// What happened on streams beside their messages.
    pub(crate) streams: StreamCounts,
    pub(crate) samples: Vec<Sample>,
    pub(crate) gauges: Gauges,
    /// Events dropped because too much was waiting already; contained in `events.dropped`.
    pub(crate) overflowed: u64,
    /// Longest time that the worker slept beyond what it had asked for.
    pub(crate) longest_stall: Nanos,
    /// Time in which the worker ran, or waited to be let run.
    pub(crate) busy: Nanos,
    /// Of each check of shares the events with each of its values; empty where no check looks into events.
    pub(crate) field_values: Vec<Vec<u64>>,
}

/// How things stand at the end of a tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauges {
    /// Requests without an answer, retries that wait included.
    pub(crate) in_flight: u64,
    /// Requests that wait for a connection.
    pub(crate) waiting: u64,
    /// Open connections.
    pub(crate) connections: u64,
}

/// A failure kind in one tick.
#[derive(Clone, Debug)]
pub(crate) struct FailureSeen {
    pub(crate) kind: FailureKind,
    /// Events.
    pub(crate) count: u64,
    pub(crate) first: Nanos,
    pub(crate) last: Nanos,
    pub(crate) sample: Option<Sample>,
}

/// A check of answers in one tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpectationSeen {
    pub(crate) answers: u64,
    pub(crate) failed: u64,
    pub(crate) first: Option<Nanos>,
    pub(crate) last: Option<Nanos>,
    /// What was wrong with one of them, and that one.
    pub(crate) example: Option<(String, Sample)>,
}

/// How a request ended, for the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// From due to done.
    pub(crate) response_time: Nanos,
    /// From the last attempt's sending to done.
    pub(crate) service_time: Nanos,
    /// When.
    pub(crate) at: Nanos,
    /// Whether the target answered at all: only then there are times.
    pub(crate) answered: bool,
    /// Events acknowledged; the rest failed.
    pub(crate) succeeded: u32,
    /// Whether those acknowledged were known already.
    pub(crate) duplicate: bool,
    /// Why the rest failed.
    pub(crate) failure: Option<FailureKind>,
}

/// What was seen of one part of everything: a protocol, a workload.
#[derive(Debug, Default)]
struct Part {
    carried: Carried,
    times: Tally,
}

impl Part {
    fn ended(&mut self, events: usize, failed: u64, ending: &Ending) {
        self.carried.succeeded += events as u64 - failed;
        self.carried.failed += failed;
        if ending.answered {
            self.times.record(micros(ending.response_time), 1);
        }
    }

    fn take(&mut self) -> (Carried, Distribution) {
        (std::mem::take(&mut self.carried), self.times.drain())
    }
}

/// Gathers what a worker sees, tick by tick.
#[derive(Debug)]
pub(crate) struct Recorder {
    tick: u64,
    now: Delta,
    response_time: Tally,
    service_time: Tally,
    send_lag: Tally,
    own_lag: Tally,
    connect: Tally,
    tls: Tally,
    delivery: Tally,
    event_types: Vec<(Counts, Tally)>,
    /// By protocol; empty where there is only one, which is the whole.
    protocols: Vec<Part>,
    touched_types: Vec<u16>,
    /// By feed: the number of its workload and what was seen of it; empty where the run has only one.
    feeds: Vec<(usize, Part)>,
    samples_left: u32,
    kinds_sampled: [bool; FailureKind::ALL.len()],
    /// Nanoseconds of compression that are no whole microsecond yet.
    compressing: Nanos,
    /// Ticks that are over and wait to be handed on.
    over: VecDeque<Delta>,
}

impl Recorder {
    /// A recorder for so many event types and protocols.
    pub(crate) fn new(event_types: usize, protocols: usize) -> Self {
        Self {
            tick: 0,
            now: Delta::default(),
            response_time: Tally::new(),
            service_time: Tally::new(),
            send_lag: Tally::new(),
            own_lag: Tally::new(),
            connect: Tally::new(),
            tls: Tally::new(),
            delivery: Tally::new(),
            event_types: (0..event_types).map(|_| (Counts::default(), Tally::new())).collect(),
            protocols: (0..if protocols > 1 { protocols } else { 0 }).map(|_| Default::default()).collect(),
            touched_types: Vec::new(),
            feeds: Vec::new(),
            samples_left: SAMPLES_PER_TICK,
            kinds_sampled: [false; FailureKind::ALL.len()],
            compressing: Nanos::ZERO,
            over: VecDeque::new(),
        }
    }

    /// Tells the workloads of a run that has several apart from now on, given that of each feed.
    pub(crate) fn tell_apart(&mut self, workloads: impl Iterator<Item = usize>) {
        self.feeds = workloads.map(|number| (number, Part::default())).collect();
    }

    /// The parts of everything that a protocol and a feed are.
    fn parts(&mut self, protocol: u8, feed: u16) -> impl Iterator<Item = &mut Part> {
        let feed = self.feeds.get_mut(usize::from(feed)).map(|(_, part)| part);
        self.protocols.get_mut(usize::from(protocol)).into_iter().chain(feed)
    }

    /// A protocol carries events of a feed for the first time.
    pub(crate) fn carried(&mut self, protocol: u8, feed: u16, events: usize) {
        self.parts(protocol, feed).for_each(|part| part.carried.sent += events as u64);
    }

    /// A request has come to its end, and so many of its events failed.
    pub(crate) fn carried_to_its_end(&mut self, protocol: u8, feed: u16, events: usize, failed: u64, ending: &Ending) {
        self.parts(protocol, feed).for_each(|part| part.ended(events, failed, ending));
    }

    /// Events became due.
    pub(crate) fn event_offered(&mut self, event_type: u16) {
        self.now.events.offered += 1;
        self.of_type(event_type).0.offered += 1;
    }

    /// Events were given up before they were sent.
    pub(crate) fn events_dropped(&mut self, types: &[u16]) {
        self.now.events.dropped += types.len() as u64;
        for &event_type in types {
            self.of_type(event_type).0.dropped += 1;
        }
    }

    /// An event was kept back on purpose before it was part of a request.
    pub(crate) fn event_withheld(&mut self, event_type: u16) {
        self.now.events.withheld += 1;
        self.of_type(event_type).0.withheld += 1;
    }

    /// A request was kept back on purpose.
    pub(crate) fn request_withheld(&mut self, types: &[u16]) {
        self.now.requests.withheld += 1;
        types.iter().for_each(|event_type| self.event_withheld(*event_type));
    }

    /// What a feed noted of its faults.
    pub(crate) fn faults_noted(&mut self, notes: &Notes) {
        self.now.faults_planned.add_all(&notes.planned);
        self.now.faults_applied.add_all(&notes.applied);
    }

    /// A fault came to pass.
    pub(crate) fn fault_applied(&mut self, kind: FaultKind) {
        self.now.faults_applied.add(kind, 1);
    }

    /// Events had these values, check by check.
    pub(crate) fn values_seen(&mut self, values: &mut [Vec<u64>]) {
        let mine = &mut self.now.field_values;
        if mine.len() < values.len() {
            mine.resize(values.len(), Vec::new());
        }
        for (mine, seen) in mine.iter_mut().zip(values) {
            if mine.len() < seen.len() {
                mine.resize(seen.len(), 0);
            }
            mine.iter_mut().zip(seen.iter_mut()).for_each(|(count, seen)| *count += std::mem::take(seen));
        }
    }

    /// A request became due.
    pub(crate) fn request_offered(&mut self) {
        self.now.requests.offered += 1;
    }

    /// A request was given up before it was sent.
    pub(crate) fn request_dropped(&mut self, types: &[u16]) {
        self.now.requests.dropped += 1;
        self.events_dropped(types);
    }

    /// A request is sent for the first time: how late it is, and how much of that is our own doing.
    pub(crate) fn request_sent(&mut self, types: &[u16], lag: Nanos, own_lag: Nanos, late: bool) {
        let late = u64::from(late);
        self.now.requests.sent += 1;
        self.now.requests.late += late;
        self.now.events.sent += types.len() as u64;
        self.now.events.late += late * types.len() as u64;
        for &event_type in types {
            let (counts, _) = self.of_type(event_type);
            counts.sent += 1;
            counts.late += late;
        }
        self.send_lag.record(micros(lag), 1);
        self.own_lag.record(micros(own_lag), 1);
    }

    /// A request is sent once more.
    pub(crate) fn request_retried(&mut self, types: &[u16]) {
        self.now.requests.retried += 1;
        self.now.events.retried += types.len() as u64;
        for &event_type in types {
            self.of_type(event_type).0.retried += 1;
        }
    }

    /// An answer came, of whatever kind.
    pub(crate) fn status(&mut self, status: u16) {
        match self.now.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => self.now.statuses.push((status, 1)),
        }
    }

    /// An attempt was refused for the rate.
    pub(crate) fn throttled(&mut self, types: &[u16]) {
        self.now.requests.throttled += 1;
        self.now.events.throttled += types.len() as u64;
        for &event_type in types {
            self.of_type(event_type).0.throttled += 1;
        }
    }

    /// An answer was looked at; what is wrong with it, where something is. Gives whether an example of that is welcome.
    pub(crate) fn expectation(&mut self, check: usize, at: Nanos, failed: bool) -> bool {
        if self.now.expectations.len() <= check {
            self.now.expectations.resize_with(check + 1, ExpectationSeen::default);
        }
        let seen = &mut self.now.expectations[check];
        seen.answers += 1;
        if failed {
            seen.failed += 1;
            seen.first.get_or_insert(at);
            seen.last = Some(at);
        }
        failed && seen.example.is_none()
    }

    /// An example of an answer that is not as a check expects.
    pub(crate) fn expectation_example(&mut self, check: usize, reason: String, sample: Sample) {
        if let Some(seen) = self.now.expectations.get_mut(check) {
            seen.example = Some((reason, sample));
        }
    }

    /// A body was compressed.
    pub(crate) fn compressed(&mut self, packed: Packed) {
        let compressed = &mut self.now.compressed;
        compressed.requests += 1;
        compressed.bytes_before += packed.before;
        compressed.bytes_after += packed.after;
        let cost = self.compressing.0 + packed.cost.0;
        compressed.cost_us += cost / 1_000;
        self.compressing = Nanos(cost % 1_000);
    }

    /// A request has come to its end. `items` says what became of each event, where the answer does. Gives how many
    /// events failed.
    ///
    /// In a batch whose answer only counts, the first events count as the accepted ones: it does not say which.
    pub(crate) fn request_ended(
        &mut self,
        types: &[u16],
        ending: &Ending,
        items: &[Meaning],
        sample: Option<Sample>,
    ) -> u64 {
        let accepted = (ending.succeeded as usize).min(types.len());
        let meaning = |place: usize| match items.get(place) {
            Some(meaning) => *meaning,
            None if place >= accepted => Meaning::Refused(ending.failure.unwrap_or(FailureKind::UnexpectedStatus)),
            None if ending.duplicate => Meaning::Duplicate,
            None => Meaning::Accepted,
        };
        let response = micros(ending.response_time);
        if ending.answered {
            self.response_time.record(response, 1);
            self.service_time.record(micros(ending.service_time), 1);
        }
        let (mut failed, mut duplicates) = (0_u64, 0_u64);
        for (place, &event_type) in types.iter().enumerate() {
            let meaning = meaning(place);
            let (counts, times) = self.of_type(event_type);
            if ending.answered {
                times.record(response, 1);
            }
            match meaning {
                Meaning::Accepted => counts.succeeded += 1,
                Meaning::Duplicate => {
                    counts.succeeded += 1;
                    counts.duplicate += 1;
                    duplicates += 1;
                }
                Meaning::Refused(kind) => {
                    counts.failed += 1;
                    failed += 1;
                    // A request that was throttled as a whole was counted when that became known.
                    if kind == FailureKind::Throttled && place < items.len() {
                        counts.throttled += 1;
                        self.now.events.throttled += 1;
                    }
                    self.failed(kind, 1, ending.at, sample.as_ref());
                }
            }
        }
        self.now.events.succeeded += types.len() as u64 - failed;
        self.now.events.failed += failed;
        self.now.events.duplicate += duplicates;
        if failed == 0 {
            self.now.requests.succeeded += 1;
            self.now.requests.duplicate += u64::from(duplicates > 0 && duplicates == types.len() as u64);
        } else {
            self.now.requests.failed += 1;
        }
        self.now.samples.extend(sample);
        failed
    }

    fn failed(&mut self, kind: FailureKind, count: u64, at: Nanos, sample: Option<&Sample>) {
        match self.now.failures.iter_mut().find(|seen| seen.kind == kind) {
            Some(seen) => {
                seen.count += count;
                seen.last = at;
                if seen.sample.is_none() {
                    seen.sample = sample.cloned();
                }
            }
            None => self.now.failures.push(FailureSeen { kind, count, first: at, last: at, sample: sample.cloned() }),
        }
    }

    /// Whether a sample of a request that ended so is welcome; counts it as taken.
    pub(crate) fn wants_sample(&mut self, failure: Option<FailureKind>) -> bool {
        if let Some(kind) = failure {
            let place = FailureKind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
            if !std::mem::replace(&mut self.kinds_sampled[place], true) {
                return true;
            }
        }
        let wanted = self.samples_left > 0;
        self.samples_left = self.samples_left.saturating_sub(1);
        wanted
    }

    /// Bytes went over the wire.
    pub(crate) fn bytes(&mut self, sent: u64, received: u64) {
        self.now.bytes.sent += sent;
        self.now.bytes.received += received;
    }

    /// A message came back on a topic that is listened to.
    pub(crate) fn delivered(&mut self, delay: Nanos) {
        self.delivery.record(micros(delay), 1);
    }

    /// What happened on streams, to be added to.
    pub(crate) fn streams(&mut self) -> &mut StreamCounts {
        &mut self.now.streams
    }

    /// A connection is being opened, in place of an earlier one or not.
    pub(crate) fn connection_attempted(&mut self, again: bool) {
        self.now.connections.attempted += 1;
        self.now.connections.reopened += u64::from(again);
    }

    /// A connection is open.
    pub(crate) fn connection_opened(&mut self, connect: Nanos, tls: Option<Nanos>) {
        self.now.connections.opened += 1;
        self.connect.record(micros(connect), 1);
        if let Some(tls) = tls {
            self.tls.record(micros(tls), 1);
        }
    }

    /// A connection could not be opened.
    pub(crate) fn connection_failed(&mut self) {
        self.now.connections.failed += 1;
    }

    /// Events of the drops were too many in the queue or too old, not stopped by a person.
    pub(crate) fn overflowed(&mut self, events: usize) {
        self.now.overflowed += events as u64;
    }

    /// The worker ran, or waited to be let run, for so long.
    pub(crate) fn busy(&mut self, span: Nanos) {
        self.now.busy = self.now.busy.saturating_add(span);
    }

    /// The worker woke up so much later than it had asked for.
    pub(crate) fn stalled(&mut self, late: Nanos) {
        self.now.longest_stall = self.now.longest_stall.max(late);
    }

    /// When the current tick is over.
    pub(crate) fn tick_ends(&self) -> Nanos {
        Nanos((self.tick + 1) * TICK.0)
    }

    /// Closes the current tick if it is over. To be called before anything later is recorded.
    pub(crate) fn roll(&mut self, now: Nanos, gauges: Gauges) {
        if now >= self.tick_ends() && self.over.len() < MOST_TICKS_KEPT {
            self.close(gauges);
            self.tick = now.0 / TICK.0;
        }
    }

    /// Closes the current tick, over or not.
    pub(crate) fn close(&mut self, gauges: Gauges) {
        let mut delta = std::mem::take(&mut self.now);
        delta.tick = self.tick;
        delta.gauges = gauges;
        delta.response_time = self.response_time.drain();
        delta.service_time = self.service_time.drain();
        delta.send_lag = self.send_lag.drain();
        delta.own_lag = self.own_lag.drain();
        delta.connect = self.connect.drain();
        delta.tls = self.tls.drain();
        delta.delivery = self.delivery.drain();
        delta.protocols = self.protocols.iter_mut().map(Part::take).collect();
        self.touched_types.sort_unstable();
        self.touched_types.dedup();
        for event_type in self.touched_types.drain(..) {
            let (counts, times) = &mut self.event_types[usize::from(event_type)];
            delta.event_types.push((event_type, std::mem::take(counts), times.drain()));
        }
        for (number, part) in self.feeds.iter_mut().filter(|(_, part)| part.carried != Carried::default()) {
            let (carried, times) = part.take();
            delta.workloads.push((*number, carried, times));
        }
        self.samples_left = SAMPLES_PER_TICK;
        self.over.push_back(delta);
    }

    /// The oldest tick that is over and was not handed on.
    pub(crate) fn take(&mut self) -> Option<Delta> {
        self.over.pop_front()
    }

    fn of_type(&mut self, event_type: u16) -> &mut (Counts, Tally) {
        // A type is noted when its counts leave zero; `offered` is the first of them to do so, but not in every tick.
        let place = usize::from(event_type);
        if self.event_types[place].0 == Counts::default() {
            self.touched_types.push(event_type);
        }
        &mut self.event_types[place]
    }
}

/// Whole microseconds, rounded to the nearest.
fn micros(span: Nanos) -> u64 {
    (span.0 + 500) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn ending(succeeded: u32, failure: Option<FailureKind>) -> Ending {
        Ending {
            response_time: Nanos(250_400),
            service_time: Nanos(200_000),
            at: Nanos(1),
            answered: true,
            succeeded,
            duplicate: false,
            failure,
        }
    }

    #[test]
    fn a_batch_that_is_accepted_in_part_counts_both_parts() {
        let mut recorder = Recorder::new(3, 1);
        let types = [0, 2, 2];
        types.iter().for_each(|t| recorder.event_offered(*t));
        recorder.request_offered();
        recorder.request_sent(&types, Nanos(1_000), Nanos(500), false);
        recorder.request_ended(&types, &ending(2, Some(FailureKind::EventRejected)), &[], None);
        recorder.close(Gauges::default());
        let delta = recorder.take().unwrap();
        assert_eq!((delta.events.sent, delta.events.succeeded, delta.events.failed), (3, 2, 1));
        assert_eq!((delta.requests.sent, delta.requests.succeeded, delta.requests.failed), (1, 0, 1));
        assert_eq!(delta.failures.len(), 1);
        assert_eq!(delta.failures[0].count, 1);
        let of_types: u64 = delta.event_types.iter().map(|(_, counts, _)| counts.succeeded + counts.failed).sum();
        assert_eq!(of_types, 3);
        assert_eq!(delta.response_time, vec![(250, 1)]);
        assert!(recorder.take().is_none());
    }

    #[test]
    fn each_tick_holds_what_happened_in_it_and_nothing_is_left_over() {
        let mut recorder = Recorder::new(1, 1);
        recorder.event_offered(0);
        recorder.roll(Nanos::from_millis(99), Gauges::default());
        assert!(recorder.take().is_none());
        recorder.roll(Nanos::from_millis(350), Gauges::default());
        recorder.event_offered(0);
        recorder.event_offered(0);
        recorder.roll(Nanos::from_millis(400), Gauges::default());
        let ticks: Vec<_> = std::iter::from_fn(|| recorder.take()).map(|d| (d.tick, d.events.offered)).collect();
        assert_eq!(ticks, [(0, 1), (3, 2)]);
    }

    #[test]
    fn samples_are_few_but_every_kind_of_failure_gets_one() {
        let mut recorder = Recorder::new(1, 1);
        let taken = (0..100).filter(|_| recorder.wants_sample(None)).count();
        assert_eq!(taken, SAMPLES_PER_TICK as usize);
        assert!(recorder.wants_sample(Some(FailureKind::Timeout)));
        assert!(!recorder.wants_sample(Some(FailureKind::Timeout)));
        assert!(recorder.wants_sample(Some(FailureKind::Tls)));
    }

    #[test]
    fn recording_a_request_costs_less_than_a_microsecond() {
        let mut recorder = Recorder::new(12, 1);
        let started = Instant::now();
        let count = 100_000_u64;
        for number in 0..count {
            let types = [(number % 12) as u16];
            recorder.event_offered(types[0]);
            recorder.request_offered();
            recorder.request_sent(&types, Nanos(number % 9_000), Nanos(900), false);
            recorder.status(202);
            recorder.bytes(700, 200);
            let mut ending = ending(1, None);
            ending.response_time = Nanos(number * 7_919 % 40_000_000);
            recorder.request_ended(&types, &ending, &[], None);
        }
        let each = started.elapsed().as_nanos() as u64 / count;
        // Without optimisation it is several times slower than in the binary.
        let bound = if cfg!(debug_assertions) { 5_000 } else { 1_000 };
        assert!(each < bound, "{each} ns");
    }
}
