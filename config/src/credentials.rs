//! Finding a secret: in the key itself, a file, systemd's credentials or the environment, in that order.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::{Environment, MissingSecret, Secret};

/// A password or a token, not a file named by mistake.
const LARGEST_BYTES: u64 = 64 * 1024;

/// Where a secret is said to be; at most one of the three.
pub(crate) struct Whereabouts<'r> {
    /// The key of the secret itself, such as `vision.api_key`; the others add `_file` and `_env`.
    pub(crate) key: String,
    pub(crate) itself: Option<&'r Secret>,
    pub(crate) file: Option<&'r str>,
    pub(crate) variable: Option<&'r str>,
    /// Name under `$CREDENTIALS_DIRECTORY`, such as `gate.password`.
    pub(crate) credential: String,
}

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) secret: Option<Secret>,
    pub(crate) missing: Option<MissingSecret>,
    /// A file that others may read.
    pub(crate) warning: Option<String>,
}

impl Whereabouts<'_> {
    /// Lists the keys that are given; more than one is a fault.
    pub(crate) fn given(&self) -> Vec<String> {
        let keys = [
            self.itself.map(|_| self.key.clone()),
            self.file.map(|_| format!("{}_file", self.key)),
            self.variable.map(|_| format!("{}_env", self.key)),
        ];
        keys.into_iter().flatten().collect()
    }

    /// Looks the secret up; relative files are meant from `base`. Not found at all, with no key given, is
    /// nothing missing: many cameras and local models ask for none.
    pub(crate) fn find(&self, base: &Path, environment: &Environment) -> Found {
        if let Some(secret) = self.itself {
            return Found { secret: Some(secret.clone()), ..Found::default() };
        }
        if let Some(file) = self.file {
            return self.in_file(&base.join(file), &format!("{}_file", self.key));
        }
        let credential = environment
            .get("CREDENTIALS_DIRECTORY")
            .map(|(folder, _)| Path::new(folder).join(&self.credential))
            .filter(|path| path.exists());
        match (credential, self.variable) {
            (Some(path), _) => self.in_file(&path, &self.key),
            (None, Some(variable)) => self.in_variable(variable, environment),
            (None, None) => Found::default(),
        }
    }

    fn in_variable(&self, variable: &str, environment: &Environment) -> Found {
        let key = format!("{}_env", self.key);
        if let Some((path, _)) = environment.get(&format!("{variable}_FILE")) {
            return self.in_file(&environment.folder().join(path), &key);
        }
        match environment.get(variable).filter(|(value, _)| !value.is_empty()) {
            Some((value, _)) => {
                Found { secret: Some(Secret::new(without_newline(value))), ..Found::default() }
            }
            None => missing(
                key,
                format!(
                    "the environment variable `{variable}` is not set; set it, put it into `.env`, or hand \
                     systemd the credential `{}`",
                    self.credential
                ),
            ),
        }
    }

    fn in_file(&self, path: &Path, key: &str) -> Found {
        match read(path) {
            Ok((text, _)) if text.is_empty() => {
                missing(key.to_owned(), format!("`{}` is empty", path.display()))
            }
            Ok((text, readers)) => {
                Found { secret: Some(Secret::new(text)), warning: readers.warning(path), ..Found::default() }
            }
            Err(error) => missing(key.to_owned(), format!("cannot read `{}`: {error}", path.display())),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Readers {
    Few,
    Everyone,
}

impl Readers {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mode = path.metadata()?.permissions().mode();
        Ok(if mode & 0o004 == 0 { Self::Few } else { Self::Everyone })
    }

    pub(crate) fn warning(self, path: &Path) -> Option<String> {
        match self {
            Self::Few => None,
            Self::Everyone => Some(format!(
                "`{0}` holds a secret and everyone on this machine may read it; run `chmod o-rwx {0}`",
                path.display()
            )),
        }
    }
}

fn read(path: &Path) -> io::Result<(String, Readers)> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long for a secret"));
    }
    Ok((without_newline(&text).to_owned(), Readers::of(path)?))
}

fn missing(key: String, reason: String) -> Found {
    Found { missing: Some(MissingSecret { key, reason }), ..Found::default() }
}

/// Editors and `echo` end a file with one newline that is not part of the secret.
fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
