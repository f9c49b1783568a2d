//! What people do with buttons, menus and shortcuts.
//!
//! What holds: only what the message shows can be clicked; a click that the app does not
//! acknowledge within three seconds is told to the person, as Slack's warning sign does.

use serde_json::{Value, json};

use super::delivery::Sent;
use super::forms::team;
use super::model::{Message, Response, State};
use super::values::{fill, option};
use super::{APP, Slack, word};

/// An element that can be clicked, and where it stands.
#[derive(Clone)]
struct Found {
    element: Value,
    block_id: String,
    /// The attachment's number, from 1.
    attachment: Option<usize>,
}

/// Where a click happens.
struct Spot<'a> {
    user: &'a str,
    channel: &'a str,
    ts: &'a str,
}

impl Slack {
    /// Clicks a button by its `action_id` or by what it says.
    ///
    /// # Errors
    /// There is no such button for this person, or the app did not acknowledge in time.
    pub async fn clicks(&self, user: &str, channel: &str, ts: &str, button: &str) -> Result<(), String> {
        let sent = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            let says = |element: &Value| word(element, "/text/text") == button || word(element, "/action_id") == button;
            let found = find(seen_by(state, &user, &channel, ts)?, |element| {
                word(element, "/type") == "button" && says(element)
            });
            let found = found.ok_or_else(|| format!("the message has no button {button}"))?;
            let mut action = json!({ "type": "button", "text": found.element["text"] });
            for key in ["value", "style", "url"] {
                if let Some(value) = found.element.get(key) {
                    action[key] = value.clone();
                }
            }
            self.act(state, &Spot { user: &user, channel: &channel, ts }, &found, action)
        };
        self.answered(sent).await
    }

    /// Chooses from a menu or a picker. `value` is what the choice says, or its value; several are separated by commas.
    ///
    /// # Errors
    /// There is no such menu or choice for this person, or the app did not acknowledge in time.
    pub async fn selects(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: &str,
    ) -> Result<(), String> {
        let kind = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            let found = find(seen_by(state, &user, &channel, ts)?, |element| word(element, "/action_id") == action_id);
            let found = found.ok_or_else(|| format!("the message has no menu {action_id}"))?;
            word(&found.element, "/type").to_owned()
        };
        let chosen = if kind == "external_select" {
            let options = self.suggests(user, channel, ts, action_id, value).await?;
            Some(option(&json!({ "options": options }), value)?)
        } else {
            None
        };
        let sent = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            let found = find(seen_by(state, &user, &channel, ts)?, |element| word(element, "/action_id") == action_id);
            let found = found.ok_or_else(|| format!("the message has no menu {action_id}"))?;
            if kind == "button" {
                return Err(format!("{action_id} is a button"));
            }
            let action = match chosen {
                Some(chosen) => json!({ "type": kind, "selected_option": chosen }),
                None => fill(state, &found.element, value)?.json(),
            };
            self.act(state, &Spot { user: &user, channel: &channel, ts }, &found, action)
        };
        self.answered(sent).await
    }

    /// Types into a menu whose choices the app gives; gives back the choices.
    ///
    /// # Errors
    /// There is no such menu, or the app did not answer in time.
    pub async fn suggests(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        typed: &str,
    ) -> Result<Vec<Value>, String> {
        let sent = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            let found = find(seen_by(state, &user, &channel, ts)?, |element| word(element, "/action_id") == action_id);
            let found = found.ok_or_else(|| format!("the message has no menu {action_id}"))?;
            let spot = Spot { user: &user, channel: &channel, ts };
            let mut payload = self.about(state, &spot, found.attachment);
            payload["type"] = json!("block_suggestion");
            payload["action_id"] = json!(action_id);
            payload["block_id"] = json!(found.block_id);
            payload["value"] = json!(typed);
            self.send(state, "interactive", &payload, true, 0)
        };
        let sent = sent.ok_or("the app is not connected")?;
        let answer = self.acked(sent).await.map_err(|_| "the app did not answer in time")?;
        let options = answer.as_ref().and_then(|answer| answer.get("options")?.as_array()).cloned();
        match options {
            Some(options) if options.len() <= 100 => Ok(options),
            Some(_) | None => {
                self.lock().unexpected.push("block_suggestion: no list of at most 100 options".to_owned());
                Err("no results".to_owned())
            }
        }
    }

    /// Uses a message shortcut of the app. Any `callback_id` counts as registered.
    ///
    /// # Errors
    /// There is no such message for this person, or the app did not acknowledge in time.
    pub async fn uses_shortcut(&self, user: &str, channel: &str, ts: &str, callback_id: &str) -> Result<(), String> {
        let sent = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            state.message(&channel, ts).ok_or("there is no such message")?;
            let spot = Spot { user: &user, channel: &channel, ts };
            let mut payload = self.about(state, &spot, None);
            payload["type"] = json!("message_action");
            payload["callback_id"] = json!(callback_id);
            payload["message_ts"] = json!(ts);
            payload["action_ts"] = json!(state.next_ts(self.now()));
            payload["trigger_id"] = json!(self.trigger(state, &user, None));
            payload["response_url"] = json!(self.reply_address(state, &spot));
            self.send(state, "interactive", &payload, false, 0)
        };
        self.answered(sent).await
    }

    fn act(&self, state: &mut State, spot: &Spot<'_>, found: &Found, mut action: Value) -> Option<Sent> {
        let ts = state.next_ts(self.now());
        action["action_id"] = found.element["action_id"].clone();
        action["block_id"] = json!(found.block_id);
        action["action_ts"] = json!(ts);
        if let Some(placeholder) = found.element.get("placeholder") {
            action["placeholder"] = placeholder.clone();
        }
        let mut payload = self.about(state, spot, found.attachment);
        payload["type"] = json!("block_actions");
        payload["actions"] = json!([action]);
        payload["state"] = json!({ "values": {} });
        payload["trigger_id"] = json!(self.trigger(state, spot.user, None));
        payload["response_url"] = json!(self.reply_address(state, spot));
        self.send(state, "interactive", &payload, false, 0)
    }

    /// Who, where and about which message.
    fn about(&self, state: &State, spot: &Spot<'_>, attachment: Option<usize>) -> Value {
        let Spot { user, channel, ts } = *spot;
        let name = state.channel(channel).map(|channel| channel.shown_name().to_owned());
        let message = state.channel(channel).and_then(|channel| channel.messages.get(ts));
        let private = message.is_some_and(|message| message.ephemeral_to.is_some());
        let mut container = json!({
            "type": if attachment.is_some() { "message_attachment" } else { "message" }, "message_ts": ts,
            "channel_id": channel, "is_ephemeral": private,
        });
        if let Some(number) = attachment {
            container["attachment_id"] = json!(number);
            container["is_app_unfurl"] = json!(false);
        }
        if let Some(thread) = message.and_then(|message| message.thread_ts.as_ref()) {
            container["thread_ts"] = json!(thread);
        }
        let mut payload = json!({
            "user": self.user_json(state, user), "api_app_id": APP, "token": "", "team": team(), "enterprise": null,
            "is_enterprise_install": false, "container": container, "channel": { "id": channel, "name": name },
        });
        if !private {
            // Slack leaves the message out where only one person sees it.
            payload["message"] = self.as_event(state, channel, ts);
        }
        payload
    }

    fn reply_address(&self, state: &mut State, spot: &Spot<'_>) -> String {
        let message = state.channel(spot.channel).and_then(|channel| channel.messages.get(spot.ts));
        let response = Response {
            user: spot.user.to_owned(),
            channel: spot.channel.to_owned(),
            thread_ts: message.and_then(|message| message.thread_ts.clone()),
            source: Some(spot.ts.to_owned()),
            issued: self.now(),
            uses: 0,
        };
        self.response_url(state, response)
    }

    async fn answered(&self, sent: Option<Sent>) -> Result<(), String> {
        let sent = sent.ok_or("the app is not connected")?;
        self.acked(sent).await.map(|_| ()).map_err(|_| "the app did not answer in time".to_owned())
    }
}

/// A message that a person sees, be it for them alone.
fn seen_by<'a>(state: &'a State, user: &str, channel: &str, ts: &str) -> Result<&'a Message, String> {
    let message = state.channel(channel).and_then(|channel| channel.messages.get(ts));
    let message =
        message.filter(|message| !message.deleted && message.ephemeral_to.as_deref().is_none_or(|to| to == user));
    message.ok_or_else(|| "there is no such message".to_owned())
}

/// The first element for which `is_it` holds, from top to bottom.
fn find(message: &Message, is_it: impl Fn(&Value) -> bool) -> Option<Found> {
    let own = message.blocks.iter().map(|block| (block, None));
    let attached = message.attachments.iter().enumerate().flat_map(|(index, attachment)| {
        let blocks = attachment.get("blocks").and_then(Value::as_array);
        blocks.into_iter().flatten().map(move |block| (block, Some(index + 1)))
    });
    for (block, attachment) in own.chain(attached) {
        let elements = match word(block, "/type") {
            "actions" => block["elements"].as_array().cloned().unwrap_or_default(),
            "section" => block.get("accessory").cloned().into_iter().collect(),
            "input" => vec![block["element"].clone()],
            _ => Vec::new(),
        };
        if let Some(element) = elements.into_iter().find(|element| element.is_object() && is_it(element)) {
            return Some(Found { element, block_id: word(block, "/block_id").to_owned(), attachment });
        }
    }
    None
}
