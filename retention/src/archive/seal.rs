//! Sealing: a file as `age` encrypts it for its recipients, and twice the same.
//!
//! A bundle is written twice (see layout.rs), and age draws a key for each file by lot. So its crate makes the head of a
//! file once, and the key is kept until the bundle is away; the body is the format's STREAM under that key, as
//! <https://age-encryption.org/v1> has it. The first pass goes nowhere, and a try after it draws another key: of what leaves
//! this process, no two contents are ever under one key. A copy on the disk would need a gigabyte when room is short.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};

use age::secrecy::ExposeSecret;
use age::{EncryptError, Encryptor, Recipient, x25519};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::hkdf;
use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};

use super::ArchiveError;

const CHUNK: u64 = 64 * 1024;
const TAG: u64 = 16;
/// The last bytes of a head.
const NONCE: usize = 16;

/// For whom bundles are sealed.
pub(super) struct Seal {
    recipients: Vec<x25519::Recipient>,
}

impl Seal {
    /// Nothing where bundles are sent as they are.
    pub(super) fn of(recipients: &[String]) -> Result<Option<Self>, ArchiveError> {
        let parsed = recipients.iter().map(|text| text.parse());
        let recipients = parsed
            .collect::<Result<Vec<_>, _>>()
            .map_err(|what: &str| ArchiveError::Seal { what: what.to_owned() })?;
        Ok((!recipients.is_empty()).then_some(Self { recipients }))
    }

    /// Draws the key of one file.
    pub(super) fn envelope(&self) -> Result<Envelope, ArchiveError> {
        Envelope::new(&self.recipients).map_err(|error| ArchiveError::Seal { what: error.to_string() })
    }
}

/// The head of a sealed file, and the key to its body.
pub(super) struct Envelope {
    head: Vec<u8>,
    cipher: ChaCha20Poly1305,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}

impl Envelope {
    fn new(recipients: &[x25519::Recipient]) -> Result<Self, EncryptError> {
        let witness = Witness::default();
        let all = recipients.iter().map(|recipient| recipient as &dyn Recipient);
        let mut head = Vec::new();
        // The writer of the body is dropped: it would write each body once.
        Encryptor::with_recipients(all.chain([&witness as &dyn Recipient]))?.wrap_output(&mut head)?;
        let file_key = witness.0.into_inner().ok_or(EncryptError::MissingRecipients)?;
        let nonce = &head[head.len() - NONCE..];
        let cipher = ChaCha20Poly1305::new(&hkdf(nonce, b"payload", file_key.expose_secret()).into());
        Ok(Self { head, cipher })
    }

    /// Returns how long a file of this length becomes.
    pub(super) fn sealed_length(&self, plain: u64) -> u64 {
        self.head.len() as u64 + plain + TAG * plain.div_ceil(CHUNK).max(1)
    }

    /// Seals a file of exactly this length while it is read.
    pub(super) fn seal<R: Read>(&self, plain: R, length: u64) -> Sealed<'_, R> {
        Sealed { envelope: self, plain, left: Some(length), piece: self.head.clone(), taken: 0, chunks: 0 }
    }
}

/// Stands among the recipients to be told the key, and leaves no trace in the file.
#[derive(Default)]
struct Witness(OnceCell<FileKey>);

impl Recipient for Witness {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let copy = FileKey::init_with_mut(|copy| copy.copy_from_slice(file_key.expose_secret()));
        let _ = self.0.set(copy);
        Ok((Vec::new(), HashSet::new()))
    }
}

/// A sealed file, read.
pub(super) struct Sealed<'e, R> {
    envelope: &'e Envelope,
    plain: R,
    /// Of the plain file; nothing once its last chunk is sealed.
    left: Option<u64>,
    piece: Vec<u8>,
    taken: usize,
    chunks: u64,
}

impl<R: Read> Sealed<'_, R> {
    fn seal_chunk(&mut self, left: u64) -> io::Result<()> {
        let length = left.min(CHUNK);
        self.piece.resize(length as usize, 0);
        self.plain.read_exact(&mut self.piece)?;
        self.left = Some(left - length).filter(|left| *left > 0);
        let nonce = nonce(self.chunks, self.left.is_none());
        let tag = self.envelope.cipher.encrypt_in_place_detached(&nonce, b"", &mut self.piece);
        self.piece.extend_from_slice(&tag.map_err(|_| io::Error::other("cannot seal"))?);
        self.chunks += 1;
        self.taken = 0;
        Ok(())
    }
}

impl<R: Read> Read for Sealed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len()
            && let Some(left) = self.left
        {
            self.seal_chunk(left)?;
        }
        let read = (&self.piece[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

/// Eleven bytes that count the chunks, and one that marks the last.
fn nonce(chunk: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(is_last);
    nonce.into()
}

#[cfg(test)]
mod tests {
    use age::Decryptor;

    use super::*;

    fn sealed(envelope: &Envelope, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        envelope.seal(plain, plain.len() as u64).read_to_end(&mut sealed).unwrap();
        sealed
    }

    #[test]
    fn age_opens_what_is_sealed_whatever_its_length_and_twice_it_is_the_same() {
        let [first, second] = [(); 2].map(|()| x25519::Identity::generate());
        let recipients = [&first, &second].map(|identity| identity.to_public().to_string());
        let seal = Seal::of(&recipients).unwrap().unwrap();
        for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
            let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let envelope = seal.envelope().unwrap();
            let bytes = sealed(&envelope, &plain);
            assert_eq!(bytes.len() as u64, envelope.sealed_length(length), "{length}");
            assert_eq!(bytes, sealed(&envelope, &plain), "{length}");
            assert_ne!(bytes, sealed(&seal.envelope().unwrap(), &plain), "each file has its key");
            for identity in [&first, &second] {
                let decryptor = Decryptor::new(&bytes[..]).unwrap();
                let mut opened = Vec::new();
                let identities = std::iter::once(identity as &dyn age::Identity);
                decryptor.decrypt(identities).unwrap().read_to_end(&mut opened).unwrap();
                assert_eq!(opened, plain, "{length}");
            }
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let recipients = [x25519::Identity::generate().to_public().to_string()];
        let envelope = Seal::of(&recipients).unwrap().unwrap().envelope().unwrap();
        let mut read = envelope.seal(&b"short"[..], 6);
        assert_eq!(read.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn nobody_to_seal_for_is_no_seal() {
        assert!(Seal::of(&[]).unwrap().is_none());
        assert!(Seal::of(&["age1nonsense".to_owned()]).is_err());
    }
}
