//! The mix: independent events in a given proportion, by users who remember.
//!
//! Users are planned in groups of up to 64, the smallest unit whose events depend on each other. Group and step decide
//! everything about an event: any worker can compute any group, and replaying one group explains any of its events.
//! An event whose `require` holds for nobody in the group gives its turn to the event that would make it hold, and
//! takes that event's turn later: the declared proportion and the exact rate both stand.

use crate::plan::event::{Changes, EventTemplate};
use crate::random::choice::Alias;
use crate::random::{Stream, choice, index};
use crate::scenario::model::behavior::Unmet;
use crate::template::context::{Context, Facts, Scratch};
use crate::template::program::{ExprId, Program, SCOPES};
use crate::template::state::{State, StateShape};

/// Most users in a group: one bit each.
const GROUP: u64 = 64;
/// Times that another event is drawn when nothing else helps.
const REDRAWS: u64 = 16;
/// Most turns that an event may owe; beyond, its turns are given away for good.
const MOST_OWED: u32 = 1_000;
/// Keys of the draws that decide an event.
const KIND: u64 = 0x6b69_6e64;
const USER: u64 = 0x7573_6572;

/// The streams that a workload draws from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// Which arrival belongs to whom.
    pub(crate) assignment: Stream,
    /// What happens next.
    pub(crate) behavior: Stream,
    /// What events hold.
    pub(crate) events: Stream,
    /// What users are like.
    pub(crate) users: Stream,
}

/// A mix, compiled.
#[derive(Clone, Debug)]
pub(crate) struct MixPlan {
    /// The events that may happen.
    pub(crate) events: Vec<MixEvent>,
    /// Chooses among them.
    pub(crate) table: Alias,
    /// What users remember.
    pub(crate) state: StateShape,
    /// What to do when nobody meets an event's requirement.
    pub(crate) unmet: Unmet,
    /// How many users there are.
    pub(crate) users: u64,
    /// Whether each user goes its own way, because it waits for its own answers: then users are no part of a group.
    pub(crate) alone: bool,
}

/// An event of a mix.
#[derive(Clone, Debug)]
pub(crate) struct MixEvent {
    /// Its template.
    pub(crate) template: EventTemplate,
    /// The event that would make its requirement hold.
    pub(crate) provider: Option<usize>,
}

impl MixPlan {
    /// How many groups the users fall into.
    pub(crate) fn groups(&self) -> u64 {
        if self.alone { self.users.max(1) } else { self.users.div_ceil(GROUP).max(1) }
    }

    /// The user of a draw, as group and number within the group.
    pub(crate) fn group_of(&self, word: u64) -> u64 {
        index(word, self.users.max(1)) % self.groups()
    }

    /// The index of a group's member.
    fn user(&self, group: u64, member: usize) -> u64 {
        group + member as u64 * self.groups()
    }

    /// How many users a group has.
    fn size(&self, group: u64) -> u64 {
        let groups = self.groups();
        // Users who joined later are beyond those of the scenario, each alone.
        self.users.max(1).saturating_sub(group).div_ceil(groups).max(1)
    }
}

/// What a group remembers.
#[derive(Clone, Debug)]
struct Group {
    /// Events so far.
    step: u32,
    /// What each user remembers.
    members: Vec<State>,
    /// For each event: which users meet its requirement, as bits.
    able: Vec<u64>,
    /// Turns that an event (row) gave to another (column).
    owed: Vec<u32>,
    /// An event that must come next, and its user: its prerequisite has just been emitted.
    next: Option<(usize, usize)>,
}

/// An event of a mix that was decided, not yet rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decided {
    /// Which event of the mix.
    pub(crate) event: usize,
    /// The group.
    pub(crate) group: u64,
    /// Number within the group.
    pub(crate) step: u32,
    /// Index of the user.
    pub(crate) user: u64,
    member: usize,
}

/// The groups of a worker as they go along.
#[derive(Debug)]
pub(crate) struct MixRun {
    groups: Vec<Option<Box<Group>>>,
    changes: Changes,
}

impl MixRun {
    /// The beginning.
    pub(crate) fn new(plan: &MixPlan) -> Self {
        Self { groups: vec![None; plan.groups() as usize], changes: Changes::default() }
    }

    /// Decides the next event of a group; none when its turn passes.
    pub(crate) fn decide(
        &mut self,
        plan: &MixPlan,
        program: &Program,
        scratch: &mut Scratch,
        streams: Streams,
        table: &Alias,
        group: u64,
    ) -> Option<Decided> {
        if self.groups.len() <= group as usize {
            self.groups.resize(group as usize + 1, None);
        }
        let slot = &mut self.groups[group as usize];
        let state = slot.get_or_insert_with(|| Box::new(Group::new(plan, program, scratch, streams, group)));
        let step = state.step;
        state.step += 1;
        let stream = streams.behavior.child(group).child(u64::from(step));
        let (event, member) = match state.next.take() {
            Some((event, member)) if state.able[event] & (1 << member) != 0 => (event, member),
            Some(_) | None => {
                let event = state.choose(plan, table, stream)?;
                let able = state.able[event];
                let rank = choice::even(stream.word(USER), able.count_ones() as usize);
                let member = nth_bit(able, rank as u32) as usize;
                if let Some((_, waiting)) = &mut state.next {
                    *waiting = member;
                }
                (event, member)
            }
        };
        Some(Decided { event, group, step, user: plan.user(group, member), member })
    }

    /// The state of an event's user.
    pub(crate) fn state(&self, decided: &Decided) -> Option<&State> {
        self.groups[decided.group as usize].as_ref()?.members.get(decided.member)
    }

    /// Lets an event change its user's state. The scratch must still hold what the event was rendered with.
    pub(crate) fn change(
        &mut self,
        plan: &MixPlan,
        program: &Program,
        scratch: &mut Scratch,
        facts: Facts,
        streams: Streams,
        decided: &Decided,
    ) {
        let template = &plan.events[decided.event].template;
        if template.effects.is_empty() {
            return;
        }
        let Some(group) = self.groups[decided.group as usize].as_mut() else { return };
        let member = &mut group.members[decided.member];
        let mut context = Context::new(program, scratch, Some((&plan.state, member)), facts);
        self.changes.compute(&template.effects, &mut context);
        self.changes.apply(&plan.state, member);
        let bit = 1_u64 << decided.member;
        for (event, able) in plan.events.iter().zip(&mut group.able) {
            if let Some(require) = event.template.require
                && event.template.requires & template.changes != 0
            {
                let state = (&plan.state, &group.members[decided.member]);
                let holds = holds(program, scratch, state, streams, decided.user, require);
                *able = if holds { *able | bit } else { *able & !bit };
            }
        }
    }
}

impl Group {
    fn new(plan: &MixPlan, program: &Program, scratch: &mut Scratch, streams: Streams, group: u64) -> Self {
        let count = plan.events.len();
        let size = plan.size(group) as usize;
        let mut new = Self {
            step: 0,
            members: vec![State::initial(&plan.state); size],
            able: vec![u64::MAX >> (64 - size.clamp(1, 64)); count],
            owed: vec![0; count * count],
            next: None,
        };
        for (event, able) in plan.events.iter().zip(&mut new.able) {
            let Some(require) = event.template.require else { continue };
            for (member, state) in new.members.iter().enumerate() {
                let user = plan.user(group, member);
                if !holds(program, scratch, (&plan.state, state), streams, user, require) {
                    *able &= !(1 << member);
                }
            }
        }
        new
    }

    /// Which event comes next.
    fn choose(&mut self, plan: &MixPlan, table: &Alias, stream: Stream) -> Option<usize> {
        let mut draws = stream.draws(KIND);
        let count = plan.events.len();
        for _ in 0..REDRAWS {
            let drawn = table.pick(draws.word());
            // A turn that is owed is paid back by the event that took it.
            if let Some(creditor) = self.creditor(count, drawn) {
                self.owed[creditor * count + drawn] -= 1;
                return Some(creditor);
            }
            if self.able[drawn] != 0 {
                return Some(drawn);
            }
            match plan.unmet {
                Unmet::Skip => return None,
                Unmet::Resample => {}
                Unmet::Swap => {
                    if let Some(provider) = self.provider(plan, drawn) {
                        let owed = &mut self.owed[drawn * count + provider];
                        *owed = (*owed + 1).min(MOST_OWED);
                        return Some(provider);
                    }
                }
                Unmet::Prerequisite => {
                    if let Some(provider) = self.provider(plan, drawn) {
                        self.next = Some((drawn, 0));
                        return Some(provider);
                    }
                }
            }
        }
        // Whatever can happen at all.
        (0..plan.events.len()).find(|event| self.able[*event] != 0)
    }

    /// An event that is owed a turn by another and can happen now.
    fn creditor(&self, count: usize, debtor: usize) -> Option<usize> {
        (0..count).find(|event| self.owed[event * count + debtor] > 0 && self.able[*event] != 0)
    }

    /// The event that takes another's turn: the first along its providers that can happen.
    fn provider(&self, plan: &MixPlan, event: usize) -> Option<usize> {
        let mut next = plan.events[event].provider;
        for _ in 0..plan.events.len() {
            let provider = next?;
            if self.able[provider] != 0 {
                return Some(provider);
            }
            next = plan.events[provider].provider;
        }
        None
    }
}

/// Whether a requirement holds for a user.
fn holds(
    program: &Program,
    scratch: &mut Scratch,
    state: (&StateShape, &State),
    streams: Streams,
    user: u64,
    require: ExprId,
) -> bool {
    scratch.begin(program);
    let facts = Facts { streams: [streams.users.child(user); SCOPES], indexes: [user + 1; SCOPES], ..Facts::default() };
    Context::new(program, scratch, Some(state), facts).evaluate(require).is_true()
}

/// The place of the n-th set bit, from 0.
fn nth_bit(bits: u64, n: u32) -> u32 {
    let mut rest = bits;
    for _ in 0..n {
        rest &= rest.wrapping_sub(1);
    }
    rest.trailing_zeros().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_by_rank() {
        let bits = 0b1011_0100_u64;
        let places: Vec<u32> = (0..4).map(|n| nth_bit(bits, n)).collect();
        assert_eq!(places, [2, 4, 5, 7]);
        assert_eq!(nth_bit(1 << 63, 0), 63);
    }
}
