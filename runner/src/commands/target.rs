//! `throng target`: the practice target alone.

use shared::api::TargetSettings;

use super::{Exit, Refusal};
use crate::cli::TargetArgs;
use crate::practice::{PracticeError, PracticeTarget};
use crate::shutdown::Signals;

/// Serves until interrupted, then prints the account.
pub(super) async fn target(args: TargetArgs) -> Result<Exit, Refusal> {
    let settings = TargetSettings {
        latency_p50_ms: args.latency_p50,
        latency_p99_ms: args.latency_p99.unwrap_or(args.latency_p50),
        error_rate: args.error_rate,
        rate_limit: args.rate_limit,
        drop_rate: args.drop_rate,
        frozen: args.frozen,
    };
    let signals = Signals::listen().map_err(Refusal::failed)?;
    let practice = PracticeTarget::start(args.bind, settings).map_err(|error| match error {
        PracticeError::Settings(_) => Refusal::usage(error.to_string()),
        PracticeError::Bind { .. } => Refusal::failed(error).with_hint("choose another address with --bind"),
        PracticeError::Start(_) | PracticeError::Gone => Refusal::failed(error),
    })?;
    anstream::println!("practice target: {}", practice.url());
    anstream::eprintln!("GET /account, PUT /settings, POST /reset; Ctrl-C stops it");
    signals.asked(1).await;
    let report = practice.report().await.map_err(Refusal::failed)?;
    anstream::println!("{}", serde_json::to_string_pretty(&report.account).map_err(Refusal::failed)?);
    Ok(Exit::Done)
}
