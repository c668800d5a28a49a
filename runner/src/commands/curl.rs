//! `throng curl`: a scenario's requests as curl commands, exactly as a run would send them; messages of targets that
//! speak no HTTP as commands of the tools that people have for those.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::curl;
use shared::plan::{EventTypeId, Plan, Share};
use shared::scenario::document::Node;
use shared::scenario::model::Scenario;
use shared::units::EpochMicros;

use super::planned::{Planned, addresses, plan, start, workloads};
use super::{Exit, Refusal};
use crate::cli::CurlArgs;

/// Events that are looked through for those that were asked for.
const MAX_WALK: u64 = 500_000;
/// Every kind of event.
const ALL: &str = "all";
/// One request with several events.
const BATCH: &str = "batch";

/// Prints the commands.
pub(super) fn curl(args: &CurlArgs) -> Result<Exit, Refusal> {
    let Planned { scenario, plan } = plan(&args.plan, |document| Ok(settings(document, args)))?;
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
    // In YAML a JSON string is a string; in a template a dollar sign before a brace has to be doubled.
    let quoted = |text: &str| serde_json::Value::from(text.replace("${", "$${")).to_string();
    if let Some(id) = &args.user_id {
        for (name, _) in workloads(document) {
            set.push((format!("workloads.{name}.population.id"), quoted(id)));
        }
    }
    if let Some(url) = &args.url {
        set.extend(addresses(document, url));
    }
    set
}

/// So many requests of each event type that was asked for.
fn singles(scenario: &Scenario, plan: &Arc<Plan>, args: &CurlArgs, start: EpochMicros) -> Result<Vec<String>, Refusal> {
    let wanted: Vec<EventTypeId> = (0..plan.event_types().len())
        .map(|index| EventTypeId(index as u16))
        .filter(|id| is_wanted(plan, *id, &args.event_type))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = plan.event_types().iter().map(|info| info.name.as_str()).collect();
        let message = format!("there is no event type `{}`", args.event_type);
        return Err(Refusal::usage(message).with_hint(format!("say all, batch, or one of {}", names.join(", "))));
    }
    let each = args.count as usize;
    let mut found: BTreeMap<EventTypeId, Vec<String>> = BTreeMap::new();
    let mut silent = None;
    for (number, workload) in plan.workloads().iter().enumerate() {
        let Some((planned, target)) = curl::target_of(scenario, plan, workload.target.0) else { continue };
        let schedule = workload.schedule(start);
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..MAX_WALK {
            let missing = |id: &EventTypeId| found.get(id).is_none_or(|commands| commands.len() < each);
            // What this workload declares, it will get to; of others nothing is known, so that the walk is long.
            let known = workload.declared.iter().filter(|(_, share)| *share > 0.0).map(|(id, _)| id);
            let open = if workload.declared.is_empty() {
                wanted.iter().any(missing)
            } else {
                known.filter(|id| wanted.contains(id)).any(missing)
            };
            let Some(due) = cursor.next_due(&schedule).filter(|_| open) else { break };
            event.clear();
            let emitted = cursor.emit(start.plus(due), &mut event);
            if wanted.contains(&emitted.event_type) && missing(&emitted.event_type) {
                let key = args.api_key.as_deref();
                let Some(command) = curl::event(planned, target, emitted.event_type, cursor.topic(), &event, key)
                else {
                    silent = Some(workload.name.as_str());
                    break;
                };
                found.entry(emitted.event_type).or_default().push(command);
            }
        }
    }
    if let Some(name) = silent.filter(|_| found.is_empty()) {
        let message = format!("what {name} sends goes over no network");
        return Err(Refusal::usage(message).with_hint("look at its events with `throng preview` or `throng generate`"));
    }
    if found.is_empty() {
        return Err(Refusal::failed(format!("no event of the type `{}` came up", args.event_type)));
    }
    Ok(found.into_values().flatten().collect())
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

/// Whether an event type was asked for: by its name, the first part of it, or its topic.
fn is_wanted(plan: &Plan, id: EventTypeId, wanted: &str) -> bool {
    let Some(info) = plan.event_types().get(usize::from(id.0)) else { return false };
    let begins = info.name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']));
    wanted == ALL || begins || info.topic.as_deref() == Some(wanted)
}
