//! `[mqtt]`: the broker that is told of events.

use url::Url;

use super::{Check, given};
use crate::Mqtt;
use crate::credentials::Whereabouts;
use crate::raw::RawMqtt;

/// Schemes with the ports that brokers listen on, and whether they speak TLS.
const SCHEMES: [(&str, u16, bool); 2] = [("mqtt", 1883, false), ("mqtts", 8883, true)];

/// Far below the 65,535 bytes that a topic may have, and camera and event are still to follow.
const LONGEST_TOPIC: usize = 128;

impl Check<'_> {
    pub(super) fn mqtt(&mut self, raw: &mut RawMqtt) -> Option<Mqtt> {
        let url = self.required("mqtt.url", raw.url.as_deref()).map(str::to_owned);
        let broker = url.and_then(|url| self.broker("mqtt.url", &url));
        let ca_file = raw.ca_file.as_mut().map(|file| self.file("mqtt.ca_file", file));
        let password = self.secret(&Whereabouts {
            key: "mqtt.password".to_owned(),
            itself: raw.password.as_ref(),
            file: raw.password_file.as_deref(),
            variable: raw.password_env.as_deref(),
            credential: "mqtt.password".to_owned(),
        });
        let missing = self.missing.iter().filter(|secret| secret.key.starts_with("mqtt."));
        self.warnings.extend(missing.map(|secret| format!("`{}`: {}", secret.key, secret.reason)));
        if password.is_some() && raw.username.is_none() {
            self.faults.add("mqtt.password", "has no effect without `mqtt.username`");
        }
        let topic = self.topic("mqtt.topic", &raw.topic);
        let discovery_prefix = match raw.discovery_prefix.is_empty() {
            true => Some(None),
            false => self.topic("mqtt.discovery_prefix", &raw.discovery_prefix).map(Some),
        };
        let (host, port, is_tls) = broker?;
        if ca_file.is_some() && !is_tls {
            self.faults.add("mqtt.ca_file", "has no effect without TLS: write `mqtts://` in `mqtt.url`");
        }
        Some(Mqtt {
            host,
            port,
            is_tls,
            ca_file: given(ca_file)?,
            username: raw.username.clone(),
            password,
            topic: topic?,
            discovery_prefix: discovery_prefix?,
        })
    }

    /// The text is not repeated in a fault: it may hold a password.
    fn broker(&mut self, key: &str, text: &str) -> Option<(String, u16, bool)> {
        let Ok(url) = Url::parse(text.trim()) else {
            return self.fault(key, "is no URL, such as `mqtt://192.168.1.10:1883`");
        };
        let known = SCHEMES.iter().find(|(scheme, ..)| *scheme == url.scheme());
        let Some((_, port, is_tls)) = known else {
            return self.fault(key, "must begin with `mqtt://` or `mqtts://`");
        };
        let url = self.with_host(key, url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return self.fault(
                key,
                "must not carry credentials: put them into `mqtt.username` and `mqtt.password_file`",
            );
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return self.fault(key, "must end after the host and the port");
        }
        // brackets are for addresses; what connects wants the bare one
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some((host, url.port().unwrap_or(*port), *is_tls))
    }

    /// As MQTT 3.1.1 §4.7 has it, without what only filters may have.
    fn topic(&mut self, key: &str, text: &str) -> Option<String> {
        let topic = text.trim_end_matches('/');
        let is_plain = |c: char| !c.is_control() && !matches!(c, '+' | '#');
        if topic.is_empty() || topic.starts_with('$') || !topic.chars().all(is_plain) {
            return self.fault(key, "is no topic: write words with `/` between, without `+` and `#`");
        }
        if topic.len() > LONGEST_TOPIC {
            return self.fault(key, format!("must not be longer than {LONGEST_TOPIC} bytes"));
        }
        Some(topic.to_owned())
    }
}
