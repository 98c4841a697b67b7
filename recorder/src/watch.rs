//! What is worth a notice: pure over the states of the cameras, looked at every second or so.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use catalog::GapCause;
use chrono::{DateTime, SubsecRound, Utc};
use config::CameraId;

use crate::outage::Moment;
use crate::{CameraState, CameraStatus, Notice};

/// A camera that comes back sooner was not lost: cameras restart, and switches too.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// A disk on which room comes and goes is full: it is back when it held out for so long.
const BACK_AFTER: Duration = Duration::from_secs(10);

/// What was said already, so that each thing is said once.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    lost: HashMap<CameraId, Moment>,
    disk: Option<DiskFault>,
}

#[derive(Clone, Copy, Debug)]
struct DiskFault {
    began: Moment,
    /// When a camera last said so.
    seen: Instant,
}

impl Watch {
    pub(crate) fn look(&mut self, cameras: &[CameraStatus], now: Moment) -> Vec<Notice> {
        let mut notices = self.look_at_disk(cameras, now);
        notices.extend(cameras.iter().filter_map(|camera| self.look_at(camera, now)));
        notices
    }

    fn look_at(&mut self, camera: &CameraStatus, now: Moment) -> Option<Notice> {
        let id = &camera.camera;
        match (&camera.outage, self.lost.get(id).copied()) {
            (Some(outage), None) => {
                // of the disk is said once for all cameras
                let is_said = outage.fault.is_of_the_disk();
                let lasts = now.at.saturating_duration_since(outage.since.at) >= LOST_AFTER;
                if is_said || !lasts || camera.state == CameraState::Stopped {
                    return None;
                }
                self.lost.insert(id.clone(), outage.since);
                Some(Notice::CameraLost {
                    camera: id.to_string(),
                    since: outage.since.wall,
                    cause: outage.fault,
                    reason: outage.reason.clone(),
                })
            }
            (None, Some(since)) if camera.state == CameraState::Recording => {
                self.lost.remove(id);
                let seconds = now.at.saturating_duration_since(since.at).as_secs();
                Some(Notice::CameraBack {
                    camera: id.to_string(),
                    since: since.wall,
                    until: now.wall,
                    seconds,
                })
            }
            _ => None,
        }
    }

    fn look_at_disk(&mut self, cameras: &[CameraStatus], now: Moment) -> Vec<Notice> {
        let outages = cameras.iter().filter_map(|camera| camera.outage.as_ref());
        let faulty =
            outages.filter(|outage| outage.fault.is_of_the_disk()).min_by_key(|outage| outage.since.at);
        match (faulty, &mut self.disk) {
            (Some(outage), None) => {
                self.disk = Some(DiskFault { began: outage.since, seen: now.at });
                let reason = outage.reason.clone();
                vec![Notice::DiskFull { since: outage.since.wall, cause: outage.fault, reason }]
            }
            (Some(_), Some(fault)) => {
                fault.seen = now.at;
                Vec::new()
            }
            (None, Some(fault)) if now.at.saturating_duration_since(fault.seen) >= BACK_AFTER => {
                let began = fault.began;
                self.disk = None;
                let seconds = now.at.saturating_duration_since(began.at).as_secs();
                vec![Notice::DiskBack { since: began.wall, until: now.wall, seconds }]
            }
            (None, _) => Vec::new(),
        }
    }
}

/// Why a camera is not being recorded, in its status.
#[derive(Clone, Debug)]
pub(crate) struct OutageStatus {
    pub(crate) since: Moment,
    /// Of the newest failure.
    pub(crate) fault: GapCause,
    pub(crate) reason: String,
}

/// Puts a notice into the log.
pub(crate) fn log(notice: &Notice) {
    match notice {
        Notice::CameraLost { camera, since, cause, reason } => {
            tracing::error!(camera, %since, %cause, reason, "camera is lost");
        }
        Notice::CameraBack { camera, since, seconds, .. } => {
            tracing::info!(camera, %since, seconds, "camera is back");
        }
        Notice::DiskFull { since, cause, reason } => {
            tracing::error!(%since, %cause, reason, "recording has stopped, the disk takes nothing");
        }
        Notice::DiskBack { since, seconds, .. } => {
            tracing::info!(%since, seconds, "recording goes on, the disk takes footage again");
        }
        Notice::ClockStep { before, after } => {
            tracing::warn!(%before, %after, "system clock was set");
        }
    }
}

/// A moment of the lookout's clocks.
pub(crate) fn moment(wall: DateTime<Utc>) -> Moment {
    Moment { wall: wall.trunc_subsecs(3), at: Instant::now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Day(Instant);

    impl Day {
        fn at(&self, second: u64) -> Moment {
            let wall = DateTime::from_timestamp(second.cast_signed(), 0).unwrap();
            Moment { wall, at: self.0 + Duration::from_secs(second) }
        }

        fn down(&self, camera: &str, since: u64, fault: GapCause) -> CameraStatus {
            let outage = OutageStatus { since: self.at(since), fault, reason: "so".to_owned() };
            CameraStatus {
                state: CameraState::Waiting { reason: "so".to_owned() },
                outage: Some(outage),
                ..CameraStatus::new(camera.parse().unwrap())
            }
        }
    }

    fn up(camera: &str) -> CameraStatus {
        CameraStatus { state: CameraState::Recording, ..CameraStatus::new(camera.parse().unwrap()) }
    }

    fn connecting(mut status: CameraStatus) -> CameraStatus {
        status.state = CameraState::Connecting;
        status
    }

    fn events(notices: &[Notice]) -> Vec<String> {
        let event = |notice| serde_json::to_value(notice).unwrap()["event"].as_str().unwrap().to_owned();
        notices.iter().map(event).collect()
    }

    #[test]
    fn a_camera_is_lost_after_ten_seconds_and_back_when_it_is_recorded_again() {
        let (day, mut watch) = (Day(Instant::now()), Watch::default());
        let down = || day.down("gate", 100, GapCause::Stalled);
        assert_eq!(watch.look(&[down()], day.at(109)), []);
        let lost = watch.look(&[connecting(down())], day.at(110));
        assert!(
            matches!(&lost[..], [Notice::CameraLost { camera, since, cause: GapCause::Stalled, .. }]
                if camera == "gate" && *since == day.at(100).wall),
            "{lost:?}"
        );
        assert_eq!(watch.look(&[down()], day.at(200)), [], "said once");
        let back = watch.look(&[up("gate")], day.at(160));
        assert!(matches!(&back[..], [Notice::CameraBack { seconds: 60, .. }]), "{back:?}");
        assert_eq!(watch.look(&[up("gate")], day.at(161)), []);
    }

    #[test]
    fn a_camera_that_flaps_is_not_lost() {
        let (day, mut watch) = (Day(Instant::now()), Watch::default());
        for round in 0..10 {
            let began = round * 12;
            for second in [2, 5, 9] {
                let down = day.down("gate", began, GapCause::EndedByCamera);
                assert_eq!(watch.look(&[down], day.at(began + second)), []);
            }
            assert_eq!(watch.look(&[up("gate")], day.at(began + 11)), []);
        }
    }

    #[test]
    fn a_full_disk_is_said_at_once_once_for_all_cameras_and_is_back_when_it_holds_out() {
        let (day, mut watch) = (Day(Instant::now()), Watch::default());
        let full = || [day.down("gate", 0, GapCause::DiskFull), day.down("yard", 1, GapCause::DiskFull)];
        let said = watch.look(&full(), day.at(1));
        assert_eq!(events(&said), ["disk_full"]);
        assert_eq!(watch.look(&full(), day.at(30)), []);
        assert_eq!(watch.look(&[up("gate"), up("yard")], day.at(31)), []);
        assert_eq!(watch.look(&full(), day.at(35)), [], "there was room for some seconds only");
        assert_eq!(watch.look(&[up("gate"), up("yard")], day.at(44)), []);
        assert_eq!(events(&watch.look(&[up("gate"), up("yard")], day.at(45))), ["disk_back"]);
    }

    #[test]
    fn a_camera_that_stays_away_when_the_disk_is_back_is_lost() {
        let (day, mut watch) = (Day(Instant::now()), Watch::default());
        watch.look(&[day.down("gate", 0, GapCause::NotWritable)], day.at(20));
        let said = watch.look(&[day.down("gate", 0, GapCause::Unreachable)], day.at(30));
        assert_eq!(events(&said), ["disk_back", "camera_lost"]);
    }
}
