//! The answer's text: read by our schema, or as the plain text that it is.

use std::sync::LazyLock;

use catalog::Description;
use config::AnswerForm;
use serde_json::{Map, Value};

use super::failure::Failure;

/// Part of the key of a question and of the profile.
pub(crate) const SCHEMA: &str = include_str!("answer.schema.json");

/// The schema as it is sent.
pub(super) static PARSED_SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(SCHEMA).expect("our own schema is JSON"));

/// Letters that are kept of a caption or a reason, and of a tag or an object: a model can write without end.
const SENTENCE: usize = 2000;
const WORD: usize = 80;

/// Tags, and objects, that are kept.
const WORDS: usize = 32;

const MOST_PEOPLE: u64 = 10_000;

/// What the model said.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub caption: String,
    /// Absent where it is plain text.
    pub description: Option<Description>,
    /// Which pictures, from 0, it wants to see larger.
    pub need_detail: Vec<usize>,
}

impl Told {
    pub(super) fn plain(text: &str) -> Self {
        Self { caption: bounded(text, SENTENCE), description: None, need_detail: Vec::new() }
    }
}

/// Reads an answer. What is no JSON at all is plain text, also where JSON was asked for: such a server knows no
/// schemas. JSON that the schema does not allow is a failure that says what is wrong, not what the camera saw.
pub(super) fn read(text: &str, form: AnswerForm) -> Result<Told, Failure> {
    let json = unfenced(text);
    if form == AnswerForm::Text || !json.starts_with('{') {
        return plain(text);
    }
    let unreadable =
        |fault: String| Failure::Unreadable { text: format!("it is not what the schema asks for: {fault}") };
    match serde_json::from_str::<Map<String, Value>>(json) {
        Ok(fields) => told(&fields).map_err(unreadable),
        Err(error) if error.is_eof() => {
            Err(unreadable("it breaks off; raise `vision.max_output_tokens`".to_owned()))
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(unreadable(format!("it is no JSON at line {line}, column {column}")))
        }
    }
}

/// What holds nothing but control characters is no answer.
fn plain(text: &str) -> Result<Told, Failure> {
    let told = Told::plain(text);
    match told.caption.is_empty() {
        true => Err(Failure::Unreadable { text: "it holds no text".to_owned() }),
        false => Ok(told),
    }
}

/// Takes off the fence that models put around code.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```") else { return text };
    inner.strip_prefix("json").unwrap_or(inner).trim_end_matches('`').trim()
}

fn told(fields: &Map<String, Value>) -> Result<Told, String> {
    let known = |name: &&String| PARSED_SCHEMA["properties"].get(name.as_str()).is_none();
    if let Some(stranger) = fields.keys().find(known) {
        return Err(format!("it has a field `{}` too many", bounded(stranger, WORD)));
    }
    let caption = sentence(fields, "caption")?;
    if caption.is_empty() {
        return Err("`caption` is empty".to_owned());
    }
    let description = Description {
        tags: words(fields, "tags")?,
        objects: words(fields, "objects")?,
        people: people(fields)?,
        notable: field(fields, "notable", "neither true nor false", Value::as_bool)?,
        reason: sentence(fields, "reason")?,
        confidence: confidence(fields)?,
    };
    Ok(Told { caption, description: Some(description), need_detail: need_detail(fields)? })
}

fn field<'f, T>(
    fields: &'f Map<String, Value>,
    name: &str,
    fault: &str,
    read: impl Fn(&'f Value) -> Option<T>,
) -> Result<T, String> {
    let value = fields.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
    read(value).ok_or_else(|| format!("`{name}` is {fault}"))
}

fn sentence(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    Ok(bounded(field(fields, name, "no text", Value::as_str)?, SENTENCE))
}

fn words(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let texts =
        |value: &Value| value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect();
    let all: Vec<String> = field(fields, name, "no list of texts", texts)?;
    let mut kept: Vec<String> = Vec::new();
    for word in all.iter().map(|word| bounded(word, WORD)).filter(|word| !word.is_empty()) {
        if kept.len() < WORDS && !kept.contains(&word) {
            kept.push(word);
        }
    }
    Ok(kept)
}

fn people(fields: &Map<String, Value>) -> Result<u32, String> {
    let count = |value: &Value| u32::try_from(value.as_u64().filter(|count| *count <= MOST_PEOPLE)?).ok();
    field(fields, "people", "no whole number from 0 to 10000", count)
}

fn confidence(fields: &Map<String, Value>) -> Result<f32, String> {
    let share = |value: &Value| value.as_f64().filter(|share| (0.0..=1.0).contains(share));
    Ok(field(fields, "confidence", "no number from 0 to 1", share)? as f32)
}

/// A number that no picture has asks for nothing.
fn need_detail(fields: &Map<String, Value>) -> Result<Vec<usize>, String> {
    let numbers = |value: &Value| value.as_array()?.iter().map(Value::as_i64).collect::<Option<Vec<_>>>();
    let numbers = field(fields, "need_detail", "no list of whole numbers", numbers)?;
    let mut pictures: Vec<usize> =
        numbers.into_iter().filter_map(|number| usize::try_from(number.checked_sub(1)?).ok()).collect();
    pictures.sort_unstable();
    pictures.dedup();
    Ok(pictures)
}

/// Puts a text on one line, without control characters, and cuts it between letters.
fn bounded(text: &str, most: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "caption": "Two people carry a ladder.", "confidence": 0.5, "need_detail": [2, 1, 2, 0, -3],
            "notable": true, "objects": ["ladder"], "people": 2, "reason": "It is night.", "tags": ["carry", "carry"],
        })
    }

    fn fault(change: impl FnOnce(&mut Value)) -> String {
        let mut answer = answer();
        change(&mut answer);
        read(&answer.to_string(), AnswerForm::Json).unwrap_err().to_string()
    }

    #[test]
    fn an_answer_by_the_schema_is_read_bare_or_in_a_fence() {
        let expected = Description {
            tags: vec!["carry".to_owned()],
            objects: vec!["ladder".to_owned()],
            people: 2,
            notable: true,
            reason: "It is night.".to_owned(),
            confidence: 0.5,
        };
        for text in
            [answer().to_string(), format!("```json\n{}\n```", answer()), format!("```\n{}```", answer())]
        {
            let told = read(&text, AnswerForm::Json).unwrap();
            assert_eq!(told.caption, "Two people carry a ladder.");
            assert_eq!(told.description.as_ref(), Some(&expected));
            assert_eq!(told.need_detail, [0, 1]);
        }
    }

    #[test]
    fn the_schema_names_all_that_is_read_and_requires_it() {
        let names = |value: &Value| match value {
            Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>(),
            other => serde_json::from_value(other.clone()).unwrap(),
        };
        let expected = names(&answer());
        assert_eq!(names(&PARSED_SCHEMA["properties"]), expected);
        assert_eq!(names(&PARSED_SCHEMA["required"]), expected);
        for name in expected {
            let fault = fault(|answer| drop(answer.as_object_mut().unwrap().remove(&name)));
            assert!(fault.ends_with(&format!("`{name}` is missing")), "{fault}");
        }
    }

    #[test]
    fn what_the_schema_does_not_allow_is_named_without_what_was_seen() {
        let cases = [
            ("caption", json!(" \n"), "`caption` is empty"),
            ("caption", json!(["burglar"]), "`caption` is no text"),
            ("confidence", json!(1.5), "`confidence` is no number from 0 to 1"),
            ("confidence", json!("burglar"), "`confidence` is no number from 0 to 1"),
            ("need_detail", json!(["burglar"]), "`need_detail` is no list of whole numbers"),
            ("notable", json!("burglar"), "`notable` is neither true nor false"),
            ("objects", json!("burglar"), "`objects` is no list of texts"),
            ("people", json!(-1), "`people` is no whole number from 0 to 10000"),
            ("people", json!(2.5), "`people` is no whole number from 0 to 10000"),
            ("people", json!(1e300), "`people` is no whole number from 0 to 10000"),
            ("reason", Value::Null, "`reason` is no text"),
            ("tags", json!([1]), "`tags` is no list of texts"),
            ("extra", json!("burglar"), "it has a field `extra` too many"),
        ];
        for (name, value, expected) in cases {
            let fault = fault(|answer| answer[name] = value.clone());
            assert!(fault.ends_with(expected) && !fault.contains("burglar"), "{name}: {fault}");
        }
        for (text, expected) in [
            ("{\"caption\": \"a burglar", "raise `vision.max_output_tokens`"),
            ("{\"caption\" burglar}", "it is no JSON at line 1, column 12"),
        ] {
            let fault = read(text, AnswerForm::Json).unwrap_err().to_string();
            assert!(fault.contains(expected) && !fault.contains("burglar"), "{fault}");
        }
    }

    #[test]
    fn plain_text_is_a_caption_and_json_too_where_text_was_asked_for() {
        assert_eq!(read(" A van\nstops. ", AnswerForm::Json).unwrap(), Told::plain("A van stops."));
        assert_eq!(read("{\"a\": 1}", AnswerForm::Text).unwrap().caption, "{\"a\": 1}");
        read("\u{1}\u{2}", AnswerForm::Text).unwrap_err();
    }

    #[test]
    fn a_model_that_writes_without_end_is_cut() {
        let mut long = answer();
        long["caption"] = "ä".repeat(100_000).into();
        long["tags"] = (0..1000).map(|tag| format!("{tag}{}", "x".repeat(500))).collect::<Vec<_>>().into();
        let told = read(&long.to_string(), AnswerForm::Json).unwrap();
        assert_eq!(told.caption.chars().count(), SENTENCE + 1);
        let tags = told.description.unwrap().tags;
        assert!(tags.len() == WORDS && tags.iter().all(|tag| tag.chars().count() == WORD + 1));
    }
}
