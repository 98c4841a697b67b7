//! A camera's stream: its address, who logs in, and how it is fetched. Credentials never stay in the address.

use url::Url;

use super::Check;
use crate::credentials::Whereabouts;
use crate::raw::RawCamera;
use crate::source::{self, USERNAME_PLACE};
use crate::{Input, Secret, Source, Transport};

impl Check<'_> {
    /// Returns `Some(None)` for a camera that another recorder records.
    pub(super) fn source(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Source>> {
        let Some(text) = raw.url.clone() else {
            if self.is_given(section, "url", false) {
                return None;
            }
            let fetching = [("transport", raw.transport.is_some()), ("input", raw.input.is_some())];
            self.refuse_given(section, &fetching, "without `url`");
            self.refuse_given(section, &login_keys(raw), "without `url`");
            return Some(None);
        };
        let key = format!("{section}.url");
        let url = self.stream_url(&key, &text).and_then(|url| self.take_credentials_out(section, url, raw));
        // Never what was written: it may hold a password.
        raw.url = url.as_ref().map(Url::to_string);
        let input = self.input(section, raw, url.as_ref());
        let transport = self.transport(section, raw, url.as_ref());
        if let Some((url, input)) = url.as_ref().zip(input) {
            self.refuse_secrets_in_query(&key, url, input);
        }
        let password = self.login(section, raw, url.as_ref());
        let username = raw.username.clone();
        Some(Some(Source { url: url?, username, password, transport: transport?, input: input? }))
    }

    fn login(&mut self, section: &str, raw: &RawCamera, url: Option<&Url>) -> Option<Secret> {
        if url.is_some_and(|url| source::is_local(url.scheme())) {
            self.refuse_given(section, &login_keys(raw), "with a file or device of this machine");
            return None;
        }
        let asks_for_name = url.and_then(Url::query).is_some_and(|query| query.contains(USERNAME_PLACE));
        match raw.username.as_deref() {
            Some("") => self.faults.add(format!("{section}.username"), "must not be empty"),
            None if asks_for_name => {
                let text = "is missing: `url` has a place for it, `{username}`";
                self.faults.add(format!("{section}.username"), text);
            }
            _ => {}
        }
        self.secret(&Whereabouts {
            key: format!("{section}.password"),
            itself: raw.password.as_ref(),
            file: raw.password_file.as_deref(),
            variable: raw.password_env.as_deref(),
            credential: format!("{}.password", raw.id.as_deref().unwrap_or_default()),
        })
    }

    fn input(&mut self, section: &str, raw: &mut RawCamera, url: Option<&Url>) -> Option<Input> {
        let key = format!("{section}.input");
        let scheme = url.map_or("rtsp", Url::scheme);
        let inputs = [("native", Input::Native), ("ffmpeg", Input::Ffmpeg)];
        let input = match &raw.input {
            Some(name) => self.choice(&key, name, &inputs)?,
            None => Input::usual(scheme),
        };
        if input == Input::Native && scheme != "rtsp" {
            let text =
                format!("`native` takes `rtsp://` alone; for `{scheme}:` leave this out, or say `ffmpeg`");
            return self.fault(&key, text);
        }
        raw.input = inputs.iter().find(|(_, known)| *known == input).map(|(name, _)| (*name).to_owned());
        Some(input)
    }

    fn transport(&mut self, section: &str, raw: &mut RawCamera, url: Option<&Url>) -> Option<Transport> {
        if url.is_some_and(|url| url.scheme() != "rtsp") {
            self.refuse_given(section, &[("transport", raw.transport.is_some())], "but with `rtsp://`");
            return Some(Transport::Tcp);
        }
        let name = raw.transport.get_or_insert_with(|| "tcp".to_owned());
        let transports = [Transport::Tcp, Transport::Udp].map(|transport| (transport.as_str(), transport));
        self.choice(&format!("{section}.transport"), name, &transports)
    }

    /// Moves `user:password@` to the keys beside it.
    fn take_credentials_out(&mut self, section: &str, mut url: Url, raw: &mut RawCamera) -> Option<Url> {
        let key = format!("{section}.url");
        let origin = self.origins.get(&key).cloned();
        if !url.username().is_empty() {
            if raw.username.is_some() {
                return self.fault(&key, "carries a user name, and `username` is given too; keep one");
            }
            raw.username = Some(self.decoded(&key, url.username())?);
            self.origins.extend(origin.clone().map(|origin| (format!("{section}.username"), origin)));
        }
        if let Some(password) = url.password() {
            if raw.password.is_some() || raw.password_file.is_some() || raw.password_env.is_some() {
                return self.fault(&key, "carries a password, and one is given beside it too; keep one");
            }
            raw.password = Some(Secret::new(self.decoded(&key, password)?));
            self.origins.extend(origin.map(|origin| (format!("{section}.password"), origin)));
        }
        if url.username().is_empty() && url.password().is_none() {
            return Some(url);
        }
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_or_else(|()| self.fault(&key, "names no host"), |()| Some(url))
    }
}

fn login_keys(raw: &RawCamera) -> [(&'static str, bool); 4] {
    [
        ("username", raw.username.is_some()),
        ("password", raw.password.is_some()),
        ("password_file", raw.password_file.is_some()),
        ("password_env", raw.password_env.is_some()),
    ]
}
