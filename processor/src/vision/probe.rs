//! The probe: finds out without a billed call whether the vision endpoint can be used.

use std::time::Duration;

use async_openai::config::Config;
use config::Vision;
use serde_json::Value;

use super::endpoint::{Endpoint, http_client, secrets};
use super::error::VisionError;
use super::failure::Failure;
use super::transport::{read_body, redact};

/// A person is waiting; a list of models takes no time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// So many models are named in the advice; a hosted service lists over a hundred.
const NAMED: usize = 8;

/// Says what `GET {base_url}/models` told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The server is reachable, takes the key, and lists the model.
    Ready,
    ModelNotListed {
        model: String,
        listed: Vec<String>,
    },
    KeyRefused {
        status: u16,
        text: String,
    },
    /// Something answers, but it has no list of models: calls may work all the same.
    NoModelList {
        status: u16,
    },
    Unreachable {
        text: String,
    },
}

impl Probe {
    /// Asks the server for its list of models, which costs nothing and needs no ledger: for `nightreel doctor`.
    pub async fn of(settings: &Vision) -> Result<Self, VisionError> {
        Ok(Self::ask(&http_client(settings)?, &Endpoint::new(settings)?, settings).await)
    }

    async fn ask(http: &reqwest::Client, endpoint: &Endpoint, settings: &Vision) -> Self {
        let request = http.get(endpoint.url("/models")).headers(endpoint.headers()).timeout(TIMEOUT);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Self::Unreachable { text: Failure::from_transport(error).to_string() },
        };
        let status = response.status().as_u16();
        let body = match read_body(&mut response).await {
            Ok(body) => body,
            Err(failure) => return Self::Unreachable { text: failure.to_string() },
        };
        match status {
            200..=299 => Self::of_list(status, &body, &settings.model),
            401 | 403 => {
                let failure = Failure::from_status(status, None, &redact(&body, &secrets(settings)));
                Self::KeyRefused { status, text: failure.to_string() }
            }
            _ => Self::NoModelList { status },
        }
    }

    fn of_list(status: u16, body: &[u8], model: &str) -> Self {
        let parsed = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let Some(entries) = parsed.get("data").and_then(Value::as_array) else {
            return Self::NoModelList { status };
        };
        let listed: Vec<String> =
            entries.iter().filter_map(|entry| Some(entry.get("id")?.as_str()?.to_owned())).collect();
        // Ollama lists `name:latest` for what is asked for as `name`.
        let found = listed.iter().any(|id| id == model || id.strip_suffix(":latest") == Some(model));
        if found { Self::Ready } else { Self::ModelNotListed { model: model.to_owned(), listed } }
    }

    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Tells the operator in one sentence what was found and what to do.
    pub fn advice(&self) -> String {
        match self {
            Self::Ready => "the vision server answers, takes the key, and has the model".to_owned(),
            Self::ModelNotListed { model, listed } if listed.is_empty() => {
                format!("the vision server has no model loaded: load `{model}`, or set `vision.model`")
            }
            Self::ModelNotListed { model, listed } => {
                let more = if listed.len() > NAMED { ", …" } else { "" };
                let named = listed.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("`, `");
                format!(
                    "the vision server does not list `{model}`: set `vision.model` to one of `{named}`{more}"
                )
            }
            Self::KeyRefused { text, .. } => format!(
                "the vision server refused the key ({text}): set `vision.api_key_env`, `vision.api_key_file` or \
                 `vision.api_key`"
            ),
            Self::NoModelList { status } => format!(
                "something answers at `vision.base_url`, but has no list of models (HTTP {status}): the key has \
                 to end before `/chat/completions`, most often with `/v1`"
            ),
            Self::Unreachable { text } => {
                format!(
                    "the vision server cannot be reached ({text}): is it running, and is `vision.base_url` right?"
                )
            }
        }
    }
}
