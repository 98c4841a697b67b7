//! The doctor: looks at everything that the settings need, and says for each fault what to do.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::media::contents;
use crate::support::{Clip, FakeCamera, Nightreel, Outcome, Play, Reply, VisionServer, footage};

const KEY: &str = "sk-good";

fn server() -> VisionServer {
    VisionServer::start(Some(KEY), |_| Reply::Caption("nobody".into()))
}

fn configure(nightreel: &Nightreel, camera_url: &str, vision: &str) {
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {camera_url:?}\n\n\
         [vision]\n{vision}\napi_key_env = \"VISION_KEY\"\n"
    ));
}

fn examine(nightreel: &Nightreel, key: &str) -> Outcome {
    let mut command = nightreel.command(&["doctor", "--json"]);
    Outcome::of(command.env("VISION_KEY", key))
}

/// Returns the check whose name begins so.
fn check(checks: &[Value], what: &str) -> Value {
    let found = checks.iter().find(|check| check["what"].as_str().unwrap().starts_with(what));
    found.unwrap_or_else(|| panic!("{what} is not in {checks:#?}")).clone()
}

#[track_caller]
fn assert_fault(checks: &[Value], what: &str, words: &[&str]) {
    let check = check(checks, what);
    assert_eq!(check["verdict"], "fault", "{check}");
    for word in words {
        assert!(check["text"].as_str().unwrap().contains(word), "`{word}` is not in {check}");
    }
}

#[test]
fn finds_everything_in_order_and_changes_nothing() {
    let (nightreel, server) = (Nightreel::new(), server());
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let vision = format!("base_url = {:?}\nmodel = \"gpt-6-luna\"", server.base_url());
    configure(&nightreel, &camera.url(), &vision);
    let before = contents(&nightreel.root());

    let checks = examine(&nightreel, KEY).with_code(0).json_lines();

    assert!(checks.iter().all(|check| check["verdict"] != "fault"), "{checks:#?}");
    let gate = check(&checks, "camera gate");
    assert_eq!(gate["verdict"], "ok");
    assert!(gate["text"].as_str().unwrap().contains("768x576"), "{gate}");
    for what in ["settings", "storage.root", "disk", "detector", "vision"] {
        check(&checks, what);
    }
    assert!(server.journal().is_empty(), "a check-up costs nothing");
    assert_eq!(contents(&nightreel.root()), before);
}

#[test]
fn says_what_to_do_about_each_fault() {
    let (nightreel, server) = (Nightreel::new(), server());
    // A port that nobody listens on any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = format!("rtsp://127.0.0.1:{port}/cam");
    let base_url = server.base_url();
    configure(&nightreel, &gone, &format!("base_url = {base_url:?}\nmodel = \"gpt-6-luna\""));
    let checks = examine(&nightreel, "sk-wrong").with_code(1).json_lines();
    assert_fault(&checks, "camera gate", &["cannot be reached", "check `url`"]);
    assert_fault(&checks, "vision", &["vision.api_key"]);

    configure(&nightreel, &gone, &format!("base_url = {base_url:?}\nmodel = \"gpt-6-lunatic\""));
    let checks = examine(&nightreel, KEY).with_code(1).json_lines();
    assert_fault(&checks, "vision", &["vision.model"]);

    drop(server);
    let checks = examine(&nightreel, KEY).with_code(1).json_lines();
    assert_fault(&checks, "vision", &["vision.base_url"]);

    std::fs::remove_dir_all(nightreel.root()).unwrap();
    nightreel.write("media", "a file where the folder should be");
    let checks = examine(&nightreel, KEY).with_code(1).json_lines();
    assert_fault(&checks, "storage.root", &["is no folder"]);
    assert!(checks.iter().all(|check| !check["text"].as_str().unwrap().is_empty()), "{checks:#?}");
    check(&checks, "detector");
}
