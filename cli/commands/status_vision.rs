//! What `status` says of the vision model: what the day took, and what waits for the next.

use catalog::{BatchTally, Deferral, Digest, Pause, Spent};
use chrono::{DateTime, Utc};
use config::{Usd, Vision};
use serde::Serialize;

use crate::commands::estimate_vision::nights_of;
use crate::commands::status::time;
use crate::open::Store;

#[derive(Serialize)]
pub(super) struct VisionLine {
    /// Today is the caps' day.
    calls_today: u64,
    max_calls_per_day: Option<u64>,
    /// With what is set aside for requests under way.
    tokens_today: u64,
    max_tokens_per_day: Option<u64>,
    usd_today: f64,
    max_usd_per_day: Option<f64>,
    /// What waits for the next day.
    deferred: Vec<Deferral>,
    /// Of the last night that has any.
    digests: Vec<Digest>,
    batches: BatchTally,
}

impl VisionLine {
    pub(super) fn of(store: &Store, vision: &Vision) -> anyhow::Result<Self> {
        let now = store.clock.now();
        let spent = store.catalog.spent(store.settings.process.windows.cap_day(now), None)?;
        let digests = match store.catalog.last_digested_night()? {
            Some(night) => store.catalog.digests(night)?,
            None => Vec::new(),
        };
        Ok(Self {
            calls_today: spent.calls,
            max_calls_per_day: vision.caps.calls,
            tokens_today: spent.tokens,
            max_tokens_per_day: vision.caps.tokens,
            usd_today: spent.usd.dollars(),
            max_usd_per_day: vision.caps.usd.map(Usd::dollars),
            deferred: store.catalog.deferrals(now)?,
            digests,
            batches: store.catalog.batch_tally()?,
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let of = |cap: Option<String>| cap.map(|cap| format!(" of {cap}")).unwrap_or_default();
        let whole = |cap: Option<u64>| of(cap.map(|cap| cap.to_string()));
        let spent = format!(
            "vision    {}{} calls, {}{} tokens, ${:.4}{} today",
            self.calls_today,
            whole(self.max_calls_per_day),
            self.tokens_today,
            whole(self.max_tokens_per_day),
            self.usd_today,
            of(self.max_usd_per_day.map(|cap| format!("${cap}"))),
        );
        let deferred = self.deferred.iter().map(|Deferral { camera, cap, until, segments }| {
            let whose =
                camera.as_ref().map_or("all cameras".to_owned(), |camera| format!("camera `{camera}`"));
            format!("deferred  {segments} segments of {whose} until {} UTC: `{cap}` is reached", time(*until))
        });
        let digests = self.digests.iter().map(|Digest { night, camera, text, .. }| {
            format!("night     {night}, camera `{camera}`: {text}")
        });
        std::iter::once(spent).chain(deferred).chain(self.batches()).chain(digests).collect()
    }

    fn batches(&self) -> Option<String> {
        let BatchTally { under_way, asked, gathered, segments, since } = &self.batches;
        if under_way + gathered + segments == 0 {
            return None;
        }
        let since = since.map(|since| format!(" since {} UTC", time(since))).unwrap_or_default();
        Some(format!(
            "batches   {under_way} under way with {asked} questions, {gathered} gathered for the next; {segments} \
             segments wait for answers{since}"
        ))
    }
}

/// Returns when the backlog is done: at the speed of past runs, through the windows and under the caps to come.
pub(super) fn backlog_done(store: &Store) -> anyhow::Result<Option<DateTime<Utc>>> {
    let now = store.clock.now();
    let vision = store.settings.vision.as_ref();
    let past = store.catalog.past(vision.map_or("", |vision| vision.model.as_str()), now)?;
    let Some(speed) = past.speed().filter(|speed| *speed > 0.0) else { return Ok(None) };
    let footage_s = store.catalog.waiting()?.length_s(&past);
    let expected = |count: u64| (count as f64 / past.footage_s * footage_s).ceil() as u64;
    let (input, output) = (expected(past.input_tokens), expected(past.output_tokens));
    let rates = vision.and_then(|vision| vision.rates_by(vision.mode));
    let takes = Spent {
        calls: expected(past.calls),
        tokens: input + output,
        usd: rates.map_or(Usd::default(), |rates| rates.cost(input, output)),
    };
    Ok(nights_of(store, (footage_s / speed, takes), now)?.done)
}

pub(super) fn pause_line(Pause { since, reason }: &Pause) -> String {
    let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("paused    since {} UTC{reason}, until `nightreel resume`", time(*since))
}
