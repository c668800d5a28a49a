//! A row for each workload, where there are several: where it goes, by which protocol, and how it fares.

use shared::run::WorkloadRow;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;

/// The workloads of the shown run; nothing where it has only one.
#[component]
pub(crate) fn Workloads() -> View {
    let desk = expect_context::<Desk>();
    let workloads = Memo::new(move |_| {
        desk.read_calmly(|board| board.map(|board| board.snapshot.workloads.clone()).unwrap_or_default())
    });
    view! {
        <Show when=move || !workloads.with(Vec::is_empty)>
            <section class="card" aria-label="Workloads" data-testid="workloads">
                <div class="card-head">
                    <h2>"Workloads"</h2>
                    <span class="note">"events of each, side by side"</span>
                </div>
                <div class="scroll">
                    <table class="events">
                        <thead><tr>
                            <th scope="col">"Workload"</th>
                            <th scope="col">"Target"</th>
                            <th scope="col">"Protocol"</th>
                            <th scope="col" class="number">"Sent"</th>
                            <th scope="col" class="number">"Share"</th>
                            <th scope="col" class="number">"p50"</th>
                            <th scope="col" class="number">"p95"</th>
                            <th scope="col" class="number">"p99"</th>
                            <th scope="col" class="number">"Errors"</th>
                        </tr></thead>
                        <tbody>{move || workloads.with(|rows| {
                            let all: u64 = rows.iter().map(|row| row.sent).sum();
                            rows.iter().map(|known| row(known, all)).collect_view()
                        })}</tbody>
                    </table>
                </div>
            </section>
        </Show>
    }
}

fn row(row: &WorkloadRow, all: u64) -> View {
    let time = |micros: u64| match row.response_time.count {
        0 => "–".to_owned(),
        _ => format::latency(micros as f64),
    };
    let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    let times = &row.response_time;
    view! {
        <tr>
            <th scope="row" class="mono">{row.name.clone()}</th>
            <td class="mono">{row.target.clone()}</td>
            <td>{protocol_word(&row.protocol).to_owned()}</td>
            <td class="number">{format::count(row.sent)}</td>
            <td class="number">{format::percent(share(row.sent, all))}</td>
            <td class="number">{time(times.p50_us)}</td>
            <td class="number">{time(times.p95_us)}</td>
            <td class="number">{time(times.p99_us)}</td>
            <td class="number" class:bad=row.failed.gt(&0)>{format::percent(share(row.failed, row.succeeded + row.failed))}</td>
        </tr>
    }
}

fn protocol_word(protocol: &str) -> &str {
    match protocol {
        "http" => "HTTP",
        "ws" => "WebSocket",
        "mqtt" => "MQTT",
        other => other,
    }
}
