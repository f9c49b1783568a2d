//! Slack's methods as far as Muster calls them, and how often each may be called.
//!
//! A tier of N means N calls a minute for a method and workspace (docs.slack.dev, "Rate
//! limits"). What holds: a bucket's burst and a minute of its refill together stay within
//! the tier in every minute, however the minute is laid.

use std::time::Duration;

use crate::chat::pace::Limit;

/// A Web API method.
#[derive(Debug)]
pub(super) struct Method {
    /// Its name: `chat.postMessage`.
    pub(super) name: &'static str,
    /// Whether its arguments go in the query (GET) or as JSON in the body (POST).
    pub(super) verb: Verb,
    /// Doing it twice is the same as doing it once, so a lost answer may simply be asked for again.
    pub(super) repeatable: bool,
    /// How often in the whole workspace.
    pub(super) workspace: Limit,
    /// How often in one channel, where that is limited too.
    pub(super) channel: Option<Limit>,
}

/// How arguments are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// In the query.
    Get,
    /// As JSON.
    Post,
}

/// Tier 2: 20 a minute, as a burst of 5 and 15 a minute.
const TIER_2: Limit = Limit { calls: 5, per: Duration::from_secs(20) };
/// Tier 3: 50 a minute, as a burst of 10 and 40 a minute.
const TIER_3: Limit = Limit { calls: 10, per: Duration::from_secs(15) };
/// Tier 4: 100 a minute, as a burst of 20 and 80 a minute.
const TIER_4: Limit = Limit { calls: 20, per: Duration::from_secs(15) };
/// Posting has "several hundred messages per minute" for the workspace; the number is not told.
const POSTING: Limit = Limit { calls: 50, per: Duration::from_secs(10) };
/// One message a second in a channel; short bursts are tolerated, so three may go at once.
const POSTING_IN_CHANNEL: Limit = Limit { calls: 3, per: Duration::from_secs(3) };
/// `auth.test` allows "hundreds of requests per minute".
const GENEROUS: Limit = Limit { calls: 20, per: Duration::from_secs(10) };

const fn post(name: &'static str, repeatable: bool, workspace: Limit) -> Method {
    Method { name, verb: Verb::Post, repeatable, workspace, channel: None }
}

const fn get(name: &'static str, workspace: Limit) -> Method {
    Method { name, verb: Verb::Get, repeatable: true, workspace, channel: None }
}

/// Tier 1 is told as "1+" a minute, yet a refresh of two connections needs more: the backoff of the
/// socket and `Retry-After` are what keeps it rare.
pub(super) const CONNECTIONS_OPEN: Method = post("apps.connections.open", true, TIER_2);
pub(super) const AUTH_TEST: Method = post("auth.test", true, GENEROUS);
pub(super) const POST_MESSAGE: Method = Method {
    name: "chat.postMessage",
    verb: Verb::Post,
    repeatable: false,
    workspace: POSTING,
    channel: Some(POSTING_IN_CHANNEL),
};
pub(super) const POST_EPHEMERAL: Method = post("chat.postEphemeral", false, TIER_4);
pub(super) const UPDATE: Method = post("chat.update", true, TIER_3);
pub(super) const PERMALINK: Method = get("chat.getPermalink", GENEROUS);
pub(super) const VIEWS_OPEN: Method = post("views.open", false, TIER_4);
pub(super) const PINS_ADD: Method = post("pins.add", true, TIER_2);
pub(super) const CREATE: Method = post("conversations.create", false, TIER_2);
pub(super) const JOIN: Method = post("conversations.join", true, TIER_3);
pub(super) const INVITE: Method = post("conversations.invite", true, TIER_3);
pub(super) const ARCHIVE: Method = post("conversations.archive", true, TIER_2);
pub(super) const SET_TOPIC: Method = post("conversations.setTopic", true, TIER_2);
pub(super) const SET_PURPOSE: Method = post("conversations.setPurpose", true, TIER_2);
pub(super) const INFO: Method = get("conversations.info", TIER_3);
pub(super) const OPEN: Method = post("conversations.open", true, TIER_3);
pub(super) const LIST: Method = get("conversations.list", TIER_2);
/// Tier 3 for an app that a company made for itself, which Muster always is.
pub(super) const HISTORY: Method = get("conversations.history", TIER_3);
pub(super) const REPLIES: Method = get("conversations.replies", TIER_3);
pub(super) const USERS_INFO: Method = get("users.info", TIER_4);
/// Not a method: the address at which a command or click can be answered, five times in 30 minutes.
pub(super) const RESPONSE_URL: Method = post("response URL", false, GENEROUS);
