//! A sparkline.

use crate::dom::component::*;
use crate::state::spark::{SIZE, path, spoken};

/// A line in the space of a word.
#[component]
pub(crate) fn Sparkline(
    /// Its points, from zero up.
    points: Vec<f64>,
) -> View {
    let (width, height) = SIZE;
    view! {
        <svg class="spark" width=width height=height viewBox=format!("0 0 {width} {height}") role="img" aria-label=spoken(&points)>
            <path d=path(&points) />
        </svg>
    }
}
