//! The outbox: carries effects out and reports how they ended.
//!
//! Effects wait in lanes, one for each channel and kind of call; a lane carries out one
//! at a time, in order, and its trouble holds up no other. What holds: an effect is open
//! until its outcome is committed; one whose outcome is not known is looked for at the
//! other side before it is repeated, or, where nobody can look, repeated with words that
//! say so; nothing is dropped because it failed for a while.

pub mod begun;
pub mod carry;
mod deploys;
mod lanes;
mod missed;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use integrations::chat::{Failure, Refused, socket};
use integrations::clock::{SharedClock, after};
use jiff::Timestamp;
use operations::deploy::effect::DeployEffect;
use operations::effect::{Effect, Outcome};
use operations::ids::Platform;
use operations::input::Input;
use operations::vitals::Lane;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::begun::Begun;
use self::carry::Carrier;
use self::lanes::Lanes;
use self::tokens::Tokens;
use crate::crash::{Crash, Point};
use crate::engine::{Change, Engine, Request};
use crate::metrics::Metrics;
use crate::store::Row;

/// The first wait after a failure, and the longest: a chat that is back is noticed within that.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How the outbox stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Effects that are open.
    pub open: usize,
    /// Of these, being carried out, or with their outcome on its way to the journal.
    pub unsettled: usize,
    /// When the next of the others is tried, but those that only watch something.
    pub next: Option<Timestamp>,
    /// When the oldest was asked for.
    pub oldest: Option<Timestamp>,
    /// Changes that were taken since the start.
    pub taken: u64,
}

/// What waits in the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The lanes, the fullest first; the first fifty.
    pub lanes: Vec<Lane>,
    /// When the oldest of what people wait for was asked for, by chat.
    pub oldest: BTreeMap<Platform, Timestamp>,
    /// The chats that pause because their token is refused, and why.
    pub refused: BTreeMap<Platform, String>,
}

/// The outbox's own task.
pub struct Outbox {
    /// Carries out.
    pub carrier: Arc<Carrier>,
    /// Which answers were begun.
    pub begun: Begun,
    /// Where outcomes are reported.
    pub engine: Engine,
    /// The time.
    pub clock: SharedClock,
    /// Where figures are counted.
    pub metrics: Metrics,
    /// How it stands, for whoever wants to know.
    pub standing: watch::Sender<Standing>,
    /// Whoever asks for its lanes.
    pub asked: mpsc::Receiver<oneshot::Sender<Waiting>>,
    /// The keys of effects that watch something where something is new.
    pub nudges: mpsc::Receiver<String>,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

/// Something that has ended.
enum Ended {
    /// An attempt.
    Attempt { row: Arc<Row>, result: Result<Outcome, Failure> },
    /// A look at a token.
    Look { platform: Platform, result: Result<(), Failure> },
}

impl Outbox {
    /// Carries out what is open and what comes, until the engine has stopped.
    pub async fn run(mut self, rows: Vec<Arc<Row>>, mut changes: mpsc::UnboundedReceiver<Vec<Change>>) {
        let (mut lanes, mut tokens) = (Lanes::default(), Tokens::default());
        for row in rows {
            // What was open at the start may have been carried out before the outcome could be recorded.
            let suspect = !is_noted(&row.effect) || self.begun.may_have(&row.key);
            lanes.put(row, suspect);
        }
        let mut running = JoinSet::new();
        let mut taken = 0;
        loop {
            self.start_due(&mut lanes, &mut running);
            self.look_at_tokens(&mut tokens, &mut running);
            self.tell(&lanes, taken);
            tokio::select! {
                biased;
                ended = running.join_next(), if !running.is_empty() => {
                    match ended {
                        Some(Ok(Ended::Attempt { row, result })) => self.ended(&row, result, &mut lanes, &mut tokens),
                        Some(Ok(Ended::Look { platform, result })) => self.looked(platform, result, &mut lanes, &mut tokens),
                        Some(Err(error)) if error.is_panic() => {
                            tracing::error!("Carrying out an effect panicked; it is tried again after the next start");
                        }
                        Some(Err(_)) | None => {}
                    }
                }
                change = changes.recv() => {
                    let Some(change) = change else { return };
                    taken += 1;
                    for change in change {
                        match change {
                            Change::Put(row) => lanes.put(row, false),
                            Change::Done(key) => {
                                self.begun.forget(&key);
                                lanes.done(&key);
                            }
                            Change::Recorded(key) => lanes.recorded(&key),
                        }
                    }
                }
                Some(key) = self.nudges.recv() => lanes.nudge(&key),
                Some(answer) = self.asked.recv() => {
                    // Whoever asked may have gone away.
                    let _ = answer.send(Waiting { refused: tokens.paused(), ..lanes.waiting() });
                }
                () = wait(&self.clock, lanes.next().into_iter().chain(tokens.next()).min()) => {}
            }
        }
    }

    /// Starts the first effect of every lane that is free and whose time has come.
    fn start_due(&self, lanes: &mut Lanes, running: &mut JoinSet<Ended>) {
        let now = self.clock.now();
        while let Some(it) = lanes.start(now) {
            let (carrier, begun, row, suspect) = (self.carrier.clone(), self.begun.clone(), it.row.clone(), it.suspect);
            let (crash, failed) = (self.crash.clone(), it.failed.clone());
            let too_late = row.effect.expires_after().is_some_and(|limit| after(it.queued_at, limit) < now);
            running.spawn(async move {
                let result = if too_late {
                    let last = failed.map(|last| format!(": {last}")).unwrap_or_default();
                    Ok(Outcome::GivenUp { why: format!("its time was over{last}") })
                } else {
                    attempt(&carrier, &begun, &crash, &row, suspect).await
                };
                Ended::Attempt { row, result }
            });
        }
    }

    /// Asks whether tokens that were refused work again.
    fn look_at_tokens(&self, tokens: &mut Tokens, running: &mut JoinSet<Ended>) {
        for platform in tokens.due(self.clock.now()) {
            let carrier = self.carrier.clone();
            running.spawn(async move { Ended::Look { platform, result: carrier.check(platform).await } });
        }
    }

    fn looked(&self, platform: Platform, result: Result<(), Failure>, lanes: &mut Lanes, tokens: &mut Tokens) {
        let why = result.err().map(|failure| failure.to_string());
        if let Some(why) = &why {
            tracing::info!(platform = platform.key(), why, "{}'s token does not work yet", platform.title());
        } else {
            tracing::info!(platform = platform.key(), "{}'s token works again", platform.title());
            lanes.release(platform);
        }
        tokens.looked(platform, why, self.clock.now());
    }

    fn ended(&self, row: &Row, result: Result<Outcome, Failure>, lanes: &mut Lanes, tokens: &mut Tokens) {
        let (key, effect) = (&*row.key, &row.effect);
        let platform = effect.peer();
        let incident = effect.incident().map(|incident| incident.to_string()).unwrap_or_default();
        let outcome = match result {
            Ok(outcome) => {
                self.metrics.effect(platform, "done");
                if let Some(platform) = effect.platform() {
                    tokens.delivered(platform);
                    lanes.works_again(platform);
                }
                outcome
            }
            Err(Failure::Permanent { why, kind }) if kind != Refused::Token => {
                self.metrics.effect(platform, "given_up");
                tracing::warn!(effect = key, incident.id = incident, why, "Gave up: {}", effect.about());
                Outcome::GivenUp { why }
            }
            // Nothing takes that channel's place.
            Err(Failure::Channel { said, .. }) => {
                self.metrics.effect(platform, "given_up");
                tracing::warn!(effect = key, incident.id = incident, why = said, "Gave up: {}", effect.about());
                Outcome::GivenUp { why: said }
            }
            // That is for people to mend; nothing is given up meanwhile.
            Err(Failure::Permanent { why, kind: Refused::Token }) if effect.platform().is_some() => {
                self.metrics.effect(platform, "retried");
                if let Some(platform) = effect.platform() {
                    tracing::error!(
                        platform = platform.key(),
                        why,
                        "{} refuses the token: it pauses",
                        platform.title()
                    );
                    tokens.refused(platform, &why, self.clock.now());
                    lanes.hold(platform);
                }
                lanes.again(key, self.clock.now(), false, true);
                return;
            }
            Err(failure) => {
                self.metrics.effect(platform, "retried");
                self.again(key, lanes, &failure);
                return;
            }
        };
        lanes.reported(key);
        self.report(row, outcome);
    }

    /// Tells the engine how an effect ended; it is closed when that is committed.
    fn report(&self, row: &Row, outcome: Outcome) {
        let finished = Some((row.key.clone(), row.generation));
        let request = Request { finished, ..Request::new(Input::Done { effect: row.effect.clone(), outcome }) };
        let (engine, crash) = (self.engine.clone(), self.crash.clone());
        crate::tasks::spawn("outcome", async move {
            crash.pass_or_stay(Point::OutboxOutcomeBefore).await;
            // The engine has stopped: the effect is still open at the next start, and is looked for then.
            let _ = engine.send(request).await;
            crash.pass_or_stay(Point::OutboxOutcomeAfter).await;
        });
    }

    fn again(&self, key: &str, lanes: &mut Lanes, failure: &Failure) {
        let Some(it) = lanes.get(key) else { return };
        let (wait, suspect) = after_failure(failure, it.attempts);
        let told = matches!(failure, Failure::Transient { retry_after: Some(_), .. });
        let (about, attempts) = (it.row.effect.about(), it.attempts + 1);
        if told && it.row.effect.watches() {
            tracing::debug!(effect = key, attempts, why = %failure, ?wait, "Will look again to {about}");
        } else {
            tracing::info!(effect = key, attempts, why = %failure, ?wait, "Will try again to {about}");
        }
        lanes.failed(key, &failure.to_string());
        lanes.again(key, after(self.clock.now(), wait), suspect, told);
    }

    fn tell(&self, lanes: &Lanes, taken: u64) {
        let now = self.clock.now();
        let oldest = lanes.oldest();
        let standing = Standing {
            open: lanes.len(),
            unsettled: lanes.unsettled(),
            next: lanes.next_but_watching(),
            oldest,
            taken,
        };
        let age = oldest.and_then(|oldest| Duration::try_from(now.duration_since(oldest)).ok()).unwrap_or_default();
        self.metrics.outbox(standing.open, age);
        self.standing.send_replace(standing);
    }
}

/// How long to wait before the next attempt, and whether this one may have done it.
#[must_use]
pub fn after_failure(failure: &Failure, attempts: u32) -> (Duration, bool) {
    let (told, suspect) = match failure {
        Failure::Transient { retry_after, .. } => (*retry_after, false),
        // The answer was lost: whether it was done is looked up before it is repeated.
        Failure::Unknown { .. } => (None, true),
        Failure::Permanent { .. } | Failure::Channel { .. } => (None, false),
    };
    (told.unwrap_or_else(|| socket::backoff(attempts, BACKOFF.0, BACKOFF.1)), suspect)
}

/// Whether it is noted when it is begun: what can't be looked up everywhere, and must not be done twice without a word.
fn is_noted(effect: &Effect) -> bool {
    matches!(effect, Effect::Reply { .. } | Effect::Deploy { what: DeployEffect::Dispatch, .. })
}

/// Tries once. An answer or a start is noted as begun before it is tried, and not any more where that certainly did nothing.
async fn attempt(
    carrier: &Carrier,
    begun: &Begun,
    crash: &Crash,
    row: &Row,
    suspect: bool,
) -> Result<Outcome, Failure> {
    let noted = is_noted(&row.effect) && !suspect;
    if noted && !begun.begins(&row.key).await {
        let why = "that it is begun could not be noted".to_owned();
        return Err(Failure::Transient { why, retry_after: None });
    }
    crash.pass_or_stay(Point::OutboxSendBefore).await;
    let result = carrier.carry(&row.effect, &row.key, suspect).await;
    crash.pass_or_stay(Point::OutboxSendAfter).await;
    if noted && matches!(result, Err(Failure::Transient { .. } | Failure::Permanent { .. })) {
        begun.did_nothing(&row.key).await;
    }
    result
}

async fn wait(clock: &SharedClock, until: Option<Timestamp>) {
    match until {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
