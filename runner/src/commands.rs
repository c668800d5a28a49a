//! What the command line does, one file per command.

mod audit;
mod completions;
mod curl;
mod explain;
mod find_limit;
mod generate;
mod health;
mod import;
mod ingest;
mod init;
mod man;
mod merge;
mod overrides;
mod planned;
mod preview;
mod run;
mod runs;
mod scenarios;
mod schema;
mod serve;
mod show;
mod supplied;
mod target;
mod token;
mod try_out;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use shared::api::TargetSettings;

use crate::cli::{Cli, Command, DataArgs};
use crate::import as imports;
use crate::library::{Found, Library, LibraryError};
use crate::practice::PracticeTarget;
use crate::store::{self, ScenarioFiles, StoreError};

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// It did what it was asked to.
    Done,
    /// It ran and did not succeed.
    Failed,
    /// It was asked for something that cannot be: usage, scenario, place to write.
    Usage,
    /// The target is not there.
    Unreachable,
    /// It was interrupted.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command ended early: one sentence, what to do about it, and the exit code.
#[derive(Debug)]
pub struct Refusal {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// Something that was asked for cannot be.
    fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something that should have worked did not.
    fn failed(message: impl ToString) -> Self {
        Self::new(Exit::Failed, message.to_string())
    }

    /// The problems were shown already; only the code is left to say.
    fn shown(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<LibraryError> for Refusal {
    fn from(error: LibraryError) -> Self {
        let hint = match &error {
            LibraryError::Unknown(_) => Some("`throng scenarios` lists all there are".to_owned()),
            LibraryError::File { source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge => {
                Some("move large lists to files and name them in a pool".to_owned())
            }
            LibraryError::File { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                Some("a scenario is YAML or JSON, written as UTF-8 text".to_owned())
            }
            LibraryError::File { .. } | LibraryError::BuiltIn(_) | LibraryError::Store(_) => None,
        };
        Self { exit: Exit::Usage, message: error.to_string(), hint }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Directory { .. } | StoreError::Database { .. } | StoreError::Newer { .. } => {
                Self::usage(error.to_string()).with_hint("choose another place with --data-dir or THRONG_DATA_DIR")
            }
            StoreError::Gone { .. } | StoreError::Unreadable { .. } | StoreError::Writing(_) => Self::failed(error),
        }
    }
}

/// A practice target with its usual settings inside this process, at a free port, where one is wanted.
fn practice_target(wanted: bool) -> Result<Option<PracticeTarget>, Refusal> {
    let start = || PracticeTarget::start(([127, 0, 0, 1], 0).into(), TargetSettings::default());
    wanted.then(start).transpose().map_err(Refusal::failed)
}

/// Does what the command line asks for.
pub fn dispatch(cli: Cli) -> Exit {
    let outcome = match cli.command {
        Command::Serve(args) => in_runtime(serve::serve(args)),
        Command::Run(args) => in_runtime(run::run(*args, cli.verbose > 0)),
        Command::FindLimit(args) => in_runtime(find_limit::find_limit(*args)),
        Command::Target(args) => in_runtime(target::target(args)),
        Command::Scenarios(args) => scenarios::scenarios(&args),
        Command::Show(args) => show::show(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Preview(args) => preview::preview(&args),
        Command::Generate(args) => generate::generate(&args),
        Command::Curl(args) => curl::curl(&args),
        Command::Try(args) => in_runtime(try_out::try_out(*args)),
        Command::Explain(args) => explain::explain(&args),
        Command::Ingest(args) => in_runtime(ingest::ingest(args, cli.verbose > 0)),
        Command::Init(args) => init::init(&args),
        Command::Import(args) => import::import(&args),
        Command::Audit(args) => in_runtime(audit::audit(args)),
        Command::Schema(args) => schema::schema(&args),
        Command::Health(args) => in_runtime(health::health(args)),
        Command::Runs(args) => runs::runs(args),
        Command::Merge(args) => merge::merge(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    };
    outcome.unwrap_or_else(|refusal| {
        if !refusal.message.is_empty() {
            let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
            anstream::eprintln!("{red}error{red:#}: {}", refusal.message);
        }
        if let Some(hint) = refusal.hint {
            anstream::eprintln!("  help: {hint}");
        }
        refusal.exit
    })
}

/// Runs a command that waits for sockets and timers. The engine brings threads of its own; what runs here is control.
fn in_runtime<T>(command: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Refusal::failed(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(async {
        if let Err(error) = crate::shutdown::outlive_full_files() {
            tracing::warn!(%error, "a limit on the size of files would end the process");
        }
        command.await
    });
    // A blocking task that hangs (a disk, a name server) must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// The data directory that was asked for, or the usual one.
fn data_directory(data: &DataArgs) -> Result<PathBuf, Refusal> {
    data.data_dir.clone().or_else(store::default_directory).ok_or_else(|| {
        Refusal::usage("there is no home directory to keep runs in").with_hint("name one with --data-dir")
    })
}

/// The scenarios that can be named, without touching the database.
fn library(data: &DataArgs) -> Result<Library, Refusal> {
    let directory = data_directory(data)?;
    Ok(Library::new(ScenarioFiles::new(directory.join("scenarios")), directory.join(store::FILES)))
}

/// A scenario by name or path. A file of the stream testbench is one, too: it runs as it is, and what could not be
/// carried over is told.
fn open(data: &DataArgs, name: &str) -> Result<Found, Refusal> {
    let found = library(data)?.open(name)?;
    if found.built_in {
        return Ok(found);
    }
    let Some(imported) = imports::testbench_to_run(&found.text) else { return Ok(found) };
    let imported = imported.map_err(|error| Refusal::usage(format!("{name}: {error}")))?;
    let quiet = Style::new().dimmed();
    for note in &imported.notes {
        anstream::eprintln!("{quiet}{name}: {note}{quiet:#}");
    }
    // Places in problems are those of the scenario that it became.
    Ok(Found { source: format!("{name} as a scenario"), text: imported.scenario, ..found })
}

/// Shows problems where people look for errors.
fn show_problems(problems: &[shared::problem::Problem], found: &crate::library::Found) {
    let text_of = |source: &str| {
        if source == found.source {
            return Some(found.text.clone());
        }
        shared::scenario::built_in::find(source).map(|built_in| built_in.text.to_owned())
    };
    anstream::eprint!("{}", crate::report::problems::problems(problems, &text_of));
}
