//! Measures how many segments a second go through the queue: offered, leased, finished.
//!
//! Each commit waits for the disk, and so one worker that leases one segment at a time shows the time of two
//! syncs. Several workers in one process share the connection and gain nothing; `lease(n)` halves it.
//!
//! usage: cargo run --release -p nightreel-catalog --example queue_speed [SEGMENTS [FOLDER]]

#![allow(clippy::print_stdout, reason = "what it measures goes to stdout")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use nightreel_catalog::{
    Catalog, FileStat, Lease, Profile, Queue, Results, SegmentFacts, SegmentId, SqliteQueue, StartSource,
};

const TTL: Duration = Duration::from_secs(3600);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let segments: u32 = match arguments.next() {
        Some(number) => number.to_string_lossy().parse()?,
        None => 10_000,
    };
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(parent)?;
    println!("{segments} segments in {}", folder.path().display());
    println!("{:>7.0} syncs/s of the disk alone", syncs(&folder.path().join("sync"))?);
    for batch in [1, 8, 64] {
        measure(&folder.path().join(format!("state{batch}")), segments, batch)?;
    }
    Ok(())
}

/// Counts how often a second this disk makes a small write durable: no queue can commit faster.
fn syncs(path: &Path) -> std::io::Result<f64> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    let begun = Instant::now();
    for _ in 0..500 {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    Ok(per_second(500, begun))
}

fn measure(state_dir: &Path, segments: u32, batch: usize) -> Result<(), Box<dyn Error>> {
    let catalog = Catalog::open(state_dir)?;
    let queue = SqliteQueue::new(catalog.clone(), 3);
    let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse()?;
    let ids = (0..segments).map(|number| add(&catalog, number, now)).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    for chunk in ids.chunks(500) {
        queue.offer(chunk, now)?;
    }
    let offered = per_second(segments, begun);
    let (mut lease_time, mut finish_time) = (Duration::ZERO, Duration::ZERO);
    loop {
        let at = Instant::now();
        let leases = queue.lease(batch, TTL, now)?;
        lease_time += at.elapsed();
        if leases.is_empty() {
            break;
        }
        let at = Instant::now();
        for lease in &leases {
            queue.finish(lease, &results(lease), now)?;
        }
        finish_time += at.elapsed();
    }
    let rate = |time: Duration| f64::from(segments) / time.as_secs_f64();
    println!(
        "{:>7.0} segments/s through, lease({batch}): {offered:.0}/s offered, {:.0}/s leased, {:.0}/s finished",
        per_second(segments, begun),
        rate(lease_time),
        rate(finish_time)
    );
    Ok(())
}

fn per_second(count: u32, begun: Instant) -> f64 {
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn add(catalog: &Catalog, number: u32, now: DateTime<Utc>) -> Result<SegmentId, Box<dyn Error>> {
    let stat = FileStat { size: 15_000_000, mtime_ns: i64::from(number), inode: u64::from(number) };
    let path = PathBuf::from(format!("/footage/{number}.mp4"));
    Ok(catalog.index_named_file(&path, stat, now)?.id)
}

/// The results of a quiet minute: twenty samples would add rows, not commits.
fn results(lease: &Lease) -> Results {
    let segment = SegmentFacts {
        camera: None,
        file: lease.segment.path.display().to_string(),
        start: "2026-11-22T12:00:00.000Z".to_owned(),
        start_source: StartSource::Mtime,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        sha256: format!("{:064x}", lease.segment.id.0),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "profile".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: vec!["original".to_owned()],
        detector: None,
        vision_model: None,
    };
    Results::new(segment, profile, Vec::new(), Vec::new())
}
