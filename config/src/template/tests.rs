//! Tests of the template: what it writes loads, also with every comment taken away.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::load;

fn answers(camera: Option<CameraAnswers>) -> Answers {
    Answers {
        root: "/srv/with \"quotes\"".to_owned(),
        camera,
        timezone: Tz::Europe__Berlin,
        windows: vec!["22:00-06:00".to_owned()],
    }
}

fn gate() -> CameraAnswers {
    CameraAnswers {
        id: "gate".parse().unwrap(),
        url: Some(camera_url("192.168.1.20").unwrap()),
        username: Some("admin".to_owned()),
        password_env: Some("GATE_PASSWORD".to_owned()),
        segment_seconds: 90,
        mode: StreamMode::Record,
    }
}

fn loaded(text: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nightreel.toml"), text).unwrap();
    let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
    load(None, &environment).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn writes_settings_that_load_as_answered() {
    let settings = loaded(&template(&answers(Some(gate())))).settings;
    assert_eq!(settings.storage.root.to_str(), Some("/srv/with \"quotes\""));
    assert_eq!(settings.process.windows.zone(), Tz::Europe__Berlin);
    let camera = &settings.cameras[0];
    assert_eq!((camera.id.as_str(), camera.segment_length.as_secs()), ("gate", 90));
    assert!(loaded(&template(&answers(None))).settings.cameras.is_empty());
    let folder_only = CameraAnswers { url: None, username: None, password_env: None, ..gate() };
    assert!(loaded(&template(&answers(Some(folder_only)))).settings.cameras[0].source.is_none());
}

#[test]
fn every_commented_line_is_true() {
    let live = CameraAnswers { mode: StreamMode::Hls { part_seconds: 2 }, ..gate() };
    for camera in [Some(gate()), Some(live), None] {
        let text = template(&answers(camera));
        let is_setting = |line: &str| {
            line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains([' ', ':']))
        };
        let uncommented: Vec<&str> = text
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
            .collect();
        let settings = loaded(&uncommented.join("\n")).settings;
        assert!(settings.vision.is_some() && settings.retention.max_age.is_some() && settings.hook.is_some());
        assert_eq!(settings.cameras.len(), 1);
    }
}

#[test]
fn takes_answers_from_dotenv_and_leaves_the_password_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = "CAMERA_IP=10.0.0.1\nCAMERA_USERNAME=me\nCAMERA_PASSWORD=hunter2\nOUTPUT_DIR=/video/door\n";
    fs::write(folder.path().join(".env"), text).unwrap();
    let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
    let text = template(&Answers::from_dotenv(&environment).unwrap().unwrap());
    assert!(!text.contains("hunter2"));
    fs::write(folder.path().join("nightreel.toml"), text).unwrap();
    let loaded = load(None, &environment).unwrap();
    let source = loaded.settings.cameras[0].source.clone().unwrap();
    assert_eq!(source.password.unwrap().expose(), "hunter2");
    assert_eq!(loaded.settings.storage.root.to_str(), Some("/video"));
}

#[test]
fn takes_the_mode_from_dotenv_and_leaves_its_password_there() {
    let folder = tempfile::tempdir().unwrap();
    let written = |mode: &str| {
        let text = format!("CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/video/door\nSEGMENT_TIME=4\n{mode}\n");
        fs::write(folder.path().join(".env"), text).unwrap();
        let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
        template(&Answers::from_dotenv(&environment).unwrap().unwrap())
    };
    let camera = loaded(&written("STREAM_MODE=hls")).settings.cameras.remove(0);
    assert_eq!((&camera.recording, camera.segment_length.as_secs()), (&Recording::Off, 4));
    assert_eq!(camera.hls.map(|hls| hls.part.as_secs()), Some(4));
    let text = written("STREAM_MODE=republish\nOUTPUT_RTSP_URL=rtsp://me:hunter2@h/live");
    assert!(!text.contains("hunter2"), "{text}");
    let loaded = loaded(&text);
    let camera = &loaded.settings.cameras[0];
    let republish = camera.republish.as_ref().unwrap();
    assert_eq!(camera.recording, Recording::Off);
    assert_eq!((republish.url.as_str(), republish.username.as_deref()), ("rtsp://h/live", Some("me")));
    assert_eq!(loaded.missing_secrets()[0].key, "camera[0].republish_password_env");
}
