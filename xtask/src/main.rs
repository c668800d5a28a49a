//! The project's own commands: `cargo xtask <command>`.

mod bench;
mod build;
mod check;
mod demo;
mod dist;
mod install;
mod instructions;
mod panel;
mod screen;
mod soak;
mod supply;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use panel::Flavour;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask <command>

  demo [-- ARGUMENTS]   build what is missing, start the panel with the practice target (arguments go to `throng serve`)
  build                 build the panel and the runner: target/release/throng
  dist                  build, and pack what people install: target/dist/throng-VERSION-PLATFORM.tar.gz; the same bytes wherever
                        it is done
  ui [--dev]            build only the panel; --dev: not optimised, fast to build
  test [STEP...]        everything that decides whether a change lands, or only some of its steps
  test --list           name the steps
  instructions [NAME...]
                        instructions per event of each built-in (valgrind), whatever else the machine does
  bench http [cost|pace OPTIONS...]
                        the generator beside wrk, h2load and oha; see docs/benchmarks.md
  bench mqtt [OPTIONS...]
                        the generator beside mosquitto_pub
  bench ws [OPTIONS...]
                        the generator beside a plain loop over WebSockets
  soak [HOURS]          a run of 24 hours in a quarter of one, its clock a hundred times as fast; memory and handles must not
                        grow (Linux)
  check                 the layers of ARCHITECTURE.md and the habits of the tree";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match obey(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn obey(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::find()?;
    match words.as_slice() {
        ["demo"] => demo::start(&workspace, &[]),
        ["demo", "--", ..] => demo::start(&workspace, &arguments[2..]),
        ["build"] => build::all(&workspace),
        ["dist"] => dist::make(&workspace),
        ["ui"] => panel::build(&workspace, Flavour::Small),
        ["ui", "--dev"] => panel::build(&workspace, Flavour::Development),
        ["test", "--list"] => {
            test::list();
            Ok(())
        }
        ["test", ..] => test::all(&workspace, &arguments[1..]),
        ["instructions", ..] => instructions::count(&workspace, &arguments[1..]),
        ["bench", "http", ..] => bench::http(&workspace, &arguments[2..]),
        ["bench", "mqtt", ..] => bench::mqtt(&workspace, &arguments[2..]),
        ["bench", "ws", ..] => bench::websocket(&workspace, &arguments[2..]),
        ["soak", ..] => soak::run_hours(&workspace, &arguments[1..]),
        ["check"] => check::all(&workspace),
        [] | ["help" | "-h" | "--help"] => {
            screen::line(USAGE);
            Ok(())
        }
        other => bail!("`{}` is not a command\n\n{USAGE}", other.join(" ")),
    }
}
