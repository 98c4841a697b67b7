//! How the vision server is reached: headers of the operator's, a private certificate authority, a proxy.

use url::Url;

use super::Check;
use crate::credentials::Whereabouts;
use crate::raw::RawHeader;
use crate::{Header, Secret};

/// What requests carry anyway, in small letters.
const OURS: [&str; 7] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "x-client-request-id",
];

impl Check<'_> {
    pub(super) fn headers(&mut self, raw: &[RawHeader]) -> Option<Vec<Header>> {
        let headers: Vec<_> =
            raw.iter().enumerate().map(|(index, header)| self.header(index, header)).collect();
        let headers: Vec<Header> =
            headers.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        for (index, header) in headers.iter().enumerate() {
            if headers[..index].iter().any(|other| other.name.eq_ignore_ascii_case(&header.name)) {
                return self.fault(&format!("vision.header[{index}].name"), "is there already");
            }
        }
        Some(headers)
    }

    /// Finds a header; `None` inside where its value is named and not there, which is noted and refused when it is
    /// needed.
    fn header(&mut self, index: usize, raw: &RawHeader) -> Option<Option<Header>> {
        let key = |name: &str| format!("vision.header[{index}].{name}");
        let name = self.required(&key("name"), raw.name.as_deref())?;
        if OURS.contains(&name.to_lowercase().as_str()) {
            return self
                .fault(&key("name"), "is set by nightreel itself; the key goes into `vision.api_key_env`");
        }
        if !name.bytes().all(is_token) {
            return self.fault(&key("name"), "is no name of a header, such as `X-Team`");
        }
        let name = name.to_owned();
        let whereabouts = Whereabouts {
            key: key("value"),
            itself: raw.value.as_ref(),
            file: raw.value_file.as_deref(),
            variable: raw.value_env.as_deref(),
            credential: format!("vision.header.{name}"),
        };
        let is_given = !whereabouts.given().is_empty();
        match self.secret(&whereabouts) {
            Some(value) => self.header_value(&key("value"), value).map(|value| Some(Header { name, value })),
            None if is_given => Some(None),
            None => self.fault(&key("value"), "is missing, as are `value_file` and `value_env`"),
        }
    }

    fn header_value(&mut self, key: &str, value: Secret) -> Option<Secret> {
        if value.expose().bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Some(value);
        }
        self.fault(
            key,
            "holds a character that no header can carry: a line break, or a letter that is not ASCII",
        )
    }

    /// Takes the credentials out of what is shown. The text is not repeated in a fault either: it may hold a password.
    pub(super) fn proxy(&mut self, raw: &mut String) -> Option<Secret> {
        let key = "vision.proxy";
        let text = std::mem::take(raw);
        let Ok(mut url) = Url::parse(text.trim()) else {
            return self.fault(key, "is no URL, such as `http://proxy.example.org:3128`");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return self.fault(key, "must begin with `http://` or `https://`");
        }
        let proxy = Secret::new(url.as_str());
        // Both are refused only by addresses without a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.as_str().clone_into(raw);
        Some(proxy)
    }
}

/// As in RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
