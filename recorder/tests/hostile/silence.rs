//! Cameras that are there, and send nothing that could be recorded. Each attack takes as long as it may.

use std::time::Duration;

use crate::trial::{Attack, Trial};

const ATTACKS: &[Attack] = &[
    Attack {
        name: "packets that nobody asked for",
        script: |talk| {
            talk.play()?;
            let packet = [&[b'$', 9, 0xff, 0xff], &[0x55; 65_535][..]].concat();
            talk.for_ever(|talk| talk.send(&packet))
        },
        told: "camera `hostile` sent no video frame for 8 s",
    },
    Attack {
        name: "silence",
        script: |talk| {
            talk.asked()?;
            talk.fall_silent()
        },
        told: "camera `hostile` did not answer within 10 s",
    },
    Attack {
        name: "reports of a sender that sends nothing",
        script: |talk| {
            talk.play()?;
            let mut report = vec![b'$', 1, 0, 28, 0x80, 200, 0, 6];
            report.extend([[0, 0, 0, 7], [1; 4], [1; 4], [1; 4], [1; 4], [1; 4]].concat());
            talk.for_ever(|talk| talk.send(&report.repeat(1000)))
        },
        told: "camera `hostile` sent no video frame for 8 s",
    },
    Attack {
        name: "an answer that comes byte by byte, for ever",
        script: |talk| {
            talk.begin_answer()?;
            talk.send(b"X: ")?;
            talk.for_ever(|talk| {
                // waits for the time in which the other side has to lose its patience
                std::thread::sleep(Duration::from_millis(50));
                talk.send(b"a")
            })
        },
        told: "camera `hostile` did not answer within 10 s",
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cameras_that_send_nothing_of_use_are_left_in_time() {
    let mut trial = Trial::begin().await;
    for attack in ATTACKS {
        trial.endure(attack, 1).await;
    }
    trial.end().await;
}
