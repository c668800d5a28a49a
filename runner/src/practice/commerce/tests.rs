//! The contract, request by request.

use super::super::site::{Reply, Site};
use super::*;

const KEY: Option<&[u8]> = Some(b"proj_0123456789_secret");

/// Sends a body to a path of a target that is honest; returns the status, the answer and the books.
fn post(path: &str, api_key: Option<&[u8]>, body: &str) -> (u16, serde_json::Value, shared::api::TargetAccount) {
    let request = Request { method: "POST", path, query: "", api_key, body: body.as_bytes() };
    let site = Site::new(shared::api::TargetSettings::default());
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reply = runtime.block_on(site.answer(request, &mut out));
    let Reply::Send { status, .. } = reply else { panic!("{path} does not answer") };
    (status, serde_json::from_slice(&out).unwrap(), site.account())
}

fn single(body: &str) -> (u16, serde_json::Value, shared::api::TargetAccount) {
    post("/api/v1/events/ingest", KEY, body)
}

fn batch(body: &str) -> (u16, serde_json::Value, shared::api::TargetAccount) {
    post("/api/v1/events/ingest/batch", KEY, body)
}

const GOOD: &str = r#"{"topic":"cart_events","event_type":"cart.add","data":{"user_id":"u-1","product_id":"p-9"}}"#;

#[test]
fn a_good_event_is_accepted() {
    let (status, answer, account) = single(GOOD);
    assert_eq!(status, 202);
    assert_eq!(answer["success"], true);
    assert_eq!(answer["topic"], "cart_events");
    assert_eq!(answer["event_type"], "cart.add");
    assert!(answer["timestamp"].as_str().is_some_and(|time| time.len() == 26 && !time.ends_with('Z')));
    assert_eq!((account.accepted, account.users), (1, 1));
}

#[test]
fn the_key_is_asked_for_and_looked_at() {
    let (status, answer, account) = post("/api/v1/events/ingest", None, GOOD);
    assert_eq!((status, account.rejected), (422, 1));
    assert_eq!(answer["detail"][0]["loc"][1], "X-API-Key");
    for wrong in ["proj_short_secret", "key_0123456789_secret", "proj_0123456789", ""] {
        let (status, _, account) = post("/api/v1/events/ingest", Some(wrong.as_bytes()), GOOD);
        assert_eq!((status, account.accepted), (401, 0), "{wrong:?}");
    }
    assert_eq!(post("/api/v1/events/ingest", Some(b"proj_0123456789_a_b"), GOOD).0, 202);
}

#[test]
fn an_unknown_topic_or_a_missing_user_is_400_alone() {
    for wrong in [
        GOOD.replace("cart_events", "moon_events"),
        GOOD.replace(r#""u-1""#, r#""""#),
        GOOD.replace(r#""u-1""#, "null"),
        GOOD.replace(r#""u-1""#, "0"),
        GOOD.replace("user_id", "user"),
    ] {
        let (status, answer, account) = single(&wrong);
        assert_eq!((status, account.rejected, account.accepted), (400, 1, 0), "{wrong}");
        assert!(answer["detail"].is_string());
    }
    assert_eq!(single(&GOOD.replace(r#""u-1""#, "17")).0, 202, "a whole number is a user");
}

#[test]
fn a_missing_key_or_a_wrong_shape_is_422() {
    for wrong in [
        GOOD.replace("topic", "tropic"),
        GOOD.replace("event_type", "kind"),
        r#"{"topic":"cart_events","event_type":"cart.add"}"#.to_owned(),
        r#"{"topic":"cart_events","event_type":"cart.add","data":7}"#.to_owned(),
        r#"{"topic":1,"event_type":"cart.add","data":{}}"#.to_owned(),
        "not json".to_owned(),
        String::new(),
    ] {
        let (status, answer, _) = single(&wrong);
        assert_eq!(status, 422, "{wrong}");
        assert!(answer["detail"].is_array());
    }
}

#[test]
fn a_batch_tells_event_by_event() {
    let bad_topic = GOOD.replace("cart_events", r"moon\n\u0001events");
    let (status, answer, account) = batch(&format!(r#"{{"events":[{GOOD},{bad_topic},{GOOD}]}}"#));
    assert_eq!(status, 202);
    assert_eq!(answer["success"], true);
    assert_eq!((&answer["total"], &answer["successful"], &answer["failed"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(answer["results"][1]["success"], false);
    assert!(answer["results"][1]["error"].as_str().is_some_and(|error| error.contains("moon")));
    assert_ne!(answer["results"][0]["event_id"], answer["results"][2]["event_id"]);
    assert_eq!((account.accepted, account.rejected), (2, 1));
}

#[test]
fn a_batch_has_one_to_a_hundred_events() {
    let of = |count: usize| format!(r#"{{"events":[{}]}}"#, vec![GOOD; count].join(","));
    assert_eq!(batch(&of(0)).0, 422);
    assert_eq!(batch(&of(1)).0, 202);
    assert_eq!(batch(&of(100)).2.accepted, 100);
    assert_eq!(batch(&of(101)).0, 422);
    assert_eq!(batch(r#"{"items":[]}"#).0, 422);
}

#[test]
fn escapes_in_names_come_back_as_they_were() {
    let (status, answer, account) = single(&GOOD.replace("cart.add", r#"cart.\"add\" é"#));
    assert_eq!(status, 202);
    assert_eq!(answer["event_type"], "cart.\"add\" é");
    assert_eq!(account.event_types["cart.\"add\" é"], 1);
}
