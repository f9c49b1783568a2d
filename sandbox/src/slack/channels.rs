//! `conversations.*`.

use serde_json::{Value, json};

use super::messages::{readable, visible, writable};
use super::model::{Channel, State};
use super::refusal::{Answer, Args, Refusal, page};
use super::{BOT_USER, Slack, TEAM};

/// The longest name of a channel.
const NAME: usize = 80;
/// The longest topic and purpose.
const WORDS: usize = 250;

impl Slack {
    pub(super) fn create(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let name = args.word("name");
        check_name(state, &name)?;
        let channel = Channel {
            id: format!("C0C{:08}", state.next_id()),
            name,
            private: args.flag("is_private"),
            creator: BOT_USER.to_owned(),
            created: self.now().as_second(),
            members: vec![BOT_USER.to_owned()],
            ..Channel::default()
        };
        let (id, json) = (channel.id.clone(), channel.json());
        state.channels.push(channel);
        self.changed(&id);
        Ok(json!({ "channel": json }))
    }

    pub(super) fn invite(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let id = args.word("channel");
        writable(state, &id)?;
        let users: Vec<String> = args.word("users").split(',').map(|user| user.trim().to_owned()).collect();
        if users.len() > 100 {
            return Err("too_many_users".into());
        }
        let channel = state.channel(&id).ok_or("channel_not_found")?;
        if channel.im.is_some() {
            return Err("method_not_supported_for_channel_type".into());
        }
        let refusal = |user: &String| match user.as_str() {
            BOT_USER => Some("cant_invite_self"),
            user if !state.knows(user) => Some("user_not_found"),
            user if channel.has(user) => Some("already_in_channel"),
            _ => None,
        };
        let errors: Vec<(&String, &str)> = users.iter().filter_map(|user| Some((user, refusal(user)?))).collect();
        if let Some((_, first)) = errors.first()
            && !(args.flag("force") && errors.len() < users.len())
        {
            let errors: Vec<Value> =
                errors.iter().map(|(user, error)| json!({ "user": user, "ok": false, "error": error })).collect();
            return Err(Refusal { more: Some(Box::new(("errors", json!(errors)))), ..Refusal::from(*first) });
        }
        let refused: Vec<String> = errors.into_iter().map(|(user, _)| user.clone()).collect();
        for user in users.iter().filter(|user| !refused.contains(user)) {
            self.enter(state, &id, user, Some(BOT_USER));
        }
        let channel = state.channel(&id).ok_or("channel_not_found")?;
        Ok(json!({ "channel": channel.json() }))
    }

    pub(super) fn join_channel(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let id = args.word("channel");
        let channel = visible(state, &id)?;
        if channel.private || channel.im.is_some() {
            return Err("method_not_supported_for_channel_type".into());
        }
        if channel.archived {
            return Err("is_archived".into());
        }
        let already = channel.has(BOT_USER);
        if !already {
            self.enter(state, &id, BOT_USER, None);
        }
        let mut answer = json!({ "channel": state.channel(&id).map(Channel::json) });
        if already {
            answer["warning"] = json!("already_in_channel");
            answer["response_metadata"] = json!({ "warnings": ["already_in_channel"] });
        }
        Ok(answer)
    }

    /// Puts somebody into a channel, and tells of it.
    pub(super) fn enter(&self, state: &mut State, id: &str, user: &str, inviter: Option<&str>) {
        let Some(channel) = state.channel_mut(id) else { return };
        channel.members.push(user.to_owned());
        let kind = if channel.private { "G" } else { "C" };
        let subtype = if channel.private { "group_join" } else { "channel_join" };
        self.announce(state, id, user, subtype, &format!("<@{user}> has joined the channel"));
        let ts = state.next_ts(self.now());
        let mut event = json!({
            "type": "member_joined_channel", "user": user, "channel": id, "channel_type": kind, "team": TEAM, "event_ts": ts,
        });
        if let Some(inviter) = inviter {
            event["inviter"] = json!(inviter);
        }
        self.emit_in(state, id, event);
    }

    pub(super) fn archive(&self, args: &Args, archived: bool) -> Answer {
        let state = &mut *self.lock();
        let id = args.word("channel");
        let channel = visible(state, &id)?;
        if channel.im.is_some() {
            return Err("method_not_supported_for_channel_type".into());
        }
        match (archived, channel.archived) {
            (true, true) => return Err("already_archived".into()),
            (false, false) => return Err("not_archived".into()),
            (true, false) if channel.name == "general" => return Err("cant_archive_general".into()),
            (true, false) | (false, true) => {}
        }
        if archived {
            readable(state, &id)?;
        }
        let kind = if archived { "channel_archive" } else { "channel_unarchive" };
        let words = format!("<@{BOT_USER}> {} the channel", if archived { "archived" } else { "un-archived" });
        self.announce(state, &id, BOT_USER, kind, &words);
        if let Some(channel) = state.channel_mut(&id) {
            channel.archived = archived;
        }
        let ts = state.next_ts(self.now());
        self.emit_in(
            state,
            &id,
            json!({ "type": kind, "channel": id, "user": BOT_USER, "is_moved": 0, "event_ts": ts }),
        );
        self.changed(&id);
        Ok(json!({}))
    }

    pub(super) fn rename(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (id, name) = (args.word("channel"), args.word("name"));
        let channel = writable(state, &id)?;
        if channel.creator != BOT_USER {
            // Only who made a channel may rename it (conversations.rename).
            return Err("not_authorized".into());
        }
        let (old, created) = (channel.name.clone(), channel.created);
        check_name(state, &name)?;
        if let Some(channel) = state.channel_mut(&id) {
            channel.name.clone_from(&name);
        }
        let words = format!("<@{BOT_USER}> has renamed the channel from \"{old}\" to \"{name}\"");
        self.announce(state, &id, BOT_USER, "channel_name", &words);
        let ts = state.next_ts(self.now());
        let channel =
            json!({ "id": id, "name": name, "name_normalized": name, "created": created, "is_channel": true });
        self.emit_in(state, &id, json!({ "type": "channel_rename", "channel": channel, "event_ts": ts }));
        let json = state.channel(&id).map(Channel::json);
        Ok(json!({ "channel": json }))
    }

    pub(super) fn set_words(&self, args: &Args, what: &str) -> Answer {
        let state = &mut *self.lock();
        let (id, words) = (args.word("channel"), args.word(what));
        let channel = writable(state, &id)?;
        if channel.im.is_some() {
            return Err("method_not_supported_for_channel_type".into());
        }
        if words.chars().count() > WORDS {
            return Err("too_long".into());
        }
        if let Some(channel) = state.channel_mut(&id) {
            if what == "topic" {
                channel.topic.clone_from(&words);
            } else {
                channel.purpose.clone_from(&words);
            }
        }
        let said = format!("<@{BOT_USER}> set the channel {what}: {words}");
        self.announce(state, &id, BOT_USER, &format!("channel_{what}"), &said);
        let mut answer = json!({ "channel": state.channel(&id).map(Channel::json) });
        answer[what] = json!(words);
        Ok(answer)
    }

    pub(super) fn open_direct(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        if let Some(id) = args.text("channel").filter(|id| !id.is_empty()) {
            let channel = visible(state, &id)?;
            return Ok(json!({ "no_op": true, "already_open": true, "channel": { "id": channel.id } }));
        }
        let users = args.word("users");
        if users.is_empty() {
            return Err("users_list_not_supplied".into());
        }
        if users.contains(',') {
            // Conversations of several people don't exist here.
            return Err("not_enough_users".into());
        }
        if users == BOT_USER || users == "USLACKBOT" {
            return Err("cannot_dm_bot".into());
        }
        if !state.people.iter().any(|person| person.id == users) {
            return Err("user_not_found".into());
        }
        let known = state.channels.iter().any(|channel| channel.im.as_deref() == Some(&users));
        let id = state.direct(&users, self.now());
        let channel =
            if args.flag("return_im") { json!(state.channel(&id).map(Channel::json)) } else { json!({ "id": id }) };
        let mut answer = json!({ "channel": channel });
        if known {
            answer["no_op"] = json!(true);
            answer["already_open"] = json!(true);
        }
        Ok(answer)
    }

    pub(super) fn list_channels(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let limit = args.limit(100, 1000)?;
        let types = args.text("types").unwrap_or_else(|| "public_channel".to_owned());
        let kinds: Vec<&str> = types.split(',').map(str::trim).collect();
        if kinds.iter().any(|kind| !matches!(*kind, "public_channel" | "private_channel" | "mpim" | "im")) {
            return Err("invalid_types".into());
        }
        let wanted = |channel: &&Channel| {
            let kind = match channel.kind() {
                "channel" => "public_channel",
                "group" => "private_channel",
                _ => "im",
            };
            let hidden = kind != "public_channel" && !channel.has(BOT_USER);
            kinds.contains(&kind) && !hidden && !(channel.archived && args.flag("exclude_archived"))
        };
        let all: Vec<&Channel> = state.channels.iter().filter(wanted).collect();
        let (found, next) = page(all, args, limit)?;
        let channels: Vec<Value> = found.into_iter().map(Channel::json).collect();
        Ok(json!({ "channels": channels, "response_metadata": { "next_cursor": next } }))
    }

    pub(super) fn info(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = visible(state, &args.word("channel"))?;
        let mut json = channel.json();
        if !args.flag("include_num_members")
            && let Some(json) = json.as_object_mut()
        {
            json.remove("num_members");
        }
        Ok(json!({ "channel": json }))
    }

    pub(super) fn members(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = visible(state, &args.word("channel"))?;
        let (members, next) = page(channel.members.clone(), args, args.limit(100, 1000)?)?;
        Ok(json!({ "members": members, "response_metadata": { "next_cursor": next } }))
    }
}

/// What Slack demands of a channel's name (conversations.create).
fn check_name(state: &State, name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err("invalid_name_required".into());
    }
    if name.chars().count() > NAME {
        return Err("invalid_name_maxlength".into());
    }
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_');
    if !name.chars().all(fits) {
        return Err("invalid_name_specials".into());
    }
    if name.chars().all(|letter| matches!(letter, '-' | '_')) {
        return Err("invalid_name_punctuation".into());
    }
    let taken = state.channels.iter().any(|channel| channel.im.is_none() && channel.name == name);
    if taken { Err("name_taken".into()) } else { Ok(()) }
}
