//! Whom the hook tells, and what becomes of those who do not listen.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use config::Environment;
use rustix::process::Pid;

use super::*;
use crate::hook::webhook::Poster;

/// Reads the settings of a hook as a user writes them.
fn hook(keys: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nightreel.toml");
    std::fs::write(&file, format!("[storage]\nroot = \"media\"\n\n[hook]\n{keys}\n")).unwrap();
    let environment = Environment::new(folder.path(), Default::default()).unwrap();
    config::load(Some(&file), &environment).unwrap().settings
}

fn shell(script: &str) -> String {
    format!("command = [\"/bin/sh\", \"-c\", {script:?}]")
}

/// Runs a hook's command for one event.
async fn call(keys: &str, timeout_seconds: u64) -> anyhow::Result<()> {
    let command = hook(keys).hook.unwrap().command.unwrap();
    command::call(&command, Duration::from_secs(timeout_seconds), STEP).await
}

const STEP: &str = r#"{"event":"clock_step","before":"2027-01-15T08:00:00Z","after":"2027-01-15T09:00:00Z"}"#;

/// Answers one request with this status line, and returns what was asked.
fn server(status: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    let (port, served) = misbehaving_server(vec![Answer::Status(status)]);
    (port, std::thread::spawn(|| served.join().unwrap().remove(0)))
}

/// What a server does with a request.
#[derive(Clone, Copy)]
enum Answer {
    Status(&'static str),
    HangUp,
    Silence,
}

/// Does one after the other, and returns what was asked.
fn misbehaving_server(answers: Vec<Answer>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        // what it is silent to stays open
        let mut open = Vec::new();
        let serve = |answer: &Answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = request(&mut stream);
            match answer {
                Answer::Status(status) => {
                    let answer =
                        format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
                Answer::HangUp => {}
                Answer::Silence => open.push(stream),
            }
            asked
        };
        answers.iter().map(serve).collect()
    };
    (port, std::thread::spawn(serve))
}

fn request(stream: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"}") {
        let mut more = [0; 1024];
        let read = stream.read(&mut more).unwrap();
        assert_ne!(read, 0, "the request breaks off");
        asked.extend_from_slice(&more[..read]);
    }
    String::from_utf8(asked).unwrap()
}

fn webhook(port: u16, attempts: usize) -> Poster {
    let keys = format!("webhook = \"http://127.0.0.1:{port}/T0/secret\"\ntimeout_seconds = 1");
    let section = hook(&keys).hook.unwrap();
    let mut poster = Poster::new(section.webhook.unwrap(), section.timeout).unwrap();
    poster.waits = vec![Duration::from_millis(10); attempts - 1];
    poster
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_command_reads_one_object_for_each_event_and_hears_the_last_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let hook = Hook::start(&hook(&shell(&format!("cat >> {}", heard.display()))), Subjects::default());
    let at = |second| chrono::DateTime::from_timestamp(second, 0).unwrap();
    let step = recorder::Notice::ClockStep { before: at(1_800_000_000), after: at(1_800_003_600) };
    hook.tell(&step);
    hook.tell(&step);
    hook.end().await;
    assert_eq!(lines(&heard), [STEP, STEP]);
}

#[tokio::test]
async fn whoever_hangs_holds_up_neither_the_others_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let keys = format!(
        "{}\nwebhook = \"http://127.0.0.1:{port}/\"\ntimeout_seconds = 600",
        shell(&format!("cat >> {}", heard.display()))
    );
    let hook = Hook::start(&hook(&keys), Subjects::default());
    let began = Instant::now();
    (0..3).for_each(|number| hook.tell(&number));
    hook.end().await;
    assert_eq!(lines(&heard), ["0", "1", "2"]);
    assert!(began.elapsed() < LAST_WORDS + Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn of_too_many_events_the_oldest_are_passed_over() {
    let hook = Hook::start(&hook(&shell("cat")), Subjects::default());
    let mut slow = hook.listen("hook.command");
    (0..1000).for_each(|number| hook.tell(&number));
    hook.closing.cancel();
    let mut heard = Vec::new();
    while let Some(event) = slow.next().await {
        heard.push(event.to_string());
    }
    assert_eq!(heard.len(), WAITING_MAX);
    assert_eq!(heard.last().unwrap(), "999");
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    // the sleeper is a child of the command
    let script = format!("sleep 300 & echo $! > {}; wait", ids.display());
    let began = Instant::now();
    let error = call(&shell(&script), 1).await.unwrap_err();
    assert!(error.to_string().contains("within 1 s"), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(10));
    let sleeper: i32 = lines(&ids)[0].parse().unwrap();
    let sleeper = Pid::from_raw(sleeper).unwrap();
    let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", sleeper.as_raw_nonzero())) {
        // a zombie that nobody has waited for yet
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    while !gone() {
        assert!(began.elapsed() < Duration::from_secs(20), "it sleeps on");
        // waits for another process
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_command_that_fails_or_is_not_there_is_told_of_and_reads_nothing_if_it_likes() {
    for (script, words) in [("exit 3", "exit status: 3"), ("exec 0<&-; sleep 0.1; exit 4", "exit status: 4")]
    {
        let error = call(&shell(script), 10).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:#}");
    }
    let error = call("command = [\"/nowhere/tell-me\"]", 10).await.unwrap_err();
    assert!(error.to_string().contains("`/nowhere/tell-me`"), "{error:#}");
}

#[tokio::test]
async fn a_webhook_gets_the_object_by_post() {
    let (port, served) = server("204 No Content");
    webhook(port, 1).insist(STEP).await.unwrap();
    let asked = served.join().unwrap();
    assert!(asked.starts_with("POST /T0/secret HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/json\r\n") && asked.ends_with(STEP), "{asked}");
}

#[tokio::test]
async fn what_goes_wrong_with_a_webhook_is_told_without_its_address() {
    let (port, served) = server("500 Internal Server Error");
    let poster = webhook(port, 1);
    let refused = format!("{:#}", poster.post(STEP).await.unwrap_err().reason);
    served.join().unwrap();
    let unreachable = format!("{:#}", poster.post(STEP).await.unwrap_err().reason);
    assert!(refused.contains("500"), "{refused}");
    for text in [refused, unreachable] {
        assert!(text.contains("127.0.0.1") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_away_for_a_while_hears_of_every_event_in_order() {
    let answers = vec![
        Answer::HangUp,
        Answer::Status("503 Service Unavailable"),
        Answer::Silence,
        Answer::Status("429 Too Many Requests"),
        Answer::Status("204 No Content"),
        Answer::Status("204 No Content"),
    ];
    let (port, served) = misbehaving_server(answers);
    let poster = webhook(port, 5);
    poster.insist(STEP).await.unwrap();
    poster.insist("{1970}").await.unwrap();
    let asked = served.join().unwrap();
    assert!(asked[..5].iter().all(|asked| asked.ends_with(STEP)), "{asked:?}");
    assert!(asked[5].contains("1970"), "{asked:?}");
}

#[tokio::test]
async fn a_webhook_that_says_no_is_not_asked_again_and_one_that_fails_on_and_on_is_given_up() {
    let answers = vec![
        Answer::Status("404 Not Found"),
        Answer::Status("500 Internal Server Error"),
        Answer::Status("500 Internal Server Error"),
        Answer::Status("204 No Content"),
    ];
    let (port, served) = misbehaving_server(answers);
    let poster = webhook(port, 2);
    poster.insist(STEP).await.unwrap_err();
    poster.insist(STEP).await.unwrap_err();
    poster.insist(STEP).await.unwrap();
    assert_eq!(served.join().unwrap().len(), 4);
}

#[tokio::test]
async fn a_webhook_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let poster = webhook(port, 1);
    let began = Instant::now();
    poster.post(STEP).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(10));
}
