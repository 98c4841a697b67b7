//! What cameras send besides H.264 and AAC: telephone sound, and pictures that stand alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use config::{Camera, Hls};
use nightreel_recorder::SoundKept;

use crate::clip::{self, Codec, G711, G711_A, SILENT};
use crate::fake_camera::FakeCamera;
use crate::playlist::read;
use crate::station::{CAMERA, Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// Records three segments or more, and returns them.
async fn record(station: &Station, camera: Camera) -> Vec<PathBuf> {
    let mut running = station.start(camera);
    running.wait_for_segments(3).await;
    running.stop().await;
    assert_eq!(station.files(".partial"), Vec::<PathBuf>::new());
    let mut files = station.files(".mp4");
    files.retain(|file| !file.ends_with("init.mp4"));
    files
}

/// Returns what `ffmpeg` makes of a file.
fn made_of(path: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "error", "-i"]).arg(path).args(arguments).arg("-");
    let output = ffmpeg.output().expect("ffmpeg is installed");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", path.display());
    output.stdout
}

fn sound_of(path: &Path, format: &str) -> Vec<u8> {
    made_of(path, &["-map", "0:a", "-c", "copy", "-f", format])
}

/// Cameras cut this sound into packets as they like: what counts is each byte, once, over all cuts.
fn assert_all_sound(sent: &Path, files: &[PathBuf], format: &str) {
    let once = sound_of(sent, format);
    let sent = once.repeat(2);
    let recorded: Vec<u8> = files.iter().flat_map(|file| sound_of(file, format)).collect();
    assert!(recorded.len() > 4 * 8000, "{} bytes", recorded.len());
    assert!(recorded.len() < once.len(), "{} bytes", recorded.len());
    assert!(sent.windows(recorded.len()).any(|window| window == recorded), "sound was lost or repeated");
}

/// Sound lies where it was heard: in each file it begins and ends with the pictures.
fn assert_beside_the_pictures(files: &[PathBuf]) {
    for file in files {
        let (sound, pictures) = (clip::sound_times(file), clip::picture_times(file));
        let apart = |sound: f64, picture: f64| (sound - picture).abs();
        let ends = apart(*sound.last().unwrap(), pictures.last().unwrap().0);
        assert!(apart(sound[0], pictures[0].0) < 0.3 && ends < 0.3, "{}: {sound:?}", file.display());
    }
}

async fn keeps_telephone_sound(audio: &[&str], (option, format): (&str, &str), encoding: &str) {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, audio);
    let fake = FakeCamera::play(&sent, &["--audio", option]);
    let described = nightreel_recorder::describe(&camera(fake.port, TWO_SECONDS)).await.unwrap();
    assert_eq!(described.sound, Some((encoding.to_owned(), SoundKept::Yes)));
    let files = record(&station, camera(fake.port, TWO_SECONDS)).await;

    let pictures: Vec<String> = files.iter().flat_map(|f| clip::picture_hashes(f, Codec::H264)).collect();
    clip::assert_unbroken(&clip::picture_hashes(&sent, Codec::H264), &pictures);
    assert_all_sound(&sent, &files, format);
    assert_beside_the_pictures(&files);
    for file in &files {
        assert_eq!(clip::decode_errors(file), "", "{}", file.display());
        let decoded = made_of(file, &["-map", "0:a", "-f", "s16le"]);
        assert_eq!(decoded.len(), 2 * sound_of(file, format).len(), "every byte is a sample");
    }
}

#[tokio::test]
async fn mu_law_sound_crosses_cuts_without_loss_or_repeat() {
    keeps_telephone_sound(G711, ("g711", "mulaw"), "pcmu").await;
}

#[tokio::test]
async fn a_law_sound_crosses_cuts_without_loss_or_repeat() {
    keeps_telephone_sound(G711_A, ("g711a", "alaw"), "pcma").await;
}

/// Returns the handler of each track.
fn kinds_of_tracks(map: &[u8]) -> Vec<String> {
    let handlers = map.windows(16).filter(|window| window.starts_with(b"hdlr"));
    handlers.map(|handler| String::from_utf8_lossy(&handler[12..]).into_owned()).collect()
}

/// Browsers refuse a playlist with sound that they do not know, and one whose fragments have more tracks than its map.
#[tokio::test]
async fn a_live_playlist_with_g711_is_one_of_pictures_for_browsers() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, G711);
    let fake = FakeCamera::play(&sent, &["--audio", "g711"]);
    let hls = Some(Hls { keep: Duration::from_secs(3600), part: Duration::from_secs(1) });
    let files = record(&station, Camera { hls, ..camera(fake.port, TWO_SECONDS) }).await;
    assert_all_sound(&sent, &files, "mulaw");
    let folder = station.path("media").join(CAMERA);
    let listed = read(&std::fs::read_to_string(folder.join("stream.m3u8")).unwrap());
    assert!(listed.parts.len() >= 4, "{listed:?}");
    for part in listed.parts.values() {
        let bytes = part.bytes.start as usize..part.bytes.end as usize;
        let file = std::fs::read(folder.join(&part.uri)).unwrap();
        let cut_out = station.path("part.mp4");
        let map = std::fs::read(folder.join(&part.map)).unwrap();
        assert_eq!(kinds_of_tracks(&map), ["vide", "meta"]);
        std::fs::write(&cut_out, [&map, &file[bytes]].concat()).unwrap();
        let pictures = clip::picture_hashes(&cut_out, Codec::H264).len();
        assert_eq!(pictures, (part.seconds * 25.0).round() as usize, "{part:?}");
        assert_eq!(clip::decode_errors(&cut_out), "");
    }
}

#[tokio::test]
async fn motion_jpeg_is_recorded_picture_by_picture() {
    let station = Station::new();
    let sent = clip::encoded(Codec::MotionJpeg, SILENT);
    let fake = FakeCamera::play(&sent, &["--mjpeg"]);
    let described = nightreel_recorder::describe(&camera(fake.port, TWO_SECONDS)).await.unwrap();
    assert_eq!(described.codec, "jpeg");
    let files = record(&station, camera(fake.port, TWO_SECONDS)).await;
    assert_eq!(clip::probe(&files[0], "stream=codec_name,width,height"), "mjpeg\n320\n240");
    // RTP carries no head of a picture: what comes out is the same only when it is decoded
    let shown = |path: &Path| -> Vec<Vec<u8>> {
        let grey = made_of(path, &["-map", "0:v", "-pix_fmt", "gray", "-f", "rawvideo"]);
        grey.chunks(320 * 240).map(<[u8]>::to_vec).collect()
    };
    let recorded: Vec<Vec<u8>> = files.iter().flat_map(|file| shown(file)).collect();
    let sent = shown(&sent);
    let first = sent.iter().position(|picture| *picture == recorded[0]).expect("it was sent");
    assert!(recorded.len() >= 100, "{} pictures", recorded.len());
    for (number, picture) in recorded.iter().enumerate() {
        assert!(*picture == sent[(first + number) % sent.len()], "picture {number} of {}", recorded.len());
    }
    for file in &files {
        assert_eq!(clip::decode_errors(file), "", "{}", file.display());
    }
}
