//! What answers must be like, by the scenario's checks.

use shared::encode::Pointer;
use shared::run::{Expectation, FailureKind};
use shared::scenario::model::check::{Check, CheckSeverity, Expect};
use shared::tree::{Node, Value};
use shared::units::Nanos;

/// A check of answers.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) name: String,
    /// Its place among the scenario's checks.
    pub(crate) check: u32,
    /// Share of answers that may be otherwise.
    tolerance: f64,
    /// Whether the run fails with it.
    decisive: bool,
    statuses: Vec<u16>,
    max_latency: Option<Nanos>,
    required: Vec<(String, Pointer)>,
    fields: Vec<(String, Pointer, String)>,
}

impl Expected {
    /// The checks of answers among a scenario's checks.
    ///
    /// # Errors
    ///
    /// Names the place that is none.
    pub(crate) fn all(checks: &[Check]) -> Result<Vec<Self>, String> {
        let mut all = Vec::new();
        for (index, check) in checks.iter().enumerate() {
            if let Some(expect) = &check.expect {
                all.push(Self::new(index, check, expect)?);
            }
        }
        Ok(all)
    }

    fn new(index: usize, check: &Check, expect: &Expect) -> Result<Self, String> {
        let place = |place: &String| Ok::<_, String>((place.clone(), place.parse::<Pointer>()?));
        let mut fields = Vec::new();
        for (name, value) in &expect.fields {
            let (name, pointer) = place(name)?;
            fields.push((name, pointer, scalar(value)));
        }
        Ok(Self {
            name: check.name.clone().unwrap_or_else(|| in_words(expect)),
            check: u32::try_from(index).unwrap_or(u32::MAX),
            tolerance: check.tolerance.unwrap_or_default(),
            decisive: check.severity != CheckSeverity::Warn,
            statuses: expect.status.clone(),
            max_latency: expect.max_latency,
            required: expect.required.iter().map(place).collect::<Result<_, _>>()?,
            fields,
        })
    }

    /// What a result says of it before any answer came.
    pub(crate) fn unseen(&self) -> Expectation {
        let (name, check, tolerance, required) = (self.name.clone(), self.check, self.tolerance, self.decisive);
        Expectation { name, check, tolerance, required, ..Expectation::default() }.judged()
    }

    /// Whether it looks into bodies.
    pub(crate) fn reads_bodies(&self) -> bool {
        !self.required.is_empty() || !self.fields.is_empty()
    }

    /// What is wrong with an answer, in words; none when it is as expected. A message has no status: it is right unless
    /// it says that something went wrong.
    pub(crate) fn complaint(
        &self,
        status: u16,
        failure: Option<FailureKind>,
        body: &[u8],
        response_time: Nanos,
    ) -> Option<String> {
        match (status, failure) {
            (0, Some(kind)) => return Some(kind.label().to_owned()),
            (0, None) => {}
            (status, _) if self.statuses.is_empty() && (200..300).contains(&status) => {}
            (status, _) if self.statuses.contains(&status) => {}
            (status, _) => return Some(format!("status {status}")),
        }
        if let Some(most) = self.max_latency.filter(|most| response_time > *most) {
            return Some(format!("took {response_time}, more than {most}"));
        }
        for (name, pointer) in &self.required {
            if pointer.find(body).is_none() {
                return Some(format!("no {name}"));
            }
        }
        for (name, pointer, wanted) in &self.fields {
            match pointer.text(body) {
                None => return Some(format!("no {name}")),
                Some(found) if found != *wanted => {
                    let found: String = found.chars().take(80).collect();
                    return Some(format!("{name} is {found}, not {wanted}"));
                }
                Some(_) => {}
            }
        }
        None
    }
}

fn in_words(expect: &Expect) -> String {
    let mut parts = Vec::new();
    match expect.status.as_slice() {
        [] => parts.push("status 2xx".to_owned()),
        statuses => {
            let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
            parts.push(format!("status {}", statuses.join(" or ")));
        }
    }
    parts.extend(expect.max_latency.map(|most| format!("within {most}")));
    parts.extend(expect.required.iter().map(|place| format!("with {place}")));
    parts.extend(expect.fields.iter().map(|(place, value)| format!("{place} is {}", scalar(value))));
    parts.join(", ")
}

/// A value as an answer's own text would have it.
fn scalar(node: &Node) -> String {
    match &node.value {
        Value::String(text) => text.clone(),
        _ => serde_json::to_string(node).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use shared::tree::read::read;

    use super::*;

    fn expected(text: &str) -> Expected {
        let expect: Expect = read(&serde_json::from_str(text).unwrap()).value.unwrap();
        Expected::new(0, &Check::default(), &expect).unwrap()
    }

    #[test]
    fn each_way_to_disappoint_is_said() {
        let expected = expected(
            r#"{"status": [200, 202], "max_latency": "300ms", "required": ["$.event_id"],
                "fields": {"$.success": true, "$.n": 5, "$.queue": "fast"}}"#,
        );
        let body = br#"{"event_id": "e1", "success": true, "n": 5, "queue": "fast"}"#;
        let quick = Nanos::from_millis(10);
        assert_eq!(expected.complaint(202, None, body, quick), None);
        for (status, body, took, said) in [
            (500, &body[..], quick, "status 500"),
            (200, &body[..], Nanos::from_millis(301), "took 301ms, more than 300ms"),
            (200, &b"{}"[..], quick, "no $.event_id"),
            (200, &b"not json"[..], quick, "no $.event_id"),
            (200, &br#"{"event_id":1,"success":false}"#[..], quick, "$.success is false, not true"),
            (200, &br#"{"event_id":1,"success":true,"n":5}"#[..], quick, "no $.queue"),
        ] {
            assert_eq!(expected.complaint(status, None, body, took).as_deref(), Some(said));
        }
        assert!(expected.name.starts_with("status 200 or 202, within 300ms, with $.event_id"), "{}", expected.name);
    }

    #[test]
    fn a_message_is_right_unless_it_says_that_something_went_wrong() {
        let expected = expected(r#"{"status":[200],"required":["id"]}"#);
        let complaint = |failure, body: &[u8]| expected.complaint(0, failure, body, Nanos::from_millis(1));
        assert_eq!(complaint(None, br#"{"id":1}"#), None);
        assert_eq!(complaint(None, b"{}").as_deref(), Some("no id"));
        assert_eq!(
            complaint(Some(FailureKind::ErrorAnswer), br#"{"id":1}"#).as_deref(),
            Some("answered with an error")
        );
    }
}
