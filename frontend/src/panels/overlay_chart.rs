//! One figure of several runs, drawn over each other.

use crate::dom::component::*;
use crate::state::overlay::{Drawn, Figure, overlay};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;

/// The chart; each run has its colour and its kind of dash, so that colour alone tells nothing.
#[component]
pub(crate) fn OverlayChart(
    /// The runs, in the order of the legend.
    runs: Memo<Vec<Drawn>>,
    /// What is drawn of each.
    figure: Figure,
) -> View {
    let laid = Memo::new(move |_| runs.with(|runs| overlay(runs, figure, WIDTH, HEIGHT)));
    view! {
        <section class="card" aria-label=figure.title()>
            <div class="card-head"><h2>{figure.title()}</h2><span class="note">"by seconds since each run's start"</span></div>
            {move || laid.with(|laid| {
                let frame = laid.frame;
                let values = laid.values.iter().map(|mark| view! {
                    <line class="grid" x1=frame.left x2=frame.right y1=mark.place y2=mark.place></line>
                    <text x=frame.left - 6.0 y=mark.place + 4.0 text-anchor="end">{mark.words.clone()}</text>
                }).collect_view();
                let times = laid.times.iter().map(|mark| view! {
                    <text x=mark.place y=frame.bottom + 16.0 text-anchor="middle">{mark.words.clone()}</text>
                }).collect_view();
                let paths = laid.paths.iter().enumerate().map(|(index, path)| view! {
                    <path class=format!("overlay-line overlay-{}", index + 1) d=path.clone()></path>
                }).collect_view();
                view! {
                    <svg
                        class="overlay"
                        viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                        role="img"
                        aria-label=format!("{} of each run over time; the table below has the figures", figure.title())
                    >
                        {values}
                        {times}
                        {paths}
                    </svg>
                }
            })}
        </section>
    }
}
