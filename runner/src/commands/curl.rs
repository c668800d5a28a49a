//! `throng curl`: a scenario's requests as curl commands, exactly as a run would send them; messages of targets that
//! speak no HTTP as commands of the tools that people have for those.

use std::sync::Arc;

use shared::curl;
use shared::plan::firsts::{First, firsts};
use shared::plan::{Plan, Share};
use shared::scenario::model::Scenario;
use shared::tree::Node;
use shared::units::EpochMicros;

use super::planned::{Planned, addresses, id_of_users, plan, start, workloads};
use super::{Exit, Refusal};
use crate::cli::CurlArgs;

/// One request with several events.
const BATCH: &str = "batch";

/// Prints the commands.
pub(super) fn curl(args: &CurlArgs) -> Result<Exit, Refusal> {
    let Planned { scenario, plan, .. } = plan(&args.plan, |document| Ok(settings(document, args)))?;
    let start = start(&args.plan, &scenario, None)?;
    let commands = if args.event_type == BATCH {
        batches(&scenario, &plan, args, start)?
    } else {
        singles(&scenario, &plan, args, start)?
    };
    anstream::println!("{}", commands.join("\n\n"));
    Ok(Exit::Done)
}

/// What the flags set: the user's id, the address.
fn settings(document: &Node, args: &CurlArgs) -> Vec<(String, String)> {
    let mut set = Vec::new();
    if let Some(id) = &args.user_id {
        set.extend(workloads(document).into_iter().map(|(name, _)| id_of_users(name, id)));
    }
    if let Some(url) = &args.url {
        set.extend(addresses(document, url));
    }
    set
}

/// So many requests of each event type that was asked for.
fn singles(scenario: &Scenario, plan: &Arc<Plan>, args: &CurlArgs, start: EpochMicros) -> Result<Vec<String>, Refusal> {
    let wanted = plan.event_types_of(&args.event_type);
    if wanted.is_empty() {
        let names: Vec<&str> = plan.event_types().iter().map(|info| info.name.as_str()).collect();
        let message = format!("there is no event type `{}`", args.event_type);
        return Err(Refusal::usage(message).with_hint(format!("say all, batch, or one of {}", names.join(", "))));
    }
    let target = |number: usize| {
        let workload = plan.workloads().get(number)?;
        curl::target_of(scenario, plan, workload.target.0).filter(|(_, target)| !target.protocol.is_local())
    };
    let among = |number: usize| target(number).is_some();
    let mut found = firsts(plan, start, &wanted, args.count as usize, among);
    found.sort_by_key(|first| (first.event_type, first.workload));
    if found.is_empty()
        && let Some(silent) = firsts(plan, start, &wanted, 1, |number| !among(number)).first()
        && let Some(workload) = plan.workloads().get(silent.workload)
    {
        let message = format!("what {} sends goes over no network", workload.name);
        return Err(Refusal::usage(message).with_hint("look at its events with `throng preview` or `throng generate`"));
    }
    if found.is_empty() {
        return Err(Refusal::failed(format!("no event of the type `{}` came up", args.event_type)));
    }
    let command = |First { workload, event_type, body, topic, .. }: &First| {
        let (planned, target) = target(*workload)?;
        curl::event(planned, target, *event_type, topic, body, args.api_key.as_deref())
    };
    Ok(found.iter().filter_map(command).collect())
}

/// One request with several events, for each workload whose target takes batches.
fn batches(scenario: &Scenario, plan: &Arc<Plan>, args: &CurlArgs, start: EpochMicros) -> Result<Vec<String>, Refusal> {
    let mut commands = Vec::new();
    for (number, workload) in plan.workloads().iter().enumerate() {
        let Some((planned, target)) = curl::target_of(scenario, plan, workload.target.0) else { continue };
        let Some(batch) = &planned.request.batch else { continue };
        if args.count > batch.max_events {
            let message = format!("a batch holds {} events at most", batch.max_events);
            return Err(Refusal::usage(message).with_hint("say fewer with --count"));
        }
        let schedule = workload.schedule(start);
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut body = batch.framing.prefix.clone();
        for event in 0..args.count {
            let Some(due) = cursor.next_due(&schedule) else { break };
            if event > 0 {
                body.extend_from_slice(&batch.framing.separator);
            }
            cursor.emit(start.plus(due), &mut body);
        }
        body.extend_from_slice(&batch.framing.suffix);
        commands.push(curl::request(target, &planned.request, &batch.path, &body, args.api_key.as_deref()));
    }
    if commands.is_empty() {
        return Err(Refusal::usage("no target of the scenario takes batches"));
    }
    Ok(commands)
}
