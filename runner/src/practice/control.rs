//! The practice target's own switches over HTTP, for a target that runs alone: account, settings, reset.
//!
//! They answer at once, also while the target is frozen.

use shared::api::TargetSettings;

use super::gate::check_settings;
use super::request::Request;
use super::site::{Reply, Site};

/// Answers a request for the switches; none for any other.
pub(super) fn answer(site: &Site, request: &Request<'_>, body: &mut Vec<u8>) -> Option<Reply> {
    match (request.method, request.path) {
        ("GET", "/account") => write_json(body, &site.account()),
        ("GET", "/settings") => write_json(body, &site.settings()),
        ("PUT", "/settings") => {
            let settings = serde_json::from_slice::<TargetSettings>(request.body)
                .map_err(|error| error.to_string())
                .and_then(|settings| check_settings(&settings).map(|()| settings));
            match settings {
                Ok(settings) => {
                    site.set(settings);
                    write_json(body, &site.settings());
                }
                Err(reason) => {
                    write_json(body, &serde_json::json!({ "detail": reason }));
                    return Some(Reply::status(422));
                }
            }
        }
        ("POST", "/reset") => {
            site.reset();
            write_json(body, &site.account());
        }
        (_, "/account" | "/settings" | "/reset") => {
            body.extend_from_slice(br#"{"detail":"Method Not Allowed"}"#);
            return Some(Reply::status(405));
        }
        _ => return None,
    }
    Some(Reply::status(200))
}

fn write_json(body: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Writing these types to memory cannot fail: no map has a key that is not a string.
    let written = serde_json::to_writer(body, value);
    debug_assert!(written.is_ok());
}
