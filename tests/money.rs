//! Money and patience: caps that hold over processes, what a kill leaves in the ledger, and a pause.

use std::process::Command;
use std::time::Duration;

use chrono::{Timelike, Utc};
use serde_json::{Value, json};

use crate::support::media::{finished, put_segments};
use crate::support::{Nightreel, Outcome, PATIENCE, Reply, Running, VisionServer, eventually};

fn configure(nightreel: &Nightreel, server: &VisionServer, (process, vision): (&str, &str)) {
    let base_url = server.base_url();
    // Where it is not about midnight, when the day's count begins anew.
    let zone = if (1..=22).contains(&Utc::now().hour()) { "UTC" } else { "Asia/Tokyo" };
    nightreel.configure(&format!(
        "[process]\ntimezone = \"{zone}\"\n{process}\n\n[detect]\nenabled = false\n\n[[camera]]\nid = \"gate\"\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\n{vision}\n\n\
         [[vision.price]]\nmodel = \"gpt-6-luna\"\ninput_per_million = 1.0\noutput_per_million = 10.0\n"
    ));
}

fn process(nightreel: &Nightreel) -> Command {
    nightreel.command(&["process", "--once", "--json"])
}

fn ledger(nightreel: &Nightreel, more: &[&str]) -> Vec<Value> {
    let arguments: Vec<_> = ["ledger", "--json"].iter().chain(more).copied().collect();
    nightreel.run(&arguments).with_code(0).json_lines()
}

#[test]
fn two_processes_of_eight_workers_do_not_exceed_a_cap() {
    let server = VisionServer::start(None, |received| {
        Reply::Caption(format!("caption {}", received.number)).late(Duration::from_millis(20))
    });
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, ("workers = 8", "concurrency = 16\nmax_usd_per_day = 0.02"));
    put_segments(&nightreel.root(), 10);

    let mut both = [Running::spawn(process(&nightreel)), Running::spawn(process(&nightreel))];
    for run in &mut both {
        let ended = eventually("the run ends at the cap", PATIENCE, || run.ended());
        assert_eq!(ended.code(), Some(0), "{}", run.said());
    }
    let said = both.iter().map(Running::said).collect::<String>();
    assert!(said.contains("`vision.max_usd_per_day = 0.02` is reached"), "{said}");

    let [sum] = &ledger(&nightreel, &["--sum", "camera"])[..] else { panic!("one camera") };
    assert!(sum["counted_usd"].as_f64().unwrap() <= 0.02, "{sum}");
    assert!(sum["calls"].as_u64().unwrap() > 4, "{sum}");
    assert_eq!(sum["calls"], server.journal().len());
    assert_eq!(sum["of"], "gate");
    let status = nightreel.status();
    assert_eq!(status["vision"]["deferred"][0]["cap"], "vision.max_usd_per_day");
    assert_eq!(status["vision"]["deferred"][0]["segments"], status["backlog"]);
    nightreel.run(&["status"]).with_code(0);
    nightreel.verify();
}

#[test]
fn a_kill_between_sending_and_storing_keeps_what_was_set_aside() {
    let server = VisionServer::scripted([Reply::Hang]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, ("workers = 1", "concurrency = 1"));
    put_segments(&nightreel.root(), 1);

    let mut run = Running::spawn(process(&nightreel));
    server.wait_for(1);
    assert!(run.kill(), "{}", run.said());
    let aside = nightreel.status()["vision"]["usd_today"].as_f64().unwrap();
    assert!(aside > 0.003, "an answer of 300 tokens may come to that: {aside}");
    Outcome::of(&mut process(&nightreel)).with_code(0);

    let rows = ledger(&nightreel, &[]);
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["unknown", "answered", "answered"]);
    assert_eq!((&rows[0]["counted_usd"], &rows[0]["cost_usd"]), (&json!(aside), &Value::Null));
    assert_eq!(server.journal().len(), 3, "only what was under way is asked again");
    let table = nightreel.run(&["ledger"]).with_code(0).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("in flight when nightreel ended"), "{table}");
}

#[test]
fn a_pause_is_heeded_by_a_process_that_runs_and_by_those_to_come() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, ("workers = 1", ""));
    put_segments(&nightreel.root(), 1);
    nightreel.run(&["pause", "--reason", "guests"]).with_code(0);
    assert_eq!(nightreel.status()["paused"]["reason"], "guests");

    Outcome::of(&mut process(&nightreel)).with_code(0).telling(&["nightreel resume"]);
    let mut running = nightreel.start(&["process"]);
    eventually("it says that it is paused", PATIENCE, || {
        running.said().contains("nightreel resume").then_some(())
    });
    assert_eq!(server.journal().len(), 0);
    nightreel.run(&["resume"]).with_code(0);
    let processed = nightreel.root().join("gate/processed");
    eventually("it goes on", PATIENCE, || (finished(&processed).len() == 1).then_some(()));
    assert!(running.terminate().success());
    assert_eq!(nightreel.status()["paused"], Value::Null);
}

#[test]
fn an_estimate_goes_by_what_past_runs_took() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, ("workers = 1", "max_usd_per_day = 1.0"));
    put_segments(&nightreel.root(), 2);
    Outcome::of(&mut process(&nightreel)).with_code(0);
    nightreel.run(&["pause"]).with_code(0);
    put_segments(&nightreel.root(), 3);
    Outcome::of(&mut process(&nightreel)).with_code(0);

    let vision = nightreel.run(&["estimate", "--json"]).with_code(0).json()["vision"].clone();
    assert_eq!((&vision["basis"], &vision["segments"]), (&json!("past-runs"), &json!(3)));
    // Two looks each, at a thousand tokens asked and a hundred answered.
    let expected = (&json!(6), &json!(0), &json!(6000), &json!(600));
    let found =
        (&vision["requests"], &vision["plus_minus"], &vision["input_tokens"], &vision["output_tokens"]);
    assert_eq!(found, expected, "{vision}");
    assert!((vision["usd"].as_f64().unwrap() - 0.012).abs() < 1e-6, "{vision}");
    assert_eq!(vision["nights"], 1);
    let text = nightreel.run(&["estimate"]).with_code(0).stdout;
    assert!(text.contains("6 ± 0 requests") && text.contains("as past runs went"), "{text}");
}

#[test]
fn an_estimate_without_past_runs_knows_how_many_pictures_go_together() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    put_segments(&nightreel.root(), 2);
    let estimate = |keys: &str| {
        configure(&nightreel, &server, ("workers = 1", keys));
        nightreel.run(&["pause"]).with_code(0);
        Outcome::of(&mut process(&nightreel)).with_code(0);
        nightreel.run(&["estimate", "--json"]).with_code(0).json()["vision"].clone()
    };
    let (alone, together) = (estimate(""), estimate("frames_per_request = 4"));
    assert_eq!((&alone["basis"], &together["basis"]), (&json!("worst-case"), &json!("worst-case")));
    let number = |vision: &Value, key: &str| vision[key].as_u64().unwrap();
    assert_eq!(number(&alone, "requests"), number(&alone, "frames"));
    assert_eq!(number(&together, "requests"), number(&alone, "requests") / 4);
    // The pictures cost the same; prompts and answers are paid once for four.
    assert!(number(&together, "input_tokens") < number(&alone, "input_tokens"));
    assert_eq!(number(&together, "output_tokens"), number(&alone, "output_tokens") / 4);
}
