//! Live footage: what a player gets that follows a camera's playlist over HTTP, while it is recorded.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::media::{files_under, finished, names, partials};
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, Running, eventually, footage};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

fn camera(clip: &Path) -> FakeCamera {
    FakeCamera::start(Play { clip, port: 0, options: &[] })
}

fn clip() -> PathBuf {
    footage(Clip { seconds: 20, ..Clip::default() })
}

/// A keyframe each two seconds: each part of the playlist is made of two fragments, one of which begins inside a group.
fn clip_of_long_groups() -> PathBuf {
    const ENCODER: &[&str] =
        &["-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "0", "-sc_threshold", "0"];
    footage(Clip { seconds: 20, encoder: ENCODER, ..Clip::default() })
}

/// The page of another server that is let in.
const PLAYER: &str = "http://player.localhost";

fn configure(nightreel: &Nightreel, camera: &FakeCamera) {
    let url = camera.url();
    nightreel.configure(&format!(
        "[serve]\nlisten = \"127.0.0.1:0\"\ncors_origins = [{PLAYER:?}]\n\n\
         [[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 4\nhls = true\nhls_part_seconds = 1\n"
    ));
}

/// Starts the server, and returns it with the address of the playlist.
fn serve(nightreel: &Nightreel) -> (Running, String) {
    let server = nightreel.start(&["serve", "--media-only"]);
    let address = eventually("the server's address", PATIENCE, || {
        let said = server.said();
        let (_, after) = said.split_once("address=")?;
        Some(after.split_whitespace().next()?.to_owned())
    });
    (server, format!("http://{address}/media/gate/stream.m3u8"))
}

fn parts(playlist: &Path) -> usize {
    fs::read_to_string(playlist).map_or(0, |text| text.matches("#EXTINF").count())
}

/// Lists the files of which a playlist shows something.
fn listed(playlist: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(playlist).unwrap_or_default();
    let names = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('?').next());
    names.map(str::to_owned).collect()
}

/// Decodes and returns the hashes of the pictures; fails if there was anything to complain about.
fn pictures(input: &str, seconds: &str) -> Vec<String> {
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-i", input, "-t", seconds, "-map", "0:v"])
        // each picture once, whatever its time
        .args(["-vsync", "passthrough", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is installed: see scripts/setup.sh test");
    assert_eq!(String::from_utf8_lossy(&decoded.stderr), "", "{input}");
    let text = String::from_utf8(decoded.stdout).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn ffmpeg_follows_the_playlist_over_cuts_without_a_complaint() {
    let (nightreel, clip) = (Nightreel::new(), clip());
    let camera = camera(&clip);
    configure(&nightreel, &camera);
    let playlist = nightreel.root().join("gate/stream.m3u8");
    let mut recorder = nightreel.start(&["record"]);
    eventually("a few parts", PATIENCE, || (parts(&playlist) >= 3).then_some(()));
    let (mut server, url) = serve(&nightreel);
    let before = listed(&playlist).len();

    let seen = pictures(&url, "13");

    assert!(listed(&playlist).len() >= before + 2, "two files ended meanwhile: {:?}", listed(&playlist));
    let sent = pictures(clip.to_str().unwrap(), "20");
    let place = |picture: &String| sent.iter().position(|other| other == picture).expect("it was sent");
    let places: Vec<usize> = seen.iter().map(place).collect();
    let steps: Vec<usize> =
        places.windows(2).map(|pair| (pair[1] + sent.len() - pair[0]) % sent.len()).collect();
    assert!(steps.iter().all(|step| *step == 1), "{places:?}");
    assert!(seen.len() >= 120, "{} pictures of 10 a second", seen.len());
    assert_eq!(recorder.terminate().code(), Some(0));
    assert_eq!(server.terminate().code(), Some(0));
    nightreel.verify();
}

/// Returns how to run a player, or says why it cannot be.
fn chromium(player: &str) -> Option<Command> {
    let playwright = Path::new(REPOSITORY).join(".cache/playwright/node_modules/playwright-core");
    if !Path::new("/usr/bin/chromium").exists() || !playwright.exists() {
        eprintln!("skipped: no chromium or no playwright-core; see scripts/setup.sh test");
        return None;
    }
    let mut command = Command::new("node");
    command.arg(Path::new(REPOSITORY).join("tests").join(player)).arg(playwright);
    Some(command)
}

#[test]
fn chromium_plays_on_over_cuts_and_a_restart_of_the_recorder() {
    let Some(mut chromium) = chromium("hls_in_chromium.mjs") else { return };
    let (nightreel, clip) = (Nightreel::new(), clip_of_long_groups());
    let camera = camera(&clip);
    configure(&nightreel, &camera);
    let playlist = nightreel.root().join("gate/stream.m3u8");
    let mut first = nightreel.start(&["record"]);
    eventually("a few parts", PATIENCE, || (parts(&playlist) >= 3).then_some(()));
    let (_server, url) = serve(&nightreel);
    let player = Running::spawn({
        chromium.args([&url, "15"]);
        chromium
    });
    let at_first = parts(&playlist);
    eventually("a file's end", PATIENCE, || (parts(&playlist) >= at_first + 6).then_some(()));
    first.terminate();
    let _second = nightreel.start(&["record"]);

    let mut player = player;
    eventually("the player's end", PATIENCE, || player.ended());
    let said = player.said();
    let played: Value = serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error} in {said}"));
    assert!(played["error"].is_null(), "{played}");
    assert!(played["played"].as_f64().unwrap() >= 15.0, "{played}");
    assert!(played["frames"].as_u64().unwrap() >= 120, "{played}");
    assert!(played["files"].as_u64().unwrap() >= 3, "{played}");
}

#[test]
fn a_page_of_a_listed_origin_plays_by_fetch_over_cuts_and_one_of_another_reads_nothing() {
    let play = |url: &str, seconds: &str, origin: &str| -> Option<Value> {
        let output = chromium("hls_by_fetch_in_chromium.mjs")?.args([url, seconds, origin]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let told = || format!("{said}{}", String::from_utf8_lossy(&output.stderr));
        Some(serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error} in {}", told())))
    };
    let (nightreel, clip) = (Nightreel::new(), clip());
    let camera = camera(&clip);
    configure(&nightreel, &camera);
    let playlist = nightreel.root().join("gate/stream.m3u8");
    let _recorder = nightreel.start(&["record"]);
    eventually("a few parts", PATIENCE, || (parts(&playlist) >= 3).then_some(()));
    let (_server, url) = serve(&nightreel);

    let Some(played) = play(&url, "9", PLAYER) else { return };
    assert!(played["error"].is_null(), "{played}");
    assert_eq!(played["statuses"], serde_json::json!([200, 206]), "{played}");
    assert_eq!(played["stretches"], 1, "the times go on without a hole: {played}");
    assert!(played["files"].as_u64().unwrap() >= 3, "{played}");
    assert!(played["frames"].as_u64().unwrap() >= 70, "{played}");

    let refused = play(&url, "1", "http://stranger.localhost").unwrap();
    assert_eq!(refused["error"], "TypeError: Failed to fetch", "{refused}");
    assert_eq!(refused["files"], 0, "{refused}");
}

#[test]
fn stream_mode_hls_of_the_env_writes_a_playlist_and_records_nothing() {
    let (nightreel, clip) = (Nightreel::new(), clip());
    let camera = camera(&clip);
    let folder = nightreel.path("video/gate");
    let env = format!(
        "CAMERA_IP={}\nOUTPUT_DIR={}\nSTREAM_MODE=hls\nSEGMENT_TIME=2\n",
        camera.url(),
        folder.display()
    );
    nightreel.write(".env", env);
    let old = nightreel.write("video/gate/live/segment_20200101_000000.mp4", "of an earlier run");
    let long_ago = SystemTime::now() - Duration::from_secs(2 * 3600);
    fs::File::options().append(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    let mut recorder = nightreel.start(&["record"]);
    let playlist = folder.join("stream.m3u8");
    eventually("five parts", PATIENCE, || (parts(&playlist) >= 5).then_some(()));
    assert_eq!(recorder.terminate().code(), Some(0));

    let text = fs::read_to_string(&playlist).unwrap();
    assert!(!text.contains("ENDLIST"), "{text}");
    let lengths = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    let lengths: Vec<f64> = lengths.map(|length| length.parse().unwrap()).collect();
    // the first and the last are cut short by the start and the end
    assert!(lengths[1..lengths.len() - 1].iter().all(|length| (1.0..=3.0).contains(length)), "{lengths:?}");
    let names_in_live = names(&finished(&folder.join("live")));
    let listed: BTreeSet<String> =
        listed(&playlist).iter().map(|name| name.strip_prefix("live/").unwrap().to_owned()).collect();
    assert_eq!(listed, names_in_live);
    assert!(!old.exists(), "what is older than the playlist reaches is deleted");
    // the same folder, by a config that lets the server take any port
    nightreel.write(".env", "");
    let root = nightreel.path("video");
    let config = format!(
        "[storage]\nroot = {root:?}\n\n[serve]\nlisten = \"127.0.0.1:0\"\n\n[[camera]]\nid = \"gate\"\n"
    );
    nightreel.write("nightreel.toml", config);
    let (_server, url) = serve(&nightreel);
    let seen = pictures(&url, "3").len();
    assert!((25..=35).contains(&seen), "{seen} pictures of 10 a second");
    assert_eq!(names(&finished(&folder)), BTreeSet::new());
    assert_eq!(partials(&folder), Vec::<PathBuf>::new());
    nightreel.verify();
}

/// Lists what a live playlist alone needs.
fn only_for_the_playlist(folder: &Path) -> BTreeSet<PathBuf> {
    let files = files_under(folder).into_iter().map(|file| file.strip_prefix(folder).unwrap().to_owned());
    let begins = |file: &PathBuf, word| file.to_str().unwrap().starts_with(word);
    files.filter(|file| ["live/", "init", "stream.m3u8"].iter().any(|word| begins(file, word))).collect()
}

#[test]
fn a_camera_outside_its_window_says_so_and_what_was_only_shown_goes_with_its_playlist() {
    let (nightreel, clip) = (Nightreel::new(), clip());
    let camera = camera(&clip);
    let (url, opens) = (camera.url(), chrono::Utc::now() + chrono::TimeDelta::hours(3));
    let outputs = |keys: &str| {
        nightreel
            .configure(&format!("[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 4\n{keys}"));
    };
    let (from, to) = (opens.format("%H:00"), (opens + chrono::TimeDelta::hours(1)).format("%H:00"));
    outputs(&format!("hls = true\nhls_part_seconds = 1\nrecord_windows = [\"{from}-{to}\"]\n"));
    let folder = nightreel.root().join("gate");
    let mut recorder = nightreel.start(&["record"]);
    eventually("two parts", PATIENCE, || (parts(&folder.join("stream.m3u8")) >= 2).then_some(()));

    let camera = eventually("the state", PATIENCE, || {
        let camera = nightreel.status()["cameras"][0].clone();
        (camera["health"]["state"] == "outside-window").then_some(camera)
    });
    let opening = opens.format("%Y-%m-%dT%H:00:00Z").to_string();
    assert_eq!(camera["record_window"], serde_json::json!({"open": false, "until": opening}));
    assert_eq!(camera["recording"], false);
    let table = nightreel.run(&["status"]).with_code(0).stdout;
    let opening = opens.format("opens %Y-%m-%d %H:00:00 UTC").to_string();
    assert!(table.contains("waiting for its window") && table.contains(&opening), "{table}");
    assert_eq!(recorder.terminate().code(), Some(0));
    assert!(only_for_the_playlist(&folder).len() >= 3, "{:?}", only_for_the_playlist(&folder));

    outputs("");
    let mut recorder = nightreel.start(&["record"]);
    eventually("a recording", PATIENCE, || {
        (nightreel.status()["cameras"][0]["health"]["state"] == "recording").then_some(())
    });
    assert_eq!(only_for_the_playlist(&folder), BTreeSet::new());
    assert_eq!(recorder.terminate().code(), Some(0));
    assert!(!finished(&folder).is_empty());
    nightreel.verify();
}

#[test]
fn serving_other_machines_has_to_be_asked_for() {
    let nightreel = Nightreel::new();
    nightreel.configure("[serve]\nlisten = \"0.0.0.0:0\"\n");
    nightreel.run(&["serve", "--media-only"]).with_code(1).telling(&["`serve.listen`", "--allow-remote"]);
    nightreel.run(&["serve"]).with_code(1).telling(&["`serve.listen`", "--allow-remote"]);
}
