//! What the vision model is asked: texts with their variables, several pictures at once, and a closer look where it is
//! wanted.

use std::fs;

use serde_json::{Value, json};

use crate::support::media::{let_rest, put_segments, sidecars};
use crate::support::{
    Clip, DOME, Nightreel, Outcome, Received, Reply, Seen, VisionServer, assert_sidecar, dome_footage,
    footage, sidecar_beside,
};
use crate::vision::{KEY, assert_ledger_is, calls, captions, configure, process, results};

/// What a request asks in words.
fn text(received: &Received) -> &str {
    let messages = received.body["messages"].as_array().unwrap();
    messages.last().unwrap()["content"][0]["text"].as_str().unwrap()
}

/// Says what it was asked, and with how many pictures.
fn echo() -> VisionServer {
    VisionServer::start(None, |received| {
        Reply::Caption(format!("{} {}", received.images.len(), text(received)))
    })
}

/// A config of a camera `gate` whose prompt names all variables, in a file.
fn configure_prompt(nightreel: &Nightreel, server: &VisionServer, sections: &str) {
    nightreel.write("prompt.txt", "{camera}/{view} at {time}: {labels}, as {\"json\": 1}?\n");
    let base_url = server.base_url();
    nightreel.configure(&format!(
        "[process]\nworkers = 1\ntimezone = \"Europe/Berlin\"\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\nanswer = \"text\"\nconcurrency = 1\nprompt_file = \"prompt.txt\"\n\
         system = \"You watch {{view}}.\"\n{sections}"
    ));
}

#[test]
fn the_texts_name_camera_view_local_time_and_what_was_detected() {
    let server = echo();
    let nightreel = Nightreel::new();
    configure_prompt(&nightreel, &server, "\n[detect]\nlabels = [\"person\"]\n\n[[camera]]\nid = \"gate\"\n");
    put_segments(&nightreel.root(), 1);

    nightreel.run(&["process", "--once"]).with_code(0);

    let journal = server.journal();
    let asked: Vec<_> = journal.iter().map(text).collect();
    let second =
        |second: u32| format!("gate/original at 2026-11-22 23:00:{second:02}: person, as {{\"json\": 1}}?");
    assert_eq!(asked, [second(0), second(3)]);
    assert_eq!(journal[0].body["messages"][0], json!({"role": "system", "content": "You watch original."}));
}

#[test]
fn a_text_with_its_time_is_the_same_question_when_it_is_asked_again() {
    let server = echo();
    let nightreel = Nightreel::new();
    configure_prompt(&nightreel, &server, "\n[detect]\nenabled = false\n");
    let file = nightreel.copy_in(&footage(Clip::default()), "old/segment_20261122_220000.mp4");
    let look = |every: &str| {
        nightreel.run(&["process", "old", "--every", every]).with_code(0);
        captions(&[assert_sidecar(&sidecar_beside(&file))]).len()
    };
    assert_eq!((look("30"), server.journal().len()), (2, 2));
    assert_eq!((look("15"), server.journal().len()), (4, 4));
    assert!(text(&server.journal()[0]).starts_with("unknown/original at 2026-11-22 23:00:00: nothing,"));
}

#[test]
fn pictures_of_one_view_go_together_and_the_answer_counts_for_all() {
    let server = echo();
    let nightreel = Nightreel::new();
    let base_url = server.base_url();
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 10\nworkers = 1\n\n[gate]\nenabled = false\n\n[detect]\nenabled = false\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\nanswer = \"text\"\nprompt = \"{{view}}\"\n\
         frames_per_request = 4\n\n[[camera]]\nid = \"dome\"\n{DOME}"
    ));
    let_rest(&nightreel.copy_in(&dome_footage(6), nightreel.root().join("dome/a.mp4")));

    nightreel.run(&["process", "--once"]).with_code(0);

    let results = assert_sidecar(&nightreel.root().join("dome/processed/a.mp4.json"));
    let mut asked: Vec<_> =
        server.journal().iter().map(|received| (text(received).to_owned(), received.images.len())).collect();
    asked.sort();
    let apart = |times: &str| format!("\n\nThe pictures are of one camera, in order of time: {times}.");
    let [four, two] = ["1 at 0.0 s, 2 at 1.0 s, 3 at 2.0 s, 4 at 3.0 s", "1 at 0.0 s, 2 at 1.0 s"].map(apart);
    let expected = ["left", "right"].map(|view| [(format!("{view}{two}"), 2), (format!("{view}{four}"), 4)]);
    let mut expected = expected.concat();
    expected.sort();
    assert_eq!(asked, expected);
    for (number, sample) in results.list("samples").iter().enumerate() {
        for view in sample.list("views") {
            let (view, caption) = (view["view"].as_str().unwrap(), view["caption"].as_str().unwrap());
            let pictures = if number < 4 { 4 } else { 2 };
            assert!(
                caption.starts_with(&format!("{pictures} {view} The pictures")),
                "{number} {view}: {caption}"
            );
        }
    }
}

/// Splits the frames that were looked at into activities, by the reasons that the gate gives.
fn activities(results: &[Value]) -> Vec<usize> {
    let mut sizes: Vec<usize> = Vec::new();
    for sidecar in results {
        let mut is_open = false;
        for sample in sidecar.list("samples") {
            match sample["gate"]["reason"].as_str().unwrap() {
                "activity" | "last" if is_open => *sizes.last_mut().unwrap() += 1,
                "quiet" | "audit" => {}
                _ => sizes.push(1),
            }
            is_open = matches!(sample["gate"]["reason"].as_str(), Some("first" | "activity"));
        }
    }
    sizes
}

#[test]
fn pictures_of_two_activities_never_go_together() {
    let server = echo();
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1\nframes_per_request = 12");
    let folder = tempfile::tempdir().unwrap();
    let night = crate::gate::night(folder.path());
    // Those with a walker.
    for minute in [5, 7] {
        crate::gate::put(&nightreel, minute, &night[minute]);
    }
    let mut command = nightreel.command(&["process", "--once"]);
    command.env("VISION_KEY", KEY).env("NIGHTREEL__PROCESS__EVERY_NTH_FRAME", "1");
    Outcome::of(&mut command).with_code(0);

    let files = sidecars(&nightreel.root().join("gate/processed"));
    let results: Vec<_> = files.iter().map(|file| assert_sidecar(file)).collect();
    assert_eq!(results.len(), 2);
    let sizes: Vec<_> = server.journal().iter().map(|received| received.images.len()).collect();
    let expected: Vec<_> = activities(&results).into_iter().flat_map(|size| chunks(size, 12)).collect();
    assert_eq!(sizes, expected);
    assert!(sizes.len() > 2 && sizes.iter().any(|&size| size > 4), "{sizes:?}");
    assert_ledger_is(&calls(&results), &server.journal());
}

fn chunks(size: usize, most: usize) -> Vec<usize> {
    (0..size).step_by(most).map(|from| most.min(size - from)).collect()
}

/// Width and height of a JPEG, out of its frame header.
fn size_of(jpeg: &[u8]) -> [usize; 2] {
    let at = jpeg.windows(2).position(|mark| matches!(mark, [0xff, 0xc0 | 0xc2])).unwrap();
    let number = |at: usize| usize::from(jpeg[at]) << 8 | usize::from(jpeg[at + 1]);
    [number(at + 7), number(at + 5)]
}

/// Wants to see the second of several pictures larger, and says what it saw of one that is.
fn curious(received: &Received) -> Reply {
    let is_larger = size_of(&received.images[0])[0] > 320;
    let need_detail = if is_larger { json!([1]) } else { json!([2, 7]) };
    Reply::Caption(
        json!({
            "caption": if is_larger { "close" } else { "far" }, "confidence": 0.5, "need_detail": need_detail,
            "notable": is_larger, "objects": [], "people": received.images.len(), "reason": "so", "tags": [],
        })
        .to_string(),
    )
}

#[test]
fn only_what_the_first_answer_wants_to_see_larger_is_sent_again_in_full() {
    let server = VisionServer::start(None, curious);
    let nightreel = Nightreel::new();
    let keys = "answer = \"json\"\nconcurrency = 1\nframes_per_request = 3\nimage_max_px = 320\nsecond_look = true\n\n\
                [gate]\nenabled = false";
    configure(&nightreel, &server, keys);
    let file = nightreel.copy_in(&footage(Clip::default()), "old/clip.mp4");
    let look = || {
        let mut command = nightreel.command(&["process", "old", "--every", "20"]);
        Outcome::of(command.env("VISION_KEY", KEY)).with_code(0);
        assert_sidecar(&sidecar_beside(&file))
    };

    let sidecar = look();

    let captions = [sidecar.clone()];
    assert_eq!(crate::vision::captions(&captions), ["far", "close", "far"].map(Some));
    let journal = server.journal();
    let sent: Vec<Vec<_>> =
        journal.iter().map(|received| received.images.iter().map(|jpeg| size_of(jpeg)).collect()).collect();
    assert_eq!(sent, [vec![[320, 240]; 3], vec![[768, 576]]]);
    let details: Vec<_> =
        journal.iter().map(|r| r.body["messages"][0]["content"][1]["image_url"]["detail"].clone()).collect();
    assert_eq!(details, ["low", "high"]);
    assert_ledger_is(&calls(&captions), &journal);

    fs::remove_file(sidecar_beside(&file)).unwrap();
    assert_eq!(look()["samples"], sidecar["samples"]);
    assert_eq!(server.journal().len(), 2, "neither is bought twice");
}

#[test]
fn a_second_look_keeps_to_the_caps() {
    let server = VisionServer::start(None, curious);
    let nightreel = Nightreel::new();
    let keys = |calls: u32| {
        format!(
            "answer = \"json\"\nconcurrency = 1\nframes_per_request = 2\nimage_max_px = 320\nsecond_look = true\n\
             max_calls_per_day = {calls}\n\n[gate]\nenabled = false"
        )
    };
    configure(&nightreel, &server, &keys(1));
    put_segments(&nightreel.root(), 1);
    process(&nightreel, 0).telling(&["vision.max_calls_per_day"]);
    assert_eq!((server.journal().len(), results(&nightreel).len()), (1, 0));

    configure(&nightreel, &server, &keys(2));
    process(&nightreel, 0);
    assert_eq!(captions(&results(&nightreel)), ["far", "close"].map(Some));
    assert_eq!(server.journal().len(), 2);
}
