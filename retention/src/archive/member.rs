//! Reading one member of a bundle by its range, opened where it is sealed, and compared with what was sent.

use std::io::Read;

use catalog::{Bundle, Member};

use super::hashed::Hashed;
use super::keys::Lock;
use super::object::ObjectReader;
use super::{ArchiveError, Keys, Store};

/// Bytes handed on at once.
const PIECE: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
pub(super) struct MemberReading<'a> {
    pub(super) store: &'a Store,
    pub(super) keys: &'a Keys,
    pub(super) bundle: &'a Bundle,
    pub(super) member: &'a Member,
}

impl MemberReading<'_> {
    /// Hands its plain bytes on, piece by piece. Whether they are what was sent is known at the end.
    pub(super) fn each(
        self,
        each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let Self { store, member, .. } = self;
        let range = member.offset..member.offset.saturating_add(member.length);
        let mut object = ObjectReader::open(store, &self.bundle.key, range)?;
        let read = match &member.plain {
            None => self.hand_on(&mut object, each),
            Some(_) => {
                let key = self.name();
                let lock = Lock { key: &key, recipients: &self.bundle.recipients };
                self.keys.open(lock, &mut object).and_then(|opened| self.hand_on(opened, each))
            }
        };
        // What broke off looks like damage to whoever opens it.
        object.take_failure().map_or(read, Err)
    }

    fn hand_on(
        self,
        from: impl Read,
        mut each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let damaged = |what| ArchiveError::Damaged { key: self.name(), what };
        let mut from = Hashed::new(from);
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece).map_err(|_| damaged("it cannot be opened"))? {
                0 => break,
                length => each(&piece[..length])?,
            }
        }
        let member = self.member;
        let expected = match &member.plain {
            Some(plain) => (plain.length, &plain.sha256),
            None => (member.length, &member.sha256),
        };
        let (length, sha256) = from.finish();
        match (length, &sha256) == expected {
            true => Ok(()),
            false => Err(damaged("its SHA-256 is another")),
        }
    }

    fn name(self) -> String {
        format!("{}: {}", self.bundle.key, self.member.name)
    }
}
