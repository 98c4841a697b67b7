//! Against aimock, a model server that others wrote: it knows nothing of what this client expects.
//!
//! `scripts/setup.sh` installs it. Without it the test says so and passes, except under CI.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use config::AnswerForm;
use nightreel_processor::vision::{Origin, Said, VisionError};
use tokio_util::sync::CancellationToken;

use crate::setting::{Setting, look, wording};

const FIXTURES: &str = r#"{"fixtures":[
    {"match":{"userMessage":"What is happening"},"response":{"content":"a person walks by"}},
    {"match":{"userMessage":"by the schema"},"response":{"content":"{\"caption\":\"a van\",\"confidence\":0.5,\"need_detail\":[],\"notable\":true,\"objects\":[\"van\"],\"people\":1,\"reason\":\"it stops\",\"tags\":[\"delivery\"]}"}},
    {"match":{"userMessage":"limited"},"response":{"error":{"message":"slow down","type":"rate_limit_error"},"status":429}},
    {"match":{"userMessage":"broken"},"response":{"error":{"message":"oops","type":"server_error"},"status":500}}
]}"#;

struct Aimock {
    child: Child,
    address: String,
    _fixtures: tempfile::TempDir,
}

impl Aimock {
    /// Starts the server on a free port, or returns nothing where it is not installed.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn start() -> Option<Self> {
        let script = script();
        if !script.exists() {
            assert!(std::env::var_os("CI").is_none(), "aimock is not installed: run scripts/setup.sh");
            println!("skipped: aimock is not installed, run scripts/setup.sh");
            return None;
        }
        let fixtures = tempfile::tempdir().unwrap();
        std::fs::write(fixtures.path().join("answers.json"), FIXTURES).unwrap();
        let mut child = Command::new("node")
            .arg(script)
            .args(["-p", "0", "-f"])
            .arg(fixtures.path())
            .env("AIMOCK_API_KEYS", crate::setting::KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let address = output.lines().map_while(Result::ok).find_map(|line| {
            let start = line.find("http://127.0.0.1:")?;
            Some(line[start..].split_whitespace().next()?.trim_end_matches('/').to_owned())
        });
        let address = address.expect("aimock prints its address");
        Some(Self { child, address, _fixtures: fixtures })
    }

    fn setting(&self) -> Setting {
        Setting::at(&format!("{}/v1", self.address))
            .with(|settings| settings.timeout = Duration::from_secs(10))
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn script() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(".cache/aimock/node_modules/@copilotkit/aimock/dist/cli.js")
}

#[tokio::test]
async fn a_foreign_server_is_understood_in_good_and_in_bad() {
    let Some(server) = Aimock::start() else { return };
    let setting = server.setting();
    let answer = setting.look(&look(0)).await.unwrap();
    assert_eq!((answer.caption(), answer.origin), (Some("a person walks by"), Origin::Asked));
    assert_eq!(setting.look(&look(0)).await.unwrap().origin, Origin::Stored);
    assert_eq!(setting.ledger().len(), 1);

    let wrong = server.setting().with(|settings| settings.api_key = Some(config::Secret::new("sk-wrong")));
    let (client, ending) = (wrong.client(), CancellationToken::new());
    assert!(matches!(client.look(&look(0), &ending).await, Err(VisionError::Stop { .. })));

    let broken = server.setting().with(|settings| settings.prompt = wording("broken"));
    assert!(matches!(broken.look(&look(0)).await, Err(VisionError::GiveBack { .. })));
    assert_eq!(broken.ledger().len(), 6);

    let unknown = server.setting().with(|settings| settings.prompt = wording("no fixture"));
    let answer = unknown.look(&look(0)).await.unwrap();
    assert!(answer.error().unwrap().contains("HTTP 404"), "{answer:?}");
}

#[tokio::test]
async fn a_foreign_server_is_asked_by_the_schema_and_for_plain_text_where_it_gives_none() {
    let Some(server) = Aimock::start() else { return };
    let json = |prompt: &str| {
        let setting = server.setting().with(|settings| settings.answer = AnswerForm::Json);
        setting.with(|settings| settings.prompt = wording(prompt))
    };
    let setting = json("by the schema");
    for origin in [Origin::Asked, Origin::Stored] {
        let answer = setting.look(&look(0)).await.unwrap();
        assert_eq!((answer.caption(), answer.origin), (Some("a van"), origin));
        let Said::Told(told) = answer.said else { panic!("it was answered") };
        let said = told.description.unwrap();
        assert_eq!((said.people, said.notable, said.tags), (1, true, vec!["delivery".to_owned()]));
    }
    let setting = json("What is happening?");
    for origin in [Origin::Asked, Origin::Stored] {
        let answer = setting.look(&look(0)).await.unwrap();
        assert_eq!((answer.caption(), answer.origin), (Some("a person walks by"), origin));
        assert!(matches!(answer.said, Said::Told(told) if told.description.is_none()));
    }
}

#[tokio::test]
async fn the_pause_a_foreign_server_asks_for_is_kept() {
    let Some(server) = Aimock::start() else { return };
    let setting = server.setting().with(|settings| {
        settings.prompt = wording("limited");
        settings.caps.calls = Some(2);
    });
    let began = std::time::Instant::now();
    let error = setting.look(&look(0)).await.unwrap_err();
    assert!(matches!(error, VisionError::CapReached(_)), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(2), "aimock asks for one second after each request");
}
