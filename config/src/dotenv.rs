//! `.env` with the names that camera containers use (CAMERA_IP, OUTPUT_DIR …), read as settings where there
//! is no settings file.

use std::net::Ipv6Addr;
use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::planned;
use crate::tree::{Node, Table, Value};
use crate::{Environment, Faults, Origin};

/// Port and path of the main stream of a Reolink camera, for which these names were made.
const DEFAULT_PORT: u16 = 554;
const DEFAULT_PATH: &str = "/h264Preview_01_main";

/// STREAM_MODE: what becomes of the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Record,
    Hls,
    Republish,
}

/// Tells whether the environment describes a camera: `.env` by either name, variables of the process only by
/// both, because other programs know an OUTPUT_DIR too.
pub(crate) fn describes_a_camera(environment: &Environment) -> bool {
    let names = ["CAMERA_IP", "OUTPUT_DIR"];
    names.iter().any(|name| environment.dotenv_names(name))
        || names.iter().all(|name| environment.get(name).is_some())
}

/// Builds the settings that these names describe: one camera, recorded into OUTPUT_DIR, or what STREAM_MODE
/// says instead.
pub(crate) fn settings(environment: &Environment, faults: &mut Faults) -> Table {
    refuse_other_storage(environment, faults);
    let mut camera = Table::new();
    let mut storage = Table::new();
    match environment.get("CAMERA_IP") {
        Some((address, origin)) => {
            camera.insert("url".to_owned(), Node::text(stream_url(address.trim()), origin));
        }
        None => missing("CAMERA_IP", faults),
    }
    match environment.get("OUTPUT_DIR") {
        Some((folder, origin)) => match id_and_root(Path::new(folder.trim())) {
            Some((id, root)) => {
                camera.insert("id".to_owned(), Node::text(id, origin.clone()));
                storage.insert("root".to_owned(), Node::text(root, origin));
            }
            None => {
                faults.add_at(origin, "must end in the name of the camera's folder, as in `/srv/video/gate`");
            }
        },
        None => missing("OUTPUT_DIR", faults),
    }
    for (name, key) in [("CAMERA_USERNAME", "username"), ("CAMERA_PASSWORD", "password")] {
        if let Some((value, origin)) = environment.get(name).filter(|(value, _)| !value.is_empty()) {
            camera.insert(key.to_owned(), Node::text(value, origin));
        }
    }
    if let Some((seconds, origin)) = environment.get("SEGMENT_TIME") {
        camera.insert("segment_seconds".to_owned(), Node::loose(seconds, &origin));
    }
    set_mode(environment, &mut camera, faults);
    let here = Origin::Dotenv("OUTPUT_DIR".to_owned());
    let section = |value| Node { value, origin: here.clone() };
    let cameras = vec![section(Value::Table(camera))];
    Table::from([
        ("storage".to_owned(), section(Value::Table(storage))),
        ("camera".to_owned(), section(Value::List(cameras))),
    ])
}

/// Lists what is set but has no effect.
pub(crate) fn warnings(environment: &Environment) -> Vec<String> {
    let is_used = mode(environment).is_ok_and(|mode| mode == Mode::Republish);
    let unused = environment.get("OUTPUT_RTSP_URL").filter(|(url, _)| !url.is_empty() && !is_used);
    let text = "OUTPUT_RTSP_URL has no effect: only STREAM_MODE=republish would use it";
    unused.map(|_| text.to_owned()).into_iter().collect()
}

fn refuse_other_storage(environment: &Environment, faults: &mut Faults) {
    let Some((value, origin)) = environment.get("STORAGE_BACKEND") else { return };
    match value.trim() {
        "" | "local" => {}
        "s3" => faults.add_at(origin, planned::cannot_do_yet("`s3`")),
        _ => faults.add_at(origin, "must be `local`"),
    }
}

/// Fails with the place of a value that is no mode.
fn mode(environment: &Environment) -> Result<Mode, Origin> {
    let Some((value, origin)) = environment.get("STREAM_MODE") else { return Ok(Mode::Record) };
    match value.trim() {
        "" | "record" => Ok(Mode::Record),
        "hls" => Ok(Mode::Hls),
        "republish" => Ok(Mode::Republish),
        _ => Err(origin),
    }
}

fn set_mode(environment: &Environment, camera: &mut Table, faults: &mut Faults) {
    let origin = environment.get("STREAM_MODE").map_or(Origin::Default, |(_, origin)| origin);
    let truth = |truth| Node { value: Value::Truth(truth), origin: origin.clone() };
    match mode(environment) {
        Err(origin) => faults.add_at(origin, "must be `record`, `hls` or `republish`"),
        Ok(Mode::Record) => {}
        Ok(Mode::Hls) => {
            camera.insert("record".to_owned(), truth(false));
            camera.insert("hls".to_owned(), truth(true));
            if let Some((seconds, origin)) = environment.get("SEGMENT_TIME") {
                camera.insert("hls_part_seconds".to_owned(), Node::loose(seconds, &origin));
            }
        }
        Ok(Mode::Republish) => {
            camera.insert("record".to_owned(), truth(false));
            match environment.get("OUTPUT_RTSP_URL").filter(|(url, _)| !url.trim().is_empty()) {
                Some((url, origin)) => camera.extend(republish(url.trim(), &origin)),
                None => faults.add_at(
                    Origin::Dotenv("OUTPUT_RTSP_URL".to_owned()),
                    "is missing: STREAM_MODE=republish needs the address of an RTSP server",
                ),
            }
        }
    }
}

/// Moves `user:password@` to keys of their own. What cannot be read is left to the checks.
fn republish(text: &str, origin: &Origin) -> Vec<(String, Node)> {
    let entry = |key: &str, text: &str| (key.to_owned(), Node::text(text, origin.clone()));
    let apart = || {
        let mut url = Url::parse(text).ok()?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let username = decoded(url.username())?;
        let password = decoded(url.password().unwrap_or_default())?;
        url.set_username("").and_then(|()| url.set_password(None)).ok()?;
        let login = [("republish_username", username), ("republish_password", password)];
        let login = login.iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| entry(key, text));
        Some(login.chain([entry("republish", url.as_str())]).collect())
    };
    apart().unwrap_or_else(|| vec![entry("republish", text)])
}

fn missing(name: &str, faults: &mut Faults) {
    faults.add_at(
        Origin::Dotenv(name.to_owned()),
        "is missing; run `nightreel init` for a settings file instead",
    );
}

/// Takes an address with or without port, or a whole URL.
pub(crate) fn stream_url(address: &str) -> String {
    if address.contains("://") {
        return address.to_owned();
    }
    if address.parse::<Ipv6Addr>().is_ok() {
        return format!("rtsp://[{address}]:{DEFAULT_PORT}{DEFAULT_PATH}");
    }
    let (host, path) = address.find('/').map_or((address, DEFAULT_PATH), |at| address.split_at(at));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if has_port { String::new() } else { format!(":{DEFAULT_PORT}") };
    format!("rtsp://{host}{port}{path}")
}

/// Splits `…/root/gate` into `gate` and `…/root`.
fn id_and_root(folder: &Path) -> Option<(&str, &str)> {
    let id = folder.file_name()?.to_str()?;
    let root = folder.parent()?.to_str()?;
    Some((id, if root.is_empty() { "." } else { root }))
}
