//! What an MQTT broker is told: the topics of events and states, and the devices that Home Assistant makes of them.

use config::{Camera, Mqtt};
use serde_json::{Value, json};

use super::Subjects;

/// A message to the broker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: String,
    /// Stays with the broker, for whoever comes later.
    pub(super) is_kept: bool,
}

impl Message {
    fn event(topic: String, payload: impl Into<String>) -> Self {
        Self { topic, payload: payload.into(), is_kept: false }
    }

    fn state(topic: String, payload: impl Into<String>) -> Self {
        Self { topic, payload: payload.into(), is_kept: true }
    }
}

/// What is told, and how it is with the cameras and the disk.
#[derive(Debug)]
pub(super) struct Topics {
    topic: String,
    discovery_prefix: Option<String>,
    subjects: Subjects,
    cameras: Vec<Watched>,
    is_disk_full: bool,
}

#[derive(Debug)]
struct Watched {
    id: String,
    /// Nightreel itself takes its stream.
    is_recorded: bool,
    is_lost: bool,
}

impl Topics {
    pub(super) fn new(broker: &Mqtt, cameras: &[Camera], subjects: Subjects) -> Self {
        let watched = |camera: &Camera| Watched {
            id: camera.id.to_string(),
            is_recorded: subjects.recording && camera.source.is_some(),
            is_lost: false,
        };
        Self {
            topic: broker.topic.clone(),
            discovery_prefix: broker.discovery_prefix.clone(),
            subjects,
            cameras: cameras.iter().map(watched).collect(),
            is_disk_full: false,
        }
    }

    /// Returns the state that says whether this process is there, of one that records: the others come and go.
    pub(super) fn presence(&self, is_there: bool) -> Option<Message> {
        let word = if is_there { "online" } else { "offline" };
        self.subjects.recording.then(|| Message::state(self.status_topic(), word))
    }

    /// Returns what a broker is told that may know nothing of this process: devices, then states.
    pub(super) fn greeting(&self) -> Vec<Message> {
        let cameras = self.cameras.iter().filter(|camera| camera.is_recorded);
        let mut messages = self.announcements();
        messages.extend(cameras.map(|camera| self.recording_state(camera)));
        messages.extend(self.subjects.recording.then(|| self.disk_state()));
        messages.extend(self.presence(true));
        messages
    }

    /// Returns what follows from an event, given as JSON.
    pub(super) fn messages(&mut self, text: &str) -> Vec<Message> {
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        let name = event["event"].as_str().unwrap_or("event").to_owned();
        let mut messages = vec![Message::event(format!("{}/events/{name}", self.topic), text)];
        match name.as_str() {
            "camera_lost" | "camera_back" => messages.extend(self.camera_is(&event, name == "camera_lost")),
            "disk_full" | "disk_back" => {
                self.is_disk_full = name == "disk_full";
                messages.push(self.disk_state());
            }
            "event_found" | "object_seen" => messages.extend(self.seen(event)),
            _ => {}
        }
        messages
    }

    fn camera_is(&mut self, event: &Value, is_lost: bool) -> Option<Message> {
        let camera = self.cameras.iter().position(|camera| event["camera"] == camera.id.as_str())?;
        self.cameras[camera].is_lost = is_lost;
        Some(self.recording_state(&self.cameras[camera]))
    }

    /// Home Assistant wants to be told the kind of an event, of those that were announced.
    fn seen(&self, mut event: Value) -> Option<Message> {
        let camera = event["camera"].as_str()?;
        let topic = self.of_camera(camera, "seen");
        let is_notable = event["gist"]["notable"].as_bool().unwrap_or(false);
        event["event_type"] = if is_notable { "notable" } else { "seen" }.into();
        Some(Message::event(topic, event.to_string()))
    }

    fn recording_state(&self, camera: &Watched) -> Message {
        Message::state(self.of_camera(&camera.id, "recording"), on(!camera.is_lost))
    }

    fn disk_state(&self) -> Message {
        Message::state(self.disk_topic(), on(self.is_disk_full))
    }

    fn status_topic(&self) -> String {
        format!("{}/status", self.topic)
    }

    fn disk_topic(&self) -> String {
        format!("{}/disk_full", self.topic)
    }

    fn of_camera(&self, camera: &str, what: &str) -> String {
        format!("{}/camera/{camera}/{what}", self.topic)
    }

    fn announcements(&self) -> Vec<Message> {
        let Some(prefix) = &self.discovery_prefix else { return Vec::new() };
        let mut messages = Vec::new();
        for camera in &self.cameras {
            let device = self.device(Some(&camera.id));
            if camera.is_recorded {
                let state = self.of_camera(&camera.id, "recording");
                let entity = self.watched_entity(("Recording", "connectivity"), &state);
                messages.push(announcement(prefix, "binary_sensor", ("recording", &device), entity));
            }
            if self.subjects.events {
                let entity = json!({
                    "name": "Seen",
                    "event_types": ["seen", "notable"],
                    "state_topic": self.of_camera(&camera.id, "seen"),
                });
                messages.push(announcement(prefix, "event", ("seen", &device), entity));
            }
        }
        if self.subjects.recording {
            let entity = self.watched_entity(("Disk full", "problem"), &self.disk_topic());
            messages.push(announcement(prefix, "binary_sensor", ("disk_full", &self.device(None)), entity));
        }
        messages
    }

    /// An entity that is on or off, while this process is there to say so.
    fn watched_entity(&self, (name, class): (&str, &str), state: &str) -> Value {
        json!({
            "name": name,
            "device_class": class,
            "state_topic": state,
            "availability_topic": self.status_topic(),
        })
    }

    /// A camera, or all of nightreel; known by its topic, of which a house may have two.
    fn device(&self, camera: Option<&str>) -> Value {
        let name = camera.unwrap_or("nightreel");
        let installation = self.topic.replace('/', "_");
        json!({
            "identifiers": [format!("{installation}_{}", camera.unwrap_or(""))],
            "name": name,
            "manufacturer": "nightreel",
            "sw_version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Announces an entity of a device, as Home Assistant's MQTT discovery has it.
fn announcement(prefix: &str, component: &str, (what, device): (&str, &Value), mut entity: Value) -> Message {
    let device_id = device["identifiers"][0].as_str().unwrap_or_default();
    entity["unique_id"] = format!("{device_id}_{what}").into();
    entity["device"] = device.clone();
    entity["origin"] = json!({ "name": "nightreel", "sw": env!("CARGO_PKG_VERSION") });
    Message::state(format!("{prefix}/{component}/{}/{what}/config", id_of(device_id)), entity.to_string())
}

/// Node ids have letters, digits, `_` and `-` alone.
fn id_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    name.chars().map(plain).collect()
}

fn on(is_on: bool) -> &'static str {
    if is_on { "ON" } else { "OFF" }
}
