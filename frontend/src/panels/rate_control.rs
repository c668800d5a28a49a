//! The rate multiplier: a slider for the hand, a number for the exact.

use shared::run::Command;

use crate::actions;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::rate::{POSITIONS, multiplier_at, parse, position_of};

/// Changes the running run's rate: when the slider is let go, when Enter is pressed in the number.
#[component]
pub(crate) fn RateControl() -> View {
    let desk = expect_context::<Desk>();
    let disabled = Memo::new(move |_| !desk.controls().rate);
    // The next run starts at the scenario's own rate, whatever the last one ended with.
    let in_force = Memo::new(move |_| {
        desk.board.with(|board| {
            let going = board.as_ref().filter(|board| !board.is_over());
            going.map_or(1.0, |board| board.snapshot.rate_multiplier)
        })
    });
    // What the hand holds, until the run has it.
    let held = RwSignal::new(None::<f64>);
    let problem = RwSignal::new(None::<&'static str>);
    let shown = move || held.get().unwrap_or_else(|| in_force.get());
    // The run has answered: what it says counts.
    Effect::new(move |_| {
        in_force.with(|_| ());
        disabled.with(|_| ());
        held.set(None);
        problem.set(None);
    });
    let send = move |multiplier: f64| {
        if (multiplier - in_force.get_untracked()).abs() > 1e-9 {
            actions::command(desk, Command::SetRateMultiplier { multiplier });
        } else {
            held.set(None);
        }
    };
    let spoken = move || format::multiplier(shown());
    view! {
        <div class="rate" class:invalid=move || problem.get().is_some()>
            <label class="rate-name" for="rate-slider">"Rate multiplier"</label>
            <input
                type="range"
                id="rate-slider"
                class="rate-slider"
                data-testid="rate-slider"
                aria-valuetext=spoken
                min="0"
                max=POSITIONS
                disabled=disabled
                prop:value=move || position_of(shown()).to_string()
                on:input:target=move |event| held.set(event.target().value().parse().ok().map(multiplier_at))
                on:change:target=move |event| {
                    if let Ok(position) = event.target().value().parse() {
                        send(multiplier_at(position));
                    }
                }
            />
            <input
                type="text"
                class="rate-number"
                inputmode="decimal"
                data-testid="rate"
                aria-label="rate multiplier"
                aria-invalid=move || problem.get().is_some().to_string()
                disabled=disabled
                prop:value=move || format::plain(shown())
                on:input:target=move |event| problem.set(parse(&event.target().value()).err())
                on:change:target=move |event| {
                    match parse(&event.target().value()) {
                        Ok(multiplier) => {
                            held.set(Some(multiplier));
                            send(multiplier);
                        }
                        Err(wrong) => problem.set(Some(wrong)),
                    }
                }
            />
            <span class="field-problem" role="alert">{move || problem.get()}</span>
        </div>
    }
}
