//! What shuts the bot out: a channel that is closed to it or deleted, and a token that was reset.
//!
//! Done by people and in the developer portal, so there is no route for it. What holds:
//! afterwards the API refuses what Discord refuses, with Discord's codes, until it is taken back.

use serde_json::json;

use super::session::Order;
use super::{Discord, channels, permissions};

impl Discord {
    /// Takes a permission away from the bot in one channel, by Discord's name; gives it back where `denied` is false.
    pub fn denies(&self, channel: &str, permission: &str, denied: bool) {
        let mut state = self.lock();
        let (me, bit) = (state.me.to_string(), permissions::bit(permission).unwrap_or_default());
        let Some(id) = state.find_channel(channel).map(|it| it.id) else { return };
        let Some(place) = state.channel_mut(id) else { return };
        let own = place.overwrites.iter().find(|it| it["id"].as_str() == Some(&me));
        let deny = own.map_or(0, |it| permissions::bits(&it["deny"]));
        let allow = own.map_or(0, |it| permissions::bits(&it["allow"]));
        place.overwrites.retain(|it| it["id"].as_str() != Some(&me));
        let deny = if denied { deny | bit } else { deny & !bit };
        place.overwrites.push(json!({"id": me, "type": 1, "allow": allow.to_string(), "deny": deny.to_string()}));
        channels::tell(&mut state, id, "UPDATE");
    }

    /// Somebody deletes a channel.
    pub fn deletes_channel(&self, channel: &str) {
        let mut state = self.lock();
        let Some(id) = state.find_channel(channel).map(|it| it.id) else { return };
        channels::tell(&mut state, id, "DELETE");
        state.channels.retain(|it| it.id != id && it.parent != Some(id));
        state.changed(id);
    }

    /// Whether the bot's token has ended: its sockets are closed, and nothing is taken with it.
    pub fn revokes_token(&self, revoked: bool) {
        let mut state = self.lock();
        state.gateway.is_token_reset = revoked;
        if revoked {
            state.gateway.sessions.clear();
            state.gateway.order_all(|| Order::Close(Some(4004)));
        }
    }

    /// Resets the bot's token and gives a new one.
    pub fn renews_token(&self) -> String {
        self.revokes_token(true);
        let mut state = self.lock();
        state.gateway.is_token_reset = false;
        state.renewed += 1;
        format!("{}{}", self.token, state.renewed)
    }

    /// Whether a token is the bot's.
    pub(super) fn is_token(&self, token: &str) -> bool {
        let state = self.lock();
        let renewed = if state.renewed == 0 { String::new() } else { state.renewed.to_string() };
        !state.gateway.is_token_reset && token.strip_prefix(self.token.as_str()) == Some(renewed.as_str())
    }
}
