//! `GET /api/live/{id}`: a run as it happens. First a `Hello` with the history, then a `Tick` whenever there is news.
//!
//! A watcher that cannot follow never slows the run: it skips ticks and is then given the whole picture again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use shared::run::{Hello, LiveMessage, RunId, Tick};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::App;
use super::failure::{Failure, blocking};
use crate::engine::handle::{News, RunHandle};

/// The longest message that a watcher may send; it has nothing to say.
const MAX_MESSAGE: usize = 4 * 1024;

/// Who may follow runs at the same time.
pub(super) const MAX_WATCHERS: usize = 2_048;
/// A watcher that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(20);

/// Upgrades to a live stream.
pub(super) async fn watch(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let id = RunId(id);
    let upgrade =
        upgrade.map_err(|rejection| Failure::new(rejection.status(), "not_a_websocket", rejection.body_text()))?;
    let place = Arc::clone(&app.watchers).try_acquire_owned().map_err(|_full| {
        let failure =
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_watchers", "too many follow runs already");
        failure.with_hint("close some pages and try again")
    })?;
    let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    if let Some(run) = app.current.find(&id) {
        let (hello, ticks) = run.subscribe().await.map_err(|_gone| Failure::not_found("the run is gone"))?;
        let closing = app.closing.subscribe();
        return Ok(upgrade.on_upgrade(move |socket| async move {
            let _place = place;
            let mut closing = closing;
            tokio::select! {
                () = follow(socket, run, hello, ticks) => {}
                // The sender lives as long as the app.
                _closing = closing.wait_for(|closing| *closing) => {}
            }
        }));
    }
    let store = Arc::clone(&app.store);
    let missing = format!("there is no run {id}");
    let hello = blocking(move || store.hello(&id)).await??.ok_or_else(|| Failure::not_found(missing))?;
    Ok(upgrade.on_upgrade(|mut socket| async move {
        let _place = place;
        if send(&mut socket, LiveMessage::Hello(Box::new(hello))).await {
            close(socket).await;
        }
    }))
}

/// Sends a run to one watcher until either is gone.
async fn follow(mut socket: WebSocket, run: RunHandle, hello: Hello, mut ticks: Receiver<Arc<News>>) {
    let mut over = hello.snapshot.state.is_over();
    if !send(&mut socket, LiveMessage::Hello(Box::new(hello))).await {
        return;
    }
    let mut skipped = 0;
    while !over {
        let tick = tokio::select! {
            tick = ticks.recv() => tick,
            said = socket.recv() => match said {
                // Pings are answered below this layer; everything else a watcher may say means nothing.
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        let sent = match tick {
            Ok(tick) => {
                over = tick.snapshot.state.is_over();
                match (skipped, tick.text()) {
                    // Written once for all who follow.
                    (0, Some(text)) => send_text(&mut socket, text.to_owned()).await,
                    _ => {
                        let tick = Tick { skipped_ticks: skipped, ..Tick::clone(&tick) };
                        send(&mut socket, LiveMessage::Tick(Box::new(tick))).await
                    }
                }
            }
            Err(RecvError::Lagged(missed)) => {
                skipped += missed;
                let Ok((hello, from_now)) = run.subscribe().await else { break };
                ticks = from_now;
                over = hello.snapshot.state.is_over();
                send(&mut socket, LiveMessage::Hello(Box::new(hello))).await
            }
            Err(RecvError::Closed) => break,
        };
        if !sent {
            return;
        }
    }
    close(socket).await;
}

/// Sends a message; whether the watcher is still there.
async fn send(socket: &mut WebSocket, message: LiveMessage) -> bool {
    let written = serde_json::to_string(&message);
    // A watcher may take its time, and there may be many: only the text waits with it.
    drop(message);
    match written {
        Ok(text) => send_text(socket, text).await,
        Err(error) => {
            tracing::error!(%error, "a live message could not be written");
            false
        }
    }
}

async fn send_text(socket: &mut WebSocket, text: String) -> bool {
    let sent = tokio::time::timeout(PATIENCE, socket.send(Message::Text(text.into()))).await;
    matches!(sent, Ok(Ok(())))
}

async fn close(mut socket: WebSocket) {
    let frame = CloseFrame { code: close_code::NORMAL, reason: "the run is over".into() };
    // The watcher may have gone by itself.
    let _closed = socket.send(Message::Close(Some(frame))).await;
}
