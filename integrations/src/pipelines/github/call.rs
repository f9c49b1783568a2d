//! One call of GitHub's API, and what its answer means where that differs from the status.
//!
//! What holds: a limit of any form is [`Failure::Transient`]; where GitHub names no time, a minute is waited, as it asks
//! for (docs.github.com, "Rate limits for the REST API").

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::GitHub;
use crate::http::api::{Call, Called, Failure, Refused, Reply};

/// The wait where none is named.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

impl GitHub {
    /// A call that reads what stands below the repository.
    pub(super) fn get(&self, path: &[&str]) -> Call<'_> {
        self.api.get(&self.path(path))
    }

    /// A call that does something there, once.
    pub(super) fn post(&self, path: &[&str]) -> Call<'_> {
        self.api.post(&self.path(path))
    }

    fn path<'p>(&'p self, path: &[&'p str]) -> Vec<&'p str> {
        let mut whole = vec!["repos", &self.owner, &self.name];
        whole.extend(path);
        whole
    }

    /// Reads all pages of a list, up to `most`; whether there are more.
    pub(super) async fn pages<T: DeserializeOwned>(&self, first: Call<'_>, most: usize) -> Called<(Vec<T>, bool)> {
        let mut reply = sent(first).await?;
        let mut pages = vec![reply.json()?];
        while let Some(next) = reply.next_page() {
            if pages.len() == most {
                return Ok((pages, true));
            }
            reply = sent(self.api.told(reqwest::Method::GET, &next)).await?;
            pages.push(reply.json()?);
        }
        Ok((pages, false))
    }
}

/// Makes a call; every status but 2xx is a failure.
pub(super) async fn sent(call: Call<'_>) -> Called<Reply> {
    let reply = asked(call).await?;
    if (200..300).contains(&reply.status) { Ok(reply) } else { Err(failure(&reply)) }
}

/// Makes a call that may be answered with any status that is no limit and no trouble.
pub(super) async fn asked(call: Call<'_>) -> Called<Reply> {
    let reply = call.exchange().await?;
    let said = reply.said().to_ascii_lowercase();
    let is_limit = reply.status == 403 && (said.contains("secondary rate limit") || said.contains("abuse detection"));
    if is_limit { Err(reply.limited()) } else { Ok(reply) }
}

/// What a refusal means.
pub(super) fn failure(reply: &Reply) -> Failure {
    match reply.failure() {
        Failure::Permanent { why, kind: Refused::NotFound } => {
            Failure::refused(Refused::NotFound, format!("{why} (it is not there, or the token may not see it)"))
        }
        Failure::Permanent { why, .. } if (300..400).contains(&reply.status) => {
            let words = format!("{why}: the repository was renamed or moved, so write its new name");
            Failure::refused(Refused::NotFound, words)
        }
        other => other,
    }
}
