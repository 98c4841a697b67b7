//! The looks of one segment: views as JPEG gathered while it is decoded, asked about some at a time.

use std::fmt;
use std::time::Duration;

use catalog::{Catalog, Clock, Segment, SegmentId};
use config::{CameraId, Settings};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::{ProcessorError, chain};
use crate::unfinished::{Progress, Unfinished};
use crate::view::{Cut, encode, shrink_to};
use crate::vision::{Answer, Jpeg, Keeper, Look, VisionClient, VisionError};

/// Looks gathered before they are asked about: bounds the JPEGs in memory to some ten megabytes per worker,
/// however long the video.
const GATHER: usize = 64;

/// How long the end of the program is put off for answers under way.
const LAST_ANSWERS: Duration = Duration::from_secs(6);

/// Between two signs of life while answers are waited for.
const TICK: Duration = Duration::from_secs(1);

/// Asks the vision model on behalf of the workers.
#[derive(Clone)]
pub(crate) struct Asker {
    client: VisionClient,
    runtime: Handle,
    /// Cancelled: no further request is begun, those under way are waited for.
    ending: CancellationToken,
    image_max_px: u32,
    jpeg_quality: u8,
    concurrency: usize,
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Asker {
    pub(crate) fn new(
        settings: &Settings,
        catalog: &Catalog,
        clock: &Clock,
        ending: &CancellationToken,
    ) -> Result<Option<Self>, ProcessorError> {
        let Some(vision) = &settings.vision else { return Ok(None) };
        let client = VisionClient::new(vision, &settings.process.windows, catalog.clone(), clock.clone())
            .map_err(ProcessorError::Vision)?;
        Ok(Some(Self {
            client,
            runtime: Handle::current(),
            ending: ending.clone(),
            image_max_px: vision.image_max_px,
            jpeg_quality: vision.jpeg_quality,
            concurrency: vision.concurrency,
        }))
    }

    /// Waits for requests under way whose looks were dropped: they are paid for. Whoever ends the program
    /// waits for it, so then not for long.
    pub(crate) fn finish(&self) {
        let hurry = async {
            self.ending.cancelled().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        self.runtime.block_on(async {
            tokio::select! {
                () = self.client.finish() => {}
                () = hurry => tracing::warn!("vision requests under way are abandoned, they may be charged"),
            }
        });
    }

    /// What is put off since the run ends is no fault of the server.
    fn unfinished(&self, error: VisionError) -> Unfinished {
        match error {
            VisionError::GiveBack { .. } if self.ending.is_cancelled() => Unfinished::Ending,
            error => error.into(),
        }
    }

    /// Asks about a segment whose content has this hash. Somebody waits for the results of files that were named: these
    /// go with no batch.
    pub(crate) fn about<'a>(&'a self, sha256: &'a str, segment: &Segment) -> Looks<'a> {
        let is_named = segment.path.is_absolute();
        let client = if is_named { self.client.at_once() } else { self.client.clone() };
        Looks {
            asker: self,
            client,
            sha256,
            segment: segment.id,
            camera: segment.camera.as_ref().and_then(|id| id.parse().ok()),
            waiting: Vec::new(),
            captions: Vec::new(),
            asked: Vec::new(),
            unasked: false,
        }
    }

    /// Returns who talks with the provider about batches.
    pub(crate) fn keeper(&self) -> Result<Keeper, VisionError> {
        Keeper::new(&self.client, &self.runtime, &self.ending)
    }
}

/// Where an answer belongs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) frame: u64,
    /// The number of the sample.
    pub(crate) sample: usize,
    /// The number of the view in it.
    pub(crate) view: usize,
}

pub(crate) struct Looks<'a> {
    asker: &'a Asker,
    client: VisionClient,
    sha256: &'a str,
    segment: SegmentId,
    camera: Option<CameraId>,
    waiting: Vec<(Spot, Look)>,
    captions: Vec<(Spot, String)>,
    /// All looks without their pictures, for a draft.
    asked: Vec<(Spot, Look)>,
    /// Some go with a batch.
    unasked: bool,
}

/// What the looks of a segment came to.
pub(crate) enum Looked {
    Captions(Vec<(Spot, String)>),
    /// Answers come with a batch; these are the looks, without their pictures.
    Gathered(Vec<(Spot, Look)>),
}

impl Looks<'_> {
    /// Takes a view of a frame as it will be sent. May ask about what was gathered, and block for it.
    pub(crate) fn add(
        &mut self,
        spot: Spot,
        cut: &Cut<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Unfinished> {
        let jpeg = self.jpeg(cut).map_err(|error| Unfinished::Retry(chain(&error)))?;
        let look = Look {
            segment_sha256: self.sha256.to_owned(),
            camera: self.camera.clone(),
            view: cut.name.to_owned(),
            mapping: cut.mapping.to_owned(),
            pictures: vec![Jpeg { frame: spot.frame, bytes: jpeg.into() }],
        };
        self.waiting.push((spot, look));
        if self.waiting.len() >= GATHER { self.ask(progress) } else { Ok(()) }
    }

    fn jpeg(&self, cut: &Cut<'_>) -> Result<Vec<u8>, crate::view::ViewError> {
        let small = shrink_to(&cut.picture, self.asker.image_max_px)?;
        encode(&small, self.asker.jpeg_quality)
    }

    /// Takes up the looks of a draft.
    pub(crate) fn of_draft(mut self, looks: Vec<(Spot, Look)>) -> Self {
        self.waiting = looks;
        self
    }

    /// Asks about the rest and returns all captions, or what is to be kept until they come.
    pub(crate) fn finish(mut self, progress: &mut Progress<'_>) -> Result<Looked, Unfinished> {
        self.ask(progress)?;
        Ok(if self.unasked { Looked::Gathered(self.asked) } else { Looked::Captions(self.captions) })
    }

    fn ask(&mut self, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        let asker = self.asker;
        let asked = std::mem::take(&mut self.waiting);
        self.asked.extend(asked.iter().map(|(spot, look)| (*spot, look.without_pictures())));
        let (client, mut unasked) = (self.client.clone(), Vec::new());
        asker.runtime.block_on(async {
            let client = &client;
            let answers = stream::iter(asked)
                .map(|(spot, look)| async move { (spot, client.look(&look, &asker.ending).await) });
            let mut answers = std::pin::pin!(answers.buffer_unordered(asker.concurrency));
            loop {
                match tokio::time::timeout(TICK, answers.next()).await {
                    Ok(Some((_, Err(VisionError::Unasked(look))))) => unasked.push(*look),
                    Ok(Some((spot, answer))) => {
                        let answer = answer.map_err(|error| asker.unfinished(error))?;
                        self.captions.extend(caption(&answer).map(|text| (spot, text)));
                    }
                    Ok(None) => break,
                    Err(_) => progress()?,
                }
            }
            Ok::<_, Unfinished>(())
        })?;
        self.gather(unasked)
    }

    fn gather(&mut self, looks: Vec<Look>) -> Result<(), Unfinished> {
        if looks.is_empty() {
            return Ok(());
        }
        if looks.iter().any(|look| !look.is_whole()) {
            // Only footage has pictures, a draft has none.
            return Err(Unfinished::NotAnswered);
        }
        self.unasked = true;
        Ok(self.asker.runtime.block_on(self.client.gather(self.segment, looks))?)
    }
}

fn caption(answer: &Answer) -> Option<String> {
    if let Some(reason) = answer.error() {
        tracing::warn!(request = %answer.request_id, reason, "vision model gave no caption");
    }
    answer.caption().map(str::to_owned)
}
