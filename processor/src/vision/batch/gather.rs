//! Gathering: what a segment needs to be asked goes into the spool instead of onto the wire.

use std::sync::atomic::Ordering;

use catalog::{Catalog, CatalogError, Known, NewQuestion, SegmentId};
use config::{AnswerForm, Vision, VisionMode};

use super::super::bound::bound;
use super::super::client::VisionClient;
use super::super::error::VisionError;
use super::super::key::key;
use super::super::look::{Answer, Look, Origin, Said};
use super::super::wire::Request;

impl VisionClient {
    /// Asks each look by itself, at once, whatever the settings say: for files that somebody waits for.
    #[must_use]
    pub(crate) fn at_once(&self) -> Self {
        let mut client = self.clone();
        if client.mode == VisionMode::Batch {
            client.mode = VisionMode::Direct;
        }
        client
    }

    pub(super) fn asks_by_batch(&self) -> bool {
        self.mode == VisionMode::Batch && !self.shared.no_batches.load(Ordering::Relaxed)
    }

    /// Answers a look that a batch asked in vain. Where it goes with a batch, or is with one, it is `Unasked`: asking
    /// it by itself would buy it twice.
    pub(in super::super) async fn batched(
        &self,
        look: &Look,
        key: &str,
    ) -> Result<Option<Answer>, VisionError> {
        let key = key.to_owned();
        match self.shared.ledger(move |catalog| catalog.question(&key)).await? {
            Some(Known::Refused { request_id, reason }) => {
                Ok(Some(Answer { request_id, said: Said::Failed(reason), origin: Origin::Stored }))
            }
            None if !self.asks_by_batch() && look.is_whole() => Ok(None),
            Some(Known::Open) | None => Err(VisionError::Unasked(Box::new(look.clone()))),
        }
    }

    /// Gathers what a segment needs to be asked. It is on the disk when this returns.
    pub(crate) async fn gather(&self, segment: SegmentId, looks: Vec<Look>) -> Result<(), VisionError> {
        let (settings, now) = (self.shared.settings.clone(), self.shared.clock.now());
        let form = self.shared.fallback.form(settings.answer);
        self.shared
            .ledger(move |catalog| {
                let questions = spool(catalog, (&settings, form), &looks)?;
                catalog.gather(segment, &questions, now)
            })
            .await
    }
}

fn spool(
    catalog: &Catalog,
    (settings, form): (&Vision, AnswerForm),
    looks: &[Look],
) -> Result<Vec<NewQuestion>, CatalogError> {
    let body = |look: &Look| {
        serde_json::to_vec(&Request::new(look, settings, form)).expect("texts and numbers always become JSON")
    };
    let (name, places) = catalog.spool().write(&looks.iter().map(body).collect::<Vec<_>>())?;
    let question = |(look, (offset, length)): (&Look, (u64, u64))| NewQuestion {
        key: key(look, settings),
        camera: look.camera.as_ref().map(ToString::to_string),
        segment_sha256: look.segment_sha256.clone(),
        model: settings.model.clone(),
        bound: bound(look, settings),
        spool: name.clone(),
        offset,
        length,
    };
    Ok(looks.iter().zip(places).map(question).collect())
}
