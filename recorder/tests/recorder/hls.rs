//! The live playlist: what it lists can be played, while it grows, across cuts, restarts and other parameters.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use catalog::{Clock, SegmentState};
use config::{Camera, Hls, Recording, Windows};

use crate::clip::{self, AAC, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::playlist::{Reading, Seen, assert_follows, read};
use crate::station::{CAMERA, Station, camera};

const PATIENCE: Duration = Duration::from_secs(60);
const KEEP: Duration = Duration::from_secs(3600);

fn with_hls(camera: Camera, keep: Duration) -> Camera {
    Camera { hls: Some(Hls { keep, part: Duration::from_secs(1) }), ..camera }
}

fn folder(station: &Station) -> PathBuf {
    station.path("media").join(CAMERA)
}

/// Waits until the playlist is as wanted, and asserts that whoever followed it could go on from look to look.
async fn playlist_when(station: &Station, wanted: impl Fn(&Reading) -> bool) -> Reading {
    let deadline = Instant::now() + PATIENCE;
    let mut before: Option<Reading> = None;
    loop {
        if let Ok(text) = std::fs::read_to_string(folder(station).join("stream.m3u8")) {
            assert!(!text.contains("ENDLIST"), "{text}");
            let now = read(&text);
            if let Some(before) = &before {
                assert_follows(before, &now);
            }
            if wanted(&now) {
                return now;
            }
            before = Some(now);
        }
        assert!(Instant::now() < deadline, "never came: {before:?}");
        // waits for the recorder to write the playlist anew
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn files_of(reading: &Reading) -> BTreeSet<&str> {
    reading.parts.values().map(|part| part.uri.as_str()).collect()
}

/// Cuts a part out of its file as a player does, with its map before it.
fn cut_out(station: &Station, part: &Seen) -> PathBuf {
    let folder = folder(station);
    let finished = folder.join(&part.uri);
    let partial = folder.join(format!("{}.partial", part.uri));
    let bytes = std::fs::read(&finished).or_else(|_| std::fs::read(&partial));
    // it may have got its name between the two looks
    let bytes = bytes.or_else(|_| std::fs::read(&finished)).unwrap();
    let range = part.bytes.start as usize..part.bytes.end as usize;
    let mut alone = std::fs::read(folder.join(&part.map)).unwrap();
    alone.extend(bytes.get(range).expect("the part lies within its file"));
    let path = station.path("part.mp4");
    std::fs::write(&path, alone).unwrap();
    path
}

/// Asserts that each part can be decoded by itself, and that together they are what was sent.
fn assert_playable(station: &Station, parts: &[&Seen], sent: &Path) {
    let mut pictures = Vec::new();
    for part in parts {
        let alone = cut_out(station, part);
        assert_eq!(clip::decode_errors(&alone), "", "{part:?}");
        let of_part = clip::picture_hashes(&alone, Codec::H264);
        assert!((part.seconds * 25.0 - of_part.len() as f64).abs() < 0.5, "{} in {part:?}", of_part.len());
        pictures.extend(of_part);
    }
    clip::assert_unbroken(&clip::picture_hashes(sent, Codec::H264), &pictures);
}

#[tokio::test]
async fn every_part_plays_by_itself_while_the_file_still_grows() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let running = station.start(with_hls(camera(fake.port, Duration::from_secs(4)), KEEP));
    let reading = playlist_when(&station, |playlist| files_of(playlist).len() >= 3).await;
    assert_playable(&station, &reading.parts.values().collect::<Vec<_>>(), &sent);
    running.stop().await;

    let text = std::fs::read_to_string(folder(&station).join("stream.m3u8")).unwrap();
    let at_the_end = read(&text);
    assert_follows(&reading, &at_the_end);
    for file in station.files(".mp4").iter().filter(|file| !file.ends_with("init.mp4")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let parts: Vec<&Seen> = at_the_end.parts.values().filter(|part| part.uri == name).collect();
        let listed: f64 = parts.iter().map(|part| part.seconds).sum();
        let length: f64 = clip::probe(file, "stream=duration").parse().unwrap();
        assert!((listed - length).abs() < 0.01, "{name}: {listed} s of {length} s are listed");
        let start: chrono::DateTime<chrono::Utc> =
            clip::probe(file, "format_tags=com.nightreel.start").parse().unwrap();
        assert_eq!(parts[0].time, start, "{name}");
        let [whole @ .., _tail] = parts.as_slice() else { panic!("no part of {name} is listed") };
        assert!(whole.iter().all(|part| part.seconds > 0.9), "{whole:?}");
    }
    assert_eq!(at_the_end.target, 1, "a keyframe comes every second");
    let discontinuities: BTreeSet<u64> = at_the_end.parts.values().map(|part| part.discontinuity).collect();
    assert_eq!(discontinuities.len(), 1, "the times go on over the files of a session");
    let mut listed = 0;
    station.catalog.each_segment(&[SegmentState::Ready], |_| listed += 1).unwrap();
    assert_eq!(listed, files_of(&at_the_end).len(), "the map is no segment");
}

#[tokio::test]
async fn players_survive_a_stop_and_a_kill_of_the_recorder() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264WithBFrames, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let camera = || with_hls(camera(fake.port, Duration::from_secs(60)), KEEP);
    let running = station.start(camera());
    playlist_when(&station, |playlist| playlist.parts.len() >= 3).await;
    running.stop().await;
    let stopped = playlist_when(&station, |_| true).await;

    let running = station.start(camera());
    let more = stopped.parts.len() + 2;
    let again = playlist_when(&station, |playlist| playlist.parts.len() >= more).await;
    assert_follows(&stopped, &again);
    running.kill(&station).await;
    let killed = playlist_when(&station, |_| true).await;

    let running = station.start(camera());
    let more = killed.parts.len() + 2;
    let last = playlist_when(&station, |playlist| playlist.parts.len() >= more).await;
    running.stop().await;
    assert_follows(&killed, &last);
    assert!(files_of(&last).len() >= 3, "one of each recorder, and more where a minute ended");
    for part in last.parts.values() {
        assert_eq!(clip::decode_errors(&cut_out(&station, part)), "", "{part:?}");
        assert_eq!(part.map, "init.mp4", "the parameters are the same");
    }
}

#[tokio::test]
async fn a_playlist_that_was_damaged_is_begun_anew_with_higher_numbers() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let camera = || with_hls(camera(fake.port, Duration::from_secs(60)), KEEP);
    let running = station.start(camera());
    let before = playlist_when(&station, |playlist| playlist.parts.len() >= 2).await;
    running.stop().await;
    // as a power cut may leave it
    std::fs::write(folder(&station).join("stream.m3u8"), [0; 4096]).unwrap();
    let running = station.start(camera());
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read(folder(&station).join("stream.m3u8")).unwrap().starts_with(&[0]) {
        assert!(Instant::now() < deadline, "the playlist stays damaged");
        // waits for the first part of the new recorder
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = playlist_when(&station, |_| true).await;
    running.stop().await;
    assert!(after.parts.keys().next() > before.parts.keys().next_back());
}

#[tokio::test]
async fn other_parameters_get_a_map_of_their_own() {
    let station = Station::new();
    let small = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&small, &[]);
    let port = fake.port;
    let mut running = station.start(with_hls(camera(port, Duration::from_secs(60)), KEEP));
    playlist_when(&station, |playlist| playlist.parts.len() >= 2).await;
    drop(fake);
    running.wait_for(|camera| camera.reconnects > 0).await;
    let other = clip::encoded(Codec::H264WithBFrames, SILENT);
    let _again = FakeCamera::play(&other, &["--port", &port.to_string()]);
    let maps =
        |playlist: &Reading| playlist.parts.values().map(|part| part.map.clone()).collect::<BTreeSet<_>>();
    let both = playlist_when(&station, |playlist| maps(playlist).len() == 2).await;
    running.stop().await;
    assert_eq!(maps(&both), BTreeSet::from(["init.mp4".to_owned(), "init_2.mp4".to_owned()]));
    for part in both.parts.values() {
        assert_eq!(clip::decode_errors(&cut_out(&station, part)), "", "{part:?}");
    }
}

#[tokio::test]
async fn live_footage_is_deleted_when_it_is_old_and_nothing_else_is() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let keep = Duration::from_secs(4);
    let camera =
        Camera { recording: Recording::Off, ..with_hls(camera(fake.port, Duration::from_secs(2)), keep) };
    let live = folder(&station).join("live");
    std::fs::create_dir_all(&live).unwrap();
    let foreign = [live.join("holiday.mp4"), folder(&station).join("segment_20200101_000000.mp4")];
    for file in &foreign {
        std::fs::write(file, "not ours to delete").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        std::fs::File::options().append(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    let running = station.start(camera);
    let first = playlist_when(&station, |playlist| files_of(playlist).len() >= 2).await;
    let oldest_name = *files_of(&first).first().unwrap();
    let oldest = folder(&station).join(oldest_name);
    assert!(oldest.exists() && oldest.starts_with(&live), "{}", oldest.display());
    playlist_when(&station, |_| !oldest.exists()).await;
    running.stop().await;

    let last = playlist_when(&station, |_| true).await;
    assert!(!files_of(&last).contains(oldest_name), "only what fell out was deleted");
    let listed = last.parts.values().collect::<Vec<_>>();
    assert_playable(&station, &listed, &sent);
    assert!(foreign.iter().all(|file| file.exists()));
    assert_eq!(station.files("").len(), 3, "playlist, map and the foreign file: {:?}", station.files(""));
    let mut rows = 0;
    station.catalog.each_segment(&[], |_| rows += 1).unwrap();
    assert_eq!(rows, 0, "nothing is told to the catalogue");
}

/// A clock that stands still is one that is set back all the time: here across the opening of a window, again and
/// again.
#[tokio::test]
async fn a_windows_boundary_cuts_and_loses_no_picture() {
    let now = "2026-11-25T21:59:59Z".parse().unwrap();
    let station = Station::with_clock(Clock::standing(now));
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let windows = Windows::parse(chrono_tz::Tz::UTC, &["22:00-23:00"]).unwrap();
    let camera = Camera {
        recording: Recording::During(windows),
        ..with_hls(camera(fake.port, Duration::from_secs(60)), KEEP)
    };
    let mut running = station.start(camera);
    running.wait_for_segments(2).await;
    running.stop().await;

    let recorded: Vec<PathBuf> =
        station.files(".mp4").into_iter().filter(|file| !file.ends_with("init.mp4")).collect();
    let live = station.files_of(&format!("{CAMERA}/live"), ".mp4");
    let opens = "2026-11-25T22:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    for (files, inside) in [(&recorded, true), (&live, false)] {
        assert!(files.len() >= 2, "{files:?}");
        for file in files {
            let start: chrono::DateTime<chrono::Utc> =
                clip::probe(file, "format_tags=com.nightreel.start").parse().unwrap();
            assert_eq!(start >= opens, inside, "{}", file.display());
        }
    }
    let mut all: Vec<PathBuf> = recorded.iter().chain(&live).cloned().collect();
    all.sort_by_key(|file| file.metadata().unwrap().modified().unwrap());
    let pictures: Vec<String> = all.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
    clip::assert_unbroken(&clip::picture_hashes(&sent, Codec::H264), &pictures);
    let mut rows = BTreeSet::new();
    station.catalog.each_segment(&[SegmentState::Ready], |row| _ = rows.insert(row.path)).unwrap();
    let names = recorded.iter().map(|file| file.strip_prefix(station.path("media")).unwrap().to_owned());
    assert_eq!(rows, names.collect(), "only what was recorded is in the catalogue");
}
