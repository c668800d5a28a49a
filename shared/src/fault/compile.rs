//! From a scenario's list of faults to a plan of them.

use crate::fault::drift::Change;
use crate::fault::{Entry, FaultPlan, What};
use crate::random::{Domain, Stream, hash_name};
use crate::run::fault::FaultKind;
use crate::scenario::model::fault::{Fault, Mutation};
use crate::template::compile::{Compiler, Names, Purpose, Site};
use crate::template::program::ExprId;
use crate::tree::Node;

impl FaultPlan {
    /// Compiles a list of faults by its name; problems go to the compiler.
    pub(crate) fn compile(compiler: &mut Compiler<'_>, name: &str, faults: &[Fault], root: Stream) -> Self {
        let mut entries = Vec::new();
        for (index, fault) in faults.iter().enumerate() {
            let place = format!("faults.{name}[{index}]");
            let number =
                |compiler: &mut Compiler<'_>, node: &Node, field| number(compiler, node, &site(&place, field, node));
            let span = |compiler: &mut Compiler<'_>, node: &Node, field| {
                compiler.span(node, &site(&place, field, node), &Names::default()).id
            };
            let (kind, p, what) = match fault {
                Fault::Delay { p, by } => (FaultKind::Delay, p, What::Delay(span(compiler, by, "delay.by"))),
                Fault::Late { p, by } => (FaultKind::Late, p, What::Late(span(compiler, by, "late.by"))),
                Fault::Reorder { p, window } => {
                    (FaultKind::Reorder, p, What::Reorder(span(compiler, window, "reorder.window")))
                }
                Fault::Duplicate { p, times, gap } => {
                    let times = times.as_ref().map(|times| number(compiler, times, "duplicate.times"));
                    let gap = gap.as_ref().map(|gap| span(compiler, gap, "duplicate.gap"));
                    (FaultKind::Duplicate, p, What::Duplicate { times, gap })
                }
                Fault::Drop { p } => (FaultKind::Drop, p, What::Drop),
                Fault::Corrupt { p, bytes } => {
                    let bytes = bytes.as_ref().map(|bytes| number(compiler, bytes, "corrupt.bytes"));
                    (FaultKind::Corrupt, p, What::Corrupt { bytes })
                }
                Fault::Truncate { p, keep } => {
                    let keep = keep.as_ref().map(|keep| number(compiler, keep, "truncate.keep"));
                    (FaultKind::Truncate, p, What::Truncate { keep })
                }
                Fault::Drift { p, mutations, rollout } => {
                    let changes = mutations.iter().enumerate();
                    let changes = changes.map(|(row, mutation)| change(compiler, mutation, &place, row)).collect();
                    let rollout = rollout.map(|rollout| (rollout.from, rollout.over));
                    (FaultKind::Drift, p, What::Drift { changes, rollout })
                }
                Fault::DropConnection { p } => (FaultKind::DropConnection, p, What::DropConnection),
                Fault::SlowSend { p, bytes_per_second } => {
                    (FaultKind::SlowSend, p, What::SlowSend { bytes_per_second: (*bytes_per_second).max(1) })
                }
                Fault::AuthExpire { p } => (FaultKind::AuthExpire, p, What::AuthExpire),
            };
            entries.push(Entry { kind, p: *p, key: hash_name(&place), what });
        }
        Self { name: name.to_owned(), entries, stream: root.domain(Domain::Fault) }
    }
}

fn site(place: &str, field: &str, node: &Node) -> Site {
    let path = format!("{place}.{field}");
    Site::new(path.clone(), path, node.mark)
}

/// A number that may be drawn.
fn number(compiler: &mut Compiler<'_>, node: &Node, site: &Site) -> ExprId {
    let typed = compiler.node(node, site, &Names::default(), Purpose::Value);
    if typed.kind.may_be_number() {
        return typed.id;
    }
    let message = format!("a number should stand here, not {}", typed.kind.name());
    compiler.wrong(site, message, "write a number, or a draw such as {$int: [1, 3]}").id
}

fn change(compiler: &mut Compiler<'_>, mutation: &Mutation, place: &str, row: usize) -> Change {
    let steps = |path: &str| path.split('.').map(str::to_owned).collect();
    match mutation {
        Mutation::AddField { path, value } => {
            let at = format!("{place}.drift.mutations[{row}].add_field.value");
            let site = Site::new(at.clone(), at, value.mark);
            let value = compiler.node(value, &site, &Names::default(), Purpose::Json).id;
            Change::Add { path: steps(path), value }
        }
        Mutation::RemoveField { path } => Change::Remove { path: steps(path) },
        Mutation::ChangeType { path, to } => Change::Retype { path: steps(path), to: *to },
        Mutation::RenameField { path, to } => Change::Rename { path: steps(path), to: to.clone() },
    }
}
