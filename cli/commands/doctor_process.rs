//! The part of `doctor` that needs the processor: the detector and the vision server.

use config::{Camera, Settings, VisionMode};
use processor::Picture;
use processor::detect::{DetectError, Detector, Model, Wanted};
use processor::vision::{BatchProbe, Probe};

use super::doctor::Check;

pub(super) async fn examine(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![detector(settings)];
    if let Some(vision) = &settings.vision {
        checks.push(vision_server(vision).await);
        if vision.mode == VisionMode::Batch {
            checks.push(batches(vision).await);
        }
    }
    checks
}

fn detector(settings: &Settings) -> Check {
    let Some(detect) = &settings.detect else {
        return Check::ok("detector", "turned off by `detect.enabled = false`");
    };
    match try_out(detect, &settings.cameras) {
        Ok(description) => Check::ok("detector", description),
        Err(error) => Check::failed("detector", &error),
    }
}

/// Loads the model, looks at nothing with it, and says which it is.
fn try_out(detect: &config::Detect, cameras: &[Camera]) -> Result<String, DetectError> {
    let model = Model::open(detect)?;
    let own = cameras.iter().filter_map(|camera| camera.detect.labels.clone());
    let labels = own.chain([detect.labels.clone()]).flatten().collect();
    let wanted = Wanted { labels, min_score: detect.min_score };
    Detector::new(&model, &wanted)?.detect(&Picture::filled(64, 64, [0, 128, 128]))?;
    Ok(model.describe())
}

async fn vision_server(vision: &config::Vision) -> Check {
    let what = format!("vision {}", vision.base_url);
    match Probe::of(vision).await {
        Err(error) => Check::failed(what, &error),
        Ok(probe) if probe.is_ready() => Check::ok(what, probe.advice()),
        Ok(probe) => Check::fault(what, probe.advice()),
    }
}

async fn batches(vision: &config::Vision) -> Check {
    match BatchProbe::of(vision).await {
        Err(error) => Check::failed("batches", &error),
        Ok(probe) if probe == BatchProbe::Ready => Check::ok("batches", probe.advice()),
        Ok(probe) => Check::fault("batches", probe.advice()),
    }
}
