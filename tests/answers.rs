//! Structured answers: from the schema that is sent to what is found, exported and shown, and what comes of answers
//! that do not fit it.

use std::fs;

use serde_json::{Value, json};

use crate::support::media::put_segments;
use crate::support::{
    Clip, Nightreel, Outcome, Received, Reply, Seen, VisionServer, assert_sidecar, footage, sidecar_beside,
};
use crate::vision::{KEY, assert_ledger_is, calls, captions, configure, process, results, statuses};

const JSON: &str = "concurrency = 1\nanswer = \"json\"";

/// An answer by the schema, whose numbers tell which request it is for.
fn answer(received: &Received) -> Value {
    let notable = received.number == 2;
    json!({
        "caption": format!("caption {}", received.number), "confidence": 0.75, "need_detail": [], "notable": notable,
        "objects": ["folding ladder"], "people": received.number, "reason": format!("reason {}", received.number),
        "tags": ["climbing", format!("tag{}", received.number)],
    })
}

fn structured() -> VisionServer {
    VisionServer::start(None, |received| Reply::Caption(answer(received).to_string()))
}

#[test]
fn a_structured_answer_is_found_shown_and_exported() {
    let server = structured();
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, JSON);
    put_segments(&nightreel.root(), 2);

    process(&nightreel, 0);

    let format = &server.journal()[0].body["response_format"];
    assert_eq!((&format["type"], &format["json_schema"]["strict"]), (&json!("json_schema"), &json!(true)));
    assert_eq!(format["json_schema"]["schema"]["additionalProperties"], false);
    let results = results(&nightreel);
    assert_eq!(captions(&results), ["caption 1", "caption 2", "caption 3", "caption 4"].map(Some));
    let described: Vec<_> = results.iter().flat_map(Seen::views).map(|view| &view["description"]).collect();
    assert_eq!(
        *described[1],
        json!({
            "tags": ["climbing", "tag2"], "objects": ["folding ladder"], "people": 2, "notable": true,
            "reason": "reason 2", "confidence": 0.75,
        })
    );
    let folder = nightreel.root().join("gate/processed");
    let cues = fs::read_to_string(folder.join("segment_20261122_220000.vtt")).unwrap();
    assert!(cues.contains("\ncaption 1\n") && cues.contains("\ncaption 2 · notable: reason 2\n"), "{cues}");

    let events = nightreel.run(&["events", "--json"]).with_code(0).json_lines();
    let gist = json!({
        "tags": ["climbing", "tag1", "tag2", "tag3", "tag4"], "objects": ["folding ladder"], "people": 4,
        "notable": true, "reasons": ["reason 2"],
    });
    assert_eq!(events.iter().map(|event| &event["gist"]).collect::<Vec<_>>(), [&gist]);
    let table = nightreel.run(&["events", "--notable"]).with_code(0).stdout;
    assert!(table.contains("! reason 2"), "{table}");
    assert_eq!(nightreel.run(&["search", "tag3 ladd", "--json"]).with_code(0).json_lines().len(), 1);
    assert_eq!(nightreel.run(&["search", "tag9", "--json"]).with_code(0).json_lines().len(), 0);

    let rows = nightreel.run(&["export", "--json"]).with_code(0).json_lines();
    assert_eq!((&rows[1]["tags"], &rows[1]["notable"]), (&json!("climbing, tag2"), &json!(true)));
    let csv = nightreel.run(&["export", "--format", "csv"]).with_code(0).stdout;
    let line = csv.lines().nth(2).unwrap();
    assert!(line.ends_with(",\"climbing, tag2\",folding ladder,2,true,reason 2,0.75"), "{line}");
    nightreel.run(&["export", "--format", "parquet", "--out", "rows.parquet"]).with_code(0);
    nightreel.verify();
}

#[test]
fn what_is_not_notable_is_left_out_where_only_that_is_wanted() {
    let server = structured();
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, JSON);
    put_segments(&nightreel.root(), 1);
    let all = |flags: &[&str]| {
        let flags = [&["events", "--json"], flags].concat();
        nightreel.run(&flags).with_code(0).json_lines().len()
    };
    process(&nightreel, 0);
    assert_eq!((all(&[]), all(&["--notable"])), (1, 1));
    nightreel.run(&["search", "climbing", "--notable", "--from", "2026-11-23", "--json"]).with_code(0);

    let quiet = VisionServer::start(None, |received| {
        let mut answer = answer(received);
        answer["notable"] = false.into();
        Reply::Caption(answer.to_string())
    });
    let elsewhere = Nightreel::new();
    configure(&elsewhere, &quiet, JSON);
    put_segments(&elsewhere.root(), 1);
    process(&elsewhere, 0);
    assert_eq!(elsewhere.run(&["events", "--json", "--notable"]).with_code(0).json_lines().len(), 0);
    assert_eq!(elsewhere.run(&["events", "--json"]).with_code(0).json_lines().len(), 1);
}

#[test]
fn a_structured_answer_that_was_paid_for_is_read_back_whole() {
    let server = structured();
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, JSON);
    let file = nightreel.copy_in(&footage(Clip::default()), "old/clip.mp4");
    let look = |every: &str| {
        let mut command = nightreel.command(&["process", "old", "--every", every]);
        Outcome::of(command.env("VISION_KEY", KEY)).with_code(0);
        let sidecar = assert_sidecar(&sidecar_beside(&file));
        sidecar.views().iter().map(|view| view["description"]["people"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(look("30"), [1, 2]);
    assert_eq!(look("15"), [1, 3, 2, 4]);
    assert_eq!(server.journal().len(), 4);
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_once_more_and_then_fails() {
    let server = VisionServer::start(None, |received| {
        let mut answer = answer(received);
        match received.number {
            1 => answer["people"] = "a burglar".into(),
            2 => {}
            _ => drop(answer.as_object_mut().unwrap().remove("tags")),
        }
        Reply::Caption(answer.to_string())
    });
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, JSON);
    put_segments(&nightreel.root(), 1);

    let outcome = process(&nightreel, 0).telling(&["`tags` is missing"]);
    assert!(!outcome.said().contains("burglar"), "{}", outcome.said());

    let results = results(&nightreel);
    assert_eq!(captions(&results), [Some("caption 2"), None]);
    let calls = calls(&results);
    assert_eq!(statuses(&calls), [("answered", 1), ("failed", 3)].into());
    assert_ledger_is(&calls, &server.journal());
}

/// Asks about two segments and returns how many of the requests carried a schema.
fn asked_by_schema(server: &VisionServer) -> usize {
    let nightreel = Nightreel::new();
    configure(&nightreel, server, JSON);
    put_segments(&nightreel.root(), 2);
    let outcome = process(&nightreel, 0);
    let told = outcome.said().matches("answers by no schema").count();
    assert_eq!(told, 1, "{}", outcome.said());
    let results = results(&nightreel);
    assert!(captions(&results).iter().all(|caption| caption.is_some_and(|text| text.starts_with("plain"))));
    assert!(results.iter().flat_map(Seen::views).all(|view| view.get("description").is_none()));
    assert_ledger_is(&calls(&results), &server.journal());
    server.journal().iter().filter(|received| received.body.get("response_format").is_some()).count()
}

#[test]
fn a_server_that_knows_no_schemas_is_asked_for_plain_text() {
    for status in [400, 404, 422] {
        let server =
            VisionServer::start(None, move |received| match received.body.get("response_format").is_some() {
                true => Reply::error(status, "unsupported", "response_format is not supported"),
                false => Reply::Caption(format!("plain {}", received.number)),
            });
        assert_eq!(asked_by_schema(&server), 1, "{status}");
        assert_eq!(server.journal().len(), 5);
    }
    let deaf = VisionServer::start(None, |received| Reply::Caption(format!("plain {}", received.number)));
    assert_eq!(asked_by_schema(&deaf), 1);
    assert_eq!(deaf.journal().len(), 4);
}
