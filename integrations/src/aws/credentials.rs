//! AWS credentials: where they come from, and how long they are kept.
//!
//! What holds: they are fetched once for however many wait for them, kept until five minutes before they end, and
//! fetched anew when AWS says that they ran out; where that fails, those that are still good are used. Neither
//! `{:?}` nor an error shows them. Where each kind is fetched is in `sources.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{check_region, sources};
use crate::clock::{SharedClock, after};
use crate::http::api::Called;
use crate::secret::Secret;

/// So long before they end they are fetched anew.
const BEFORE_END: Duration = Duration::from_secs(5 * 60);

/// What calls are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id, which is no secret but is shown to nobody either.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session's token, for those that end.
    pub session_token: Option<Secret>,
    /// When they end; none for those that don't.
    pub ends: Option<Timestamp>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first of the others that is set up, in the order of AWS's SDKs: environment, web identity, container,
    /// instance (docs.aws.amazon.com, "Standardized credential providers").
    Default,
    /// These.
    Keys(Credentials),
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    Environment,
    /// The role `AWS_ROLE_ARN` by the token in the file `AWS_WEB_IDENTITY_TOKEN_FILE`.
    WebIdentity,
    /// What ECS and EKS Pod Identity give a container (`AWS_CONTAINER_CREDENTIALS_…`).
    Container,
    /// What EC2 gives an instance, by its metadata service's second version alone.
    Instance,
}

/// Looks a variable of the environment up.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The variables that the process was started with.
#[must_use]
pub fn environment() -> Environment {
    Arc::new(|name| std::env::var(name).ok())
}

/// Gives credentials, and keeps them. Clones keep them together.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    fetch: sources::Fetch,
    kept: Mutex<Option<Credentials>>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({:?})", self.inner.source)
    }
}

impl Provider {
    /// One that has nothing yet. `region` is where STS is asked.
    ///
    /// # Errors
    /// The region is none. The words are for the operator.
    pub fn new(
        source: Source,
        region: &str,
        environment: Environment,
        http: reqwest::Client,
        clock: SharedClock,
    ) -> Result<Provider, String> {
        check_region(region)?;
        let fetch = sources::Fetch { region: region.to_owned(), environment, http, clock };
        Ok(Provider { inner: Arc::new(Inner { source, fetch, kept: Mutex::new(None) }) })
    }

    /// The credentials, fetched where there are none or they end soon.
    ///
    /// # Errors
    /// They can't be had. Nothing was sent to the service that they are for, so it is never
    /// [`crate::http::api::Failure::Unknown`].
    pub async fn get(&self) -> Called<Credentials> {
        // Held while they are fetched, so that all others wait for these.
        let mut kept = self.inner.kept.lock().await;
        let now = self.inner.fetch.clock.now();
        if let Some(credentials) = kept.as_ref().filter(|kept| is_good(kept, after(now, BEFORE_END))) {
            return Ok(credentials.clone());
        }
        match self.inner.fetch.fetch(&self.inner.source).await {
            Ok(credentials) => {
                *kept = Some(credentials.clone());
                Ok(credentials)
            }
            Err(failure) => match kept.as_ref().filter(|kept| is_good(kept, now)) {
                Some(credentials) => {
                    tracing::warn!(%failure, "AWS credentials could not be fetched anew; those that are kept are still good");
                    Ok(credentials.clone())
                }
                None => Err(failure),
            },
        }
    }

    /// These were refused because they ran out. Whether others can be had: keys that were configured stay the same.
    pub(super) async fn forget(&self, refused: &Credentials) -> bool {
        let mut kept = self.inner.kept.lock().await;
        // Somebody else may have fetched others meanwhile.
        if kept.as_ref() == Some(refused) {
            *kept = None;
        }
        !matches!(self.inner.source, Source::Keys(_))
    }
}

fn is_good(credentials: &Credentials, at: Timestamp) -> bool {
    credentials.ends.is_none_or(|ends| ends > at)
}
