//! What people ask the runner to do: start, pause, change, stop.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ScenarioChoice, StartRun};
use shared::run::Command;

use crate::desk::Desk;
use crate::state::rate::nudged;
use crate::state::remote::Remote;
use crate::state::route::Route;
use crate::{api, live};

/// Starts the chosen scenario.
pub(crate) fn start_chosen(desk: Desk) {
    let (scenario, profile) =
        desk.preferences.with_untracked(|chosen| (chosen.scenario.clone(), chosen.profile.clone()));
    let set = desk.keys_of(&scenario);
    start(
        desk,
        StartRun {
            scenario: ScenarioChoice::Named(scenario),
            profile: Some(profile).filter(|profile| !profile.is_empty()),
            set,
            seed: None,
            practice_target: untrack(|| desk.to_practice_target()),
        },
    );
}

/// Starts a run and shows it.
pub(crate) fn start(desk: Desk, start: StartRun) {
    if desk.busy.get_untracked() {
        return;
    }
    desk.busy.set(true);
    spawn_local(async move {
        let answer = api::start_run(&start).await;
        desk.busy.set(false);
        match answer {
            Ok(info) => {
                desk.failure.set(None);
                desk.status.update(|status| {
                    if let Remote::Ready(status) = status {
                        status.active_run = Some(info.id.clone());
                        status.latest_run = Some(info.id.clone());
                    }
                });
                live::follow(desk, info.id);
                desk.go(&Route::Run);
            }
            Err(error) => desk.failure.set(Some(error)),
        }
    });
}

/// Asks something of the shown run.
pub(crate) fn command(desk: Desk, command: Command) {
    let Some(id) = desk.following.with_untracked(|(_, id)| id.clone()) else { return };
    desk.busy.set(true);
    spawn_local(async move {
        let answer = api::command(&id.0, &command).await;
        desk.busy.set(false);
        desk.failure.set(answer.err());
    });
}

/// Start, pause or resume, whichever can be done.
pub(crate) fn start_or_pause(desk: Desk) {
    let controls = untrack(|| desk.controls());
    if controls.start {
        start_chosen(desk);
    } else if controls.pause {
        command(desk, Command::Pause);
    } else if controls.resume {
        command(desk, Command::Resume);
    }
}

/// Stop; once more while the run waits for answers: abort.
pub(crate) fn stop(desk: Desk) {
    let controls = untrack(|| desk.controls());
    if controls.stop {
        command(desk, Command::Stop);
    } else if controls.abort {
        command(desk, Command::Abort);
    }
}

/// One step faster or slower.
pub(crate) fn nudge_rate(desk: Desk, up: bool) {
    let current = desk.board.with_untracked(|board| board.as_ref().map(|board| board.snapshot.rate_multiplier));
    if let Some(current) = current.filter(|_| untrack(|| desk.controls()).rate) {
        let multiplier = nudged(current, up);
        if multiplier != current {
            command(desk, Command::SetRateMultiplier { multiplier });
        }
    }
}
