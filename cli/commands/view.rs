//! `view`: what a camera's views show of one frame, to set a lens up by eye.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use catalog::Catalog;
use clap::Args;
use config::{Camera, Lens, Placement, Settings};
use processor::video::Video;
use processor::view::{Views, encode, outlined};
use processor::{Picture, find_placement, of_parts};
use serde::Serialize;

use crate::args::Global;
use crate::{open, output};

/// For people to look at.
const QUALITY: u8 = 90;

const SOURCE: &str = "source.jpg";

/// Write what a camera's views show of one frame, to set a lens up by eye.
///
/// DIR gets `view_NAME.jpg` for each view, and `source.jpg`: the frame as recorded, with the lens's circle, its
/// centre, and the outline of each view, whose upper side is thick. The circle is printed as settings, ready to be
/// pasted under `[camera.lens]`. It is the one of the settings, else the one that was found when the camera's
/// footage was first processed, else it is looked for in FILE.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel view clip.mp4 --camera gate --out views/\n  \
    nightreel view clip.mp4 --camera gate --out views/ --frame 300\n  \
    nightreel view clip.mp4 --camera gate --out views/ --find")]
pub(crate) struct ViewArgs {
    /// The video.
    file: PathBuf,

    /// The camera whose lens and views are meant, by its id in the settings.
    #[arg(long, value_name = "ID")]
    camera: String,

    /// Write the pictures into DIR.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Take this frame, counted from 0.
    #[arg(long, value_name = "N", default_value = "0")]
    frame: u32,

    /// Look for the circle in FILE, whatever the settings and earlier runs say.
    #[arg(long)]
    find: bool,

    /// Print one object.
    #[arg(long)]
    json: bool,
}

/// Where the circle is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Settings,
    Remembered,
    Found,
    Assumed,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "given in the settings",
            Self::Remembered => "found when the camera's footage was first processed",
            Self::Found => "found in this file",
            Self::Assumed => "assumed, since none can be told for certain",
        })
    }
}

#[derive(Debug, Serialize)]
struct Circle {
    source: Source,
    center: [f64; 2],
    radius: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    camera: String,
    frame: u32,
    size: [usize; 2],
    /// Absent for a camera without a lens.
    circle: Option<Circle>,
    source: PathBuf,
    views: Vec<Written>,
}

#[derive(Debug, Serialize)]
struct Written {
    view: String,
    file: PathBuf,
    size: [usize; 2],
}

pub(crate) fn run(global: &Global, args: &ViewArgs) -> anyhow::Result<ExitCode> {
    let settings = open::settings(global)?.settings;
    let camera = camera(&settings, &args.camera)?;
    let video = Video::open(&args.file)?;
    let picture = frame(&video, args.frame)?;
    let placed =
        camera.lens.clone().map(|lens| place(&settings, (camera, lens), (&video, args.find))).transpose()?;
    let views = Views::new(placed.as_ref().map(|(lens, _)| lens), &camera.views)?;

    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder `{}`", args.out.display()))?;
    let source = args.out.join(SOURCE);
    write(&outlined(&picture, &views)?, &source)?;
    let mut written = Vec::new();
    for cut in views.cut(&picture) {
        let file = args.out.join(format!("view_{}.jpg", cut.name));
        write(&cut.picture, &file)?;
        written.push(Written {
            view: cut.name.to_owned(),
            file,
            size: [cut.picture.width, cut.picture.height],
        });
    }
    let size = [picture.width, picture.height];
    let circle = placed.zip(views.circle(size)).map(|((_, source), (center, radius))| Circle {
        source,
        center: center.map(rounded),
        radius: rounded(radius),
    });
    let camera = args.camera.clone();
    tell(args, &Report { camera, frame: args.frame, size, circle, source, views: written })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn camera<'s>(settings: &'s Settings, id: &str) -> anyhow::Result<&'s Camera> {
    let known = settings.cameras.iter().map(|camera| camera.id.as_str());
    settings.cameras.iter().find(|camera| camera.id.as_str() == id).with_context(|| {
        format!("the settings have no camera `{id}`; they have: {}", known.collect::<Vec<_>>().join(", "))
    })
}

/// Decodes one frame; costs its GOP.
fn frame(video: &Video, number: u32) -> anyhow::Result<Picture> {
    let every = NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    for frame in video.samples(every)? {
        let frame = frame?;
        if frame.index == u64::from(number) {
            return Ok(frame.picture()?);
        }
    }
    let frames = video.probe().frames;
    bail!("frame {number} cannot be decoded; the file has {frames}, counted from 0: choose another `--frame`")
}

fn place(
    settings: &Settings,
    (camera, lens): (&Camera, Lens),
    (video, find): (&Video, bool),
) -> anyhow::Result<(Lens, Source)> {
    let (placement, source) = placement(settings, (camera, &lens), (video, find))?;
    if source == Source::Assumed {
        tracing::warn!(
            camera = camera.id.as_str(),
            "the lens's circle cannot be told for certain, and is taken to be in the middle, its radius half of \
             the shorter side; correct `camera.lens.center` and `camera.lens.radius` until it fits"
        );
    }
    Ok((Lens { placement, ..lens }, source))
}

fn placement(
    settings: &Settings,
    (camera, lens): (&Camera, &Lens),
    (video, find): (&Video, bool),
) -> anyhow::Result<(Option<Placement>, Source)> {
    if !find {
        if lens.placement.is_some() {
            return Ok((lens.placement, Source::Settings));
        }
        if let Some(remembered) = remembered(settings, camera)? {
            return Ok((Some(remembered), Source::Remembered));
        }
    }
    Ok(match find_placement(video)? {
        Some(found) => (Some(found), Source::Found),
        None => (None, Source::Assumed),
    })
}

/// Looks into the catalogue, and makes none.
pub(super) fn remembered(settings: &Settings, camera: &Camera) -> anyhow::Result<Option<Placement>> {
    let state_dir = &settings.storage.state_dir;
    if !state_dir.is_dir() {
        return Ok(None);
    }
    Ok(Catalog::open(state_dir)?.circle_of(camera.id.as_str())?.map(of_parts))
}

fn write(picture: &Picture, path: &Path) -> anyhow::Result<()> {
    std::fs::write(path, encode(picture, QUALITY)?)
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn tell(args: &ViewArgs, report: &Report) -> anyhow::Result<()> {
    if args.json {
        return output::json(report);
    }
    output::line(format!("# frame {} with the views' outlines: {}", report.frame, report.source.display()))?;
    for view in &report.views {
        let [width, height] = view.size;
        output::line(format!("# view {}, {width} x {height}: {}", view.view, view.file.display()))?;
    }
    let Some(circle) = &report.circle else {
        return output::line(format!("# camera {} has no lens in the settings", report.camera));
    };
    let [x, y] = circle.center;
    output::line(format!("# the circle, {}; for [camera.lens] of {}:", circle.source, report.camera))?;
    output::line(format!("center = [{x:?}, {y:?}]\nradius = {:?}", circle.radius))
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
