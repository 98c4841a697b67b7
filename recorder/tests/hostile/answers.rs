//! Attacks before a camera plays: in its answers.

use crate::hostile_camera::DESCRIPTION;
use crate::trial::{Attack, Trial};

const KILOBYTE: &[u8] = &[b'a'; 1 << 10];

const ATTACKS: &[Attack] = &[
    Attack {
        name: "a header that never ends",
        script: |talk| {
            talk.begin_answer()?;
            talk.send(b"X: ")?;
            talk.for_ever(|talk| talk.send(&KILOBYTE.repeat(64)))
        },
        told: "camera `hostile` sends a message that never ends: more than 256 kB",
    },
    Attack {
        name: "headers without end",
        script: |talk| {
            talk.begin_answer()?;
            let mut number = 0;
            talk.for_ever(|talk| {
                number += 1;
                talk.send((0..4000).map(|n| format!("{number:x}.{n:x}:b\r\n")).collect::<String>().as_bytes())
            })
        },
        told: "never ends",
    },
    Attack {
        name: "one header again and again",
        script: |talk| {
            talk.begin_answer()?;
            talk.for_ever(|talk| talk.send(&b"a:bbbbbbbbbbbbb\r\n".repeat(4000)))
        },
        told: "never ends",
    },
    Attack {
        name: "a body that never ends",
        script: |talk| {
            talk.begin_answer()?;
            talk.send(b"Content-Length: 18446744073709551615\r\n\r\n")?;
            talk.for_ever(|talk| talk.send(&KILOBYTE.repeat(64)))
        },
        told: "never ends",
    },
    Attack {
        name: "a description of nothing but streams",
        script: |talk| {
            let mut streams = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\n".to_owned();
            streams.push_str(&"m=v 0 a 0\r\n".repeat(20_000));
            talk.describe(&streams)?;
            talk.fall_silent()
        },
        told: "camera `hostile`",
    },
    Attack {
        name: "an answer to SETUP that never ends",
        script: |talk| {
            talk.describe(DESCRIPTION)?;
            talk.begin_answer()?;
            talk.for_ever(|talk| talk.send(KILOBYTE))
        },
        told: "never ends",
    },
    Attack {
        name: "an answer to PLAY that never ends",
        script: |talk| {
            talk.describe(DESCRIPTION)?;
            talk.set_up()?;
            talk.begin_answer()?;
            talk.for_ever(|talk| talk.send(KILOBYTE))
        },
        told: "never ends",
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_never_end_cost_little_and_nobody_else_a_frame() {
    let mut trial = Trial::begin().await;
    for attack in ATTACKS {
        trial.endure(attack, 2).await;
    }
    trial.end().await;
}
