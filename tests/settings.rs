//! Settings: read strictly, told of in full, and never with a secret in them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::media::{contents, files_under, finished, let_rest};
use crate::support::{Clip, FakeCamera, Nightreel, Outcome, PATIENCE, Play, Running, eventually, footage};

/// As the file is meant to look that has everything in it.
const EVERY_SECTION: &str = r#"
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

/// Odd enough to be found wherever it shows, also in pieces of a URL.
const PASSWORD: &str = "Zx7-q0t!Wv";

fn check(nightreel: &Nightreel, config: &str) -> Outcome {
    nightreel.write("nightreel.toml", config);
    nightreel.run(&["config", "check"])
}

#[test]
fn all_faults_are_told_together_with_line_and_nearest_key() {
    let nightreel = Nightreel::new();
    let config = "[storage]\nroot = \"media\"\nrooot = 1\n\n[[camera]]\nid = \"gate\"\nusrname = \"admin\"\n\
                  segment_seconds = 0\n\n[proces]\n[detect]\nlabels = [\"persn\"]\n";

    let outcome = check(&nightreel, config).with_code(1).telling(&[
        "5 faults",
        "nightreel.toml:3: `storage.rooot`",
        "did you mean `root`?",
        "nightreel.toml:7: `camera[0].usrname`",
        "did you mean `username`?",
        "nightreel.toml:8: `camera[0].segment_seconds`",
        "nightreel.toml:10: `proces`",
        "did you mean `process`?",
        "nightreel.toml:12: `detect.labels",
        "`person`",
    ]);

    assert_eq!(outcome.stdout, "");
    for command in [&["status"][..], &["record"], &["process", "--once"], &["run"], &["retain"]] {
        nightreel.run(command).with_code(1).telling(&["5 faults"]);
    }
    assert!(!nightreel.root().exists(), "nothing begins with faulty settings");
}

#[test]
fn what_is_planned_is_refused_by_its_name() {
    let nightreel = Nightreel::new();
    let storage = "[storage]\nroot = \"media\"\n";
    let camera = "[[camera]]\nid = \"gate\"\n";
    for (config, key) in [
        (format!("{storage}[cluster]\n"), "cluster"),
        (format!("{storage}backend = \"s3\"\n"), "storage.backend"),
        (format!("{storage}[storage.s3]\nbucket = \"b\"\n"), "storage.s3"),
        (format!("{storage}{camera}rotate_deg = 90\n"), "camera[0].rotate_deg"),
    ] {
        check(&nightreel, &config)
            .with_code(1)
            .telling(&[&format!("`{key}`"), "this version cannot do it yet"]);
    }
}

#[test]
fn a_file_with_every_section_is_in_order_once_its_secrets_are_there() {
    let nightreel = Nightreel::new();

    let without = check(&nightreel, EVERY_SECTION).with_code(0);
    for missing in ["GATE_PASSWORD", "OPENAI_API_KEY"] {
        assert!(without.stdout.contains(missing), "{}", without.stdout);
    }
    let mut command = nightreel.command(&["config", "check"]);
    let with = Outcome::of(command.env("GATE_PASSWORD", PASSWORD).env("OPENAI_API_KEY", "sk-1")).with_code(0);
    assert!(with.stdout.contains("no fault") && !with.stdout.contains("missing"), "{}", with.stdout);
}

#[test]
fn a_missing_secret_stops_what_needs_it_and_nothing_else() {
    let nightreel = Nightreel::new();
    nightreel.configure(
        "[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1:9/cam\"\nusername = \"admin\"\n\
         password_env = \"GATE_PASSWORD\"\n",
    );

    nightreel.run(&["record"]).with_code(1).telling(&["camera[0].password_env", "GATE_PASSWORD"]);
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel.run(&["status"]).with_code(0);
}

#[test]
fn show_tells_where_each_value_comes_from_and_hides_secrets() {
    let nightreel = Nightreel::new();
    nightreel.write(".env", "NIGHTREEL__PROCESS__EVERY_NTH_FRAME=10\n");
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = \"rtsp://admin:{PASSWORD}@127.0.0.1:9/cam\"\n\n\
         [vision]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\napi_key = \"{PASSWORD}\"\n"
    ));
    let show = |arguments: &[&str]| {
        let mut command = nightreel.command(&[&["config", "show"], arguments].concat());
        Outcome::of(command.env("NIGHTREEL__DETECT__MIN_SCORE", "0.5")).with_code(0)
    };

    let text = show(&[]);
    for line in [
        "id = \"gate\"  # nightreel.toml:9",
        "segment_seconds = 60  # default",
        "min_score = 0.5  # environment variable NIGHTREEL__DETECT__MIN_SCORE",
        "every_nth_frame = 10  # .env",
        "api_key = \"***\"  # nightreel.toml:",
    ] {
        assert!(text.stdout.contains(line), "`{line}` is not in:\n{}", text.stdout);
    }
    let values = show(&["--json"]);
    assert_eq!(values.json()["process"]["every_nth_frame"], 10);
    assert_eq!(values.json()["vision"]["api_key"], "***");
    for outcome in [text, values] {
        assert!(!outcome.said().contains(PASSWORD), "{}", outcome.said());
    }
}

#[test]
fn init_writes_a_file_that_is_in_order_and_never_over_another() {
    let nightreel = Nightreel::new();
    let answers =
        ["--camera", "gate", "--url", "192.168.1.20", "--username", "admin", "--window", "22:00-06:00"];
    nightreel.run(&[&["init"], &answers[..]].concat()).with_code(0);
    let written = fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    assert!(written.contains("# "), "it explains itself: {written}");
    nightreel.run(&["config", "check"]).with_code(0);
    let shown = nightreel.run(&["config", "show", "--json"]).with_code(0).json();
    assert_eq!(shown["camera"][0]["id"], "gate");
    assert_eq!(shown["camera"][0]["url"], "rtsp://192.168.1.20:554/h264Preview_01_main");
    assert_eq!(shown["process"]["windows"], json!(["22:00-06:00"]));

    nightreel.run(&["init", "--camera", "other"]).with_code(1).telling(&["nightreel.toml", "left as it is"]);
    assert_eq!(fs::read_to_string(nightreel.path("nightreel.toml")).unwrap(), written);

    nightreel.run(&["--config", "etc/second.toml", "init"]).with_code(1).telling(&["etc/second.toml"]);
    fs::create_dir(nightreel.path("etc")).unwrap();
    nightreel.run(&["--config", "etc/second.toml", "init"]).with_code(0);
    nightreel.run(&["--config", "etc/second.toml", "config", "check"]).with_code(0);
}

#[test]
fn init_prints_a_unit_that_restarts_is_watched_and_is_locked_in() {
    let nightreel = Nightreel::new();
    nightreel.configure("");

    let unit = nightreel.run(&["init", "--systemd"]).with_code(0).stdout;

    for line in ["Type=notify", "Restart=always", "WatchdogSec=", "StateDirectory=", "ProtectSystem=strict"] {
        assert!(unit.contains(line), "`{line}` is not in:\n{unit}");
    }
    let config = nightreel.path("nightreel.toml");
    assert!(unit.contains(&format!("--config {} run", config.display())), "{unit}");
    assert!(unit.contains(&format!("ReadWritePaths={}", nightreel.root().display())), "{unit}");
}

/// A camera that asks for the password of this file.
fn guarded_camera() -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port: 0, options: &["--auth", "digest", "--password", PASSWORD] })
}

/// Records a segment with a log of everything, and returns what was said on the way.
fn record_one(nightreel: &Nightreel, variable: Option<(&str, &str)>) -> String {
    let recorded = finished(&nightreel.root().join("gate")).len();
    let mut command = nightreel.command(&["-vv", "record"]);
    command.envs(variable);
    let mut run = Running::spawn(command);
    eventually("a segment", PATIENCE, || {
        assert_eq!(run.ended(), None, "it ended");
        (finished(&nightreel.root().join("gate")).len() > recorded).then_some(())
    });
    let command_line = fs::read(format!("/proc/{}/cmdline", run.id())).unwrap();
    let command_line = String::from_utf8_lossy(&command_line);
    assert!(command_line.contains("record"), "{command_line}");
    assert_eq!(run.terminate().code(), Some(0));
    format!("{command_line}\n{}", run.said())
}

/// Fails where the password stands in a file that nightreel wrote.
fn assert_not_written(nightreel: &Nightreel) {
    for file in files_under(&nightreel.root()) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", file.display());
    }
}

#[test]
fn a_password_works_from_wherever_it_comes_and_shows_nowhere() {
    let (nightreel, camera) = (Nightreel::new(), guarded_camera());
    nightreel.write("gate.secret", format!("{PASSWORD}\n"));
    nightreel.write("credentials/gate.password", format!("{PASSWORD}\n"));
    let url = camera.url();
    let in_url = url.replace("rtsp://", &format!("rtsp://admin:{PASSWORD}@"));
    let credentials = nightreel.path("credentials").display().to_string();
    for (url, key, variable) in [
        (&url, format!("password = {PASSWORD:?}"), None),
        (&in_url, String::new(), None),
        (&url, "password_file = \"gate.secret\"".to_owned(), None),
        (&url, "password_env = \"GATE_PASSWORD\"".to_owned(), Some(("GATE_PASSWORD", PASSWORD))),
        (&url, String::new(), Some(("CREDENTIALS_DIRECTORY", credentials.as_str()))),
    ] {
        let username = if key.is_empty() && variable.is_none() { "" } else { "username = \"admin\"" };
        nightreel.configure(&format!(
            "[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 1\n{username}\n{key}\n"
        ));
        let said = record_one(&nightreel, variable);
        assert!(!said.contains(PASSWORD), "with `{key}` it said:\n{said}");
    }
    assert_not_written(&nightreel);
}

#[test]
fn a_wrong_password_is_told_of_without_telling_it() {
    let (nightreel, camera) = (Nightreel::new(), guarded_camera());
    let url = camera.url();
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {url:?}\nusername = \"admin\"\npassword = \"wrong-{PASSWORD}\"\n"
    ));

    let doctor = nightreel.run(&["-vv", "doctor", "--json"]).with_code(1);
    let mut run = nightreel.start(&["-vv", "record"]);
    eventually("a word about the login", PATIENCE, || {
        run.said().contains("check `username` and `password`").then_some(())
    });
    assert_eq!(run.terminate().code(), Some(0));

    let checks = doctor.json_lines();
    let camera = checks.iter().find(|check| check["what"] == "camera gate").unwrap();
    assert_eq!(camera["verdict"], "fault", "{camera}");
    for said in [doctor.said(), run.said()] {
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_dotenv_of_camera_ip_and_output_dir_works_as_it_is() {
    let (nightreel, camera) = (Nightreel::new(), guarded_camera());
    let folder = nightreel.root().join("gate");
    nightreel.write(
        ".env",
        format!(
            "CAMERA_IP=127.0.0.1:{}/cam\nCAMERA_USERNAME=admin\nCAMERA_PASSWORD='{PASSWORD}'\n\
             STREAM_MODE=record\nOUTPUT_DIR={}\nSEGMENT_TIME=1\nOUTPUT_RTSP_URL=\nSTORAGE_BACKEND=local\n",
            camera.port(),
            folder.display()
        ),
    );

    let said = record_one(&nightreel, None);

    assert!(!said.contains(PASSWORD), "{said}");
    assert_eq!(nightreel.status()["cameras"][0]["id"], "gate");
    nightreel.run(&["init"]).with_code(0);
    let written = fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    assert!(!written.contains(PASSWORD), "init copied the password:\n{written}");
    nightreel.run(&["config", "check"]).with_code(0);
    let shown = nightreel.run(&["config", "show", "--json"]).with_code(0).json();
    assert_eq!(shown["camera"][0]["id"], "gate");
    assert_eq!(shown["storage"]["root"], nightreel.root().to_str().unwrap());
    assert_eq!(shown["camera"][0]["segment_seconds"], 1);
    record_one(&nightreel, None);
    assert_not_written(&nightreel);
}

#[test]
fn a_dotenv_for_what_is_planned_is_refused_by_its_name() {
    let nightreel = Nightreel::new();
    let (name, value) = ("STORAGE_BACKEND", "s3");
    nightreel.write(".env", format!("CAMERA_IP=127.0.0.1\nOUTPUT_DIR=media/gate\n{name}={value}\n"));
    nightreel.run(&["record"]).with_code(1).telling(&[name, value, "this version cannot do it yet"]);
}

/// Returns the subcommands that the help lists.
fn subcommands(nightreel: &Nightreel) -> Vec<String> {
    let help = nightreel.run(&["--help"]).with_code(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
    names
        .filter(|line| !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().into())
        .collect()
}

#[test]
fn every_subcommand_explains_itself_with_an_example() {
    let nightreel = Nightreel::new();
    let names: BTreeSet<_> = subcommands(&nightreel).into_iter().filter(|name| name != "help").collect();
    for expected in
        ["init", "config", "doctor", "run", "record", "process", "retain", "status", "frames", "queue"]
    {
        assert!(names.contains(expected), "{expected} is not in {names:?}");
    }
    for name in names {
        let help = nightreel.run(&[&name, "--help"]).with_code(0).stdout;
        let example = format!("nightreel {name}");
        let examples =
            help.split("Example").nth(1).unwrap_or_else(|| panic!("{name} has no example:\n{help}"));
        assert!(examples.contains(&example) || examples.contains("nightreel --config"), "{help}");
    }
}

#[test]
fn shells_complete_its_commands() {
    let nightreel = Nightreel::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = nightreel.run(&["completions", shell]).with_code(0).stdout;
        assert!(script.contains("nightreel") && script.contains("process"), "not in that of {shell}");
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    let nightreel = Nightreel::new();
    nightreel.configure("");
    for arguments in [
        &["sing"][..],
        &[],
        &["process", "--once", "--watch"],
        &["process", "--out", "results"],
        &["frames"],
        &["frames", "a.mp4", "--every", "0"],
        &["queue", "drop"],
        &["retain", "--confirm-clock", "--dry-run"],
        &["--quiet", "-v", "status"],
        &["completions", "tcsh"],
    ] {
        let outcome = nightreel.run(arguments).with_code(2);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
    }
}

#[test]
fn an_unmounted_or_wrong_root_is_refused_and_left_alone() {
    let nightreel = Nightreel::new();
    let state = nightreel.path("state");
    nightreel.configure_storage(&format!("state_dir = {state:?}"), "[detect]\nenabled = false\n");
    let file = nightreel.copy_in(&footage(Clip::default()), nightreel.root().join("gate/a.mp4"));
    let_rest(&file);
    nightreel.run(&["process", "--once"]).with_code(0);
    let disk = nightreel.path("disk");
    fs::rename(nightreel.root(), &disk).unwrap();
    let refused = |root_holds: Value| {
        for command in
            [&["process", "--once"][..], &["retain"], &["verify"], &["record"], &["run"], &["status"]]
        {
            nightreel.run(command).with_code(1).telling(&["`storage.root`", "mounted"]);
        }
        assert_eq!(json!(contents(&nightreel.root())), root_holds);
    };

    fs::create_dir(nightreel.root()).unwrap();
    refused(json!({}));

    fs::remove_dir(nightreel.root()).unwrap();
    let other = Nightreel::new();
    other.configure("");
    other.run(&["process", "--once"]).with_code(0);
    fs::rename(other.root(), nightreel.root()).unwrap();
    refused(json!(contents(&nightreel.root())));

    fs::remove_dir_all(nightreel.root()).unwrap();
    fs::rename(&disk, nightreel.root()).unwrap();
    nightreel.verify();
    assert_eq!(nightreel.status()["segments"], json!({"processed": 1}));
}
