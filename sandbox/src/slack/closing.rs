//! What shuts the app out: a channel that is archived, left or closed, and tokens that are revoked.
//!
//! Done by people and administrators, so there is no method for it. What holds: afterwards the
//! Web API refuses what Slack refuses, in Slack's own words, until it is taken back.

use serde_json::json;

use super::types::{Membership, Person};
use super::{BOT_USER, Slack};

impl Slack {
    /// Somebody archives a channel (true) or unarchives it (false).
    ///
    /// # Errors
    /// There is no such person or channel, or it is so already.
    pub fn archives(&self, user: &str, channel: &str, archived: bool) -> Result<(), String> {
        let state = &mut *self.lock();
        let user = state.person(user).ok_or_else(|| format!("there is no {user}"))?.id.clone();
        let id = state.channel_id(channel).ok_or_else(|| format!("there is no channel {channel}"))?;
        let found = state.channel_mut(&id).ok_or_else(|| format!("there is no channel {channel}"))?;
        if found.archived == archived {
            return Err(format!("{channel} is as it shall be already"));
        }
        found.archived = archived;
        let (kind, did) = if archived { ("channel_archive", "archived") } else { ("channel_unarchive", "un-archived") };
        self.announce(state, &id, &user, kind, &format!("<@{user}> {did} the channel"));
        let ts = state.next_ts(self.now());
        self.emit_in(state, &id, json!({ "type": kind, "channel": id, "user": user, "is_moved": 0, "event_ts": ts }));
        self.changed(&id);
        Ok(())
    }

    /// Somebody takes the bot out of a channel, which becomes private where `private`: then it can't come back by itself.
    ///
    /// # Errors
    /// There is no such person or channel.
    pub fn removes_bot(&self, user: &str, channel: &str, private: bool) -> Result<(), String> {
        let state = &mut *self.lock();
        let user = state.person(user).ok_or_else(|| format!("there is no {user}"))?.id.clone();
        let id = state.channel_id(channel).ok_or_else(|| format!("there is no channel {channel}"))?;
        if let Some(found) = state.channel_mut(&id) {
            found.private = private;
            found.members.retain(|member| member != BOT_USER);
        }
        let ts = state.next_ts(self.now());
        let kind = if private { "group_left" } else { "channel_left" };
        self.emit(state, json!({ "type": kind, "channel": id, "actor_id": user, "event_ts": ts }));
        self.changed(&id);
        Ok(())
    }

    /// Somebody invites the bot into a channel.
    ///
    /// # Errors
    /// There is no such person or channel.
    pub fn invites_bot(&self, user: &str, channel: &str) -> Result<(), String> {
        let state = &mut *self.lock();
        let user = state.person(user).ok_or_else(|| format!("there is no {user}"))?.id.clone();
        let id = state.channel_id(channel).ok_or_else(|| format!("there is no channel {channel}"))?;
        if state.channel(&id).is_some_and(|found| !found.has(BOT_USER)) {
            self.enter(state, &id, BOT_USER, Some(&user));
        }
        Ok(())
    }

    /// An administrator makes somebody a guest, deactivates them, or takes that back.
    ///
    /// # Errors
    /// There is no such person.
    pub fn makes(&self, user: &str, membership: Membership) -> Result<(), String> {
        let state = &mut *self.lock();
        let id = state.person(user).ok_or_else(|| format!("there is no {user}"))?.id.clone();
        if let Some(person) = state.people.iter_mut().find(|person| person.id == id) {
            person.membership = membership;
        }
        Ok(())
    }

    /// Somebody new comes to the workspace, into every public channel.
    pub fn lets_in(&self, name: &str, membership: Membership) {
        let state = &mut *self.lock();
        let id = format!("U0P{:08}", state.next_id());
        state.people.push(Person { id: id.clone(), name: name.to_owned(), real_name: name.to_owned(), membership });
        for channel in state.channels.iter_mut().filter(|channel| !channel.private) {
            channel.members.push(id.clone());
        }
        let ts = state.next_ts(self.now());
        let user = super::others::user_json(state, &id).unwrap_or_default();
        let at = self.now().as_second();
        self.emit(state, json!({ "type": "team_join", "user": user, "cache_ts": at, "event_ts": ts }));
        self.changed("");
    }

    /// Whether only some people may post in a channel, the bot not among them.
    pub fn restricts(&self, channel: &str, restricted: bool) {
        let state = &mut *self.lock();
        if let Some(id) = state.channel_id(channel)
            && let Some(found) = state.channel_mut(&id)
        {
            found.restricted = restricted;
        }
    }

    /// Whether a preference of the workspace forbids the bot to post in a channel.
    pub fn forbids_posting(&self, channel: &str, forbidden: bool) {
        let state = &mut *self.lock();
        if let Some(id) = state.channel_id(channel)
            && let Some(found) = state.channel_mut(&id)
        {
            found.forbidden = forbidden;
        }
    }

    /// Whether the bot's token is revoked: every call with it is refused. The app's own token is another.
    pub fn revokes_token(&self, revoked: bool) {
        self.lock().is_token_revoked = revoked;
    }

    /// Revokes the bot's token for good and gives a new one.
    pub fn renews_token(&self) -> String {
        let state = &mut *self.lock();
        state.renewed += 1;
        state.is_token_revoked = false;
        format!("{}{}", self.bot_token, state.renewed)
    }
}
