//! `throng try`: one event of each kind, and what the target says to it.

use anstyle::{AnsiColor, Style};
use shared::api::{Trial, TriedEvent};
use shared::tree::Node;
use shared::wording::latency;

use super::overrides;
use super::planned::{id_of_users, workloads};
use super::run::{Outside, Readied, ready};
use super::{Exit, Refusal, open, practice_target};
use crate::cli::{ScenarioFlags, TryArgs};
use crate::library::loading::{Additions, look_with};
use crate::report::{counted, printable};
use crate::supplies::records::Depth;

/// Characters that are shown of an answer in a line.
const GLANCE: usize = 60;

/// Tries, shows.
pub(super) async fn try_out(args: TryArgs) -> Result<Exit, Refusal> {
    let found = open(&args.data, &args.scenario)?;
    let practice = practice_target(args.practice_target)?;
    let mut additions = Additions {
        profile: args.profile.clone(),
        seed: args.seed,
        practice: args.practice_target,
        api_key: args.api_key.clone(),
        ..Additions::default()
    };
    additions.set = settings(look_with(&found, &additions, Depth::Beginning).document(), &args)?;
    let outside = Outside { allow_target: &args.policy.allow_target, pools_from: None, data: &args.data };
    let Readied { prepared, .. } = ready(&found, &additions, practice.as_ref(), &outside).await?;
    let wanted = prepared.plan.event_types_of(&args.event_type);
    if wanted.is_empty() {
        let names: Vec<&str> = prepared.plan.event_types().iter().map(|info| info.name.as_str()).collect();
        return Err(Refusal::usage(format!("there is no event type `{}`", args.event_type))
            .with_hint(format!("say all, or one of {}", names.join(", "))));
    }
    let mut trial = Trial { targets: prepared.try_targets().await, events: Vec::new() };
    let there = trial.targets.iter().all(|target| target.reachable);
    if there && !args.connect_only {
        trial.events = prepared.try_events(&wanted).await;
    }
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&trial).map_err(Refusal::failed)?);
    } else {
        show(&trial, args.full);
    }
    Ok(match (there, trial.events.iter().all(|event| event.accepted)) {
        (false, _) => Exit::Unreachable,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Done,
    })
}

/// What the flags set.
fn settings(document: &Node, args: &TryArgs) -> Result<Vec<(String, String)>, Refusal> {
    let flags = ScenarioFlags { url: args.url.clone(), insecure: args.insecure, ..ScenarioFlags::default() };
    let mut set = overrides::settings(document, &flags)?;
    if let Some(id) = &args.user_id {
        set.extend(workloads(document).into_iter().map(|(name, _)| id_of_users(name, id)));
    }
    set.extend(args.set.iter().cloned());
    Ok(set)
}

fn show(trial: &Trial, full: bool) {
    for target in &trial.targets {
        let detail = target.detail.as_ref().map_or_else(String::new, |detail| format!("  {detail}"));
        let word = if target.reachable { "there" } else { "not there" };
        anstream::println!(
            "target {} ({}): {word}, {}{detail}",
            target.name,
            target.url,
            latency(target.micros as f64)
        );
    }
    if trial.events.is_empty() {
        return;
    }
    if full {
        for event in &trial.events {
            anstream::println!("\n{}\n{}\n\n{}\n{}", event.request, event.body, outcome(event), event.answer);
        }
    } else {
        let width = trial.events.iter().map(|event| event.event_type.chars().count()).max().unwrap_or(0);
        anstream::println!("\n{:<width$}  status       time  answer", "event");
        for event in &trial.events {
            let colour = if event.accepted { AnsiColor::Green } else { AnsiColor::Red };
            let style = Style::new().fg_color(Some(colour.into()));
            let status = event.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
            let said: String = event.failure.as_ref().unwrap_or(&event.answer).chars().take(GLANCE).collect();
            anstream::println!(
                "{:<width$}  {style}{status:>6}{style:#}  {:>9}  {}",
                event.event_type,
                latency(event.micros as f64),
                printable(&said)
            );
        }
    }
    let accepted = trial.events.iter().filter(|event| event.accepted).count() as u64;
    let all = trial.events.len() as u64;
    anstream::println!("\n{accepted} of {} accepted", counted(all, "event"));
}

fn outcome(event: &TriedEvent) -> String {
    match (&event.failure, event.status) {
        (Some(failure), _) => failure.clone(),
        (None, Some(status)) => format!("{status} after {}", latency(event.micros as f64)),
        (None, None) => format!("taken after {}", latency(event.micros as f64)),
    }
}
