//! Everything that decides whether a change lands, step by step; stops at the first that fails.

pub(crate) mod browser;
pub(crate) mod portable;
pub(crate) mod readme;

use std::env;
use std::io::{BufRead as _, BufReader};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::install::{self, WASM_TARGET};
use crate::workspace::{Workspace, run, typed};
use crate::{build, check, dist, screen, supply};

/// One step: its name, what it holds, how.
struct Step {
    name: &'static str,
    holds: &'static str,
    run: fn(&Workspace) -> Result<Passed>,
}

/// How many single tests a step ran; 0 for a step that is one check.
pub(crate) struct Passed(pub(crate) u64);

/// The steps, the quick ones first.
const STEPS: [Step; 12] = [
    Step { name: "format", holds: "every file is formatted", run: format },
    Step { name: "layers", holds: "the tree follows ARCHITECTURE.md", run: layers },
    Step { name: "supply", holds: "what others wrote is allowed by deny.toml, and pinned", run: supplied },
    Step { name: "lint", holds: "no warning, native", run: lint },
    Step { name: "lint-wasm", holds: "no warning, WebAssembly", run: lint_wasm },
    Step { name: "docs", holds: "every link in the documentation leads somewhere", run: docs },
    Step { name: "unit", holds: "unit, property, golden and documentation tests", run: unit },
    Step { name: "build", holds: "the panel and the runner build", run: whole },
    Step { name: "portable", holds: "plans are the same natively and in WebAssembly", run: portable::compare },
    Step {
        name: "readme",
        holds: "the commands of README.md and of the guide do what they say",
        run: readme::run_commands,
    },
    Step { name: "release", holds: "what people install is whole, and packs to the same bytes twice", run: release },
    Step { name: "browser", holds: "the panel in a real browser against a real runner", run: browser::run_journeys },
];

/// How many tests of a program run at once at least: those that take long wait for time to pass, not for a core.
const AT_ONCE: usize = 8;

/// Names the steps.
pub(crate) fn list() {
    for step in &STEPS {
        screen::line(format_args!("{:<10} {}", step.name, step.holds));
    }
}

/// Runs the named steps, or all.
///
/// # Errors
/// When a name is not a step, and when a step fails.
pub(crate) fn all(workspace: &Workspace, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("`{unknown}` is not a step; the steps are {}", known.join(", "));
    }
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect();
    let started = Instant::now();
    let mut report = Vec::new();
    let mut tests = 0;
    for (index, step) in chosen.iter().enumerate() {
        screen::announce(format_args!("{}/{} {}: {}", index + 1, chosen.len(), step.name, step.holds));
        let began = Instant::now();
        let outcome = (step.run)(workspace);
        let took = screen::spoken(began.elapsed());
        match outcome {
            Ok(Passed(count)) => {
                tests += count;
                let counted = if count == 0 { String::new() } else { format!(", {count} tests") };
                report.push(format!("{:<10} passed in {took}{counted}", step.name));
            }
            Err(error) => {
                screen::failure(&error);
                report.push(format!(
                    "{:<10} FAILED after {took}; repeat it with `cargo xtask test {}`",
                    step.name, step.name
                ));
                summary(&report);
                let (passed, left) = (index, chosen.len() - index - 1);
                bail!("{tests} tests passed; {passed} steps passed, 1 failed, {left} not run");
            }
        }
    }
    summary(&report);
    screen::line(format_args!(
        "{tests} tests passed, 0 failed; {} steps passed, 0 failed, in {}",
        chosen.len(),
        screen::spoken(started.elapsed())
    ));
    Ok(())
}

fn summary(report: &[String]) {
    screen::line("");
    for line in report {
        screen::line(line);
    }
}

fn format(workspace: &Workspace) -> Result<Passed> {
    run(&mut workspace.cargo(["fmt", "--all", "--check"])).context("`cargo fmt --all` mends this")?;
    Ok(Passed(0))
}

fn layers(workspace: &Workspace) -> Result<Passed> {
    check::all(workspace)?;
    Ok(Passed(0))
}

fn supplied(workspace: &Workspace) -> Result<Passed> {
    supply::check(workspace)?;
    Ok(Passed(0))
}

fn release(workspace: &Workspace) -> Result<Passed> {
    dist::try_out(workspace)?;
    Ok(Passed(0))
}

fn lint(workspace: &Workspace) -> Result<Passed> {
    run(&mut workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    Ok(Passed(0))
}

fn lint_wasm(workspace: &Workspace) -> Result<Passed> {
    install::wasm_target()?;
    let packages = ["clippy", "--package", "shared", "--package", "frontend", "--target", WASM_TARGET];
    run(workspace.cargo(packages).args(["--", "--deny", "warnings"]))?;
    Ok(Passed(0))
}

fn docs(workspace: &Workspace) -> Result<Passed> {
    // These crates are read by those who work on them: private items count, and links to them are welcome.
    let mut cargo = workspace.cargo(["doc", "--workspace", "--no-deps", "--quiet", "--document-private-items"]);
    run(cargo.env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private_intra_doc_links"))?;
    Ok(Passed(0))
}

fn unit(workspace: &Workspace) -> Result<Passed> {
    install::mosquitto()?;
    let mut cargo = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", cores.max(AT_ONCE).to_string());
    }
    let passed = tallied(&mut cargo, |line| line.strip_prefix("test result: ok. ")?.split(' ').next())?;
    Ok(Passed(passed))
}

fn whole(workspace: &Workspace) -> Result<Passed> {
    build::all(workspace)?;
    Ok(Passed(0))
}

/// Runs a program, shows what it says, and adds up the numbers that `number` finds in its lines.
///
/// # Errors
/// When it cannot be started, does not succeed, or no line had a number: tests that were not run have not passed.
pub(crate) fn tallied(command: &mut Command, number: impl Fn(&str) -> Option<&str>) -> Result<u64> {
    let shown = typed(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{shown}`"))?;
    let mut total = None;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.with_context(|| format!("cannot read what `{shown}` says"))?;
            screen::line(&line);
            if let Some(count) = number(line.trim()).and_then(|digits| digits.parse::<u64>().ok()) {
                total = Some(total.unwrap_or(0) + count);
            }
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    total.with_context(|| format!("`{shown}` ran no test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(!STEPS[..index].iter().any(|other| other.name == step.name), "{} twice", step.name);
        }
    }

    #[test]
    fn numbers_are_added_and_a_program_that_ran_no_test_has_not_passed() {
        let run = |script: &str| {
            tallied(Command::new("sh").args(["-c", script]), |line| line.strip_prefix("passed "))
                .map_err(|error| error.to_string())
        };
        assert_eq!(run("echo passed 2; echo other; echo passed 3"), Ok(5));
        assert!(run("echo other").unwrap_err().contains("ran no test"));
        assert!(run("echo passed 2; exit 3").unwrap_err().contains("exit status: 3"));
    }
}
