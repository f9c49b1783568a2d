//! What people do, with Discord's own client in their hands.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::state::{Message, State};
use super::{Discord, Outcome, Typed, messages, permissions, pins, reactions, typed};

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
                if state.channel(channel).is_some_and(|place| place.dm.is_some()) {
                    return Err("the server's commands are not there in a direct channel".to_owned());
                }
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
            let of = |name: &str| it[name].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
            let some = (of("min_values")..=of("max_values")).contains(&values.len());
            (is && some && values.iter().all(offered))
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
            let all = found.components.iter().flat_map(parts);
            let data = all.filter_map(&data).next().ok_or("there is nothing like that on the message")?;
            let message = found.id;
            state.interact(3, "", user, channel, Some(message), &data)
        };
        match self.outcome(id).await {
            Outcome::Failed(why) => Err(format!("This interaction failed: {why}")),
            Outcome::Answered | Outcome::Deferred => Ok(()),
        }
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
        if reactions::is_no_emoji(emoji) {
            return Err(format!("\"{}\" is no emoji", emoji.chars().take(40).collect::<String>()));
        }
        if added && state.message(channel, message).is_some_and(|found| reactions::is_full(found, emoji)) {
            return Err("a message can have twenty different reactions".to_owned());
        }
        if reactions::react(state, channel, message, user, emoji, added) {
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
        pins::pin(state, channel, message, user)
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
        pins::unpin(state, channel, message);
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
        if text.chars().count() > 2000 {
            return Err("a message may have 2,000 characters".to_owned());
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
    pub(super) async fn outcome(&self, id: u64) -> Outcome {
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

/// A component with all within it.
fn parts(component: &Value) -> Vec<&Value> {
    let inner = component["components"].as_array().into_iter().flatten().chain(component.get("accessory"));
    std::iter::once(component).chain(inner.flat_map(parts)).collect()
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
