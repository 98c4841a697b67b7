//! A call: one HTTP request and its row in the ledger, in the order that keeps money safe.

use std::sync::Arc;

use async_openai::traits::RequestOptionsBuilder;
use catalog::{Begun, CallEnd, CallIntent, CallMode, CallStatus, Catalog, CatalogError, Charge, DayCaps};
use chrono::{DateTime, Utc};
use config::{AnswerForm, CameraId, Rates, VisionMode};

use super::answer::{self, Told};
use super::client::{Shared, joined};
use super::error::VisionError;
use super::failure::Failure;
use super::flex::Tiered;
use super::transport::failure_of;
use super::wire::{Reply, Request, Usage};

/// OpenAI writes it into its own logs: a row of the ledger can be found there.
const REQUEST_ID_HEADER: &str = "x-client-request-id";

/// A question as it is sent, the form of the answer that it asks for, and the one that is wanted.
pub(super) struct Question {
    pub(super) request: Request,
    pub(super) form: AnswerForm,
    pub(super) wanted: AnswerForm,
}

impl Shared {
    /// Writes the ledger's row, sends, stores what came back, and only then hands it on. The row counts against
    /// the day's caps from its first moment, with all it may take; should the program be killed in between, it
    /// stays `sent`, and at most this one request is asked again.
    pub(super) async fn call(
        self: Arc<Self>,
        intent: CallIntent,
        question: Arc<Question>,
    ) -> Result<Result<Told, Failure>, VisionError> {
        let request_id = intent.request_id.clone();
        let thought = intent.bound.tokens();
        let (now, mode) = (self.clock.now(), intent.mode);
        // It may have waited for its turn past the end of the day on which it was thought of.
        let intent = CallIntent { cap_day: self.windows.cap_day(now), ..intent };
        let caps = self.caps((intent.camera.as_deref(), mode), now);
        match self.ledger(move |catalog| catalog.begin_call(&intent, &caps, now)).await? {
            Begun::Sent => {}
            Begun::CapReached(reached) => return Err(VisionError::CapReached(reached)),
        }
        let tiered = Tiered::new(&question.request, mode);
        let (usage, outcome) = match self.send(&request_id, &tiered).await {
            Ok(reply) => (reply.usage(), reply.into_text()),
            Err(failure) => (Usage::default(), Err(failure)),
        };
        if let Some((input, output)) = usage.input_tokens.zip(usage.output_tokens) {
            self.quota.used(thought, input.saturating_add(output));
        }
        let read = |text: String| Ok((self.read(&text, &question)?, text));
        let (outcome, answer) = match outcome.and_then(read) {
            Ok((told, text)) => (Ok(told), Some(text)),
            Err(failure) => (Err(failure), None),
        };
        let end = call_end(self.rates(mode), usage, outcome.as_ref().err());
        let now = self.clock.now();
        self.ledger(move |catalog| catalog.end_call(&request_id, &end, answer.as_deref(), now)).await?;
        Ok(outcome)
    }

    /// Reads an answer's text, and learns from it whether the server answers by the schema.
    fn read(&self, text: &str, question: &Question) -> Result<Told, Failure> {
        let told = answer::read(text, question.form)?;
        self.fallback.learn(told, (question.wanted, question.form))
    }

    pub(super) fn caps(&self, (camera, mode): (Option<&str>, CallMode), now: DateTime<Utc>) -> DayCaps {
        let camera = camera.and_then(|id| id.parse::<CameraId>().ok());
        let camera = camera.and_then(|id| self.settings.camera_caps.get(&id).copied());
        DayCaps {
            all: self.settings.caps,
            camera: camera.unwrap_or_default(),
            rates: self.rates(mode),
            until: Some(self.windows.cap_day_ends(now)),
        }
    }

    pub(super) fn rates(&self, mode: CallMode) -> Option<Rates> {
        let mode = match mode {
            CallMode::Direct => VisionMode::Direct,
            CallMode::Flex => VisionMode::Flex,
            CallMode::Batch => VisionMode::Batch,
        };
        self.settings.rates_by(mode)
    }

    async fn send(&self, request_id: &str, request: &Tiered<'_>) -> Result<Reply, Failure> {
        let chat = self.chat.chat().header(REQUEST_ID_HEADER, request_id).map_err(failure_of)?;
        chat.create_byot::<_, Reply>(request).await.map_err(failure_of)
    }

    /// Runs a step of the ledger where it may block.
    pub(super) async fn ledger<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, VisionError> {
        let catalog = self.catalog.clone();
        Ok(joined(tokio::task::spawn_blocking(move || step(&catalog))).await??)
    }
}

/// Says how a request ended, at `rates`.
pub(super) fn call_end(rates: Option<Rates>, usage: Usage, failure: Option<&Failure>) -> CallEnd {
    let status = match failure {
        None => CallStatus::Answered,
        Some(failure) if failure.is_passing() => CallStatus::Failed,
        Some(Failure::Status { status: 300..=499, .. } | Failure::Declined { .. }) => CallStatus::Refused,
        // Sent, and nobody knows whether it will be billed.
        Some(Failure::Interrupted { .. }) => CallStatus::Unknown,
        Some(_) => CallStatus::Failed,
    };
    CallEnd {
        status,
        http_status: failure.map_or(Some(200), Failure::http_status),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost: usage.cost(rates),
        charge: failure.map_or(Charge::Used, charge),
        error: failure.map(ToString::to_string),
    }
}

/// What a failed request counts: an error is not billed, except where it hides that the work was done.
fn charge(failure: &Failure) -> Charge {
    match failure {
        Failure::Unreadable { .. } | Failure::Declined { .. } => Charge::Used,
        // A gateway's: the server behind it may have answered.
        Failure::Interrupted { .. } | Failure::Status { status: 502 | 504 | 520 | 524, .. } => {
            Charge::Unknown
        }
        Failure::Status { .. } | Failure::NotConnected { .. } | Failure::Unsendable { .. } => Charge::Nothing,
    }
}
