//! Descriptions: what a structured answer says of a view besides its caption, and what those of an event say together.

use serde::{Deserialize, Serialize};

/// Distinct tags, and distinct objects, that an event keeps.
const WORDS: usize = 64;

/// Distinct reasons that an event keeps.
const REASONS: usize = 16;

/// What the vision model says of a view, beside its caption.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Words for what is going on.
    pub tags: Vec<String>,
    /// In the model's words; the detector's objects have labels.
    pub objects: Vec<String>,
    pub people: u32,
    pub notable: bool,
    /// Why it is notable, or why not.
    pub reason: String,
    /// From 0 to 1.
    pub confidence: f32,
}

/// What the descriptions of an event say together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gist {
    /// Each once, as are objects and reasons.
    pub tags: Vec<String>,
    pub objects: Vec<String>,
    /// Most in one view of one frame.
    pub people: u32,
    /// One of the descriptions is.
    pub notable: bool,
    /// Of those that are notable.
    pub reasons: Vec<String>,
}

impl Gist {
    pub(crate) fn of(description: &Description) -> Self {
        let Description { tags, objects, people, notable, reason, .. } = description.clone();
        let reasons = if notable && !reason.is_empty() { vec![reason] } else { Vec::new() };
        Self { tags, objects, people, notable, reasons }
    }

    pub(crate) fn take(&mut self, other: Self) {
        add(&mut self.tags, other.tags, WORDS);
        add(&mut self.objects, other.objects, WORDS);
        add(&mut self.reasons, other.reasons, REASONS);
        self.people = self.people.max(other.people);
        self.notable |= other.notable;
    }

    /// Sums gists up; `None` where there are none.
    pub(crate) fn sum(gists: impl IntoIterator<Item = Self>) -> Option<Self> {
        gists.into_iter().fold(None, |sum: Option<Self>, gist| {
            let mut sum = sum.unwrap_or_default();
            sum.take(gist);
            Some(sum)
        })
    }

    /// Returns what search finds it by.
    pub(crate) fn words(&self) -> String {
        let all = self.tags.iter().chain(&self.objects).chain(&self.reasons);
        all.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn add(all: &mut Vec<String>, more: Vec<String>, most: usize) {
    for text in more {
        if all.len() < most && !all.contains(&text) {
            all.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tag: &str, people: u32, notable: bool) -> Gist {
        let reason = format!("because of {tag}");
        let tags = vec![tag.to_owned()];
        Gist::of(&Description { tags, people, notable, reason, ..Description::default() })
    }

    #[test]
    fn a_gist_has_each_word_once_and_the_reasons_of_what_is_notable() {
        assert_eq!(Gist::sum([]), None);
        let gist =
            Gist::sum([said("rain", 1, false), said("ladder", 3, true), said("rain", 2, false)]).unwrap();
        assert_eq!(gist.tags, ["rain", "ladder"]);
        assert_eq!((gist.people, gist.notable), (3, true));
        assert_eq!(gist.reasons, ["because of ladder"]);
        assert_eq!(gist.words(), "rain\nladder\nbecause of ladder");
    }

    #[test]
    fn a_gist_stays_small_however_much_is_said() {
        let gist = Gist::sum((0..500).map(|number| said(&number.to_string(), 0, true))).unwrap();
        assert_eq!((gist.tags.len(), gist.reasons.len()), (WORDS, REASONS));
    }
}
