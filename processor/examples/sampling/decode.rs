//! Decoding alone, or with one view cut out of each sample: work and memory.

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;

use config::{Framing, Lens, Mount, Placement, Projection, Sampling, View, ViewMode};
use nightreel_processor::video::{Choice, Video};
use nightreel_processor::view::Views;
use serde_json::{Value, json};

pub(crate) fn sampling(name: &str) -> Result<Sampling, String> {
    [Sampling::Exact, Sampling::Activity, Sampling::Keyframes]
        .into_iter()
        .find(|sampling| sampling.as_str() == name)
        .ok_or_else(|| format!("`{name}` is none of exact, activity and keyframes"))
}

pub(crate) fn run(arguments: &[String]) -> Result<Value, Box<dyn Error>> {
    let [file, which, rest @ ..] = arguments else { return Err("name a file and a sampling".into()) };
    let every: NonZeroU32 =
        rest.first().map_or(Ok(NonZeroU32::MIN.saturating_add(29)), |every| every.parse())?;
    let views = rest.get(1).map(|_| views()).transpose()?;
    let video = Video::open(Path::new(file))?;
    let mut samples = video.choose(Choice { every, sampling: sampling(which)? })?;
    let mut largest_mb = pss_mb()?;
    for frame in samples.by_ref() {
        let frame = frame?;
        if let Some(views) = &views {
            let picture = frame.picture()?;
            largest_mb = largest_mb.max(pss_mb()?);
            views.cut(&picture).for_each(|cut| {
                std::hint::black_box(cut.picture.y.len());
            });
        }
    }
    let summary = samples.summary();
    Ok(json!({
        "frames": video.probe().frames,
        "samples": summary.sampled,
        "packets_fed": summary.packets_fed,
        "pss_mb": largest_mb.max(pss_mb()?),
    }))
}

/// One view of 1280×720 through a fisheye.
fn views() -> Result<Views, Box<dyn Error>> {
    let lens = Lens {
        projection: Projection::Equidistant,
        fov_deg: 180.0,
        placement: Some(Placement::Circle { center: [0.5, 0.5], radius: None }),
        mount: Mount::Wall,
    };
    let mode = ViewMode::Perspective(Framing {
        yaw_deg: 0.0,
        pitch_deg: 0.0,
        roll_deg: 0.0,
        hfov_deg: 90.0,
        size: [1280, 720],
    });
    Ok(Views::new(Some(&lens), &[View { name: "ahead".to_owned(), mode }])?)
}

/// The memory that is this process's own, and its share of what it has in common with others.
fn pss_mb() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
    let kilobytes: f64 = line.split_whitespace().next().ok_or("no number")?.parse()?;
    Ok(kilobytes / 1024.0)
}
