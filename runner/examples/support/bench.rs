//! What the benchmarks share: programs pinned to cores, and the processor time that they took.

use std::process::Command;

use anyhow::Context as _;

/// Ours pinned here, the server there.
pub(crate) const GENERATOR_CORE: usize = 0;
pub(crate) const SERVER_CORE: usize = 1;
pub(crate) fn ourself() -> anyhow::Result<String> {
    Ok(std::env::current_exe()?.display().to_string())
}

pub(crate) fn pinned(words: &[String], core: usize, realtime: bool) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    if realtime {
        command.args(["chrt", "-f", "50"]);
    }
    command.args(words);
    command
}

/// Processor time in seconds: of programs themselves, and of the system on their behalf.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

/// Processor time of the children that have ended.
pub(crate) fn children_used() -> anyhow::Result<Used> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // Behind the name in parentheses: fields 3 and on; 16 and 17 are the children's.
    let after = text.rsplit_once(')').context("no name in /proc/self/stat")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok()).context("no ticks");
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok(Used { user: ticks(13)? / per_second, system: ticks(14)? / per_second })
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn say(line: &str) {
    anstream::println!("{line}");
}
