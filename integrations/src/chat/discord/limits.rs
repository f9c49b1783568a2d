//! Discord's routes as far as Muster calls them, and how often each may be called.
//!
//! Discord tells most limits only in the headers of its answers; a route's starting limit
//! keeps to what is commonly seen until the first answer, and the headers shut a bucket
//! that they call empty. What holds: nothing is sent to a bucket that is shut.

use std::time::Duration;

use crate::chat::pace::Limit;

/// A route of the REST API.
#[derive(Debug)]
pub(super) struct Route {
    /// As Discord's reference writes it, for messages: `POST /channels/{channel.id}/messages`.
    pub(super) name: &'static str,
    /// Its verb.
    pub(super) verb: Verb,
    /// Its path with `{}` for each id.
    pub(super) path: &'static str,
    /// How many of the first ids the bucket belongs to (channel, guild, or webhook and token).
    pub(super) major: usize,
    /// Doing it twice is the same as doing it once, so a lost answer may simply be asked for again.
    pub(super) repeatable: bool,
    /// How often, until the headers say more.
    pub(super) limit: Limit,
    /// Whether the bot's token is sent and the global limit counts. Interaction endpoints have their own token
    /// in the path and are exempt (Discord's reference, "Rate Limits").
    pub(super) as_bot: bool,
}

/// An HTTP verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Read.
    Get,
    /// Make.
    Post,
    /// Put in place.
    Put,
    /// Change.
    Patch,
}

/// All calls together: 50 a second (Discord's reference), as a burst of 20 and about 29 a second.
pub(super) const GLOBAL: Limit = Limit { calls: 20, per: Duration::from_millis(700) };

/// Messages, and edits of messages, in one channel: 5 in 5 s is what the headers commonly say.
const MESSAGES: Limit = Limit { calls: 5, per: Duration::from_secs(5) };
/// A channel's name and topic: 2 in 10 minutes, counted apart from the headers. A burst of 2 and one every 10 minutes
/// stay within that however the 10 minutes are laid.
const NAMING: Limit = Limit { calls: 2, per: Duration::from_secs(1200) };
/// Where no number is known: rarely enough to be no burden.
const OTHERS: Limit = Limit { calls: 5, per: Duration::from_secs(2) };
/// Interaction endpoints: a person waits, and each interaction is its own bucket.
const ANSWERS: Limit = Limit { calls: 5, per: Duration::from_secs(2) };

const fn bot(name: &'static str, verb: Verb, path: &'static str, repeatable: bool, limit: Limit) -> Route {
    Route { name, verb, path, major: 1, repeatable, limit, as_bot: true }
}

const fn answer(name: &'static str, verb: Verb, path: &'static str, repeatable: bool) -> Route {
    Route { name, verb, path, major: 2, repeatable, limit: ANSWERS, as_bot: false }
}

pub(super) const GATEWAY: Route = bot("GET /gateway/bot", Verb::Get, "/gateway/bot", true, OTHERS);
pub(super) const ME: Route = bot("GET /users/@me", Verb::Get, "/users/@me", true, OTHERS);
pub(super) const APPLICATION: Route = bot("GET /applications/@me", Verb::Get, "/applications/@me", true, OTHERS);
pub(super) const OPEN_DIRECT: Route = bot("POST /users/@me/channels", Verb::Post, "/users/@me/channels", true, OTHERS);
pub(super) const COMMANDS: Route = bot(
    "GET /applications/{application.id}/guilds/{guild.id}/commands",
    Verb::Get,
    "/applications/{}/guilds/{}/commands",
    true,
    OTHERS,
);
/// New commands are limited to 200 a day and guild, so they are put only where they differ.
pub(super) const PUT_COMMANDS: Route = bot(
    "PUT /applications/{application.id}/guilds/{guild.id}/commands",
    Verb::Put,
    "/applications/{}/guilds/{}/commands",
    true,
    OTHERS,
);
pub(super) const CHANNELS: Route =
    bot("GET /guilds/{guild.id}/channels", Verb::Get, "/guilds/{}/channels", true, OTHERS);
pub(super) const CREATE_CHANNEL: Route =
    bot("POST /guilds/{guild.id}/channels", Verb::Post, "/guilds/{}/channels", false, OTHERS);
pub(super) const MEMBER: Route =
    bot("GET /guilds/{guild.id}/members/{user.id}", Verb::Get, "/guilds/{}/members/{}", true, OTHERS);
pub(super) const ROLES: Route = bot("GET /guilds/{guild.id}/roles", Verb::Get, "/guilds/{}/roles", true, OTHERS);
pub(super) const CHANNEL: Route = bot("GET /channels/{channel.id}", Verb::Get, "/channels/{}", true, OTHERS);
/// Sets the topic.
pub(super) const NAME_CHANNEL: Route = bot("PATCH /channels/{channel.id}", Verb::Patch, "/channels/{}", true, NAMING);
/// Sets permissions: the same route without the limit on names and topics.
pub(super) const CHANGE_CHANNEL: Route = bot("PATCH /channels/{channel.id}", Verb::Patch, "/channels/{}", true, OTHERS);
pub(super) const MESSAGES_OF: Route =
    bot("GET /channels/{channel.id}/messages", Verb::Get, "/channels/{}/messages", true, MESSAGES);
pub(super) const MESSAGE: Route =
    bot("GET /channels/{channel.id}/messages/{message.id}", Verb::Get, "/channels/{}/messages/{}", true, MESSAGES);
pub(super) const POST: Route =
    bot("POST /channels/{channel.id}/messages", Verb::Post, "/channels/{}/messages", false, MESSAGES);
pub(super) const EDIT: Route =
    bot("PATCH /channels/{channel.id}/messages/{message.id}", Verb::Patch, "/channels/{}/messages/{}", true, MESSAGES);
pub(super) const PIN: Route = bot(
    "PUT /channels/{channel.id}/messages/pins/{message.id}",
    Verb::Put,
    "/channels/{}/messages/pins/{}",
    true,
    OTHERS,
);
/// The route that was there before; Discord has called it deprecated since 2025.
pub(super) const PIN_BEFORE: Route =
    bot("PUT /channels/{channel.id}/pins/{message.id}", Verb::Put, "/channels/{}/pins/{}", true, OTHERS);
/// A second callback is refused with 40060 and does nothing, so it may be repeated.
pub(super) const CALLBACK: Route = answer(
    "POST /interactions/{interaction.id}/{interaction.token}/callback",
    Verb::Post,
    "/interactions/{}/{}/callback",
    true,
);
pub(super) const FOLLOW_UP: Route =
    answer("POST /webhooks/{application.id}/{interaction.token}", Verb::Post, "/webhooks/{}/{}", false);
pub(super) const ORIGINAL: Route = answer(
    "GET /webhooks/{application.id}/{interaction.token}/messages/{message.id}",
    Verb::Get,
    "/webhooks/{}/{}/messages/@original",
    true,
);
