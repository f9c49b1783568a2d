//! Discord's routes as far as Muster calls them, and how often each may be called.
//!
//! Discord tells most limits only in the headers of its answers; a route's starting limit
//! keeps to what is commonly seen until the first answer, and the headers shut a bucket
//! that they call empty. What holds: nothing is sent to a bucket that is shut; and see
//! [`crate::chat::limits`], whose form the rows have.

use std::time::Duration;

use operations::ids::Platform;

use crate::chat::limits::{Bucket, Call, Figure, Limit, Per, Row, Source, Twice};

/// A route of the REST API.
#[derive(Debug)]
pub(super) struct Route {
    /// As Discord's reference writes it, for messages: `POST /channels/{channel.id}/messages`.
    pub(super) name: &'static str,
    /// Its verb.
    pub(super) verb: Verb,
    /// Its path with `{}` for each id.
    pub(super) path: &'static str,
    /// What has a bucket of its own, told by the first id or ids.
    pub(super) per: Per,
    /// Made once more after a lost answer.
    pub(super) twice: Twice,
    /// How often, until the headers say more.
    pub(super) figure: Figure,
    /// Whether the bot's token is sent and the global limit counts. Interaction endpoints have their own token
    /// in the path and are exempt (Discord's reference, "Rate Limits").
    pub(super) as_bot: bool,
}

impl Route {
    /// How many of the first ids the bucket belongs to.
    pub(super) fn major(&self) -> usize {
        if self.per == Per::Token { 2 } else { 1 }
    }
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

const RATES: &str = "docs.discord.com/developers/topics/rate-limits";
const GATEWAY_PAGE: &str = "docs.discord.com/developers/events/gateway";
const READ: &str = "November 2026";

const fn limit(calls: u32, milliseconds: u64) -> Limit {
    Limit::new(calls, Duration::from_millis(milliseconds))
}

const fn told(page: &'static str, told: Limit, kept: Limit) -> Figure {
    Figure { told, tolerated: 0, kept, source: Source::Told { page, read: READ } }
}

const fn headers(start: Limit, why: &'static str) -> Figure {
    Figure { told: start, tolerated: 0, kept: start, source: Source::Headers { why } }
}

/// All calls together.
const ALL_CALLS: Figure = told(RATES, limit(50, 1000), limit(20, 700));
pub(super) const GLOBAL: Limit = ALL_CALLS.kept;

/// Answers with 401, 403 and 429 from all of Discord, of which too many shut the address out. Muster goes slowly from a
/// tenth on, and stops all but answers from half on.
const REFUSALS: Figure = told(RATES, limit(10_000, 600_000), limit(1000, 5_000_000));
/// From so many on, one call in this time.
pub(super) const CAREFUL: (usize, Limit) = (REFUSALS.kept.calls as usize, limit(1, 5000));
/// From so many on, nothing but answers.
pub(super) const STOPPED: usize = REFUSALS.told.calls as usize / 2;
/// They are counted for so long.
pub(super) const REFUSALS_IN: Duration = REFUSALS.told.per;

/// New sessions in a day. One too many, and Discord resets the token. `GET /gateway/bot` tells what is left.
const SESSIONS: Figure = told(GATEWAY_PAGE, limit(1000, 86_400_000), limit(5, 600_000));
pub(super) const IDENTIFIES: Limit = SESSIONS.kept;
/// No two sessions closer than this ("max concurrency").
const CONCURRENCY: Figure = told(GATEWAY_PAGE, limit(1, 5000), limit(1, 5000));
pub(super) const IDENTIFIES_APART: Duration = CONCURRENCY.kept.per;
/// Payloads that are sent on a gateway connection; ten are left for surprises.
const PAYLOADS: Figure = told(GATEWAY_PAGE, limit(120, 60_000), limit(110, 60_000));
pub(super) const SENDS: Limit = PAYLOADS.kept;

/// Messages, and edits of messages, in one channel.
const MESSAGES: Figure = headers(limit(5, 5000), "5 in 5 s is what they commonly say");
/// A channel's name and topic, counted apart from the headers.
const NAMING: Figure = Figure {
    told: limit(2, 600_000),
    tolerated: 0,
    kept: limit(2, 1_200_000),
    source: Source::Seen { by: "those who write libraries for Discord; the headers do not tell of it" },
};
const OTHERS: Figure = headers(limit(5, 2000), "no number is known; rarely enough to be no burden");
/// A person waits, and each interaction is its own bucket.
const ANSWERS: Figure = headers(limit(5, 2000), "5 in 2 s is what they commonly say of webhooks");
/// What fails makes no command and is not counted, so that no failures may keep it waiting for hours.
const REGISTERING: Figure =
    headers(limit(5, 2000), "200 new commands may be made in a day; it is called only where they differ");

const fn bot(name: &'static str, verb: Verb, path: &'static str, per: Per, twice: Twice, figure: Figure) -> Route {
    Route { name, verb, path, per, twice, figure, as_bot: true }
}

const fn get(name: &'static str, path: &'static str, per: Per, figure: Figure) -> Route {
    bot(name, Verb::Get, path, per, Twice::Reads, figure)
}

const fn answer(name: &'static str, verb: Verb, path: &'static str, twice: Twice) -> Route {
    Route { name, verb, path, per: Per::Token, twice, figure: ANSWERS, as_bot: false }
}

const NEW: Twice = Twice::Same("says the same as before");

pub(super) const GATEWAY: Route = get("GET /gateway/bot", "/gateway/bot", Per::Application, OTHERS);
pub(super) const ME: Route = get("GET /users/@me", "/users/@me", Per::Application, OTHERS);
pub(super) const APPLICATION: Route = get("GET /applications/@me", "/applications/@me", Per::Application, OTHERS);
pub(super) const OPEN_DIRECT: Route = bot(
    "POST /users/@me/channels",
    Verb::Post,
    "/users/@me/channels",
    Per::Application,
    Twice::Same("the conversation that is there is given back"),
    OTHERS,
);
pub(super) const COMMANDS: Route = get(
    "GET /applications/{application.id}/guilds/{guild.id}/commands",
    "/applications/{}/guilds/{}/commands",
    Per::Application,
    OTHERS,
);
pub(super) const PUT_COMMANDS: Route = bot(
    "PUT /applications/{application.id}/guilds/{guild.id}/commands",
    Verb::Put,
    "/applications/{}/guilds/{}/commands",
    Per::Application,
    NEW,
    REGISTERING,
);
pub(super) const CHANNELS: Route = get("GET /guilds/{guild.id}/channels", "/guilds/{}/channels", Per::Guild, OTHERS);
pub(super) const CREATE_CHANNEL: Route = bot(
    "POST /guilds/{guild.id}/channels",
    Verb::Post,
    "/guilds/{}/channels",
    Per::Guild,
    Twice::Found("the key in its topic"),
    OTHERS,
);
pub(super) const MEMBER: Route =
    get("GET /guilds/{guild.id}/members/{user.id}", "/guilds/{}/members/{}", Per::Guild, OTHERS);
pub(super) const ROLES: Route = get("GET /guilds/{guild.id}/roles", "/guilds/{}/roles", Per::Guild, OTHERS);
pub(super) const CHANNEL: Route = get("GET /channels/{channel.id}", "/channels/{}", Per::Channel, OTHERS);
/// Sets the topic.
pub(super) const NAME_CHANNEL: Route =
    bot("PATCH /channels/{channel.id}", Verb::Patch, "/channels/{}", Per::Channel, NEW, NAMING);
/// Sets permissions: the same route without the limit on names and topics.
pub(super) const CHANGE_CHANNEL: Route =
    bot("PATCH /channels/{channel.id}", Verb::Patch, "/channels/{}", Per::Channel, NEW, OTHERS);
pub(super) const MESSAGES_OF: Route =
    get("GET /channels/{channel.id}/messages", "/channels/{}/messages", Per::Channel, MESSAGES);
pub(super) const MESSAGE: Route =
    get("GET /channels/{channel.id}/messages/{message.id}", "/channels/{}/messages/{}", Per::Channel, MESSAGES);
pub(super) const REACTED: Route = get(
    "GET /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}",
    "/channels/{}/messages/{}/reactions/{}",
    Per::Channel,
    OTHERS,
);
pub(super) const POST: Route = bot(
    "POST /channels/{channel.id}/messages",
    Verb::Post,
    "/channels/{}/messages",
    Per::Channel,
    Twice::Found("the address in its embed; where it has none, its nonce and what it says"),
    MESSAGES,
);
pub(super) const EDIT: Route = bot(
    "PATCH /channels/{channel.id}/messages/{message.id}",
    Verb::Patch,
    "/channels/{}/messages/{}",
    Per::Channel,
    NEW,
    MESSAGES,
);
pub(super) const PIN: Route = bot(
    "PUT /channels/{channel.id}/messages/pins/{message.id}",
    Verb::Put,
    "/channels/{}/messages/pins/{}",
    Per::Channel,
    NEW,
    OTHERS,
);
/// The route that was there before; Discord has called it deprecated since 2025.
pub(super) const PIN_BEFORE: Route =
    bot("PUT /channels/{channel.id}/pins/{message.id}", Verb::Put, "/channels/{}/pins/{}", Per::Channel, NEW, OTHERS);
pub(super) const CALLBACK: Route = answer(
    "POST /interactions/{interaction.id}/{interaction.token}/callback",
    Verb::Post,
    "/interactions/{}/{}/callback",
    Twice::Once("a second first answer is refused (40060); then the one that is there is looked at"),
);
pub(super) const FOLLOW_UP: Route = answer(
    "POST /webhooks/{application.id}/{interaction.token}",
    Verb::Post,
    "/webhooks/{}/{}",
    Twice::Marked("only its reader may see it, and answers after the first are in no list"),
);
pub(super) const ORIGINAL: Route = answer(
    "GET /webhooks/{application.id}/{interaction.token}/messages/{message.id}",
    Verb::Get,
    "/webhooks/{}/{}/messages/@original",
    Twice::Reads,
);

const ROUTES: &[&Route] = &[
    &GATEWAY,
    &ME,
    &APPLICATION,
    &OPEN_DIRECT,
    &COMMANDS,
    &PUT_COMMANDS,
    &CHANNELS,
    &CREATE_CHANNEL,
    &MEMBER,
    &ROLES,
    &CHANNEL,
    &NAME_CHANNEL,
    &CHANGE_CHANNEL,
    &MESSAGES_OF,
    &MESSAGE,
    &REACTED,
    &POST,
    &EDIT,
    &PIN,
    &PIN_BEFORE,
    &CALLBACK,
    &FOLLOW_UP,
    &ORIGINAL,
];

pub(in crate::chat) fn rows() -> Vec<Row> {
    let all = |call, per, figure| Row { call, bucket: Bucket::All, per, figure };
    let counted = |call, figure| Row { call, bucket: Bucket::Counted, per: Per::Application, figure };
    let together = [
        all("(every call with the bot's token)", Per::Application, ALL_CALLS),
        all("(answers of 401, 403, 429; not 429 of a shared bucket)", Per::Address, REFUSALS),
        counted("(gateway: new session)", SESSIONS),
        counted("(gateway: new session)", CONCURRENCY),
        counted("(gateway: payload sent)", PAYLOADS),
    ];
    let of = |it: &&Route| {
        let bucket = if is_apart(it) { Bucket::Own } else { Bucket::Headers };
        Row { call: it.name, bucket, per: it.per, figure: it.figure }
    };
    together.into_iter().chain(ROUTES.iter().map(of)).collect()
}

pub(in crate::chat) fn calls() -> Vec<Call> {
    ROUTES.iter().map(|it| Call { platform: Platform::Discord, name: it.name, twice: it.twice }).collect()
}

/// Whether the headers of its answers do not tell of a route's limit.
pub(super) fn is_apart(route: &Route) -> bool {
    !matches!(route.figure.source, Source::Headers { .. })
}
