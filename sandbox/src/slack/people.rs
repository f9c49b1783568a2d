//! What people do without clicking: they type, react, pin, edit, delete and join.
//!
//! People and channels go by id or name. What holds: nobody can do here what they could
//! not do on Slack; what they type is escaped as Slack escapes it.

use serde_json::json;

use super::model::{Message, Response, State};
use super::refusal::{Args, Refusal};
use super::{APP, BOT_NAME, BOT_USER, DOMAIN, Outcome, SLACKBOT, Slack, TEAM, Typed};

impl Slack {
    /// Types something and sends it: a message, or a slash command where it begins with `/`.
    /// A mention (`@muster`, `@ann`, `#general`) becomes what Slack makes of it. `@muster` as the
    /// channel is the direct conversation with the bot.
    ///
    /// # Errors
    /// Why the person can't write there.
    pub async fn types(&self, user: &str, channel: &str, text: &str, thread_ts: Option<&str>) -> Result<Typed, String> {
        let text = text.trim();
        let (sent, user, channel) = {
            let state = &mut *self.lock();
            let (user, channel) = self.place(state, user, channel)?;
            if text.is_empty() {
                return Err("there is nothing to send".to_owned());
            }
            if !text.starts_with('/') {
                return self.message(state, &user, &channel, text, thread_ts).map(|ts| Typed::Message { ts });
            }
            let command = text.split_whitespace().next().unwrap_or_default();
            let refusal = if !state.commands.iter().any(|known| known == command) {
                let words = format!(
                    "{command} is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as commands.",
                );
                Some(("not_a_command", words))
            } else if thread_ts.is_some() {
                Some(("not_in_threads", format!("{command} is not supported in threads. Sorry!")))
            } else {
                None
            };
            if let Some((error, words)) = refusal {
                self.slackbot(state, &channel, &user, &words);
                return Ok(refused(error));
            }
            let rest = escaped(state, text[command.len()..].trim(), true);
            match self.command(state, &user, &channel, command, &rest) {
                Some(sent) => (sent, user, channel),
                None => {
                    self.slackbot(
                        state,
                        &channel,
                        &user,
                        &format!("{command} failed because the app did not respond. (dispatch_failed)"),
                    );
                    return Ok(refused("dispatch_failed"));
                }
            }
        };
        let command = text.split_whitespace().next().unwrap_or_default();
        let Ok(payload) = self.acked(sent).await else {
            let words = format!("{command} failed with the error \"operation_timeout\"");
            self.slackbot(&mut self.lock(), &channel, &user, &words);
            return Ok(refused("operation_timeout"));
        };
        let state = &mut *self.lock();
        if let Some(payload) = &payload {
            let args = payload.as_object().cloned().map(Args);
            let answer = match args {
                Some(args) if args.0.is_empty() => Ok(()),
                Some(args) => self.answer_with(state, &args, &user, &channel, None, None, "slash_commands"),
                None => Err(Refusal::from("invalid_command_response")),
            };
            if let Err(refusal) = answer {
                state.unexpected.push(format!("slash_commands: {} {}", refusal.error, refusal.messages.join("; ")));
                let words = format!("{command} failed with the error \"{}\"", refusal.error);
                self.slackbot(state, &channel, &user, &words);
                return Ok(refused(&refusal.error));
            }
        }
        Ok(Typed::Command { outcome: Outcome::Acked { payload } })
    }

    fn command(
        &self,
        state: &mut State,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Option<super::delivery::Sent> {
        let trigger = self.trigger(state, user, None);
        let url = self.response_url(
            state,
            Response {
                user: user.to_owned(),
                channel: channel.to_owned(),
                thread_ts: None,
                source: None,
                issued: self.now(),
                uses: 0,
            },
        );
        let payload = json!({
            "token": "", "team_id": TEAM, "team_domain": DOMAIN, "channel_id": channel,
            "channel_name": state.channel(channel).map(|channel| channel.shown_name().to_owned()), "user_id": user,
            "user_name": state.user_name(user), "command": command, "text": text, "api_app_id": APP,
            "is_enterprise_install": "false", "response_url": url, "trigger_id": trigger,
        });
        self.send(state, "slash_commands", &payload, true, 0)
    }

    fn message(
        &self,
        state: &mut State,
        user: &str,
        channel: &str,
        text: &str,
        thread: Option<&str>,
    ) -> Result<String, String> {
        let root =
            thread.map(|ts| state.message(channel, ts).ok_or("there is no such message to reply to")).transpose()?;
        // A reply to a reply stands in the same thread.
        let thread_ts = root.map(|root| root.thread_ts.clone().unwrap_or_else(|| root.ts.clone()));
        let text = escaped(state, text, false);
        let message = Message { user: user.to_owned(), text, thread_ts, ..Message::default() };
        Ok(self.say(state, channel, message))
    }

    /// Reacts to a message. Needs one of the common emoji, by its short name.
    ///
    /// # Errors
    /// No such message or emoji, or reacted so already.
    pub async fn reacts(&self, user: &str, channel: &str, ts: &str, emoji: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        self.set_reaction(state, &channel, ts, &user, emoji, true).map_err(|refusal| refusal.error)
    }

    /// Takes a reaction away.
    ///
    /// # Errors
    /// No such message or reaction.
    pub async fn unreacts(&self, user: &str, channel: &str, ts: &str, emoji: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        self.set_reaction(state, &channel, ts, &user, emoji, false).map_err(|refusal| refusal.error)
    }

    /// Pins a message.
    ///
    /// # Errors
    /// No such message, or pinned already.
    pub async fn pins(&self, user: &str, channel: &str, ts: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        self.set_pin(state, &channel, ts, &user, true).map_err(|refusal| refusal.error)
    }

    /// Takes a pin away.
    ///
    /// # Errors
    /// No such message or pin.
    pub async fn unpins(&self, user: &str, channel: &str, ts: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        self.set_pin(state, &channel, ts, &user, false).map_err(|refusal| refusal.error)
    }

    /// Edits a message of one's own.
    ///
    /// # Errors
    /// No such message, or somebody else's.
    pub async fn edits(&self, user: &str, channel: &str, ts: &str, text: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        owned(state, &user, &channel, ts)?;
        let before = self.as_event(state, &channel, ts);
        let now = state.next_ts(self.now());
        let text = escaped(state, text, false);
        if let Some(message) = state.message_mut(&channel, ts) {
            message.text = text;
            message.edited = Some((user, now.clone()));
        }
        self.tell_of_change(state, &channel, ts, &before, &now);
        self.changed(&channel);
        Ok(())
    }

    /// Deletes a message of one's own.
    ///
    /// # Errors
    /// No such message, or somebody else's.
    pub async fn deletes(&self, user: &str, channel: &str, ts: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let (user, channel) = self.place(state, user, channel)?;
        owned(state, &user, &channel, ts)?;
        self.remove(state, &channel, ts);
        Ok(())
    }

    /// Joins a public channel.
    ///
    /// # Errors
    /// No such channel, or not one that can be joined.
    pub async fn joins(&self, user: &str, channel: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let user = state.member(user)?.id.clone();
        let id = state.channel_id(channel).ok_or_else(|| format!("there is no channel {channel}"))?;
        let found = state.channel(&id).ok_or("there is no such channel")?;
        if found.private || found.im.is_some() {
            return Err(format!("{channel} can't be joined"));
        }
        if found.archived {
            return Err(format!("{channel} is archived"));
        }
        if !found.has(&user) {
            self.enter(state, &id, &user, None);
        }
        Ok(())
    }

    /// Who acts and where, by their ids, if they can act there.
    pub(super) fn place(&self, state: &mut State, user: &str, channel: &str) -> Result<(String, String), String> {
        let id = state.member(user)?.id.clone();
        if channel == format!("@{BOT_NAME}") || channel == BOT_USER {
            let direct = state.direct(&id, self.now());
            return Ok((id, direct));
        }
        let found = state.channel_id(channel).and_then(|id| state.channel(&id));
        let found = found.filter(|found| found.has(&id) || (!found.private && found.im.is_none()));
        let found = found.ok_or_else(|| format!("there is no channel {channel} for {user}"))?;
        if found.archived {
            return Err(format!("{channel} is archived"));
        }
        if !found.has(&id) {
            return Err(format!("{user} is not in {channel}"));
        }
        Ok((id, found.id.clone()))
    }
}

fn refused(error: &str) -> Typed {
    Typed::Command { outcome: Outcome::Refused { error: error.to_owned() } }
}

fn owned(state: &State, user: &str, channel: &str, ts: &str) -> Result<(), String> {
    let message = state.message(channel, ts).ok_or("there is no such message")?;
    if message.user == user && message.subtype.is_none() {
        Ok(())
    } else {
        Err("that is somebody else's message".to_owned())
    }
}

/// What Slack makes of what somebody typed: `&`, `<` and `>` are escaped, mentions and addresses
/// become what the app gets. In a command (`named`) mentions carry the name as well.
fn escaped(state: &State, text: &str, named: bool) -> String {
    let mut all = String::with_capacity(text.len());
    let mut fresh = true;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let word_end = |from: &str| {
            from.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(from.len())
        };
        if fresh && matches!(letter, '@' | '#') {
            let word = &rest[1..=word_end(&rest[1..])];
            let name = word.trim_end_matches('.');
            if let Some(target) = mention(state, letter, name, named) {
                all.push_str(&target);
                rest = &rest[1 + name.len()..];
                fresh = false;
                continue;
            }
        }
        if fresh && (rest.starts_with("https://") || rest.starts_with("http://")) {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '|')).unwrap_or(rest.len());
            let address = rest[..end].trim_end_matches(['.', ',', ')', ';', '!', '?']);
            all.push_str(&format!("<{}>", address.replace('&', "&amp;")));
            rest = &rest[address.len()..];
            fresh = false;
            continue;
        }
        match letter {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            letter => all.push(letter),
        }
        fresh = !letter.is_alphanumeric();
        rest = &rest[letter.len_utf8()..];
    }
    all
}

fn mention(state: &State, sign: char, name: &str, named: bool) -> Option<String> {
    if sign == '#' {
        let id = state.channel_id(name)?;
        return Some(if named { format!("<#{id}|{name}>") } else { format!("<#{id}|>") });
    }
    let id = match name {
        "here" | "channel" | "everyone" => return Some(format!("<!{name}>")),
        "slackbot" => SLACKBOT.to_owned(),
        BOT_NAME => BOT_USER.to_owned(),
        name => state.person(name)?.id.clone(),
    };
    Some(if named { format!("<@{id}|{name}>") } else { format!("<@{id}>") })
}
