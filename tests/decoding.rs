//! Decoders that die: whoever works goes on, nothing is lost, and nothing is there twice.

use std::path::{Path, PathBuf};

use crate::support::media::{finished, put_segments, sidecars};
use crate::support::{
    Clip, FakeCamera, Nightreel, PATIENCE, Play, Running, Seen, assert_sidecar, children, eventually,
    footage, sidecar_beside,
};

fn kill_decoder(run: &Running) {
    let decoders = eventually("a decoder", PATIENCE, || {
        let decoders = children(run.id(), "decode-worker");
        (!decoders.is_empty()).then_some(decoders)
    });
    decoders.into_iter().for_each(|decoder| decoder.kill());
}

#[test]
fn segments_whose_decoder_is_killed_are_done_all_the_same() {
    let nightreel = Nightreel::new();
    nightreel.configure(
        "[process]\nevery_nth_frame = 15\nworkers = 1\n\n[detect]\nlabels = [\"person\"]\n\n\
         [[camera]]\nid = \"gate\"\n",
    );
    put_segments(&nightreel.root(), 3);
    let mut run = nightreel.start(&["process", "--once"]);
    kill_decoder(&run);

    let status = eventually("the run to end", PATIENCE, || run.ended());

    assert_eq!(status.code(), Some(0));
    let said = run.said();
    assert!(said.contains("signal: 9"), "it was killed at work: {said}");
    let gate = nightreel.root().join("gate");
    let done = finished(&gate.join("processed"));
    assert_eq!((done.len(), finished(&gate), sidecars(&gate)), (3, Vec::<PathBuf>::new(), Vec::new()));
    for file in &done {
        let sidecar = assert_sidecar(&sidecar_beside(file));
        assert_eq!(sidecar.frames(), [0, 15, 30, 45], "{}", file.display());
        assert!(sidecar.list("samples").iter().all(|sample| sample.list("views").len() <= 1));
    }
    nightreel.verify();
    let status = nightreel.status();
    assert_eq!(status["gate"]["samples"], 12, "{status}");
}

fn pictures(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".jpg"))
        .count()
}

#[test]
fn a_decoder_of_snapshots_that_dies_costs_one_of_them_and_no_footage() {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let (nightreel, url) = (Nightreel::new(), camera.url());
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 2\nsnapshot_seconds = 1\n"
    ));
    let gate = nightreel.root().join("gate");
    let mut run = nightreel.start(&["record"]);
    eventually("a picture", PATIENCE, || (pictures(&gate.join("snapshots")) > 0).then_some(()));

    kill_decoder(&run);
    let (before, segments) = (pictures(&gate.join("snapshots")), finished(&gate).len());
    eventually("pictures after", PATIENCE, || (pictures(&gate.join("snapshots")) > before + 1).then_some(()));
    eventually("a segment after", PATIENCE, || (finished(&gate).len() > segments + 1).then_some(()));

    assert_eq!(run.terminate().code(), Some(0));
    let said = run.said();
    assert!(said.contains("no snapshot could be taken") && said.contains("signal: 9"), "{said}");
    let gaps = nightreel.run(&["coverage", "--json"]).with_code(0);
    assert!(!gaps.stdout.contains("packet loss") && !gaps.stdout.contains("stalled"), "{}", gaps.stdout);
}
