//! A Discord server: a model of people, channels and messages, and its REST API and gateway.
//!
//! REST v10 is served at `/api/v10/…`, the gateway at `/gateway?v=10&encoding=json`.
//! Everything is kept in one [`state::State`] behind a mutex that is held briefly and never
//! across an `await`. What holds: a call either does its whole work or none of it; what
//! Discord refuses is refused with Discord's error; what it tolerates but should not be
//! sent is kept in [`Discord::unexpected`].
//!
//! A person is named by user name or id, a channel by name or id.

mod callbacks;
mod channels;
mod check;
mod check_commands;
mod check_components;
mod check_modal;
mod closing;
mod faults;
mod form;
mod gateway;
mod identify;
mod interactions;
pub mod judge;
mod messages;
mod payload;
mod people;
mod people_forms;
mod permissions;
mod pins;
mod rates;
mod reactions;
mod refusal;
mod rest;
mod routes;
mod session;
mod state;
mod typed;
mod view;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use crate::faults::{CallFault, CallFaults};
use crate::time::Time;
use crate::{Change, Config};
use state::State;

/// A Discord server with one bot in it.
pub struct Discord {
    state: Mutex<State>,
    faults: CallFaults,
    time: Arc<dyn Time>,
    /// Counts everything that changes, for those who wait.
    version: watch::Sender<u64>,
    addr: SocketAddr,
    token: String,
    guild: String,
    application: String,
}

/// Somebody on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Snowflake.
    pub id: String,
    /// The user name, in lower case.
    pub name: String,
    /// The name that Discord shows.
    pub display_name: String,
}

/// What became of something typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Typed {
    /// It was a message.
    Message {
        /// Its id.
        id: String,
    },
    /// It was a command of the bot.
    Command {
        /// The interaction's id.
        id: String,
        /// What the bot did with it.
        outcome: Outcome,
    },
}

/// What the bot did with an interaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered in time.
    Answered,
    /// It was acknowledged in time, to be answered later.
    Deferred,
    /// It was not answered within three seconds; this is what the person reads.
    Failed(String),
}

impl Outcome {
    /// Whether the bot reacted in time.
    #[must_use]
    pub fn answered(&self) -> bool {
        match self {
            Outcome::Answered | Outcome::Deferred => true,
            Outcome::Failed(_) => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Answered => f.write_str("answered"),
            Outcome::Deferred => f.write_str("deferred"),
            Outcome::Failed(told) => f.write_str(told),
        }
    }
}

/// A call of the REST API. Tokens are never in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// Verb and route as Discord's reference writes them, such as
    /// `POST /channels/{channel.id}/messages`; verb and path of an unknown route.
    pub route: String,
    /// The ids in the path, in order; tokens are left out.
    pub ids: Vec<String>,
    /// The query string.
    pub query: String,
    /// The JSON body; null without one.
    pub body: Value,
    /// HTTP status of the answer; 0 where there was none.
    pub status: u16,
    /// Discord's JSON error code, if it was refused with one.
    pub code: Option<i64>,
}

/// Somebody was notified by a message of the bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// The message.
    pub message: String,
    /// The channel that it is in.
    pub channel: String,
    /// Who: `@everyone`, `@here`, `<@id>` or `<@&id>`.
    pub target: String,
}

/// The REST API and the gateway.
pub fn router(discord: Arc<Discord>) -> Router {
    Router::new()
        .route("/gateway", get(gateway::open))
        .route("/gateway/", get(gateway::open))
        .fallback(rest::answer)
        .with_state(discord)
}

impl Discord {
    /// A server with the people and channels of `config`, reached at `addr`.
    #[must_use]
    pub fn new(addr: SocketAddr, config: &Config, changes: broadcast::Sender<Change>) -> Arc<Discord> {
        let (version, _) = watch::channel(0);
        let now = config.time.now();
        let state = State::new(now, config, changes, version.clone());
        // Built from parts, so that nothing in the source looks like a real token.
        let token = ["sandbox", &state.me.to_string(), "discord-bot"].join(".");
        let (guild, application) = (state.guild.to_string(), state.me.to_string());
        let time = config.time.clone();
        Arc::new(Discord {
            state: Mutex::new(state),
            faults: CallFaults::default(),
            time,
            version,
            addr,
            token,
            guild,
            application,
        })
    }

    /// Where the REST API is: `http://127.0.0.1:PORT/api/v10`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api/v10", self.addr)
    }

    /// The bot's token.
    #[must_use]
    pub fn bot_token(&self) -> &str {
        &self.token
    }

    /// The server's id.
    #[must_use]
    pub fn guild(&self) -> &str {
        &self.guild
    }

    /// The application's id, which is also the bot's user id.
    #[must_use]
    pub fn application_id(&self) -> &str {
        &self.application
    }

    /// Everybody on the server except the bot.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        let state = self.lock();
        let people = state.users.iter().filter(|user| !user.bot);
        people
            .map(|user| Person { id: user.id.to_string(), name: user.name.clone(), display_name: user.display.clone() })
            .collect()
    }

    /// Somebody's id.
    #[must_use]
    pub fn user_id(&self, name: &str) -> Option<String> {
        self.lock().find_user(name).map(|user| user.id.to_string())
    }

    /// A channel's id.
    #[must_use]
    pub fn channel_id(&self, name: &str) -> Option<String> {
        self.lock().find_channel(name).map(|channel| channel.id.to_string())
    }

    /// Everything that people see; see the documentation of the page for its shape.
    #[must_use]
    pub fn view(&self) -> Value {
        view::view(&self.lock())
    }

    /// Orders a fault for the next `times` calls of `method`: verb and route as in [`Request::route`].
    pub fn fault(&self, method: &str, times: usize, fault: CallFault) {
        self.faults.order(method, times, &fault);
    }

    /// How many faults of calls were ordered and have not happened.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.faults.left()
    }

    /// Takes back the faults of calls that were ordered and have not happened.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// The newest calls, at most 20,000, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Whatever a correct bot would not have sent: malformed calls, unknown routes and fields,
    /// breaches of the gateway's protocol.
    #[must_use]
    pub fn unexpected(&self) -> Vec<String> {
        self.lock().unexpected.clone()
    }

    /// Who was notified by the bot's messages. A direct message as such is not counted.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.lock().notifications.clone()
    }

    /// Creations and edits of messages without `allowed_mentions`, by their route.
    #[must_use]
    pub fn missing_allowed_mentions(&self) -> Vec<String> {
        self.lock().missing_allowed_mentions.clone()
    }

    /// Calls that were sent before a wait that Discord had asked for was over.
    #[must_use]
    pub fn early_requests(&self) -> usize {
        self.lock().rates.early
    }

    /// Calls answered with 401, 403 or 429; Discord bans an address after 10,000 in 10 minutes.
    #[must_use]
    pub fn invalid_requests(&self) -> usize {
        self.lock().rates.invalid
    }

    /// Takes a permission away from the bot, by Discord's name such as `MANAGE_CHANNELS`.
    pub fn forbid(&self, permission: &str) {
        let bit = permissions::bit(permission).unwrap_or_default();
        self.lock().forbidden |= bit;
    }

    /// Gives the bot a permission back.
    pub fn permit(&self, permission: &str) {
        let bit = permissions::bit(permission).unwrap_or_default();
        self.lock().forbidden &= !bit;
    }

    /// Somebody no longer takes direct messages from the server's members (error 50007).
    pub fn close_direct_messages(&self, user: &str) {
        let mut state = self.lock();
        if let Some(id) = state.find_user(user).map(|user| user.id) {
            state.closed_to_messages.push(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let now = self.time.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.at(now);
        state
    }

    /// The gateway's address, as `GET /gateway` tells it.
    fn gateway_url(&self) -> String {
        format!("ws://{}/gateway", self.addr)
    }
}
