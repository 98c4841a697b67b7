//! Who is told when a camera, the disk or the clock is not well.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::Secret;

/// Gets one JSON object for each event; at least one of the two is there.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Reads the object from its standard input.
    pub command: Option<HookCommand>,
    /// Gets the object by POST.
    pub webhook: Option<Webhook>,
    /// Of one command or one request.
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCommand {
    /// A whole path.
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

/// An address that whoever knows it can call, so that all but its host is kept secret: `Debug` and `Display`
/// print `https://host/***`.
#[derive(Clone)]
pub struct Webhook {
    url: Secret,
    shown: String,
}

impl Webhook {
    pub(crate) fn new(url: &Url) -> Self {
        let shown = format!("{}/***", url.origin().ascii_serialization());
        Self { url: Secret::new(url.as_str()), shown }
    }

    /// Returns the address itself, credentials and all. Call it where it is asked, and nowhere else.
    pub fn expose(&self) -> &str {
        self.url.expose()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_host_of_a_webhook_alone() {
        let webhook =
            Webhook::new(&"https://me:hunter2@h:8443/T0/hunter2?key=hunter2#hunter2".parse().unwrap());
        assert_eq!(format!("{webhook} {webhook:?} {webhook:#?}"), ["https://h:8443/***"; 3].join(" "));
        assert_eq!(webhook.expose(), "https://me:hunter2@h:8443/T0/hunter2?key=hunter2#hunter2");
    }
}
