//! The keys to what is sealed: those of `archive.identity_file`, read when something is to be opened, and not before.

use std::cell::OnceCell;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use age::stream::StreamReader;
use age::{DecryptError, Decryptor, IdentityFile};
use config::Archive;

use super::ArchiveError;

/// Far longer than any file of keys.
const LONGEST: u64 = 1 << 20;

type Identities = Vec<Box<dyn age::Identity + Send + Sync>>;

/// What is sealed: its name, for people, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lock<'a> {
    pub(super) key: &'a str,
    pub(super) recipients: &'a [String],
}

pub struct Keys {
    file: Option<PathBuf>,
    read: OnceCell<Identities>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Keys {
    pub fn of(settings: &Archive) -> Self {
        Self { file: settings.identity_file.clone(), read: OnceCell::new() }
    }

    /// Returns what is in a sealed file, while it is read.
    pub(super) fn open<R: Read>(&self, lock: Lock<'_>, sealed: R) -> Result<StreamReader<R>, ArchiveError> {
        let (key, recipients) = (lock.key.to_owned(), lock.recipients.join(", "));
        let Some(file) = &self.file else { return Err(ArchiveError::NoKey { key, recipients }) };
        let identities = self.identities(file)?;
        let damaged =
            |_| ArchiveError::Damaged { key: lock.key.to_owned(), what: "it is not sealed by `age`" };
        let decryptor = Decryptor::new(sealed).map_err(damaged)?;
        let identities = identities.iter().map(|identity| &**identity as &dyn age::Identity);
        decryptor.decrypt(identities).map_err(|error| match error {
            DecryptError::NoMatchingKeys => ArchiveError::OtherKey { key, recipients, file: file.clone() },
            _ => ArchiveError::Damaged { key, what: "the head of what is sealed is another" },
        })
    }

    fn identities(&self, file: &Path) -> Result<&Identities, ArchiveError> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let unread = |source| ArchiveError::Read { file: file.to_owned(), source };
        let text = BufReader::new(File::open(file).map_err(unread)?.take(LONGEST));
        // Its own message may repeat a line of the file.
        let identities = IdentityFile::from_buffer(text).ok().and_then(|file| file.into_identities().ok());
        match identities.filter(|identities| !identities.is_empty()) {
            Some(identities) => Ok(self.read.get_or_init(|| identities)),
            None => Err(ArchiveError::Keyless { file: file.to_owned() }),
        }
    }
}

/// Tells whether the keys of the settings open what the settings seal.
pub fn opens_own(settings: &Archive) -> Result<(), ArchiveError> {
    let Some(seal) = super::seal::Seal::of(&settings.recipients)? else { return Ok(()) };
    let envelope = seal.envelope()?;
    let lock = Lock { key: "what is sealed now", recipients: &settings.recipients };
    Keys::of(settings).open(lock, envelope.seal(std::io::empty(), 0)).map(|_| ())
}
