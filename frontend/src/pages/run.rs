//! The Run page: choose, start, watch, change, stop.

use crate::charts::failures::FAILURES;
use crate::charts::heat_map::HEAT_MAP;
use crate::charts::in_flight::IN_FLIGHT;
use crate::charts::response_time::RESPONSE_TIME;
use crate::charts::send_lag::SEND_LAG;
use crate::charts::throughput::THROUGHPUT;
use crate::charts::time_chart::TimeChart;
use crate::dom::component::*;
use crate::panels::audits::Audits;
use crate::panels::changes::Changes;
use crate::panels::connection_notice::ConnectionNotice;
use crate::panels::connections::Connections;
use crate::panels::event_types::EventTypes;
use crate::panels::failures::Failures;
use crate::panels::faults::Faults;
use crate::panels::rate_control::RateControl;
use crate::panels::run_controls::RunControls;
use crate::panels::run_line::RunLine;
use crate::panels::samples::Samples;
use crate::panels::scenario_choice::ScenarioChoice;
use crate::panels::steering::Steering;
use crate::panels::thresholds::Thresholds;
use crate::panels::tiles::Tiles;
use crate::panels::workloads::Workloads;

/// The Run page.
#[component]
pub(crate) fn RunPage() -> View {
    view! {
        <h1 class="hidden-text">"Run"</h1>
        <section class="run-bar" aria-label="Run controls">
            <div class="run-row">
                <ScenarioChoice />
                <span class="spring"></span>
                <RateControl />
                <RunControls />
            </div>
            <RunLine />
        </section>
        <ConnectionNotice />
        <Tiles />
        <div class="charts">
            <TimeChart spec=&THROUGHPUT />
            <TimeChart spec=&RESPONSE_TIME />
            <TimeChart spec=&HEAT_MAP />
            <TimeChart spec=&FAILURES />
            <TimeChart spec=&SEND_LAG />
            <TimeChart spec=&IN_FLIGHT />
        </div>
        <div class="details">
            <div class="stack">
                <Workloads />
                <EventTypes />
            </div>
            <div class="stack beside">
                <Steering />
                <Thresholds />
                <Audits />
                <Failures />
                <Faults />
                <Connections />
                <Changes />
            </div>
            <Samples />
        </div>
    }
}
