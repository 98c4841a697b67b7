//! What a request asks for after its `?`: names and texts, of which any may be missing, odd or there twice.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::{EventFilter, Place, When};
use chrono::DateTime;
use url::form_urlencoded;

use crate::fault::{Fault, Made};

/// Longer texts are no words that anybody typed.
const LONGEST: usize = 500;

/// Events on a page, where nobody says how many, and at most.
const USUAL_LIMIT: u32 = 24;
const MOST: u32 = 500;

#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).take(100);
        Self(pairs.map(|(name, text)| (name.into_owned(), text.into_owned())).collect())
    }

    /// Returns what a name says; nothing where that is nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let here = self.0.iter().filter(move |(other, text)| other == name && text.len() <= LONGEST);
        here.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    pub(crate) fn limit(&self) -> Made<u32> {
        let Some(text) = self.get("limit") else { return Ok(USUAL_LIMIT) };
        let limit =
            text.parse::<u32>().map_err(|_| Fault::Wrong { text: "`limit` is a number".to_owned() })?;
        Ok(limit.clamp(1, MOST))
    }

    /// Reads which events are wanted, by `camera`, `label`, `notable`, `from`, `to` and `limit`.
    pub(crate) fn events(&self, when: When) -> Made<EventFilter> {
        let list = |name| self.all(name).map(str::to_owned).collect();
        let [from, to] = when.span(self.get("from"), self.get("to"))?;
        let (cameras, labels, limit) = (list("camera"), list("label"), Some(self.limit()?));
        let notable_only = self.get("notable").is_some_and(|word| word != "false");
        Ok(EventFilter { from, to, cameras, labels, limit, notable_only, ..EventFilter::default() })
    }

    /// Reads where the page before ended.
    pub(crate) fn before(&self) -> Made<Option<Place>> {
        let Some(text) = self.get("before") else { return Ok(None) };
        let place = text.split_once('.').and_then(|(start, id)| {
            let start = DateTime::from_timestamp_millis(start.parse().ok()?)?;
            Some(Place { start, id: id.parse().ok()? })
        });
        place.map(Some).ok_or_else(|| Fault::Wrong { text: "`before` is no place of a page".to_owned() })
    }

    /// Writes these, with others in the place of those of their name.
    pub(crate) fn with(&self, others: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept =
            self.0.iter().filter(|(name, text)| !text.is_empty() && others.iter().all(|(o, _)| o != name));
        query.extend_pairs(kept).extend_pairs(others);
        query.finish()
    }
}

/// Writes a place as `before` reads it.
pub(crate) fn written(place: Place) -> String {
    format!("{}.{}", place.start.timestamp_millis(), place.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when() -> When {
        When { now: "2026-11-25T12:00:00Z".parse().unwrap(), zone: chrono_tz::UTC }
    }

    #[test]
    fn any_text_is_read_or_refused() {
        for text in ["", "&&&", "%", "%ff=%ff", "a=b=c", "limit=-1", "from=%00", "before=1.2.3", "before=x"] {
            let params = Params::parse(text.as_bytes());
            let _ = (params.events(when()), params.before(), params.with(&[("before", "1.2")]));
        }
        let long = format!("camera={}", "x".repeat(LONGEST + 1));
        assert_eq!(Params::parse(long.as_bytes()).get("camera"), None);
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = Place { start: "2026-11-25T12:00:00.123Z".parse().unwrap(), id: 7 };
        let query = Params::parse(b"camera=a&before=9.9").with(&[("before", &written(place))]);
        let params = Params::parse(query.as_bytes());
        assert_eq!(params.before().unwrap(), Some(place));
        assert_eq!(params.get("camera"), Some("a"));
    }

    #[test]
    fn lists_and_limits_are_bounded() {
        let params = Params::parse(b"camera=a&camera=b&label=&limit=99999&from=yesterday");
        let filter = params.events(when()).unwrap();
        assert_eq!((filter.cameras, filter.labels), (vec!["a".to_owned(), "b".to_owned()], vec![]));
        assert_eq!(filter.limit, Some(MOST));
        assert!(filter.from.is_some());
        assert!(Params::parse(b"from=noon").events(when()).is_err());
    }
}
