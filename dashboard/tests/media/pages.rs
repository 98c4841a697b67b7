//! What pages in browsers may do: by their origin, and by the name they call the server.

use std::collections::BTreeMap;

use nightreel_dashboard::{MediaServer, Reach, media};

use crate::site::{Site, pattern};

const URL: &str = "/media/gate/a.mp4";
const PREFLIGHT: [&str; 2] = ["Access-Control-Request-Method: GET", "Access-Control-Request-Headers: range"];

async fn site(origins: &[&str]) -> Site {
    let site = Site::with_origins(origins).await;
    site.write("gate/a.mp4", &pattern(1000));
    site
}

#[tokio::test]
async fn health_is_told() {
    let answer = site(&[]).await.get("/healthz", &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
}

#[tokio::test]
async fn without_origins_no_other_page_reads() {
    let site = site(&[]).await;
    let origin = "Origin: https://a.example";
    let answer = site.get(URL, &[origin]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-site"));
    let preflight = site.ask(&format!("OPTIONS {URL}"), &[origin, PREFLIGHT[0], PREFLIGHT[1]]).await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn listed_origins_read_and_others_do_not() {
    let site = site(&["https://a.example", "http://localhost:3000"]).await;
    for (origin, allowed) in [
        ("https://a.example", Some("https://a.example")),
        ("http://localhost:3000", Some("http://localhost:3000")),
        ("http://a.example", None),
        ("https://a.example.evil.example", None),
        ("null", None),
    ] {
        let origin = format!("Origin: {origin}");
        let preflight = site.ask(&format!("OPTIONS {URL}"), &[&origin, PREFLIGHT[0], PREFLIGHT[1]]).await;
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{origin}");
        assert_eq!(preflight.list("access-control-allow-methods"), ["get", "head"]);
        assert!(preflight.list("access-control-allow-headers").contains(&"range".into()));
        assert!(preflight.header("access-control-max-age").is_some());

        let answer = site.get(URL, &[&origin, "Range: bytes=0-9"]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (206, allowed), "{origin}");
        let exposed = answer.list("access-control-expose-headers");
        for name in ["content-range", "content-length", "accept-ranges"] {
            assert!(exposed.contains(&name.into()), "{exposed:?}");
        }
        assert!(answer.list("vary").contains(&"origin".into()), "a cache must not mix origins");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
    }
    let missing = site.get("/media/gate/b.mp4", &["Origin: https://a.example"]).await;
    assert_eq!(missing.header("access-control-allow-origin"), Some("https://a.example"), "to be told apart");
}

#[tokio::test]
async fn a_star_lets_every_page_read() {
    let site = site(&["*"]).await;
    let answer = site.get(URL, &["Origin: https://any.example", "Host: any.example"]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
}

#[tokio::test]
async fn another_name_for_this_machine_is_refused() {
    let site = site(&["https://cams.example"]).await;
    let port = site.address.port();
    for own in [
        "127.0.0.1",
        &format!("127.0.0.1:{port}"),
        &format!("localhost:{port}"),
        "[::1]:8420",
        "cams.example",
    ] {
        assert_eq!(site.get(URL, &[&format!("Host: {own}")]).await.status, 200, "{own}");
    }
    for foreign in ["evil.example", "evil.example:8420", "192.0.2.1"] {
        for path in [URL, "/healthz"] {
            let answer = site.get(path, &[&format!("Host: {foreign}")]).await;
            assert_eq!(answer.status, 403, "{foreign}{path}");
            assert!(String::from_utf8_lossy(&answer.body).contains("`serve.cors_origins`"));
        }
    }
    assert_eq!(site.get(&format!("http://evil.example{URL}"), &[]).await.status, 403);
    assert_eq!(site.get(URL, &["Host: a b"]).await.status, 400);
}

#[test]
fn an_origin_that_never_matches_is_no_setting() {
    let cors_origins = vec!["https://a.example/".to_owned()];
    let server = MediaServer {
        root: "/srv/media".into(),
        cors_origins,
        reach: Reach::Loopback,
        users: BTreeMap::new(),
        tokens: BTreeMap::new(),
    };
    let fault = media(&server).unwrap_err().to_string();
    assert!(fault.contains("`serve.cors_origins`") && fault.contains("`https://a.example`"), "{fault}");
}
