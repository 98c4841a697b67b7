//! Following: what has become of a batch that the provider has, and what it leaves when it is over.

use std::collections::HashSet;

use catalog::{Batch, BatchLine, BatchState, CallMode, Settled};
use chrono::TimeDelta;
use serde_json::Value;

use super::super::error::VisionError;
use super::super::failure::{Failure, shorten};
use super::deliver::{Delivery, Lines};
use super::keeper::{Keeper, Step};
use super::line::{self, Terms};
use super::provider::Remote;

/// A batch that the provider knows nothing of any more is given up after its 24 hours and some more.
const LOST_AFTER: TimeDelta = TimeDelta::hours(26);

/// How long the questions of a batch rest that was not taken as a whole.
pub(super) const REST: TimeDelta = TimeDelta::minutes(10);

impl Keeper {
    /// Asks what has become of a batch, and reads what it brings when it is over.
    pub(super) fn follow(&mut self, batch: &Batch) -> Result<Step, VisionError> {
        let id = batch.provider_id.as_deref().unwrap_or_default();
        let mut remote = match self.block_on(self.provider.retrieve(id)) {
            Ok(remote) => remote,
            Err(Failure::Status { status: 404, .. })
                if batch.submitted.is_some_and(|at| self.now() - at > LOST_AFTER) =>
            {
                return self.end(batch, &Remote::default(), "the provider does not know the batch any more");
            }
            Err(failure) => return self.trouble("a batch cannot be looked at", &failure),
        };
        if batch.cancelled.is_some() && !is_over(&remote.status) && remote.status != "cancelling" {
            match self.block_on(self.provider.cancel(id)) {
                Ok(cancelled) => remote = cancelled,
                Err(failure) => return self.trouble("a batch cannot be cancelled", &failure),
            }
        }
        if batch.provider_state.as_ref() != Some(&remote.status) {
            self.catalog().batch_seen(&batch.id, &remote.status)?;
        }
        if is_over(&remote.status) { self.deliver(batch, &remote) } else { Ok(Step::Made) }
    }

    /// Reads the files of a batch that is over. Broken off, it is read again from its beginning, and what was stored
    /// before is passed over.
    fn deliver(&mut self, batch: &Batch, remote: &Remote) -> Result<Step, VisionError> {
        for file in [&remote.output_file_id, &remote.error_file_id].into_iter().flatten() {
            if let Err(failure) = self.read(batch, file)? {
                return self.trouble("the answers of a batch cannot be read", &failure);
            }
            if self.ending.is_cancelled() {
                return Ok(Step::Later);
            }
        }
        let error = remote.errors.as_ref().and_then(first_error).unwrap_or_default();
        self.end(batch, remote, &error)
    }

    fn read(&self, batch: &Batch, file: &str) -> Result<Result<(), Failure>, VisionError> {
        let mut delivery = self.delivery(batch)?;
        let mut lines = match self.block_on(self.provider.content(file)) {
            Ok(response) => Lines::of(response),
            Err(failure) => return Ok(Err(failure)),
        };
        while !self.ending.is_cancelled() {
            match self.block_on(lines.next()) {
                Ok(Some(lines)) => delivery.take(&lines)?,
                Ok(None) => break,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(()))
    }

    /// Settles what a batch leaves unanswered, and notes its end.
    fn end(&mut self, batch: &Batch, remote: &Remote, error: &str) -> Result<Step, VisionError> {
        let delivery = self.delivery(batch)?;
        let now = delivery.terms.now;
        let (state, left): (_, Vec<Settled>) = match remote.status.as_str() {
            "failed" => (BatchState::Failed, self.left_of_failed(batch, remote, error)?),
            "cancelled" => {
                (BatchState::Cancelled, delivery.asked.keys().cloned().map(line::cancelled).collect())
            }
            "expired" => {
                let left = delivery.asked.keys().map(|id| line::expired(id.clone(), now));
                (BatchState::Expired, left.collect())
            }
            status => {
                let left = delivery.asked.keys().map(|id| line::missing(id.clone(), now)).collect();
                (if status == "completed" { BatchState::Completed } else { BatchState::Failed }, left)
            }
        };
        let (unanswered, mut left) = (left.len(), left);
        delivery.store(&mut left)?;
        let error = Some(error).filter(|error| !error.is_empty());
        self.catalog().batch_ended(&batch.id, state, error, now)?;
        match state {
            BatchState::Completed if unanswered == 0 => {
                tracing::info!(batch = batch.id, lines = batch.lines, "batch completed");
            }
            state => tracing::warn!(batch = batch.id, %state, unanswered, error, "batch is over"),
        }
        self.delete_files(batch, remote);
        Ok(Step::Made)
    }

    /// Of a batch that the provider refused as a whole, the lines it names are at fault; the others go with another.
    fn left_of_failed(
        &self,
        batch: &Batch,
        remote: &Remote,
        error: &str,
    ) -> Result<Vec<Settled>, VisionError> {
        let named: HashSet<u64> =
            remote.errors.iter().flat_map(errors).filter_map(|e| e["line"].as_u64()).collect();
        let rest = if named.is_empty() { REST } else { TimeDelta::zero() };
        let again = self.now() + rest;
        let settle = |(number, line): (u64, BatchLine)| match named.contains(&number) {
            true => line::refused(line.request_id, error),
            false => line::not_taken(line.request_id, (error, again)),
        };
        let lines = self.catalog().batch_lines(&batch.id)?;
        Ok((1..).zip(lines).map(settle).collect())
    }

    pub(super) fn give_up_cancelled(&mut self, batch: &Batch) -> Result<Step, VisionError> {
        let input_file_id = batch.input_file.clone();
        let remote = Remote { status: "cancelled".to_owned(), input_file_id, ..Remote::default() };
        self.end(batch, &remote, "")
    }

    /// Deletes at the provider what was sent and read: pictures need not lie there for a month.
    fn delete_files(&self, batch: &Batch, remote: &Remote) {
        let input = remote.input_file_id.as_ref().or(batch.input_file.as_ref());
        for file in
            [input, remote.output_file_id.as_ref(), remote.error_file_id.as_ref()].into_iter().flatten()
        {
            if let Err(failure) = self.block_on(self.provider.delete(file)) {
                tracing::debug!(file, %failure, "a file of a batch cannot be deleted at the provider");
            }
        }
    }

    pub(super) fn delivery<'a>(&'a self, batch: &'a Batch) -> Result<Delivery<'a>, VisionError> {
        let terms = Terms {
            policy: self.client.policy,
            rates: self.client.shared.rates(CallMode::Batch),
            form: self.client.shared.settings.answer,
            now: self.now(),
        };
        let asked = self.catalog().asked_in(&batch.id)?;
        Ok(Delivery { catalog: self.catalog(), batch: &batch.id, asked, terms })
    }
}

fn is_over(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "expired" | "cancelled")
}

fn errors(errors: &Value) -> impl Iterator<Item = &Value> {
    errors["data"].as_array().into_iter().flatten()
}

fn first_error(all: &Value) -> Option<String> {
    let message = errors(all).next()?["message"].as_str()?;
    Some(shorten(message))
}
