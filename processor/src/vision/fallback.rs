//! The fallback: whether the server answers by a schema, as far as this run has found out.

use std::sync::{Mutex, PoisonError};

use config::AnswerForm;

use super::answer::Told;
use super::failure::Failure;

#[derive(Debug, Default)]
pub(super) struct Fallback {
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    Structured,
    Plain,
}

impl Fallback {
    /// Returns the form to ask for, where `wanted` is what the settings want.
    pub(super) fn form(&self, wanted: AnswerForm) -> AnswerForm {
        match *self.known() {
            Known::Plain => AnswerForm::Text,
            Known::Nothing | Known::Structured => wanted,
        }
    }

    /// Learns from an answer to a question in the form `asked`; `wanted` is what the settings want. Plain text of a
    /// server that answered by the schema before is a slip, and is asked for again.
    pub(super) fn learn(
        &self,
        told: Told,
        (wanted, asked): (AnswerForm, AnswerForm),
    ) -> Result<Told, Failure> {
        if wanted == AnswerForm::Text {
            return Ok(told);
        }
        let mut known = self.known();
        match (*known, told.description.is_some()) {
            (Known::Plain, _) => {}
            (_, true) => *known = Known::Structured,
            (Known::Structured, false) if asked == AnswerForm::Json => {
                return Err(Failure::Unreadable { text: "it is plain text, not JSON".to_owned() });
            }
            (Known::Nothing | Known::Structured, false) => {
                *known = Known::Plain;
                tracing::warn!("vision server answers by no schema, so answers of this run are plain text");
            }
        }
        Ok(told)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether the server refused a question for the schema that came with it. It may have repeated the whole
/// request in its refusal, so whether it knows schemas is not known before the same is asked without one.
pub(super) fn is_about_the_schema(failure: &Failure) -> bool {
    const WORDS: [&str; 4] = ["response_format", "json_schema", "schema", "structured output"];
    let Failure::Status { status: 400 | 404 | 422, text, .. } = failure else { return false };
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use config::AnswerForm::{Json, Text};

    use super::*;

    fn structured() -> Told {
        Told { description: Some(catalog::Description::default()), ..Told::plain("a van") }
    }

    #[test]
    fn the_first_plain_answer_makes_the_run_plain() {
        let fallback = Fallback::default();
        assert_eq!(fallback.form(Json), Json);
        fallback.learn(Told::plain("a van"), (Json, Json)).unwrap();
        assert_eq!(fallback.form(Json), Text);
        // An answer that was under way.
        fallback.learn(structured(), (Json, Json)).unwrap();
        assert_eq!(fallback.form(Json), Text);
    }

    #[test]
    fn a_slip_of_a_server_that_knows_schemas_is_asked_for_again() {
        let fallback = Fallback::default();
        fallback.learn(structured(), (Json, Json)).unwrap();
        fallback.learn(Told::plain("a van"), (Json, Json)).unwrap_err();
        assert_eq!(fallback.form(Json), Json);
        // It refused the schema, and answered without.
        fallback.learn(Told::plain("a van"), (Json, Text)).unwrap();
        assert_eq!(fallback.form(Json), Text);
    }

    #[test]
    fn a_refusal_is_about_the_schema_where_it_names_it() {
        let refusal = |status, text: &str| Failure::from_status(status, None, text);
        for text in
            ["`response_format.type` must be text", "Unsupported: JSON_SCHEMA", "no structured outputs"]
        {
            assert!(is_about_the_schema(&refusal(400, text)), "{text}");
        }
        assert!(!is_about_the_schema(&refusal(400, "the picture is too large")));
        assert!(!is_about_the_schema(&refusal(500, "response_format")));
    }
}
