//! Attacks by a camera that plays.

use std::io;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::hostile_camera::{DESCRIPTION, Talk};
use crate::trial::{Attack, Trial};

/// Types of NAL units (RFC 6184).
const KEYFRAME: u8 = 5;
const OTHER_FRAME: u8 = 1;
const AGGREGATE: u8 = 24;
const FRAGMENT: u8 = 28;

const NEVER_ENDS: &str = "camera `hostile` sends a message that never ends: more than 4 MB";

const ATTACKS: &[Attack] = &[
    Attack {
        name: "a picture that never ends",
        script: |talk| {
            talk.play()?;
            talk.packet(false, &[FRAGMENT, 0x80 | KEYFRAME, 1])?;
            let middle = [&[FRAGMENT, KEYFRAME], &[0x55; 60_000][..]].concat();
            talk.for_ever(|talk| talk.packet(false, &middle))
        },
        told: NEVER_ENDS,
    },
    Attack {
        name: "a picture in countless tiny fragments",
        script: |talk| {
            talk.play()?;
            talk.packet(false, &[FRAGMENT, 0x80 | KEYFRAME, 1])?;
            talk.for_ever(|talk| talk.packets(2000, &[FRAGMENT, KEYFRAME, 1]))
        },
        told: NEVER_ENDS,
    },
    Attack {
        name: "a picture of countless tiny units",
        script: |talk| {
            talk.play()?;
            let units = [&[AGGREGATE], &[0, 1, KEYFRAME].repeat(20_000)[..]].concat();
            talk.for_ever(|talk| talk.packet(false, &units))
        },
        told: NEVER_ENDS,
    },
    Attack {
        name: "pictures and no place to cut",
        script: |talk| {
            talk.play()?;
            talk.picture(KEYFRAME, 100_000)?;
            talk.for_ever(|talk| talk.picture(OTHER_FRAME, 1_000_000))
        },
        told: "camera `hostile` sends more between two places to cut",
    },
    Attack {
        name: "pictures and no place to cut, and then one that never ends",
        script: |talk| {
            talk.play()?;
            talk.picture(KEYFRAME, 100_000)?;
            (0..30).try_for_each(|_| talk.picture(OTHER_FRAME, 1_000_000))?;
            talk.packet(false, &[FRAGMENT, 0x80 | KEYFRAME, 1])?;
            let middle = [&[FRAGMENT, KEYFRAME], &[0x55; 60_000][..]].concat();
            talk.for_ever(|talk| talk.packet(false, &middle))
        },
        told: NEVER_ENDS,
    },
    Attack { name: "an answer that never ends", script: answer_without_end, told: NEVER_ENDS },
    Attack {
        name: "an answer that never ends, by one that claims to be an old live555",
        script: |talk| {
            let tool = "a=tool:LIVE555 Streaming Media v2013.04.08\r\n";
            talk.play_as(&DESCRIPTION.replace("t=0 0\r\n", &format!("t=0 0\r\n{tool}")))?;
            talk.send(b"RTSP/1.0 200 OK\r\nX: ")?;
            talk.for_ever(|talk| talk.send(&[b'a'; 60_000]))
        },
        told: NEVER_ENDS,
    },
    Attack {
        name: "packets that are none",
        script: |talk| {
            talk.play()?;
            talk.send(&[b'$', 0, 0xff, 0xff])?;
            talk.for_ever(|talk| talk.send(&[0x55; 60_000]))
        },
        told: "camera `hostile` sends a broken stream",
    },
    Attack {
        name: "an end in the middle of a picture",
        script: |talk| {
            talk.play()?;
            talk.picture(KEYFRAME, 100_000)?;
            talk.packet(false, &[FRAGMENT, 0x80 | KEYFRAME, 1])?;
            talk.send(&[b'$', 0, 0xff])?;
            // closes with RST instead of FIN
            set_socket_linger(&talk.stream, Some(Duration::ZERO))?;
            Ok(())
        },
        told: "camera `hostile` sends a broken stream",
    },
];

fn answer_without_end(talk: &mut Talk) -> io::Result<()> {
    talk.play()?;
    talk.send(b"RTSP/1.0 200 OK\r\nX: ")?;
    talk.for_ever(|talk| talk.send(&[b'a'; 60_000]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn footage_that_never_ends_costs_little_and_nobody_else_a_frame() {
    let mut trial = Trial::begin().await;
    for attack in ATTACKS {
        trial.endure(attack, 2).await;
    }
    trial.end().await;
}

/// What a single read brings is taken apart at once. A read is as large as the room in the ring, and the ring as
/// large as the largest picture so far.
const HEADERS_AFTER_PICTURES: &[Attack] = &[
    Attack {
        name: "headers without end after the largest usual picture",
        script: |talk| headers_after_pictures(talk, 1_900_000),
        told: "sends a picture of more than 2 MB",
    },
    Attack {
        name: "headers without end after a large picture",
        script: |talk| headers_after_pictures(talk, 3_900_000),
        told: NEVER_ENDS,
    },
];

fn headers_after_pictures(talk: &mut Talk, size: usize) -> io::Result<()> {
    talk.play()?;
    (0..3).try_for_each(|_| talk.picture(KEYFRAME, size))?;
    talk.send(b"RTSP/1.0 200 OK\r\n")?;
    let mut number = 0;
    talk.for_ever(|talk| {
        number += 1;
        let headers = (0..4000).map(|n| format!("{number:x}.{n:x}:b\r\n"));
        talk.send(headers.collect::<String>().as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_cost_no_more_after_a_large_picture() {
    let mut trial = Trial::begin().await;
    for attack in HEADERS_AFTER_PICTURES {
        trial.endure(attack, 1).await;
    }
    trial.end().await;
}
