//! Notices: what somebody should hear of at once. The recorder only says them; whoever wants to tells others.

use catalog::GapCause;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Whoever listens may be so far behind: a minute of 64 cameras that all come and go every ten seconds.
const WAITING_MAX: usize = 512;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Notice {
    /// Nothing of it was recorded for ten seconds or more.
    CameraLost {
        camera: String,
        since: DateTime<Utc>,
        cause: GapCause,
        /// In the words of the log.
        reason: String,
    },
    CameraBack {
        camera: String,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        seconds: u64,
    },
    /// Nothing can be recorded: the disk is full or, as `cause` tells, not to be written to.
    DiskFull {
        since: DateTime<Utc>,
        cause: GapCause,
        reason: String,
    },
    DiskBack {
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        seconds: u64,
    },
    /// The system's clock was set.
    ClockStep {
        before: DateTime<Utc>,
        after: DateTime<Utc>,
    },
}

/// One listener's notices, from when it began to listen.
#[derive(Debug)]
pub struct Notices {
    received: broadcast::Receiver<Notice>,
}

impl Notices {
    /// Waits for the next; none comes when the recorder has ended. A listener that is too slow loses the oldest,
    /// which is logged: recording waits for nobody.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            match self.received.recv().await {
                Ok(notice) => return Some(notice),
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "notices were passed over, too many at once");
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The speaker's end.
#[derive(Clone, Debug)]
pub(crate) struct Speaker(broadcast::Sender<Notice>);

impl Speaker {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
    }

    pub(crate) fn listen(&self) -> Notices {
        Notices { received: self.0.subscribe() }
    }

    pub(crate) fn say(&self, notice: Notice) {
        // nobody has to listen
        let _ = self.0.send(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_objects_that_say_which_event_they_are() {
        let since: DateTime<Utc> = "2026-11-22T11:54:42.5Z".parse().unwrap();
        let lost = Notice::CameraLost {
            camera: "gate".to_owned(),
            since,
            cause: GapCause::Unreachable,
            reason: "no route".to_owned(),
        };
        let object: serde_json::Value = serde_json::to_value(&lost).unwrap();
        assert_eq!(
            object,
            serde_json::json!({
                "event": "camera_lost", "camera": "gate", "since": "2026-11-22T11:54:42.500Z",
                "cause": "camera unreachable", "reason": "no route",
            })
        );
    }

    #[tokio::test]
    async fn a_listener_that_sleeps_holds_nobody_up_and_hears_the_newest() {
        let speaker = Speaker::new();
        let mut notices = speaker.listen();
        let step = |n: i64| {
            let at = DateTime::from_timestamp(n, 0).unwrap();
            Notice::ClockStep { before: at, after: at }
        };
        (0..1000).for_each(|n| speaker.say(step(n)));
        drop(speaker);
        let mut heard = Vec::new();
        while let Some(notice) = notices.next().await {
            heard.push(notice);
        }
        assert_eq!(heard.len(), WAITING_MAX);
        assert_eq!(heard.last(), Some(&step(999)));
    }
}
