//! The command line: what can be typed, in the order in which `--help` shows it. What it does is in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use shared::api::{DuplicateAnswer, RateLimitAnswer, TargetSettings};
use shared::problem::Problem;
use shared::threshold::Threshold;
use shared::units::{Nanos, Rate};

use crate::dataset::Format;
use crate::import::Kind;
use crate::report::format::ResultsFormat;

/// What `--version` says; `cargo xtask build` knows the commit, too.
const VERSION: &str = match option_env!("THRONG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Generates realistic event traffic and load, and measures honestly how a target takes it.
#[derive(Debug, Parser)]
#[command(name = "throng", version = VERSION, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say more: once for what happens, twice for details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What Throng can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the panel and the API, with a practice target to send to
    Serve(ServeArgs),
    /// Run a scenario without the panel: progress, summary, results, exit code
    Run(Box<RunArgs>),
    /// Find the highest rate that still meets the thresholds
    FindLimit(Box<FindLimitArgs>),
    /// Run the practice target alone
    Target(TargetArgs),
    /// List the built-in scenarios and your own, with their profiles
    Scenarios(ScenariosArgs),
    /// Print a scenario
    Show(ShowArgs),
    /// Find every problem of scenario files at once
    Validate(ValidateArgs),
    /// Show what a scenario would do: its first events, its load over time, what to expect
    Preview(PreviewArgs),
    /// Write a scenario's events to a file, any number of them, the same for any number of workers
    Generate(GenerateArgs),
    /// Print a scenario's requests as curl commands, its messages as commands of websocat and mosquitto_pub
    Curl(CurlArgs),
    /// Send one event of each kind and show the answers: exit code 0 when all were accepted
    Try(Box<TryArgs>),
    /// Say where an event came from, and render it again
    Explain(ExplainArgs),
    /// Send a file of events in bulk: JSONL, a JSON list or CSV of any size
    Ingest(IngestArgs),
    /// Write example scenarios into a directory
    Init(InitArgs),
    /// Make a scenario of another tool's configuration, curl commands, a HAR recording or an OpenAPI document
    Import(ImportArgs),
    /// Compare what a sink holds with what was acknowledged: lost, duplicate, phantom, corrupted, reordered
    Audit(AuditArgs),
    /// Print a JSON Schema, or the list of all that templates know
    Schema(SchemaArgs),
    /// Find out whether a target is there: exit code 0 or 3
    Health(HealthArgs),
    /// Look at the runs of the past
    Runs(RunsArgs),
    /// Put the results of several parts of one load together, exactly
    Merge(MergeArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write the manual's pages into a directory
    Man(ManArgs),
}

/// Where runs and scenarios are kept.
#[derive(Args, Clone, Debug, Default)]
pub struct DataArgs {
    /// Directory of runs and scenarios [default: $XDG_DATA_HOME/throng or ~/.local/share/throng]
    #[arg(long, value_name = "DIR", env = "THRONG_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

/// The token of a server, given so or so.
#[derive(Args, Clone, Debug, Default)]
pub struct TokenArgs {
    /// Token of the server, which every request must carry; other users see it in the list of processes
    #[arg(long, value_name = "TOKEN", env = "THRONG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// File that holds the token of the server
    #[arg(long, value_name = "FILE", env = "THRONG_TOKEN_FILE", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
}

/// Which hosts may be sent to.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetPolicyArgs {
    /// Allow sending to this host, too; loopback and private addresses are always allowed
    #[arg(long = "allow-target", value_name = "HOST")]
    pub allow_target: Vec<String>,
}

/// `throng serve`
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    pub bind: SocketAddr,
    /// What every request must carry; needed for an address beyond this machine.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Do not start the practice target
    #[arg(long)]
    pub no_practice_target: bool,
    /// Address of the practice target; a free port when this one is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7979", conflicts_with = "no_practice_target")]
    pub practice_bind: SocketAddr,
    /// Which hosts may be sent to.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
    /// How the practice target answers.
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// `throng run`
#[derive(Args, Debug)]
pub struct RunArgs {
    /// A built-in scenario, one of your own, or a file
    #[arg(value_name = "SCENARIO", required_unless_present = "scenario_file")]
    pub scenario: Option<String>,
    /// The scenario, for those who are used to a flag
    #[arg(short = 's', long = "scenario", value_name = "SCENARIO", conflicts_with = "scenario")]
    pub scenario_file: Option<String>,
    /// Profile of the scenario to apply
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Short flags for the scenario's values.
    #[command(flatten)]
    pub flags: ScenarioFlags,
    /// Seed of every draw; the scenario's own, or a new one
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Set any value by its dotted path, as `workloads.shop.load.rate=20/s`
    #[arg(long, value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub set: Vec<(String, String)>,
    /// Send everything to a practice target inside this process
    #[arg(long, conflicts_with = "url")]
    pub practice_target: bool,
    /// Switch of that practice target, as error_rate=0.05; the names are those of `GET /settings`
    #[arg(long, value_name = "NAME=VALUE", value_parser = path_and_value, requires = "practice_target")]
    pub practice_set: Vec<(String, String)>,
    /// Write a ledger of every event and what became of it to this file, for `throng audit`
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Write the results to this file; several are written in the format of their ending (json, html, csv, hlog)
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Format of the results, whatever the file's ending says
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub results_format: Option<ResultsFormat>,
    /// Write every event that is sent to this file: one per line, or in the format of its ending (json, csv)
    #[arg(long, value_name = "FILE")]
    pub save_events: Option<PathBuf>,
    /// What must hold for exit code 0, beside the scenario's checks: 'p(95)<300ms', 'error_rate<1% over 30s'
    #[arg(long, value_name = "THRESHOLD", value_parser = threshold)]
    pub threshold: Vec<Threshold>,
    /// Say what would be sent, send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Fill pools with what an earlier run was given, instead of asking targets: its id, `latest`, or a file
    #[arg(long, value_name = "RUN")]
    pub pools_from: Option<String>,
    /// Make the changes of an earlier run again, at the same moments and under its seed: its id, `latest`, or a file
    #[arg(long, value_name = "RUN")]
    pub replay_changes: Option<String>,
    /// Which hosts may be sent to.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng find-limit`
#[derive(Args, Debug)]
pub struct FindLimitArgs {
    /// A built-in scenario, one of your own, or a file
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// Profile of the scenario to apply
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Short flags for the scenario's values; the rate is the first to be tried.
    #[command(flatten)]
    pub flags: ScenarioFlags,
    /// What must hold, beside the scenario's checks: 'p(95)<300ms', 'error_rate<1%'
    #[arg(long, value_name = "THRESHOLD", value_parser = threshold)]
    pub threshold: Vec<Threshold>,
    /// Highest rate to try
    #[arg(long, value_name = "RATE", default_value = "100000/s")]
    pub max_rate: Rate,
    /// Lowest rate to try
    #[arg(long, value_name = "RATE", default_value = "1/s")]
    pub min_rate: Rate,
    /// How long each rate is held
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    pub step_duration: Nanos,
    /// How long the limit is held again: long enough for what a target saves up for bursts to be used up [default: three
    /// times the step's]
    #[arg(long, value_name = "SPAN")]
    pub confirm_duration: Option<Nanos>,
    /// Time at the start of each step that does not count
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    pub warm_up: Nanos,
    /// Rest between two steps
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    pub rest: Nanos,
    /// Most steps
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: u32,
    /// How close the limit is wanted
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share)]
    pub precision: f64,
    /// How often the limit has to hold once more
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub confirm: u32,
    /// Seed of the first step's draws; each step has its own
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Set any value by its dotted path, as `targets.api.retry.attempts=1`
    #[arg(long, value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub set: Vec<(String, String)>,
    /// Send everything to a practice target inside this process
    #[arg(long, conflicts_with = "url")]
    pub practice_target: bool,
    /// Write the curve to this file (json, html or csv by its ending); may be given several times
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Which hosts may be sent to.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Short flags for the values of a scenario that people change most.
#[derive(Args, Clone, Debug, Default)]
pub struct ScenarioFlags {
    /// Address of the target
    #[arg(short = 'e', long = "url", value_name = "URL")]
    pub url: Option<String>,
    /// Simulated users
    #[arg(short = 'u', long, value_name = "COUNT")]
    pub users: Option<u64>,
    /// How long: 90s, 5m, 1h30m, forever
    #[arg(short = 'd', long, value_name = "SPAN")]
    pub duration: Option<String>,
    /// Events per time: 50/s, 20/min, 600/h
    #[arg(short = 'r', long, value_name = "RATE")]
    pub rate: Option<String>,
    /// Events per request; 1 sends each event alone
    #[arg(short = 'b', long, value_name = "COUNT")]
    pub batch_size: Option<u32>,
    /// Connections at most
    #[arg(short = 'c', long, value_name = "COUNT")]
    pub connections: Option<u32>,
    /// API key; it is sent and never stored
    #[arg(short = 'k', long, value_name = "KEY", env = "THRONG_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Accept any certificate of a target; the run says so wherever it is shown
    #[arg(long)]
    pub insecure: bool,
}

/// `throng target`
#[derive(Args, Debug)]
pub struct TargetArgs {
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7979")]
    pub bind: SocketAddr,
    /// How it answers.
    #[command(flatten)]
    pub switches: SwitchArgs,
}

/// How the practice target answers. Every switch can be changed while it runs: `PATCH /settings`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "How the practice target answers")]
pub struct SwitchArgs {
    /// Median answer time in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    pub latency_p50: f64,
    /// 99th percentile of the answer time in milliseconds; the median when left out
    #[arg(long, value_name = "MS")]
    pub latency_p99: Option<f64>,
    /// Share of requests that take longer, and by how many milliseconds, as 0.01:500
    #[arg(long, value_name = "SHARE:MS", value_parser = share_and_number)]
    pub spikes: Option<(f64, f64)>,
    /// Share of requests to answer with an error (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub error_rate: f64,
    /// Status of those errors and its weight, as 503:2; may be given again [default: 500]
    #[arg(long, value_name = "STATUS[:WEIGHT]", value_parser = status_and_weight)]
    pub error_status: Vec<(u16, f64)>,
    /// Requests per second above which to answer 429
    #[arg(long, value_name = "RATE")]
    pub rate_limit: Option<f64>,
    /// Answer 400 with a sentence above the rate limit, as some services do, instead of 429 with Retry-After
    #[arg(long, requires = "rate_limit")]
    pub rate_limit_400: bool,
    /// Share of requests whose connection is reset before anything is accepted (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub drop_rate: f64,
    /// Share of requests that are accepted and whose connection is reset instead of an answer (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub lost_answer_rate: f64,
    /// Share of requests after whose answer the connection is closed (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub close_rate: f64,
    /// Share of events inside batches to refuse one by one (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub batch_failure_rate: f64,
    /// What happens to an event whose id has come before: kept again, answered as known, or answered 409
    #[arg(long, value_enum, default_value_t)]
    pub duplicates: Duplicates,
    /// Bytes per second at which requests are read
    #[arg(long, value_name = "BYTES")]
    pub read_speed: Option<f64>,
    /// Bytes per second at which answers are written
    #[arg(long, value_name = "BYTES")]
    pub answer_speed: Option<f64>,
    /// Accept connections and answer nothing, until `PATCH /settings` says otherwise
    #[arg(long)]
    pub frozen: bool,
    /// Accept connections and answer nothing for so many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with = "frozen")]
    pub freeze: Option<f64>,
    /// Share of acknowledged events to forget, so that an audit has something to find (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub forget_rate: f64,
    /// Share of acknowledged events to keep twice (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub keep_twice_rate: f64,
    /// Share of acknowledged events to keep with another content (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub corrupt_rate: f64,
    /// Share of acknowledged events to keep only after the next one of their user (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub reorder_rate: f64,
    /// Events to make up, for each acknowledged one (0 to 1)
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub phantom_rate: f64,
    /// Where an event carries its id, as data.event_id; the usual places when left out
    #[arg(long, value_name = "PATH")]
    pub id_field: Option<String>,
    /// Newest events to remember, about 50 bytes each
    #[arg(long, value_name = "COUNT", default_value_t = TargetSettings::HEALTHY.keep_events)]
    pub keep_events: u64,
}

/// What happens to an event whose id has come before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Duplicates {
    /// It is kept again, and counted.
    #[default]
    Accept,
    /// It is not kept again, and answered as if it had been.
    Known,
    /// It is not kept again, and answered 409.
    Conflict,
}

impl SwitchArgs {
    /// The settings that they stand for.
    pub fn settings(&self) -> TargetSettings {
        let (spike_rate, spike_ms) = self.spikes.unwrap_or_default();
        TargetSettings {
            latency_p50_ms: self.latency_p50,
            latency_p99_ms: self.latency_p99.unwrap_or(self.latency_p50),
            spike_rate,
            spike_ms,
            error_rate: self.error_rate,
            error_statuses: self.error_status.iter().copied().collect(),
            rate_limit: self.rate_limit,
            rate_limit_answer: if self.rate_limit_400 {
                RateLimitAnswer::BadRequest
            } else {
                RateLimitAnswer::TooManyRequests
            },
            drop_rate: self.drop_rate,
            lost_answer_rate: self.lost_answer_rate,
            close_rate: self.close_rate,
            batch_failure_rate: self.batch_failure_rate,
            duplicates: match self.duplicates {
                Duplicates::Accept => DuplicateAnswer::Accept,
                Duplicates::Known => DuplicateAnswer::Known,
                Duplicates::Conflict => DuplicateAnswer::Conflict,
            },
            read_bytes_per_second: self.read_speed,
            answer_bytes_per_second: self.answer_speed,
            frozen: self.frozen || self.freeze.is_some(),
            freeze_seconds: self.freeze,
            forget_rate: self.forget_rate,
            keep_twice_rate: self.keep_twice_rate,
            corrupt_rate: self.corrupt_rate,
            reorder_rate: self.reorder_rate,
            phantom_rate: self.phantom_rate,
            id_field: self.id_field.clone(),
            keep_events: self.keep_events,
        }
    }
}

/// `throng scenarios`
#[derive(Args, Debug)]
pub struct ScenariosArgs {
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng show`
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A built-in scenario, one of your own, or a file
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// Profile to apply; implies --full
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Everything resolved: what it extends, the profile, defaults
    #[arg(long)]
    pub full: bool,
    /// As JSON; implies --full
    #[arg(long)]
    pub json: bool,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng validate`
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// Scenario files, or names
    #[arg(value_name = "FILE", required = true)]
    pub scenarios: Vec<String>,
    /// Profile to apply; without it each profile is tried
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// A scenario that is planned, but not run.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// A built-in scenario, one of your own, or a file
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// Profile of the scenario to apply
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Seed of every draw; the scenario's own, or a new one
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Set any value by its dotted path, as `workloads.shop.load.rate=20/s`
    #[arg(long, value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub set: Vec<(String, String)>,
    /// Event time at the start, as 2026-11-21T00:00:00Z; now when left out
    #[arg(long, value_name = "MOMENT")]
    pub start: Option<String>,
    /// Fill pools with what an earlier run was given, instead of asking targets: its id, `latest`, or a file
    #[arg(long, value_name = "RUN")]
    pub pools_from: Option<String>,
    /// Fill pools from a practice target inside this process
    #[arg(long, conflicts_with = "pools_from")]
    pub practice_target: bool,
    /// Which hosts may be asked.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng preview`
#[derive(Args, Debug)]
pub struct PreviewArgs {
    /// Which scenario, and how it is planned.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Events to show
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 5)]
    pub events: u64,
}

/// `throng generate`
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// Which scenario, and how it is planned.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Address of the targets that pools are fetched from
    #[arg(short = 'e', long = "url", visible_alias = "endpoint", value_name = "URL")]
    pub url: Option<String>,
    /// How many events
    #[arg(long, value_name = "COUNT")]
    pub count: Option<u64>,
    /// Hours of event time to spread them over, up to now unless --start says otherwise
    #[arg(long, value_name = "HOURS")]
    pub hours: Option<f64>,
    /// How events are written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// File to write; standard output when left out
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Threads that render; the bytes are the same for any number [default: one per core]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// End with a table of what was declared against what was emitted; exit code 1 when they disagree
    #[arg(long)]
    pub realism: bool,
}

/// `throng curl`
#[derive(Args, Debug)]
pub struct CurlArgs {
    /// Which scenario, and how it is planned.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Which events: a type, the first part of one (cart, page, order, user), `all` or `batch`
    #[arg(short = 't', long, value_name = "TYPE", default_value = "all")]
    pub event_type: String,
    /// How many of each type, or events in the batch
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Id of the user in the events
    #[arg(long, value_name = "ID")]
    pub user_id: Option<String>,
    /// API key to write into the commands; a reference to the environment when left out
    #[arg(short = 'k', long, value_name = "KEY")]
    pub api_key: Option<String>,
    /// Address of the target
    #[arg(short = 'e', long = "url", value_name = "URL")]
    pub url: Option<String>,
}

/// `throng try`
#[derive(Args, Clone, Debug)]
pub struct TryArgs {
    /// A built-in scenario, one of your own, or a file
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// Profile of the scenario to apply
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Which events: a type, the first part of one (cart, page, order, user), or `all`
    #[arg(short = 't', long, value_name = "TYPE", default_value = "all")]
    pub event_type: String,
    /// Send nothing: only ask the targets for a connection, and for their health
    #[arg(long, conflicts_with = "event_type")]
    pub connect_only: bool,
    /// Id of the user in the events
    #[arg(long, value_name = "ID")]
    pub user_id: Option<String>,
    /// Seed of every draw; the scenario's own, or a new one
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Address of the target
    #[arg(short = 'e', long = "url", value_name = "URL")]
    pub url: Option<String>,
    /// API key; it is sent and never stored
    #[arg(short = 'k', long, value_name = "KEY", env = "THRONG_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Accept any certificate of a target
    #[arg(long)]
    pub insecure: bool,
    /// Set any value by its dotted path, as `targets.api.timeout=1s`
    #[arg(long, value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub set: Vec<(String, String)>,
    /// Ask a practice target inside this process
    #[arg(long, conflicts_with = "url")]
    pub practice_target: bool,
    /// Show requests and answers whole
    #[arg(long)]
    pub full: bool,
    /// Write what came of it as JSON
    #[arg(long)]
    pub json: bool,
    /// Which hosts may be sent to.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng explain`
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The event's id: 26 digits and letters, or one with the 12 digits of `event.mark` in it
    #[arg(value_name = "EVENT_ID")]
    pub event_id: String,
    /// Which scenario, and how it is planned.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How many events `generate` was asked for
    #[arg(long, value_name = "COUNT")]
    pub count: Option<u64>,
    /// Over how many hours `generate` was asked to spread them
    #[arg(long, value_name = "HOURS")]
    pub hours: Option<f64>,
}

/// `throng ingest`
#[derive(Args, Clone, Debug)]
pub struct IngestArgs {
    /// The file of events
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Address of the target; without a path, /api/v1/ingestion/events
    #[arg(short = 'e', long, value_name = "URL", default_value = "http://localhost:8000")]
    pub url: String,
    /// API key; it is sent and never stored
    #[arg(
        short = 'k',
        long,
        value_name = "KEY",
        env = "THRONG_API_KEY",
        hide_env_values = true,
        default_value = "test-api-key-12345"
    )]
    pub api_key: String,
    /// Several requests at once, or one after the other
    #[arg(long, value_enum, default_value_t)]
    pub mode: IngestMode,
    /// Requests at once [default: 10]
    #[arg(short = 'c', long, value_name = "COUNT")]
    pub concurrency: Option<u32>,
    /// Pause between an answer and the next request: milliseconds, or a span such as 50ms
    #[arg(long, value_name = "SPAN")]
    pub delay: Option<String>,
    /// Events at most
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Write a ledger of every event and what became of it to this file, for `throng audit`
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// What the file is, where its name and its beginning do not tell
    #[arg(long, value_enum)]
    pub format: Option<IngestFormat>,
    /// Send everything to a practice target inside this process
    #[arg(long)]
    pub practice_target: bool,
    /// Write the results to this file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Say what would be sent, send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Which hosts may be sent to.
    #[command(flatten)]
    pub policy: TargetPolicyArgs,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// How a file is sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum IngestMode {
    /// Several requests at once
    #[default]
    Concurrent,
    /// One request after the other
    Sequential,
}

/// What a file of events is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum IngestFormat {
    /// One JSON value per line
    Jsonl,
    /// One JSON list
    Json,
    /// Rows under a header
    Csv,
}

impl IngestFormat {
    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// `throng init`
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Directory to write into; it is made if need be
    #[arg(value_name = "DIR", default_value = "scenarios")]
    pub directory: PathBuf,
    /// Which examples
    #[arg(long = "type", value_enum, default_value_t)]
    pub kind: Example,
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
}

/// Examples that `throng init` can write.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Example {
    /// Messages over WebSockets
    Websocket,
    /// Messages through an MQTT broker
    Mqtt,
    /// WebSockets and MQTT at once
    Mixed,
    /// Events over HTTP
    Http,
    /// All of them
    #[default]
    All,
}

/// `throng import`
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// File to read; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What it is, where its content does not tell
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// File to write; standard output when left out
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `throng audit`
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// A run that had a ledger: its id, the beginning of it, or `latest`; or a ledger file
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The sink is the practice target at this address
    #[arg(long, value_name = "URL", conflicts_with_all = ["jsonl", "search"])]
    pub target: Option<String>,
    /// The sink is an export with one event on each line
    #[arg(long, value_name = "FILE", conflicts_with = "search")]
    pub jsonl: Option<PathBuf>,
    /// The sink is an endpoint that answers with pages of events: {offset}, {page} and {limit} stand where they belong
    #[arg(long, value_name = "URL")]
    pub search: Option<String>,
    /// Where the sink's events carry the id, as data.event_id; where the run's did when left out
    #[arg(long, value_name = "PATH")]
    pub id_field: Option<String>,
    /// The part of the sink's events that was sent; all of it when left out
    #[arg(long, value_name = "PATH")]
    pub body_field: Option<String>,
    /// A part that the sink adds, as received_at; may be given again
    #[arg(long, value_name = "PATH")]
    pub ignore_field: Vec<String>,
    /// Member of the endpoint's answer that holds the events, as hits.hits; the usual ones when left out
    #[arg(long, value_name = "PATH")]
    pub items: Option<String>,
    /// Events of a page
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub page_size: u64,
    /// Pages per second at most
    #[arg(long, value_name = "RATE", default_value_t = 5.0)]
    pub page_rate: f64,
    /// Header to send to the endpoint, as 'X-API-Key: ${env.KEY}', where the environment has the key; may be given again
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// Most lost events that pass
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_lost: u64,
    /// Most duplicate events that pass
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_duplicate: u64,
    /// Most events that nobody sent and that pass
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_phantom: u64,
    /// Most events with another content that pass
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_corrupted: u64,
    /// Most events in the wrong order that pass
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_reordered: u64,
    /// Examples of each finding in the result
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub examples: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the result as JSON to this file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng schema`
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t)]
    pub of: SchemaOf,
    /// As a page for people, in Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// What `throng schema` can print.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum SchemaOf {
    /// Scenarios: give it to your editor
    #[default]
    Scenario,
    /// Results of runs
    Results,
    /// Calls, modifiers, functions and names of templates with examples, as a list in JSON
    Templates,
}

/// `throng health`
#[derive(Args, Debug)]
pub struct HealthArgs {
    /// Address of the target; `/health` is asked for when it has no path
    #[arg(value_name = "URL")]
    pub url: String,
    /// How long to wait for an answer
    #[arg(long, value_name = "SPAN", default_value = "5s")]
    pub timeout: String,
    /// What a `throng serve` on this machine asks for; it is sent to no other.
    #[command(flatten)]
    pub token: TokenArgs,
}

/// `throng runs`
#[derive(Args, Debug)]
pub struct RunsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: RunsCommand,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// What can be done with runs of the past.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List them, newest first
    List {
        /// Only those of this scenario
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// Only those with this tag
        #[arg(long, value_name = "TAG")]
        tag: Option<String>,
        /// Only so many of the newest
        #[arg(short = 'n', long, value_name = "COUNT")]
        limit: Option<usize>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a run's summary
    Show {
        /// Its id, the beginning of it, or `latest`
        run: String,
    },
    /// Write a run's results
    Export {
        /// Its id, the beginning of it, or `latest`
        run: String,
        /// File to write; standard output when left out
        #[arg(short = 'o', long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The format; the one of the file's ending when left out
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<ResultsFormat>,
    },
    /// Tell whether two runs really differ
    Compare(CompareArgs),
    /// Keep words with a run: tags to find it by, a note, whether others are compared with it
    Label(LabelArgs),
    /// Delete runs for good
    Delete {
        /// Their ids
        #[arg(required = true)]
        runs: Vec<String>,
    },
}

/// `throng runs label`
#[derive(Args, Debug)]
pub struct LabelArgs {
    /// Its id, the beginning of it, or `latest`
    pub run: String,
    /// Tag to add
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Tag to take away
    #[arg(long = "untag", value_name = "TAG")]
    pub untags: Vec<String>,
    /// The note; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Compare runs of its scenario with it
    #[arg(long, conflicts_with = "no_baseline")]
    pub baseline: bool,
    /// Compare no more runs with it
    #[arg(long)]
    pub no_baseline: bool,
}

/// `throng runs compare`
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// The run that is compared with: an id, the beginning of one, `latest`, `baseline`, or a results.json
    #[arg(value_name = "BASELINE", default_value = "baseline")]
    pub baseline: String,
    /// The run that is judged, told in the same way
    #[arg(value_name = "CANDIDATE", default_value = "latest")]
    pub candidate: String,
    /// How often an interval holds the truth
    #[arg(long, value_name = "SHARE", default_value = "99%", value_parser = share)]
    pub confidence: f64,
    /// Changes up to this size are called none, however sure they are
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub tolerance: f64,
    /// Exit code 1 when anything is really worse
    #[arg(long)]
    pub fail_on_regression: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `throng merge`
#[derive(Args, Debug)]
pub struct MergeArgs {
    /// Results that are parts of one load: results.json files, or ids of runs
    #[arg(value_name = "RESULTS", required = true, num_args = 2..)]
    pub results: Vec<String>,
    /// File to write; standard output when left out
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Format of the whole; the one of the file's ending when left out
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub results_format: Option<ResultsFormat>,
    /// Where runs and scenarios are kept.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `throng completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// `throng man`
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Directory to write into; it is made if need be
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Reads a threshold; what is wrong with it is said with what to write instead.
fn threshold(text: &str) -> Result<Threshold, String> {
    text.parse().map_err(|problem: Problem| {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let column = problem.column.map(|column| format!(" at column {column}")).unwrap_or_default();
        format!("{}{column}{hint}", problem.message)
    })
}

/// Reads a share: `0.99` or `99%`.
fn share(text: &str) -> Result<f64, String> {
    let (number, factor) = text.trim().strip_suffix('%').map_or((text, 1.0), |number| (number, 0.01));
    let share = number.trim().parse::<f64>().map(|number| number * factor).unwrap_or(f64::NAN);
    if (0.0..1.0).contains(&share) { Ok(share) } else { Err("write a share such as 5% or 0.05".to_owned()) }
}

fn path_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => Ok((path.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write PATH=VALUE, as in workloads.shop.load.rate=20/s".to_owned()),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write NAME: VALUE, as in X-API-Key: abc".to_owned()),
    }
}

fn share_and_number(text: &str) -> Result<(f64, f64), String> {
    let parts = text.split_once(':').and_then(|(share, number)| Some((share.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| "write SHARE:MS, as in 0.01:500".to_owned())
}

fn status_and_weight(text: &str) -> Result<(u16, f64), String> {
    let (status, weight) = text.split_once(':').unwrap_or((text, "1"));
    let parts = status.parse().ok().and_then(|status| Some((status, weight.parse().ok()?)));
    parts.ok_or_else(|| "write STATUS or STATUS:WEIGHT, as in 503:2".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn shares_and_statuses_are_read() {
        assert_eq!(share_and_number("0.01:500"), Ok((0.01, 500.0)));
        assert_eq!((status_and_weight("503"), status_and_weight("429:2.5")), (Ok((503, 1.0)), Ok((429, 2.5))));
        assert!(share_and_number("0.01").is_err() && status_and_weight("teapot").is_err());
    }

    #[test]
    fn a_threshold_that_cannot_be_read_says_where_and_what_to_write() {
        assert_eq!(threshold("p(95) < 300").unwrap().to_string(), "p(95)<300ms");
        let told = threshold("p(95)<fast").unwrap_err();
        assert!(told.contains("column 7") && told.contains("write"), "{told}");
    }

    #[test]
    fn shares_are_written_in_per_cent_or_not() {
        assert_eq!((share("99%"), share("0.05")), (Ok(0.99), Ok(0.05)));
        assert!(share("120%").is_err() && share("-1%").is_err() && share("much").is_err());
    }

    #[test]
    fn a_path_and_its_value_part_at_the_first_equals_sign() {
        assert_eq!(path_and_value("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert!(path_and_value("a.b").is_err());
        assert!(path_and_value("=1").is_err());
    }
}
