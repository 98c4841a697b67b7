//! Tests of loading: where settings come from, which layer wins, and that no secret gets out.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::raw::keys;
use crate::{AfterProcessing, Recording, Secret, render_effective};

/// A folder with these files in it, and no variable set but these.
struct Place {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(folder.path().join(name), private).unwrap();
        }
        Self { folder, variables: BTreeMap::new() }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn environment(&self) -> Result<Environment, ConfigError> {
        Environment::new(self.folder.path(), self.variables.clone())
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(None, &self.environment()?)
    }

    fn error(&self) -> String {
        self.load().unwrap_err().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

const MINIMAL: &str = "[storage]\nroot = 'video'\n";

/// The config that the project promised to take from the first day on.
const PROMISED: &str = r#"
[storage]
root = "/srv/nightreel"

[[camera]]
id = "gate"
url = "rtsp://127.0.0.1:8554/cam"
username = "admin"
password_env = "GATE_PASSWORD"
segment_seconds = 60

[process]
every_nth_frame = 30
timezone = "Europe/Berlin"
windows = ["22:00-06:00"]

[detect]
labels = ["person", "car", "truck"]

[vision]
base_url = "http://127.0.0.1:14199/v1"
model = "gpt-6-luna"
api_key_env = "OPENAI_API_KEY"
prompt = "What is happening?"

[retention]
after_processing = "move"      # move | archive | delete | keep
max_age_days = 30
min_free_gb = 5
"#;

#[test]
fn takes_the_promised_config() {
    let place = Place::with(&[("nightreel.toml", PROMISED)])
        .set("GATE_PASSWORD", "s3cret")
        .set("OPENAI_API_KEY", "sk-1");
    let Loaded { settings, warnings, missing, .. } = place.load().unwrap();
    assert!(warnings.is_empty() && missing.is_empty(), "{warnings:?} {missing:?}");
    let source = settings.cameras[0].source.as_ref().unwrap();
    assert_eq!(source.password.as_ref().map(Secret::expose), Some("s3cret"));
    assert_eq!(settings.cameras[0].views[0].name, "original");
    let vision = settings.vision.unwrap();
    assert_eq!(vision.api_key.as_ref().map(Secret::expose), Some("sk-1"));
    assert_eq!(vision.caps.calls, Some(1000));
    assert_eq!(settings.retention.min_free, Some(5_000_000_000));
    assert_eq!(settings.retention.after_processing, AfterProcessing::Move);
    assert_eq!(settings.storage.state_dir, Path::new("/srv/nightreel/.nightreel"));
}

#[test]
fn deletes_nothing_and_calls_nobody_by_default() {
    let settings = Place::with(&[("nightreel.toml", MINIMAL)]).load().unwrap().settings;
    assert_eq!(settings.retention.after_processing, AfterProcessing::Move);
    assert_eq!((settings.retention.max_age, settings.retention.min_free), (None, None));
    assert!(settings.vision.is_none() && settings.retention.protect_unprocessed);
    assert_eq!(settings.detect.map(|detect| (detect.labels.len(), detect.min_score)), Some((0, 0.40)));
    assert_eq!(settings.process.every_nth_frame.get(), 30);
}

#[test]
fn every_example_loads() {
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let path = entry.unwrap().path();
        let environment = Place::with(&[]).environment().unwrap();
        if let Err(error) = load(Some(&path), &environment) {
            panic!("{}: {error}", path.display());
        }
    }
}

#[test]
fn the_full_example_and_the_docs_name_every_key() {
    let full = include_str!("../../examples/full.toml");
    let docs = include_str!("../../../docs/configuration.md");
    let shown: String = full
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains("key = \"…") || rest.contains(" = \""))
                .unwrap_or(line)
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let shown: toml::Table = shown.parse().unwrap();
    for key in keys::all() {
        assert!(names(&toml::Value::Table(shown.clone()), &key), "`{key}` is missing in full.toml");
        let name = key.rsplit('.').next().unwrap();
        assert!(docs.contains(&format!("| `{name}` ")), "`{key}` is missing in docs/configuration.md");
    }
}

fn names(value: &toml::Value, key: &str) -> bool {
    match value {
        toml::Value::Array(entries) => entries.iter().any(|entry| names(entry, key)),
        value => match key.split_once('.') {
            Some((section, rest)) => value.get(section).is_some_and(|inner| names(inner, rest)),
            None => value.get(key).is_some(),
        },
    }
}

#[test]
fn looks_for_the_file_named_then_here_then_in_dotenv() {
    let dotenv = "CAMERA_IP=10.0.0.7\nOUTPUT_DIR=/video/door\n";
    let other = "[storage]\nroot = '/other'\n";
    let place = Place::with(&[("nightreel.toml", MINIMAL), (".env", dotenv), ("other.toml", other)]);
    let environment = place.environment().unwrap();
    let named = load(Some(Path::new("other.toml")), &environment).unwrap();
    assert_eq!(named.settings.storage.root, Path::new("/other"));
    assert_eq!(place.load().unwrap().settings.storage.root, place.folder.path().join("video"));
    let only_dotenv = Place::with(&[(".env", dotenv)]);
    assert_eq!(only_dotenv.load().unwrap().settings.storage.root, Path::new("/video"));
    let nothing = Place::with(&[]);
    assert!(nothing.error().contains("run `nightreel init`"), "{}", nothing.error());
    let absent = load(Some(Path::new("absent.toml")), &environment).unwrap_err();
    assert!(matches!(absent, ConfigError::Unreadable { .. }));
}

#[test]
fn lays_the_environment_over_the_file_and_tells_where_each_value_is_from() {
    let file =
        "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\nurl = 'rtsp://h/a'\npassword_env = 'NOT_SET'\n";
    let place = Place::with(&[("nightreel.toml", file), (".env", "NIGHTREEL__PROCESS__WORKERS=7\n")])
        .set("NIGHTREEL__STORAGE__ROOT", "/b")
        .set("NIGHTREEL__CAMERA__0__PASSWORD", "from outside")
        .set("NIGHTREEL__DETECT__LABELS", "person, traffic light");
    let loaded = place.load().unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.storage.root, Path::new("/b"));
    assert_eq!(settings.process.workers, 7);
    assert_eq!(settings.detect.as_ref().unwrap().labels, ["person", "traffic_light"]);
    let password = settings.cameras[0].source.as_ref().unwrap().password.as_ref();
    assert_eq!(password.map(Secret::expose), Some("from outside"));
    let origins = ["storage.root", "process.workers", "camera[0].id", "process.max_attempts"]
        .map(|key| loaded.origin(key).to_string());
    assert_eq!(
        origins,
        [
            "environment variable NIGHTREEL__STORAGE__ROOT",
            ".env NIGHTREEL__PROCESS__WORKERS",
            "nightreel.toml:4",
            "default"
        ]
    );
}

#[test]
fn refuses_variables_that_lead_nowhere() {
    let cases = [
        ("NIGHTREEL__STORAGE__ROTT", "`storage.rott`: there is no such key; did you mean `root`?"),
        ("NIGHTREEL__STORAGE", "`storage`: must be a section, but is text"),
        ("NIGHTREEL__STORAGE____ROOT", "does not name a key"),
        ("NIGHTREEL__CAMERA__99999__ID", "does not lead to a key"),
        ("NIGHTREEL__STORAGE__ROOT__DEEPER", "does not lead to a key"),
    ];
    for (name, expected) in cases {
        let error = Place::with(&[("nightreel.toml", MINIMAL)]).set(name, "x").error();
        assert!(error.contains(expected) && error.contains(name), "{name}: {error}");
    }
}

#[test]
fn understands_dotenv_as_it_is() {
    let text = "CAMERA_IP=192.168.1.20\nCAMERA_USERNAME=admin\nCAMERA_PASSWORD='p$ss w#rd'\nSTREAM_MODE=record\n\
                OUTPUT_DIR=./recordings/gate/\nSEGMENT_TIME=90\nOUTPUT_RTSP_URL=rtsp://x/y\nSTORAGE_BACKEND=local\n";
    let place = Place::with(&[(".env", text)]).set("CAMERA_USERNAME", "of the process");
    let loaded = place.load().unwrap();
    let camera = &loaded.settings.cameras[0];
    let source = camera.source.as_ref().unwrap();
    assert_eq!(loaded.settings.storage.root, place.folder.path().join("recordings"));
    assert_eq!((camera.id.as_str(), camera.segment_length.as_secs()), ("gate", 90));
    assert_eq!(source.url.as_str(), "rtsp://192.168.1.20:554/h264Preview_01_main");
    assert_eq!(source.username.as_deref(), Some("of the process"));
    assert_eq!(source.password.as_ref().map(Secret::expose), Some("p$ss w#rd"));
    assert_eq!(loaded.warnings.len(), 1, "OUTPUT_RTSP_URL has no effect: {:?}", loaded.warnings);
}

#[test]
fn understands_the_modes_of_dotenv_that_keep_nothing() {
    let mode = |lines: &str| {
        let text = format!("CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/video/gate\n{lines}\n");
        Place::with(&[(".env", &text)]).load().unwrap_or_else(|error| panic!("{lines}: {error}"))
    };
    for (seconds, part, segment, keep) in
        [("", 2, 60, 3600), ("SEGMENT_TIME=1", 1, 1, 3600), ("SEGMENT_TIME=3600", 3600, 3600, 10_800)]
    {
        let camera = mode(&format!("STREAM_MODE=hls\n{seconds}")).settings.cameras.remove(0);
        let hls = camera.hls.unwrap();
        assert_eq!(camera.recording, Recording::Off);
        assert_eq!(
            (hls.part.as_secs(), camera.segment_length.as_secs(), hls.keep.as_secs()),
            (part, segment, keep)
        );
    }
    let loaded = mode("STREAM_MODE=republish\nOUTPUT_RTSP_URL=rtsp://me:p%40ss@h:8554/live");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let camera = &loaded.settings.cameras[0];
    let republish = camera.republish.as_ref().unwrap();
    assert_eq!((&camera.recording, camera.hls), (&Recording::Off, None));
    assert_eq!((republish.url.as_str(), republish.username.as_deref()), ("rtsp://h:8554/live", Some("me")));
    assert_eq!(republish.address().expose(), "rtsp://me:p%40ss@h:8554/live");
    assert_eq!(loaded.origin("camera[0].republish_password").to_string(), ".env OUTPUT_RTSP_URL");
    assert_eq!(loaded.origin("camera[0].record").to_string(), ".env STREAM_MODE");
}

#[test]
fn names_the_variable_of_each_fault_in_dotenv() {
    let cases = [
        ("OUTPUT_DIR=/v/a", ".env CAMERA_IP: is missing"),
        ("CAMERA_IP=10.0.0.1", ".env OUTPUT_DIR: is missing"),
        ("CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/", ".env OUTPUT_DIR: must end in the name"),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTREAM_MODE=rec",
            ".env STREAM_MODE: must be `record`, `hls` or",
        ),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTREAM_MODE=republish",
            ".env OUTPUT_RTSP_URL: is missing: STREAM_MODE=republish needs",
        ),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTREAM_MODE=republish\nOUTPUT_RTSP_URL=rtmp://me:hunter2@h/a",
            ".env OUTPUT_RTSP_URL: `camera[0].republish`: must begin with `rtsp://`",
        ),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTREAM_MODE=republish\nOUTPUT_RTSP_URL=rtsp://me:hunter2%FF@h/a",
            ".env OUTPUT_RTSP_URL: `camera[0].republish`: must not carry credentials",
        ),
        ("CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTORAGE_BACKEND=nfs", ".env STORAGE_BACKEND: must be `local`"),
        ("CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSTORAGE_BACKEND=s3", ".env STORAGE_BACKEND: `s3` is planned"),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/a\nSEGMENT_TIME=1m",
            ".env SEGMENT_TIME: `camera[0].segment_seconds`: must be a whole number",
        ),
        (
            "CAMERA_IP=10.0.0.1\nOUTPUT_DIR=/v/failed",
            ".env OUTPUT_DIR: `camera[0].id`: `failed` cannot name a camera",
        ),
        ("CAMERA_IP=\nOUTPUT_DIR=/v/a", ".env CAMERA_IP: `camera[0].url`: "),
        ("CAMERA_IP=10.0.0.1\nCAMERA_PASSWORD=hunter2 x", "line 2 is not `NAME=value`"),
    ];
    for (text, expected) in cases {
        let error = Place::with(&[(".env", text)]).error();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn reads_addresses_with_and_without_port() {
    let cases = [
        ("10.0.0.1", "rtsp://10.0.0.1:554/h264Preview_01_main"),
        ("10.0.0.1:8554", "rtsp://10.0.0.1:8554/h264Preview_01_main"),
        ("10.0.0.1:8554/cam", "rtsp://10.0.0.1:8554/cam"),
        ("gate.lan", "rtsp://gate.lan:554/h264Preview_01_main"),
        ("fe80::1", "rtsp://[fe80::1]:554/h264Preview_01_main"),
        ("rtsp://10.0.0.1/cam", "rtsp://10.0.0.1/cam"),
    ];
    for (address, expected) in cases {
        assert_eq!(dotenv::stream_url(address), expected);
    }
}

#[test]
fn takes_plain_variables_for_a_camera_only_when_both_are_set() {
    let one = Place::with(&[]).set("OUTPUT_DIR", "/build/out");
    assert!(matches!(one.load(), Err(ConfigError::NotFound { .. })));
    let both = one.set("CAMERA_IP", "10.0.0.1");
    assert_eq!(both.load().unwrap().settings.cameras[0].id.as_str(), "out");
}

#[test]
fn finds_secrets_in_the_order_file_credential_variable() {
    let file = "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\nurl = 'rtsp://h/a'\n";
    let password = |place: &Place| {
        let loaded = place.load().unwrap();
        let source = loaded.settings.cameras[0].source.clone().unwrap();
        source.password.map(|password| password.expose().to_owned())
    };
    let none = Place::with(&[("nightreel.toml", file)]);
    assert_eq!(password(&none), None);
    let variable =
        Place::with(&[("nightreel.toml", &format!("{file}password_env = 'P'\n")), ("p", "from P_FILE\r\n")])
            .set("P", "from P\n");
    assert_eq!(password(&variable).as_deref(), Some("from P"));
    let path = variable.path("p");
    let variable = variable.set("P_FILE", &path);
    assert_eq!(password(&variable).as_deref(), Some("from P_FILE"));
    fs::write(variable.path("gate.password"), "from systemd\n\n").unwrap();
    let folder = variable.path("");
    let credential = variable.set("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(password(&credential).as_deref(), Some("from systemd\n"), "one newline is trimmed");
    let named =
        Place::with(&[("nightreel.toml", &format!("{file}password_file = 'p'\n")), ("p", "from file")])
            .set("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(password(&named).as_deref(), Some("from file"));
}

#[test]
fn finds_the_password_for_republishing_as_it_finds_the_camera_s() {
    let file =
        "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\nurl = 'rtsp://h/a'\nrepublish = 'rtsp://h/b'\n";
    let password = |place: &Place| {
        let republish = place.load().unwrap().settings.cameras[0].republish.clone().unwrap();
        republish.password.map(|password| password.expose().to_owned())
    };
    let credential = Place::with(&[("nightreel.toml", file), ("gate.republish_password", "from systemd\n")]);
    assert_eq!(password(&credential), None);
    let folder = credential.path("");
    assert_eq!(password(&credential.set("CREDENTIALS_DIRECTORY", &folder)).as_deref(), Some("from systemd"));
    let named = Place::with(&[("nightreel.toml", &format!("{file}republish_password_env = 'P'\n"))]);
    let missing = named.load().unwrap().require_camera_secrets().unwrap_err().to_string();
    assert!(missing.contains("`camera[0].republish_password_env`"), "{missing}");
    assert_eq!(password(&named.set("P", "from P")).as_deref(), Some("from P"));
    let file_named = Place::with(&[("nightreel.toml", &format!("{file}republish_password_file = 'p'\n"))])
        .set("NIGHTREEL__CAMERA__0__REPUBLISH_PASSWORD", "from outside");
    assert_eq!(password(&file_named).as_deref(), Some("from outside"));
}

#[test]
fn loads_without_a_secret_that_only_the_recorder_has() {
    let place = Place::with(&[("nightreel.toml", PROMISED)]).set("OPENAI_API_KEY", "");
    let loaded = place.load().unwrap();
    assert_eq!(loaded.missing_secrets().len(), 2);
    let missing = loaded.missing_secret_of(&loaded.settings.cameras[0].id).unwrap();
    assert_eq!(missing.key, "camera[0].password_env");
    let error = loaded.require_camera_secrets().unwrap_err().to_string();
    assert!(error.contains("`camera[0].password_env`") && error.contains("`GATE_PASSWORD`"), "{error}");
    assert!(!error.contains("OPENAI"), "{error}");
    assert!(loaded.require_vision_secret().unwrap_err().to_string().contains("`vision.api_key_env`"));
    let here = place.set("GATE_PASSWORD", "x").load().unwrap();
    assert!(here.require_camera_secrets().is_ok() && here.require_vision_secret().is_err());
}

#[test]
fn warns_about_secrets_that_everyone_may_read() {
    let camera = "[[camera]]\nid = 'gate'\nurl = 'rtsp://h/a'\n";
    let literal = format!("{MINIMAL}{camera}password = 'x'\n");
    let in_url = format!("{MINIMAL}{}", camera.replace("//h", "//me:x@h"));
    let in_file = format!("{MINIMAL}{camera}password_file = 'p'\n");
    let republished = format!("{MINIMAL}{camera}republish = 'rtsp://h/b'\n");
    let to_others = format!("{republished}republish_password = 'x'\n");
    let to_others_in_file = format!("{republished}republish_password_file = 'p'\n");
    let webhook = format!("{MINIMAL}[hook]\nwebhook = 'https://h/x'\n");
    let cases = [
        (literal, "nightreel.toml"),
        (in_url, "nightreel.toml"),
        (in_file, "p"),
        (to_others, "nightreel.toml"),
        (to_others_in_file, "p"),
        (webhook, "nightreel.toml"),
    ];
    for (text, open) in &cases {
        let place = Place::with(&[("nightreel.toml", text), ("p", "x")]);
        assert!(place.load().unwrap().warnings.is_empty(), "{text}");
        fs::set_permissions(place.path(open), fs::Permissions::from_mode(0o644)).unwrap();
        let warnings = place.load().unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(open), "{text}: {warnings:?}");
    }
}

const SECRET: &str = "hunter2hunter2";

#[test]
fn tells_of_broken_lines_without_their_secrets() {
    let broken = [
        format!("password = '{SECRET}"),
        format!("password = {SECRET}"),
        format!("password '{SECRET}'"),
        format!("password = '{SECRET}' '{SECRET}'"),
        format!("password = ['{SECRET}']"),
        format!("password = {{ a = '{SECRET}' }}"),
        format!("password = \"{SECRET}\\q\""),
        format!("password = '{SECRET}'\npassword = '{SECRET}'"),
        format!("passwort = '{SECRET}'"),
        format!("url = 'rtsp://me:{SECRET}@h/a'\npassword = '{SECRET}'"),
        format!("url = 'rtsp://me:{SECRET}@h:99999/a'"),
        format!("url = 'ftp://me:{SECRET}@h/a'"),
        format!("url = 'srt://me:{SECRET}@h/a'"),
        format!("url = 'file://me:{SECRET}@h/a'"),
        format!("url = 'v4l2://me:{SECRET}@h/a'"),
        format!("url = 'http://me:{SECRET}@h/a'\ninput = 'native'"),
        format!("url = 'http://h/a?pwd={SECRET}{{password}}'"),
        format!("url = 'me:{SECRET}@h/a'"),
        format!("url = 'rtsp://h/a?password={SECRET}'"),
        format!("username = 'a'\nurl = 'rtsp://me:{SECRET}@h/a'"),
        format!("password = '{SECRET}'\npassword_env = 'X'"),
        format!("mount = '{SECRET}'\npassword = 5"),
        format!("republish_password = '{SECRET}'"),
        format!("republish = 'rtsp://me:{SECRET}@h/b'\nurl = 'rtsp://h/a'"),
        format!("republish = '{SECRET}'\nurl = 'rtsp://h/a'"),
        format!("republish = 'rtsp://h/b?token={SECRET}'\nurl = 'rtsp://h/a'"),
        format!("[hook]\nwebhook = '{SECRET}'"),
        format!("[hook]\nwebhook = 'ftp://me:{SECRET}@h/{SECRET}'"),
        format!("[hook]\nwebhook = ['{SECRET}']"),
        format!("[hook]\nwebhok = 'https://h/{SECRET}'"),
        format!("[mqtt]\nurl = 'mqtt://me:{SECRET}@h'"),
        format!("[mqtt]\npassword = '{SECRET}'"),
    ];
    for line in broken {
        let text = format!("[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\n{line}\n");
        let error = Place::with(&[("nightreel.toml", &text)]).load().unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{line}: {error}");
        assert!(
            error.to_string().contains("nightreel.toml:5") || error.to_string().contains("nightreel.toml:6"),
            "{line}: {error}"
        );
    }
}

#[test]
fn shows_neither_secrets_nor_credentials_of_urls() {
    let text = format!(
        "[storage]\nroot = '/a'\n[[camera]]\nid = 'a'\nurl = 'rtsp://me:{SECRET}@h/a'\n[[camera]]\nid = 'b'\n\
         url = 'rtsp://h/b'\npassword = '{SECRET}'\nrepublish = 'rtsp://h/c'\nrepublish_password = '{SECRET}'\n[vision]\nbase_url = 'http://h/v1'\nmodel = 'm'\n\
         api_key = '{SECRET}'\nproxy = 'http://me:{SECRET}@h:3128'\n[[vision.header]]\nname = 'X-Team'\n\
         value = '{SECRET}'\n[hook]\nwebhook = 'https://me:{SECRET}@h:8443/{SECRET}?key={SECRET}'\n"
    );
    let place = Place::with(&[("nightreel.toml", &text)]).set("SOME_TOKEN", SECRET);
    let loaded = place.load().unwrap();
    let shown = render_effective(&loaded);
    let all = format!("{shown}{loaded:?}{:?}{}", place.environment().unwrap(), loaded.effective());
    assert!(!all.contains(SECRET), "{all}");
    for line in [
        "url = \"rtsp://h/a\"  # nightreel.toml:5",
        "username = \"me\"  # nightreel.toml:5",
        "password = \"***\"  # nightreel.toml:5",
        "republish_password = \"***\"  # nightreel.toml:11",
        "api_key = \"***\"  # nightreel.toml:15",
        "proxy = \"http://h:3128/\"  # nightreel.toml:16",
        "value = \"***\"  # nightreel.toml:19",
        "webhook = \"https://h:8443/***\"  # nightreel.toml:21",
        "segment_seconds = 60  # default",
        "root = \"/a\"  # nightreel.toml:2",
        "[[camera]]",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in:\n{shown}");
    }
}

#[test]
fn what_is_shown_is_itself_a_config() {
    let environment = Place::with(&[]).environment().unwrap();
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/full.toml");
    let loaded = load(Some(&full), &environment).unwrap();
    let again = Place::with(&[("nightreel.toml", &render_effective(&loaded))]).load().unwrap();
    assert_eq!(loaded.effective(), again.effective());
}

#[test]
fn defaults_need_no_file_but_heed_the_environment() {
    let place = Place::with(&[]).set("NIGHTREEL__PROCESS__EVERY_NTH_FRAME", "10");
    let loaded = defaults(Path::new("/footage"), &place.environment().unwrap()).unwrap();
    assert_eq!(loaded.settings.storage.root, Path::new("/footage"));
    assert_eq!(loaded.settings.process.every_nth_frame.get(), 10);
    assert!(loaded.path.is_none() && loaded.settings.cameras.is_empty());
}

proptest! {
    #[test]
    fn never_panics_nor_tells_a_secret_however_the_file_is_mangled(
        cut in 0usize..400, length in 0usize..6, noise in "[\\[\\]{}='\"\\\\#.,\n a0-]{0,4}",
    ) {
        let secret = "kvzwqxjkvzwqxj";
        let mut text = PROMISED.replace("password_env = \"GATE_PASSWORD\"", &format!("password = \"{secret}\""));
        let secret_at = text.find(secret).unwrap();
        let cut = cut.min(text.len() - length);
        // A secret cut in two is none any more.
        prop_assume!(cut + length <= secret_at || cut >= secret_at + secret.len());
        text.replace_range(cut..cut + length, &noise);
        if let Err(error) = Place::with(&[("nightreel.toml", &text)]).load() {
            let told = format!("{error} {error:?}");
            prop_assert!(!told.contains(secret), "{}", told);
        }
    }
}
