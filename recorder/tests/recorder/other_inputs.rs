//! Inputs that are not RTSP, read through an `ffmpeg` child: the same segments come of them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use config::Camera;

use crate::clip::{self, AAC, Codec};
use crate::station::{CAMERA, Station, camera_at, with_password};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// An `ffmpeg` that waits for one client and plays the clip to it for ever, in real time.
struct Server(Child);

impl Server {
    fn start(clip: &Path, format: &str, url: &str) -> Self {
        let child = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", format, "-listen", "1", url])
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("ffmpeg is installed"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn assert_records_all_of(sent: &Path, camera: Camera) {
    let station = Station::new();
    let mut running = station.start(camera);
    running.wait_for_segments(3).await;
    running.stop().await;
    let files = station.files(".mp4");
    let pictures: Vec<String> = files.iter().flat_map(|f| clip::picture_hashes(f, Codec::H264)).collect();
    clip::assert_unbroken(&clip::picture_hashes(sent, Codec::H264), &pictures);
    assert!(pictures.len() > 50, "{} pictures", pictures.len());
    let sound: Vec<String> = files.iter().flat_map(|file| clip::sound_hashes(file)).collect();
    clip::assert_unbroken(&clip::sound_hashes(sent), &sound);
    for file in &files {
        assert_eq!(clip::decode_errors(file), "", "{}", file.display());
    }
}

#[tokio::test]
async fn a_file_is_played_as_a_camera_would_send_it() {
    let sent = clip::encoded(Codec::H264, AAC);
    assert_records_all_of(&sent, camera_at(CAMERA, &format!("file://{}", sent.display()), TWO_SECONDS)).await;
}

#[tokio::test]
async fn rtmp_is_recorded_without_loss() {
    let sent = clip::encoded(Codec::H264, AAC);
    let url = format!("rtmp://127.0.0.1:{}/live/cam", free_port());
    let _server = Server::start(&sent, "flv", &url);
    assert_records_all_of(&sent, camera_at(CAMERA, &url, TWO_SECONDS)).await;
}

#[tokio::test]
async fn http_is_recorded_without_loss() {
    let sent = clip::encoded(Codec::H264, AAC);
    let url = format!("http://127.0.0.1:{}/cam.flv", free_port());
    let _server = Server::start(&sent, "flv", &url);
    assert_records_all_of(&sent, camera_at(CAMERA, &url, TWO_SECONDS)).await;
}

#[tokio::test]
async fn a_source_that_is_not_there_is_named_and_tried_again() {
    let station = Station::new();
    let mut running = station.start(camera_at(CAMERA, "http://127.0.0.1:9/cam.flv", TWO_SECONDS));
    running.wait_for(|camera| camera.reconnects >= 2).await;
    let status = running.status.cameras().remove(0);
    running.stop().await;
    assert!(format!("{status:?}").contains("gate"), "{status:?}");
    assert!(station.files(".mp4").is_empty());
}

#[tokio::test]
async fn a_password_stands_in_no_process_list() {
    let station = Station::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/cam.flv", listener.local_addr().unwrap().port());
    let running = station.start(with_password(camera_at(CAMERA, &url, TWO_SECONDS), "hunter2"));
    // the child has connected, so its command line is there to be read
    let (mut stream, _) = listener.accept().await.unwrap();
    let lines = command_lines();
    assert!(lines.iter().any(|line| line.contains("ffmpeg") && line.contains("concat")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("hunter2")), "{lines:?}");
    let mut request = [0; 4096];
    let read = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap();
    assert!(String::from_utf8_lossy(&request[..read]).starts_with("GET /cam.flv"));
    drop(stream);
    running.stop().await;
}

fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
