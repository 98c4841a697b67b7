//! Passwords: their Argon2 hashes are made, and what was typed is held against them.

use std::collections::BTreeMap;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use config::Secret;

use crate::DashboardError;

/// Returns the hash of a password, with salt and costs of its own, as `[[serve.user]]` has it.
pub fn hash_password(password: &str) -> Result<String, password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Who may look.
#[derive(Debug)]
pub(crate) struct Users {
    hashes: BTreeMap<String, Secret>,
    /// Of no password: held against what is typed under a name that is nobody's, so that it takes as long.
    of_nobody: String,
}

impl Users {
    pub(crate) fn new(hashes: &BTreeMap<String, Secret>) -> Result<Self, DashboardError> {
        for (name, hash) in hashes {
            PasswordHash::new(hash.expose()).map_err(|_| DashboardError::Hash { name: name.clone() })?;
        }
        let of_nobody = match hashes.is_empty() {
            true => String::new(),
            false => hash_password(&crate::token::random()).unwrap_or_default(),
        };
        Ok(Self { hashes: hashes.clone(), of_nobody })
    }

    /// Tells whether nobody is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Takes tens of milliseconds of a core and 19 MB, on purpose. Blocks.
    pub(crate) fn opens(&self, name: &str, password: &str) -> bool {
        let known = self.hashes.get(name);
        let hash = known.map_or(self.of_nobody.as_str(), Secret::expose);
        let verified = Argon2::default().verify_password(password.as_bytes(), hash);
        known.is_some() && verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_the_right_name_opens() {
        let hash = |password| Secret::new(hash_password(password).unwrap());
        let hashes =
            BTreeMap::from([("me".to_owned(), hash("correct horse")), ("you".to_owned(), hash("staple"))]);
        let users = Users::new(&hashes).unwrap();
        assert!(users.opens("me", "correct horse") && users.opens("you", "staple"));
        for (name, password) in
            [("me", "staple"), ("me", ""), ("", ""), ("nobody", "staple"), ("ME", "correct horse")]
        {
            assert!(!users.opens(name, password), "{name} {password}");
        }
        let broken = BTreeMap::from([("me".to_owned(), Secret::new("$argon2id$v=19$m=1$x$y"))]);
        assert!(Users::new(&broken).unwrap_err().to_string().contains("`serve.user` `me`"));
    }
}
