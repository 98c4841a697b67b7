//! Snapshots: what the camera showed, at the asked rate, whatever the maker of pictures does.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::Clock;
use chrono::{DateTime, NaiveDateTime, Utc};
use config::{Camera, CameraId, Snapshots};
use nightreel_recorder::{SnapshotMaker, lacks_decoder};

use crate::clip::{self, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::log::Log;
use crate::station::{Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);
const WIDTH: usize = 320;
const HEIGHT: usize = 240;
const PIXELS: usize = WIDTH * HEIGHT;

type Made = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

/// Decodes by the `ffmpeg` program.
#[derive(Debug)]
struct Ffmpeg;

impl SnapshotMaker for Ffmpeg {
    fn jpeg(&self, _camera: &CameraId, mp4: &[u8]) -> Made {
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-i", "pipe:0", "-q:v", "2", "-f", "mjpeg", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().unwrap().write_all(mp4)?;
        let output = child.wait_with_output()?;
        match output.stderr.is_empty() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }
}

fn with_snapshots(camera: Camera, station: &Station) -> Camera {
    let dir = station.path("pictures");
    Camera { snapshots: Some(Snapshots { every: TWO_SECONDS, dir }), ..camera }
}

/// Decodes to luma, one picture after another.
fn luma(path: &Path, filter: &str) -> Vec<Vec<u8>> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-i"])
        .arg(path)
        // a JPEG's luma has the full range
        .args(["-vf", &format!("{filter},scale=out_range=full,format=yuvj420p,extractplanes=y")])
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks(PIXELS).map(<[u8]>::to_vec).collect()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.sum::<f64>()).log10()
}

fn pictures(station: &Station) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(station.path("pictures")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn taken(path: &Path) -> DateTime<Utc> {
    let name = path.file_name().unwrap().to_str().unwrap();
    NaiveDateTime::parse_from_str(name, "%Y%m%d_%H%M%S.jpg").unwrap().and_utc()
}

/// Records so many pictures with this maker and asserts that they are all there.
async fn assert_records(
    station: &mut Station,
    maker: Option<Arc<dyn SnapshotMaker>>,
    frames: u64,
) -> PathBuf {
    station.snapshot_maker = maker;
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(with_snapshots(camera(fake.port, TWO_SECONDS), station));
    running.wait_for(|camera| camera.frames >= frames).await;
    running.stop().await;
    let recorded: Vec<String> =
        station.files(".mp4").iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
    clip::assert_unbroken(&clip::picture_hashes(&sent, Codec::H264), &recorded);
    assert!(recorded.len() as u64 >= frames, "{}", recorded.len());
    sent
}

#[tokio::test]
async fn pictures_show_what_was_sent_at_even_intervals() {
    let mut station = Station::new();
    let before = Clock::system().now();
    let sent = assert_records(&mut station, Some(Arc::new(Ffmpeg)), 250).await;
    let files = pictures(&station);
    assert!((5..=8).contains(&files.len()), "one in two seconds of ten or more: {files:?}");
    let times: Vec<DateTime<Utc>> = files.iter().map(|file| taken(file)).collect();
    let interval = |time: &DateTime<Utc>| time.timestamp().div_euclid(2);
    assert!(times.windows(2).all(|pair| interval(&pair[0]) < interval(&pair[1])), "{times:?}");
    assert!(
        times[0] >= before - TWO_SECONDS && times.iter().all(|time| *time <= Clock::system().now()),
        "{times:?}"
    );
    let keyframes = luma(&sent, "select=eq(pict_type\\,I)");
    assert_eq!(keyframes.len(), 20);
    for file in &files {
        assert_eq!(clip::probe(file, "stream=width,height"), format!("{WIDTH}\n{HEIGHT}"));
        let shown = luma(file, "null").remove(0);
        let mut likeness: Vec<f64> = keyframes.iter().map(|keyframe| psnr(&shown, keyframe)).collect();
        likeness.sort_by(f64::total_cmp);
        assert!(likeness[19] > 36.0, "{}: {likeness:?}", file.display());
        assert!(likeness[18] < 32.0, "it is one of them and no other: {likeness:?}");
    }
}

/// Never comes back before it is let go.
#[derive(Debug)]
struct Hanging(Mutex<std::sync::mpsc::Receiver<()>>);

impl SnapshotMaker for Hanging {
    fn jpeg(&self, _camera: &CameraId, _mp4: &[u8]) -> Made {
        let _ = self.0.lock().unwrap().recv();
        Err("let go".into())
    }
}

#[tokio::test]
async fn a_maker_that_hangs_costs_the_recording_nothing_and_is_left_at_the_end() {
    let log = Log::begin();
    let mut station = Station::new();
    let (let_go, held) = std::sync::mpsc::channel();
    assert_records(&mut station, Some(Arc::new(Hanging(Mutex::new(held)))), 125).await;
    drop(let_go);
    assert!(log.text().contains("did not end in time and is left"), "{}", log.text());
    assert!(!station.path("pictures").exists());
}

/// Fails, one time by an error and the next by a panic, and then makes something.
#[derive(Debug, Default)]
struct Failing(AtomicU64);

impl SnapshotMaker for Failing {
    fn jpeg(&self, _camera: &CameraId, _mp4: &[u8]) -> Made {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err("as it must".into()),
            1 => panic!("as it must not"),
            _ => Ok(b"a picture".to_vec()),
        }
    }
}

#[tokio::test]
async fn a_maker_that_fails_costs_the_recording_nothing_and_is_asked_again() {
    let mut station = Station::new();
    let failing = Arc::new(Failing::default());
    assert_records(&mut station, Some(failing.clone()), 200).await;
    let asked = failing.0.load(Ordering::Relaxed);
    assert!(asked >= 3, "{asked}");
    let files = pictures(&station);
    assert_eq!(files.len() as u64, asked - 2, "{files:?}");
    assert_eq!(std::fs::read(&files[0]).unwrap(), b"a picture");
}

#[tokio::test]
async fn without_a_maker_it_is_told_which_key_to_take_out() {
    let log = Log::begin();
    let mut station = Station::new();
    assert_records(&mut station, None, 50).await;
    let text = log.text();
    assert_eq!(text.matches("no snapshots are taken").count(), 1, "{text}");
    assert!(text.contains("take out `snapshot_seconds`"), "{text}");
    assert!(!station.path("pictures").exists());
    assert_eq!(lacks_decoder(&camera(1, TWO_SECONDS)), None);
}

#[tokio::test]
async fn a_picture_of_the_same_second_is_not_replaced() {
    let mut station = Station::new();
    std::fs::create_dir(station.path("pictures")).unwrap();
    let now = Clock::system().now();
    for second in 0..90 {
        let name = (now + Duration::from_secs(second)).format("%Y%m%d_%H%M%S.jpg");
        std::fs::write(station.path(&format!("pictures/{name}")), "older").unwrap();
    }
    assert_records(&mut station, Some(Arc::new(Failing(AtomicU64::new(2)))), 100).await;
    let is_newer = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().ends_with("_2");
    let (newer, older): (Vec<PathBuf>, Vec<PathBuf>) = pictures(&station).into_iter().partition(is_newer);
    assert!(older.len() == 90 && older.iter().all(|file| std::fs::read(file).unwrap() == b"older"));
    assert!(!newer.is_empty() && newer.iter().all(|file| std::fs::read(file).unwrap() == b"a picture"));
}
