//! The practice target's own switches over HTTP, for a target that runs alone: account, holdings, settings, reset.
//!
//! They answer at once, also while the target is frozen.

use serde_json::Value;
use shared::api::TargetSettings;

use super::gate::check_settings;
use super::json::write_value;
use super::request::Request;
use super::site::{Reply, Site};

/// Answers a request for the switches; none for any other.
pub(super) fn answer(site: &Site, request: &Request<'_>, body: &mut Vec<u8>) -> Option<Reply> {
    match (request.method, request.path) {
        ("GET", "/account") => write_value(body, &site.account()),
        ("GET", "/held") => {
            let parameters = request.parameters();
            let number = |name: &str, usual: u64| parameters.get(name).map_or(Ok(usual), |text| text.parse::<u64>());
            match (number("from", 0), number("limit", u64::MAX)) {
                (Ok(from), Ok(limit)) => {
                    write_value(body, &site.held(from, usize::try_from(limit).unwrap_or(usize::MAX)));
                }
                _ => return Some(refuse(body, "from and limit are whole numbers")),
            }
        }
        ("GET", "/settings") => write_value(body, &site.settings()),
        ("PUT" | "PATCH", "/settings") => {
            // PUT says everything anew, PATCH changes what it names.
            let base = if request.method == "PATCH" { site.settings() } else { TargetSettings::default() };
            match changed(&base, request.body) {
                Ok(settings) => {
                    site.set(settings);
                    write_value(body, &site.settings());
                }
                Err(reason) => return Some(refuse(body, &reason)),
            }
        }
        ("POST", "/reset") => {
            site.reset();
            write_value(body, &site.account());
        }
        (_, "/account" | "/held" | "/settings" | "/reset") => {
            body.extend_from_slice(br#"{"detail":"Method Not Allowed"}"#);
            return Some(Reply::status(405));
        }
        _ => return None,
    }
    Some(Reply::status(200))
}

/// The settings with what a body says of them.
fn changed(base: &TargetSettings, body: &[u8]) -> Result<TargetSettings, String> {
    let said: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut whole = serde_json::to_value(base).map_err(|error| error.to_string())?;
    let (Some(whole_fields), Value::Object(said)) = (whole.as_object_mut(), said) else {
        return Err("settings are an object".to_owned());
    };
    whole_fields.extend(said);
    let settings: TargetSettings = serde_json::from_value(whole).map_err(|error| error.to_string())?;
    check_settings(&settings).map(|()| settings)
}

fn refuse(body: &mut Vec<u8>, reason: &str) -> Reply {
    write_value(body, &serde_json::json!({ "detail": reason }));
    Reply::status(422)
}
