//! One run compared with its baseline: a sentence, and figure by figure what differs and how sure that is.

use shared::compare::{Comparison, FigureComparison};

use crate::dom::component::*;
use crate::format;
use crate::state::comparison::{interval, relative, signed, signed_interval, value, verdict_words};
use crate::state::remote::sentence;

/// The comparison.
#[component]
pub(crate) fn ComparisonTable(
    /// What the runner found.
    comparison: Comparison,
    /// The name of the run that is judged.
    name: String,
) -> View {
    let confidence = format::percent(comparison.confidence);
    let (verdict, class) = verdict_words(comparison.verdict);
    let label = format!("{name} against the baseline");
    let notes = comparison.notes.iter().map(|note| view! { <li>{note.clone()}</li> }).collect_view();
    let has_notes = !comparison.notes.is_empty();
    let rows = comparison.figures.into_iter().map(row).collect_view();
    view! {
        <section class="card" aria-label=label data-testid="comparison">
            <div class="card-head">
                <h2>{name}</h2>
                <span class=format!("tag {class}")>{verdict}</span>
            </div>
            <p class="said" data-testid="comparison-summary">{sentence(&comparison.summary)}"."</p>
            {has_notes.then(|| view! { <ul class="problem-list">{notes}</ul> })}
            <div class="scroll">
                <table class="comparison">
                    <thead>
                        <tr>
                            <th scope="col">"Figure"</th>
                            <th scope="col" class="number">"Baseline"</th>
                            <th scope="col" class="number">"This run"</th>
                            <th scope="col" class="number">"Difference"</th>
                            <th scope="col" class="number">{format!("{confidence} interval")}</th>
                            <th scope="col" class="number">"Relative"</th>
                            <th scope="col">"Verdict"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

fn row(figure: FigureComparison) -> View {
    let unit = figure.unit;
    let (verdict, class) = verdict_words(figure.verdict);
    let side = |estimate: Option<shared::compare::Estimate>| match estimate {
        Some(estimate) => (value(unit, estimate.value), interval(unit, &estimate)),
        None => ("–".to_owned(), String::new()),
    };
    let (baseline, baseline_interval) = side(figure.baseline);
    let (candidate, candidate_interval) = side(figure.candidate);
    let difference = figure.difference.map(|difference| signed(unit, difference.value));
    let sure = figure.difference.map(|difference| signed_interval(unit, &difference));
    view! {
        <tr>
            <th scope="row">{figure.label}</th>
            <td class="number" title=baseline_interval>{baseline}</td>
            <td class="number" title=candidate_interval>{candidate}</td>
            <td class="number">{difference}</td>
            <td class="number">{sure}</td>
            <td class="number">{figure.relative.map(relative)}</td>
            <td><span class=format!("verdict-word {class}")>{verdict}</span>" "<span class="note">{figure.reason}</span></td>
        </tr>
    }
}
