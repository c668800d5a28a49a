//! Runs beside each other: drawn over each other, and each compared with the baseline.

use leptos::task::spawn_local;
use shared::api::RunSummary;
use shared::compare::Comparison;

use crate::api;
use crate::dom::component::*;
use crate::format;
use crate::panels::comparison_table::ComparisonTable;
use crate::panels::connection_notice::ConnectionNotice;
use crate::panels::overlay_chart::OverlayChart;
use crate::state::comparison::{MOST_RUNS, in_order};
use crate::state::overlay::{Drawn, Figure};
use crate::state::remote::{Remote, RequestError};
use crate::state::route::Route;
use crate::widgets::empty::Empty;
use crate::widgets::notice::RequestFailure;

/// Everything that the page shows.
#[derive(Clone, Debug, PartialEq)]
struct Compared {
    /// The baseline first.
    runs: Vec<RunSummary>,
    drawn: Vec<Drawn>,
    /// One for each run but the baseline.
    comparisons: Vec<Result<Comparison, RequestError>>,
}

/// The page.
#[component]
pub(crate) fn ComparePage(
    /// The runs' ids.
    ids: Vec<String>,
) -> View {
    let compared = RwSignal::new(Remote::<Compared>::Loading);
    let count = ids.len().min(MOST_RUNS);
    spawn_local(async move {
        let answer = ask(ids).await;
        // The page may have been left meanwhile.
        let _ = compared.try_update(|compared| compared.refresh(answer));
    });
    view! {
        <div class="page-head">
            <a href=Route::History.href()>"History"</a>
            <span class="note" aria-hidden="true">"/"</span>
            <h1>{format!("Compare {}", format::counted(count as u64, "run"))}</h1>
        </div>
        <ConnectionNotice />
        {move || compared.with(|compared| match compared {
            Remote::Loading => view! { <p class="nothing">"Comparing the runs …"</p> },
            Remote::Failed(error) if error.is_not_found() => view! {
                <Empty title="One of these runs does not exist (any more)" text="It may have been deleted.">
                    <a class="button" href=Route::History.href()>"To the history"</a>
                </Empty>
            },
            Remote::Failed(error) => view! { <RequestFailure error=error.clone() /> },
            Remote::Ready(compared) => view! { <Found compared=compared.clone() /> },
        })}
    }
}

#[component]
fn Found(compared: Compared) -> View {
    let Compared { runs, drawn, comparisons } = compared;
    let drawn = StoredValue::new(drawn);
    let drawn = Memo::new(move |_| drawn.get_value());
    let legend = runs
        .iter()
        .enumerate()
        .map(|(index, run)| {
            let role = if index == 0 { "baseline" } else { "" };
            view! {
                <li>
                    <svg class="overlay-key" viewBox="0 0 28 8" aria-hidden="true">
                        <path class=format!("overlay-line overlay-{}", index + 1) d="M0 4L28 4"></path>
                    </svg>
                    <a href=Route::PastRun(run.info.id.0.clone()).href()>{name(run)}</a>
                    <span class="tag">{role}</span>
                </li>
            }
        })
        .collect_view();
    let tables = runs
        .iter()
        .skip(1)
        .zip(comparisons)
        .map(|(run, comparison)| match comparison {
            Ok(comparison) => view! { <ComparisonTable comparison=comparison name=name(run) /> },
            Err(error) => view! { <RequestFailure error=error /> },
        })
        .collect_view();
    view! {
        <ul class="overlay-legend" aria-label="The runs">{legend}</ul>
        <div class="charts overlays">
            <OverlayChart runs=drawn figure=Figure::Throughput />
            <OverlayChart runs=drawn figure=Figure::ResponseTimeP99 />
            <OverlayChart runs=drawn figure=Figure::ResponseTimeP50 />
        </div>
        {tables}
    }
}

/// What a run is called among others.
fn name(run: &RunSummary) -> String {
    let profile = run.info.profile.as_ref().map(|profile| format!(" · {profile}")).unwrap_or_default();
    format!("{}{profile}, {}", run.info.scenario, format::moment(&run.info.started_at))
}

async fn ask(ids: Vec<String>) -> api::Answer<Compared> {
    let mut runs = Vec::new();
    for id in ids.iter().take(MOST_RUNS) {
        runs.push(api::run(id).await?);
    }
    let runs = in_order(runs);
    let mut drawn = Vec::new();
    for run in &runs {
        drawn.push(api::drawn(&run.info.id.0).await?);
    }
    let mut comparisons = Vec::new();
    if let Some((baseline, others)) = runs.split_first() {
        for other in others {
            comparisons.push(api::compare(&baseline.info.id.0, &other.info.id.0).await);
        }
    }
    Ok(Compared { runs, drawn, comparisons })
}
