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

/// Access of a file or a directory.
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_token_from_a_file_stands_in_no_list_of_processes() {
    let home = Home::new();
    let file = home.write("token", "fromAFile+1=\r\n");
    set_mode(home.path("token").as_path(), 0o600);
    let (server, address) = home.serve(&["--token-file", &file]);
    let command_line = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(!String::from_utf8_lossy(&command_line).contains("fromAFile"));
    let (base, query) = address.split_once("/?").unwrap();
    assert_eq!(query, "token=fromAFile+1=");
    let status = format!("{base}/api/status");
    assert_eq!(client().get(&status).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(client().get(&status).bearer_auth("fromAFile+1=").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(client().get(&address).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    // Its own check of health gets in by the same file, named in the environment.
    let told = home.throng(&["health", &status]).env("THRONG_TOKEN_FILE", &file).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert!(!String::from_utf8_lossy(&told.stderr).contains("warning"), "{told:?}");
    set_mode(home.path("token").as_path(), 0o644);
    let told = home.ended(&["health", &status, "--token-file", &file]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.stderr.contains("warning") && told.stderr.contains(&file), "{told:?}");
    assert!(!told.stderr.contains("fromAFile"), "{told:?}");
}

#[test]
fn a_token_that_cannot_be_used_is_refused_with_its_place() {
    let home = Home::new();
    let directory = home.path("").to_str().unwrap().to_owned();
    let empty = home.write("empty", "\n");
    let words = home.write("words", "not aToken\n");
    let binary = home.path("binary");
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    for file in ["/no/such/file", &directory, &empty, &words, binary.to_str().unwrap(), "/dev/zero"] {
        let ended = home.ended(&["serve", "--bind", "127.0.0.1:0", "--no-practice-target", "--token-file", file]);
        assert_eq!(ended.code, Some(2), "{file}: {ended:?}");
        assert!(ended.stderr.contains(file) && !ended.stderr.contains("aToken"), "{file}: {ended:?}");
    }
    // An empty variable would be a door that any visitor opens.
    let mut command = home.throng(&["serve", "--bind", "0.0.0.0:0", "--no-practice-target"]);
    let ended = command.env("THRONG_TOKEN", "").output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let both = home.ended(&["serve", "--token", "a", "--token-file", &words]);
    assert_eq!(both.code, Some(2), "{both:?}");
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    let home = Home::new();
    let (data, open) = (home.path("made/by/us"), home.path("there"));
    std::fs::create_dir(&open).unwrap();
    set_mode(&open, 0o755);
    for directory in [&data, &open] {
        let server = ["--data-dir", directory.to_str().unwrap(), "--no-practice-target"];
        let mut command = home.throng(&["serve", "--bind", "127.0.0.1:0"]);
        let child = command.args(server).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut server = super::process::Running::of(child.spawn().unwrap());
        assert!(server.line().starts_with("http://"));
        for name in ["throng.db", "throng.db-wal", "throng.db-shm"] {
            assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
        }
        assert_eq!(mode(&directory.join("owners")), 0o700);
    }
    assert_eq!((mode(&home.path("made")), mode(&data)), (0o700, 0o700));
    assert_eq!(mode(&open), 0o755, "a directory that was there stays as it was");
}

#[tokio::test]
async fn a_server_that_listens_everywhere_says_where_it_can_be_opened() {
    let home = Home::new();
    for (bind, here) in [("0.0.0.0:0", "http://127.0.0.1:"), ("[::]:0", "http://[::1]:")] {
        if std::net::TcpListener::bind(bind).is_err() {
            continue; // A machine without IPv6.
        }
        let said = home.path("said");
        let mut command = home.throng(&["serve", "--bind", bind, "--no-practice-target"]);
        let log = std::fs::File::create(&said).unwrap();
        command.env("THRONG_TOKEN", "opensesame").stdout(std::process::Stdio::piped()).stderr(log);
        let mut server = super::process::Running::of(command.spawn().unwrap());
        let address = server.line();
        assert!(address.starts_with(here) && address.ends_with("/?token=opensesame"), "{address}");
        assert_eq!(client().get(&address).send().await.unwrap().status(), StatusCode::SEE_OTHER);
        server.signal(rustix::process::Signal::TERM);
        // Written before the server answers.
        let ended = server.ended();
        let text = std::fs::read_to_string(&said).unwrap();
        assert!(!ended.stdout.contains("opensesame") && !text.contains("opensesame"), "told once: {text}");
    }
}

#[tokio::test]
async fn the_address_for_other_machines_opens_the_server() {
    let home = Home::new();
    let said = home.path("said");
    let mut command = home.throng(&["serve", "--bind", "0.0.0.0:0", "--no-practice-target"]);
    let log = std::fs::File::create(&said).unwrap();
    command.env("THRONG_TOKEN", "opensesame").stdout(std::process::Stdio::piped()).stderr(log);
    let mut server = super::process::Running::of(command.spawn().unwrap());
    let here = server.line();
    assert_eq!(client().get(&here).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    let text = std::fs::read_to_string(&said).unwrap();
    // A machine without a network has none.
    let told = text.lines().find_map(|line| line.strip_prefix("from other machines: "));
    if let Some(base) = told.and_then(|told| told.split(',').next()) {
        let welcome = client().get(format!("{base}/?token=opensesame")).send().await.unwrap();
        assert_eq!(welcome.status(), StatusCode::SEE_OTHER, "{base}");
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
