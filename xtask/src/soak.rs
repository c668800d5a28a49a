//! `cargo xtask soak`: a run of many hours in minutes, with memory and handles read as it goes.
//!
//! The runner is the whole binary with everything that a run does (schedule, requests over loopback, practice target,
//! timeline, results, database); only its clock runs faster, through a library that is loaded before the system's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail, ensure};

use crate::screen;
use crate::workspace::{Workspace, run};

const CLOCK: &str = include_str!("soak/fast_clock.c");
/// How many times faster the clock runs: what two cores can do at the usual rate.
const TIMES: u64 = 100;
/// Events per second of the run's own clock.
const RATE: &str = "50/s";
/// What is there after so much of the run must not grow any more. Until then the practice target fills its memory of the
/// newest million events, and the pool of connections finds its size.
const SETTLED: f64 = 0.6;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    kilobytes: u64,
    handles: usize,
}

/// Runs a soak of so many hours; prints what was held in each.
///
/// # Errors
/// The build fails, the run ends otherwise than well, memory or handles grow.
pub(crate) fn run_hours(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "a clock that runs faster needs Linux");
    let hours: u64 = match arguments {
        [] => 24,
        [hours] => hours.parse().with_context(|| format!("`{hours}` is no number of hours"))?,
        [..] => bail!("one number of hours is enough: cargo xtask soak 24"),
    };
    let folder = workspace.target().join("soak");
    let program = build(workspace, &folder)?;
    let clock = compile_clock(&folder)?;
    screen::announce(format_args!("{hours} hours at {RATE}, {TIMES} times as fast"));
    let home = folder.join("data");
    if home.exists() {
        fs::remove_dir_all(&home).context("cannot empty the data directory of the last soak")?;
    }
    let result = folder.join("soak.json");
    let mut command = Command::new(program);
    command
        .args(["run", "commerce-events", "-r", RATE, "-d", &format!("{hours}h"), "--practice-target", "-o"])
        .arg(&result)
        .env("THRONG_DATA_DIR", &home)
        .env("LD_PRELOAD", &clock)
        .env("FAST_CLOCK", TIMES.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().context("cannot start the runner")?;
    let mut readings: Vec<Held> = Vec::new();
    screen::line("  hour      memory  handles");
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // In the middle of the hours of its clock, so that the last one is not missed.
        let hour = started.elapsed().as_secs_f64() * TIMES as f64 / 3_600.0;
        if hour >= readings.len() as f64 + 0.5
            && let Some(held) = held_by(child.id())
        {
            readings.push(held);
            let Held { kilobytes, handles } = held;
            screen::line(format_args!("{:>6} {kilobytes:>8} kB {handles:>8}", readings.len()));
        }
        thread::sleep(Duration::from_millis(100));
    };
    ensure!(status.success(), "the run ended with {status}");
    settled(&readings)?;
    screen::detail(format_args!("the result is {}", result.display()));
    Ok(())
}

/// A runner whose timers can be reached from outside, in a target folder of its own.
fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    screen::announce("building a runner that asks the system's library for the time");
    let mut cargo = workspace.cargo(["build", "--release", "--package", "runner"]);
    run(cargo.env("CARGO_TARGET_DIR", folder).env("RUSTFLAGS", "--cfg rustix_use_libc"))?;
    Ok(folder.join("release").join("throng"))
}

fn compile_clock(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("fast_clock.c"), folder.join("fast_clock.so"));
    fs::write(&source, CLOCK).with_context(|| format!("cannot write {}", source.display()))?;
    let mut compiler = Command::new("cc");
    run(compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl"))?;
    Ok(library)
}

/// Resident memory and open handles; none once the process is gone.
fn held_by(process: u32) -> Option<Held> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes = resident.trim().trim_end_matches(" kB").parse().ok()?;
    let handles = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
    Some(Held { kilobytes, handles })
}

/// # Errors
/// When memory or handles at the end are more than they were when the run had settled.
fn settled(readings: &[Held]) -> Result<()> {
    let early = (readings.len() as f64 * SETTLED) as usize;
    let (Some(before), Some(after)) = (readings.get(early), readings.last()) else {
        bail!("the run was too short to say anything");
    };
    ensure!(
        after.kilobytes <= before.kilobytes * 5 / 4,
        "memory grew from {} to {} kB",
        before.kilobytes,
        after.kilobytes
    );
    ensure!(after.handles <= before.handles + 4, "handles grew from {} to {}", before.handles, after.handles);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_noticed_and_settling_is_not_growth() {
        let held = |kilobytes, handles| Held { kilobytes, handles };
        assert!(settled(&[held(50, 20), held(70, 24), held(95, 24), held(92, 25)]).is_ok());
        assert!(settled(&[held(50, 20), held(90, 24), held(95, 24), held(130, 24)]).is_err());
        assert!(settled(&[held(50, 20), held(90, 24), held(95, 24), held(90, 40)]).is_err());
        assert!(settled(&[held(50, 20)]).is_ok() && settled(&[]).is_err());
    }
}
