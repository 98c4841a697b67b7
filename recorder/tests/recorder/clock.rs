//! Clocks that are set, change with the season, pass midnight, and those of cameras: no frame is lost, none is
//! written over another, and the order stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use catalog::{Clock, Gap, GapCause, Segment, SegmentState};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use nightreel_recorder::Notice;

use crate::clip::{self, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::station::{Running, Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// A clock that runs, and can be set.
struct RunningClock {
    clock: Clock,
    ahead_ms: Arc<AtomicI64>,
    ended: Arc<AtomicBool>,
    hand: Option<JoinHandle<()>>,
}

impl RunningClock {
    fn start(at: &str) -> Self {
        let start: DateTime<Utc> = at.parse().unwrap();
        let (clock, ahead_ms, ended) = (Clock::standing(start), Arc::default(), Arc::default());
        let (hand, ahead, end) = (clock.clone(), Arc::clone(&ahead_ms), Arc::clone(&ended));
        let began = Instant::now();
        let turn = move || {
            while !AtomicBool::load(&end, Ordering::Relaxed) {
                let ahead = TimeDelta::milliseconds(AtomicI64::load(&ahead, Ordering::Relaxed));
                hand.set(start + TimeDelta::from_std(began.elapsed()).unwrap() + ahead);
                // waits for time itself, which it hands on
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        Self { clock, ahead_ms, ended, hand: Some(std::thread::spawn(turn)) }
    }

    fn step(&self, by: TimeDelta) {
        self.ahead_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Drop for RunningClock {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.hand.take().unwrap().join().unwrap();
    }
}

/// Returns the segments in the order in which they were recorded.
fn segments(station: &Station) -> Vec<Segment> {
    let mut all = Vec::new();
    station.catalog.each_segment(&[SegmentState::Ready], |segment| all.push(segment)).unwrap();
    all.sort_by_key(|segment| segment.id);
    all
}

fn names(segments: &[Segment]) -> Vec<String> {
    segments.iter().map(|segment| segment.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Asserts that the files hold all that was sent, one after another.
fn assert_whole(station: &Station, sent: &Path) {
    let segments = segments(station);
    let files: Vec<PathBuf> = segments.iter().map(|s| station.path("media").join(&s.path)).collect();
    let mut sorted = files.clone();
    sorted.sort();
    assert_eq!(station.files(""), sorted, "every file has its row and every row its file");
    let recorded: Vec<String> =
        files.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
    assert!(recorded.len() > 100, "{}", recorded.len());
    clip::assert_unbroken(&clip::picture_hashes(sent, Codec::H264), &recorded);
}

async fn frames(running: &mut Running, more: u64) {
    let frames = running.status.cameras()[0].frames;
    running.wait_for(|camera| camera.frames >= frames + more).await;
}

fn steps(station: &Station) -> Vec<Gap> {
    let gaps = station.gaps();
    assert!(gaps.iter().all(|gap| gap.cause == GapCause::ClockStep), "{gaps:?}");
    gaps
}

#[tokio::test]
async fn a_clock_that_is_set_by_hours_costs_no_frame_and_no_file() {
    let clock = RunningClock::start("2026-11-22T22:59:00Z");
    let station = Station::with_clock(clock.clock.clone());
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    frames(&mut running, 75).await;
    clock.step(TimeDelta::hours(2)); // across midnight
    frames(&mut running, 75).await;
    clock.step(-TimeDelta::hours(2) - TimeDelta::seconds(6)); // onto names that are taken
    frames(&mut running, 125).await;
    for hours in [2, -2] {
        let Notice::ClockStep { before, after } = running.notice().await else { panic!("another notice") };
        assert!((after - before - TimeDelta::hours(hours)).abs() < TimeDelta::seconds(8), "{before} {after}");
    }
    running.stop().await;

    assert_whole(&station, &sent);
    let all = segments(&station);
    let next_day =
        all.iter().filter(|segment| segment.path.to_str().unwrap().contains("20261123_00")).count();
    assert!(next_day >= 1, "{:?}", names(&all));
    let entries = steps(&station);
    assert_eq!(entries.len(), 2, "{entries:?}");
    let forward = entries.iter().find(|gap| gap.from < gap.to).unwrap();
    let off = forward.to - forward.from - TimeDelta::hours(2);
    assert!(off.abs() < TimeDelta::milliseconds(200), "{forward:?}");
    assert!(entries.iter().any(|gap| gap.from == gap.to), "a step back has no length");
    assert!(station.catalog.clock_doubt().unwrap().is_some(), "age rules wait for a person");
}

/// Records across `at` + 5 s in a zone.
async fn across(at: &str, zone: Tz) -> (Station, Vec<String>) {
    let clock = RunningClock::start(at);
    let mut station = Station::with_clock(clock.clock.clone());
    station.name_timezone = zone;
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    frames(&mut running, 250).await;
    running.stop().await;
    assert_whole(&station, &sent);
    assert_eq!(steps(&station), []);
    let all = segments(&station);
    for pair in all.windows(2) {
        let end = pair[0].start + TimeDelta::from_std(pair[0].duration.unwrap()).unwrap();
        assert!((pair[1].start - end).abs() < TimeDelta::milliseconds(300), "{pair:?}");
    }
    let names = names(&all);
    (station, names)
}

#[tokio::test]
async fn clocks_that_go_back_for_winter_give_both_hours_their_names() {
    let (_station, names) = across("2026-10-25T00:59:55Z", chrono_tz::Europe::Berlin).await;
    let with = |part: &str| names.iter().filter(|name| name.contains(part)).count();
    assert!(with("_0259") >= 1 && with("+0200") >= 1, "{names:?}");
    assert!(with("_0200") >= 1 && with("+0100") >= 1, "{names:?}");
}

#[tokio::test]
async fn clocks_that_go_forward_for_summer_leave_no_gap() {
    let (_station, names) = across("2026-03-29T00:59:55Z", chrono_tz::Europe::Berlin).await;
    let with = |part: &str| names.iter().filter(|name| name.contains(part)).count();
    assert!(with("_0159") >= 1 && with("_0300") >= 1 && with("_02") == 0, "{names:?}");
}

#[tokio::test]
async fn midnight_is_a_cut_like_any_other() {
    let (_station, names) = across("2026-12-31T23:59:55Z", Tz::UTC).await;
    let with = |part: &str| names.iter().filter(|name| name.contains(part)).count();
    assert!(with("20261231_2359") >= 1 && with("20270101_0000") >= 1, "{names:?}");
}

#[tokio::test]
async fn sender_reports_date_segments_once_they_agree() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    let clock_of = |segment: &Segment| {
        clip::probe(&station.path("media").join(&segment.path), "format_tags=com.nightreel.clock")
    };
    // reports come every five seconds or so
    for count in 2.. {
        running.wait_for_segments(count).await;
        if segments(&station).last().is_some_and(|segment| clock_of(segment) == "sender-report") {
            break;
        }
        assert!(count < 20, "no segment was dated by the camera");
    }
    running.stop().await;
    let all = segments(&station);
    assert_eq!(clock_of(&all[0]), "receive-time", "nothing was reported yet");
    for pair in all.windows(2) {
        let end = pair[0].start + TimeDelta::from_std(pair[0].duration.unwrap()).unwrap();
        assert!((pair[1].start - end).abs() < TimeDelta::milliseconds(1500), "{pair:?}");
    }
    assert_whole(&station, &sent);
}
