//! Attacks by a camera whose session has ended, and which has to be asked to end it.

use std::io;

use crate::hostile_camera::{DESCRIPTION, Talk};
use crate::trial::Trial;

fn play_and_end(talk: &mut Talk) -> io::Result<()> {
    let tool = "a=tool:LIVE555 Streaming Media v2013.04.08\r\n";
    talk.play_as(&DESCRIPTION.replace("t=0 0\r\n", &format!("t=0 0\r\n{tool}")))?;
    // a packet that is none
    talk.send(&[b'$', 0, 0, 1, 0x55])
}

fn body_without_end(talk: &mut Talk) -> io::Result<()> {
    talk.begin_answer()?;
    talk.send(b"Content-Length: 4000000000\r\n\r\n")?;
    talk.for_ever(|talk| talk.send(&[b'a'; 60_000]))
}

fn headers_without_end(talk: &mut Talk) -> io::Result<()> {
    talk.begin_answer()?;
    let headers = "a:b\r\n".repeat(10_000);
    talk.for_ever(|talk| talk.send(headers.as_bytes()))
}

/// By the connection that the session had.
fn at_once(talk: &mut Talk, answer: fn(&mut Talk) -> io::Result<()>) -> io::Result<()> {
    play_and_end(talk)?;
    answer(talk)
}

/// By a connection that is made to ask for the end, since the session's is closed.
fn when_asked_again(talk: &mut Talk, answer: fn(&mut Talk) -> io::Result<()>) -> io::Result<()> {
    if talk.is_asked_to_end()? { answer(talk) } else { play_and_end(talk) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_end_to_a_request_to_end_cost_little() {
    let mut trial = Trial::begin().await;
    // a first connection asks who it is, a second one plays
    trial.endure_the_end("a body, at once", |talk| at_once(talk, body_without_end), 2).await;
    trial
        .endure_the_end("headers, when asked again", |talk| when_asked_again(talk, headers_without_end), 3)
        .await;
    trial.end().await;
}
