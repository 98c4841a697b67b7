//! What `estimate` says of the vision model: what the backlog will ask, cost and take.

use std::time::Duration;

use catalog::{Nights, Past, Spent, Task, Waiting, nights, picture_tokens};
use chrono::{DateTime, Utc};
use config::{Caps, Rates, Settings, Usd, Vision, WindowState, Windows};
use serde::Serialize;

use crate::commands::status::time;
use crate::open::Store;
use crate::output;

/// Taken for a camera's where nothing is known of it.
const FRAMES_PER_SECOND: f64 = 30.0;

/// Of prompt and frame, beside the picture, where no answer tells.
const TEXT_TOKENS: u64 = 250;

/// The backlog, as `estimate --json` tells of it.
#[derive(Serialize)]
pub(super) struct VisionEstimate {
    segments: u64,
    footage_s: f64,
    /// Sampled.
    frames: u64,
    requests: u64,
    /// By how much the requests, and with them all that follows, may differ 19 times of 20; absent without past
    /// runs.
    plus_minus: Option<u64>,
    input_tokens: u64,
    output_tokens: u64,
    /// Absent where the model has no price.
    usd: Option<f64>,
    usd_plus_minus: Option<f64>,
    /// Absent where no past run tells how fast the machine is.
    hours: Option<f64>,
    /// What is left of the window that is open, or the whole of the next; absent where there are no windows.
    window_hours: Option<f64>,
    /// Whether all of it fits into that, under the caps.
    fits: Option<bool>,
    /// Days of the caps in which something is done.
    nights: u32,
    done: Option<DateTime<Utc>>,
    /// It waits for a cap, not for time.
    capped: bool,
    basis: Basis,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Basis {
    /// What the latest results took.
    PastRuns,
    /// All frames, and the dearest picture.
    WorstCase,
}

/// What is expected of the model.
struct Demand {
    frames: f64,
    requests: f64,
    /// Of one request.
    input_tokens: f64,
    output_tokens: f64,
    basis: Basis,
}

impl VisionEstimate {
    pub(super) fn of(store: &Store, vision: &Vision) -> anyhow::Result<Self> {
        let (now, windows) = (store.clock.now(), &store.settings.process.windows);
        let past = store.catalog.past(&vision.model, now)?;
        let waiting = store.catalog.waiting()?;
        let footage_s = waiting.length_s(&past);
        let demand = Demand::of(&past, footage_s, &store.settings, vision);
        let rates = vision.rates_by(vision.mode);
        let takes = demand.takes(rates);
        let work_s = past.speed().map(|speed| footage_s / speed);
        let Nights { nights, done, capped } = nights_of(store, (work_s.unwrap_or(0.0), takes), now)?;
        let window = next_window(windows, now);
        let spread = past.spread(waiting.segments).filter(|_| demand.basis == Basis::PastRuns);
        let per_request = takes.usd.dollars() / demand.requests.max(1.0);
        let Waiting { segments, .. } = waiting;
        Ok(Self {
            segments,
            footage_s,
            frames: demand.frames.round() as u64,
            requests: takes.calls,
            plus_minus: spread.map(|spread| spread.ceil() as u64),
            input_tokens: (demand.requests * demand.input_tokens).ceil() as u64,
            output_tokens: (demand.requests * demand.output_tokens).ceil() as u64,
            usd: rates.map(|_| takes.usd.dollars()),
            usd_plus_minus: rates.and(spread).map(|spread| spread * per_request),
            hours: work_s.map(|seconds| seconds / 3600.0),
            window_hours: window.map(|(from, until)| (until - from.max(now)).as_seconds_f64() / 3600.0),
            fits: work_s.and(window).map(|(_, until)| done.is_some_and(|done| done <= until)),
            nights,
            done,
            capped,
            basis: demand.basis,
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let spread = |amount: Option<String>| amount.map(|text| format!(" ± {text}")).unwrap_or_default();
        let basis = match self.basis {
            Basis::PastRuns => "as past runs went",
            Basis::WorstCase => "at most: no past run tells yet",
        };
        let cost = match self.usd {
            Some(usd) => format!("${usd:.2}{}", spread(self.usd_plus_minus.map(|usd| format!("${usd:.2}")))),
            None => "a price that is not known (`[[vision.price]]`)".to_owned(),
        };
        let Self { segments, frames, requests, input_tokens, output_tokens, .. } = self;
        let requests = format!("{requests}{}", spread(self.plus_minus.map(|count| count.to_string())));
        vec![
            format!(
                "backlog   {segments} segments, {} of footage, {frames} frames",
                output::time_span(self.footage_s)
            ),
            format!(
                "vision    {requests} requests, {input_tokens} tokens asked, {output_tokens} answered, {cost}; {basis}"
            ),
            format!("time      {}", self.time()),
        ]
    }

    fn time(&self) -> String {
        if self.segments == 0 {
            return "nothing waits".to_owned();
        }
        let hours = self.hours.map(|hours| output::time_span(hours * 3600.0));
        let work = hours.unwrap_or_else(|| "not known how long before a run was made".to_owned());
        let fits = match self.fits {
            Some(true) => ", fits the window",
            Some(false) if self.capped => ", does not fit under the caps of one night",
            Some(false) => ", does not fit the window",
            None => "",
        };
        let done = match self.done {
            Some(done) if self.hours.is_some() => format!("done {} UTC", time(done)),
            Some(done) => format!("done {} UTC at the earliest", time(done)),
            None => "no end in sight".to_owned(),
        };
        format!("{work}{fits}; {} nights, {done}", self.nights)
    }
}

impl Demand {
    fn of(past: &Past, footage_s: f64, settings: &Settings, vision: &Vision) -> Self {
        let worst = Self::at_most(footage_s, settings, vision);
        if past.footage_s <= 0.0 {
            return worst;
        }
        let frames = past.frames as f64 / past.footage_s * footage_s;
        if past.counted == 0 {
            return Self { frames, ..worst };
        }
        let each = |tokens: u64| tokens as f64 / past.counted as f64;
        Self {
            frames,
            requests: past.calls as f64 / past.footage_s * footage_s,
            input_tokens: each(past.input_tokens),
            output_tokens: each(past.output_tokens),
            basis: Basis::PastRuns,
        }
    }

    fn at_most(footage_s: f64, settings: &Settings, vision: &Vision) -> Self {
        let frames = footage_s * FRAMES_PER_SECOND / f64::from(settings.process.every_nth_frame.get());
        let views = settings.cameras.iter().map(|camera| camera.views.len()).max().unwrap_or(1).max(1);
        let picture = vision.price().and_then(|price| price.image_tokens);
        let picture =
            picture.unwrap_or_else(|| picture_tokens(&vision.model, [vision.image_max_px.into(); 2]));
        let pictures = frames * views as f64;
        let together = vision.frames_per_request as u64;
        Self {
            frames,
            requests: (pictures / together as f64).ceil(),
            input_tokens: (together * picture + TEXT_TOKENS) as f64,
            output_tokens: f64::from(vision.max_output_tokens),
            basis: Basis::WorstCase,
        }
    }

    fn takes(&self, rates: Option<Rates>) -> Spent {
        let [input, output] =
            [self.input_tokens, self.output_tokens].map(|each| (each * self.requests).ceil() as u64);
        Spent {
            calls: self.requests.ceil() as u64,
            tokens: input.saturating_add(output),
            usd: rates.map_or(Usd::default(), |rates| rates.cost(input, output)),
        }
    }
}

/// Goes through the nights to come with so many seconds of work, under the caps of all cameras together.
pub(super) fn nights_of(
    store: &Store,
    (work_s, takes): (f64, Spent),
    now: DateTime<Utc>,
) -> anyhow::Result<Nights> {
    let windows = &store.settings.process.windows;
    let work = Duration::try_from_secs_f64(work_s).unwrap_or(Duration::MAX);
    let caps = store.settings.vision.as_ref().map_or(Caps::default(), |vision| vision.caps);
    let spent = store.catalog.spent(windows.cap_day(now), None)?;
    Ok(nights(&Task { work, takes, caps, spent }, windows, now))
}

/// Finds the window that is open, or opens next.
fn next_window(windows: &Windows, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    match windows.at(now) {
        WindowState::Always => None,
        WindowState::Open { since, until } => Some((since, until)),
        WindowState::Closed { until } => match windows.at(until) {
            WindowState::Open { since, until } => Some((since, until)),
            _ => None,
        },
    }
}
