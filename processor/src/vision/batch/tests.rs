//! Nights of thousands of questions, against a server that fails some of them.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, Clock, FileStat, LedgerFilter, SegmentId};
use config::{
    AnswerForm, Batches, Caps, Detail, FlexFallback, Price, Rate, Rates, SecondLook, Usd, Vision, VisionMode,
    Windows, Wording,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::super::client::VisionClient;
use super::super::look::{Asking, Jpeg, Look, Origin, PictureSize};
use super::super::retry::RetryPolicy;
use super::{Idle, Keeper};

#[path = "../../../../tests/support/batch_server.rs"]
#[allow(dead_code, reason = "stories use the rest")]
mod batch_server;

use batch_server::{BatchServer, Rules, told};

fn rates() -> Rates {
    Rates { input: Rate::per_million(1.0), output: Rate::per_million(10.0) }
}

struct Night {
    folder: TempDir,
    catalog: Catalog,
    runtime: Runtime,
    client: VisionClient,
    keeper: Keeper,
    segment: SegmentId,
}

impl Night {
    fn new(server: &BatchServer, change: impl FnOnce(&mut Vision)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let mut settings = settings(&server.base_url());
        change(&mut settings);
        let windows = Windows::parse(chrono_tz::UTC, &[] as &[&str]).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let client = VisionClient::new(&settings, &windows, catalog.clone(), Clock::system())
            .unwrap()
            .with_policy(RetryPolicy { first_wait: Duration::ZERO, ..RetryPolicy::default() });
        let keeper = Keeper::new(&client, runtime.handle(), &CancellationToken::new()).unwrap();
        let stat = FileStat { size: 1, mtime_ns: 1, inode: 1 };
        let file = folder.path().join("night.mp4");
        let segment = catalog.index_named_file(&file, stat, Clock::system().now()).unwrap().id;
        Self { folder, catalog, runtime, client, keeper, segment }
    }

    fn gather(&self, looks: impl Iterator<Item = Look>) {
        let looks: Vec<_> = looks.collect();
        for some in looks.chunks(64) {
            self.runtime.block_on(self.client.gather(self.segment, some.to_vec())).unwrap();
        }
    }

    /// Goes on until nothing is open, or a round changes nothing any more.
    fn go_on(&mut self) {
        for _ in 0..200 {
            self.keeper.poll_now();
            self.keeper.round(Idle::Yes).unwrap();
            let tally = self.catalog.batch_tally().unwrap();
            if tally.asked + tally.gathered == 0 {
                return;
            }
        }
    }

    fn ledger(&self, status: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let each = |row: &catalog::LedgerRow| {
            found.extend(Some(row.request_id.clone()).filter(|_| row.status == status));
            Ok::<_, catalog::CatalogError>(())
        };
        self.catalog.each_call(&LedgerFilter::default(), each).unwrap();
        found
    }

    /// Every question has the answer to its own picture, and is asked no more.
    fn assert_all_answered(&self, looks: impl Iterator<Item = Look>) {
        for look in looks {
            let found = self.runtime.block_on(self.client.look(&look, &CancellationToken::new())).unwrap();
            assert_eq!(
                (found.caption(), found.origin),
                (Some(told(&request(&look)).as_str()), Origin::Stored)
            );
        }
    }
}

/// The part of a request that the server's answer depends on.
fn request(look: &Look) -> serde_json::Value {
    use base64::Engine;
    let picture = base64::engine::general_purpose::STANDARD.encode(&look.pictures[0].bytes);
    let url = format!("data:image/jpeg;base64,{picture}");
    json!({ "messages": [{ "content": [{ "image_url": { "url": url } }] }] })
}

fn settings(base_url: &str) -> Vision {
    Vision {
        base_url: base_url.parse().unwrap(),
        model: "gpt-6-luna".to_owned(),
        mode: VisionMode::Batch,
        flex_fallback: FlexFallback::Direct,
        batches: Batches {
            max_lines: 50_000,
            max_bytes: 200_000_000,
            per_hour: 2000,
            gather: Duration::from_secs(1800),
            poll: Duration::ZERO,
        },
        api_key: None,
        headers: Vec::new(),
        ca_file: None,
        proxy: None,
        prompt: Wording::parse("What is happening?").unwrap(),
        system: None,
        answer: AnswerForm::Text,
        detail: Detail::Low,
        frames_per_request: 1,
        second_look: SecondLook::Never,
        digest: false,
        image_max_px: 640,
        jpeg_quality: 80,
        max_output_tokens: 300,
        caps: Caps::default(),
        camera_caps: std::collections::BTreeMap::new(),
        concurrency: 4,
        requests_per_minute: None,
        tokens_per_minute: None,
        timeout: Duration::from_secs(120),
        prices: vec![Price {
            model: "gpt-6-luna".to_owned(),
            rates: rates(),
            batch: rates().halved(),
            image_tokens: None,
        }],
    }
}

fn look(frame: u64, bytes: usize) -> Look {
    let mut picture = vec![0xff, 0xd8];
    picture.extend(frame.to_be_bytes());
    picture.resize(bytes, 0);
    Look {
        segment_sha256: "ab".repeat(32),
        camera: Some("gate".parse().unwrap()),
        view: "original".to_owned(),
        mapping: r#"{"mode":"original"}"#.to_owned(),
        pictures: vec![Jpeg { frame, at: Duration::from_secs(frame), bytes: Bytes::from(picture) }],
        size: PictureSize::Shrunk,
        asking: Asking::Prompt,
        time: "2026-11-25 22:00:00".to_owned(),
        labels: String::new(),
    }
}

fn looks(count: u64) -> impl Iterator<Item = Look> {
    (0..count).map(|frame| look(frame, 200))
}

/// So many questions, three in a hundred of which fail when they are asked first.
fn a_night(count: u64, rules: Rules) -> (BatchServer, Night) {
    let server = BatchServer::start(Rules { fail_permille: 30, ..rules });
    let mut night = Night::new(&server, |settings| settings.batches.max_lines = 2000);
    night.gather(looks(count));
    night.go_on();
    let answered = server.answered();
    assert_eq!(answered.len() as u64, count);
    assert!(answered.values().all(|times| *times == 1));
    assert_eq!(night.ledger("answered"), answered.keys().cloned().collect());
    let failed = night.ledger("failed").len() as u64;
    assert!(failed * 100 > count && failed * 20 < count * 19, "{failed} of {count} failed first");
    night.assert_all_answered(looks(count));
    let spent = night.catalog.spent(Clock::system().now().date_naive(), None).unwrap();
    assert_eq!(spent.usd, Usd::of_nanos(rates().halved().cost(1000, 100).nanos() * count));
    (server, night)
}

#[test]
fn five_hundred_lines_of_which_some_fail_are_all_answered_and_paid_once() {
    let (server, _) = a_night(500, Rules::default());
    assert_eq!(server.batches().len(), 2);
}

#[test]
#[ignore = "long: five thousand lines in batches of two thousand, twice"]
fn five_thousand_lines_of_which_some_fail_or_expire_are_all_answered_and_paid_once() {
    let (server, _) = a_night(5000, Rules::default());
    assert_eq!(server.batches().len(), 4);
    a_night(5000, Rules { expires_after: Some(700), ..Rules::default() });
}

#[test]
fn a_file_is_within_the_providers_limits() {
    let rules = Rules { max_lines: 40, max_bytes: 20_000, ..Rules::default() };
    let server = BatchServer::start(rules);
    let mut night = Night::new(&server, |settings| {
        (settings.batches.max_lines, settings.batches.max_bytes) = (40, 20_000);
    });
    night.gather(looks(100));
    night.go_on();
    assert_eq!(server.answered().len(), 100);
    let lines: Vec<_> = server.batches().iter().map(|batch| batch.lines).collect();
    assert!(lines.len() > 3 && lines.iter().all(|lines| *lines <= 40), "{lines:?}");
}

#[test]
fn what_the_provider_does_not_take_waits_and_is_not_lost() {
    let server = BatchServer::start(Rules { max_lines: 10, ..Rules::default() });
    let mut night = Night::new(&server, |_| {});
    night.gather(looks(20));
    night.go_on();
    let tally = night.catalog.batch_tally().unwrap();
    assert_eq!((tally.under_way, tally.asked, tally.gathered), (0, 0, 20));
    let [batch] = &night.catalog.batches().unwrap()[..] else { panic!("one batch") };
    assert_eq!(batch.state, catalog::BatchState::Failed);
    assert!(batch.error.as_ref().unwrap().contains("too many requests"), "{batch:?}");
    assert_eq!(night.catalog.spent(Clock::system().now().date_naive(), None).unwrap().usd, Usd::default());
}

#[test]
fn a_day_begins_no_more_than_fits_under_its_cap() {
    let server = BatchServer::start(Rules::default());
    let mut night = Night::new(&server, |settings| settings.caps.usd = Some(Usd::of_dollars(0.1)));
    night.gather(looks(500));
    night.go_on();
    let spent = night.catalog.spent(Clock::system().now().date_naive(), None).unwrap();
    assert!(spent.usd <= Usd::of_dollars(0.1) && spent.calls > 20, "{spent:?}");
    assert_eq!(server.answered().len() as u64, spent.calls);
    assert_eq!(night.catalog.batch_tally().unwrap().gathered, 500 - spent.calls);
}

#[test]
#[ignore = "long: 270 MB of requests are spooled"]
fn ten_thousand_gathered_frames_take_little_memory() {
    let server = BatchServer::start(Rules::default());
    let night = Night::new(&server, |_| {});
    for first in (0..10_000).step_by(64) {
        night.gather((first..(first + 64).min(10_000)).map(|frame| look(frame, 20_000)));
    }
    assert_eq!(night.catalog.batch_tally().unwrap().gathered, 10_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kb: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kb < 200_000, "{peak_kb} kB");
    let spooled: u64 = std::fs::read_dir(night.folder.path().join("batch"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(spooled > 250_000_000, "{spooled}");
}
