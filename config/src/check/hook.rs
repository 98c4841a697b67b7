//! `[hook]`: the command and the webhook that are told of events.

use std::time::Duration;

use url::Url;

use super::{Check, given};
use crate::raw::RawHook;
use crate::{Hook, HookCommand, Webhook};

impl Check<'_> {
    pub(super) fn hook(&mut self, raw: &mut RawHook) -> Option<Hook> {
        let keys = [("command", raw.command.is_some()), ("webhook", raw.webhook.is_some())];
        if !keys.iter().any(|(name, given)| self.is_given("hook", name, *given)) {
            self.faults.add("hook", "tells nobody: it needs `command` or `webhook`");
        }
        let command = raw.command.as_mut().map(|command| self.hook_command(command));
        let webhook = raw.webhook.take().map(|text| self.webhook("hook.webhook", &text));
        // Never what was written: whoever knows the address can call it.
        raw.webhook = webhook.iter().flatten().map(Webhook::to_string).next();
        let timeout = self.whole("hook.timeout_seconds", raw.timeout_seconds, 1..=600);
        Some(Hook {
            command: given(command)?,
            webhook: given(webhook)?,
            timeout: Duration::from_secs(timeout?),
        })
    }

    fn hook_command(&mut self, raw: &mut [String]) -> Option<HookCommand> {
        let key = "hook.command";
        let Some((program, arguments)) = raw.split_first_mut() else {
            return self.fault(key, "names no program: write `[\"/path/to/program\", \"argument\"]`");
        };
        if program.trim().is_empty() {
            return self.fault(key, "names no program: the first text is its path");
        }
        let path = self.folder(key, program)?;
        *program = path.display().to_string();
        Some(HookCommand { program: path, arguments: arguments.to_vec() })
    }

    /// The text is not repeated in a fault: all of it may be secret.
    fn webhook(&mut self, key: &str, text: &str) -> Option<Webhook> {
        let Ok(url) = Url::parse(text.trim()) else {
            return self.fault(key, "is no URL, such as `https://example.org/hook`");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return self.fault(key, "must begin with `http://` or `https://`");
        }
        Some(Webhook::new(&url))
    }
}
