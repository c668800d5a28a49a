//! Start, pause, resume, stop: always in the same places.

use shared::run::Command;

use crate::actions;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::widgets::icon::{Glyph, Icon};

/// The buttons, and what can be read beside them: time done of time planned.
#[component]
pub(crate) fn RunControls() -> View {
    let desk = expect_context::<Desk>();
    let controls = Memo::new(move |_| desk.controls());
    let busy = desk.busy;
    let can_pause = move || controls.with(|controls| (controls.pause || controls.resume) && !busy.get());
    let can_stop = move || controls.with(|controls| (controls.stop || controls.abort) && !busy.get());
    let is_paused = Memo::new(move |_| controls.with(|controls| controls.resume));
    let is_draining = Memo::new(move |_| controls.with(|controls| controls.abort));
    let pause_glyph = Signal::derive(move || if is_paused.get() { Glyph::Start } else { Glyph::Pause });
    view! {
        <div class="buttons" role="group" aria-label="Run">
            <button
                type="button"
                class="primary"
                data-testid="start"
                title="start (Space)"
                disabled=move || !controls.with(|controls| controls.start) || busy.get()
                on:click=move |_| actions::start_chosen(desk)
            >
                <Icon glyph=Glyph::Start />
                "Start"
            </button>
            <button
                type="button"
                class="steady"
                class:primary=move || is_paused.get()
                data-testid=move || if is_paused.get() { "resume" } else { "pause" }
                title=move || if is_paused.get() { "resume (Space)" } else { "pause (Space)" }
                disabled=move || !can_pause()
                on:click=move |_| actions::command(desk, if is_paused.get_untracked() { Command::Resume } else { Command::Pause })
            >
                <Icon glyph=pause_glyph />
                {move || if is_paused.get() { "Resume" } else { "Pause" }}
            </button>
            <button
                type="button"
                class="steady"
                data-testid=move || if is_draining.get() { "abort" } else { "stop" }
                title=move || if is_draining.get() { "do not wait for the last answers (S)" } else { "stop and wait for the last answers (S)" }
                disabled=move || !can_stop()
                on:click=move |_| actions::stop(desk)
            >
                <Icon glyph=Glyph::Stop />
                {move || if is_draining.get() { "Stop now" } else { "Stop" }}
            </button>
        </div>
    }
}
