//! What is wrong with the settings: all faults of one reading, each with its key and place.

use std::collections::BTreeMap;
use std::fmt;

use crate::Origin;

/// One thing wrong. No text of a fault repeats a value that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Such as `camera[0].lens.fov_deg`; empty for a fault in the file's syntax.
    pub key: String,
    /// Absent for a key that is missing from a section that is missing too.
    pub origin: Option<Origin>,
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// Gathers faults while reading goes on, one per key: what follows from the first only confuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether something is wrong with this very key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|fault| fault.key == key)
    }

    pub(crate) fn add(&mut self, key: impl Into<String>, text: impl Into<String>) {
        let key = key.into();
        if !self.has(&key) {
            self.0.push(Fault { key, origin: None, text: text.into() });
        }
    }

    pub(crate) fn add_at(&mut self, origin: Origin, text: impl Into<String>) {
        self.0.push(Fault { key: String::new(), origin: Some(origin), text: text.into() });
    }

    /// Gives each fault the place of its key or, where the key is missing, of the section it belongs into,
    /// and puts them into the order of the file.
    pub(crate) fn locate(&mut self, origins: &BTreeMap<String, Origin>) {
        for fault in self.0.iter_mut().filter(|fault| fault.origin.is_none()) {
            fault.origin = nearest_origin(&fault.key, origins);
        }
        self.0.sort_by(|one, other| one.origin.cmp(&other.origin));
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the settings have a fault")?,
            count => write!(f, "the settings have {count} faults")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

fn nearest_origin(key: &str, origins: &BTreeMap<String, Origin>) -> Option<Origin> {
    let mut key = key;
    loop {
        if let Some(origin) = origins.get(key) {
            return Some(origin.clone());
        }
        key = &key[..key.rfind(['.', '['])?];
    }
}
