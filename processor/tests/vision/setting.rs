//! The setting of a test: a catalogue in a temporary folder, a client with short waits, and looks to ask.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use catalog::{Call, Catalog, Clock};
use chrono::{DateTime, Utc};
use config::{
    AnswerForm, Batches, Caps, Detail, FlexFallback, Price, Rate, Rates, SecondLook, Secret, Vision,
    VisionMode, Windows, Wording,
};
use nightreel_processor::vision::{
    Answer, Asking, Jpeg, Look, PictureSize, Probe, RetryPolicy, VisionClient, VisionError,
};
use tokio_util::sync::CancellationToken;

use crate::vision_server::VisionServer;

pub(crate) const KEY: &str = "sk-secret-of-the-test";
pub(crate) const MODEL: &str = "gpt-6-luna";

pub(crate) struct Setting {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) catalog: Catalog,
    pub(crate) settings: Vision,
}

impl Setting {
    pub(crate) fn of(server: &VisionServer) -> Self {
        Self::at(&server.base_url())
    }

    pub(crate) fn at(base_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let rates = Rates { input: Rate::per_million(0.10), output: Rate::per_million(0.50) };
        let settings = Vision {
            base_url: base_url.parse().unwrap(),
            model: MODEL.to_owned(),
            mode: VisionMode::Direct,
            flex_fallback: FlexFallback::Direct,
            batches: Batches {
                max_lines: 50_000,
                max_bytes: 200_000_000,
                per_hour: 2000,
                gather: Duration::from_secs(1800),
                poll: Duration::from_secs(60),
            },
            api_key: Some(Secret::new(KEY)),
            headers: Vec::new(),
            ca_file: None,
            proxy: None,
            prompt: wording("What is happening?"),
            system: None,
            answer: AnswerForm::Text,
            detail: Detail::Low,
            frames_per_request: 1,
            second_look: SecondLook::Never,
            digest: false,
            image_max_px: 640,
            jpeg_quality: 80,
            max_output_tokens: 300,
            caps: Caps { calls: Some(1000), ..Caps::default() },
            camera_caps: BTreeMap::new(),
            concurrency: 4,
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout: Duration::from_millis(300),
            prices: vec![Price { model: MODEL.to_owned(), rates, batch: rates.halved(), image_tokens: None }],
        };
        Self { folder, catalog, settings }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Vision)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn client(&self) -> VisionClient {
        self.try_client().unwrap()
    }

    /// Makes a client whose retry rules are those of the program, a thousand times faster.
    pub(crate) fn try_client(&self) -> Result<VisionClient, VisionError> {
        let windows = Windows::parse(chrono_tz::UTC, &[] as &[&str]).unwrap();
        let client =
            VisionClient::new(&self.settings, &windows, self.catalog.clone(), Clock::standing(now()))?;
        Ok(client.with_policy(RetryPolicy {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(60),
            ..RetryPolicy::default()
        }))
    }

    /// Makes a client that takes no time between tries, and leaves no server alone for long.
    pub(crate) fn impatient_client(&self) -> VisionClient {
        self.client().with_policy(RetryPolicy {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(4),
            rest: Duration::from_millis(1),
            server_rest: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
    }

    pub(crate) async fn probe(&self) -> Probe {
        Probe::of(&self.settings).await.unwrap()
    }

    pub(crate) async fn look(&self, look: &Look) -> Result<Answer, VisionError> {
        self.client().look(look, &CancellationToken::new()).await
    }

    /// The ledger's rows of the looks that [`look`] makes.
    pub(crate) fn ledger(&self) -> Vec<Call> {
        self.catalog.calls_of(&sha256(), &self.settings.model).unwrap()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.ledger().into_iter().map(|call| call.status).collect()
    }

    /// Fails unless every request the server saw has exactly its row, and every row its request.
    pub(crate) fn assert_ledger_is_the_journal(&self, server: &VisionServer) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for received in server.journal() {
            *seen.entry(received.request_id().to_owned()).or_default() += 1;
        }
        let rows: HashMap<String, usize> =
            self.ledger().into_iter().map(|call| (call.request_id, 1)).collect();
        assert_eq!(seen, rows);
    }
}

/// The time at which the tests' clock stands.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-22T01:00:00Z".parse().unwrap()
}

pub(crate) fn sha256() -> String {
    "ab".repeat(32)
}

pub(crate) fn look(frame: u64) -> Look {
    let bytes = Bytes::from(format!("picture of frame {frame}"));
    Look {
        segment_sha256: sha256(),
        camera: Some("gate".parse().unwrap()),
        view: "original".to_owned(),
        mapping: r#"{"mode":"original"}"#.to_owned(),
        pictures: vec![Jpeg { frame, at: Duration::from_secs(frame / 30), bytes }],
        size: PictureSize::Shrunk,
        asking: Asking::Prompt,
        time: "2026-11-22 02:00:00".to_owned(),
        labels: String::new(),
    }
}

pub(crate) fn wording(text: &str) -> Wording {
    Wording::parse(text).unwrap()
}
