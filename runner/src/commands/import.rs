//! `throng import`: what people have already, as a scenario; what could not be carried over goes to standard error.

use std::io::Read as _;
use std::path::Path;

use anstyle::Style;

use super::{Exit, Refusal};
use crate::atomic_file::write_whole;
use crate::cli::ImportArgs;
use crate::import::{self, ImportError, MAX_BYTES};
use crate::report::counted;

/// Prints or writes the scenario.
pub(super) fn import(args: &ImportArgs) -> Result<Exit, Refusal> {
    let text = read(&args.file)?;
    let imported = import::import(&text, args.kind).map_err(refuse)?;
    match &args.output {
        Some(path) => write_whole(path, imported.scenario.as_bytes())
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?,
        None => anstream::print!("{}", imported.scenario),
    }
    let quiet = Style::new().dimmed();
    anstream::eprintln!("read as {}, {}", imported.kind, counted(imported.notes.len() as u64, "note"));
    for note in &imported.notes {
        anstream::eprintln!("{quiet}  {note}{quiet:#}");
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<String, Refusal> {
    let failed = |error: &dyn std::fmt::Display| Refusal::usage(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    // One byte more than may be, so that too long is told from just fitting.
    let most = MAX_BYTES as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    } else {
        let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
        file.take(most).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    }
    String::from_utf8(bytes).map_err(|_error| failed(&"it is not UTF-8 text"))
}

fn refuse(error: ImportError) -> Refusal {
    let hint = match &error {
        ImportError::Unknown => Some("say what it is with --kind"),
        ImportError::Scenario => Some("run it as it is"),
        ImportError::TooLong | ImportError::Unreadable { .. } => None,
    };
    let refusal = Refusal::usage(error.to_string());
    match hint {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    }
}
