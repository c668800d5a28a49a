//! `throng serve`: the panel and the API, with the practice target.

use std::io::ErrorKind;
use std::sync::Arc;

use super::{Exit, Refusal, data_directory, token};
use crate::cli::ServeArgs;
use crate::practice::{PracticeError, PracticeTarget};
use crate::server::{App, Links, Server, ServerError};
use crate::shutdown::Signals;
use crate::store::Store;

/// Serves until interrupted; a run that is going on is ended first and its result kept.
pub(super) async fn serve(args: ServeArgs) -> Result<Exit, Refusal> {
    let signals = Signals::listen().map_err(Refusal::failed)?;
    let directory = data_directory(&args.data)?;
    let token = token::given(&args.token)?;
    let store = Arc::new(Store::open(&directory)?);
    let practice = if args.no_practice_target { None } else { Some(start_practice(&args)?) };
    let url = practice.as_ref().map(PracticeTarget::url);
    let app = App::new(store, practice, args.policy.allow_target);
    let server = Server::bind(args.bind, token.clone(), app).await.map_err(refuse)?;
    let query = token.map(|token| format!("/?token={token}")).unwrap_or_default();
    let links = Links::to(server.address());
    anstream::println!("http://{}{query}", links.here);
    if let Some(elsewhere) = links.elsewhere {
        anstream::eprintln!("from other machines: http://{elsewhere}, with what follows the / above");
    }
    if let Some(url) = url {
        anstream::eprintln!("practice target: {url}");
    }
    anstream::eprintln!("runs and scenarios: {}", directory.display());
    anstream::eprintln!("Ctrl-C stops it");
    server.serve(signals.clone().asked(1), signals.asked(2)).await;
    Ok(Exit::Done)
}

/// Starts the practice target at its address, or at a free port when another program has that one.
fn start_practice(args: &ServeArgs) -> Result<PracticeTarget, Refusal> {
    let settings = args.switches.settings();
    match PracticeTarget::start(args.practice_bind, settings.clone()) {
        Err(PracticeError::Bind { address, source }) if source.kind() == ErrorKind::AddrInUse => {
            anstream::eprintln!("port {} is taken: the practice target takes a free one", address.port());
            PracticeTarget::start((address.ip(), 0).into(), settings)
        }
        other => other,
    }
    .map_err(|error| match error {
        PracticeError::Settings(_) => Refusal::usage(error.to_string()),
        PracticeError::Bind { .. } | PracticeError::Start(_) | PracticeError::Gone => Refusal::failed(error),
    })
}

fn refuse(error: ServerError) -> Refusal {
    match &error {
        ServerError::Taken { .. } => Refusal::failed(error).with_hint("choose another address with --bind"),
        ServerError::TokenNeeded { .. } => Refusal::usage(error.to_string()),
        ServerError::Bind { .. } | ServerError::Serve(_) => Refusal::failed(error),
    }
}
