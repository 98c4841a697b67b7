//! mosquitto, an MQTT broker that others wrote, and its own subscriber.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, eventually, make_certificates};

/// Who may come in.
pub(crate) const LOGIN: (&str, &str) = ("nightreel", "hunter2");

#[derive(Debug)]
pub(crate) struct Broker {
    folder: TempDir,
    port: u16,
    is_tls: bool,
    process: Child,
}

/// Everything that the broker passes on, from when it began to listen, with what was kept before.
#[derive(Debug)]
pub(crate) struct Subscriber {
    process: Child,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Broker {
    /// Starts a broker on a free port, which wants a login.
    pub(crate) fn start() -> Self {
        Self::launch(false)
    }

    /// As [`start`](Self::start), with a certificate of [`authority`](Self::authority).
    pub(crate) fn start_tls() -> Self {
        Self::launch(true)
    }

    fn launch(is_tls: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let passwords = folder.path().join("passwords");
        let made = Command::new("mosquitto_passwd")
            .args(["-c", "-b"])
            .arg(&passwords)
            .args([LOGIN.0, LOGIN.1])
            .status()
            .expect("mosquitto is installed: run scripts/setup.sh test");
        assert!(made.success());
        let mut settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\nuser root\n",
            passwords.display()
        );
        if is_tls {
            make_certificates(folder.path());
            let file = |name: &str| folder.path().join(name).display().to_string();
            settings += &format!("certfile {}\nkeyfile {}\n", file("leaf.pem"), file("leaf.key"));
        }
        std::fs::write(folder.path().join("mosquitto.conf"), settings).unwrap();
        let process = launch(folder.path().join("mosquitto.conf"), port);
        Self { folder, port, is_tls, process }
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Ends it, and all that it keeps, as a power cut would; another one takes its place.
    pub(crate) fn replace(&mut self) {
        end(&mut self.process);
        self.process = launch(self.folder.path().join("mosquitto.conf"), self.port);
    }

    /// Returns `[mqtt]` for it; more keys may follow.
    pub(crate) fn section(&self) -> String {
        let (username, password) = LOGIN;
        let scheme = if self.is_tls { "mqtts" } else { "mqtt" };
        format!(
            "[mqtt]\nurl = \"{scheme}://127.0.0.1:{}\"\nusername = {username:?}\npassword = {password:?}\n",
            self.port
        )
    }

    pub(crate) fn listen(&self) -> Subscriber {
        let mut subscriber = Command::new("mosquitto_sub");
        if self.is_tls {
            subscriber.arg("--cafile").arg(self.authority());
        }
        let mut process = subscriber
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-u", LOGIN.0, "-P", LOGIN.1])
            .args(["-t", "#", "-q", "1", "-F", "%t %p"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto's clients are installed: run scripts/setup.sh test");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (lines, to) = (BufReader::new(process.stdout.take().unwrap()).lines(), Arc::clone(&heard));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (topic, payload) = line.split_once(' ').unwrap_or((&line, ""));
                to.lock().unwrap().push((topic.to_owned(), payload.to_owned()));
            }
        });
        Subscriber { process, heard }
    }
}

impl Subscriber {
    /// Waits for a message with this topic and this payload.
    #[track_caller]
    pub(crate) fn wait_for(&self, topic: &str, payload: &str) {
        let is_it = |(its, said): &(String, String)| its == topic && said == payload;
        eventually(&format!("`{payload}` at `{topic}`"), PATIENCE, || {
            self.heard.lock().unwrap().iter().any(is_it).then_some(())
        });
    }

    /// Waits for a message with this topic, and returns what it says as JSON.
    #[track_caller]
    pub(crate) fn wait_for_json(&self, topic: &str) -> Value {
        eventually(&format!("a message at `{topic}`"), PATIENCE, || self.messages(topic).pop())
    }

    /// Lists the messages with this topic so far.
    pub(crate) fn messages(&self, topic: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let its = heard.iter().filter(|(its, _)| its == topic);
        its.map(|(_, said)| serde_json::from_str(said).unwrap()).collect()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

fn launch(settings: PathBuf, port: u16) -> Child {
    let process = Command::new("mosquitto")
        .arg("-c")
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto is installed: run scripts/setup.sh test");
    eventually("the broker to listen", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    process
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}
