//! `archive.recipients` and `archive.identity_file`: for whom bundles are sealed, and who opens them here.

use std::path::PathBuf;

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;

use super::Check;
use crate::credentials::Readers;

const RECIPIENTS: &str = "archive.recipients";

/// The points of Curve25519 that make every shared secret zero: with one of them nothing would be secret. Little-endian,
/// without the bit that is not looked at.
const WEAK: [[u8; 32]; 7] = [
    [0; 32],
    ended(1, 0, 0),
    ended(0xec, 0xff, 0x7f),
    ended(0xed, 0xff, 0x7f),
    ended(0xee, 0xff, 0x7f),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

const fn ended(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl Check<'_> {
    pub(super) fn recipients(&mut self, texts: &[String]) -> Option<Vec<String>> {
        let checked: Vec<_> = texts.iter().map(|text| self.recipient(text.trim())).collect();
        let mut recipients: Vec<String> = checked.into_iter().collect::<Option<_>>()?;
        recipients.sort();
        recipients.dedup();
        Some(recipients)
    }

    /// Never repeats what it was given: it may be the secret key.
    fn recipient(&mut self, text: &str) -> Option<String> {
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return self.fault(
                RECIPIENTS,
                "holds a secret key: put the public one there, which `age-keygen -y FILE` prints",
            );
        }
        let parsed =
            CheckedHrpstring::new::<Bech32>(text).ok().filter(|parsed| parsed.hrp().as_str() == "age");
        let key = parsed.and_then(|parsed| <[u8; 32]>::try_from(parsed.byte_iter().collect::<Vec<_>>()).ok());
        let Some(mut key) = key else {
            return self.fault(
                RECIPIENTS,
                "must hold public keys that begin with `age1`, as `age-keygen` prints them; other kinds are not taken",
            );
        };
        key[31] &= 0x7f;
        match WEAK.contains(&key) {
            true => self.fault(RECIPIENTS, "holds a key that seals nothing; make one with `age-keygen`"),
            false => Some(text.to_owned()),
        }
    }

    /// Whether it is there is asked when something is to be opened: a machine that only sends needs none.
    pub(super) fn identity_file(&mut self, text: Option<&str>) -> Option<Option<PathBuf>> {
        let Some(text) = text else { return Some(None) };
        if text.trim().is_empty() {
            return self.fault("archive.identity_file", "must not be empty");
        }
        let path = self.base.join(text);
        self.warnings.extend(Readers::of(&path).ok().and_then(|readers| readers.warning(&path)));
        Some(Some(path))
    }
}
