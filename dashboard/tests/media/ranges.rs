//! Finished files: whole, in ranges, and not again what the client has.

use std::time::Duration;

use crate::site::{Site, pattern};

const SEGMENT: &str = "gate/segment_20261125_101500.mp4";
const URL: &str = "/media/gate/segment_20261125_101500.mp4";

async fn site() -> Site {
    let site = Site::new().await;
    site.write(SEGMENT, &pattern(1000));
    site
}

#[tokio::test]
async fn a_segment_is_served_whole() {
    let site = site().await;
    let answer = site.get(URL, &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, pattern(1000));
    assert_eq!(answer.header("content-type"), Some("video/mp4"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("etag").is_some() && answer.header("last-modified").is_some());
}

#[tokio::test]
async fn head_tells_the_same_without_a_body() {
    let site = site().await;
    let mut client = site.client().await;
    let (get, head) =
        (client.ask(&format!("GET {URL}"), &[]).await, client.ask(&format!("HEAD {URL}"), &[]).await);
    assert_eq!(head.status, 200);
    for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges", "cache-control"]
    {
        assert_eq!(head.header(name), get.header(name), "{name}");
        assert!(head.header(name).is_some(), "{name}");
    }
    let ranged = client.ask(&format!("HEAD {URL}"), &["Range: bytes=0-9"]).await;
    assert_eq!((ranged.status, ranged.header("content-length")), (200, Some("1000")), "ranges are for GET");
    assert_eq!(client.ask("GET /healthz", &[]).await.body, b"ok", "no body was sent in between");
}

#[tokio::test]
async fn ranges_are_served_or_refused() {
    let site = site().await;
    let whole = || Ok((200, 0..1000, None));
    let part = |from: usize, to: usize| Ok((206, from..to, Some(format!("bytes {from}-{}/1000", to - 1))));
    let cases = [
        ("bytes=0-0", part(0, 1)),
        ("bytes=0-99", part(0, 100)),
        ("bytes=990-", part(990, 1000)),
        ("bytes=990-5000", part(990, 1000)),
        ("bytes=999-999", part(999, 1000)),
        ("bytes=-10", part(990, 1000)),
        ("bytes=-1000", part(0, 1000)),
        ("bytes=-5000", whole()),
        ("bytes=0-9,20-29", whole()),
        ("seconds=0-9", whole()),
        ("bytes=1000-", Err(416)),
        ("bytes=5000-6000", Err(416)),
        ("bytes=20-10", Err(416)),
        ("bytes=-0", Err(416)),
        ("bytes=x-y", Err(416)),
    ];
    let mut client = site.client().await;
    for (range, expected) in cases {
        let answer = client.ask(&format!("GET {URL}"), &[&format!("Range: {range}")]).await;
        match expected {
            Ok((status, bytes, content_range)) => {
                assert_eq!((answer.status, &answer.body[..]), (status, &pattern(1000)[bytes]), "{range}");
                assert_eq!(answer.header("content-range"), content_range.as_deref(), "{range}");
                assert_eq!(answer.header("content-type"), Some("video/mp4"), "{range}");
            }
            Err(status) => {
                assert_eq!(answer.status, status, "{range}");
                assert_eq!(answer.header("content-range"), Some("bytes */1000"), "{range}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{range}");
            }
        }
    }
}

#[tokio::test]
async fn two_range_headers_are_none() {
    let answer = site().await.get(URL, &["Range: bytes=0-9", "Range: bytes=20-29"]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 1000));
}

#[tokio::test]
async fn an_empty_file_has_no_ranges() {
    let site = Site::new().await;
    site.write(SEGMENT, b"");
    for headers in [&[][..], &["Range: bytes=0-"][..], &["Range: bytes=-5"][..]] {
        let answer = site.get(URL, headers).await;
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")), "{headers:?}");
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let site = site().await;
    site.age(SEGMENT, Duration::from_secs(10));
    let first = site.get(URL, &[]).await;
    let etag = format!("If-None-Match: {}", first.header("etag").unwrap());
    let modified = format!("If-Modified-Since: {}", first.header("last-modified").unwrap());
    for condition in [&etag, &modified] {
        let again = site.get(URL, &[condition]).await;
        assert_eq!((again.status, again.header("etag")), (304, first.header("etag")), "{condition}");
        assert_eq!(again.header("cache-control"), first.header("cache-control"));
    }
    site.append(SEGMENT, b"more");
    assert_eq!(site.get(URL, &[&etag]).await.status, 200);
    assert_eq!(site.get(URL, &[&modified]).await.status, 200);
}

#[tokio::test]
async fn a_range_is_only_of_the_file_that_was_begun() {
    let site = site().await;
    site.age(SEGMENT, Duration::from_secs(10));
    let first = site.get(URL, &[]).await;
    let validators = ["etag", "last-modified"].map(|name| first.header(name).unwrap());
    let conditions = validators.map(|validator| format!("If-Range: {validator}"));
    for condition in &conditions {
        let rest = site.get(URL, &["Range: bytes=900-", condition]).await;
        assert_eq!((rest.status, rest.body.len()), (206, 100), "{condition}");
    }
    site.append(SEGMENT, b"more");
    for condition in &conditions {
        let whole = site.get(URL, &["Range: bytes=900-", condition]).await;
        assert_eq!((whole.status, whole.body.len()), (200, 1004), "{condition}");
    }
    let weak = format!("If-Range: W/{}", site.get(URL, &[]).await.header("etag").unwrap());
    assert_eq!(site.get(URL, &["Range: bytes=900-", &weak]).await.status, 200);
}

#[tokio::test]
async fn each_kind_has_its_type_and_time() {
    let site = Site::new().await;
    let long = "private, max-age=86400, immutable";
    let cases = [
        ("gate/segment_20261125_101500.mp4", "video/mp4", long),
        ("gate/processed/segment_20261125_101400.mp4", "video/mp4", long),
        ("gate/live/segment_20261125_101500.mp4", "video/mp4", long),
        ("gate/2026/11/a.mkv", "video/x-matroska", long),
        ("gate/init.mp4", "video/mp4", "no-cache"),
        ("gate/init_2.mp4", "video/mp4", "no-cache"),
        ("gate/stream.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        ("gate/live/stream.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        ("gate/processed/segment_20261125_101400.mp4.json", "application/json", "no-cache"),
        ("gate/snapshots/20261125_101500.jpg", "image/jpeg", "no-cache"),
    ];
    for (path, content_type, cache_control) in cases {
        site.write(path, path.as_bytes());
        site.age(path, Duration::from_secs(3600));
        let answer = site.get(&format!("/media/{path}"), &[]).await;
        assert_eq!((answer.status, &answer.body[..]), (200, path.as_bytes()), "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("cache-control"), Some(cache_control), "{path}");
    }
    site.write("gate/b.mp4", b"another recorder may be writing this");
    assert_eq!(site.get("/media/gate/b.mp4", &[]).await.header("cache-control"), Some("no-cache"));
}
