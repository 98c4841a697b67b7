//! Parameters of the picture that come in the stream, that change there, and of which there are several: no picture
//! is lost, and all of them can be decoded.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::hostile_camera::{DESCRIPTION, HostileCamera, Talk};
use crate::station::{Station, camera};

const FOOTAGE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
/// A cut on the clock must not fall into a test.
const HOUR: Duration = Duration::from_secs(3600);
const GOP: usize = 10;
/// Types of NAL units.
const SLICE: u8 = 1;
const KEYFRAME: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// Without parameters.
const BARE: &str = "a=fmtp:96 packetization-mode=1\r\n";

/// A picture and what it looks like when it is decoded.
#[derive(Clone)]
struct Picture {
    units: Vec<Vec<u8>>,
    looks: String,
}

/// Encodes a hundred pictures with a keyframe, and its parameters, every ten.
fn encode(size: &str, entropy_coding: &str) -> Vec<Picture> {
    let parameters = format!("keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:slices=1:{entropy_coding}");
    let stream = ffmpeg(Path::new(FOOTAGE), |ffmpeg| {
        ffmpeg.args(["-frames:v", "100", "-s", size, "-pix_fmt", "yuv420p", "-c:v", "libx264"]);
        ffmpeg.args(["-preset", "ultrafast", "-crf", "35", "-x264-params", &parameters, "-f", "h264"]);
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stream.h264");
    std::fs::write(&file, &stream).unwrap();
    let looks = looks(&file);
    let mut pictures = vec![Vec::new()];
    for unit in units(&stream) {
        let ends = matches!(kind(&unit), SLICE | KEYFRAME);
        pictures.last_mut().unwrap().push(unit);
        if ends {
            pictures.push(Vec::new());
        }
    }
    pictures.pop();
    assert_eq!((pictures.len(), looks.len()), (100, 100));
    pictures.into_iter().zip(looks).map(|(units, looks)| Picture { units, looks }).collect()
}

fn ffmpeg(input: &Path, arguments: impl FnOnce(&mut Command)) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "error", "-i"]).arg(input).arg("-an");
    arguments(&mut ffmpeg);
    let output = ffmpeg.arg("-").stdin(Stdio::null()).output().expect("ffmpeg is installed");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", input.display());
    output.stdout
}

/// Decodes a file and hashes each picture.
fn looks(file: &Path) -> Vec<String> {
    let rows = ffmpeg(file, |ffmpeg| {
        ffmpeg.args(["-vsync", "passthrough", "-f", "framehash", "-hash", "md5"]);
    });
    let rows = String::from_utf8(rows).unwrap();
    let pictures = rows.lines().filter(|row| !row.starts_with('#'));
    pictures.map(|row| row.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Takes a stream with start codes apart.
fn units(stream: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> =
        (0..stream.len() - 3).filter(|&at| stream[at..at + 3] == [0, 0, 1]).map(|at| at + 3).collect();
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([stream.len()]);
    let unit = |(&start, end): (&usize, usize)| {
        let zeros = stream[start..end].iter().rev().take_while(|&&byte| byte == 0).count();
        stream[start..end - zeros].to_vec()
    };
    starts.iter().zip(ends).map(unit).collect()
}

fn kind(unit: &[u8]) -> u8 {
    unit[0] & 0x1f
}

fn send(talk: &mut Talk, picture: &Picture) -> std::io::Result<()> {
    let last = picture.units.len() - 1;
    picture.units.iter().enumerate().try_for_each(|(number, unit)| talk.packet(number == last, unit))
}

/// Records what a camera with this description sends, and returns the number of files.
async fn record(description: String, sent: Vec<Picture>) -> usize {
    let wanted: Vec<String> = sent.iter().map(|picture| picture.looks.clone()).collect();
    let hostile = HostileCamera::start(move |talk| {
        talk.play_as(&description)?;
        sent.iter().try_for_each(|picture| send(talk, picture))?;
        talk.fall_silent()
    });
    let station = Station::new();
    let mut running = station.start(camera(hostile.port, HOUR));
    // the last fragment is written when it stops
    let most = wanted.len() as u64 - 60;
    running.wait_for(|camera| camera.frames >= most).await;
    running.stop().await;
    let files = station.files(".mp4");
    let recorded: Vec<String> = files.iter().flat_map(|file| looks(file)).collect();
    assert!(recorded.len() as u64 >= most, "{} pictures", recorded.len());
    for (number, picture) in recorded.iter().enumerate() {
        assert!(*picture == wanted[number], "picture {number} of {} in {files:?}", recorded.len());
    }
    files.len()
}

fn without_parameters() -> String {
    let (before, fmtp) = DESCRIPTION.split_once("a=fmtp").unwrap();
    format!("{before}{BARE}{}", fmtp.split_once("\r\n").unwrap().1)
}

#[tokio::test]
async fn parameters_that_come_in_the_stream_alone_are_enough() {
    assert_eq!(record(without_parameters(), encode("320x240", "cabac=1")).await, 1);
}

#[tokio::test]
async fn another_resolution_begins_a_segment() {
    let (small, large) = (encode("320x240", "cabac=1"), encode("640x480", "cabac=1"));
    let sent = [&small[..], &large[..50], &small[..], &large].concat();
    assert_eq!(record(without_parameters(), sent).await, 4);
}

#[tokio::test]
async fn parameters_that_change_with_every_keyframe_make_few_files() {
    let (one, other) = (encode("320x240", "cabac=1"), encode("320x240", "cabac=0"));
    let gops = one.chunks(GOP).zip(other.chunks(GOP)).flat_map(|(one, other)| [one, other]);
    let once: Vec<Picture> = gops.flatten().cloned().collect();
    let sent = [once.clone(), once].concat();
    assert_eq!(record(without_parameters(), sent).await, 8);
}

/// The parser keeps only the last that came: in the head of the file all must be found.
#[tokio::test]
async fn several_picture_parameters_are_all_kept() {
    let mut sent = encode("320x240", "cabac=1");
    let find = |sent: &[Picture], wanted| {
        sent[0].units.iter().find(|unit| kind(unit) == wanted).expect("x264 repeats them").clone()
    };
    let (sps, pps) = (find(&sent, SPS), find(&sent, PPS));
    for picture in sent.iter_mut().filter(|picture| picture.units.len() > 1) {
        let at = picture.units.iter().position(|unit| kind(unit) == PPS).unwrap();
        picture.units.insert(at + 1, numbered_one(&pps));
    }
    let sets = format!("sprop-parameter-sets={},{}", base64(&sps), base64(&pps));
    let description = DESCRIPTION.replace("sprop-parameter-sets=Z00AHpWoLQ9puAgICBA=,aO48gA==", &sets);
    assert!(description.contains(&sets));
    assert_eq!(record(description, sent).await, 1);
}

/// Makes number 1 of number 0: its first bit, `1`, becomes `010`.
fn numbered_one(pps: &[u8]) -> Vec<u8> {
    let mut bits: Vec<u8> =
        pps[1..].iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    assert_eq!(bits[0], 1);
    bits.splice(..1, [0, 1, 0]);
    // what follows the last bit that is set says nothing
    let end = bits.iter().rposition(|&bit| bit == 1).unwrap() + 1;
    bits.resize(end.next_multiple_of(8), 0);
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    [pps[0]].into_iter().chain(bits.chunks(8).map(byte)).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let whole =
            [0, 1, 2].iter().fold(0u32, |whole, &n| whole << 8 | u32::from(*three.get(n).unwrap_or(&0)));
        let digit = |n: usize| char::from(DIGITS[(whole >> (18 - 6 * n)) as usize & 63]);
        (0..4).map(|n| if n <= three.len() { digit(n) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}
