//! What became of the delivery audits that the shown run's scenario asks for.

use shared::run::audit::{AuditRecord, Finding};
use shared::tree::Node;
use shared::tree::read::Readable;

/// What a result says of audits; the rest of it is not read.
#[derive(Clone, Debug, Default, PartialEq, Readable)]
pub(crate) struct Audited {
    /// What was made so far.
    #[serde(default)]
    pub(crate) audits: Vec<AuditRecord>,
    #[serde(default)]
    run: Asked,
}

#[derive(Clone, Debug, Default, PartialEq, Readable)]
struct Asked {
    #[serde(default)]
    scenario: Node,
}

impl Audited {
    /// How many audits the scenario asks for.
    pub(crate) fn asked_for(&self) -> usize {
        let checks = self.run.scenario.get("checks").and_then(Node::as_list);
        checks.map_or(0, |checks| checks.iter().filter(|check| check.get("audit").is_some()).count())
    }

    /// Whether some are still to come.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.audits.is_empty() && self.asked_for() > 0
    }
}

/// How an audit ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The sink holds what it said.
    Agrees,
    /// It does not.
    Differs,
    /// It could not be asked.
    NotMade,
}

/// How an audit ended.
pub(crate) fn outcome(record: &AuditRecord) -> Outcome {
    match (&record.trouble, record.passed()) {
        (Some(_), _) => Outcome::NotMade,
        (None, true) => Outcome::Agrees,
        (None, false) => Outcome::Differs,
    }
}

/// The rows of an audit's table: what was found, how often, whether it is a difference, the first example's id.
pub(crate) fn rows(record: &AuditRecord) -> Vec<(&'static str, u64, bool, Option<String>)> {
    let Some(result) = &record.result else { return Vec::new() };
    let mut rows = vec![
        ("acknowledged", result.ledger.acknowledged, false, None),
        ("held by the sink", result.sink.events, false, None),
        ("sound", result.sound, false, None),
    ];
    let found = result.findings.iter().filter(|(_, count)| **count > 0);
    rows.extend(found.map(|(finding, count)| {
        let example = result.examples.get(finding).and_then(|examples| examples.first());
        (finding.label(), *count, is_difference(*finding), example.map(|example| example.event_id.clone()))
    }));
    rows
}

/// What is told, but is nobody's mistake, is no difference.
fn is_difference(finding: Finding) -> bool {
    match finding {
        Finding::Lost
        | Finding::Duplicate
        | Finding::Phantom
        | Finding::Corrupted
        | Finding::Reordered
        | Finding::RefusedYetHeld => true,
        Finding::InDoubtHeld | Finding::InDoubtMissing => false,
    }
}

#[cfg(test)]
mod tests {
    use shared::run::audit::{AuditResult, Example};
    use shared::tree::read::from_json;

    use super::*;

    fn record() -> AuditRecord {
        let example = Example { event_id: "evt_1".to_owned(), sent_seconds: None, status: None, note: None };
        let result = AuditResult {
            findings: [(Finding::Lost, 2), (Finding::Phantom, 0), (Finding::InDoubtHeld, 1)].into(),
            examples: [(Finding::Lost, vec![example])].into(),
            sound: 7,
            ..AuditResult::default()
        };
        AuditRecord { check: 0, required: true, trouble: None, result: Some(result) }
    }

    #[test]
    fn a_result_says_which_audits_are_still_to_come() {
        let text =
            r#"{"run": {"scenario": {"checks": [{"threshold": "p(99)<1s"}, {"audit": {"lost": 0}}]}, "seed": 1}}"#;
        let mut audited: Audited = from_json(text).unwrap();
        assert_eq!((audited.asked_for(), audited.is_waited_for()), (1, true));
        audited.audits.push(record());
        assert!(!audited.is_waited_for());
        assert!(!Audited::default().is_waited_for());
    }

    #[test]
    fn findings_stand_below_what_was_acknowledged() {
        let rows = rows(&record());
        let told: Vec<_> = rows.iter().map(|(what, count, bad, _)| (*what, *count, *bad)).collect();
        assert_eq!(told[2..], [("sound", 7, false), ("lost", 2, true), ("in doubt, there", 1, false)]);
        assert_eq!(rows[3].3.as_deref(), Some("evt_1"));
        assert_eq!(outcome(&record()), Outcome::Differs);
        assert_eq!(outcome(&AuditRecord { trouble: Some("away".to_owned()), ..record() }), Outcome::NotMade);
    }
}
