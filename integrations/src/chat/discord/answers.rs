//! Answers to interactions: commands, clicks and forms.
//!
//! An interaction takes one first answer within three seconds and more for 15 minutes. What
//! holds: a first answer that may have been given is not given twice; where it is too late
//! for both, a private answer goes to the asker as a direct message, an open one into the channel.

use operations::card::{Card, Form};
use operations::chat::ReplyTo;
use operations::ids::ChannelId;
use serde_json::{Value, json};

use super::limits::{CALLBACK, FOLLOW_UP, ORIGINAL};
use super::{Client, render};
use crate::chat::discord::call::Problem;
use crate::chat::{Called, Failure, Refused};

/// Only the asker sees it (Discord's reference, "Message Flags").
const EPHEMERAL: u64 = 1 << 6;
/// Kinds of first answers (Discord's reference, "Interaction Callback Type").
const MESSAGE: u8 = 4;
const TAKEN: u8 = 6;
const CHOICES: u8 = 8;
const FORM: u8 = 9;
/// "Invalid Form Body".
const WRONG_FORM: i64 = 50035;

/// An interaction that can be answered.
struct Interaction<'a> {
    id: &'a str,
    token: &'a str,
    channel: &'a ChannelId,
    user: &'a str,
}

impl Client {
    /// Answers. `again` is for an earlier attempt that may have done so: said where that can't be looked up.
    pub(in crate::chat) async fn answer_to(
        &self,
        to: &ReplyTo,
        card: &Card,
        again: Option<&Card>,
        key: &str,
    ) -> Called<()> {
        match to {
            ReplyTo::Discord { interaction, token, channel, user } => {
                let to = Interaction { id: interaction, token, channel, user };
                self.answer(&to, card, again, key).await
            }
            ReplyTo::Message { message } => {
                if again.is_some() && self.find_posted(&message.channel, None, key).await?.is_some() {
                    return Ok(());
                }
                self.post(&message.channel, Some(&message.message), card, key).await.map(|_| ())
            }
            ReplyTo::Slack { .. } => Err(wrong()),
        }
    }

    async fn answer(&self, to: &Interaction<'_>, card: &Card, again: Option<&Card>, key: &str) -> Called<()> {
        let body_of = |card: &Card| {
            let mut body = render::card(card).body(&self.mark(to.channel, key));
            body["flags"] = json!(EPHEMERAL);
            body
        };
        let body = body_of(card);
        let first = self.callback(to.id, to.token, MESSAGE, Some(&body)).await;
        let follow_up = match first {
            Ok(()) => return Ok(()),
            Err(problem) if problem.is(Refused::Already) => {
                if self.is_answered_with(to.token, &body).await? {
                    return Ok(());
                }
                let me = self.identity().await?;
                let body = again.map_or(body, body_of);
                self.call(&FOLLOW_UP, &[&me.application, to.token], Some(&body)).await
            }
            Err(problem) => Err(problem),
        };
        match follow_up {
            Ok(_) => Ok(()),
            Err(problem) if problem.is(Refused::TooLate) => {
                let card = again.unwrap_or(card);
                if again.is_some() && self.is_sent(to, key).await? {
                    return Ok(());
                }
                self.direct(to.user, card, key).await.map(|_| ())
            }
            Err(problem) => Err(problem.into()),
        }
    }

    /// Whether an answer that came too late for the interaction was sent to the asker.
    async fn is_sent(&self, to: &Interaction<'_>, key: &str) -> Called<bool> {
        let channel = self.open_direct(to.user).await?;
        Ok(self.find_posted(&channel, None, key).await?.is_some())
    }

    /// Whether the first answer that Discord has is this very one: sent before, and its outcome not heard of.
    async fn is_answered_with(&self, token: &str, body: &Value) -> Called<bool> {
        let me = self.identity().await?;
        let first = match self.call(&ORIGINAL, &[&me.application, token], None).await {
            Ok(first) => first,
            // There is no message, because it was taken in another way.
            Err(Problem { failure: Failure::Permanent { .. }, .. }) => return Ok(false),
            Err(problem) => return Err(problem.into()),
        };
        let says = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ok(match says(body, "/embeds/0/url") {
            Some(mark) => says(&first, "/embeds/0/url") == Some(mark),
            None => {
                let alike =
                    says(&first, "/content").unwrap_or_default() == says(body, "/content").unwrap_or_default().trim();
                alike && says(&first, "/author/id").as_deref() == Some(me.user_id.as_str())
            }
        })
    }

    pub(in crate::chat) async fn take(&self, to: &ReplyTo) -> Called<()> {
        let ReplyTo::Discord { interaction, token, .. } = to else { return Ok(()) };
        match self.callback(interaction, token, TAKEN, None).await {
            Err(problem) if problem.is(Refused::Already) => Ok(()),
            // A form that a command opened has no message that could be left as it is.
            Err(problem) if problem.code == Some(WRONG_FORM) => {
                let done = json!({
                    "content": "Done.", "flags": EPHEMERAL, "allowed_mentions": { "parse": [] },
                });
                Ok(self.callback(interaction, token, MESSAGE, Some(&done)).await?)
            }
            other => Ok(other?),
        }
    }

    pub(in crate::chat) async fn open_form(&self, to: &ReplyTo, form: &Form) -> Called<()> {
        let ReplyTo::Discord { interaction, token, .. } = to else { return Err(wrong()) };
        Ok(self.callback(interaction, token, FORM, Some(&render::form(form))).await?)
    }

    /// Shows what an option can be completed with: label and value, at most 25.
    ///
    /// # Errors
    /// [`Refused::TooLate`] after three seconds; see [`Failure`].
    pub async fn complete(&self, interaction: &str, token: &str, choices: &[(String, String)]) -> Called<()> {
        let choices: Vec<Value> =
            render::choices(choices).into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        Ok(self.callback(interaction, token, CHOICES, Some(&json!({ "choices": choices }))).await?)
    }

    async fn callback(&self, interaction: &str, token: &str, kind: u8, data: Option<&Value>) -> Result<(), Problem> {
        let mut body = json!({ "type": kind });
        if let Some(data) = data {
            body["data"] = data.clone();
        }
        self.call(&CALLBACK, &[interaction, token], Some(&body)).await.map(|_| ())
    }
}

fn wrong() -> Failure {
    let why = "an answer for another chat came to Discord".to_owned();
    Failure::Permanent { why, kind: Refused::Malformed }
}
