//! What is not served: other paths, other methods, other files.

use std::os::unix::fs::symlink;

use crate::site::Site;

/// A root in which all that must stay unread is there and holds the word `secret`.
async fn site() -> Site {
    let site = Site::new().await;
    site.write("gate/segment_1.mp4", b"shown");
    for path in [
        "../secret.mp4",
        "../gate/secret.mp4",
        "secret.mp4",
        ".nightreel/catalog.db",
        ".nightreel/catalog.mp4",
        "gate/.hidden.mp4",
        "gate/.hidden/a.mp4",
        "gate/failed/a.mp4",
        "gate/failed/a.mp4.json",
        "gate/failed/b.mp4.partial",
        "gate/b.mkv.partial",
        "gate/c.mp4.partial",
        "gate/c.mp4.json.partial",
        "gate/.segment_1.mp4.json.staged",
        "gate/notes.json",
        "gate/key.txt",
        "gate/key",
        "gate/photo.jpg",
    ] {
        site.write(path, b"secret");
    }
    symlink("../../secret.mp4", site.path("gate/link.mp4")).unwrap();
    symlink("..", site.path("up")).unwrap();
    site
}

#[tokio::test]
async fn nothing_but_media_of_cameras_is_served() {
    let site = site().await;
    let paths = [
        "/media/../secret.mp4",
        "/media/gate/../secret.mp4",
        "/media/gate/../../secret.mp4",
        "/media/gate/%2e%2e/%2e%2e/secret.mp4",
        "/media/gate/..%2f..%2fsecret.mp4",
        "/media/gate/..%5c..%5csecret.mp4",
        "/media/gate/%252e%252e/secret.mp4",
        "/media/gate%2fsegment_1.mp4",
        "/media//gate/segment_1.mp4",
        "/media/gate//segment_1.mp4",
        "/media/gate/./segment_1.mp4",
        "/media/gate/segment_1.mp4/",
        "/media/gate/segment_1.mp4%00",
        "/media/gate/segment_1.mp4/x.mp4",
        "/media/secret.mp4",
        "/media/.nightreel/catalog.db",
        "/media/.nightreel/catalog.mp4",
        "/media/%2enightreel/catalog.mp4",
        "/media/gate/.hidden.mp4",
        "/media/gate/.hidden/a.mp4",
        "/media/gate/failed/a.mp4",
        "/media/gate/failed/a.mp4.json",
        "/media/gate/failed/b.mp4",
        "/media/gate/%66ailed/a.mp4",
        "/media/gate/b.mkv",
        "/media/gate/c.mp4.partial",
        "/media/gate/c.mp4.json",
        "/media/gate/.segment_1.mp4.json.staged",
        "/media/gate/notes.json",
        "/media/gate/key.txt",
        "/media/gate/key",
        "/media/gate/photo.jpg",
        "/media/gate/link.mp4",
        "/media/up/secret.mp4",
        "/media/up/gate/secret.mp4",
        "/media/gate",
        "/media/gate/",
        "/media/",
        "/media",
        "/",
        "/../media/gate/segment_1.mp4",
        "/MEDIA/gate/segment_1.mp4",
        "http://127.0.0.1/media/gate/../../secret.mp4",
    ];
    for path in paths {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "{path}");
    }
    for path in ["/media/gate/segment_1.mp4", "/media/gate/segment_1.mp4?t=1", "/media/g%61te/segment_1.mp4"]
    {
        assert_eq!(site.get(path, &[]).await.body, b"shown", "{path}");
    }
}

#[tokio::test]
async fn a_missing_file_may_come_later() {
    let site = site().await;
    let missing = site.get("/media/gate/segment_2.mp4", &[]).await;
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("no-store")));
}

#[tokio::test]
async fn only_get_and_head_are_methods() {
    let site = site().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        for path in ["/media/gate/segment_1.mp4", "/healthz"] {
            let answer = site.ask(&format!("{method} {path}"), &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.list("allow"), ["get", "head"], "{method} {path}");
        }
    }
    assert_eq!(site.get("/media/gate/segment_1.mp4", &[]).await.body, b"shown", "it is still there");
}

#[tokio::test]
async fn what_cannot_be_opened_is_the_servers_fault() {
    let site = Site::serving("no such\0root".into(), &[]).await;
    assert_eq!(site.get("/media/gate/segment_1.mp4", &[]).await.status, 500);
}
