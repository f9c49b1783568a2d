//! The inbox: what arrived from the chats becomes requests to the engine.
//!
//! What arrived is parsed, handed to the engine in order, and acknowledged once it is on
//! disk. What can't be read is kept as it came. What holds: nothing here waits for the
//! work that an input causes, and nothing that arrived makes this task end.

use std::collections::BTreeMap;
use std::sync::Arc;

use commands::parse;
use integrations::chat::socket::Arrival;
use integrations::chat::{Called, Chat, discord, slack};
use integrations::clock::SharedClock;
use jiff::Timestamp;
use operations::accounts::Standing;
use operations::chat::Inbound;
use operations::ids::{Platform, UserRef};
use operations::input::Input;
use operations::policy::Asking;
use operations::state::State;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::crash::{Crash, Point};
use crate::engine::{Engine, NotTaken, Request};
use crate::metrics::Metrics;

/// What the inbox works with.
pub struct Intake {
    /// Where requests go.
    pub engine: Engine,
    /// For completions, which are answered at once and never journaled.
    pub chats: BTreeMap<Platform, Arc<Chat>>,
    /// The time, which the rules that completions are asked about may speak of.
    pub clock: SharedClock,
    /// Where figures are counted.
    pub metrics: Metrics,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

/// What an arrival means.
enum Meaning {
    /// Somebody did something.
    Act(Box<Inbound>),
    /// Somebody types and wants to see what there is.
    Complete(Box<discord::inbound::Completion>),
    /// A session has begun, and what was said from this moment on was not heard.
    Missed(Timestamp),
    /// A chat told of an account.
    Account(UserRef, Option<Standing>),
    /// Somebody from another server asked for something.
    Foreign(operations::chat::ReplyTo),
    /// Nothing for Muster.
    Nothing,
}

/// Who the bot is on the platform that a payload came from.
enum Identity {
    Slack(slack::inbound::Identity),
    Discord(discord::inbound::Identity),
    Nobody,
}

impl Intake {
    /// Takes what arrives until nobody sends any more.
    pub async fn run(self, mut inbox: mpsc::Receiver<Arrival>) {
        while let Some(arrival) = inbox.recv().await {
            self.take(arrival).await;
        }
    }

    async fn take(&self, arrival: Arrival) {
        let Arrival { platform, raw, session, kept } = arrival;
        // Where this returns early, `kept` is dropped: nothing is acknowledged, and the platform sends it again.
        let me = match self.identity(platform).await {
            Ok(me) => me,
            Err(failure) => {
                tracing::warn!(platform = platform.key(), why = %failure, "Who Muster is on {} is not known yet", platform.title());
                return;
            }
        };
        let request = match read(me, &raw) {
            Ok(Meaning::Act(inbound)) => match request(&self.engine, *inbound).await {
                Ok(request) => request,
                Err(_stopped) => return,
            },
            Ok(Meaning::Complete(completion)) => {
                self.complete(*completion);
                None
            }
            Ok(Meaning::Missed(since)) => Some(Request::new(Input::Missed { platform, since })),
            Ok(Meaning::Account(user, standing)) => Some(Request::new(Input::Account { user, standing })),
            Ok(Meaning::Foreign(reply)) => {
                self.turn_away(reply);
                None
            }
            Ok(Meaning::Nothing) => None,
            Err(why) => {
                self.metrics.unreadable(platform.key());
                tracing::warn!(
                    platform = platform.key(),
                    why,
                    "A payload from {} could not be read; it is kept",
                    platform.title()
                );
                Some(Request::new(Input::Unreadable { platform, raw: redacted(&raw), why }))
            }
        };
        let request = match (request, session) {
            (Some(mut request), session) => {
                request.session = session;
                request
            }
            // Nothing happened, but the session went on.
            (None, Some(session)) => Request { session: Some(session), ..Request::new(Input::Misunderstood) },
            (None, None) => {
                let _ = kept.send(());
                return;
            }
        };
        let Ok(waits) = self.engine.send(request).await else { return };
        let (metrics, crash) = (self.metrics.clone(), self.crash.clone());
        crate::tasks::spawn("acknowledge", async move {
            if waits.await.is_ok() {
                crash.pass_or_stay(Point::acknowledging(platform)).await;
                metrics.arrived(platform.key());
                let _ = kept.send(());
            }
        });
    }

    async fn identity(&self, platform: Platform) -> Called<Identity> {
        Ok(match self.chats.get(&platform).map(Arc::as_ref) {
            Some(Chat::Slack(client)) => Identity::Slack(client.identity().await?),
            Some(Chat::Discord(client)) => Identity::Discord(client.identity().await?),
            None => Identity::Nobody,
        })
    }

    fn complete(&self, completion: discord::inbound::Completion) {
        let (engine, chat) = (self.engine.clone(), self.chats.get(&Platform::Discord).cloned());
        let now = self.clock.now();
        crate::tasks::spawn("completion", async move {
            let Some(Chat::Discord(client)) = chat.as_deref() else { return };
            let discord::inbound::Completion { interaction, token, user, channel, name, path, option, partial } =
                completion;
            let look = move |state: &State| {
                let asking = Asking { state, by: &user, channel: Some(&channel), now };
                commands::complete::complete(asking, &name, &path, &option, &partial)
            };
            let choices = engine.read(look).await.unwrap_or_default();
            if let Err(failure) = client.complete(&interaction, &token, &choices).await {
                tracing::debug!(why = %failure, "A completion came too late");
            }
        });
    }

    fn turn_away(&self, reply: operations::chat::ReplyTo) {
        let Some(chat) = self.chats.get(&reply.platform()).cloned() else { return };
        crate::tasks::spawn("turn away", async move {
            let words = "Muster works only for members of the server that it is set up for. Ask whoever runs it.";
            let card = operations::card::Card::line(operations::text::Text::new().plain(words));
            if let Err(failure) = chat.reply(&reply, &card, "foreign").await {
                tracing::debug!(why = %failure, "Somebody from elsewhere could not be answered");
            }
        });
    }
}

/// What an act asks for. Reading the state waits for what was taken before, so a room that was just opened is known.
pub(crate) async fn request(engine: &Engine, inbound: Inbound) -> Result<Option<Request>, NotTaken> {
    let delivery = inbound.delivery.clone();
    Ok(match engine.read(move |state| parse::parse(&inbound, state)).await? {
        parse::Parsed::Input { input, asked } => {
            Some(Request { asked: asked.map(|asked| *asked), delivery: Some(delivery), ..Request::new(*input) })
        }
        parse::Parsed::Nothing => None,
    })
}

/// What a payload says to the bot that received it.
fn read(me: Identity, raw: &str) -> Result<Meaning, String> {
    let value: Value = serde_json::from_str(raw).map_err(|error| format!("it is not JSON: {error}"))?;
    Ok(match me {
        Identity::Slack(me) => match slack::inbound::parse(&value, &me)? {
            slack::inbound::Parsed::Act(inbound) => Meaning::Act(inbound),
            slack::inbound::Parsed::Account(user, standing) => Meaning::Account(user, standing),
            slack::inbound::Parsed::Ignored(_) => Meaning::Nothing,
        },
        Identity::Discord(me) => match discord::inbound::parse(&value, &me)? {
            discord::inbound::Parsed::Act(inbound) => Meaning::Act(inbound),
            discord::inbound::Parsed::Complete(completion) => Meaning::Complete(completion),
            discord::inbound::Parsed::Missed(since) => Meaning::Missed(since),
            discord::inbound::Parsed::Foreign(reply) => Meaning::Foreign(reply),
            discord::inbound::Parsed::Ignored(_) => Meaning::Nothing,
        },
        Identity::Nobody => Meaning::Nothing,
    })
}

/// A payload without what gives rights: interaction tokens, response addresses, triggers, and what looks like a token.
#[must_use]
pub fn redacted(raw: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(raw) else {
        // What is no JSON may hold anything, so only its size is kept.
        return format!("({} bytes that are not JSON)", raw.len());
    };
    redact(&mut value);
    value.to_string()
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let secret = ["token", "response_url", "response_urls", "trigger_id", "authorization", "ticket"];
                if secret.contains(&key.as_str()) {
                    *value = Value::String("***".to_owned());
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        Value::String(text) => {
            if let std::borrow::Cow::Owned(clean) = integrations::redact::text(text) {
                *text = clean;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_rights_is_not_kept() {
        let kept = redacted(r#"{"token":"abc","d":[{"response_url":"http://x/secret","text":"hello"}]}"#);
        assert!(!kept.contains("abc") && !kept.contains("secret") && kept.contains("hello"), "{kept}");
        let kept = redacted(r#"{"text":"it says password=hunter2Hunter2"}"#);
        assert!(kept.contains("it says password=[redacted]"), "{kept}");
        assert!(!redacted("xoxb-secret").contains("secret"));
    }
}
