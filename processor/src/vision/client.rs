//! The vision client: one look, from the key of its question to the stored answer.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_openai::Client;
use catalog::{CallIntent, CallMode, Catalog, Clock};
use config::{AnswerForm, CameraId, Vision, VisionMode, Windows};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{self, Told};
use super::bound::bound;
use super::breaker::Breaker;
use super::call::Question;
use super::endpoint::{Endpoint, http_client, secrets};
use super::error::VisionError;
use super::failure::Failure;
use super::fallback::{Fallback, is_about_the_schema};
use super::flex::Tier;
use super::key::key;
use super::look::{Answer, Look, Origin, Said};
use super::quota::Quota;
use super::retry::{RetryPolicy, Situation, Verdict};
use super::transport::Transport;
use super::turns::{Turn, Turns};
use super::wire::Request;

/// Asks the vision model; clones share the limit of requests, the ledger and the verdict to stop.
#[derive(Clone)]
pub struct VisionClient {
    pub(super) shared: Arc<Shared>,
    breaker: Arc<Breaker>,
    pub(super) policy: RetryPolicy,
    pub(super) mode: VisionMode,
}

pub(super) struct Shared {
    pub(super) settings: Vision,
    pub(super) catalog: Catalog,
    pub(super) clock: Clock,
    pub(super) chat: Client<Endpoint>,
    /// Their zone and openings decide which day a call counts for.
    pub(super) windows: Windows,
    turns: Turns,
    pub(super) quota: Quota,
    pub(super) fallback: Fallback,
    /// Requests under way. They end even when nobody waits for them any more: they are paid for.
    under_way: TaskTracker,
    /// Set by the first failure that only the operator can mend: nobody asks after it.
    stopped: OnceLock<String>,
    /// Set when the server turns out to have no batches.
    pub(super) no_batches: AtomicBool,
}

impl fmt::Debug for VisionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisionClient").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl VisionClient {
    /// Prepares the client; nothing is sent yet.
    pub fn new(
        settings: &Vision,
        windows: &Windows,
        catalog: Catalog,
        clock: Clock,
    ) -> Result<Self, VisionError> {
        let (endpoint, http) = (Endpoint::new(settings)?, http_client(settings)?);
        let transport = Transport { http: http.clone(), secrets: secrets(settings) };
        let shared = Shared {
            chat: Client::build(http, endpoint).with_http_service(transport),
            turns: Turns::new(settings.concurrency),
            quota: Quota::new(settings.requests_per_minute, settings.tokens_per_minute),
            fallback: Fallback::default(),
            settings: settings.clone(),
            windows: windows.clone(),
            catalog,
            clock,
            under_way: TaskTracker::new(),
            stopped: OnceLock::new(),
            no_batches: AtomicBool::new(false),
        };
        let policy = RetryPolicy::default();
        let breaker = Arc::new(Breaker::new(policy.server_rest));
        Ok(Self { shared: Arc::new(shared), breaker, policy, mode: settings.mode })
    }

    /// Replaces the times of the retry rules.
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.breaker = Arc::new(Breaker::new(policy.server_rest));
        self.policy = policy;
        self
    }

    /// Answers a look, from the catalogue where the same was asked before, else by asking the model.
    ///
    /// Once `ending` is cancelled no request is begun; one under way is waited for. Dropping the future
    /// loses no paid answer: see [`finish`](Self::finish).
    pub async fn look(&self, look: &Look, ending: &CancellationToken) -> Result<Answer, VisionError> {
        let key = key(look, &self.shared.settings);
        let question = unless(ending, self.shared.turns.question(&key)).await?;
        if let Some(answer) = self.stored(&key, look).await? {
            return Ok(answer);
        }
        if let Some(answer) = self.batched(look, &key).await? {
            return Ok(answer);
        }
        let slot = unless(ending, self.shared.turns.slots.take()).await?;
        let turn = Arc::new((question, slot));
        let mut asking = self.asking(look, self.shared.fallback.form(look.form(&self.shared.settings)));
        let (mut tries, mut unreadable) = (0, 0);
        let mut tier = Tier::new(self.mode);
        loop {
            let intent = self.intent(look, (&key, tier.mode()));
            let request_id = intent.request_id.clone();
            let failure = match self.in_turn(intent, (&asking, &turn), ending).await? {
                Ok(told) => {
                    return Ok(Answer { request_id, said: Said::Told(told), origin: Origin::Asked });
                }
                Err(failure) if asking.form == AnswerForm::Json && is_about_the_schema(&failure) => {
                    asking = self.asking(look, AnswerForm::Text);
                    continue;
                }
                Err(failure) => failure,
            };
            if tier.falls_back(&failure, self.shared.settings.flex_fallback) {
                continue;
            }
            tries += 1;
            unreadable += u32::from(matches!(failure, Failure::Unreadable { .. }));
            let now = self.shared.clock.now();
            let situation = Situation { tries, unreadable, jitter: fastrand::f64(), now };
            match self.policy.verdict(&failure, situation) {
                Verdict::Retry { after } => {
                    tracing::debug!(request_id, %failure, ?after, "vision request failed and is repeated");
                    unless(ending, tokio::time::sleep(after)).await?;
                }
                Verdict::GiveBack { after, reason } => return Err(VisionError::GiveBack { after, reason }),
                Verdict::Stop { reason } => {
                    return Err(VisionError::Stop {
                        reason: self.shared.stopped.get_or_init(|| reason).clone(),
                    });
                }
                Verdict::Refused { reason } => {
                    return Ok(Answer { request_id, said: Said::Failed(reason), origin: Origin::Asked });
                }
            }
        }
    }

    /// Makes one call when server and quota let it, and learns from how it went.
    async fn in_turn(
        &self,
        intent: CallIntent,
        (asking, turn): (&Arc<Question>, &Arc<Turn>),
        ending: &CancellationToken,
    ) -> Result<Result<Told, Failure>, VisionError> {
        let shared = &self.shared;
        let pass = unless(ending, self.breaker.pass()).await?.map_err(server_is_down)?;
        unless(ending, shared.quota.wait(intent.bound.tokens())).await?;
        self.may_go_on(ending)?;
        let begun = Instant::now();
        let outcome = self.call(intent, asking, turn).await?;
        let failure = outcome.as_ref().err();
        pass.tell(failure);
        shared.turns.slots.learn(begun, failure);
        Ok(outcome)
    }

    /// Makes one call on a task of its own, which goes on, and keeps its turn, when this future is dropped.
    async fn call(
        &self,
        intent: CallIntent,
        asking: &Arc<Question>,
        turn: &Arc<Turn>,
    ) -> Result<Result<Told, Failure>, VisionError> {
        let call = Arc::clone(&self.shared).call(intent, Arc::clone(asking));
        let turn = Arc::clone(turn);
        let task = self.shared.under_way.spawn(async move {
            let outcome = call.await;
            drop(turn);
            outcome
        });
        joined(task).await?
    }

    /// Waits for the requests under way whose looks were dropped, so that their answers are stored.
    pub async fn finish(&self) {
        self.shared.under_way.close();
        self.shared.under_way.wait().await;
    }

    async fn stored(&self, key: &str, look: &Look) -> Result<Option<Answer>, VisionError> {
        let key = key.to_owned();
        let stored = self.shared.ledger(move |catalog| catalog.answer(&key)).await?;
        Ok(stored.map(|stored| Answer {
            request_id: stored.request_id,
            said: Said::Told(self.read_again(&stored.text, look)),
            origin: Origin::Stored,
        }))
    }

    /// Reads an answer that was kept. One that an earlier version took and this one would not is not bought again.
    fn read_again(&self, text: &str, look: &Look) -> Told {
        answer::read(text, look.form(&self.shared.settings)).unwrap_or_else(|_| Told::plain(text))
    }

    fn asking(&self, look: &Look, form: AnswerForm) -> Arc<Question> {
        let settings = &self.shared.settings;
        let request = Request::new(look, settings, form);
        Arc::new(Question { request, form, wanted: look.form(settings) })
    }

    fn may_go_on(&self, ending: &CancellationToken) -> Result<(), VisionError> {
        match self.shared.stopped.get() {
            Some(reason) => Err(VisionError::Stop { reason: reason.clone() }),
            None if ending.is_cancelled() => Err(run_is_ending()),
            None => Ok(()),
        }
    }

    fn intent(&self, look: &Look, (key, mode): (&str, CallMode)) -> CallIntent {
        CallIntent {
            request_id: format!("{:032x}", fastrand::u128(..)),
            key: key.to_owned(),
            cap_day: self.shared.windows.cap_day(self.shared.clock.now()),
            camera: look.camera.as_ref().map(CameraId::to_string),
            segment_sha256: look.segment_sha256.clone(),
            model: self.shared.settings.model.clone(),
            mode,
            bound: bound(look, &self.shared.settings),
        }
    }
}

async fn unless<T>(ending: &CancellationToken, waiting: impl Future<Output = T>) -> Result<T, VisionError> {
    ending.run_until_cancelled(waiting).await.ok_or_else(run_is_ending)
}

/// Waits for a task. It is cancelled only where the whole runtime goes down.
pub(super) async fn joined<T>(task: JoinHandle<T>) -> Result<T, VisionError> {
    task.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => run_is_ending(),
    })
}

fn server_is_down(after: Duration) -> VisionError {
    let reason = format!("the vision server is down: it is asked again in {} s", after.as_secs() + 1);
    VisionError::GiveBack { after, reason }
}

fn run_is_ending() -> VisionError {
    VisionError::GiveBack { after: Duration::ZERO, reason: "the run is ending".to_owned() }
}
