//! nightreel's catalogue, media folder and work queue.
//!
//! Rows and files agree: docs/storage.md lists what is always true of them and the steps that keep it so.

mod adopt;
mod adopt_bundle;
mod again;
mod alarm;
mod alive;
mod batch;
mod bundle;
mod bundles;
mod camera_segments;
mod carry;
mod catalog;
mod changed;
mod circles;
mod clock;
mod coverage;
pub mod cues;
mod description;
mod digests;
mod disk;
mod error;
mod estimate;
mod events;
mod expected;
mod export;
pub mod files;
#[cfg(test)]
mod fixture;
mod forecast;
mod former;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed;
mod gap;
mod gated;
mod health;
mod hex;
mod hold;
mod holding;
mod index;
mod inside;
mod intent;
mod ledger;
mod lock;
mod marks;
mod media;
mod name;
mod named;
mod near;
mod notes;
mod own_file;
mod passed_over;
mod paths;
mod pause;
mod picture_tokens;
pub mod pictures;
mod queue;
mod readers;
mod rebuild;
mod reconcile;
mod recorded;
mod repair;
mod restored;
mod results;
mod root;
mod scan;
mod search;
mod segment;
mod segments;
mod shown;
mod spans;
mod spending;
mod sqlite_queue;
mod store;
mod story;
mod summary;
mod thumbnails;
mod urgency;
mod verify;
mod verify_beside;
mod verify_rows;
mod walk;
mod watch;
mod when;
mod work;

pub use adopt::Adopted;
pub use adopt_bundle::{AdoptedBundle, FoundBundle, FoundMember, FoundSegment};
pub use again::{Again, Outdated};
pub use alarm::{Alarm, AlarmKind};
pub use batch::{
    Batch, BatchLimits, BatchLine, BatchState, BatchTally, Fate, Gathered, Intended, Known, NewQuestion,
    Settled, Spool, Tried, Try,
};
pub use bundle::{
    Archived, Bundle, BundleId, BundleState, HeldBundles, Member, MemberKind, NewBundle, Plain, SEALED_SUFFIX,
};
pub use catalog::Catalog;
pub use changed::Stamp;
pub use circles::FoundCircle;
pub use clock::Clock;
pub use coverage::{Cause, Coverage, CoverageRows, Day, Footage, coverage};
pub use description::{Description, Gist};
pub use digests::{Digest, NightCaption};
pub use disk::Disk;
pub use error::CatalogError;
pub use estimate::{Basis, Estimate, Rate, days_until_full, estimate};
pub use events::{BestView, DEFAULT_GAP_S, Event, EventFilter, Place, SegmentEvent};
pub use export::{ExportFilter, Exported};
pub use forecast::{Nights, Past, Task, Waiting, nights};
pub use gap::{Gap, GapCause, OpenGap};
pub use gated::{Decision, GateReason, GateTally};
pub use health::{CameraHealth, Health, HealthState, RecorderLife};
pub use hex::hex;
pub use hold::{Hold, Holds, OnHold};
pub use holding::{Facts, Holding, Listing};
pub use intent::{Carried, Planned};
pub use ledger::{
    Begun, CallEnd, CallIntent, CallMode, CallStatus, Charge, LedgerFilter, LedgerRow, LedgerSum,
    StoredAnswer, SumBy,
};
pub use lock::{ArchiveLock, BatchLock, CameraLock, Role};
pub use marks::Mark;
pub use media::MediaFolder;
pub use name::start_from_name;
pub use notes::ClockDoubt;
pub use passed_over::passed_over;
pub use paths::{FAILED, LIVE, PLAYLIST, PROCESSED, is_map, is_media, sidecar_of};
pub use pause::Pause;
pub use picture_tokens::picture_tokens;
pub use queue::{Blame, DeadLetter, Finished, GiveBack, Lease, Queue, QueueStats};
pub use rebuild::{Rebuilt, rebuild};
pub use recorded::{ClockSource, ClosedSegment};
pub use repair::{AdoptedFile, Repaired};
pub use results::{Call, Object, Profile, Results, Sample, SegmentFacts, ViewResult};
pub use root::MediaRoot;
pub use scan::{ScanReport, Scanner};
pub use search::{Hit, Hits};
pub use segment::{FileStat, Learnt, NewSegment, Segment, SegmentId, SegmentState, StartSource};
pub use shown::Shown;
pub use spans::Span;
pub use spending::{Bound, CapReached, DayCaps, Deferral, Spent, WAITS_FOR_CAP};
pub use sqlite_queue::SqliteQueue;
pub use store::rfc3339;
pub use story::{Archival, Deletion, Story, StoryCall, StoryGap, StoryLabel, StoryResults, StoryWork};
pub use summary::Summary;
pub use thumbnails::Thumbnails;
pub use urgency::Urgency;
pub use verify::{Fault, Verifier};
pub use watch::{Hints, Watcher};
pub use when::{End, NotATime, When};
pub use work::{Work, Works};
