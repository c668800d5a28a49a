//! What every page sees and can do: the panel's signals, and what keeps them in step with the runner.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ScenarioSummary, Status};
use shared::run::{RunId, RunState};
use shared::scenario::quote;

use crate::state::backlog::Backlog;
use crate::state::connection::Connection;
use crate::state::controls::Controls;
use crate::state::preferences::Preferences;
use crate::state::remote::{Remote, RequestError};
use crate::state::route::Route;
use crate::state::run_board::{Beat, RunBoard};
use crate::{api, storage};

/// The panel's signals; a handle that is copied freely.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    /// The page.
    pub(crate) route: RwSignal<Route>,
    /// What the runner is and does.
    pub(crate) status: RwSignal<Remote<Status>>,
    /// Whether the runner answered when it was asked last.
    pub(crate) reachable: RwSignal<bool>,
    /// The gallery.
    pub(crate) scenarios: RwSignal<Remote<Vec<ScenarioSummary>>>,
    /// The followed run, counted up each time that another is followed.
    pub(crate) following: RwSignal<(u32, Option<RunId>)>,
    /// How its stream stands.
    pub(crate) connection: RwSignal<Connection>,
    /// What it said.
    pub(crate) board: RwSignal<Option<RunBoard>>,
    /// When tables are to be read anew.
    beat: Memo<Option<Beat>>,
    /// Whether the view is held: the run goes on, the charts stand still.
    pub(crate) held: RwSignal<bool>,
    /// What arrived meanwhile.
    pub(crate) backlog: StoredValue<Backlog>,
    /// Asks the stream not to wait for its next attempt.
    pub(crate) retry_now: RwSignal<bool>,
    /// What went wrong with the last thing that a person asked for.
    pub(crate) failure: RwSignal<Option<RequestError>>,
    /// Name and text of the scenario that was deleted last, as long as it can be put back.
    pub(crate) deleted: RwSignal<Option<(String, String)>>,
    /// Whether a request of a person's is on its way.
    pub(crate) busy: RwSignal<bool>,
    /// What is remembered between visits.
    pub(crate) preferences: RwSignal<Preferences>,
    /// Whether the system is dark.
    pub(crate) system_is_dark: RwSignal<bool>,
    /// Counts changes of colours, so that canvases are drawn anew.
    pub(crate) themed: RwSignal<u32>,
    /// API keys for runs from this tab, by scenario and path; they live in memory only.
    pub(crate) keys: RwSignal<BTreeMap<(String, String), String>>,
    /// Whether the help is open.
    pub(crate) help: RwSignal<bool>,
    /// The moment under the crosshair that all charts share, in seconds.
    pub(crate) crosshair: RwSignal<Option<f64>>,
    /// The stretch of time that all charts show; the whole run without.
    pub(crate) zoom: RwSignal<Option<(f64, f64)>>,
}

impl Desk {
    /// Everything unknown yet, except what the browser remembers.
    pub(crate) fn new() -> Self {
        let preferences = storage::read(storage::PREFERENCES).map(|text| Preferences::from_json(&text));
        let board = RwSignal::new(None::<RunBoard>);
        Self {
            route: RwSignal::new(Route::default()),
            status: RwSignal::new(Remote::Loading),
            reachable: RwSignal::new(true),
            scenarios: RwSignal::new(Remote::Loading),
            following: RwSignal::new((0, None)),
            connection: RwSignal::new(Connection::Idle),
            board,
            beat: Memo::new(move |_| board.with(|board| board.as_ref().map(RunBoard::beat))),
            held: RwSignal::new(false),
            backlog: StoredValue::new(Backlog::default()),
            retry_now: RwSignal::new(false),
            failure: RwSignal::new(None),
            deleted: RwSignal::new(None),
            busy: RwSignal::new(false),
            preferences: RwSignal::new(preferences.unwrap_or_default()),
            system_is_dark: RwSignal::new(false),
            themed: RwSignal::new(0),
            keys: RwSignal::new(BTreeMap::new()),
            help: RwSignal::new(false),
            crosshair: RwSignal::new(None),
            zoom: RwSignal::new(None),
        }
    }

    /// The shown run's state; none for a run that the runner does not know any more.
    pub(crate) fn run_state(self) -> Option<RunState> {
        if self.connection.with(|connection| *connection == Connection::Gone) {
            return None;
        }
        self.board.with(|board| board.as_ref().map(|board| board.run.state))
    }

    /// What can be done now.
    pub(crate) fn controls(self) -> Controls {
        let chosen = self.scenarios.with(|scenarios| {
            let known = scenarios.ready().map_or(&[][..], Vec::as_slice);
            self.preferences.with(|kept| known.iter().any(|scenario| scenario.name == kept.scenario))
        });
        Controls::of(self.run_state(), self.reachable.get(), chosen)
    }

    /// Reads the shown run for a table: again at most twice a second.
    pub(crate) fn read_calmly<T>(self, read: impl FnOnce(Option<&RunBoard>) -> T) -> T {
        // Read, not only tracked: a memo that nobody reads does not run.
        self.beat.with(|_| ());
        self.board.with_untracked(|board| read(board.as_ref()))
    }

    /// Where the charts' axis of time ends.
    pub(crate) fn axis_end(self) -> f64 {
        self.board.with_untracked(|board| board.as_ref().map_or(60.0, RunBoard::axis_end))
    }

    /// Keeps an API key for runs of a scenario from this tab; an empty one is forgotten.
    pub(crate) fn give_key(self, scenario: &str, path: &str, key: &str) {
        let place = (scenario.to_owned(), path.to_owned());
        self.keys.update(|keys| {
            if key.is_empty() {
                keys.remove(&place)
            } else {
                keys.insert(place, key.to_owned())
            };
        });
    }

    /// Whether runs go to the practice target: there is one, and it is wished for.
    pub(crate) fn to_practice_target(self) -> bool {
        let has_target = self.status.with(|status| status.ready().is_some_and(|known| known.practice_target.is_some()));
        has_target && self.preferences.with(|kept| kept.practice_target)
    }

    /// The API keys for a scenario, as a run takes them: paths to values in YAML.
    pub(crate) fn keys_of(self, scenario: &str) -> BTreeMap<String, String> {
        self.keys.with_untracked(|keys| {
            let own = keys.iter().filter(|((name, _), _)| name == scenario);
            own.map(|((_, path), key)| (path.clone(), quote(key))).collect()
        })
    }

    /// Goes to a page.
    pub(crate) fn go(self, route: &Route) {
        let _ = window().location().set_hash(&route.href());
    }

    /// Notes whether the runner answered; when it comes back, what could not be loaded is asked for again.
    pub(crate) fn take_reachable(self, reachable: bool) {
        if self.reachable.get_untracked() != reachable {
            self.reachable.set(reachable);
            if reachable && self.scenarios.with_untracked(|scenarios| scenarios.ready().is_none()) {
                self.load_scenarios();
            }
        }
    }

    /// Asks for the runner's status.
    pub(crate) async fn refresh_status(self) {
        let answer = api::status().await;
        self.take_reachable(!matches!(answer, Err(RequestError::Unreachable)));
        // Unchanged answers must not wake whoever reads it.
        let is_known = self.status.with_untracked(|known| known.ready() == answer.as_ref().ok() && answer.is_ok());
        if !is_known {
            self.status.update(|status| status.refresh(answer));
        }
    }

    /// Asks for the gallery.
    pub(crate) fn load_scenarios(self) {
        spawn_local(async move {
            let answer = api::scenarios().await;
            self.scenarios.update(|scenarios| scenarios.refresh(answer));
        });
    }

    /// Changes what is remembered between visits.
    pub(crate) fn prefer(self, change: impl FnOnce(&mut Preferences)) {
        self.preferences.update(change);
        storage::write(storage::PREFERENCES, &self.preferences.with_untracked(Preferences::to_json));
    }

    /// Switches between dark and light.
    pub(crate) fn toggle_theme(self) {
        let system_is_dark = self.system_is_dark.get_untracked();
        self.prefer(|preferences| preferences.theme = preferences.theme.toggled(system_is_dark));
    }
}
