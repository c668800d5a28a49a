//! A figure with its name, its unit and what it is to be compared with.

use crate::dom::component::*;
use crate::state::tiles::Tile;

/// A tile; its parts keep their places while its figure changes.
#[component]
pub(crate) fn FigureTile(
    /// What the figure is.
    name: &'static str,
    /// Its test id.
    id: &'static str,
    /// Its name at full length, for those who point at it.
    title: &'static str,
    /// The figure.
    tile: Memo<Tile>,
) -> View {
    view! {
        <div class="tile" class:alarming=move || tile.with(|tile| tile.alarming) title=title data-testid=format!("tile-{id}")>
            <dt>{name}</dt>
            <dd>
                <span class="figure" data-testid=format!("tile-{id}-value")>{move || tile.with(|tile| tile.value.clone())}</span>
                <span class="unit">{move || tile.with(|tile| tile.unit)}</span>
                <span class="tile-note">{move || tile.with(|tile| tile.note.clone())}</span>
            </dd>
        </div>
    }
}
