//! What Buildbot's `HttpStatusPush` sends (docs.buildbot.net/latest/manual/configuration/reporters): the build as JSON,
//! when it begins and when it ends.
//!
//! Buildbot signs nothing: it sends what the operator wrote as `headers={"Authorization": "Bearer …"}` or
//! `auth=("user", "password")`. What holds: that is compared in constant time before anything is read, and what is
//! told is a hint to look, never believed.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base64;
use crate::secret::Secret;

/// What the sender shows.
#[derive(Clone, Debug)]
pub enum Shows {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`: a name and a password.
    Basic(String, Secret),
}

/// Knows what Buildbot sends.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Whole values of the header.
    known: Vec<Secret>,
}

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The id of the run that it is about: the build request's.
    pub run: String,
    /// The build's own id.
    pub build: u64,
    /// The builder's id.
    pub builder: Option<u64>,
}

/// Why it was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The sender is not known: answer 401.
    #[error("the sender is not known")]
    Unknown,
    /// It can't be read: answer 400.
    #[error("it can't be read")]
    Unreadable,
}

impl Hook {
    /// Knows a sender that shows one of these.
    ///
    /// # Errors
    /// There is none, or one is empty. The words are for the operator.
    pub fn new(shown: &[Shows]) -> Result<Hook, String> {
        if shown.is_empty() {
            return Err("a webhook of Buildbot's needs a token or a name and password".to_owned());
        }
        let mut known = Vec::new();
        for shows in shown {
            let (Shows::Bearer(secret) | Shows::Basic(_, secret)) = shows;
            if secret.expose().is_empty() {
                return Err("the token or password of Buildbot's webhook is empty".to_owned());
            }
            known.push(Secret::new(&match shows {
                Shows::Bearer(token) => format!("bearer {}", token.expose()),
                Shows::Basic(user, password) => {
                    format!("basic {}", base64::encode(format!("{user}:{}", password.expose()).as_bytes()))
                }
            }));
        }
        Ok(Hook { known })
    }

    /// Checks who sent it and reads what it is about.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Told, Denied> {
        let shown = headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok()).ok_or(Denied::Unknown)?;
        // The scheme's name may be written in any case (RFC 9110, section 11.1).
        let (scheme, credentials) = shown.split_once(' ').ok_or(Denied::Unknown)?;
        let shown = Sha256::digest(format!("{} {}", scheme.to_ascii_lowercase(), credentials.trim()));
        let mut is_known = subtle::Choice::from(0);
        for known in &self.known {
            // Hashes are of one length, so that the time says nothing about the secret's.
            is_known |= Sha256::digest(known.expose()).as_slice().ct_eq(shown.as_slice());
        }
        if !bool::from(is_known) {
            return Err(Denied::Unknown);
        }
        let build: Pushed = serde_json::from_slice(body).map_err(|_| Denied::Unreadable)?;
        Ok(Told { run: build.buildrequestid.to_string(), build: build.buildid, builder: build.builderid })
    }
}

#[derive(Deserialize)]
struct Pushed {
    buildid: u64,
    buildrequestid: u64,
    #[serde(default)]
    builderid: Option<u64>,
}
