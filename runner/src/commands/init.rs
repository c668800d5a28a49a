//! `throng init`: example scenarios to begin with.

use std::fs;

use super::{Exit, Refusal};
use crate::atomic_file::write_whole;
use crate::cli::{Example, InitArgs};

/// The files, with what they are for.
const FILES: [(Example, &str, &str); 4] = [
    (Example::Http, "shop.yaml", include_str!("init/http.yaml")),
    (Example::Websocket, "websocket.yaml", include_str!("init/websocket.yaml")),
    (Example::Mqtt, "mqtt.yaml", include_str!("init/mqtt.yaml")),
    (Example::Mixed, "mixed.yaml", include_str!("init/mixed.yaml")),
];

/// Writes the examples.
pub(super) fn init(args: &InitArgs) -> Result<Exit, Refusal> {
    let directory = &args.directory;
    let failed = |what: String, error: std::io::Error| Refusal::usage(format!("cannot write {what}: {error}"));
    fs::create_dir_all(directory).map_err(|error| failed(directory.display().to_string(), error))?;
    let wanted: Vec<(&str, &str)> = FILES
        .into_iter()
        .filter(|(example, ..)| args.kind == Example::All || args.kind == *example)
        .map(|(_, name, text)| (name, text))
        .collect();
    let first = wanted.first().map(|(name, _)| *name);
    // All or nothing: what is there is looked for before anything is written.
    let there: Vec<&str> = wanted.iter().map(|(name, _)| *name).filter(|name| directory.join(name).exists()).collect();
    if !there.is_empty() && !args.force {
        let message = format!("{} is there already in {}", there.join(", "), directory.display());
        return Err(Refusal::usage(message).with_hint("replace it with --force"));
    }
    for (name, text) in wanted {
        let path = directory.join(name);
        write_whole(&path, text.as_bytes()).map_err(|error| failed(path.display().to_string(), error))?;
        anstream::println!("{}", path.display());
    }
    if let Some(first) = first {
        anstream::eprintln!("look at it with `throng preview {}`", directory.join(first).display());
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use shared::scenario::{LoadOptions, load};

    use super::*;

    #[test]
    fn every_example_is_a_sound_scenario() {
        for (_, name, text) in FILES {
            let loaded = load(text, &LoadOptions { to_run: true, ..LoadOptions::new(name) });
            // The key of the first is the person's own.
            let own = |problem: &&shared::problem::Problem| !problem.message.contains("API_KEY");
            let problems: Vec<String> = loaded.problems.iter().filter(own).map(ToString::to_string).collect();
            assert!(problems.is_empty(), "{problems:#?}");
        }
    }
}
