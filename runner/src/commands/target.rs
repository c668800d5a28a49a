//! `throng target`: the practice target alone.

use super::{Exit, Refusal};
use crate::cli::TargetArgs;
use crate::practice::{PracticeError, PracticeTarget};
use crate::shutdown::Signals;

/// Serves until interrupted, then prints the account.
pub(super) async fn target(args: TargetArgs) -> Result<Exit, Refusal> {
    let signals = Signals::listen().map_err(Refusal::failed)?;
    let practice = PracticeTarget::start(args.bind, args.switches.settings()).map_err(|error| match error {
        PracticeError::Settings(_) => Refusal::usage(error.to_string()),
        PracticeError::Bind { .. } => Refusal::failed(error).with_hint("choose another address with --bind"),
        PracticeError::Start(_) | PracticeError::Gone => Refusal::failed(error),
    })?;
    anstream::println!("practice target: {}", practice.url());
    anstream::eprintln!(
        "requests, WebSockets and MQTT on one port; GET /account, GET /held, PATCH /settings, POST /reset; Ctrl-C stops it"
    );
    signals.asked(1).await;
    let report = practice.report().await.map_err(Refusal::failed)?;
    anstream::println!("{}", serde_json::to_string_pretty(&report.account).map_err(Refusal::failed)?);
    Ok(Exit::Done)
}
