//! Delivery: a file of answers, read piece by piece, each line stored as it comes.

use std::collections::HashMap;

use catalog::{Catalog, CatalogError, Settled, Tried};
use reqwest::Response;

use super::super::failure::Failure;
use super::line::{OutputLine, Terms};

/// Lines stored in one transaction: a sync for each would take minutes of a large batch. Reading a file again costs
/// nothing.
const TOGETHER: usize = 64;

/// An answer is a few kilobytes; a longer line comes only from a server that is not what it claims to be.
const LONGEST_LINE: usize = 8 << 20;

/// What a batch still asks, and how its lines are judged.
pub(super) struct Delivery<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) batch: &'a str,
    pub(super) asked: HashMap<String, Tried>,
    pub(super) terms: Terms,
}

/// A file under way, as whole lines.
pub(super) struct Lines {
    response: Response,
    pending: Vec<u8>,
}

impl Lines {
    pub(super) fn of(response: Response) -> Self {
        Self { response, pending: Vec::new() }
    }

    /// Returns the next lines that are there together; nothing at the end of the file.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            match self.response.chunk().await.map_err(Failure::from_transport)? {
                Some(chunk) => self.pending.extend_from_slice(&chunk),
                None if self.pending.is_empty() => return Ok(None),
                None => return Ok(Some(std::mem::take(&mut self.pending))),
            }
            if let Some(end) = self.pending.iter().rposition(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(end + 1);
                return Ok(Some(std::mem::replace(&mut self.pending, rest)));
            }
            if self.pending.len() > LONGEST_LINE {
                return Err(Failure::Unreadable {
                    text: format!("a line is longer than {LONGEST_LINE} bytes"),
                });
            }
        }
    }
}

impl Delivery<'_> {
    /// Stores what whole lines bring. A line that cannot be read, or that the batch did not ask, is passed over.
    pub(super) fn take(&mut self, lines: &[u8]) -> Result<(), CatalogError> {
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let mut settled = Vec::new();
        for line in lines {
            settled.extend(self.settle(line));
            if settled.len() >= TOGETHER {
                self.store(&mut settled)?;
            }
        }
        self.store(&mut settled)
    }

    fn settle(&mut self, line: &[u8]) -> Option<Settled> {
        let Ok(line) = serde_json::from_slice::<OutputLine>(line) else {
            tracing::warn!(batch = self.batch, "a line of a batch's answers cannot be read");
            return None;
        };
        let tried = self.asked.remove(&line.custom_id)?;
        Some(line.settle(tried, &self.terms))
    }

    pub(super) fn store(&self, settled: &mut Vec<Settled>) -> Result<(), CatalogError> {
        if !settled.is_empty() {
            self.catalog.settle_lines(self.batch, settled, self.terms.now)?;
            settled.clear();
        }
        Ok(())
    }
}
