//! Follows one run's live stream, and comes back when it breaks.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::run::{LiveMessage, RunId, TimelineRow};
use shared::tree::read::from_json_by_item;

use crate::api;
use crate::desk::Desk;
use crate::state::backlog::Backlog;
use crate::state::connection::{Connection, SILENCE_MILLIS, back_off_seconds};
use crate::state::route::escape;
use crate::state::run_board::RunBoard;

/// Holds the view, or lets it go and shows what happened meanwhile.
pub(crate) fn toggle_view(desk: Desk) {
    let held = !desk.held.get_untracked();
    desk.held.set(held);
    if held {
        return;
    }
    let mut whole = true;
    desk.board.update(|board| {
        if let Some(board) = board {
            desk.backlog.update_value(|backlog| whole = backlog.release(board));
        }
    });
    if let (false, (_, Some(id))) = (whole, desk.following.get_untracked()) {
        follow(desk, id);
    }
}

/// How one connection ended.
enum Ended {
    /// Another run is followed now.
    Superseded,
    /// The run is over; all is known.
    Over,
    /// It broke; `greeted` says that it had worked until then.
    Broken { greeted: bool },
}

/// Follows a run from now on; whatever was followed before is let go.
pub(crate) fn follow(desk: Desk, id: RunId) {
    let turn = desk.following.with_untracked(|(turn, _)| turn + 1);
    desk.following.set((turn, Some(id.clone())));
    desk.connection.set(Connection::Opening);
    // What another run left on the board would be read as this one's.
    if desk.board.with_untracked(|board| board.as_ref().is_some_and(|board| board.run.id != id)) {
        desk.board.set(None);
    }
    desk.zoom.set(None);
    desk.crosshair.set(None);
    desk.held.set(false);
    spawn_local(async move {
        let mut attempt = 0;
        loop {
            match connect(desk, &id, turn).await {
                Ended::Superseded => return,
                Ended::Over => {
                    desk.connection.set(Connection::Over);
                    return;
                }
                Ended::Broken { greeted } => attempt = if greeted { 1 } else { attempt + 1 },
            }
            // A stream that does not open says nothing of why; a plain request does.
            let asked = api::run(&id.0).await;
            if !is_followed(desk, turn) {
                return;
            }
            if asked.as_ref().is_err_and(|error| error.is_not_found()) {
                desk.connection.set(Connection::Gone);
                return;
            }
            desk.take_reachable(asked.is_ok());
            if !wait(desk, turn, back_off_seconds(attempt)).await {
                return;
            }
        }
    });
}

/// Shows no run any more.
pub(crate) fn let_go(desk: Desk) {
    desk.following.update(|(turn, id)| {
        *turn += 1;
        *id = None;
    });
    desk.connection.set(Connection::Idle);
    desk.board.set(None);
}

/// Looks whether the shown run is still there once it is over, since then nothing comes that would say so.
pub(crate) async fn look_after(desk: Desk) {
    let (turn, followed) = desk.following.get_untracked();
    let is_over = desk.connection.with_untracked(|connection| *connection == Connection::Over);
    let Some(id) = followed.filter(|_| is_over) else { return };
    let asked = api::run(&id.0).await;
    if is_followed(desk, turn) && asked.is_err_and(|error| error.is_not_found()) {
        desk.connection.set(Connection::Gone);
    }
}

/// Counts down to the next attempt, or skips the wait when asked; false once another run is followed.
async fn wait(desk: Desk, turn: u32, seconds: u32) -> bool {
    desk.retry_now.set(false);
    for tenth in 0..seconds * 10 {
        if !is_followed(desk, turn) {
            return false;
        }
        if desk.retry_now.get_untracked() {
            break;
        }
        if tenth % 10 == 0 {
            desk.connection.set(Connection::Lost { retry_seconds: seconds - tenth / 10 });
        }
        TimeoutFuture::new(100).await;
    }
    desk.connection.set(Connection::Lost { retry_seconds: 0 });
    is_followed(desk, turn)
}

/// A message; none of another version.
fn message(text: &str) -> Option<LiveMessage> {
    let (mut message, rows) = from_json_by_item::<LiveMessage, TimelineRow>(text, &["hello", "timeline"]).ok()?;
    if let LiveMessage::Hello(hello) = &mut message {
        hello.timeline = rows;
    }
    Some(message)
}

async fn connect(desk: Desk, id: &RunId, turn: u32) -> Ended {
    let mut greeted = false;
    let Ok(mut stream) = WebSocket::open(&address(id)) else { return Ended::Broken { greeted } };
    loop {
        let silence = TimeoutFuture::new(SILENCE_MILLIS);
        let message = match select(stream.next(), silence).await {
            Either::Left((Some(Ok(Message::Text(text))), _)) => message(&text),
            Either::Left((Some(Ok(Message::Bytes(_))), _)) => None,
            Either::Left((Some(Err(_)) | None, _)) | Either::Right(_) => return lost(desk, turn, greeted),
        };
        if !is_followed(desk, turn) {
            return Ended::Superseded;
        }
        match message {
            Some(LiveMessage::Hello(hello)) => {
                greeted = true;
                desk.backlog.set_value(Backlog::default());
                desk.board.set(Some(RunBoard::new(*hello)));
                desk.connection.set(Connection::Live);
                desk.take_reachable(true);
            }
            Some(LiveMessage::Tick(tick)) => {
                let held = desk.held.get_untracked();
                desk.board.update(|board| match board {
                    Some(board) if held => desk.backlog.update_value(|backlog| backlog.keep(*tick, board)),
                    Some(board) => board.tick(*tick),
                    None => {}
                });
            }
            // A message of another version: the board's own check asks for a reload.
            None => {}
        }
        if desk.board.with_untracked(|board| board.as_ref().is_some_and(RunBoard::is_over)) {
            return Ended::Over;
        }
    }
}

fn lost(desk: Desk, turn: u32, greeted: bool) -> Ended {
    if is_followed(desk, turn) { Ended::Broken { greeted } } else { Ended::Superseded }
}

fn is_followed(desk: Desk, turn: u32) -> bool {
    desk.following.with_untracked(|(current, _)| *current == turn)
}

fn address(id: &RunId) -> String {
    let location = window().location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    format!("{scheme}://{}/api/live/{}", location.host().unwrap_or_default(), escape(&id.0))
}
