//! `cargo xtask instructions`: what an event costs in instructions, which a busy machine does not change.
//!
//! Callgrind counts those of a fixed amount of the generation benchmark's work, twice: the difference leaves out what
//! happens once. Its files stay in `target/instructions`, for `callgrind_annotate`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::screen;
use crate::workspace::{Workspace, built_program, found_on_path, said, typed};

/// Events of the two runs whose difference counts.
const FEW: u64 = 2_000;
const MANY: u64 = 10_000;
/// Stages of the benchmark, each on top of the one before.
const STAGES: [&str; 3] = ["plan", "draw", "render"];

/// Counts for the named built-ins, or for all.
///
/// # Errors
/// When valgrind is missing, a name is unknown or the benchmark does not build.
pub(crate) fn count(workspace: &Workspace, wanted: &[String]) -> Result<()> {
    let Some(valgrind) = found_on_path("valgrind") else {
        bail!(
            "instructions are counted by valgrind, which is not installed\n\
             install it by your system's packages (Debian: apt-get install valgrind), then call this again"
        );
    };
    screen::announce("building the benchmark");
    let arguments = ["bench", "--package", "shared", "--bench", "generation", "--no-run"];
    let built = said(workspace.cargo(arguments).args(["--message-format", "json-render-diagnostics"]))?;
    let program = built_program(&built)?;
    let known = said(Command::new(&program).arg("--names"))?;
    let known: Vec<&str> = known.lines().collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("`{unknown}` is no built-in; they are {}", known.join(", "));
    }
    let folder = workspace.target().join("instructions");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    screen::line(format_args!(
        "{:<18} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "built-in", "plan", "draw", "render", "event", "bytes"
    ));
    for name in known.into_iter().filter(|name| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)) {
        let mut upto = Vec::new();
        let mut bytes = 0.0;
        for stage in STAGES {
            let file = folder.join(format!("{name}.{stage}.callgrind"));
            let run = |events| fixed(&valgrind, &program, stage, events, name, &file);
            let (few, many) = (run(FEW)?, run(MANY)?);
            let per_event = |few: u64, many: u64| many.saturating_sub(few) as f64 / (MANY - FEW) as f64;
            upto.push(per_event(few.instructions, many.instructions));
            bytes = per_event(few.bytes, many.bytes);
        }
        let (plan, draw, render) = (upto[0], upto[1] - upto[0], upto[2] - upto[1]);
        screen::line(format_args!("{name:<18} {plan:>8.0} {draw:>8.0} {render:>8.0} {:>8.0} {bytes:>8.0}", upto[2]));
    }
    screen::detail(format_args!("functions: callgrind_annotate {}/NAME.render.callgrind", folder.display()));
    Ok(())
}

/// What one run came to.
struct Counted {
    instructions: u64,
    bytes: u64,
}

fn fixed(valgrind: &Path, program: &str, stage: &str, events: u64, name: &str, file: &Path) -> Result<Counted> {
    let mut command = Command::new(valgrind);
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", file.display()));
    command.arg(program).args(["--fixed", stage, &events.to_string(), name]);
    let shown = typed(&command);
    let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("`{shown}` ended with {}\n{}", output.status, said.trim_end());
    }
    let instructions = collected(&said).with_context(|| format!("`{shown}` did not say what it counted"))?;
    let bytes =
        String::from_utf8_lossy(&output.stdout).trim().parse().context("the benchmark did not say its bytes")?;
    Ok(Counted { instructions, bytes })
}

/// The figure in callgrind's last words: `==12== Collected : 3400`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?.1;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_callgrinds_last_words() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 123456\n==7== \n"), Some(123_456));
        assert_eq!(collected("==7== no counts"), None);
    }
}
