//! Ways to a vision server that is not just around the corner: own headers, a proxy, a private authority.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::media::put_segments;
use crate::support::{Nightreel, Outcome, Reply, VisionServer, make_certificates};
use crate::vision::{KEY, captions, configure, process, results};

const HEADER: &str = "team-9hQ2-secret";

#[test]
fn own_headers_are_sent_and_shown_nowhere() {
    let server = VisionServer::start(None, |received| match received.number {
        1 => Reply::raw(400, format!("no good: {:?}", received.headers)),
        _ => Reply::Caption(format!("caption {}", received.number)),
    });
    let nightreel = Nightreel::new();
    nightreel.write("team.token", format!("{HEADER}\n"));
    let header = "concurrency = 1\n[[vision.header]]\nname = \"X-Team\"\nvalue_file = \"team.token\"";
    configure(&nightreel, &server, header);
    put_segments(&nightreel.root(), 1);

    let outcome = process(&nightreel, 0).telling(&["no good"]);

    assert!(server.journal().iter().all(|received| received.headers["x-team"] == HEADER));
    let ledger = nightreel.run(&["ledger", "--json"]).with_code(0);
    let shown = nightreel.run(&["config", "show"]).with_code(0);
    for said in [outcome.said(), ledger.said(), shown.said()] {
        assert!(!said.contains(HEADER), "{said}");
    }
}

/// Everything that a proxy heard, by the first line of each request.
struct Proxy {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Passes requests on to whom they are for; only those with the password `hunter2`.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(client.try_clone().unwrap());
                let head: Vec<String> = reader
                    .by_ref()
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                notes.lock().unwrap().push(head[0].clone());
                // `me:hunter2` in Base64
                if !head.iter().any(|line| line.ends_with("Basic bWU6aHVudGVyMg==")) {
                    client.write_all(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n").unwrap();
                    continue;
                }
                let length = head
                    .iter()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                let host = head[0].split('/').nth(2).unwrap();
                let mut server = TcpStream::connect(host).unwrap();
                let headers = head[1..].iter().filter(|line| !line.to_lowercase().starts_with("connection"));
                let headers: String = headers.map(|line| format!("{line}\r\n")).collect();
                let start = head[0].replace(&format!("http://{host}"), "");
                let request = format!("{start}\r\n{headers}connection: close\r\n\r\n");
                server.write_all(&[request.as_bytes(), &body].concat()).unwrap();
                std::io::copy(&mut server, &mut client).unwrap();
            }
        });
        Self { address, heard }
    }
}

#[test]
fn a_proxy_is_used_where_it_is_named_and_its_password_is_shown_nowhere() {
    let server = VisionServer::scripted([]);
    let proxy = Proxy::start();
    let nightreel = Nightreel::new();
    put_segments(&nightreel.root(), 1);
    let through = |user: &str| format!("concurrency = 1\nproxy = \"http://{user}@{}\"", proxy.address);

    configure(&nightreel, &server, &through("me:wrong-pass"));
    let refused = process(&nightreel, 1).telling(&["`vision.proxy`"]);
    assert!(!refused.said().contains("wrong-pass"), "{}", refused.said());
    assert_eq!(server.journal().len(), 0);

    configure(&nightreel, &server, &through("me:hunter2"));
    let outcome = process(&nightreel, 0);
    assert_eq!(captions(&results(&nightreel)), ["caption 1", "caption 2"].map(Some));
    let heard = proxy.heard.lock().unwrap().clone();
    let expected = format!("POST {}/chat/completions HTTP/1.1", server.base_url());
    assert!(heard.len() >= 3 && heard.iter().all(|line| *line == expected), "{heard:?}");
    let shown = nightreel.run(&["config", "show"]).with_code(0);
    assert!(!outcome.said().contains("hunter2") && !shown.said().contains("hunter2"));
    assert!(shown.stdout.contains(&format!("proxy = \"http://{}/\"", proxy.address)), "{}", shown.stdout);
}

#[test]
fn proxies_of_the_environment_do_not_count() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1");
    put_segments(&nightreel.root(), 1);
    let mut command = nightreel.command(&["process", "--once"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    Outcome::of(command.env("VISION_KEY", KEY)).with_code(0);
    assert_eq!(server.journal().len(), 2);
}

/// Answers over TLS, whatever it is asked.
const TLS_SERVER: &str = r#"
import http.server, json, ssl, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = {"choices": [{"message": {"content": "over TLS"}}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("leaf.pem", "leaf.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

struct TlsServer {
    child: Child,
    port: String,
}

impl TlsServer {
    fn start(nightreel: &Nightreel) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", TLS_SERVER])
            .current_dir(nightreel.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed: see scripts/setup.sh test");
        let output = BufReader::new(child.stdout.take().unwrap());
        let port = output.lines().next().unwrap().unwrap();
        Self { child, port }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn a_server_with_a_certificate_of_a_private_authority_is_asked_where_that_is_named() {
    let nightreel = Nightreel::new();
    make_certificates(&nightreel.path(""));
    let server = TlsServer::start(&nightreel);
    let with = |keys: &str| {
        nightreel.configure(&format!(
            "[process]\nworkers = 1\n[detect]\nenabled = false\n[[camera]]\nid = \"gate\"\n[vision]\n\
             base_url = \"https://127.0.0.1:{}/v1\"\nmodel = \"m\"\nanswer = \"text\"\n{keys}",
            server.port
        ));
    };
    put_segments(&nightreel.root(), 1);
    with("");
    let doctor = nightreel.run(&["doctor"]).with_code(1).stdout;
    assert!(doctor.contains("cannot be reached") && doctor.contains("UnknownIssuer"), "{doctor}");
    with("ca_file = \"leaf.key\"");
    nightreel
        .run(&["process", "--once"])
        .with_code(1)
        .telling(&["`vision.ca_file`: there is no certificate"]);
    with("ca_file = \"ca.pem\"");
    nightreel.run(&["process", "--once"]).with_code(0);
    let said: BTreeMap<_, usize> =
        captions(&results(&nightreel)).into_iter().fold(BTreeMap::new(), |mut all, said| {
            *all.entry(said.unwrap().to_owned()).or_default() += 1;
            all
        });
    assert_eq!(said, BTreeMap::from([("over TLS".to_owned(), 2)]));
}
