//! A Slack workspace: the model, the Web API, Socket Mode, and people who act.
//!
//! [`model`] keeps the workspace; [`http`] is the Web API's entrance, [`calls`] its methods;
//! [`socket`] and [`delivery`] are Socket Mode; [`people`], [`clicks`] and [`forms`] are what
//! people do. What holds: one lock around the whole workspace, never held across a wait, so
//! events leave in the order in which things happened; tokens are in no log and no answer.

mod blocks;
mod calls;
mod channels;
mod checker;
mod clicks;
mod closing;
mod delivery;
mod elements;
mod emoji;
mod forms;
mod http;
pub mod judge;
mod limits;
mod mentions;
mod messages;
mod model;
mod others;
mod people;
mod refusal;
mod responses;
mod rich;
mod seen;
mod socket;
mod types;
mod values;
mod written;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

pub use self::types::{Membership, Notification, Outcome, Person, Request, Submitted, Typed};

use self::model::{Channel, State};
use crate::Change;
use crate::faults::{CallFault, CallFaults, SocketFault};
use crate::time::Time;

/// The workspace.
const TEAM: &str = "T0SANDBOX01";
/// The workspace's part of its address.
const DOMAIN: &str = "sandbox";
/// The app.
const APP: &str = "A0SANDBOX01";
/// The bot as an author of messages.
const BOT: &str = "B0SANDBOX01";
/// The bot's account.
const BOT_USER: &str = "U0SANDBOXBOT";
/// What people call the bot.
const BOT_NAME: &str = "muster";
/// Slack's own voice.
const SLACKBOT: &str = "USLACKBOT";
/// The newest requests that are kept.
const REQUESTS: usize = 20_000;

/// A Slack workspace with one app in it.
pub struct Slack {
    me: Weak<Slack>,
    addr: SocketAddr,
    bot_token: String,
    app_token: String,
    time: Arc<dyn Time>,
    rate_limits: bool,
    changes: broadcast::Sender<Change>,
    faults: CallFaults,
    state: Mutex<State>,
    /// Envelopes that went to a live socket and are not acknowledged.
    unacked: watch::Sender<usize>,
    /// Whether everything was cut off.
    cut: watch::Sender<bool>,
    /// Deliveries under way. They hold the workspace weakly and end with it.
    tasks: Mutex<JoinSet<()>>,
}

/// Serves the workspace: the Web API at `/api/{method}`, sockets at `/link`, response URLs at `/response/{id}`.
pub fn router(slack: Arc<Slack>) -> axum::Router {
    use axum::routing::{any, get, post};
    axum::Router::new()
        .route("/api/{method}", any(http::call))
        .route("/response/{id}", post(responses::respond))
        .route("/link", get(socket::link))
        .route("/link/", get(socket::link))
        .with_state(slack)
}

impl Slack {
    /// A workspace with the people and channels of `config`, that will be served at `addr`.
    /// Everybody and the bot are in every channel.
    pub fn new(addr: SocketAddr, config: &crate::Config, changes: broadcast::Sender<Change>) -> Arc<Slack> {
        let now = config.time.now();
        let mut state = State::default();
        state.commands = DEFAULT_COMMANDS.map(str::to_owned).to_vec();
        for name in &config.people {
            let id = format!("U0P{:08}", state.next_id());
            let mut letters = name.chars();
            let real_name =
                letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
            state.people.push(Person { id, name: name.clone(), real_name, membership: Membership::Member });
        }
        let members: Vec<String> =
            state.people.iter().map(|person| person.id.clone()).chain([BOT_USER.to_owned()]).collect();
        for name in &config.channels {
            let id = format!("C0C{:08}", state.next_id());
            state.channels.push(Channel {
                id,
                name: name.clone(),
                creator: members[0].clone(),
                created: now.as_second(),
                members: members.clone(),
                ..Channel::default()
            });
        }
        Arc::new_cyclic(|me| Slack {
            me: me.clone(),
            addr,
            // Put together here so that nothing in the source looks like a real token.
            bot_token: ["xoxb", "1000000000001", "2000000000002", "SandboxSandboxSandboxSan"].join("-"),
            app_token: ["xapp", "1", APP, "3000000000003", "sandboxsandboxsandboxsandbox"].join("-"),
            time: config.time.clone(),
            rate_limits: config.rate_limits,
            changes,
            faults: CallFaults::default(),
            state: Mutex::new(state),
            unacked: watch::Sender::new(0),
            cut: watch::Sender::new(false),
            tasks: Mutex::new(JoinSet::new()),
        })
    }

    /// Where the Web API is: `http://127.0.0.1:P/api`.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.addr)
    }

    /// The token for the Web API.
    pub fn bot_token(&self) -> &str {
        &self.bot_token
    }

    /// The token for `apps.connections.open`.
    pub fn app_token(&self) -> &str {
        &self.app_token
    }

    /// The workspace's id.
    pub fn team(&self) -> &str {
        TEAM
    }

    /// Everybody, without the bot.
    pub fn people(&self) -> Vec<Person> {
        self.lock().people.clone()
    }

    /// Somebody's id.
    pub fn user_id(&self, name: &str) -> Option<String> {
        self.lock().person(name).map(|person| person.id.clone())
    }

    /// A channel's id by its name.
    pub fn channel_id(&self, name: &str) -> Option<String> {
        self.lock().channel_id(name)
    }

    /// Sets the slash commands of the app, each with its slash. They are registered with
    /// `should_escape`, so people and channels in them arrive by their ids.
    pub fn set_commands(&self, commands: Vec<String>) {
        self.lock().commands = commands;
    }

    /// Orders a fault for the next `times` calls of a method; `response_url` and `*` are methods too.
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

    /// Lets something happen to the sockets. What is meant for Discord alone changes nothing.
    pub async fn socket_fault(&self, fault: SocketFault) {
        self.upset(fault);
    }

    /// The newest calls of the Web API and of response URLs, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Everything that the app did wrong: malformed calls, unknown arguments, acknowledgements of nothing.
    pub fn unexpected(&self) -> Vec<String> {
        self.lock().unexpected.clone()
    }

    /// Everybody that the app's messages would have notified.
    pub fn notifications(&self) -> Vec<Notification> {
        self.lock().notifications.clone()
    }

    /// How many calls came before an earlier `Retry-After` was over.
    pub fn early_requests(&self) -> usize {
        self.lock().limiter.early()
    }

    /// How many envelopes went to a live socket and are not acknowledged.
    pub fn unacked(&self) -> usize {
        *self.unacked.borrow()
    }

    /// Whether a socket of the app is open and greeted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.lock().wire.open.iter().any(|open| open.greeted)
    }

    /// Waits until every envelope that went to a live socket is acknowledged.
    pub async fn quiet(&self) {
        // The sender lives as long as the workspace, so this does not fail.
        let _ = self.unacked.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Cuts every connection for good, as if the machine had gone.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Waits until everything is cut off.
    async fn is_cut(&self) {
        // The sender lives as long as the workspace, so this does not fail.
        let _ = self.cut.subscribe().wait_for(|cut| *cut).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn changed(&self, channel: &str) {
        // Nobody may be watching.
        let _ = self.changes.send(Change { platform: "slack", channel: channel.to_owned() });
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn permalink(&self, channel: &str, ts: &str) -> String {
        format!("https://{DOMAIN}.slack.example/archives/{channel}/p{}", ts.replace('.', ""))
    }
}

/// What the app answers to unless [`Slack::set_commands`] says otherwise.
const DEFAULT_COMMANDS: [&str; 17] = [
    "/incident",
    "/alert",
    "/ack",
    "/muster",
    "/deploy",
    "/rollback",
    "/promote",
    "/lock",
    "/unlock",
    "/locks",
    "/freeze",
    "/unfreeze",
    "/approve",
    "/deny",
    "/changes",
    "/where",
    "/why",
];

/// A JSON field as text; empty where there is none.
fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
