//! Who may ask the server for what.

use reqwest::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};

use crate::process::Home;

fn client() -> Client {
    let tls = runner::transport::tls::TlsConfig::public_roots().unwrap().to_config();
    let builder = Client::builder().tls_backend_preconfigured(tls).redirect(reqwest::redirect::Policy::none());
    builder.build().unwrap()
}

#[tokio::test]
async fn other_hosts_and_other_pages_are_kept_out() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let status = format!("{address}/api/status");
    let rebound = client().get(&status).header(HOST, "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    let reset = format!("{address}/api/target/reset");
    let foreign = client().post(&reset).header(ORIGIN, "http://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let neighbour = client().post(&reset).header("sec-fetch-site", "same-site").send().await.unwrap();
    assert_eq!(neighbour.status(), StatusCode::FORBIDDEN);
    let own = client().post(&reset).header(ORIGIN, &address).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    let live = format!("{address}/api/live/x");
    let upgrade = client().get(live).header("upgrade", "websocket").header(ORIGIN, "http://evil.example");
    assert_eq!(upgrade.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_careful() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    for path in ["/", "/api/status", "/api/nothing", "/scenarios", "/no-such-file.js"] {
        let answer = client().get(format!("{address}{path}")).send().await.unwrap();
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"), "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn errors_below_api_are_all_of_one_shape() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let cases = [
        (Method::GET, "/api/nothing", "", StatusCode::NOT_FOUND),
        (Method::PATCH, "/api/runs", "", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/api/runs", "{", StatusCode::BAD_REQUEST),
        (Method::POST, "/api/runs", r#"{"nonsense":1}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (Method::GET, "/api/runs/none", "", StatusCode::NOT_FOUND),
        (Method::GET, "/api/runs/none/result", "", StatusCode::NOT_FOUND),
        (Method::POST, "/api/runs/none/commands", r#""stop""#, StatusCode::NOT_FOUND),
        (Method::GET, "/api/scenarios/..%2f..%2fetc%2fpasswd", "", StatusCode::NOT_FOUND),
        (Method::PUT, "/api/scenarios/..%2fx", r#"{"text":"a: 1"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (Method::PUT, "/api/target/settings", r#"{"error_rate":7}"#, StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (method, path, body, status) in cases {
        let request =
            client().request(method.clone(), format!("{address}{path}")).header(CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let error: shared::api::ErrorBody = answer.json().await.unwrap();
        assert!(!error.code.is_empty() && !error.message.is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_opens_the_door_in_the_address_the_header_or_the_cookie() {
    let home = Home::new();
    let (_server, address) = home.serve(&["--token", "opensesame"]);
    let (base, _query) = address.split_once("/?").unwrap();
    let status = format!("{base}/api/status");
    assert_eq!(client().get(&status).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let wrong = client().get(&status).bearer_auth("opensesamE").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(client().get(&status).bearer_auth("opensesame").send().await.unwrap().status(), StatusCode::OK);
    let welcome = client().get(&address).send().await.unwrap();
    assert_eq!(welcome.status(), StatusCode::SEE_OTHER);
    let cookie = welcome.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(client().get(&status).header(COOKIE, cookie).send().await.unwrap().status(), StatusCode::OK);
}
