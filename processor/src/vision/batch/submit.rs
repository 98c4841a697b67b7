//! Submission: a batch on its way from its intent to the provider.

use catalog::{Batch, BatchState};
use chrono::{DateTime, Utc};

use super::super::error::VisionError;
use super::super::failure::Failure;
use super::super::retry::{Situation, Verdict};
use super::follow::REST;
use super::keeper::{Keeper, Step};
use super::line;
use super::provider::{Remote, has_none};
use super::upload::body;

/// What the provider's list says of a batch.
enum Found {
    It(Remote),
    Nothing,
    Later,
}

impl Keeper {
    /// Takes a batch from its intent to the provider.
    pub(super) fn submit(&mut self, mut batch: Batch) -> Result<Step, VisionError> {
        if batch.state == BatchState::Intended {
            if batch.cancelled.is_some() {
                return self.give_up_cancelled(&batch);
            }
            match self.upload(&batch)? {
                Some(file) => batch.input_file = Some(file),
                None => return Ok(Step::Later),
            }
        } else if !self.uncreated.contains(&batch.id) {
            match self.find(&batch)? {
                Found::Later => return Ok(Step::Later),
                Found::It(remote) => return self.note_submitted(&batch, &remote),
                Found::Nothing => drop(self.uncreated.insert(batch.id.clone())),
            }
        }
        if batch.cancelled.is_some() {
            return self.give_up_cancelled(&batch);
        }
        self.create(&batch)
    }

    /// Sends the batch's file, and returns its id.
    fn upload(&mut self, batch: &Batch) -> Result<Option<String>, VisionError> {
        let lines = self.catalog().batch_lines(&batch.id)?;
        let (body, length) = body(lines, self.catalog().spool());
        match self.block_on(self.provider.upload(&batch.id, body, length)) {
            Ok(file) => {
                self.catalog().batch_uploaded(&batch.id, &file)?;
                self.uncreated.insert(batch.id.clone());
                Ok(Some(file))
            }
            Err(failure) if has_none(&failure) => {
                self.do_without(&failure);
                self.not_taken(batch, &failure, self.now()).map(|_| None)
            }
            Err(failure) => {
                self.hindered(batch, "the file of a batch cannot be sent", &failure).map(|_| None)
            }
        }
    }

    fn create(&mut self, batch: &Batch) -> Result<Step, VisionError> {
        let file = batch.input_file.as_deref().unwrap_or_default();
        match self.block_on(self.provider.create(file, &batch.id)) {
            Ok(remote) => self.note_submitted(batch, &remote),
            Err(failure) => {
                let Failure::Status { status: 400..=499, .. } = failure else {
                    // It may have been made all the same.
                    self.uncreated.remove(&batch.id);
                    return self.trouble("a batch cannot be begun", &failure);
                };
                self.hindered(batch, "a batch cannot be begun", &failure)
            }
        }
    }

    fn note_submitted(&mut self, batch: &Batch, remote: &Remote) -> Result<Step, VisionError> {
        let input = remote.input_file_id.as_deref();
        self.catalog().batch_submitted(&batch.id, &remote.id, input, self.now())?;
        self.uncreated.remove(&batch.id);
        tracing::info!(batch = batch.id, provider = remote.id, lines = batch.lines, "batch submitted");
        Ok(Step::Made)
    }

    /// Looks in the provider's list for a batch that may have been made before this process began, or while its answer
    /// was lost.
    fn find(&mut self, batch: &Batch) -> Result<Found, VisionError> {
        let mut found = None;
        let listed = self.block_on(self.provider.list(|page| {
            found = page.iter().find(|remote| remote.ours() == Some(&batch.id)).cloned();
            found.is_some()
        }));
        match (listed, found) {
            (_, Some(remote)) => Ok(Found::It(remote)),
            (Ok(()), None) => Ok(Found::Nothing),
            (Err(failure), None) => {
                self.trouble("the batches cannot be listed", &failure).map(|_| Found::Later)
            }
        }
    }

    /// Decides after a refusal: of the account, which ends the run; of the batch, whose questions go with another; or
    /// of the moment.
    fn hindered(
        &mut self,
        batch: &Batch,
        what: &'static str,
        failure: &Failure,
    ) -> Result<Step, VisionError> {
        let situation = Situation { tries: 1, unreadable: 0, jitter: 1.0, now: self.now() };
        match self.client.policy.verdict(failure, situation) {
            Verdict::Refused { .. } => self.not_taken(batch, failure, self.now() + REST),
            _ => self.trouble(what, failure),
        }
    }

    fn not_taken(
        &mut self,
        batch: &Batch,
        failure: &Failure,
        again: DateTime<Utc>,
    ) -> Result<Step, VisionError> {
        let reason = failure.to_string();
        let delivery = self.delivery(batch)?;
        let mut left: Vec<_> =
            delivery.asked.keys().map(|id| line::not_taken(id.clone(), (&reason, again))).collect();
        delivery.store(&mut left)?;
        self.catalog().batch_ended(&batch.id, BatchState::Failed, Some(&reason), self.now())?;
        tracing::warn!(batch = batch.id, reason, "batch was not taken");
        Ok(Step::Later)
    }
}
