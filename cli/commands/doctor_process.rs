//! The part of `doctor` that needs the processor: the detector and the vision server.

use config::Settings;
use processor::detect::Detector;
use processor::vision::Probe;

use super::doctor::Check;

pub(super) async fn examine(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![detector(settings)];
    if let Some(vision) = &settings.vision {
        checks.push(vision_server(vision).await);
    }
    checks
}

fn detector(settings: &Settings) -> Check {
    let Some(detect) = &settings.detect else {
        return Check::ok("detector", "turned off by `detect.enabled = false`");
    };
    match Detector::new(detect) {
        Ok(_) => Check::ok("detector", "loaded"),
        Err(error) => Check::failed("detector", &error),
    }
}

async fn vision_server(vision: &config::Vision) -> Check {
    let what = format!("vision {}", vision.base_url);
    match Probe::of(vision).await {
        Err(error) => Check::failed(what, &error),
        Ok(probe) if probe.is_ready() => Check::ok(what, probe.advice()),
        Ok(probe) => Check::fault(what, probe.advice()),
    }
}
