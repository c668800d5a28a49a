//! Faults: probabilities that are probabilities, mutations that change something.

use crate::scenario::model::Scenario;
use crate::scenario::model::fault::{Fault, Mutation};
use crate::scenario::model::target::Auth;

use super::Findings;

/// Credentials can only expire where requests have some: a stream says who it is once.
pub(super) fn check_credentials(scenario: &Scenario, findings: &mut Findings<'_>) {
    for (name, workload) in &scenario.workloads {
        let faults = workload.faults.as_ref().and_then(|faults| scenario.faults.get(faults));
        if !faults.is_some_and(|faults| faults.iter().any(|fault| matches!(fault, Fault::AuthExpire { .. }))) {
            continue;
        }
        let target = match &workload.target {
            Some(target) => scenario.targets.get(target),
            None => scenario.targets.values().next(),
        };
        let Some(target) = target else { continue };
        let path = format!("workloads.{name}.faults");
        if target.protocol.holds_streams() {
            let message = "auth_expire has no effect on a target of streams, which says who it is once";
            findings.error(path, message, "use drop_connection, or send requests");
        } else if target.auth == Auth::None {
            findings.error(path, "auth_expire has no effect: the target has no credentials", "give it auth");
        }
    }
}

pub(super) fn check(name: &str, faults: &[Fault], findings: &mut Findings<'_>) {
    if faults.is_empty() {
        findings.error(format!("faults.{name}"), "the list is empty", "write [{delay: {p: 0.05, by: 100ms}}]");
    }
    for (index, fault) in faults.iter().enumerate() {
        let (key, p) = match fault {
            Fault::Delay { p, .. } => ("delay", p),
            Fault::Duplicate { p, .. } => ("duplicate", p),
            Fault::Drop { p } => ("drop", p),
            Fault::Drift { p, .. } => ("drift", p),
            Fault::Corrupt { p, .. } => ("corrupt", p),
            Fault::Late { p, .. } => ("late", p),
            Fault::Reorder { p, .. } => ("reorder", p),
            Fault::DropConnection { p } => ("drop_connection", p),
            Fault::SlowSend { p, .. } => ("slow_send", p),
            Fault::Truncate { p, .. } => ("truncate", p),
            Fault::AuthExpire { p } => ("auth_expire", p),
        };
        let path = format!("faults.{name}[{index}].{key}");
        findings.probability(format!("{path}.p"), *p);
        if let Fault::Drift { mutations, .. } = fault {
            if mutations.is_empty() {
                findings.error(
                    format!("{path}.mutations"),
                    "nothing would change",
                    "write [{remove_field: {path: data.x}}]",
                );
            }
            for (row, mutation) in mutations.iter().enumerate() {
                let (Mutation::AddField { path: field, .. }
                | Mutation::RemoveField { path: field }
                | Mutation::ChangeType { path: field, .. }
                | Mutation::RenameField { path: field, .. }) = mutation;
                if field.split('.').any(str::is_empty) {
                    findings.error(
                        format!("{path}.mutations[{row}]"),
                        format!("`{field}` is no path of a field"),
                        "write data.x",
                    );
                }
            }
        }
        if let Fault::SlowSend { bytes_per_second: 0, .. } = fault {
            findings.error(format!("{path}.bytes_per_second"), "must be above zero", "write 1000");
        }
    }
}
