//! Republishing to a real RTSP server, which comes and goes as it likes: the recording has everything all the same.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use config::{Camera, Republish, Secret};
use nightreel_recorder::exposes_password;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::clip::{self, AAC, Codec, G711, SILENT};
use crate::fake_camera::FakeCamera;
use crate::log::Log;
use crate::station::{Running, Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// An `ffmpeg` that waits for one publisher, and prints the hash of each packet that it gets.
struct Server {
    process: Child,
    packets: Lines<BufReader<ChildStdout>>,
}

/// What a server got, as hashes.
#[derive(Debug, Default)]
struct Got {
    pictures: Vec<String>,
    sound: Vec<String>,
    /// When the pictures are shown, in ticks of the server's.
    times: Vec<i64>,
}

impl Server {
    fn start(port: u16, codec: Codec) -> Self {
        let mut process = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "fatal", "-fflags", "+genpts", "-rtsp_flags", "listen"])
            .args(["-i", &url(port), "-map", "0", "-c", "copy", "-bsf:v", &codec.pictures_only()])
            .args(["-flush_packets", "1", "-f", "framehash", "-hash", "md5", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("ffmpeg is installed");
        let packets = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, packets }
    }

    /// Takes what comes until there are so many pictures more.
    async fn take(&mut self, pictures: usize, got: &mut Got) {
        let wanted = got.pictures.len() + pictures;
        let taking = async {
            while got.pictures.len() < wanted {
                let line = self.packets.next_line().await.unwrap().expect("the server goes on");
                got.note(&line);
            }
        };
        timeout(PATIENCE, taking).await.expect("pictures arrive");
    }

    async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

impl Got {
    fn note(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        match fields.as_slice() {
            ["0", _, shown, _, _, hash, ..] => {
                self.pictures.push((*hash).to_owned());
                self.times.push(shown.parse().unwrap());
            }
            ["1", _, _, _, _, hash, ..] => self.sound.push((*hash).to_owned()),
            _ => {}
        }
    }

    /// This server knows no times of the first pictures, and has not all of the last.
    fn assert_even_times(&self) {
        let mut times = self.times[5..].to_vec();
        times.sort_unstable();
        let steps = times[..times.len() - 5].windows(2).map(|pair| pair[1] - pair[0]);
        assert!(steps.clone().all(|step| (3590..=3610).contains(&step)), "{:?}", steps.collect::<Vec<_>>());
    }
}

fn url(port: u16) -> String {
    format!("rtsp://127.0.0.1:{port}/live")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn republished(mut camera: Camera, port: u16) -> Camera {
    camera.republish = Some(Republish { url: url(port).parse().unwrap(), username: None, password: None });
    camera
}

fn with_password(mut camera: Camera, password: &str) -> Camera {
    let republish = camera.republish.as_mut().unwrap();
    republish.username = Some("me".to_owned());
    republish.password = Some(Secret::new(password));
    camera
}

/// Stops, and asserts that every picture is in the recording.
async fn assert_recorded(station: &Station, running: Running, sent: &Path, codec: Codec) {
    running.stop().await;
    let files = station.files(".mp4");
    let recorded: Vec<String> = files.iter().flat_map(|file| clip::picture_hashes(file, codec)).collect();
    clip::assert_unbroken(&clip::picture_hashes(sent, codec), &recorded);
    assert!(recorded.len() >= 100, "{} pictures", recorded.len());
    assert!(station.gaps().is_empty(), "{:?}", station.gaps());
}

#[tokio::test]
async fn every_picture_and_all_sound_arrive_across_cuts() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let port = free_port();
    let mut server = Server::start(port, Codec::H264);
    let running = station.start(republished(camera(fake.port, TWO_SECONDS), port));
    let mut got = Got::default();
    server.take(150, &mut got).await;
    assert_recorded(&station, running, &sent, Codec::H264).await;
    clip::assert_unbroken(&clip::sent_picture_hashes(&sent, Codec::H264), &got.pictures);
    clip::assert_unbroken(&clip::sound_hashes(&sent), &got.sound);
    assert!(got.sound.len() >= 80, "{}", got.sound.len());
    got.assert_even_times();
}

#[tokio::test]
async fn telephone_sound_arrives_beside_the_pictures() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, G711);
    let fake = FakeCamera::play(&sent, &["--audio", "g711"]);
    let port = free_port();
    let mut server = Server::start(port, Codec::H264);
    let running = station.start(republished(camera(fake.port, TWO_SECONDS), port));
    let mut got = Got::default();
    server.take(110, &mut got).await;
    assert_recorded(&station, running, &sent, Codec::H264).await;
    clip::assert_unbroken(&clip::sent_picture_hashes(&sent, Codec::H264), &got.pictures);
    got.assert_even_times();
    // other packets than the camera's: none is larger than 1.5 kB, a fifth of a second
    assert!(got.sound.len() >= 15, "{}", got.sound.len());
}

#[tokio::test]
async fn b_frames_arrive_with_their_times() {
    for (codec, options) in [(Codec::H264WithBFrames, [].as_slice()), (Codec::H265, &["--h265"])] {
        let station = Station::new();
        let sent = clip::encoded(codec, SILENT);
        let fake = FakeCamera::play(&sent, options);
        let port = free_port();
        let mut server = Server::start(port, codec);
        let running = station.start(republished(camera(fake.port, TWO_SECONDS), port));
        let mut got = Got::default();
        server.take(110, &mut got).await;
        assert_recorded(&station, running, &sent, codec).await;
        clip::assert_unbroken(&clip::sent_picture_hashes(&sent, codec), &got.pictures);
        got.assert_even_times();
    }
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_is_found_again_and_costs_the_recording_nothing() {
    let log = Log::begin();
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let port = free_port();
    let mut running = station.start(republished(camera(fake.port, TWO_SECONDS), port));
    running.wait_for(|camera| camera.frames >= 75).await;

    let mut before = Got::default();
    let mut server = Server::start(port, Codec::H264);
    server.take(200, &mut before).await;
    server.kill().await;
    let frames = running.status.cameras()[0].frames;
    running.wait_for(|camera| camera.frames >= frames + 75).await;
    let mut after = Got::default();
    let mut server = Server::start(port, Codec::H264);
    server.take(200, &mut after).await;

    assert_recorded(&station, running, &sent, Codec::H264).await;
    let pictures = clip::sent_picture_hashes(&sent, Codec::H264);
    clip::assert_unbroken(&pictures, &before.pictures);
    clip::assert_unbroken(&pictures, &after.pictures);
    let text = log.text();
    assert_eq!(text.matches("not republishing").count(), 2, "one line per outage: {text}");
    assert_eq!(text.matches("republishing again").count(), 2, "{text}");
    assert!(text.contains("Connection refused"), "{text}");
}

/// Answers every request of a publisher with 401.
async fn refuse(mut stream: TcpStream) {
    let mut request = [0; 4096];
    while let Ok(1..) = stream.read(&mut request).await {
        let text = String::from_utf8_lossy(&request).into_owned();
        let number = text.split("CSeq: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or("1");
        let answer = format!(
            "RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn a_refused_password_is_told_by_its_key_and_never_shown() {
    let log = Log::begin();
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let camera = with_password(republished(camera(fake.port, TWO_SECONDS), port), "hun@ter2");
    assert!(exposes_password(&camera).unwrap().contains("`gate`"));
    let mut running = station.start(camera);
    let (stream, _) = listener.accept().await.unwrap();
    refuse(stream).await;
    running.wait_for(|camera| camera.frames >= 125).await;
    assert_recorded(&station, running, &sent, Codec::H264).await;
    let text = log.text();
    assert!(text.contains("ERROR") && text.contains("`republish_password`"), "{text}");
    assert!(!text.contains("hun@ter2") && !text.contains("hun%40ter2"), "{text}");
    let again = timeout(Duration::ZERO, listener.accept()).await;
    assert!(again.is_err(), "a wrong password is not tried every second");
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_left_and_tried_again() {
    let log = Log::begin();
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let running = station.start(republished(camera(fake.port, TWO_SECONDS), port));
    let (mut silent, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    timeout(PATIENCE, silent.read_to_end(&mut request)).await.expect("the child is killed").unwrap();
    assert!(request.starts_with(b"OPTIONS "), "{}", String::from_utf8_lossy(&request));
    let again = timeout(PATIENCE, listener.accept()).await.expect("it is tried again");
    assert_recorded(&station, running, &sent, Codec::H264).await;
    drop(again);
    assert!(log.text().contains("it took nothing for 10 s"), "{}", log.text());
}
