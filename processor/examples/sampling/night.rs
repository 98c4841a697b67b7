//! A night: long quiet footage of the stage in which people walk at known times, so that there is ground truth.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::stage::{Plane, Stage};

/// What makes a night hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing but the sensor's noise.
    Clear,
    /// The light grows and falls over minutes.
    Dusk,
    /// At half time the camera switches to infrared light.
    InfraRed,
    /// Bright streaks all over the picture, anew in each frame.
    Rain,
}

impl Weather {
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("clear", Self::Clear), ("dusk", Self::Dusk), ("infrared", Self::InfraRed), ("rain", Self::Rain)];
}

/// How a night is filmed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Night {
    pub(crate) weather: Weather,
    pub(crate) seconds: u32,
    pub(crate) fps: u32,
    pub(crate) gop: u32,
    /// Between one walker and the next, about.
    pub(crate) pause_seconds: u32,
    /// Deviation of a pixel's luma.
    pub(crate) noise: f32,
    pub(crate) seed: u64,
}

/// One person who walks through the picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    /// The first frame with the person and the first without.
    pub(crate) frames: [u64; 2],
    pub(crate) height_px: usize,
    /// The top left corner, at the first frame and at the last.
    corners: [[f32; 2]; 2],
}

impl Walk {
    /// The corner at a frame, if the person is there then.
    pub(crate) fn corner(&self, frame: u64) -> Option<[f32; 2]> {
        let [begin, end] = self.frames;
        let share = frame.checked_sub(begin)? as f32 / (end - begin) as f32;
        let between = |axis: usize| self.corners[0][axis] * (1.0 - share) + self.corners[1][axis] * share;
        (frame < end).then(|| [between(0), between(1)])
    }
}

impl Night {
    /// Sends people through the picture: in turn small and large, slow and fast.
    pub(crate) fn walks(&self, [width, height]: [usize; 2]) -> Vec<Walk> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut walks = Vec::new();
        let mut second = self.pause_seconds as f32 * (0.3 + 0.5 * random.f32());
        while second + 14.0 < self.seconds as f32 {
            let lasts = 3.0 + 9.0 * random.f32();
            let share = [0.06, 0.1, 0.15, 0.22][walks.len() % 4];
            let height_px = (height as f32 * share) as usize;
            let row = random.f32() * (height - height_px) as f32;
            let (from, to) = (0.8 * random.f32() * width as f32, 0.8 * random.f32() * width as f32);
            let frame = |second: f32| (second * self.fps as f32) as u64;
            walks.push(Walk {
                frames: [frame(second), frame(second + lasts)],
                height_px,
                corners: [[from, row], [to, row]],
            });
            second += lasts + self.pause_seconds as f32 * (0.5 + random.f32());
        }
        walks
    }

    /// Films the night with x264.
    pub(crate) fn film(&self, stage: &Stage, file: &Path) -> Result<Vec<Walk>, Box<dyn Error>> {
        let size_px = stage.street.size_px;
        let walks = self.walks(size_px);
        let mut encoder = self.encoder(size_px, file).spawn()?;
        let mut pipe = encoder.stdin.take().ok_or("the encoder has no input")?;
        let mut random = fastrand::Rng::with_seed(self.seed);
        let grain = grain(&mut random);
        for frame in 0..u64::from(self.seconds * self.fps) {
            let mut picture = self.lit(&stage.street, frame);
            for walk in &walks {
                if let Some(corner) = walk.corner(frame) {
                    let stride = (frame / u64::from(self.fps / 2).max(1)) as usize % stage.strides.len();
                    stage.strides[stride].paste(
                        &mut picture,
                        corner,
                        (walk.height_px, self.light(frame).gain),
                    );
                }
            }
            if self.weather == Weather::Rain {
                rain(&mut picture, &mut random);
            }
            pipe.write_all(&self.sensed(&picture, &grain, &mut random))?;
        }
        drop(pipe);
        if encoder.wait()?.success() { Ok(walks) } else { Err("ffmpeg films no night".into()) }
    }

    fn encoder(&self, [width, height]: [usize; 2], file: &Path) -> Command {
        let gop = self.gop.to_string();
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"])
            .args(["-s", &format!("{width}x{height}"), "-r", &self.fps.to_string(), "-i", "pipe:0"])
            .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "25", "-pix_fmt", "yuv420p"])
            .args(["-bf", "0", "-sc_threshold", "0", "-threads", "1", "-fflags", "+bitexact", "-g", &gop])
            .arg(file)
            .stdin(Stdio::piped());
        command
    }

    fn light(&self, frame: u64) -> Light {
        let second = frame as f32 / self.fps as f32;
        match self.weather {
            Weather::Clear | Weather::Rain => Light { gain: 0.5, veil: 0.0 },
            Weather::Dusk => Light { gain: 0.5 + 0.2 * (second / 40.0).sin(), veil: 0.0 },
            Weather::InfraRed if second * 2.0 > self.seconds as f32 => Light { gain: 0.7, veil: 40.0 },
            Weather::InfraRed => Light { gain: 0.3, veil: 0.0 },
        }
    }

    fn lit(&self, street: &Plane, frame: u64) -> Plane {
        let Light { gain, veil } = self.light(frame);
        let luma = street.luma.iter().map(|luma| 16.0 + veil + luma * gain * (1.0 - veil / 255.0)).collect();
        Plane { size_px: street.size_px, luma }
    }

    /// Adds the sensor's noise, which is never twice the same.
    fn sensed(&self, picture: &Plane, grain: &[f32], random: &mut fastrand::Rng) -> Vec<u8> {
        let width = picture.size_px[0];
        let mut bytes = Vec::with_capacity(picture.luma.len());
        for row in picture.luma.chunks_exact(width) {
            let from = random.usize(..grain.len() - width);
            let noisy = row.iter().zip(&grain[from..]).map(|(luma, grain)| (luma + self.noise * grain) as u8);
            bytes.extend(noisy);
        }
        bytes
    }
}

struct Light {
    gain: f32,
    /// Light that lies over the whole picture.
    veil: f32,
}

/// Makes a stock of noise with deviation 1: a sum of even numbers is nearly normal.
fn grain(random: &mut fastrand::Rng) -> Vec<f32> {
    (0..1 << 17).map(|_| ((0..6).map(|_| random.f32()).sum::<f32>() - 3.0) * 1.41).collect()
}

fn rain(picture: &mut Plane, random: &mut fastrand::Rng) {
    let [width, height] = picture.size_px;
    for _ in 0..width / 4 {
        let (x, y) = (random.usize(..width), random.usize(..height));
        for below in y..(y + height / 30).min(height) {
            picture.luma[below * width + x] += 30.0;
        }
    }
}
