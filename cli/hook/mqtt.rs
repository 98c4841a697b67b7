//! The MQTT broker that is told of events: connected to again whenever it is away, and greeted each time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use config::Mqtt;
use rumqttc::{
    AsyncClient, ClientError, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Outgoing, Packet, PublishOptions, QoS, TlsConfiguration, Transport,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Listener;
use super::topics::{Message, Topics};

/// Messages that wait for a broker which is away, besides the events that wait to become messages.
const WAITING_MAX: usize = 64;

/// The largest event, with the captions of a model that talks a lot, has some thousand bytes.
const PACKET_BYTES: usize = 256 * 1024;

/// After so long without a word the broker takes this process for gone, and says so to the others.
const KEEP_ALIVE_SECONDS: u16 = 20;

/// Before the broker is tried again: twice as long each time, between these.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Tells until there is nothing more to tell, then takes its leave.
pub(super) async fn tell(broker: Mqtt, topics: Topics, events: Listener) {
    let options = match options(&broker, &topics) {
        Ok(options) => options,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "`mqtt` is not told of events");
            return;
        }
    };
    let (client, connection) = AsyncClient::builder(options).capacity(WAITING_MAX).build();
    let connected = Notify::new();
    let speaker = Speaker { client, topics, events };
    tokio::select! {
        () = keep_connected(connection, &broker, &connected) => {}
        // the connection is kept until the last message is through
        () = async { speaker.speak(&connected).await; std::future::pending().await } => {}
    }
}

struct Speaker {
    client: AsyncClient,
    topics: Topics,
    events: Listener,
}

impl Speaker {
    async fn speak(mut self, connected: &Notify) {
        if let Err(error) = self.try_speak(connected).await {
            tracing::error!(%error, "`mqtt` is no longer told of events");
        }
    }

    /// While the broker is away this waits in [`AsyncClient::publish`], and the events before the listener.
    async fn try_speak(&mut self, connected: &Notify) -> Result<(), ClientError> {
        loop {
            let messages = tokio::select! {
                biased;
                () = connected.notified() => self.topics.greeting(),
                event = self.events.next() => match event {
                    Some(event) => self.topics.messages(&event),
                    None => break,
                },
            };
            for message in messages {
                self.publish(message).await?;
            }
        }
        if let Some(farewell) = self.topics.presence(false) {
            self.publish(farewell).await?;
        }
        self.client.disconnect().await
    }

    async fn publish(&self, message: Message) -> Result<(), ClientError> {
        let Message { topic, payload, is_kept } = message;
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(is_kept);
        self.client.publish(topic, payload, options).await
    }
}

/// Moves messages until the farewell is said.
async fn keep_connected(mut connection: EventLoop, broker: &Mqtt, connected: &Notify) {
    let mut wait = WAITS.0;
    let mut is_told = false;
    loop {
        match connection.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                tracing::info!(host = broker.host, port = broker.port, "connected to the MQTT broker");
                (wait, is_told) = (WAITS.0, false);
                connected.notify_one();
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(ConnectionError::RequestsDone) => return,
            Ok(_) => {}
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(
                        host = broker.host,
                        port = broker.port,
                        error = told(&error),
                        "the MQTT broker cannot be told of events; it is tried again"
                    );
                }
                sleep(wait).await;
                wait = (wait * 2).min(WAITS.1);
            }
        }
    }
}

/// Names the keys to change, where these are to blame.
fn told(error: &ConnectionError) -> String {
    let key = match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => "it does not take `mqtt.username` and `mqtt.password`: ",
        ConnectionError::Tls(_) => "see `mqtt.url` and `mqtt.ca_file`: ",
        _ => "",
    };
    format!("{key}{error}")
}

fn options(broker: &Mqtt, topics: &Topics) -> anyhow::Result<MqttOptions> {
    // two clients of one name would throw each other out
    let name = format!("nightreel-{:08x}", fastrand::u32(..));
    let mut options = MqttOptions::new(name, (broker.host.as_str(), broker.port));
    options.set_keep_alive(KEEP_ALIVE_SECONDS).set_max_packet_size(PACKET_BYTES, PACKET_BYTES);
    if let Some(username) = &broker.username {
        let password = broker.password.as_ref().map(|password| password.expose().to_owned());
        options.set_credentials(username, password.unwrap_or_default());
    }
    if let Some(will) = topics.presence(false) {
        options.set_last_will(LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.is_kept));
    }
    if broker.is_tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls(broker)?)));
    }
    Ok(options)
}

/// Trusts the system's authorities, and those of `mqtt.ca_file`.
fn tls(broker: &Mqtt) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    // Refused where the program has installed a provider already; that one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &broker.ca_file {
        let named = || format!("`mqtt.ca_file`: no certificates in `{}`", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(named)? {
            roots.add(certificate.with_context(named)?).with_context(named)?;
        }
    }
    anyhow::ensure!(
        !roots.is_empty(),
        "no authority is known: install `ca-certificates`, or set `mqtt.ca_file`"
    );
    Ok(Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
