//! Asking for lists: well, page by page, and in vain.

use std::sync::{Arc, Mutex};

use shared::scenario::{LoadOptions, load};

use super::*;
use crate::transport::trial_server::{Reply, TrialServer};

fn scenario(url: &str, fetch: &str) -> shared::scenario::ValidScenario {
    let text = format!(
        "
name: t
targets: {{t: {{url: {url}, timeout: 2s, headers: {{X-Team: shop}}, auth: {{bearer: {{token: abc123}}}}}}}}
pools: {{items: {{fetch: {{target: t, path: /items{fetch}}}}}}}
events: {{seen: {{body: {{item: {{$pool: items}}}}}}}}
behaviors: {{emit: {{emit: {{event: seen}}}}}}
workloads: {{w: {{load: {{rate: 1/s, duration: 1m}}}}}}
"
    );
    let loaded = load(&text, &LoadOptions::new("test"));
    loaded.scenario.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

fn json_answer(body: &str) -> Reply {
    Reply::Answer(200, "Content-Type: application/json\r\n", body.to_owned())
}

async fn ask(server: &TrialServer, more: &str) -> Result<Snapshot, FetchError> {
    let scenario = scenario(&server.url(), more);
    fetch(&scenario, &PrepareOptions::default(), Snapshot::default()).await
}

fn count(snapshot: &Snapshot) -> usize {
    snapshot.pools["items"].items.as_list().unwrap().len()
}

/// What was asked for, and by whom.
fn listening(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (TrialServer, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&heads);
    let server = TrialServer::start(move |_, head, _| {
        heard.lock().unwrap().push(head.to_lowercase());
        reply(head.split(' ').nth(1).unwrap())
    });
    (server, heads)
}

#[tokio::test]
async fn a_list_is_asked_for_with_who_we_are_and_recorded_with_its_hash() {
    let (server, heads) = listening(|_| json_answer(r#"{"data": [{"id": 1}, {"id": 2}]}"#));
    let snapshot = ask(&server, ", query: {limit: 1000, sort: 'a b'}, select: $.data, min: 2").await.unwrap();
    assert_eq!(count(&snapshot), 2);
    let fetched = &snapshot.pools["items"];
    assert_eq!(fetched.url, format!("{}/items?limit=1000&sort=a+b", server.url()));
    assert_eq!(fetched.hash, format!("{:016x}", content_hash(&json(r#"[{"id": 1}, {"id": 2}]"#).unwrap())));
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.contains("authorization: bearer abc123") && head.contains("x-team: shop"), "{head}");
    // What an earlier run was given is not asked for again.
    let scenario = scenario(&server.url(), ", query: {limit: 1000, sort: 'a b'}, select: $.data, min: 2");
    let again = fetch(&scenario, &PrepareOptions::default(), snapshot.clone()).await.unwrap();
    assert_eq!(again, snapshot);
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_are_followed_until_one_is_short() {
    let page = |path: &str, parameter: &str, first: usize, step: usize| {
        let value: usize = path.split(['?', '&']).find_map(|part| part.strip_prefix(parameter)?.parse().ok()).unwrap();
        let start = (value - first) * step;
        let ids: Vec<String> = (start..25.min(start + 10)).map(|id| id.to_string()).collect();
        json_answer(&format!("[{}]", ids.join(",")))
    };
    let (server, heads) = listening(move |path| page(path, "skip=", 0, 1));
    let snapshot = ask(&server, ", paging: {offset: {size: 10, offset: skip}}").await.unwrap();
    assert_eq!(count(&snapshot), 25);
    assert_eq!(heads.lock().unwrap().len(), 3);
    assert!(heads.lock().unwrap()[2].contains("limit=10&skip=20"));
    let (server, heads) = listening(move |path| page(path, "page=", 1, 10));
    let snapshot = ask(&server, ", paging: {page: {size: 10}}").await.unwrap();
    assert_eq!((count(&snapshot), heads.lock().unwrap().len()), (25, 3));
}

#[tokio::test]
async fn the_address_of_the_next_page_is_followed_on_the_same_host_only() {
    let (server, _) = listening(|path| match path {
        "/items" => json_answer(r#"{"items": [1, 2], "next": "/items?after=2"}"#),
        "/items?after=2" => json_answer(r#"{"items": [3], "next": null}"#),
        other => panic!("{other}"),
    });
    assert_eq!(count(&ask(&server, ", select: $.items, paging: {next: $.next}").await.unwrap()), 3);
    let (server, _) = listening(|path| match path {
        "/items" => {
            Reply::Answer(200, "Link: </items?page=2>; rel=\"next\", </items?page=9>; rel=last\r\n", "[1]".into())
        }
        _ => json_answer("[2]"),
    });
    assert_eq!(count(&ask(&server, ", paging: link").await.unwrap()), 2);
    let (server, _) = listening(|_| json_answer(r#"{"items": [1], "next": "http://169.254.169.254/secrets"}"#));
    let told = ask(&server, ", select: $.items, paging: {next: $.next}").await.unwrap_err().to_string();
    assert!(told.starts_with("pools.items.fetch.paging") && told.contains("another target"), "{told}");
    let (server, _) = listening(|_| json_answer("[1, 2]"));
    let told = ask(&server, ", paging: {offset: {size: 2}}").await.unwrap_err().to_string();
    assert!(told.contains("page 2 is the same as the one before"), "{told}");
}

#[tokio::test]
async fn a_target_that_gives_no_list_is_told_with_its_place() {
    type Case = (&'static str, fn() -> Reply, &'static str);
    let cases: [Case; 7] = [
        ("", || Reply::status(503), "it answered 503"),
        ("", || json_answer("<html>"), "not JSON"),
        ("", || json_answer("{\"a\": 1}"), "is no list but a map"),
        (", select: $.rows", || json_answer("{\"a\": []}"), "nothing at $.rows"),
        ("", || json_answer("[]"), "it gave 0 items, and at least 1 are needed"),
        (", min: 3", || json_answer("[1, 2]"), "it gave 2 items, and at least 3 are needed"),
        ("", || Reply::Nothing, "no answer in time"),
    ];
    for (more, reply, why) in cases {
        let (server, _) = listening(move |_| reply());
        let told = ask(&server, more).await.unwrap_err();
        let text = told.to_string();
        assert!(text.starts_with("pools.items.fetch") && text.contains(why), "{text}");
        assert!(told.hint().is_some(), "{text}");
        assert!(!text.contains("abc123"), "{text}");
    }
}

#[tokio::test]
async fn nobody_there_and_too_far_away_are_told_apart_and_never_asked() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask =
        async |url: &str| fetch(&scenario(url, ""), &PrepareOptions::default(), Snapshot::default()).await.unwrap_err();
    let told = ask(&format!("http://{closed}")).await;
    assert!(matches!(&told, FetchError::Unreachable { .. }), "{told}");
    let told = ask("http://93.184.216.34").await;
    assert!(told.to_string().contains("--allow-target"), "{told}");
    // A redirect out of the target is an answer that is none, not a way out.
    let (server, _) = listening(|_| Reply::Answer(302, "Location: http://93.184.216.34/\r\n", String::new()));
    let told = ask(&server.url()).await;
    assert!(told.to_string().contains("it answered 302"), "{told}");
}
