//! Tests of who is told of events, and of where footage is served.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{STORAGE, load, refused};
use crate::{CorsOrigins, Hook, HookCommand, Mqtt, Serve, Settings, Webhook};

fn settings(text: &str) -> Settings {
    load(&format!("{STORAGE}{text}\n")).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn hook(text: &str) -> Hook {
    settings(&format!("[hook]\n{text}")).hook.unwrap()
}

#[test]
fn tells_a_command_or_a_webhook_or_both() {
    assert!(settings("").hook.is_none());
    let command = hook("command = ['/bin/tell', '--to', 'me']");
    let expected = HookCommand { program: "/bin/tell".into(), arguments: vec!["--to".into(), "me".into()] };
    assert_eq!((command.command, command.timeout), (Some(expected), Duration::from_secs(10)));
    assert!(command.webhook.is_none());
    let both = hook("command = ['/bin/tell']\nwebhook = 'https://me:x@h/T0?a=b'\ntimeout_seconds = 3");
    assert_eq!(both.webhook.as_ref().map(Webhook::expose), Some("https://me:x@h/T0?a=b"));
    assert_eq!((both.command.unwrap().arguments.len(), both.timeout), (0, Duration::from_secs(3)));
}

#[test]
fn means_a_hook_s_program_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{STORAGE}[hook]\ncommand = ['hooks/tell', 'hooks/tell']\n");
    std::fs::write(folder.path().join("n.toml"), text).unwrap();
    let environment = crate::Environment::new(folder.path(), BTreeMap::new()).unwrap();
    let loaded = crate::load(Some(Path::new("n.toml")), &environment).unwrap();
    let command = loaded.settings.hook.unwrap().command.unwrap();
    assert_eq!(command.program, folder.path().join("hooks/tell"));
    assert_eq!(command.arguments, ["hooks/tell"], "what an argument means is the program's affair");
}

#[test]
fn refuses_hooks_that_tell_nobody() {
    refused(
        STORAGE,
        &[
            ("[hook]", 3, "`hook`: tells nobody: it needs `command` or `webhook`"),
            ("[hook]\ntimeout_seconds = 5", 3, "`hook`: tells nobody"),
            ("[hook]\ncommand = []", 4, "`hook.command`: names no program"),
            ("[hook]\ncommand = [' ', 'x']", 4, "`hook.command`: names no program"),
            ("[hook]\ncommand = ['~/tell']", 4, "`hook.command`: must be a full path"),
            ("[hook]\ncommand = '/bin/tell'", 4, "`hook.command`: must be a list, but is text"),
            ("[hook]\nwebhook = ''", 4, "`hook.webhook`: is no URL, such as `https://example.org/hook`"),
            ("[hook]\nwebhook = 'mailto:me@h'", 4, "`hook.webhook`: must begin with `http://` or `https://`"),
            (
                "[hook]\nwebhook = 'http://h'\ntimeout_seconds = 0",
                5,
                "`hook.timeout_seconds`: must be from 1 to 600, but is 0",
            ),
        ],
    );
}

fn mqtt(text: &str) -> Mqtt {
    settings(&format!("[mqtt]\n{text}")).mqtt.unwrap()
}

#[test]
fn knows_a_broker_by_its_address_and_the_usual_ports() {
    let plain = mqtt("url = 'mqtt://192.168.1.10'");
    assert_eq!((plain.host.as_str(), plain.port, plain.is_tls), ("192.168.1.10", 1883, false));
    assert_eq!(
        (plain.topic.as_str(), plain.discovery_prefix.as_deref()),
        ("nightreel", Some("homeassistant"))
    );
    let other = mqtt(
        "url = 'mqtts://[::1]/'\nusername = 'me'\npassword = 'x'\ntopic = 'home/cams/'\ndiscovery_prefix = ''",
    );
    assert_eq!((other.host.as_str(), other.port, other.is_tls), ("::1", 8883, true));
    assert_eq!((other.topic.as_str(), other.discovery_prefix), ("home/cams", None));
    assert_eq!(other.password.map(|password| password.expose().to_owned()).as_deref(), Some("x"));
}

#[test]
fn refuses_brokers_that_cannot_be_told() {
    refused(
        STORAGE,
        &[
            ("[mqtt]", 3, "`mqtt.url`: is missing"),
            ("[mqtt]\nurl = 'broker:1883'", 4, "`mqtt.url`: must begin with `mqtt://` or `mqtts://`"),
            ("[mqtt]\nurl = 'mqtt://'", 4, "`mqtt.url`: names no host"),
            ("[mqtt]\nurl = 'mqtt://h/topic'", 4, "`mqtt.url`: must end after the host and the port"),
            ("[mqtt]\nurl = 'mqtt://me:x@h'", 4, "`mqtt.url`: must not carry credentials"),
            ("[mqtt]\nurl = 'mqtt://h'\npassword = 'x'", 5, "`mqtt.password`: has no effect without"),
            ("[mqtt]\nurl = 'mqtt://h'\nca_file = 'ca.pem'", 5, "`mqtt.ca_file`: has no effect without TLS"),
            ("[mqtt]\nurl = 'mqtt://h'\ntopic = 'a/#'", 5, "`mqtt.topic`: is no topic"),
            ("[mqtt]\nurl = 'mqtt://h'\ntopic = ''", 5, "`mqtt.topic`: is no topic"),
            ("[mqtt]\nurl = 'mqtt://h'\ndiscovery_prefix = '+'", 5, "`mqtt.discovery_prefix`: is no topic"),
        ],
    );
}

#[test]
fn reports_go_to_a_folder_that_is_meant_from_the_file() {
    assert_eq!(settings("[report]\ndir = '/var/reports'").report_dir, Some("/var/reports".into()));
    refused(
        STORAGE,
        &[("[report]", 3, "`report.dir`: is missing"), ("[report]\ndir = ''", 4, "`report.dir`")],
    );
}

#[test]
fn serves_this_machine_and_no_other_page_by_default() {
    let Serve { listen, cors_origins, users, tokens } = settings("").serve;
    assert_eq!(listen, "127.0.0.1:8420".parse().unwrap());
    assert_eq!(cors_origins, CorsOrigins::Only(Vec::new()));
    assert!(users.is_empty() && tokens.is_empty());
}

#[test]
fn brings_origins_into_the_form_in_which_browsers_send_them() {
    let origins = |text: &str| settings(&format!("[serve]\ncors_origins = {text}")).serve.cors_origins;
    let expected = ["https://example.org", "http://localhost:3000", "http://[::1]:81"].map(str::to_owned);
    assert_eq!(
        origins("['HTTPS://Example.org:443/', 'http://localhost:3000', 'http://[::1]:81']"),
        CorsOrigins::Only(expected.to_vec())
    );
    assert_eq!(origins("['*']"), CorsOrigins::Any);
}

#[test]
fn refuses_serving_that_cannot_be() {
    refused(
        STORAGE,
        &[
            ("[serve]\nlisten = '8420'", 4, "`serve.listen`: must be an IP and a port, such as"),
            ("[serve]\nlisten = 'localhost:8420'", 4, "`serve.listen`: must be an IP and a port"),
            (
                "[[serve.user]]\nname = 'me'\npassword_hash = 'hunter2'",
                5,
                "`serve.user[0].password_hash`: must be an Argon2 hash",
            ),
            (
                "[[serve.token]]\nname = 'probe'\nsha256 = 'nightreel_x'",
                5,
                "`serve.token[0].sha256`: must be 64 hexadecimal digits",
            ),
            ("[[serve.token]]\nname = ''", 4, "`serve.token[0].name`: must have 1 to 64 characters"),
            ("[[serve.user]]\nname = 'a:b'", 4, "`serve.user[0].name`: must have 1 to 64 characters"),
            ("[serve]\nlisten = '127.0.0.1:70000'", 4, "`serve.listen`: must be an IP and a port"),
            ("[serve]\ncors_origins = ['example.org']", 4, "`serve.cors_origins[0]`: is no origin: write"),
            ("[serve]\ncors_origins = ['ftp://h']", 4, "`serve.cors_origins[0]`: is no origin"),
            ("[serve]\ncors_origins = ['https://h/a']", 4, "`serve.cors_origins[0]`: is no origin"),
            ("[serve]\ncors_origins = ['https://me@h']", 4, "`serve.cors_origins[0]`: is no origin"),
            (
                "[serve]\ncors_origins = ['https://h', '*']",
                4,
                "`serve.cors_origins[1]`: `*` makes the others",
            ),
        ],
    );
}

#[test]
fn warns_where_everyone_could_see_the_footage() {
    let warnings = |listen: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{STORAGE}[serve]\nlisten = '{listen}'\n");
        std::fs::write(folder.path().join("nightreel.toml"), text).unwrap();
        let environment = crate::Environment::new(folder.path(), BTreeMap::new()).unwrap();
        crate::load(None, &environment).unwrap().warnings
    };
    for listen in ["127.0.0.1:0", "[::1]:8420", "127.1.2.3:1"] {
        assert!(warnings(listen).is_empty(), "{listen}: {:?}", warnings(listen));
    }
    for listen in ["0.0.0.0:8420", "[::]:8420", "192.168.1.5:8420"] {
        let warnings = warnings(listen);
        assert!(warnings.len() == 1 && warnings[0].contains(listen), "{listen}: {warnings:?}");
    }
}
