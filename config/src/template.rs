//! `nightreel init`: a commented settings file, from a few answers.

use std::fmt::Write;

use chrono_tz::Tz;
use toml::Value;
use url::Url;

use crate::{Camera, CameraId, ConfigError, Environment, Loaded, Recording, dotenv, load};

#[cfg(test)]
mod tests;

/// What only the user knows; the rest of the file holds the defaults, as comments.
#[derive(Clone, Debug)]
pub struct Answers {
    pub root: String,
    /// Absent: the file has a commented camera to fill in.
    pub camera: Option<CameraAnswers>,
    /// Of the windows, and of nothing else.
    pub timezone: Tz,
    /// Such as `22:00-06:00`; none: always.
    pub windows: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct CameraAnswers {
    pub id: CameraId,
    /// Without credentials; absent for a folder that another recorder fills.
    pub url: Option<Url>,
    pub username: Option<String>,
    /// Name of the environment variable that holds the password. The password itself is never written.
    pub password_env: Option<String>,
    pub segment_seconds: u64,
    pub mode: StreamMode,
}

/// What becomes of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StreamMode {
    #[default]
    Record,
    /// Nothing is kept but what a live playlist reaches back.
    Hls { part_seconds: u64 },
    /// Nothing is kept.
    Republish {
        /// Without credentials.
        url: Url,
        username: Option<String>,
        /// Name of the environment variable that holds the password.
        password_env: Option<String>,
    },
}

impl StreamMode {
    fn of(camera: &Camera) -> Self {
        match (&camera.recording, &camera.hls, &camera.republish) {
            (Recording::Off, Some(hls), _) => Self::Hls { part_seconds: hls.part.as_secs() },
            (Recording::Off, None, Some(republish)) => Self::Republish {
                url: republish.url.clone(),
                username: republish.username.clone(),
                password_env: republish.password.as_ref().map(|_| "OUTPUT_RTSP_PASSWORD".to_owned()),
            },
            _ => Self::Record,
        }
    }
}

impl Answers {
    /// Takes the answers that `.env` gives; `None` where it describes no camera. The password stays where it
    /// is: the file written names its variable.
    pub fn from_dotenv(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        if !dotenv::describes_a_camera(environment) {
            return Ok(None);
        }
        load::load_dotenv(environment).map(|loaded| Some(Self::of(&loaded)))
    }

    fn of(loaded: &Loaded) -> Self {
        let settings = &loaded.settings;
        let camera = settings.cameras.first().map(|camera| CameraAnswers {
            id: camera.id.clone(),
            url: camera.source.as_ref().map(|source| source.url.clone()),
            username: camera.source.as_ref().and_then(|source| source.username.clone()),
            password_env: camera
                .source
                .as_ref()
                .and_then(|source| source.password.as_ref())
                .map(|_| "CAMERA_PASSWORD".to_owned()),
            segment_seconds: camera.segment_length.as_secs(),
            mode: StreamMode::of(camera),
        });
        let root = settings.storage.root.display().to_string();
        Self { root, camera, timezone: Tz::UTC, windows: Vec::new() }
    }
}

/// Reads a camera's address as `.env`'s CAMERA_IP is read: an IP alone, one with a port, or a whole URL.
pub fn camera_url(address: &str) -> Result<Url, url::ParseError> {
    Url::parse(&dotenv::stream_url(address.trim()))
}

/// Returns the text of a settings file that loads as it is.
pub fn template(answers: &Answers) -> String {
    let cameras = answers.camera.as_ref().map_or_else(|| EXAMPLE_CAMERA.to_owned(), camera);
    let windows: Vec<String> = answers.windows.iter().map(|window| quoted(window)).collect();
    format!(
        "{HEAD}\n\
         [storage]\n\
         # The folder of the cameras' folders: <root>/<camera>/segment_YYYYMMDD_HHMMSS.mp4\n\
         root = {root}\n\
         {STORAGE}\n\
         {cameras}\n\
         [process]\n\
         # When the heavy work may run, in this time zone; [] is always.\n\
         timezone = {zone}\n\
         windows = [{windows}]\n\
         {REST}",
        root = quoted(&answers.root),
        zone = quoted(answers.timezone.name()),
        windows = windows.join(", "),
    )
}

fn camera(answers: &CameraAnswers) -> String {
    let mut text =
        format!("[[camera]]\n# Also the name of its folder.\nid = {}\n", quoted(answers.id.as_str()));
    let mut line = |key: &str, value: Option<&str>, example: &str| {
        // Writing to a `String` cannot fail.
        let _ = match value {
            Some(value) => writeln!(text, "{key} = {}", quoted(value)),
            None => writeln!(text, "# {key} = {}", quoted(example)),
        };
    };
    line("url", answers.url.as_ref().map(Url::as_str), "rtsp://192.168.1.20:554/stream");
    line("username", answers.username.as_deref(), "admin");
    line("password_env", answers.password_env.as_deref(), "CAMERA_PASSWORD");
    let _ = writeln!(text, "segment_seconds = {}", answers.segment_seconds);
    text + CAMERA + &outputs(&answers.mode) + FISHEYE
}

fn outputs(mode: &StreamMode) -> String {
    match mode {
        StreamMode::Record => RECORD.to_owned(),
        StreamMode::Hls { part_seconds } => format!("{HLS}hls_part_seconds = {part_seconds}\n"),
        StreamMode::Republish { url, username, password_env } => {
            let mut text = format!("{REPUBLISH}republish = {}\n", quoted(url.as_str()));
            if let Some(username) = username {
                let _ = writeln!(text, "republish_username = {}", quoted(username));
            }
            if let Some(variable) = password_env {
                let _ = writeln!(
                    text,
                    "# Put the password of OUTPUT_RTSP_URL into .env by this name, too:\n\
                     republish_password_env = {}",
                    quoted(variable)
                );
            }
            text
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

const HEAD: &str = "\
# nightreel's settings. Lines that begin with `# key =` show defaults or examples; take the `#` away to
# change them. `nightreel config check` tells what is wrong, `nightreel config show` what is in force, and
# docs/configuration.md describes every key.
";

const STORAGE: &str = "\
# Catalogue and locks, on a local disk:
# state_dir = \"/var/lib/nightreel\"
# Of the times in file names:
# name_timezone = \"UTC\"
";

const EXAMPLE_CAMERA: &str = "\
# One block for each camera:
# [[camera]]
# id = \"gate\"
# url = \"rtsp://192.168.1.20:554/h264Preview_01_main\"
# username = \"admin\"
# The name of an environment variable; or password_file = \"/etc/nightreel/gate.password\".
# password_env = \"GATE_PASSWORD\"
# segment_seconds = 60
";

const CAMERA: &str = "\
# audio = true
# Or \"udp\", and \"ffmpeg\" for what only that can read:
# transport = \"tcp\"
# input = \"native\"
";

const RECORD: &str = "\
# record = true
# When, in the time zone of [process]; [] is always:
# record_windows = [\"07:00-19:00\"]
# A live playlist, <root>/<camera>/stream.m3u8, and how far it reaches back:
# hls = true
# hls_hours = 1
# An RTSP server that gets the stream, too:
# republish = \"rtsp://127.0.0.1:8554/gate\"
# Seconds between two pictures in <root>/<camera>/snapshots:
# snapshot_seconds = 10
";

const HLS: &str = "\
# Nothing is kept but what the live playlist, <root>/<camera>/stream.m3u8, reaches back:
record = false
hls = true
# hls_hours = 24
";

const REPUBLISH: &str = "\
# Nothing is kept; an RTSP server gets the stream:
record = false
";

const FISHEYE: &str = "\
#
# For a fisheye camera, what its lens is like and where to look:
# mount = \"ceiling\"
# [camera.lens]
# fov_deg = 180
# [[camera.view]]
# name = \"door\"
# yaw_deg = 120
# pitch_deg = 60
# hfov_deg = 90
";

const REST: &str = "\
# every_nth_frame = 30

# Only frames in which something changed are looked at, and one every so many seconds:
# [gate]
# enabled = true
# heartbeat_seconds = 600

[detect]
# COCO labels to report; [] is all 80. A model of your own: docs/configuration.md
# labels = [\"person\", \"car\", \"truck\"]
# min_score = 0.40

# Asking a vision model about the pictures sends them to this server:
# [vision]
# base_url = \"http://127.0.0.1:11434/v1\"
# model = \"gemma3\"
# api_key_env = \"OPENAI_API_KEY\"
# prompt = \"What is happening?\"
# max_calls_per_day = 1000

[retention]
# move (to <camera>/processed/), keep or delete
after_processing = \"move\"
# Nothing is deleted by age or for space unless these say so:
# max_age_days = 30
# min_free_gb = 5

# Who is told when a camera, the disk or the clock is not well: a program, an address, or both.
# [hook]
# command = [\"/usr/local/bin/tell-me\"]
# webhook = \"https://example.org/hook\"

# The same for an MQTT broker, with what Home Assistant needs:
# [mqtt]
# url = \"mqtt://192.168.1.10\"

# What each night brought, as a file in this folder:
# [report]
# dir = \"reports\"

# Where `nightreel serve` listens:
# [serve]
# listen = \"127.0.0.1:8420\"
";
