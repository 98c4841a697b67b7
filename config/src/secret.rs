//! A secret: a password or a key that prints as `***` wherever it ends up.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Holds a password or a key. `Debug`, `Display` and `Serialize` print `***`; the memory is wiped when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the secret itself. Call it where it is sent, and nowhere else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Writes `***`, so that settings can be shown whole.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_stars_however_it_is_printed() {
        let secret = Secret::new("hunter2");
        let table = toml::Table::from_iter([("key".to_owned(), toml::Value::try_from(&secret).unwrap())]);
        assert_eq!(format!("{secret} {secret:?} {secret:#?} {table}"), "*** *** *** key = \"***\"\n");
        assert_eq!(secret.expose(), "hunter2");
    }
}
