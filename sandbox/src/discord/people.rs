//! What people do, with Discord's own client in their hands.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::state::{Message, State};
use super::{Discord, Outcome, Typed, messages, permissions, typed};

impl Discord {
    /// Types a message, or a registered command behind a slash, and waits until that was answered or has failed.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn types(&self, user: &str, channel: &str, text: &str) -> Result<Typed, String> {
        let id = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let (user, channel) = person(state, user, channel)?;
            if let Some(line) = text.strip_prefix('/') {
                let data = typed::command(state, line)?;
                let name = data["name"].as_str().unwrap_or_default().to_owned();
                state.interact(2, &name, user, channel, None, &data)
            } else {
                if text.chars().count() > 2000 {
                    return Err("a message can have 2,000 characters".to_owned());
                }
                if text.trim().is_empty() {
                    return Err("there is nothing to send".to_owned());
                }
                let content = with_mentions(state, text);
                let mut message = state.new_message(channel, user);
                message.mentions = messages::mentions(state, &content, &json!({"parse": ["users"]}), channel);
                message.content = content;
                let id = messages::add(state, message, true);
                return Ok(Typed::Message { id: id.to_string() });
            }
        };
        let outcome = self.outcome(id).await;
        Ok(Typed::Command { id: id.to_string(), outcome })
    }

    /// What is offered while somebody types an option.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn completes(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        option: &str,
        partial: &str,
    ) -> Result<Vec<(String, String)>, String> {
        let id = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let (user, channel) = person(state, user, channel)?;
            let mut words = command.trim_start_matches('/').split_whitespace();
            let name = words.next().unwrap_or_default();
            let known =
                state.commands.iter().find(|it| it["name"].as_str() == Some(name)).ok_or("there is no such command")?;
            let mut inner = json!([{"type": 3, "name": option, "value": partial, "focused": true}]);
            for word in words.rev() {
                inner = json!([{"type": 1, "name": word, "options": inner}]);
            }
            let data = json!({"id": known["id"], "name": name, "type": 1, "options": inner});
            state.interact(4, name, user, channel, None, &data)
        };
        match self.outcome(id).await {
            Outcome::Failed(why) => Err(why),
            Outcome::Answered | Outcome::Deferred => {
                Ok(self.lock().interactions.get(&id).map(|it| it.choices.clone()).unwrap_or_default())
            }
        }
    }

    /// Clicks a button, by what it says or by its custom id.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn clicks(&self, user: &str, channel: &str, message: &str, button: &str) -> Result<(), String> {
        self.uses(user, channel, message, |it| {
            let is = |name: &str| it[name].as_str() == Some(button);
            (it["type"].as_u64() == Some(2) && (is("label") || is("custom_id")))
                .then(|| json!({"component_type": 2, "custom_id": it["custom_id"]}))
        })
        .await
    }

    /// Chooses from a menu, by its custom id.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn selects(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        menu: &str,
        values: Vec<String>,
    ) -> Result<(), String> {
        self.uses(user, channel, message, |it| {
            let offered = |value: &String| {
                it["options"].as_array().is_some_and(|list| list.iter().any(|it| it["value"].as_str() == Some(value)))
            };
            let is = it["type"].as_u64() == Some(3)
                && (it["custom_id"].as_str() == Some(menu) || it["placeholder"].as_str() == Some(menu));
            (is && values.iter().all(offered))
                .then(|| json!({"component_type": 3, "custom_id": it["custom_id"], "values": values}))
        })
        .await
    }

    async fn uses(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        data: impl Fn(&Value) -> Option<Value>,
    ) -> Result<(), String> {
        let id = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let (user, channel) = person(state, user, channel)?;
            let found = seen(state, user, channel, message)?;
            let all = found.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten());
            let data = all.filter_map(&data).next().ok_or("there is nothing like that on the message")?;
            let message = found.id;
            state.interact(3, "", user, channel, Some(message), &data)
        };
        match self.outcome(id).await {
            Outcome::Failed(why) => Err(format!("This interaction failed: {why}")),
            Outcome::Answered | Outcome::Deferred => Ok(()),
        }
    }

    /// Sends the open form, with values by label or custom id. What isn't given stays as the form had it.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn submits(&self, user: &str, values: BTreeMap<String, String>) -> Result<(), String> {
        let (id, at) = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let user = state.find_user(user).ok_or_else(|| format!("there is nobody called {user}"))?.id;
            let at = state.forms.iter().position(|form| form.user == user).ok_or("no form is open")?;
            let form = &state.forms[at];
            let (modal, channel, message) = (form.modal.clone(), form.channel, form.message);
            let mut parts = Vec::new();
            for part in modal["components"].as_array().into_iter().flatten() {
                let inner = if part["type"].as_u64() == Some(18) { &part["component"] } else { &part["components"][0] };
                let label = part["label"].as_str().or(inner["label"].as_str()).unwrap_or_default();
                let filled = fill(inner, label, &values)?;
                parts.push(match part["type"].as_u64() {
                    Some(18) => json!({"type": 18, "id": parts.len() * 2 + 1, "component": filled}),
                    _ => json!({"type": 1, "id": parts.len() * 2 + 1, "components": [filled]}),
                });
            }
            let data = json!({"custom_id": modal["custom_id"], "components": parts});
            (state.interact(5, "", user, channel, message, &data), user)
        };
        match self.outcome(id).await {
            Outcome::Failed(why) => Err(format!("Something went wrong. Try again. ({why})")),
            Outcome::Answered | Outcome::Deferred => {
                let mut state = self.lock();
                state.forms.retain(|form| form.user != at);
                state.changed(0);
                Ok(())
            }
        }
    }

    /// Closes the open form without sending it; the bot hears nothing of it.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn cancels(&self, user: &str) -> Result<(), String> {
        let mut state = self.lock();
        let user = state.find_user(user).ok_or_else(|| format!("there is nobody called {user}"))?.id;
        state.forms.retain(|form| form.user != user);
        state.changed(0);
        Ok(())
    }

    /// Reacts to a message.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn reacts(&self, user: &str, channel: &str, message: &str, emoji: &str) -> Result<(), String> {
        self.changes_reaction(user, channel, message, emoji, true)
    }

    /// Takes a reaction away again.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn unreacts(&self, user: &str, channel: &str, message: &str, emoji: &str) -> Result<(), String> {
        self.changes_reaction(user, channel, message, emoji, false)
    }

    fn changes_reaction(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        emoji: &str,
        added: bool,
    ) -> Result<(), String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (user, channel) = person(state, user, channel)?;
        let message = shared(state, user, channel, message)?;
        if messages::react(state, channel, message, user, emoji, added) {
            Ok(())
        } else {
            Err("it is so already".to_owned())
        }
    }

    /// Pins a message.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn pins(&self, user: &str, channel: &str, message: &str) -> Result<(), String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (user, channel) = person(state, user, channel)?;
        may(state, user, channel, permissions::PIN_MESSAGES)?;
        let message = shared(state, user, channel, message)?;
        messages::pin(state, channel, message, user)
            .map_err(|refusal| refusal.body["message"].as_str().unwrap_or("refused").to_owned())
    }

    /// Takes a pin out.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn unpins(&self, user: &str, channel: &str, message: &str) -> Result<(), String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (user, channel) = person(state, user, channel)?;
        may(state, user, channel, permissions::PIN_MESSAGES)?;
        let message = shared(state, user, channel, message)?;
        messages::unpin(state, channel, message);
        Ok(())
    }

    /// Edits their own message.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn edits(&self, user: &str, channel: &str, message: &str, text: &str) -> Result<(), String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (user, channel) = person(state, user, channel)?;
        let found = seen(state, user, channel, message)?;
        if found.author != user {
            return Err("only one's own messages can be edited".to_owned());
        }
        let message = found.id;
        messages::change(state, channel, message, &json!({"content": text}))
            .map_err(|_| "there is nothing left of it".to_owned())
    }

    /// Deletes their own message.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn deletes(&self, user: &str, channel: &str, message: &str) -> Result<(), String> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (user, channel) = person(state, user, channel)?;
        let found = seen(state, user, channel, message)?;
        if found.author != user {
            return Err("only one's own messages can be deleted".to_owned());
        }
        let message = found.id;
        messages::delete(state, channel, message);
        Ok(())
    }

    /// What became of an interaction, once that is known.
    async fn outcome(&self, id: u64) -> Outcome {
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            let (outcome, since) = {
                let state = self.lock();
                let it = state.interactions.get(&id);
                (it.and_then(|it| it.outcome.clone()), it.map_or(state.now, |it| it.at))
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
            let late = since.checked_add(SignedDuration::from_secs(3)).unwrap_or(jiff::Timestamp::MAX);
            tokio::select! {
                _ = version.changed() => {}
                () = self.time.sleep_until(late) => {}
            }
        }
    }
}

fn person(state: &State, user: &str, channel: &str) -> Result<(u64, u64), String> {
    let user =
        state.find_user(user).filter(|user| !user.bot).ok_or_else(|| format!("there is nobody called {user}"))?.id;
    let place = state.find_channel(channel).ok_or_else(|| format!("there is no channel {channel}"))?;
    if place.dm.is_some_and(|with| with != user) {
        return Err(format!("there is no channel {channel}"));
    }
    may(state, user, place.id, permissions::VIEW_CHANNEL)?;
    Ok((user, place.id))
}

fn may(state: &State, user: u64, channel: u64, permission: u64) -> Result<(), String> {
    let allowed = state
        .channel(channel)
        .is_some_and(|place| place.dm.is_some() || permissions::of(state, user, place) & permission == permission);
    if allowed { Ok(()) } else { Err("the person may not do that there".to_owned()) }
}

/// A message that this person sees.
fn seen<'s>(state: &'s State, user: u64, channel: u64, message: &str) -> Result<&'s Message, String> {
    let found = message.parse().ok().and_then(|id| state.message(channel, id));
    found.filter(|it| it.ephemeral_to.is_none_or(|to| to == user)).ok_or_else(|| "there is no such message".to_owned())
}

/// A message that everybody sees: others can't be pinned or reacted to.
fn shared(state: &State, user: u64, channel: u64, message: &str) -> Result<u64, String> {
    let found = seen(state, user, channel, message)?;
    if found.ephemeral_to.is_some() {
        return Err("what only one person sees can't be pinned or reacted to".to_owned());
    }
    Ok(found.id)
}

/// `@name` becomes a mention, as Discord's client makes it.
fn with_mentions(state: &State, text: &str) -> String {
    let mut content = text.to_owned();
    for user in &state.users {
        content = content.replace(&format!("@{}", user.name), &format!("<@{}>", user.id));
    }
    content
}

/// A field of a form as it is sent.
fn fill(field: &Value, label: &str, values: &BTreeMap<String, String>) -> Result<Value, String> {
    let key = field["custom_id"].as_str().unwrap_or_default();
    let given = values.get(key).or_else(|| values.get(label)).cloned();
    if field["type"].as_u64() == Some(3) {
        let options = field["options"].as_array().cloned().unwrap_or_default();
        let chosen = match given {
            Some(given) => {
                let is = |it: &&Value| it["value"].as_str() == Some(&given) || it["label"].as_str() == Some(&given);
                Some(options.iter().find(is).ok_or_else(|| format!("{given:?} can't be chosen for {label}"))?.clone())
            }
            None => options.into_iter().find(|it| it["default"].as_bool() == Some(true)),
        };
        if chosen.is_none() && field["required"].as_bool() != Some(false) {
            return Err(format!("{label} is required"));
        }
        let values: Vec<Value> = chosen.into_iter().map(|it| it["value"].clone()).collect();
        return Ok(json!({"type": 3, "id": 2, "custom_id": key, "values": values}));
    }
    let value = given.unwrap_or_else(|| field["value"].as_str().unwrap_or_default().to_owned());
    if value.trim().is_empty() && field["required"].as_bool() != Some(false) {
        return Err(format!("{label} is required"));
    }
    let longest = field["max_length"].as_u64().unwrap_or(4000);
    if value.chars().count() as u64 > longest {
        return Err(format!("{label} can have {longest} characters"));
    }
    Ok(json!({"type": 4, "id": 2, "custom_id": key, "value": value}))
}
