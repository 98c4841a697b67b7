//! A line of a batch: how a request stands in the file that is sent, and how its answer does in those that come back.

use catalog::{CallEnd, CallStatus, Charge, Fate, Settled, Tried, Try};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AnswerForm, Rates};
use serde::Deserialize;
use serde_json::Value;

use super::super::answer;
use super::super::call::call_end;
use super::super::failure::Failure;
use super::super::retry::{RetryPolicy, Situation, Verdict};
use super::super::wire::{Reply, Usage};

pub(super) const ENDPOINT: &str = "/v1/chat/completions";

/// After the body of a request.
pub(super) const TAIL: &str = "}\n";

/// How long a question rests that only the operator can help.
const UNTIL_SOMEBODY_ACTS: TimeDelta = TimeDelta::hours(1);

/// Returns what stands before the body of a request.
pub(super) fn head(request_id: &str) -> String {
    format!(r#"{{"custom_id":"{request_id}","method":"POST","url":"{ENDPOINT}","body":"#)
}

/// A line of an output or an error file. Its order is arbitrary.
#[derive(Deserialize)]
pub(super) struct OutputLine {
    pub(super) custom_id: String,
    response: Option<LineResponse>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct LineResponse {
    status_code: Option<u16>,
    #[serde(default)]
    body: Value,
}

/// What a line is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) policy: RetryPolicy,
    pub(super) rates: Option<Rates>,
    pub(super) form: AnswerForm,
    pub(super) now: DateTime<Utc>,
}

/// How a line ended.
enum Outcome {
    Answer(Usage, String),
    Failure(Usage, Failure),
    /// The provider did not come to it in time.
    Expired,
    Cancelled,
}

impl OutputLine {
    /// Says what becomes of the line's question, and of its row in the ledger.
    pub(super) fn settle(self, tried: Tried, terms: &Terms) -> Settled {
        let request_id = self.custom_id.clone();
        match self.outcome(terms.form) {
            Outcome::Answer(usage, text) => {
                let end = call_end(terms.rates, usage, None);
                Settled { request_id, end, fate: Fate::Answered(text) }
            }
            Outcome::Failure(usage, failure) => {
                let end = call_end(terms.rates, usage, Some(&failure));
                Settled { request_id, end, fate: fate(&failure, tried, terms) }
            }
            Outcome::Expired => expired(request_id, terms.now),
            Outcome::Cancelled => cancelled(request_id),
        }
    }

    fn outcome(self, form: AnswerForm) -> Outcome {
        if let Some(error) = self.error.filter(|error| !error.is_null()) {
            return match error.get("code").and_then(Value::as_str) {
                Some("batch_expired") => Outcome::Expired,
                Some("batch_cancelled") => Outcome::Cancelled,
                _ => {
                    let body = serde_json::json!({ "error": error }).to_string();
                    Outcome::Failure(Usage::default(), Failure::from_status(500, None, &body))
                }
            };
        }
        let response = self.response.unwrap_or(LineResponse { status_code: None, body: Value::Null });
        match response.status_code.unwrap_or(200) {
            200..=299 => {
                let reply = serde_json::from_value::<Reply>(response.body).unwrap_or_default();
                let usage = reply.usage();
                let text = reply.into_text().and_then(|text| answer::read(&text, form).map(|_| text));
                match text {
                    Ok(text) => Outcome::Answer(usage, text),
                    Err(failure) => Outcome::Failure(usage, failure),
                }
            }
            status => {
                let failure = Failure::from_status(status, None, &response.body.to_string());
                Outcome::Failure(Usage::default(), failure)
            }
        }
    }
}

/// Applies the rules for requests that are asked by themselves.
fn fate(failure: &Failure, tried: Tried, terms: &Terms) -> Fate {
    let is_unreadable = matches!(failure, Failure::Unreadable { .. });
    let situation = Situation {
        tries: tried.tries + 1,
        unreadable: tried.unreadable + u32::from(is_unreadable),
        jitter: 1.0,
        now: terms.now,
    };
    let again = |after: TimeDelta, tried| Fate::Again {
        not_before: terms.now.checked_add_signed(after).unwrap_or(terms.now),
        reason: failure.to_string(),
        tried,
    };
    match terms.policy.verdict(failure, situation) {
        Verdict::Retry { after } | Verdict::GiveBack { after, .. } => {
            let tried = if is_unreadable { Try::Unreadable } else { Try::Failed };
            again(TimeDelta::from_std(after).unwrap_or_default(), tried)
        }
        Verdict::Stop { reason } => {
            tracing::error!(reason, "a line of a batch failed, and only a person can help");
            again(UNTIL_SOMEBODY_ACTS, Try::None)
        }
        Verdict::Refused { reason } => Fate::Refused(reason),
    }
}

/// A line that the provider did not come to: it is not charged, and goes with another batch.
pub(super) fn expired(request_id: String, now: DateTime<Utc>) -> Settled {
    let reason = "the batch expired before it was asked".to_owned();
    let end = unasked(CallStatus::Failed, Charge::Nothing, &reason);
    Settled { request_id, end, fate: Fate::Again { not_before: now, reason, tried: Try::None } }
}

pub(super) fn cancelled(request_id: String) -> Settled {
    let end = unasked(CallStatus::Failed, Charge::Nothing, "the batch was cancelled");
    Settled { request_id, end, fate: Fate::Dropped }
}

/// A line of which nothing came back though the batch is over; nobody knows whether it is charged.
pub(super) fn missing(request_id: String, now: DateTime<Utc>) -> Settled {
    let reason = "the batch is over, and nothing came back for it".to_owned();
    let end = unasked(CallStatus::Unknown, Charge::Unknown, &reason);
    Settled { request_id, end, fate: Fate::Again { not_before: now, reason, tried: Try::Failed } }
}

/// A line of a batch that the provider did not take.
pub(super) fn not_taken(request_id: String, (reason, not_before): (&str, DateTime<Utc>)) -> Settled {
    let end = unasked(CallStatus::Failed, Charge::Nothing, reason);
    Settled { request_id, end, fate: Fate::Again { not_before, reason: reason.to_owned(), tried: Try::None } }
}

pub(super) fn refused(request_id: String, reason: &str) -> Settled {
    let end = unasked(CallStatus::Refused, Charge::Nothing, reason);
    Settled { request_id, end, fate: Fate::Refused(reason.to_owned()) }
}

fn unasked(status: CallStatus, charge: Charge, error: &str) -> CallEnd {
    CallEnd {
        status,
        http_status: None,
        input_tokens: None,
        output_tokens: None,
        cost: None,
        charge,
        error: Some(error.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms() -> Terms {
        let now = "2026-11-25T22:00:00Z".parse().unwrap();
        Terms { policy: RetryPolicy::default(), rates: None, form: AnswerForm::Text, now }
    }

    fn settled(line: Value, tried: Tried) -> Settled {
        serde_json::from_value::<OutputLine>(line).unwrap().settle(tried, &terms())
    }

    fn answer(status: u16, body: &Value) -> Value {
        json!({ "id": "x", "custom_id": "a", "response": { "status_code": status, "body": body }, "error": null })
    }

    #[test]
    fn each_kind_of_line_has_its_fate() {
        let again = |fate: &Fate| matches!(fate, Fate::Again { .. });
        let caption = json!({ "choices": [{ "message": { "content": "a cat" } }],
                              "usage": { "prompt_tokens": 10, "completion_tokens": 2 } });
        let found = settled(answer(200, &caption), Tried::default());
        assert_eq!(found.fate, Fate::Answered("a cat".to_owned()));
        assert_eq!((found.end.status, found.end.input_tokens), (CallStatus::Answered, Some(10)));

        let busy = json!({ "error": { "message": "busy" } });
        assert!(again(&settled(answer(429, &busy), Tried::default()).fate));
        assert!(again(&settled(answer(500, &busy), Tried { tries: 50, unreadable: 0 }).fate));
        assert!(matches!(settled(answer(400, &busy), Tried::default()).fate, Fate::Refused(_)));
        assert!(again(&settled(answer(401, &busy), Tried::default()).fate));

        let empty = json!({ "choices": [], "usage": { "prompt_tokens": 10, "completion_tokens": 0 } });
        let first = settled(answer(200, &empty), Tried::default());
        assert!(matches!(first.fate, Fate::Again { tried: Try::Unreadable, .. }));
        assert_eq!(first.end.charge, Charge::Used);
        assert!(matches!(
            settled(answer(200, &empty), Tried { tries: 1, unreadable: 1 }).fate,
            Fate::Refused(_)
        ));

        let error = |code: &str| json!({ "custom_id": "a", "response": null, "error": { "code": code } });
        let expired = settled(error("batch_expired"), Tried::default());
        assert!(matches!(expired.fate, Fate::Again { tried: Try::None, .. }));
        assert_eq!(expired.end.charge, Charge::Nothing);
        assert_eq!(settled(error("batch_cancelled"), Tried::default()).fate, Fate::Dropped);
        assert!(again(&settled(error("server_error"), Tried::default()).fate));
    }
}
