//! The pages and the API, over a catalogue that a real run made.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::media::{let_rest, put_segments};
use crate::support::{
    Clip, FakeCamera, Nightreel, PATIENCE, Play, Reply, Running, VisionServer, eventually, footage,
};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A model that was told by a poster in the picture to say this.
const CAPTION: &str = "A lantern <img src=x onerror=window.hacked=1></td><script>window.hacked=1</script> ]]>&nbsp;\u{b}\u{ffff}";

/// A file as another recorder may have named it.
const ODD: &str = "<img src=x onerror=window.hacked=1>\"'&amp;_20261122_230000.mp4";

/// Another, which is put back by somebody without scripts.
const ODDER: &str = "<svg onload=window.hacked=1>_20261122_230100.mp4";

/// Records nothing, looks at three segments and gives two files up.
fn looked_at() -> Nightreel {
    looked_at_with(&[])
}

/// The same, with footage of these hours of an earlier evening, so that there are more events.
fn looked_at_with(hours: &[u32]) -> Nightreel {
    let nightreel = Nightreel::new();
    let server = VisionServer::start(None, |_| Reply::Caption(CAPTION.to_owned()));
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 10\n\n[detect]\nlabels = [\"person\", \"car\"]\n\n\
         [vision]\nbase_url = {:?}\nmodel = \"gpt-6-luna\"\n\n[retention]\nafter_processing = \"move\"\n",
        server.base_url()
    ));
    put_segments(&nightreel.root(), 3);
    for hour in hours {
        let name = format!("media/gate/segment_20261120_{hour}0000.mp4");
        let_rest(&nightreel.copy_in(&footage(Clip::default()), name));
    }
    for odd in [ODD, ODDER] {
        let_rest(&nightreel.write(Path::new("media/gate").join(odd), "no video"));
    }
    nightreel.run(&["process", "--once", "--now"]);
    nightreel
}

/// Starts the server, and returns it with its address.
pub(crate) fn serve(nightreel: &Nightreel) -> (Running, String) {
    let server = nightreel.start(&["serve"]);
    let address = address_of(&server);
    (server, address)
}

fn address_of(server: &Running) -> String {
    let address = eventually("the server's address", PATIENCE, || {
        let said = server.said();
        let (_, after) = said.split_once("serving address=")?;
        Some(after.split_whitespace().next()?.to_owned())
    });
    format!("http://{address}")
}

fn npm(folder: &str, package: &str) -> Option<PathBuf> {
    let path = Path::new(REPOSITORY).join(".cache").join(folder).join("node_modules").join(package);
    path.exists().then_some(path)
}

#[test]
fn a_person_sees_days_events_and_footage_and_puts_failures_back() {
    let nightreel = looked_at_with(&[19, 20, 21, 22]);
    let (mut server, address) = serve(&nightreel);
    if look(&address, &[], 14) {
        assert_eq!(nightreel.status()["queue"]["queued"], 2, "what was put back waits");
    }
    assert_eq!(server.terminate().code(), Some(0));
    nightreel.verify();
}

/// Looks at the pages in Chromium, and expects so many stories to come true; `false` where there is none.
fn look(address: &str, environment: &[(&str, &str)], stories: usize) -> bool {
    let (Some(playwright), Some(axe)) = (npm("playwright", "playwright-core"), npm("axe", "axe-core")) else {
        eprintln!("skipped: no playwright-core or no axe-core; see scripts/setup.sh test");
        return false;
    };
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&pictures).unwrap();
    let looked = Command::new("node")
        .arg(Path::new(REPOSITORY).join("tests/pages_in_chromium.mjs"))
        .args([&playwright, &axe])
        .arg(address)
        .arg(&pictures)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said =
        [looked.stdout, looked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(looked.status.success(), "{said}");
    assert_eq!(said.matches("ok: ").count(), stories, "{said}");
    true
}

#[test]
fn with_users_nobody_else_sees_anything_and_elsewhere_only_users_are_served() {
    let nightreel = looked_at();
    let settings = fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    nightreel.write("nightreel.toml", settings.replace("127.0.0.1:0", "0.0.0.0:0"));
    nightreel.run(&["serve"]).with_code(1).telling(&["`[[serve.user]]`"]);

    let hash = nightreel.given(&["serve", "--hash-password"], "correct horse\n").with_code(0).stdout;
    nightreel.given(&["serve", "--hash-password"], "short\n").with_code(1).telling(&["8 characters"]);
    let users = format!("[[serve.user]]\nname = \"me\"\npassword_hash = {:?}\n", hash.trim());
    nightreel.write("nightreel.toml", settings + &users);
    let shown = nightreel.run(&["config", "show"]).said();
    assert!(!shown.contains(hash.trim()), "{shown}");
    let (mut server, address) = serve(&nightreel);
    for path in [
        "/",
        "/events",
        "/api/v1/status",
        "/metrics",
        "/media/gate/processed/segment_20261122_220000.mp4",
        "/nothing",
    ] {
        assert_eq!(ask(&address, &format!("GET {path}"), "").0, 401, "{path}");
        let basic = |typed: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(typed));
        assert_eq!(
            ask(&address, &format!("GET {path}"), &basic("me:correct horse")).0,
            if path == "/nothing" { 404 } else { 200 }
        );
    }
    assert_eq!(ask(&address, "GET /healthz", "").0, 200);
    look(&address, &[("NAME", "me"), ("PASSWORD", "correct horse")], 1);
    let tries = (0..12).map(|_| ask(&address, "GET /", "Authorization: Basic bWU6d3Jvbmc=\r\n").0);
    assert!(tries.into_iter().all(|status| status == 401));
    assert_eq!(ask(&address, "POST /login", "").0, 429);
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_program_with_a_token_reads_everything_and_nobody_guesses_one() {
    let nightreel = looked_at();
    let made = nightreel.run(&["serve", "--new-token"]).with_code(0).stdout;
    let told = |key: &str| {
        let line = made.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = ")).unwrap();
        line.trim_matches('"').to_owned()
    };
    let (token, sha256) = (told("token"), told("sha256"));
    let settings = fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    let tokens = format!("[[serve.token]]\nname = \"probe\"\nsha256 = {sha256:?}\n");
    // With a token other machines may come too.
    nightreel.write("nightreel.toml", settings.replace("127.0.0.1:0", "0.0.0.0:0") + &tokens);
    let shown = nightreel.run(&["config", "show"]).with_code(0).said();
    assert!(shown.contains("probe") && !shown.contains(&sha256), "{shown}");
    let (mut server, address) = serve(&nightreel);
    let address = address.replace("0.0.0.0", "127.0.0.1");
    let paths = [
        "/",
        "/api/v1/status",
        "/metrics",
        "/events.atom",
        "/media/gate/processed/segment_20261122_220000.mp4",
        "/clip/gate/download?from=2026-11-22T22:00:00Z&to=2026-11-22T22:00:05Z",
    ];
    for path in paths {
        assert_eq!(ask(&address, &format!("GET {path}"), "").0, 401, "{path}");
        for header in [format!("Bearer {token}"), format!("bearer  {token}")] {
            let header = format!("Authorization: {header}\r\n");
            assert_eq!(ask(&address, &format!("GET {path}"), &header).0, 200, "{path}");
        }
    }
    assert!(ask(&address, "GET /login", "").1.contains("nobody can log in"));
    let (almost, long) = (&token[..token.len() - 1], "x".repeat(8000));
    let wrong = ["", " ", almost, &format!("{token}x"), &format!("{token} {token}"), &sha256, &long];
    for token in wrong {
        let header = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(ask(&address, "GET /api/v1/status", &header).0, 401, "{token}");
    }
    let basic = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("probe:{token}")));
    assert_eq!(ask(&address, "GET /api/v1/status", &basic).0, 401);
    // Two of the wrong ones were no token at all, and those are not counted.
    let tries = (0..6).map(|_| ask(&address, "GET /metrics", "Authorization: Bearer guess\r\n").0);
    assert_eq!(tries.collect::<Vec<_>>(), [401, 401, 401, 401, 401, 429]);
    let right = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(&address, "GET /metrics", &right).0, 200, "who guesses keeps out nobody else");
    let said = server.said();
    assert!(said.contains("a token was refused"), "{said}");
    assert!(![&token, almost, "guess"].iter().any(|secret| said.contains(secret)), "{said}");
    assert_eq!(server.terminate().code(), Some(0));
}

/// Footage that Debian's Chromium cannot decode.
#[test]
fn what_the_browser_cannot_play_is_seen_as_stills_and_downloaded() {
    let nightreel = Nightreel::new();
    nightreel.configure("[detect]\nenabled = false\n");
    const H265: &[&str] = &[
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-tag:v",
        "hvc1",
        "-x265-params",
        "keyint=10:log-level=none",
    ];
    let clip = footage(Clip { encoder: H265, ..Clip::default() });
    let_rest(&nightreel.copy_in(&clip, "media/gate/segment_20261122_220000.mp4"));
    nightreel.run(&["process", "--once"]).with_code(0);
    let (mut server, address) = serve(&nightreel);
    look(&address, &[("H265", "1")], 1);
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn run_serves_the_pages_and_a_camera_is_watched_live() {
    let (nightreel, clip) = (Nightreel::new(), footage(Clip { seconds: 20, ..Clip::default() }));
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {:?}\nsegment_seconds = 4\nhls = true\nhls_part_seconds = 1\n",
        camera.url()
    ));
    let mut run = nightreel.start(&["run"]);
    let playlist = nightreel.root().join("gate/stream.m3u8");
    eventually("a part", PATIENCE, || fs::read_to_string(&playlist).ok()?.contains("#EXTINF").then_some(()));
    look(&address_of(&run), &[("LIVE", "1")], 1);
    assert_eq!(run.terminate().code(), Some(0));
    nightreel.verify();
}

/// Asks, and returns status and body; fails at what is no answer.
pub(crate) fn ask(address: &str, request: &str, headers: &str) -> (u16, String) {
    let (head, body) = ask_for_bytes(address, request, headers);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// As [`ask`], but returns the whole head, and the body as it is.
pub(crate) fn ask_for_bytes(address: &str, request: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}").unwrap();
    write!(stream, "X-Requested-By: a test\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("{request}: {}", String::from_utf8_lossy(&answer)));
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(head.contains("x-content-type-options: nosniff"), "{request}: {head}");
    (head, answer.split_off(end + 4))
}

/// Texts that nobody asks for in good faith, encoded as they are sent.
const HOSTILE: [&str; 14] = [
    "",
    "%00",
    "%ff%fe",
    "..%2f..%2fetc%2fpasswd",
    "%3Cscript%3Ewindow.hacked%3D1%3C%2Fscript%3E",
    "%27%20OR%201%3D1%20--",
    "-1",
    "9223372036854775808",
    "99999999999999999999999999",
    "1e400",
    "2026-02-30",
    "%2B262142-12-31T23:59:59Z",
    "0.-9223372036854775808",
    "99999999999d",
];

#[test]
fn every_address_of_the_api_answers_as_described_whatever_is_asked() {
    let nightreel = looked_at();
    let (mut server, address) = serve(&nightreel);
    let (_, description) = ask(&address, "GET /api/v1/openapi.json", "");
    let description: Value = serde_json::from_str(&description).unwrap();
    let long = "x".repeat(5000);
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = path.contains("{id}");
            let query = query(path);
            if !in_path {
                let (status, body) = ask(&address, &format!("{method} /api/v1{path}{query}"), "");
                assert_eq!(status, 200, "{path}: {body}");
                assert_described(&description, (operation, status), &body);
            }
            for text in HOSTILE.into_iter().chain([long.as_str()]) {
                let mut asked = Vec::new();
                if in_path && !text.is_empty() {
                    asked.push(format!("{method} /api/v1{}", path.replace("{id}", text)));
                }
                let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
                asked.extend(queries.map(|parameter| {
                    format!(
                        "{method} /api/v1{path}?camera=gate&{}={text}",
                        parameter["name"].as_str().unwrap()
                    )
                }));
                for request in asked {
                    let (status, body) = ask(&address, &request, "");
                    // What is no UTF-8 is refused before the API sees it.
                    if !(in_path && text == "%ff%fe") {
                        assert_described(&description, (operation, status), &body);
                    }
                    assert!(status < 500, "{request}: {status} {body}");
                }
            }
        }
    }
    assert_pages_bear_hostile_texts(&address);
    assert_eq!(server.terminate().code(), Some(0));
}

/// Returns what must be asked for at least.
fn query(path: &str) -> &str {
    match path {
        "/segments" => "?camera=gate",
        "/clip" => "?camera=gate&from=2026-11-22T22:00:03Z&to=2026-11-22T22:00:10Z",
        _ => "",
    }
}

fn assert_pages_bear_hostile_texts(address: &str) {
    for page in ["/", "/events", "/search", "/play/gate", "/clip/gate", "/metrics", "/events.atom"] {
        for text in HOSTILE {
            for name in ["q", "at", "camera", "label", "from", "to", "before", "limit", "date"] {
                let (status, body) = ask(address, &format!("GET {page}?{name}={text}"), "");
                assert!(status < 500, "{page} {name} {text}: {body}");
                // In JSON it is a text like any other.
                assert!(body.starts_with('{') || !body.contains("<script>window"), "{page} {name} {text}");
            }
        }
    }
    for text in HOSTILE.into_iter().filter(|text| !text.is_empty()) {
        for page in [
            "/day",
            "/play",
            "/clip",
            "/live",
            "/events",
            "/thumbnails",
            "/cues",
            "/assets",
            "/api/v1/events",
        ] {
            let (status, body) = ask(address, &format!("GET {page}/{text}"), "");
            assert!((400..500).contains(&status), "{page}/{text}: {status}");
            assert!(body.starts_with('{') || !body.contains("<script>window"), "{page}/{text}");
        }
    }
}

/// Fails unless the description has this status, and the body is what it says.
fn assert_described(description: &Value, (operation, status): (&Value, u16), body: &str) {
    let said = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
    assert!(said.is_object(), "{status} is not described: {body}");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}"));
    let schema = json!({ "components": description["components"], "allOf": [said] });
    if let Err(fault) = jsonschema::validator_for(&schema).unwrap().validate(&body) {
        panic!("{fault} in {body}");
    }
}
