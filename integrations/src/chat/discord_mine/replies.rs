//! Answering interactions: within three seconds at first, within fifteen minutes after that,
//! and by direct message when both are over.

use operations::card::{Card, Form};
use operations::chat::ReplyTo;
use serde_json::{Value, json};

use super::limits as routes;
use super::{Client, refused, render};
use crate::chat::{Called, Failure, Refused};

/// The flag of an answer that only the asker sees.
const EPHEMERAL: u64 = 64;

/// Interaction callback types (reference, "Interaction Callback Type").
const MESSAGE: u8 = 4;
const TAKEN: u8 = 6;
const CHOICES: u8 = 8;
const MODAL: u8 = 9;

impl Client {
    pub(in crate::chat) async fn reply(&self, to: &ReplyTo, card: &Card, private: bool, key: &str) -> Called<()> {
        let (interaction, token, channel, user) = match to {
            ReplyTo::Discord { interaction, token, channel, user } => (interaction, token, channel, user),
            ReplyTo::Message { message } => {
                return self.post(&message.channel, None, card, key).await.map(|_| ());
            }
            ReplyTo::Slack { .. } => return Err(wrong()),
        };
        let mut data = render::message(card, key);
        if private {
            data["flags"] = json!(EPHEMERAL);
        }
        let first = self.callback(interaction, token, MESSAGE, Some(data.clone())).await;
        match first {
            Ok(()) => Ok(()),
            // It was answered already: by an earlier attempt whose outcome was lost. The same is put in its place.
            Err(failure) if refused(&failure, &[Refused::Already]) => self.original(token, &data).await,
            Err(failure) if refused(&failure, &[Refused::TooLate, Refused::Gone]) => {
                if private { self.direct(user, card, key).await } else { self.post(channel, None, card, key).await }.map(|_| ())
            }
            Err(failure) => Err(failure),
        }
    }

    pub(in crate::chat) async fn take(&self, to: &ReplyTo) -> Called<()> {
        let ReplyTo::Discord { interaction, token, .. } = to else { return Ok(()) };
        match self.callback(interaction, token, TAKEN, None).await {
            Err(failure) if refused(&failure, &[Refused::Already]) => Ok(()),
            taken => taken,
        }
    }

    pub(in crate::chat) async fn open_form(&self, to: &ReplyTo, form: &Form) -> Called<()> {
        let ReplyTo::Discord { interaction, token, .. } = to else { return Err(wrong()) };
        match self.callback(interaction, token, MODAL, Some(render::modal(form))).await {
            Err(failure) if refused(&failure, &[Refused::Already]) => Ok(()),
            opened => opened,
        }
    }

    /// Shows what there is to choose from while somebody types.
    ///
    /// # Errors
    /// [`Refused::TooLate`] where they typed on meanwhile; see [`Failure`].
    pub async fn complete(&self, interaction: &str, token: &str, choices: &[(String, String)]) -> Called<()> {
        let choice = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        let data = json!({ "choices": choices.iter().take(25).map(choice).collect::<Vec<_>>() });
        self.callback(interaction, token, CHOICES, Some(data)).await
    }

    async fn callback(&self, interaction: &str, token: &str, kind: u8, data: Option<Value>) -> Called<()> {
        let mut body = json!({ "type": kind });
        if let Some(data) = data {
            body["data"] = data;
        }
        self.caller.call(&routes::CALLBACK, &[interaction, token], Some(&body)).await.map(|_| ())
    }

    async fn original(&self, token: &str, data: &Value) -> Called<()> {
        let me = self.identity().await?;
        let mut data = data.clone();
        // Whether it is private was decided by the first answer and can't be changed.
        if let Some(data) = data.as_object_mut() {
            data.remove("flags");
        }
        self.caller.call(&routes::ORIGINAL, &[&me.application_id, token], Some(&data)).await.map(|_| ())
    }
}

fn wrong() -> Failure {
    Failure::Permanent { why: "an answer for Slack can't be given on Discord".to_owned(), kind: Refused::Malformed }
}
