//! Films a night and writes down who walked when.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::night::{Night, Walk, Weather};
use crate::stage::Stage;

/// From the Debian package opencv-doc.
const PEDESTRIANS: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

pub(crate) fn run(arguments: &[String]) -> Result<Value, Box<dyn Error>> {
    let [weather, file, numbers @ ..] = arguments else { return Err("name a weather and a file".into()) };
    let (_, weather) = Weather::ALL
        .into_iter()
        .find(|(name, _)| name == weather)
        .ok_or("the weather is none of clear, dusk, infrared and rain")?;
    let night = Night {
        weather,
        seconds: number(numbers, 0, 600)?,
        fps: number(numbers, 1, 15)?,
        gop: number(numbers, 2, 30)?,
        pause_seconds: number(numbers, 5, 45)?,
        noise: number(numbers, 3, 3.0)?,
        seed: number(numbers, 4, 1)?,
    };
    let stage = Stage::of(Path::new(PEDESTRIANS), 1)?;
    let walks = night.film(&stage, Path::new(file))?;
    let walks: Vec<Value> = walks.iter().map(|walk| told(walk, stage.street.size_px)).collect();
    let told = json!({ "walks": walks });
    std::fs::write(format!("{file}.json"), told.to_string())?;
    Ok(told)
}

fn number<T: FromStr>(numbers: &[String], index: usize, default: T) -> Result<T, T::Err> {
    numbers.get(index).map_or(Ok(default), |number| number.parse())
}

/// Gives the walk's frames and, for each, where the person is, as fractions of the picture.
fn told(walk: &Walk, size_px: [usize; 2]) -> Value {
    let [begin, end] = walk.frames;
    let corners: Vec<[f32; 2]> = (begin..end)
        .filter_map(|frame| walk.corner(frame))
        .map(|corner| [corner[0] / size_px[0] as f32, corner[1] / size_px[1] as f32])
        .collect();
    let height = walk.height_px as f32 / size_px[1] as f32;
    json!({ "begin": begin, "end": end, "height_px": walk.height_px, "height": height, "corners": corners })
}
