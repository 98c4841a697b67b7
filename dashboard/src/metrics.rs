//! `/metrics` for Prometheus, `/healthz` and `/readyz`. Labels are cameras and states, and nothing that grows.

use std::fmt::Write;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::fault::Made;
use crate::figures::{Status, StatusCamera, Vision, Wanted};
use crate::pages::{Pages, Shared};

pub(crate) async fn metrics(State(pages): Shared) -> Response {
    match pages.make(|pages| Ok(written(&pages.read_figure(Wanted::Status)?))).await {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(fault) => fault.json(),
    }
}

/// Ready is who can read the catalogue and sees the root's disk.
pub(crate) async fn ready(State(pages): Shared) -> Response {
    match pages.make(look).await {
        Ok(true) => "ready".into_response(),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "`storage.root` is not there; is its disk mounted?\n")
            .into_response(),
        Err(fault) => fault.json(),
    }
}

fn look(pages: &Pages) -> Made<bool> {
    pages.site.catalog.clock_doubt()?;
    Ok(pages.site.settings.storage.root.is_dir())
}

/// The samples of one name, with what is said of it.
struct Metric<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl<'a> Metric<'a> {
    fn gauge(text: &'a mut String, name: &'a str, help: &str) -> Self {
        Self::new(text, (name, "gauge"), help)
    }

    fn counter(text: &'a mut String, name: &'a str, help: &str) -> Self {
        Self::new(text, (name, "counter"), help)
    }

    fn new(text: &'a mut String, (name, kind): (&'a str, &str), help: &str) -> Self {
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Self { text, name }
    }

    fn is(&mut self, value: f64) {
        let _ = writeln!(self.text, "{} {value}", self.name);
    }

    fn of(&mut self, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let _ = writeln!(self.text, "{}{{{}}} {value}", self.name, labels.join(","));
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn written(status: &Status) -> String {
    let mut text = String::new();
    let disk = &status.disk;
    Metric::gauge(&mut text, "nightreel_disk_total_bytes", "Size of the root's disk.")
        .is(disk.total_bytes as f64);
    Metric::gauge(&mut text, "nightreel_disk_free_bytes", "Free on the root's disk.")
        .is(disk.free_bytes as f64);
    let open = f64::from(u8::from(status.window.open));
    Metric::gauge(&mut text, "nightreel_window_open", "1 while the processing window is open.").is(open);
    let mut jobs = Metric::gauge(&mut text, "nightreel_queue_segments", "Segments in the queue, by state.");
    let queue = &status.queue;
    let states = [
        ("queued", queue.queued),
        ("delayed", queue.delayed),
        ("leased", queue.leased),
        ("dead", queue.dead),
    ];
    states.iter().for_each(|(state, count)| jobs.of(&[("state", state)], *count as f64));
    write_cameras(&mut text, &status.cameras);
    if let Some(vision) = &status.vision {
        write_vision(&mut text, vision);
    }
    text
}

fn write_cameras(text: &mut String, cameras: &[StatusCamera]) {
    let mut segments = Metric::gauge(text, "nightreel_segments", "Segments by camera and state.");
    for camera in cameras {
        for (state, count) in &camera.segments {
            segments.of(&[("camera", &camera.id), ("state", state)], *count as f64);
        }
    }
    let mut bytes = Metric::gauge(text, "nightreel_camera_held_bytes", "Bytes of footage on the disk.");
    cameras.iter().for_each(|camera| bytes.of(&[("camera", &camera.id)], camera.bytes as f64));
    write_health(text, cameras);
    write_gates(text, cameras);
}

fn write_health(text: &mut String, cameras: &[StatusCamera]) {
    let healths = || cameras.iter().filter_map(|camera| Some((camera.id.as_str(), camera.health.as_ref()?)));
    let mut live = Metric::gauge(text, "nightreel_camera_recording", "1 while the recorder has a picture.");
    for (id, health) in healths() {
        live.of(&[("camera", id)], f64::from(u8::from(health.live && health.state == "recording")));
    }
    let mut rate = Metric::gauge(text, "nightreel_camera_bits_per_second", "Bitrate of the stream.");
    healths().for_each(|(id, health)| rate.of(&[("camera", id)], health.bits_per_second as f64));
    let mut last =
        Metric::gauge(text, "nightreel_camera_last_frame_timestamp_seconds", "When its last frame came.");
    for (id, health) in healths() {
        if let Some(at) = health.last_frame {
            last.of(&[("camera", id)], at.timestamp_millis() as f64 / 1000.0);
        }
    }
    let mut frames =
        Metric::counter(text, "nightreel_camera_frames_total", "Frames since the recorder began.");
    healths().for_each(|(id, health)| frames.of(&[("camera", id)], health.frames as f64));
    let mut lost =
        Metric::counter(text, "nightreel_camera_packets_lost_total", "Packets that did not arrive.");
    healths().for_each(|(id, health)| lost.of(&[("camera", id)], health.packets_lost as f64));
    let mut again = Metric::counter(text, "nightreel_camera_reconnects_total", "Connections begun anew.");
    healths().for_each(|(id, health)| again.of(&[("camera", id)], health.reconnects as f64));
}

fn write_gates(text: &mut String, cameras: &[StatusCamera]) {
    let mut frames =
        Metric::gauge(text, "nightreel_gate_frames", "Frames of seven days, by what the gate did.");
    for camera in cameras {
        let Some(gate) = &camera.gate else { continue };
        let of = [
            ("sampled", gate.samples),
            ("kept", gate.kept),
            ("audited", gate.audited),
            ("missed", gate.missed),
        ];
        of.iter().for_each(|(did, count)| frames.of(&[("camera", &camera.id), ("did", did)], *count as f64));
    }
}

fn write_vision(text: &mut String, vision: &Vision) {
    let mut gauge = |name, help, value| Metric::gauge(text, name, help).is(value);
    gauge("nightreel_vision_day_calls", "Calls of the caps' day.", vision.calls_today as f64);
    gauge("nightreel_vision_day_tokens", "Tokens of the caps' day.", vision.tokens_today as f64);
    gauge("nightreel_vision_day_dollars", "Dollars of the caps' day.", vision.usd_today);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_breaks_a_line() {
        let mut text = String::new();
        Metric::gauge(&mut text, "a", "b.").of(&[("camera", "x\"y\\z\nw")], 1.5);
        assert_eq!(text, "# HELP a b.\n# TYPE a gauge\na{camera=\"x\\\"y\\\\z\\nw\"} 1.5\n");
    }
}
