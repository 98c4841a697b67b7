//! The child: an `ffmpeg` that speaks RTSP to the server, and takes the stream from its stdin.

use std::process::Stdio;
use std::time::Duration;

use config::{Camera, Republish};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::mp4::{FileHead, TrackKind};

/// Of the last that the child says, for the reason when it ends.
const WORDS_MAX: usize = 2000;

/// What only follows from the reason.
const CONSEQUENCES: [&str; 3] =
    ["Error initializing output stream", "Error writing trailer", "Conversion failed"];

/// To say good-bye to the server.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What of sound RTP carries by FFmpeg; anything else would end the child.
const SOUND: [&[u8]; 4] = [b"mp4a", b"Opus", b"alaw", b"ulaw"];

/// Says what a camera's settings show to every user of this machine: FFmpeg takes the address of an output only
/// from its command line, and the password only with the address.
pub fn exposes_password(camera: &Camera) -> Option<String> {
    camera.republish.as_ref().and_then(|to| to.password.as_ref())?;
    Some(format!(
        "the password for `republish` of camera `{}` can be read in this machine's process list, because ffmpeg \
         takes it no other way; give the server a user that may publish this stream and nothing else",
        camera.id
    ))
}

/// Is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    progress: ChildStdout,
    errors: ChildStderr,
    words: Vec<u8>,
    /// As they stand in the address, and as they are.
    secrets: [String; 2],
}

impl Child {
    pub(super) fn start(to: &Republish, head: &FileHead) -> std::io::Result<(Self, ChildStdin)> {
        let address = to.address();
        let mut process = command(head, address.expose()).spawn()?;
        let stdin = process.stdin.take().expect("stdin is piped");
        let child = Self {
            progress: process.stdout.take().expect("stdout is piped"),
            errors: process.stderr.take().expect("stderr is piped"),
            process,
            words: Vec::new(),
            secrets: secrets(to, address.expose()),
        };
        Ok((child, stdin))
    }

    /// Listens until the child falls silent, which is when it ends. `progressed` is called about once a second
    /// from when the server has taken the stream.
    pub(super) async fn listen(&mut self, mut progressed: impl FnMut()) {
        let (mut report, mut word) = ([0; 1024], [0; 1024]);
        loop {
            tokio::select! {
                length = read(&mut self.progress, &mut report) => match length {
                    0 => break,
                    _ => progressed(),
                },
                length = read(&mut self.errors, &mut word) => match length {
                    0 => break,
                    length => self.keep(&word[..length]),
                },
            }
        }
    }

    /// Waits a moment for the child, whose stdin must be closed, then kills it. Returns its last words.
    pub(super) async fn end(mut self) -> String {
        let by_itself = async {
            self.listen(|| {}).await;
            let mut word = [0; 1024];
            while let length @ 1.. = read(&mut self.errors, &mut word).await {
                self.keep(&word[..length]);
            }
            self.process.wait().await
        };
        if timeout(ENDS_WITHIN, by_itself).await.is_err() {
            let _ = self.process.kill().await; // fails only where it has ended meanwhile
        }
        self.last_words()
    }

    fn keep(&mut self, words: &[u8]) {
        self.words.extend_from_slice(words);
        let too_many = self.words.len().saturating_sub(WORDS_MAX);
        self.words.drain(..too_many);
    }

    fn last_words(&self) -> String {
        let words = String::from_utf8_lossy(&self.words);
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(reason(&words).to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// Picks the line that says why.
fn reason(words: &str) -> &str {
    let is_refusal = |line: &&str| line.contains("401 Unauthorized") || line.contains("403 Forbidden");
    let says_why =
        |line: &&str| !line.is_empty() && !CONSEQUENCES.iter().any(|begin| line.starts_with(begin));
    let lines = || words.lines().rev().map(str::trim);
    lines().find(is_refusal).or_else(|| lines().find(says_why)).unwrap_or_default()
}

/// Returns how much was read: nothing at the end, and where reading fails.
async fn read(from: &mut (impl AsyncRead + Unpin), into: &mut [u8]) -> usize {
    from.read(into).await.unwrap_or(0)
}

fn secrets(to: &Republish, address: &str) -> [String; 2] {
    let login = address.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    let in_address = login.and_then(|(login, _)| login.split_once(':')).map(|(_, password)| password);
    let itself = to.password.as_ref().map(config::Secret::expose);
    [in_address.unwrap_or_default().to_owned(), itself.unwrap_or_default().to_owned()]
}

fn command(head: &FileHead, address: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-nostats"]);
    command.args(["-progress", "pipe:1", "-stats_period", "1"]);
    // the head says it all, and whoever probes is late
    command.args(["-analyzeduration", "0", "-probesize", "32"]);
    command.args(["-f", "mp4", "-i", "pipe:0", "-map", "0:v:0"]);
    if has_sound(head) {
        command.args(["-map", "0:a:0"]);
    }
    // a camera whose microphone is silent must not hold back its pictures, in microseconds
    command.args(["-c", "copy", "-max_interleave_delta", "500000"]);
    command.args(["-f", "rtsp", "-rtsp_transport", "tcp", address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn has_sound(head: &FileHead) -> bool {
    let sound = head.tracks.iter().find(|track| track.kind == TrackKind::Audio);
    sound.and_then(|track| track.sample_entry.get(4..8)).is_some_and(|format| SOUND.contains(&format))
}

#[cfg(test)]
mod tests {
    use config::{Secret, Source};

    use super::*;

    fn republish(password: Option<&str>) -> Republish {
        Republish {
            url: "rtsp://127.0.0.1:9/live".parse().unwrap(),
            username: Some("me".to_owned()),
            password: password.map(Secret::new),
        }
    }

    #[test]
    fn only_a_password_is_exposed() {
        let source = Source::new("rtsp://127.0.0.1/cam".parse().unwrap());
        let mut camera = Camera::new("gate".parse().unwrap(), Some(source));
        assert_eq!(exposes_password(&camera), None);
        camera.republish = Some(republish(None));
        assert_eq!(exposes_password(&camera), None);
        camera.republish = Some(republish(Some("hunter2")));
        let text = exposes_password(&camera).unwrap();
        assert!(text.contains("`gate`") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_reason_is_found_among_what_follows_from_it() {
        let refused = "[rtsp @ 0x1] method ANNOUNCE failed: 401 Unauthorized";
        let header = "Could not write header for output file #0 (incorrect codec parameters ?)";
        let after = "Error initializing output stream 0:0 -- \n";
        assert_eq!(reason(&format!("{refused}\n{header}: Server returned 401\n{after}")), refused);
        assert_eq!(
            reason(&format!("{header}: Connection refused\n{after}")),
            format!("{header}: Connection refused")
        );
        assert_eq!(reason(""), "");
    }

    #[test]
    fn a_password_is_known_in_both_of_its_forms() {
        let to = republish(Some("p@ss:w/rd"));
        assert_eq!(secrets(&to, to.address().expose()), ["p%40ss%3Aw%2Frd", "p@ss:w/rd"]);
        let to = republish(None);
        assert_eq!(secrets(&to, to.address().expose()), ["", ""]);
    }
}
