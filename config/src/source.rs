//! Where a camera's stream comes from, and how it is fetched.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::Secret;

/// Stand in an address's query for what is filled in only when it is used.
pub(crate) const USERNAME_PLACE: &str = "{username}";
pub(crate) const PASSWORD_PLACE: &str = "{password}";

/// What FFmpeg may speak for one of these, as it writes lists: no stream may name a file of this machine.
pub const NETWORK_PROTOCOLS: &str = "tcp,udp,rtp,rtsp,rtsps,rtmp,rtmps,http,https,tls,crypto";

pub(crate) const NETWORK_SCHEMES: &[&str] = &["rtsp", "rtsps", "rtmp", "rtmps", "http", "https"];

/// All that is not "unreserved" in RFC 3986; `%` above all, which `Url` leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Clone, Debug)]
pub struct Source {
    /// Never carries credentials: these are taken out of the URL and stand beside it.
    pub url: Url,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// Of `rtsp://` addresses; the others have but one way.
    pub transport: Transport,
    pub input: Input,
}

/// Says why a text is no address of a stream. None of it repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error(
        "the address is no URL, such as `rtsp://192.168.1.20:554/stream`; write `%40` for an `@` in a password"
    )]
    NoUrl,
    #[error("the address is a file or device of this machine; `nightreel process FILE` looks at files")]
    Local,
    #[error("the address must begin with one of {} and name a host", NETWORK_SCHEMES.join(", "))]
    NotOfNetwork,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// As FFmpeg and the settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Who speaks with the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The recorder itself; only for `rtsp://`.
    Native,
    /// A child process that hands the stream on as it is.
    Ffmpeg,
}

impl Source {
    /// Makes what the settings make of an address alone: fetched by the recorder itself where it can.
    pub fn new(url: Url) -> Self {
        let input = Input::usual(url.scheme());
        Self { url, username: None, password: None, transport: Transport::Tcp, input }
    }

    /// Reads an address of the network as a user types it; credentials before the host are taken out of it.
    pub fn parse(address: &str) -> Result<Self, InvalidAddress> {
        let mut url = Url::parse(address.trim()).map_err(|_| InvalidAddress::NoUrl)?;
        if is_local(url.scheme()) {
            return Err(InvalidAddress::Local);
        }
        if !NETWORK_SCHEMES.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidAddress::NotOfNetwork);
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = Some(decoded(url.username())).filter(|name| !name.is_empty());
        let password = url.password().map(|word| Secret::new(decoded(word)));
        // Fails only without a host.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Self { username, password, ..Self::new(url) })
    }

    /// Returns the address with the credentials in it, for a program that takes them no other way:
    /// `{username}` and `{password}` in its query are filled in; where there are none, the credentials stand
    /// before the host.
    pub fn address(&self) -> Secret {
        with_login(&self.url, self.username.as_deref(), self.password.as_ref())
    }

    /// Returns the file or device of a `file:///…` or `v4l2:///…` address.
    pub fn local_path(&self) -> Option<PathBuf> {
        is_local(self.url.scheme())
            .then(|| OsString::from_vec(percent_decode_str(self.url.path()).collect()).into())
    }
}

impl Input {
    pub(crate) fn usual(scheme: &str) -> Self {
        if scheme == "rtsp" { Self::Native } else { Self::Ffmpeg }
    }
}

/// Tells whether an address with this scheme names something on this machine.
pub(crate) fn is_local(scheme: &str) -> bool {
    matches!(scheme, "file" | "v4l2")
}

pub(crate) fn with_login(url: &Url, username: Option<&str>, password: Option<&Secret>) -> Secret {
    let escaped = |text: Option<&str>| utf8_percent_encode(text.unwrap_or_default(), ESCAPED).to_string();
    let (name, word) = (escaped(username), escaped(password.map(Secret::expose)));
    let mut url = url.clone();
    match url.query() {
        Some(query) if [USERNAME_PLACE, PASSWORD_PLACE].iter().any(|place| query.contains(place)) => {
            // In one pass, so that a user name cannot hold a place of its own.
            let filled = query.split(USERNAME_PLACE).map(|part| part.replace(PASSWORD_PLACE, &word));
            url.set_query(Some(&filled.collect::<Vec<_>>().join(&name)));
        }
        _ => {
            // Fails only without a host, and then nobody logs in.
            let _ = url
                .set_username(&name)
                .and_then(|()| url.set_password(Some(&word).filter(|w| !w.is_empty()).map(String::as_str)));
        }
    }
    Secret::new(url.as_str())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn source(url: &str, username: &str, password: &str) -> Source {
        let username = Some(username).filter(|name| !name.is_empty()).map(str::to_owned);
        let password = Some(password).filter(|word| !word.is_empty()).map(Secret::new);
        Source { username, password, ..Source::new(url.parse().unwrap()) }
    }

    #[test]
    fn puts_credentials_before_the_host_or_where_the_query_asks_for_them() {
        let cases = [
            ("rtsp://h/a?b=1", "", "", "rtsp://h/a?b=1"),
            ("rtsp://h/a", "me", "", "rtsp://me@h/a"),
            ("rtsps://h:322/a", "me", "p%41:/@?#ö", "rtsps://me:p%2541%3A%2F%40%3F%23%C3%B6@h:322/a"),
            ("rtmp://h/a?u={username}&p={password}", "a&b", "c=d%", "rtmp://h/a?u=a%26b&p=c%3Dd%25"),
            (
                "http://h/flv?p={password}&u={username}",
                "{password}",
                "x",
                "http://h/flv?p=x&u=%7Bpassword%7D",
            ),
            ("http://h/flv?p={password}", "", "", "http://h/flv?p="),
            ("file:///srv/a%20b.mp4", "", "", "file:///srv/a%20b.mp4"),
        ];
        for (url, username, password, expected) in cases {
            assert_eq!(source(url, username, password).address().expose(), expected, "{url}");
        }
    }

    #[test]
    fn gives_credentials_that_read_back_as_they_were() {
        for password in ["p%41", "%", "a b", "{password}", "ö/ü@:"] {
            let address: Url = source("rtsp://h/a", "me", password).address().expose().parse().unwrap();
            let read = percent_decode_str(address.password().unwrap()).decode_utf8().unwrap();
            assert_eq!(read, password);
        }
    }

    #[test]
    fn reads_addresses_as_people_type_them() {
        let parsed = Source::parse(" rtsp://me:p%40ss@h:8554/a ").unwrap();
        assert_eq!((parsed.url.as_str(), parsed.username.as_deref()), ("rtsp://h:8554/a", Some("me")));
        assert_eq!(parsed.password.as_ref().map(Secret::expose), Some("p@ss"));
        assert_eq!(Source::parse("http://h/a").unwrap().password.map(|word| word.expose().len()), None);
        for (address, expected) in [
            ("gate", InvalidAddress::NoUrl),
            ("file:///srv/a.mp4", InvalidAddress::Local),
            ("ftp://h/a", InvalidAddress::NotOfNetwork),
        ] {
            let error = Source::parse(address).unwrap_err();
            assert_eq!(error, expected, "{address}");
        }
    }

    #[test]
    fn names_files_and_devices_of_this_machine_only() {
        let path = |url: &str| source(url, "", "").local_path();
        assert_eq!(path("file:///srv/a%20b%3F.mp4").as_deref(), Some(Path::new("/srv/a b?.mp4")));
        assert_eq!(path("v4l2:///dev/video0").as_deref(), Some(Path::new("/dev/video0")));
        assert_eq!(path("http://h/dev/video0"), None);
    }
}
