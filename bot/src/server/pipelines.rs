//! Webhooks of pipelines: `POST /pipelines/{name}`.
//!
//! Such a webhook says only that something is new: what it is, is asked of the pipeline itself. So none is needed, and
//! one that is lost or told twice changes nothing. What holds: it is believed only with the secret that is
//! configured, and never starts anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use integrations::clock::SharedClock;
use integrations::pipelines::{argocd, buildbot, github, gitlab};
use integrations::secret::Secret;
use jiff::Timestamp;
use operations::deploy::effect::DeployEffect;
use operations::deploy::{Stage, Target};
use operations::effect::Effect;
use tokio::sync::mpsc;

use super::Shared;
use super::body;
use super::room::Room;
use crate::config::Sends;
use crate::engine::Engine;

/// The largest body in bytes, and how long it may take.
const MAX_BODY: usize = 2 * 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The name with which Buildbot may show the secret as a password.
const BUILDBOT_USER: &str = "muster";

/// Takes webhooks of pipelines.
pub struct Webhooks {
    /// Those that are believed, by the pipeline's name.
    pub senders: BTreeMap<String, (Sends, Secret)>,
    /// Where each pipeline deploys to.
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Where the state is read.
    pub engine: Engine,
    /// The time.
    pub clock: SharedClock,
    /// Room for bodies.
    pub room: Room,
    /// Wakes what watches a run.
    pub nudges: mpsc::Sender<String>,
}

/// `POST /pipelines/{name}`.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, &'static str) {
    let hooks = &shared.pipelines;
    let Some((sends, secret)) = hooks.senders.get(&name) else {
        let words =
            "There is no such pipeline that sends webhooks. They are the [pipelines.…] with a webhook_secret.\n";
        return (StatusCode::NOT_FOUND, words);
    };
    let mut place = hooks.room.place();
    let Ok(body) = body::read(body, &headers, MAX_BODY, BODY_TIMEOUT, &mut place).await else {
        return (StatusCode::BAD_REQUEST, "The body is too large, came too slowly or broke off.\n");
    };
    match believes(*sends, secret, hooks.clock.now(), &headers, &body.join()) {
        Ok(()) => {}
        Err(status) => {
            tracing::info!(pipeline = name, status = status.as_u16(), "A pipeline's webhook was not taken");
            return (status, "It carries no token or signature that is known, or can't be read.\n");
        }
    }
    hooks.nudge(&name).await;
    (StatusCode::OK, "seen\n")
}

/// Whether it carries the secret, in the way of its kind.
fn believes(sends: Sends, secret: &Secret, now: Timestamp, headers: &HeaderMap, body: &[u8]) -> Result<(), StatusCode> {
    let unknown = StatusCode::UNAUTHORIZED;
    match sends {
        Sends::GitHub => match github::hook::told(headers, body, secret) {
            Ok(_) => Ok(()),
            Err(github::hook::NotBelieved::Unreadable) => Err(StatusCode::BAD_REQUEST),
            Err(_) => Err(unknown),
        },
        Sends::GitLab => {
            let signed = secret.expose().starts_with("whsec_");
            let (tokens, keys) = if signed { (vec![], vec![secret.clone()]) } else { (vec![secret.clone()], vec![]) };
            let hook = gitlab::hook::Hook::new(tokens, &keys).map_err(|_| unknown)?;
            match hook.read(headers, body, now) {
                Ok(_) => Ok(()),
                Err(gitlab::hook::Denied::Unreadable) => Err(StatusCode::BAD_REQUEST),
                Err(gitlab::hook::Denied::Unknown) => Err(unknown),
            }
        }
        Sends::Buildbot => {
            // `headers` of its `HttpStatusPush` show a token; `auth`, which alone takes a secret of Buildbot's, a
            // name and a password.
            let token = buildbot::hook::Shows::Bearer(secret.clone());
            let login = buildbot::hook::Shows::Basic(BUILDBOT_USER.to_owned(), secret.clone());
            let hook = buildbot::hook::Hook::new(&[token, login]);
            match hook.map_err(|_| unknown)?.read(headers, body) {
                Ok(_) => Ok(()),
                Err(buildbot::hook::Denied::Unreadable) => Err(StatusCode::BAD_REQUEST),
                Err(buildbot::hook::Denied::Unknown) => Err(unknown),
            }
        }
        Sends::ArgoCd => match argocd::hook(std::slice::from_ref(secret), headers, body) {
            Ok(_) => Ok(()),
            Err(argocd::Rejected::Malformed(_)) => Err(StatusCode::BAD_REQUEST),
            Err(argocd::Rejected::Token) => Err(unknown),
        },
    }
}

impl Webhooks {
    /// Has the runs of a pipeline looked at now.
    async fn nudge(&self, name: &str) {
        let targets = self.targets.get(name).cloned().unwrap_or_default();
        let keys = self.engine.read(move |state| {
            let runs =
                |it: &&operations::deploy::Deploy| it.stage == Stage::Running && targets.contains(&it.wanted.target);
            let key =
                |it: &operations::deploy::Deploy| Effect::Deploy { deploy: it.id, what: DeployEffect::Follow }.key();
            state.open_deploys().filter(runs).map(key).collect::<Vec<_>>()
        });
        for key in keys.await.unwrap_or_default() {
            // Where the outbox has stopped, nothing is watched any more.
            let _ = self.nudges.send(key).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn buildbot_shows_the_secret_as_a_token_or_as_a_password() {
        let secret = Secret::new("open-sesame");
        let shown = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().expect("a header"))]);
            let body = br#"{"buildid": 1, "buildrequestid": 2}"#;
            believes(Sends::Buildbot, &secret, Timestamp::UNIX_EPOCH, &headers, body)
        };
        assert_eq!(shown("Bearer open-sesame"), Ok(()));
        // muster:open-sesame
        assert_eq!(shown("Basic bXVzdGVyOm9wZW4tc2VzYW1l"), Ok(()));
        // other:open-sesame
        assert_eq!(shown("Basic b3RoZXI6b3Blbi1zZXNhbWU="), Err(StatusCode::UNAUTHORIZED));
        assert_eq!(shown("Bearer open"), Err(StatusCode::UNAUTHORIZED));
    }
}
