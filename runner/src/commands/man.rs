//! `throng man`: the manual's pages, made of the same texts as `--help`.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{Exit, Refusal};
use crate::cli::{Cli, ManArgs};

/// What `throng` itself knows of the world, which no flag says: how it ends, what it reads, where it keeps things.
struct Section {
    heading: &'static str,
    entries: &'static [(&'static str, &'static str)],
}

/// The sections of the first page that clap does not know of.
const SECTIONS: [Section; 3] = [
    Section {
        heading: "EXIT STATUS",
        entries: &[
            ("0", "It did what it was asked to: a run came to its end and every check held."),
            ("1", "A check did not hold, an audit found a difference, or something could not be written."),
            ("2", "A mistake in the call or in the scenario; nothing was sent."),
            ("3", "The target could not be reached."),
            ("130", "It was interrupted."),
        ],
    },
    Section {
        heading: "ENVIRONMENT",
        entries: &[
            ("THRONG_DATA_DIR", "Directory of runs and scenarios, as --data-dir."),
            (
                "THRONG_API_KEY",
                "API key of the target, as --api-key; unlike the flag it stands in no list of processes.",
            ),
            ("THRONG_TOKEN", "Token of throng serve, as --token; unlike the flag it stands in no list of processes."),
            ("THRONG_TOKEN_FILE", "File that holds that token, as --token-file."),
            ("RUST_LOG", "What is logged on standard error, as `runner=debug`; `warn` when unset, and without -v."),
            ("NO_COLOR", "No colours."),
            ("XDG_DATA_HOME", "Where data directories are, when neither --data-dir nor THRONG_DATA_DIR says so."),
        ],
    },
    Section {
        heading: "FILES",
        entries: &[
            ("~/.local/share/throng/throng.db", "Runs, with their scenarios, changes, timelines and results (SQLite)."),
            ("~/.local/share/throng/scenarios/", "Scenarios of your own: run them by name from anywhere."),
            ("~/.local/share/throng/files/", "The only files that a scenario from the panel or the API may name."),
        ],
    },
];

/// Examples of the first page: what one does, and the command.
const EXAMPLES: [(&str, &str); 6] = [
    ("Open the panel, with a practice target to send to:", "throng serve"),
    (
        "Run a built-in scenario against the practice target and keep the result:",
        "throng run commerce-events --profile quick_test --duration 10s --practice-target -o results.json",
    ),
    (
        "The same against a system of your own, as a gate:",
        "throng run commerce-events -e http://localhost:8080 -r 50/s -d 5m --threshold 'p(95)<300ms' --threshold 'error_rate<1%'",
    ),
    (
        "Look for the highest rate that still holds:",
        "throng find-limit commerce-events -e http://localhost:8080 --threshold 'p(99)<250ms'",
    ),
    ("Write a week of events to a file:", "throng generate api-monitoring --count 100000 --hours 168 -o week.jsonl"),
    (
        "Find out whether what was acknowledged is there:",
        "throng run commerce-events --practice-target --ledger run.ledger",
    ),
];

/// Writes one page for the program and one for each of its commands.
pub(super) fn man(args: &ManArgs) -> Result<Exit, Refusal> {
    let failed = |error: io::Error| Refusal::failed(format!("cannot write to {}: {error}", args.directory.display()));
    fs::create_dir_all(&args.directory).map_err(failed)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write(&command, &args.directory, true).map_err(failed)?;
    Ok(Exit::Done)
}

/// Writes the page of a command and those of the commands below it.
fn write(command: &Command, folder: &Path, is_first: bool) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    // The day of the build would make two builds of the same source differ.
    let page = Man::new(command.clone())
        .title(name.to_uppercase())
        .date("")
        .manual("Throng")
        .source(format!("throng {}", env!("CARGO_PKG_VERSION")));
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut out)?;
    }
    let mut more = Roff::new();
    if is_first {
        for section in &SECTIONS {
            more.control("SH", [section.heading]);
            for (term, meaning) in section.entries {
                more.control("TP", []);
                more.text([bold(*term)]);
                more.text([roman(*meaning)]);
            }
        }
        more.control("SH", ["EXAMPLES"]);
        for (what, how) in EXAMPLES {
            more.control("PP", []);
            more.text([roman(what)]);
            more.control("PP", []);
            more.control("RS", ["4"]);
            more.text([bold(how)]);
            more.control("RE", []);
        }
        let pages: Vec<String> = visible(command).map(|child| format!("throng-{}(1)", child.get_name())).collect();
        more.control("SH", ["SEE ALSO"]);
        more.text([roman(pages.join(", "))]);
    } else {
        more.control("SH", ["SEE ALSO"]);
        more.text([italic("throng(1)"), roman(" has exit statuses, the environment, files and examples.")]);
    }
    more.to_writer(&mut out)?;
    fs::write(folder.join(format!("{name}.1")), out)?;
    visible(command).try_for_each(|child| write(child, folder, false))
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|child| !child.is_hide_set())
}
