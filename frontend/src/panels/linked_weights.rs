//! Weights as linked sliders: where one is moved, the others make room, and their sum stays. A weight can also be typed
//! on its own.

use shared::scenario::balance::{balanced, written};

use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::state::behavior_graph::{Choice, ChoiceOption};
use crate::state::scenario_form::{Kind, problem_at, spoken};

/// Places of a slider from nothing to everything.
const STEPS: f64 = 200.0;

/// The alternatives of a choice with their weights and shares.
#[component]
pub(crate) fn LinkedWeights(choice: Memo<Choice>) -> View {
    // What the sliders show while one of them is held; the text follows when it is let go.
    let held = RwSignal::new(None::<Vec<f64>>);
    let weights = Memo::new(move |_| match held.get() {
        Some(held) => held,
        None => choice.with(|choice| choice.options.iter().map(|option| option.weight).collect()),
    });
    let paths = Memo::new(move |_| {
        choice.with(|choice| {
            choice.options.iter().map(|option| (option.path.clone(), option.name.clone())).collect::<Vec<_>>()
        })
    });
    view! {
        <table class="weights">
            <thead>
                <tr>
                    <th scope="col">{move || if choice.with(|choice| choice.title.starts_with("Event")) { "Event" } else { "To" }}</th>
                    <th scope="col">"Share"</th>
                    <th scope="col" class="number">"Weight"</th>
                </tr>
            </thead>
            <tbody>
                <For
                    each=move || paths.get().into_iter().enumerate()
                    key=|(index, (path, _))| (*index, path.clone())
                    children=move |(index, (path, name))| view! {
                        <WeightRow index=index path=path name=name choice=choice weights=weights held=held />
                    }
                />
            </tbody>
        </table>
    }
}

#[component]
fn WeightRow(
    index: usize,
    path: String,
    name: String,
    choice: Memo<Choice>,
    weights: Memo<Vec<f64>>,
    held: RwSignal<Option<Vec<f64>>>,
) -> View {
    let editing = expect_context::<Editing>();
    let path = StoredValue::new(path);
    let typed = RwSignal::new(None::<String>);
    let problem = Memo::new(move |_| {
        path.with_value(|path| editing.checked.with(|checked| problem_at(&checked.problems, path).map(spoken)))
    });
    let sum = move || weights.with(|weights| weights.iter().filter(|weight| **weight > 0.0).sum::<f64>());
    let share = Memo::new(move |_| {
        let weight = weights.with(|weights| weights.get(index).copied().unwrap_or(0.0));
        if sum() > 0.0 { (weight / sum()).clamp(0.0, 1.0) } else { 0.0 }
    });
    let value = move || match held.with(Option::is_some) {
        true => weights.with(|weights| written(weights.get(index).copied().unwrap_or(0.0))),
        false => {
            choice.with(|choice| choice.options.get(index).map(|option| option.written.clone()).unwrap_or_default())
        }
    };
    let disabled = move || editing.built_in || editing.checked.with(|checked| !checked.readable);
    let slide = move |place: f64| {
        let before: Vec<f64> =
            choice.with_untracked(|choice| choice.options.iter().map(|option| option.weight).collect());
        let sum: f64 = before.iter().sum();
        held.set(Some(balanced(&before, index, place / STEPS * sum)));
    };
    let let_go = move || {
        let Some(weights) = held.get_untracked() else { return };
        held.set(None);
        let values = choice.with_untracked(|choice| changed(&choice.options, &weights));
        editing.change_all(&values);
    };
    view! {
        <tr>
            <th scope="row" class="mono">{name.clone()}</th>
            <td class="share">
                <input
                    type="range"
                    min="0"
                    max=STEPS.to_string()
                    step="1"
                    aria-label=format!("share of {name}")
                    aria-valuetext=move || format::percent(share.get())
                    disabled=disabled
                    prop:value=move || (share.get() * STEPS).round().to_string()
                    on:input:target=move |event| slide(event.target().value().parse().unwrap_or(0.0))
                    on:change=move |_| let_go()
                />
                <span class="number">{move || format::percent(share.get())}</span>
                <span class="field-problem">{problem}</span>
            </td>
            <td class="number">
                <input
                    type="text"
                    inputmode="decimal"
                    aria-label=format!("weight of {name}")
                    data-testid=format!("weight-{name}")
                    aria-invalid=move || problem.with(Option::is_some).to_string()
                    disabled=disabled
                    prop:value=move || typed.get().unwrap_or_else(value)
                    on:input:target=move |event| {
                        let value = event.target().value();
                        typed.set(Some(value.clone()));
                        path.with_value(|path| editing.change(path, Kind::Number, &value));
                    }
                    on:blur=move |_| typed.set(None)
                />
            </td>
        </tr>
    }
}

/// The weights that differ from what is written, with their paths.
fn changed(options: &[ChoiceOption], weights: &[f64]) -> Vec<(String, String)> {
    let pairs = options.iter().zip(weights);
    pairs
        .filter(|(option, weight)| written(option.weight) != written(**weight))
        .map(|(option, weight)| (option.path.clone(), written(*weight)))
        .collect()
}
