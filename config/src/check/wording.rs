//! Prompt and system text: written in the settings, or in a file of their own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Check;
use crate::Wording;

/// A text that a model is told, not a file named by mistake.
const LARGEST_BYTES: u64 = 64 * 1024;

/// The key of a text; its file is under the same with `_file`.
pub(super) struct TextKeys<'r> {
    pub(super) key: &'static str,
    pub(super) itself: Option<&'r str>,
    pub(super) file: &'r mut Option<String>,
}

impl Check<'_> {
    /// Reads a text, or its file; `None` inside where neither is given.
    pub(super) fn wording(&mut self, keys: TextKeys<'_>) -> Option<Option<Wording>> {
        let TextKeys { key, itself, file } = keys;
        let file_key = format!("{key}_file");
        let (key, text) = match (itself, file) {
            (Some(_), Some(_)) => {
                return self.fault(&file_key, format!("and `{key}` say the same thing; keep one"));
            }
            (None, None) => return Some(None),
            (Some(text), None) => (key, text.to_owned()),
            (None, Some(file)) => (file_key.as_str(), self.text_of(&file_key, file)?),
        };
        let text = self.required(key, Some(&text))?.to_owned();
        match Wording::parse(&text) {
            Ok(wording) => Some(Some(wording)),
            Err(unknown) => self.fault(key, unknown.to_string()),
        }
    }

    fn text_of(&mut self, key: &str, file: &mut String) -> Option<String> {
        let path = self.file(key, file)?;
        match read(&path) {
            Ok(text) => Some(text),
            Err(error) => self.fault(key, format!("cannot read `{}`: {error}", path.display())),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than 64 kB"));
    }
    Ok(text.trim_end().to_owned())
}
