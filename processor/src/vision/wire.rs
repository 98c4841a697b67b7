//! What goes over the wire: the parts of Chat Completions that all compatible servers share.
//!
//! Every field of a reply is optional, and what servers disagree on is read as plain JSON: a reply that
//! was paid for must not be lost over a field that nobody needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use config::{AnswerForm, Rates, Usd, Vision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::PARSED_SCHEMA;
use super::failure::{Failure, error_text, shorten};
use super::look::Look;

#[derive(Serialize)]
pub(super) struct Request {
    model: String,
    messages: Vec<Message>,
    max_completion_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
}

/// Asks for JSON by our schema.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    JsonSchema { json_schema: JsonSchema },
}

#[derive(Serialize)]
struct JsonSchema {
    name: &'static str,
    strict: bool,
    schema: &'static Value,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum Message {
    System { content: String },
    User { content: Vec<Part> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
    /// Never left to the server: for some models `auto` is the dearest choice.
    detail: &'static str,
}

impl Request {
    /// Builds the request: optional system text, then one user message of text and pictures.
    pub(super) fn new(look: &Look, settings: &Vision, form: AnswerForm) -> Self {
        let mut content = vec![Part::Text { text: look.prompt(settings) }];
        content.extend(look.pictures.iter().map(|picture| {
            let url = format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.bytes));
            Part::ImageUrl { image_url: ImageUrl { url, detail: look.detail(settings).as_str() } }
        }));
        let system = look.system(settings).map(|content| Message::System { content });
        Self {
            model: settings.model.clone(),
            messages: system.into_iter().chain([Message::User { content }]).collect(),
            max_completion_tokens: settings.max_output_tokens,
            response_format: response_format(form),
        }
    }
}

fn response_format(form: AnswerForm) -> Option<ResponseFormat> {
    let json_schema = JsonSchema { name: "what_is_seen", strict: true, schema: &PARSED_SCHEMA };
    (form == AnswerForm::Json).then_some(ResponseFormat::JsonSchema { json_schema })
}

#[derive(Default, Deserialize)]
pub(super) struct Reply {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    /// Some gateways send their errors with status 200.
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Choice {
    message: Option<ReplyMessage>,
    finish_reason: Option<Value>,
}

#[derive(Default, Deserialize)]
struct ReplyMessage {
    /// A text, or a list of parts.
    content: Option<Value>,
    refusal: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
}

impl Usage {
    /// Returns the price of the call, where the model's rates are known and the server counted both.
    pub(super) fn cost(self, rates: Option<Rates>) -> Option<Usd> {
        Some(rates?.cost(self.input_tokens?, self.output_tokens?))
    }
}

impl Reply {
    pub(super) fn usage(&self) -> Usage {
        let count = |name: &str| {
            let number = self.usage.as_ref()?.get(name)?;
            number
                .as_u64()
                .or_else(|| number.as_f64().filter(|count| *count >= 0.0).map(|count| count as u64))
        };
        Usage { input_tokens: count("prompt_tokens"), output_tokens: count("completion_tokens") }
    }

    /// Takes the answer's text out of the reply: that of the first choice.
    pub(super) fn into_text(self) -> Result<String, Failure> {
        if let Some(error) = self.error.filter(|error| !error.is_null()) {
            let text = error_text(&error).unwrap_or_else(|| error.to_string());
            return Err(Failure::Unreadable { text: shorten(&text) });
        }
        let choice = self.choices.unwrap_or_default().into_iter().next().unwrap_or_default();
        let message = choice.message.unwrap_or_default();
        let text = message.content.as_ref().map(text_of).unwrap_or_default();
        if !text.trim().is_empty() {
            return Ok(text.trim().to_owned());
        }
        match (message.refusal, choice.finish_reason) {
            (Some(Value::String(text)), _) if !text.is_empty() => {
                Err(Failure::Declined { text: shorten(&text) })
            }
            (_, Some(Value::String(reason))) if reason == "content_filter" => {
                Err(Failure::Declined { text: "its content filter withheld the answer".to_owned() })
            }
            (_, Some(Value::String(reason))) if reason == "length" => Err(Failure::Unreadable {
                text: "it ended before its first word: raise `vision.max_output_tokens`".to_owned(),
            }),
            _ => Err(Failure::Unreadable { text: "it holds no text".to_owned() }),
        }
    }
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(value: Value) -> Reply {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_caption_is_found_in_every_shape_servers_send() {
        for message in [
            json!({ "content": "a person at the gate" }),
            json!({ "role": "assistant", "content": " a person at the gate\n", "refusal": null }),
            json!({ "content": [{ "type": "text", "text": "a person " }, { "type": "text", "text": "at the gate" }] }),
        ] {
            let reply = reply(json!({ "choices": [{ "message": message, "finish_reason": "" }] }));
            assert_eq!(reply.into_text().unwrap(), "a person at the gate");
        }
    }

    #[test]
    fn a_reply_without_a_text_is_unreadable() {
        for value in [
            json!({}),
            json!({ "choices": null }),
            json!({ "choices": [] }),
            json!({ "choices": [{ "message": null }] }),
            json!({ "choices": [{ "message": { "content": "  " } }] }),
            json!({ "error": { "message": "overloaded", "code": 502 } }),
        ] {
            assert!(matches!(reply(value).into_text(), Err(Failure::Unreadable { .. })));
        }
    }

    #[test]
    fn a_model_that_declines_is_not_asked_again() {
        for choice in [
            json!({ "message": { "content": null, "refusal": "I cannot help" }, "finish_reason": "stop" }),
            json!({ "message": { "content": "" }, "finish_reason": "content_filter" }),
        ] {
            let reply = reply(json!({ "choices": [choice] }));
            assert!(matches!(reply.into_text(), Err(Failure::Declined { .. })));
        }
    }

    #[test]
    fn odd_token_counts_lose_no_answer() {
        for (usage, expected) in [
            (json!({ "prompt_tokens": 12, "completion_tokens": 3 }), (Some(12), Some(3))),
            (json!({ "prompt_tokens": 12.0, "completion_tokens": "3" }), (Some(12), None)),
            (json!("none"), (None, None)),
            (Value::Null, (None, None)),
        ] {
            let reply = reply(json!({ "choices": [{ "message": { "content": "x" } }], "usage": usage }));
            let usage = reply.usage();
            assert_eq!((usage.input_tokens, usage.output_tokens), expected);
            assert!(reply.into_text().is_ok());
        }
    }
}
