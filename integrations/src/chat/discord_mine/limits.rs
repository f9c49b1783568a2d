//! Discord's routes as far as Muster calls them, and how often each may be called.
//!
//! Discord tells a route's limit in the headers of its answers and asks not to write them
//! down; what stands here only keeps the first calls polite until an answer told more.
//! Sources: Discord's documentation, "Rate Limits"; the figures for posts and edits (about 5
//! in 5 s a channel) and for renaming (2 in 10 minutes) are what its users observe.

use std::time::Duration;

use reqwest::Method;

use crate::chat::pace::Limit;

/// A route.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) verb: Method,
    /// `{}` stands for a parameter. The first one after `channels/`, `guilds/` or `webhooks/` has a bucket of its own.
    pub(super) path: &'static str,
    /// Doing it twice is the same as doing it once, so a lost answer may simply be asked for again.
    pub(super) repeatable: bool,
    /// How often, for each first parameter.
    pub(super) limit: Limit,
    /// Whether it counts against the limit of the whole bot, and carries the bot's token.
    pub(super) is_bot: bool,
}

/// 50 requests a second for the bot as a whole; a little is left for what is not counted here.
pub(super) const GLOBAL: Limit = Limit { calls: 45, per: Duration::from_secs(1) };

const POSTS: Limit = Limit { calls: 5, per: Duration::from_secs(5) };
const RENAMES: Limit = Limit { calls: 2, per: Duration::from_secs(600) };
const OTHERS: Limit = Limit { calls: 10, per: Duration::from_secs(5) };
/// Interactions are answered at once; their limits are far above what people do.
const ANSWERS: Limit = Limit { calls: 5, per: Duration::from_secs(2) };

const fn route(verb: Method, path: &'static str, repeatable: bool, limit: Limit) -> Route {
    Route { verb, path, repeatable, limit, is_bot: true }
}

const fn answer(verb: Method, path: &'static str, repeatable: bool) -> Route {
    Route { verb, path, repeatable, limit: ANSWERS, is_bot: false }
}

pub(super) const ME: Route = route(Method::GET, "users/@me", true, OTHERS);
pub(super) const APPLICATION: Route = route(Method::GET, "oauth2/applications/@me", true, OTHERS);
pub(super) const GATEWAY: Route = route(Method::GET, "gateway/bot", true, Limit { calls: 2, per: Duration::from_secs(5) });
pub(super) const COMMANDS: Route = route(Method::GET, "applications/{}/guilds/{}/commands", true, OTHERS);
pub(super) const SET_COMMANDS: Route = route(Method::PUT, "applications/{}/guilds/{}/commands", true, OTHERS);
/// A repeat with the same nonce within a few minutes gives the same message; later it would be a second one.
pub(super) const POST_MESSAGE: Route = route(Method::POST, "channels/{}/messages", false, POSTS);
pub(super) const EDIT_MESSAGE: Route = route(Method::PATCH, "channels/{}/messages/{}", true, POSTS);
pub(super) const MESSAGES: Route = route(Method::GET, "channels/{}/messages", true, POSTS);
pub(super) const MESSAGE: Route = route(Method::GET, "channels/{}/messages/{}", true, POSTS);
pub(super) const PIN: Route = route(Method::PUT, "channels/{}/messages/pins/{}", true, POSTS);
pub(super) const CHANNELS: Route = route(Method::GET, "guilds/{}/channels", true, OTHERS);
pub(super) const CREATE_CHANNEL: Route = route(Method::POST, "guilds/{}/channels", false, OTHERS);
pub(super) const EDIT_CHANNEL: Route = route(Method::PATCH, "channels/{}", true, RENAMES);
pub(super) const PERMISSION: Route = route(Method::PUT, "channels/{}/permissions/{}", true, OTHERS);
pub(super) const MEMBER: Route = route(Method::GET, "guilds/{}/members/{}", true, OTHERS);
pub(super) const OPEN_DIRECT: Route = route(Method::POST, "users/@me/channels", true, OTHERS);
pub(super) const CALLBACK: Route = answer(Method::POST, "interactions/{}/{}/callback", false);
pub(super) const ORIGINAL: Route = answer(Method::PATCH, "webhooks/{}/{}/messages/@original", true);
