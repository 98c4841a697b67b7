//! The looks of one segment: views as JPEG gathered while it is decoded, asked about some at a time.

use std::fmt;
use std::time::Duration;

use catalog::{Catalog, Clock, Object, Segment, SegmentId};
use chrono::{DateTime, Utc};
use config::{Detail, SecondLook, Settings, Windows};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::{ProcessorError, chain};
use crate::group::{About, Group, Shot};
use crate::unfinished::{Progress, Unfinished};
use crate::view::{Cut, encode, shrink_to};
use crate::vision::{Answer, Asking, Jpeg, Keeper, Look, PictureSize, Said, Told, VisionClient, VisionError};

/// Pictures, and bytes of them, gathered before they are asked about: bounds what is in memory per worker, however
/// long the video.
const GATHER: usize = 64;
const GATHER_BYTES: usize = 16 << 20;

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
    detail: Detail,
    frames_per_request: usize,
    second_look: SecondLook,
    windows: Windows,
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
            detail: vision.detail,
            frames_per_request: vision.frames_per_request,
            second_look: vision.second_look,
            windows: settings.process.windows.clone(),
        }))
    }

    /// Asks for a text about a camera, without pictures. Returns it with the name of the ledger's row, or nothing where
    /// the model gave none; an error says in words why there is none now.
    pub(crate) fn text_about(&self, camera: &str, asked: String) -> Result<Option<(String, String)>, String> {
        let look = Look {
            segment_sha256: String::new(),
            camera: camera.parse().ok(),
            view: String::new(),
            mapping: String::new(),
            pictures: Vec::new(),
            size: PictureSize::Shrunk,
            asking: Asking::Text(asked),
            time: String::new(),
            labels: String::new(),
        };
        let answer = self.runtime.block_on(self.client.at_once().look(&look, &self.ending));
        let answer = answer.map_err(|error| chain(&error))?;
        let request_id = answer.request_id.clone();
        Ok(told(answer).map(|told| (told.caption, request_id)))
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
        let camera = segment.camera.as_ref().and_then(|id| id.parse().ok());
        Looks {
            asker: self,
            client: if is_named { self.client.at_once() } else { self.client.clone() },
            segment: segment.id,
            about: About { sha256, camera, windows: &self.windows },
            open: Vec::new(),
            waiting: Vec::new(),
            told: Vec::new(),
            asked: Vec::new(),
            is_unasked: false,
        }
    }

    /// Returns who talks with the provider about batches.
    pub(crate) fn keeper(&self) -> Result<Keeper, VisionError> {
        Keeper::new(&self.client, &self.runtime, &self.ending)
    }

    /// Asks about a group, and again about those of its pictures that the answer wants to see larger.
    async fn ask(
        &self,
        (client, group): (&VisionClient, &Group),
        about: &About<'_>,
    ) -> Result<Vec<(Spot, Told)>, VisionError> {
        let Some(first) = self.told(client, &group.look(about)).await? else { return Ok(Vec::new()) };
        let mut all: Vec<_> = group.spots().map(|spot| (spot, first.clone())).collect();
        for number in first.need_detail {
            let Some(larger) = group.larger(number, about) else { continue };
            if let Some(told) = self.told(client, &larger).await? {
                all[number].1 = told;
            }
        }
        Ok(all)
    }

    async fn told(&self, client: &VisionClient, look: &Look) -> Result<Option<Told>, VisionError> {
        Ok(told(client.look(look, &self.ending).await?))
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

/// A view of a frame, and what the detector found in it.
pub(crate) struct Shown<'a> {
    pub(crate) spot: Spot,
    pub(crate) time: DateTime<Utc>,
    /// Since the segment's first frame.
    pub(crate) pts: Duration,
    pub(crate) cut: &'a Cut<'a>,
    pub(crate) objects: &'a [Object],
}

pub(crate) struct Looks<'a> {
    asker: &'a Asker,
    client: VisionClient,
    segment: SegmentId,
    about: About<'a>,
    /// Of the activity that is under way, one of each view.
    open: Vec<Group>,
    waiting: Vec<Group>,
    told: Vec<(Spot, Told)>,
    /// All groups without their pictures, for a draft.
    asked: Vec<Group>,
    /// Some go with a batch.
    is_unasked: bool,
}

/// What the looks of a segment came to.
pub(crate) enum Looked {
    Told(Vec<(Spot, Told)>),
    /// Answers come with a batch; these are the groups, without their pictures.
    Gathered(Vec<Group>),
}

impl Looks<'_> {
    /// Takes a view of a frame as it will be sent. May ask about what was gathered, and block for it.
    pub(crate) fn add(&mut self, shown: &Shown<'_>, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        let shot = self.shot(shown).map_err(|error| Unfinished::Retry(chain(&error)))?;
        let cut = shown.cut;
        let at = match self.open.iter().position(|group| group.view() == cut.name) {
            Some(at) => {
                self.open[at].add(shot);
                at
            }
            None => {
                self.open.push(Group::new((cut.name, cut.mapping), shot));
                self.open.len() - 1
            }
        };
        if self.open[at].len() >= self.asker.frames_per_request {
            self.waiting.push(self.open.swap_remove(at));
        }
        let pictures: usize = self.waiting.iter().map(Group::len).sum();
        let bytes: usize = self.waiting.iter().map(Group::bytes).sum();
        if pictures >= GATHER || bytes >= GATHER_BYTES { self.ask(progress) } else { Ok(()) }
    }

    /// Lets no picture that is still to come be asked about together with those before it.
    pub(crate) fn end_activity(&mut self) {
        self.waiting.append(&mut self.open);
    }

    fn shot(&self, shown: &Shown<'_>) -> Result<Shot, crate::view::ViewError> {
        let (asker, picture) = (self.asker, &shown.cut.picture);
        let small = shrink_to(picture, asker.image_max_px)?;
        let is_shrunk = (small.width, small.height) != (picture.width, picture.height);
        // The same picture looked at in the same way says nothing new.
        let may_be_larger =
            asker.second_look == SecondLook::WhereAsked && (is_shrunk || asker.detail == Detail::Low);
        let full = may_be_larger.then(|| encode(picture, asker.jpeg_quality)).transpose()?;
        let jpeg = |bytes: Vec<u8>| Jpeg { frame: shown.spot.frame, at: shown.pts, bytes: bytes.into() };
        Ok(Shot {
            spot: shown.spot,
            time: shown.time,
            jpeg: jpeg(encode(&small, asker.jpeg_quality)?),
            full: full.map(jpeg),
            labels: shown.objects.iter().map(|object| object.label.clone()).collect(),
        })
    }

    /// Takes up the groups of a draft.
    pub(crate) fn of_draft(self, groups: Vec<Group>) -> Self {
        Self { waiting: groups, ..self }
    }

    /// Asks about the rest and returns all that was told, or what is to be kept until it is.
    pub(crate) fn finish(mut self, progress: &mut Progress<'_>) -> Result<Looked, Unfinished> {
        self.end_activity();
        self.ask(progress)?;
        Ok(if self.is_unasked { Looked::Gathered(self.asked) } else { Looked::Told(self.told) })
    }

    fn ask(&mut self, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        let asker = self.asker;
        let (asked, about) = (std::mem::take(&mut self.waiting), &self.about);
        self.asked.extend(asked.iter().map(Group::without_pictures));
        let (client, mut unasked) = (&self.client, Vec::new());
        asker.runtime.block_on(async {
            let answers =
                stream::iter(asked).map(|group| async move { asker.ask((client, &group), about).await });
            let mut answers = std::pin::pin!(answers.buffer_unordered(asker.concurrency));
            loop {
                match tokio::time::timeout(TICK, answers.next()).await {
                    Ok(Some(Err(VisionError::Unasked(look)))) => unasked.push(*look),
                    Ok(Some(told)) => self.told.extend(told.map_err(|error| asker.unfinished(error))?),
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
        self.is_unasked = true;
        Ok(self.asker.runtime.block_on(self.client.gather(self.segment, looks))?)
    }
}

fn told(answer: Answer) -> Option<Told> {
    match answer.said {
        Said::Told(told) => Some(told),
        Said::Failed(reason) => {
            tracing::warn!(request = %answer.request_id, reason, "vision model gave no caption");
            None
        }
    }
}
