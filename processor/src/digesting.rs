//! Digesting: at the end of a night's work, a few sentences per camera of what its captions tell, by a question without
//! pictures.

use std::time::Duration;

use catalog::{Catalog, Digest, NightCaption};
use chrono::{DateTime, NaiveDate, Utc};
use config::{WindowState, Windows};

use crate::error::chain;
use crate::looks::Asker;

/// Captions in one question; of more the notable ones come first, then as many of the others as there is room for.
const CAPTIONS: usize = 300;

/// Letters of one of them.
const LETTERS: usize = 240;

/// How long nothing is asked after a failure.
const REST: Duration = Duration::from_secs(300);

/// Makes the digests of a run. Its calls block.
#[derive(Debug)]
pub(crate) struct Digesting<'a> {
    pub(crate) asker: &'a Asker,
    pub(crate) catalog: &'a Catalog,
    pub(crate) windows: &'a Windows,
}

/// Which nights a run that does not end has seen to.
#[derive(Debug, Default)]
pub(crate) struct Nights {
    /// When the next window opens after the last night that was seen to, or its day ends.
    until: Option<DateTime<Utc>>,
    /// Not before then, after a failure.
    rest: Option<DateTime<Utc>>,
}

impl Digesting<'_> {
    /// Makes the digests of nights; what cannot be told now is logged and left.
    pub(crate) fn make(&self, nights: &[NaiveDate], now: DateTime<Utc>) -> bool {
        let mut all_well = true;
        for &night in nights {
            all_well &= match self.night(night, now) {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%night, error, "no digest of the night");
                    false
                }
            };
        }
        all_well
    }

    /// Makes the digests of the night that ended last, once, as soon as nothing of it is under way.
    pub(crate) fn make_when_over(&self, seen: &mut Nights, (is_busy, now): (bool, DateTime<Utc>)) {
        let (night, until) = match self.windows.at(now) {
            WindowState::Open { .. } => return,
            WindowState::Closed { until } => (Some(self.windows.cap_day(now)), until),
            WindowState::Always => (self.windows.cap_day(now).pred_opt(), self.windows.cap_day_ends(now)),
        };
        let rests = seen.rest.is_some_and(|rest| now < rest);
        let Some(night) = night.filter(|_| !is_busy && !rests && seen.until != Some(until)) else { return };
        match self.make(&[night], now) {
            true => seen.until = Some(until),
            false => seen.rest = Some(now + REST),
        }
    }

    fn night(&self, night: NaiveDate, now: DateTime<Utc>) -> Result<(), String> {
        let is_wanted = |stored| self.windows.cap_day(stored) == night;
        let captions = self.catalog.night_captions(is_wanted, now).map_err(|error| chain(&error))?;
        for of_camera in captions.chunk_by(|one, other| one.camera == other.camera) {
            let camera = of_camera[0].camera.clone();
            let told = self.asker.text_about(&camera, self.question(of_camera))?;
            if let Some((text, request_id)) = told {
                let digest = Digest { night, camera, text, request_id };
                self.catalog.keep_digest(&digest, now).map_err(|error| chain(&error))?;
            }
        }
        Ok(())
    }

    /// Everything in it follows from the captions, so that the same ones are never paid for twice.
    fn question(&self, captions: &[NightCaption]) -> String {
        let camera = &captions[0].camera;
        let mut text = format!(
            "Below is what pictures of the surveillance camera `{camera}` show, each with its local time. Say in at most five \
             sentences what happened, what is notable first, with times. Say nothing that is not below.\n"
        );
        for caption in chosen(captions) {
            let time = caption.time.with_timezone(&self.windows.zone()).format("%Y-%m-%d %H:%M:%S");
            let said: String = caption.caption.chars().take(LETTERS).collect();
            let notable = caption
                .notable
                .as_deref()
                .map(|reason| format!(" (notable: {})", reason.chars().take(LETTERS).collect::<String>()));
            text.push_str(&format!("\n{time} {}: {said}{}", caption.view, notable.unwrap_or_default()));
        }
        text
    }
}

/// Chooses what fits into a question, in order of time.
fn chosen(captions: &[NightCaption]) -> Vec<&NightCaption> {
    let (notable, others): (Vec<_>, Vec<_>) = captions.iter().partition(|caption| caption.notable.is_some());
    let mut chosen = evenly(notable, CAPTIONS);
    let room = CAPTIONS - chosen.len();
    chosen.extend(evenly(others, room));
    chosen.sort_by_key(|caption| caption.time);
    chosen
}

/// Takes at most so many, evenly over all.
fn evenly<T: Copy>(all: Vec<T>, most: usize) -> Vec<T> {
    if all.len() <= most {
        return all;
    }
    (0..most).map(|number| all[number * all.len() / most]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_captions_the_notable_ones_are_chosen_first_and_the_others_evenly() {
        let caption = |minute: i64| NightCaption {
            camera: "gate".to_owned(),
            time: DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute),
            view: "original".to_owned(),
            caption: minute.to_string(),
            notable: (minute % 100 == 7).then(|| "ladder".to_owned()),
        };
        let night: Vec<_> = (0..1000).map(caption).collect();
        let chosen = chosen(&night);
        assert_eq!(chosen.len(), CAPTIONS);
        assert_eq!(chosen.iter().filter(|caption| caption.notable.is_some()).count(), 10);
        assert!(chosen.is_sorted_by_key(|caption| caption.time));
        let widest = chosen.windows(2).map(|two| two[1].time - two[0].time).max().unwrap();
        assert!(widest <= chrono::TimeDelta::minutes(5), "{widest}");
        assert_eq!(super::chosen(&night[..5]).len(), 5);
    }
}
