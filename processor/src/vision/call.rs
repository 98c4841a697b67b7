//! A call: one HTTP request and its row in the ledger, in the order that keeps money safe.

use std::sync::Arc;

use async_openai::traits::RequestOptionsBuilder;
use catalog::{Begun, CallEnd, CallIntent, CallStatus, Catalog, CatalogError};
use config::Vision;

use super::client::{Shared, joined};
use super::error::VisionError;
use super::failure::Failure;
use super::transport::failure_of;
use super::wire::{Reply, Request, Usage};

/// OpenAI writes it into its own logs: a row of the ledger can be found there.
const REQUEST_ID_HEADER: &str = "x-client-request-id";

impl Shared {
    /// Writes the ledger's row, sends, stores what came back, and only then hands it on. The row counts
    /// against the day's cap from its first moment; should the program be killed in between, it stays
    /// `sent`, and at most this one request is asked again.
    pub(super) async fn call(
        self: Arc<Self>,
        intent: CallIntent,
        request: Arc<Request>,
    ) -> Result<Result<String, Failure>, VisionError> {
        let (day, cap, request_id) =
            (intent.cap_day, self.settings.max_calls_per_day, intent.request_id.clone());
        let now = self.clock.now();
        match self.ledger(move |catalog| catalog.begin_call(&intent, cap, now)).await? {
            Begun::Sent => {}
            Begun::CapReached => return Err(VisionError::CapReached { day, cap }),
        }
        let (usage, outcome) = match self.send(&request_id, &request).await {
            Ok(reply) => (reply.usage(), reply.into_caption()),
            Err(failure) => (Usage::default(), Err(failure)),
        };
        let end = call_end(&self.settings, usage, &outcome);
        let answer = outcome.clone().ok();
        let now = self.clock.now();
        self.ledger(move |catalog| catalog.end_call(&request_id, &end, answer.as_deref(), now)).await?;
        Ok(outcome)
    }

    async fn send(&self, request_id: &str, request: &Request) -> Result<Reply, Failure> {
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

fn call_end(settings: &Vision, usage: Usage, outcome: &Result<String, Failure>) -> CallEnd {
    let failure = outcome.as_ref().err();
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
        cost_usd: usage.cost_usd(settings),
        error: failure.map(ToString::to_string),
    }
}
