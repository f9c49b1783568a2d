//! Slack's methods as far as Muster calls them, and how often each may be called.
//!
//! A tier of N means N calls a minute for a method and workspace. What holds: see
//! [`crate::chat::limits`], whose form the rows have.

use std::time::Duration;

use operations::ids::Platform;

use crate::chat::limits::{Bucket, Call, Figure, Limit, Per, Row, Source, Twice};

/// A Web API method.
#[derive(Debug)]
pub(super) struct Method {
    /// Its name: `chat.postMessage`.
    pub(super) name: &'static str,
    /// Whether its arguments go in the query (GET) or as JSON in the body (POST).
    pub(super) verb: Verb,
    /// Made once more after a lost answer.
    pub(super) twice: Twice,
    /// How often, by what [`Method::per`] says.
    pub(super) figure: Figure,
    /// What the figure is for.
    pub(super) per: Per,
    /// How often in one channel, where that is limited too.
    pub(super) channel: Option<Figure>,
}

/// How arguments are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// In the query.
    Get,
    /// As JSON.
    Post,
}

const PAGE: &str = "docs.slack.dev/apis/web-api/rate-limits, and the method's page";
const INTERACTION: &str = "docs.slack.dev/interactivity/handling-user-interaction";
const READ: &str = "November 2026";

const fn in_seconds(calls: u32, seconds: u64) -> Limit {
    Limit::new(calls, Duration::from_secs(seconds))
}

const fn tier(calls: u32, kept: Limit) -> Figure {
    Figure { told: in_seconds(calls, 60), tolerated: 0, kept, source: Source::Told { page: PAGE, read: READ } }
}

const fn words(told: Limit, tolerated: u32, kept: Limit, words: &'static str) -> Figure {
    Figure { told, tolerated, kept, source: Source::Read { page: PAGE, read: READ, words } }
}

/// Two sockets are renewed about once in some hours. What Slack tolerates at once is not told: ten, as an app may
/// hold ten sockets. A row of failures waits longer by itself.
const TIER_1: Figure =
    words(in_seconds(1, 60), 9, in_seconds(9, 540), "tier 1: 1+ a minute; a small amount of bursts is tolerated");
const TIER_2: Figure = tier(20, in_seconds(5, 20));
const TIER_3: Figure = tier(50, in_seconds(10, 15));
const TIER_4: Figure = tier(100, in_seconds(20, 15));
const POSTING: Figure = words(in_seconds(300, 60), 0, in_seconds(50, 12), "several hundred messages a minute");
/// The sandbox takes four more at once.
const POSTING_IN_CHANNEL: Figure =
    words(in_seconds(1, 1), 4, in_seconds(3, 3), "one message a second; short bursts are let pass");
const GENEROUS: Figure = words(in_seconds(200, 60), 0, in_seconds(20, 10), "hundreds of requests a minute");
/// Its life is 30 minutes, so that there are five and no more.
const RESPONSES: Figure = Figure {
    told: in_seconds(5, 1800),
    tolerated: 0,
    kept: in_seconds(5, 9000),
    source: Source::Told { page: INTERACTION, read: READ },
};

const fn post(name: &'static str, twice: Twice, figure: Figure) -> Method {
    Method { name, verb: Verb::Post, twice, figure, per: Per::Workspace, channel: None }
}

const fn get(name: &'static str, figure: Figure) -> Method {
    Method { name, verb: Verb::Get, twice: Twice::Reads, figure, per: Per::Workspace, channel: None }
}

const NEW: Twice = Twice::Same("says the same as before");
const DONE: Twice = Twice::Same("that it is so already counts as done");

pub(super) const CONNECTIONS_OPEN: Method =
    post("apps.connections.open", Twice::Same("an address that nobody uses lapses"), TIER_1);
pub(super) const AUTH_TEST: Method = Method { twice: Twice::Reads, ..post("auth.test", NEW, GENEROUS) };
pub(super) const POST_MESSAGE: Method = Method {
    channel: Some(POSTING_IN_CHANNEL),
    ..post("chat.postMessage", Twice::Found("the key in its metadata"), POSTING)
};
pub(super) const POST_EPHEMERAL: Method = post("chat.postEphemeral", Twice::Marked(PRIVATE), TIER_4);
pub(super) const UPDATE: Method = post("chat.update", NEW, TIER_3);
pub(super) const PERMALINK: Method = get("chat.getPermalink", GENEROUS);
pub(super) const VIEWS_OPEN: Method =
    post("views.open", Twice::Once("a trigger opens one form; that it was used counts as done"), TIER_4);
pub(super) const PINS_ADD: Method = post("pins.add", DONE, TIER_2);
pub(super) const CREATE: Method = post(
    "conversations.create",
    Twice::Found("the key in its purpose; before it has one, by its name, its maker and its age"),
    TIER_2,
);
pub(super) const JOIN: Method = post("conversations.join", DONE, TIER_3);
pub(super) const INVITE: Method = post("conversations.invite", DONE, TIER_3);
pub(super) const ARCHIVE: Method = post("conversations.archive", DONE, TIER_2);
pub(super) const SET_TOPIC: Method = post("conversations.setTopic", NEW, TIER_2);
pub(super) const SET_PURPOSE: Method = post("conversations.setPurpose", NEW, TIER_2);
pub(super) const INFO: Method = get("conversations.info", TIER_3);
pub(super) const OPEN: Method =
    post("conversations.open", Twice::Same("the conversation that is there is given back"), TIER_3);
pub(super) const LIST: Method = get("conversations.list", TIER_2);
/// Tier 3 for an app that a company made for itself, which Muster always is.
pub(super) const HISTORY: Method = get("conversations.history", TIER_3);
pub(super) const REPLIES: Method = get("conversations.replies", TIER_3);
/// All accounts, by pages.
pub(super) const USERS_LIST: Method = get("users.list", TIER_2);
pub(super) const USERS_INFO: Method = get("users.info", TIER_4);
/// Not a method: the address at which a command or click can be answered.
pub(super) const RESPONSE_URL: Method =
    Method { per: Per::Url, ..post("(response URL)", Twice::Marked(PRIVATE), RESPONSES) };

const PRIVATE: &str = "only its reader sees it, and no method reads it";

const METHODS: &[&Method] = &[
    &CONNECTIONS_OPEN,
    &AUTH_TEST,
    &POST_MESSAGE,
    &POST_EPHEMERAL,
    &UPDATE,
    &PERMALINK,
    &VIEWS_OPEN,
    &PINS_ADD,
    &CREATE,
    &JOIN,
    &INVITE,
    &ARCHIVE,
    &SET_TOPIC,
    &SET_PURPOSE,
    &INFO,
    &OPEN,
    &LIST,
    &HISTORY,
    &REPLIES,
    &USERS_INFO,
    &USERS_LIST,
    &RESPONSE_URL,
];

pub(in crate::chat) fn rows() -> Vec<Row> {
    let row = |call, per, figure| Row { call, bucket: Bucket::Own, per, figure };
    let of = |it: &&Method| {
        let channel = it.channel.map(|figure| row(it.name, Per::Channel, figure));
        [Some(row(it.name, it.per, it.figure)), channel].into_iter().flatten()
    };
    METHODS.iter().flat_map(of).collect()
}

pub(in crate::chat) fn calls() -> Vec<Call> {
    METHODS.iter().map(|it| Call { platform: Platform::Slack, name: it.name, twice: it.twice }).collect()
}
