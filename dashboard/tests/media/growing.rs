//! Segments that change while they are read: they grow, get their name, are moved, are cut.

use catalog::files;

use crate::site::{Site, pattern};

const PARTIAL: &str = "gate/segment_20261125_101500.mp4.partial";
const SEGMENT: &str = "gate/segment_20261125_101500.mp4";
const PROCESSED: &str = "gate/processed/segment_20261125_101500.mp4";
const GET: &str = "GET /media/gate/segment_20261125_101500.mp4";

/// More than the sockets between server and client hold, so that most of it is still to be read.
const LARGE: usize = 24 << 20;

fn rename(site: &Site, from: &str, to: &str) {
    files::create_folder(site.path(to).parent().unwrap()).unwrap();
    files::rename(&site.path(from), &site.path(to)).unwrap();
}

#[tokio::test]
async fn a_segment_is_served_while_it_grows() {
    let site = Site::new().await;
    let mut client = site.client().await;
    assert_eq!(client.ask(GET, &[]).await.status, 404);
    site.write(PARTIAL, &pattern(1000));
    let early = client.ask(GET, &["Range: bytes=500-999"]).await;
    assert_eq!((early.status, early.header("content-range")), (206, Some("bytes 500-999/1000")));
    assert_eq!(
        (early.header("cache-control"), early.header("content-type")),
        (Some("no-store"), Some("video/mp4"))
    );
    assert_eq!(client.ask(GET, &["Range: bytes=1000-1999"]).await.status, 416, "not yet");

    site.append(PARTIAL, &pattern(2000)[1000..]);
    let later = client.ask(GET, &["Range: bytes=1000-1999"]).await;
    assert_eq!((later.status, later.header("content-range")), (206, Some("bytes 1000-1999/2000")));
    assert_eq!(later.body, pattern(2000)[1000..]);
    assert_eq!(client.ask(GET, &["Range: bytes=500-999"]).await.body, early.body, "the bytes stay");

    rename(&site, PARTIAL, SEGMENT);
    let finished = client.ask(GET, &["Range: bytes=500-999"]).await;
    assert_eq!((finished.status, &finished.body), (206, &early.body));
    assert_eq!(finished.header("cache-control"), Some("no-cache"));

    rename(&site, SEGMENT, PROCESSED);
    let moved = client.ask(GET, &["Range: bytes=500-999"]).await;
    assert_eq!((moved.status, &moved.body), (206, &early.body), "a playlist still has the old name");
}

#[tokio::test]
async fn a_whole_answer_ends_where_the_file_did() {
    let site = Site::new().await;
    site.write(PARTIAL, &pattern(LARGE));
    let mut client = site.client().await;
    client.send(GET, &[]).await;
    let head = client.head().await;
    assert_eq!((head.status, head.header("content-length").unwrap()), (200, &*LARGE.to_string()));
    site.append(PARTIAL, b"a fragment that came while the answer was sent");
    assert!(client.body(LARGE).await == pattern(LARGE));
    assert_eq!(client.ask("GET /healthz", &[]).await.body, b"ok", "nothing was sent beyond the length");
}

#[tokio::test]
async fn renaming_does_not_disturb_whoever_reads() {
    let site = Site::new().await;
    site.write(PARTIAL, &pattern(LARGE));
    let mut client = site.client().await;
    client.send(GET, &["Range: bytes=1000-"]).await;
    assert_eq!(client.head().await.status, 206);
    let first = client.body(100_000).await;
    rename(&site, PARTIAL, SEGMENT);
    let second = client.body(100_000).await;
    rename(&site, SEGMENT, PROCESSED);
    site.write(SEGMENT, b"another file of that name");
    let third = client.body(LARGE - 201_000).await;
    assert!([first, second, third].concat() == pattern(LARGE)[1000..]);
    assert_eq!(client.ask(GET, &[]).await.body, b"another file of that name");
}

#[tokio::test]
async fn an_answer_that_cannot_be_completed_is_broken_off() {
    let site = Site::new().await;
    site.write(PARTIAL, &pattern(LARGE));
    let mut client = site.client().await;
    client.send(GET, &[]).await;
    assert_eq!(client.head().await.status, 200);
    let file = std::fs::OpenOptions::new().write(true).open(site.path(PARTIAL)).unwrap();
    file.set_len(1 << 20).unwrap();
    assert!(client.body(1 << 20).await == pattern(1 << 20));
    let mut rest = 0;
    while !client.is_closed().await {
        rest += 1;
        assert!(rest < LARGE - (1 << 20), "the whole length was sent");
    }
}
