//! A wording: a prompt or a system text, with variables that are filled in for each question.

use std::fmt;

use crate::reading;

/// Stands for something that is known when the question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    Camera,
    View,
    /// Of the first picture.
    Time,
    /// What the detector found in the pictures.
    Labels,
}

const VARIABLES: [(&str, Variable); 4] = [
    ("camera", Variable::Camera),
    ("view", Variable::View),
    ("time", Variable::Time),
    ("labels", Variable::Labels),
];

#[derive(Clone, PartialEq, Eq)]
pub struct Wording {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Variable(Variable),
}

/// What the variables stand for in one question.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    pub camera: &'a str,
    pub view: &'a str,
    pub time: &'a str,
    pub labels: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no variable `{{{name}}}`; {hint}")]
pub struct UnknownVariable {
    pub name: String,
    hint: String,
}

impl Wording {
    /// Reads a text. A word of small letters in `{ }` is a variable; any other brace stands for itself, so that a
    /// prompt may show JSON.
    pub fn parse(text: &str) -> Result<Self, UnknownVariable> {
        let (mut parts, mut rest) = (Vec::new(), text);
        let mut plain = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            match word(after) {
                None => {
                    plain.push('{');
                    rest = after;
                }
                Some(name) => {
                    parts.push(Part::Plain(std::mem::take(&mut plain)));
                    parts.push(Part::Variable(variable(name)?));
                    rest = &after[name.len() + 1..];
                }
            }
        }
        plain.push_str(rest);
        parts.push(Part::Plain(plain));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Returns the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Fills the variables in. What stands for one is not looked through for others.
    pub fn fill(&self, filling: &Filling<'_>) -> String {
        let part = |part: &Part| match part {
            Part::Plain(text) => text.clone(),
            Part::Variable(Variable::Camera) => filling.camera.to_owned(),
            Part::Variable(Variable::View) => filling.view.to_owned(),
            Part::Variable(Variable::Time) => filling.time.to_owned(),
            Part::Variable(Variable::Labels) => filling.labels.to_owned(),
        };
        self.parts.iter().map(part).collect()
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Returns the word that ends at the next `}`, where it is one.
fn word(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('}')?;
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_word.then_some(name)
}

fn variable(name: &str) -> Result<Variable, UnknownVariable> {
    let found = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable);
    found.ok_or_else(|| UnknownVariable { name: name.to_owned(), hint: hint(name) })
}

fn hint(name: &str) -> String {
    match reading::nearest(name, VARIABLES.iter().map(|(known, _)| *known)) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => "there are `{camera}`, `{view}`, `{time}` and `{labels}`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILLING: Filling<'_> =
        Filling { camera: "gate", view: "north", time: "2026-11-22 22:00:00", labels: "{view}, car" };

    #[test]
    fn variables_are_filled_in_once_and_other_braces_stay() {
        let cases = [
            ("What is there?", "What is there?"),
            ("", ""),
            ("{camera}/{view} at {time}", "gate/north at 2026-11-22 22:00:00"),
            ("seen: {labels}.", "seen: {view}, car."),
            ("{{camera}}", "{gate}"),
            (
                r#"as {"caption": "…"} or {} or { time } or {Time}"#,
                r#"as {"caption": "…"} or {} or { time } or {Time}"#,
            ),
            ("{", "{"),
            ("{camera", "{camera"),
            ("ä{view}ö}", "änorthö}"),
        ];
        for (text, expected) in cases {
            let wording = Wording::parse(text).unwrap();
            assert_eq!((wording.fill(&FILLING).as_str(), wording.as_str()), (expected, text));
        }
    }

    #[test]
    fn an_unknown_variable_is_named_with_the_nearest() {
        let error = Wording::parse("at {camera}: {label}?").unwrap_err().to_string();
        assert_eq!(error, "there is no variable `{label}`; did you mean `{labels}`?");
        let error = Wording::parse("{qqq}").unwrap_err().to_string();
        assert!(error.ends_with("there are `{camera}`, `{view}`, `{time}` and `{labels}`"), "{error}");
    }
}
