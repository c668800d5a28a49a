//! What of the shown run can be steered beside its rate, as it stands now: the weights of its mix, its users.

use std::collections::BTreeMap;

use shared::run::{Change, Command, EventTypeRow};

/// Weights in force by event: as declared, then as commands changed them. Where a mix was declared, its weights are
/// read as percent.
pub(crate) fn weights(declared: &BTreeMap<String, f64>, changes: &[Change]) -> BTreeMap<String, f64> {
    let mut weights: BTreeMap<String, f64> =
        declared.iter().map(|(name, share)| (name.clone(), (share * 1_000.0).round() / 10.0)).collect();
    for change in changes {
        if let Command::SetWeights { weights: given, workload: _ } = &change.command {
            for (name, weight) in given {
                weights.insert(name.clone(), *weight);
            }
        }
    }
    weights
}

/// The shares that a scenario declares. A change of the mix takes them away; for a page that is opened after it, the
/// shares of what was sent stand in for them.
pub(crate) fn declared(rows: &[EventTypeRow], changes: &[Change]) -> BTreeMap<String, f64> {
    let is_changed = changes.iter().any(|change| matches!(change.command, Command::SetWeights { .. }));
    let share = |row: &EventTypeRow| row.declared_share.or_else(|| is_changed.then_some(row.actual_share));
    rows.iter().filter_map(|row| share(row).map(|share| (row.name.clone(), share))).collect()
}

/// How many users were asked for last, if they were.
pub(crate) fn users_asked_for(changes: &[Change]) -> Option<u32> {
    changes.iter().rev().find_map(|change| match &change.command {
        Command::SetUsers { users, workload: _ } => Some(*users),
        Command::Pause
        | Command::Resume
        | Command::Stop
        | Command::Abort
        | Command::SetRateMultiplier { .. }
        | Command::SetWeights { .. }
        | Command::SetFault { .. } => None,
    })
}

/// Reads a weight.
///
/// # Errors
///
/// Says what to write instead.
pub(crate) fn read_weight(text: &str) -> Result<f64, &'static str> {
    let weight: Option<f64> = text.trim().replace(',', ".").parse().ok();
    weight.filter(|weight| (0.0..=1e9).contains(weight)).ok_or("write a weight, 0 or above")
}

/// Reads a number of users.
///
/// # Errors
///
/// Says what to write instead.
pub(crate) fn read_users(text: &str) -> Result<u32, &'static str> {
    text.trim().parse().ok().filter(|users| *users > 0).ok_or("write a whole number above 0")
}

/// Reads a fault's factor.
///
/// # Errors
///
/// Says what to write instead.
pub(crate) fn read_factor(text: &str) -> Result<f64, &'static str> {
    let factor: Option<f64> = text.trim().replace(',', ".").parse().ok();
    factor.filter(|factor| (0.0..=1_000.0).contains(factor)).ok_or("write a factor, 0 (off) to 1000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_the_commands_in_their_order() {
        let declared = BTreeMap::from([("view".to_owned(), 0.75), ("buy".to_owned(), 0.25)]);
        let set = |name: &str, weight| Change {
            elapsed_seconds: 1.0,
            command: Command::SetWeights { workload: None, weights: BTreeMap::from([(name.to_owned(), weight)]) },
            origin: "panel".to_owned(),
        };
        let now = weights(&declared, &[set("buy", 50.0), set("buy", 10.0)]);
        assert_eq!(now, BTreeMap::from([("view".to_owned(), 75.0), ("buy".to_owned(), 10.0)]));
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write() {
        for wrong in ["", "-1", "NaN", "inf", "many"] {
            assert!(read_weight(wrong).is_err(), "{wrong}");
            assert!(read_users(wrong).is_err(), "{wrong}");
            assert!(read_factor(wrong).is_err(), "{wrong}");
        }
        assert!(read_users("0").is_err());
        assert!(read_factor("1001").is_err());
        assert_eq!((read_weight("0,5"), read_users(" 20 "), read_factor("0")), (Ok(0.5), Ok(20), Ok(0.0)));
    }
}
