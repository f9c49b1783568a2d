//! A sandbox whose time stands still, a client for its calls, and one for its gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::SignedDuration;
use reqwest::Method;
use reqwest::header::HeaderMap;
use sandbox::discord::Discord;
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::manual::ManualTime;

/// Servers, messages, reactions, direct messages, and what messages say.
pub(crate) const INTENTS: u64 = 1 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 15;

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) time: ManualTime,
    pub(crate) http: reqwest::Client,
}

/// What a call was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Discord's JSON error code; 0 where there is none.
    pub(crate) fn code(&self) -> i64 {
        self.body["code"].as_i64().unwrap_or(0)
    }

    pub(crate) fn refusal(&self) -> (u16, i64) {
        (self.status, self.code())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none")
    }

    pub(crate) fn id(&self) -> String {
        assert!(self.status < 300, "{self:?}");
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// The form error at a path such as `embeds.0.title`.
    pub(crate) fn error(&self, path: &str) -> &str {
        let errors = path.split('.').fold(&self.body["errors"], |at, part| &at[part]);
        errors["_errors"][0]["code"].as_str().unwrap_or("none")
    }
}

impl Bench {
    pub(crate) async fn start(rate_limits: bool) -> Bench {
        // Every test of this process installs the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let time = ManualTime::at(1_700_000_000);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config {
            slack: any,
            discord: any,
            control: any,
            time: Arc::new(time.clone()),
            people: ["ann", "bob"].map(str::to_owned).to_vec(),
            channels: ["general", "alerts"].map(str::to_owned).to_vec(),
            buttons: Vec::new(),
            presses: None,
            rate_limits,
        };
        let sandbox = Sandbox::start(config).await.expect("loopback ports are free");
        #[expect(clippy::disallowed_methods, reason = "a test's own client, with a limit")]
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(20));
        let http = builder.user_agent("DiscordBot (https://example.test, 1)").build().expect("a client");
        Bench { sandbox, time, http }
    }

    pub(crate) fn discord(&self) -> &Arc<Discord> {
        &self.sandbox.discord
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.time.advance(SignedDuration::from_millis(millis));
    }

    pub(crate) fn channel(&self, name: &str) -> String {
        self.discord().channel_id(name).expect("the channel exists")
    }

    pub(crate) fn user(&self, name: &str) -> String {
        self.discord().user_id(name).expect("the person exists")
    }

    /// A path below a channel.
    pub(crate) fn of(&self, channel: &str, rest: &str) -> String {
        format!("channels/{}/{rest}", self.channel(channel))
    }

    /// A call with the bot's token; `route` is a verb and a path without the first slash.
    pub(crate) async fn raw(&self, route: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        let (verb, path) = route.split_once(' ').expect("a verb and a path");
        let verb = Method::from_bytes(verb.as_bytes()).expect("a verb");
        let request = self.http.request(verb, format!("{}/{path}", self.discord().api_url()));
        let request = request.header("authorization", format!("Bot {}", self.discord().bot_token()));
        if body.is_null() { request.send().await } else { request.json(body).send().await }
    }

    pub(crate) async fn call(&self, route: &str, body: Value) -> Answer {
        let response = self.raw(route, &body).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), Value::Null).await
    }

    /// Creates a message in general.
    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.call(&format!("POST {}", self.of("general", "messages")), body).await
    }

    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let view = self.discord().view();
        let channels = view["channels"].as_array().expect("channels");
        let found = channels.iter().find(|found| found["name"] == channel).expect("the channel exists");
        found["messages"].as_array().expect("messages").clone()
    }

    /// Registers a command with an option that is completed.
    pub(crate) async fn register(&self) {
        let option =
            json!({ "type": 3, "name": "service", "description": "Which", "autocomplete": true, "required": false });
        let answer = self
            .commands(json!([{ "name": "ack", "description": "Acknowledge", "type": 1, "options": [option] }]))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) async fn commands(&self, list: Value) -> Answer {
        let discord = self.discord();
        let path = format!("applications/{}/guilds/{}/commands", discord.application_id(), discord.guild());
        self.call(&format!("PUT {path}"), list).await
    }

    /// Answers an interaction.
    pub(crate) async fn answer(&self, interaction: &Value, callback: Value) -> Answer {
        let text = |name: &str| interaction[name].as_str().expect("a text").to_owned();
        self.call(&format!("POST interactions/{}/{}/callback", text("id"), text("token")), callback).await
    }

    /// A call below an interaction's webhook; `verb` may carry a path, as in `PATCH messages/@original`.
    pub(crate) async fn webhook(&self, interaction: &Value, verb: &str, body: Value) -> Answer {
        let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        let token = interaction["token"].as_str().expect("a token");
        let path = format!("webhooks/{}/{token}/{rest}", self.discord().application_id());
        self.call(&format!("{verb} {}", path.trim_end_matches('/')), body).await
    }

    /// A socket that is open, before anything is read from it.
    pub(crate) async fn dial(&self) -> Result<Socket, Error> {
        self.dial_with("v=10&encoding=json").await
    }

    pub(crate) async fn dial_with(&self, query: &str) -> Result<Socket, Error> {
        let answer = self.get("gateway").await;
        let url = format!("{}?{query}", answer.body["url"].as_str().expect("a url"));
        tokio_tungstenite::connect_async(url).await.map(|(stream, _)| Socket(stream))
    }

    /// A socket that was told hello.
    pub(crate) async fn greeted(&self) -> Socket {
        let mut socket = self.dial().await.expect("a handshake");
        assert_eq!(socket.next().await["op"], 10);
        socket
    }

    pub(crate) fn identification(&self, intents: u64) -> Value {
        let properties = json!({ "os": "linux", "browser": "test", "device": "test" });
        json!({ "token": self.discord().bot_token(), "intents": intents, "properties": properties })
    }

    /// A socket with a session, and its READY.
    pub(crate) async fn connect(&self, intents: u64) -> (Socket, Value) {
        let mut socket = self.greeted().await;
        socket.send(2, self.identification(intents)).await;
        let ready = socket.next().await;
        assert_eq!(ready["t"], "READY", "{ready}");
        if intents & 1 != 0 {
            assert_eq!(socket.next().await["t"], "GUILD_CREATE");
        }
        (socket, ready["d"].clone())
    }

    /// A socket that asks to resume a session.
    pub(crate) async fn resume(&self, ready: &Value, seq: u64) -> Socket {
        let mut socket = self.greeted().await;
        let token = self.discord().bot_token();
        socket.send(6, json!({ "token": token, "session_id": ready["session_id"], "seq": seq })).await;
        socket
    }

    /// Waits until the gateway has seen that no session has a socket.
    pub(crate) async fn alone(&self) {
        while self.discord().last_seq() != 0 {
            tokio::task::yield_now().await;
        }
    }
}

pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Socket {
    /// The next frame of text; null where the connection ended.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Value::Null,
            }
        }
    }

    /// The data of the next dispatch of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.next().await;
            assert!(!frame.is_null(), "the socket ended before {name}");
            if frame["t"] == name {
                return frame["d"].clone();
            }
        }
    }

    /// The code with which the gateway closes, whatever it says before; none for a close without one or no close.
    pub(crate) async fn end(&mut self) -> Option<u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }

    pub(crate) async fn send(&mut self, op: u64, data: Value) {
        self.say(&json!({ "op": op, "d": data }).to_string()).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::Text(text.to_owned().into())).await.expect("the socket is open");
    }
}

/// A row with buttons of these custom ids.
pub(crate) fn buttons(ids: &[&str]) -> Value {
    let button = |id: &&str| json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id });
    json!({ "type": 1, "components": ids.iter().map(button).collect::<Vec<_>>() })
}

pub(crate) fn modal() -> Value {
    let input = json!({ "type": 4, "custom_id": "title", "style": 1, "required": true, "max_length": 20 });
    json!({ "custom_id": "declare", "title": "Declare", "components": [{ "type": 18, "label": "Title", "component": input }] })
}
