//! Follows the stories that events tell: nothing is updated before it was created, nobody clicks on a page that is not
//! open, nothing happens in a session that is over, totals are the sums of their lines.
//!
//! It remembers a bounded number of stories; what it has forgotten it calls undecided, not broken.

mod rules;
mod story;
mod sums;

use serde_json::Value;

use crate::random::hash_bytes;

use super::RuleRow;
use super::probe::Scalar;

pub use rules::Rules;
use rules::{Role, Story};
use story::{Memory, State};
use sums::Lines;

/// Texts of examples are cut here.
const EXAMPLE: usize = 120;
/// Events of a type that are looked through for totals before it is given up.
const SUM_TRIALS: u32 = 20;

/// What a story can break.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Break {
    BeforeStart,
    AfterEnd,
    ClickElsewhere,
    LeaveElsewhere,
}

/// Checks events against rules, one after the other in the order in which they happened.
#[derive(Clone, Debug)]
pub struct Causality {
    rules: Rules,
    stories: Vec<Told>,
    sums: SumsTold,
}

/// What became of one kind of story.
#[derive(Clone, Debug)]
struct Told {
    memory: Memory<State>,
    rows: [Tally; 4],
}

#[derive(Clone, Debug, Default)]
struct Tally {
    checked: u64,
    broken: u64,
    undecided: u64,
    example: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct SumsTold {
    tally: Tally,
    /// By event type: events looked through, and whether totals were found.
    types: Vec<(u32, bool)>,
    /// Lines by the subject whose total they are: later events say only what changes.
    ledger: Memory<Lines>,
}

impl Causality {
    /// A checker with nothing seen.
    pub fn new(rules: Rules) -> Self {
        let told = Told { memory: Memory::default(), rows: Default::default() };
        let stories = vec![told; rules.stories.len()];
        let sums = SumsTold { types: vec![(0, false); rules.event_types], ..SumsTold::default() };
        Self { rules, stories, sums }
    }

    /// Whether there is nothing to check but sums.
    pub fn has_stories(&self) -> bool {
        !self.rules.stories.is_empty()
    }

    /// Looks at an event of a workload and a type (both by their index in the plan), envelope included.
    pub fn observe(&mut self, workload: usize, event_type: usize, rendered: &[u8]) {
        for (story, told) in self.rules.stories.iter().zip(&mut self.stories) {
            if story.workload == workload
                && let Some(role) = story.roles.get(event_type).copied().flatten()
            {
                told.observe(story, role, event_type, rendered);
            }
        }
        self.sums.observe(event_type, self.rules.continues(event_type), rendered);
    }

    /// Adds what another checker of the same rules found among other stories.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.stories.iter_mut().zip(&other.stories) {
            mine.rows.iter_mut().zip(&theirs.rows).for_each(|(mine, theirs)| mine.merge(theirs));
        }
        self.sums.tally.merge(&other.sums.tally);
    }

    /// One row for each rule that there was anything to check for.
    pub fn rows(&self) -> Vec<RuleRow> {
        let mut rows = Vec::new();
        for (story, told) in self.rules.stories.iter().zip(&self.stories) {
            let noun = &story.noun;
            let names = [
                format!("no {noun} is touched before it begins"),
                format!("nothing happens to a {noun} after its end"),
                format!("no click on a page that is not open in its {noun}"),
                format!("no page is left that is not open in its {noun}"),
            ];
            for (name, tally) in names.into_iter().zip(&told.rows) {
                rows.extend(tally.row(name));
            }
        }
        rows.extend(self.sums.tally.row("totals are the sums of their lines".to_owned()));
        rows
    }
}

impl Tally {
    fn check(&mut self, holds: bool, example: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.broken += 1;
            self.example.get_or_insert_with(example);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.checked += other.checked;
        self.broken += other.broken;
        self.undecided += other.undecided;
        if self.example.is_none() {
            self.example.clone_from(&other.example);
        }
    }

    fn row(&self, rule: String) -> Option<RuleRow> {
        let Self { checked, broken, undecided, example } = self.clone();
        (checked + undecided > 0).then_some(RuleRow { rule, checked, broken, undecided, example })
    }
}

impl Told {
    fn observe(&mut self, story: &Story, role: Role, event_type: usize, rendered: &[u8]) {
        // The key is made of one or several fields; a field that is missing makes the event nobody's.
        let (mut key, mut found, mut page) = (0_u64, 0_usize, None);
        let wanted = story.keys;
        story.probes[event_type].read(rendered, |number, scalar| {
            if number < wanted {
                if found <= number {
                    key = crate::random::mix(key, hash(&scalar));
                    found = number + 1;
                }
            } else if page.is_none() && scalar != Scalar::Null {
                page = Some(hash(&scalar));
            }
        });
        if found < wanted {
            return;
        }
        let forgetful = self.memory.has_forgotten();
        let known = self.memory.recall(key);
        let example = || {
            let text = String::from_utf8_lossy(rendered);
            text.chars().take(EXAMPLE).collect::<String>()
        };
        let mut state = match (role, known) {
            (Role::First, None) => State { begun: true, ..State::default() },
            (Role::First, Some(state)) if !state.ended => state,
            // An id that comes again after its end begins anew.
            (Role::First, Some(_)) => State { begun: true, ..State::default() },
            (_, Some(state)) => {
                self.tally(Break::BeforeStart).check(state.begun, example);
                state
            }
            (_, None) if forgetful => {
                self.tally(Break::BeforeStart).undecided += 1;
                return;
            }
            (_, None) => {
                self.tally(Break::BeforeStart).check(false, example);
                State::default()
            }
        };
        if role != Role::First && story.ends {
            self.tally(Break::AfterEnd).check(!state.ended, example);
        }
        match role {
            Role::First | Role::Member => {}
            Role::Enter => state.page = page,
            Role::Leave => {
                if page.is_some() {
                    self.tally(Break::LeaveElsewhere).check(state.page == page, example);
                }
                state.page = None;
            }
            Role::During => {
                if page.is_some() {
                    self.tally(Break::ClickElsewhere).check(state.page == page, example);
                }
            }
            Role::Last => state.ended = true,
        }
        self.memory.remember(key, state);
    }

    fn tally(&mut self, kind: Break) -> &mut Tally {
        let [before, after, click, leave] = &mut self.rows;
        match kind {
            Break::BeforeStart => before,
            Break::AfterEnd => after,
            Break::ClickElsewhere => click,
            Break::LeaveElsewhere => leave,
        }
    }
}

impl SumsTold {
    fn observe(&mut self, event_type: usize, continues: bool, rendered: &[u8]) {
        let Some((trials, fruitful)) = self.types.get_mut(event_type) else { return };
        if !*fruitful && *trials >= SUM_TRIALS {
            return;
        }
        *trials = trials.saturating_add(1);
        let Ok(event) = serde_json::from_slice::<Value>(rendered) else { return };
        let (tally, ledger) = (&mut self.tally, &mut self.ledger);
        sums::check(&event, &mut |found| {
            *fruitful = true;
            let Some(sum) = found.settle(ledger, continues) else {
                tally.undecided += 1;
                return;
            };
            tally.check(sum.holds(), || sum.to_string());
        });
    }
}

fn hash(scalar: &Scalar<'_>) -> u64 {
    match scalar {
        Scalar::Text(text) => hash_bytes(text.as_bytes()),
        Scalar::Int(number) => hash_bytes(itoa::Buffer::new().format(*number).as_bytes()),
        Scalar::Float(number) => hash_bytes(number.to_string().as_bytes()),
        Scalar::Bool(value) => u64::from(*value),
        Scalar::Null => 2,
        Scalar::Compound => 3,
    }
}

#[cfg(test)]
mod tests;
