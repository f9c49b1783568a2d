//! A sandbox whose time stands still, a client for its control API, and the calls of a bot.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use sandbox::{Button, Config, Sandbox};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Error;

use crate::bot::{Socket, is_hello};
use crate::manual::ManualTime;

/// Both chats, as they stand in an address.
pub(crate) const PLATFORMS: [&str; 2] = ["slack", "discord"];

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none")
    }

    /// The answer to something that was done.
    pub(crate) fn done(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        assert!(self.header("content-type").starts_with("application/json"), "{self:?}");
        self.json()
    }

    /// The status and the one sentence of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let body = self.json();
        let why = body["error"].as_str().expect("a sentence").to_owned();
        assert!(!why.is_empty() && !why.contains('\n'), "one sentence: {why:?}");
        assert_eq!(body.as_object().expect("an object").len(), 1, "nothing else: {body}");
        (self.status, why)
    }
}

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    /// What was pressed on the page.
    pub(crate) presses: mpsc::UnboundedReceiver<sandbox::Press>,
    time: ManualTime,
    pub(crate) http: reqwest::Client,
}

impl Bench {
    pub(crate) async fn start() -> Bench {
        // Every test of this process installs the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let time = ManualTime::at(1_700_000_000);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (press, presses) = mpsc::unbounded_channel();
        let button = Button { name: "fire".to_owned(), label: "Fire an alert".to_owned(), hint: "curl …".to_owned() };
        let config = Config {
            slack: any,
            discord: any,
            control: any,
            time: Arc::new(time.clone()),
            people: ["ann", "bob"].map(str::to_owned).to_vec(),
            channels: ["general", "alerts"].map(str::to_owned).to_vec(),
            buttons: vec![button],
            presses: Some(press),
            rate_limits: false,
        };
        let sandbox = Sandbox::start(config).await.expect("loopback ports are free");
        #[expect(clippy::disallowed_methods, reason = "a test's own client, with a limit")]
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(20));
        let http = builder.user_agent("DiscordBot (https://example.test, 1)").build().expect("a client");
        Bench { sandbox, presses, time, http }
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.time.advance(SignedDuration::from_millis(millis));
    }

    pub(crate) fn channel(&self, platform: &str, name: &str) -> String {
        let id = if platform == "slack" {
            self.sandbox.slack.channel_id(name)
        } else {
            self.sandbox.discord.channel_id(name)
        };
        id.expect("the channel exists")
    }

    /// A request to the control API that is not sent yet.
    pub(crate) fn request(&self, verb: &str, path: &str) -> RequestBuilder {
        let verb = Method::from_bytes(verb.as_bytes()).expect("a verb");
        self.http.request(verb, format!("http://{}{path}", self.sandbox.control))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a whole answer") }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).header("content-type", "application/json").body(body.to_string())).await
    }

    /// Lets somebody do something.
    pub(crate) async fn does(&self, platform: &str, user: &str, deed: &str, needs: Value) -> Answer {
        self.post(&format!("/{platform}/users/{user}/{deed}"), needs).await
    }

    /// Lets somebody type a message; gives its id.
    pub(crate) async fn says(&self, platform: &str, user: &str, channel: &str, text: &str) -> String {
        let typed = self.does(platform, user, "types", json!({ "channel": channel, "text": text })).await.done();
        assert_eq!(typed["kind"], "message");
        typed["ts"].as_str().or(typed["id"].as_str()).expect("an id").to_owned()
    }

    pub(crate) async fn view(&self, platform: &str) -> Value {
        self.get(&format!("/{platform}/view")).await.done()
    }

    pub(crate) async fn messages(&self, platform: &str, channel: &str) -> Vec<Value> {
        let view = self.get(&format!("/{platform}/channels/{channel}")).await.done();
        view["messages"].as_array().expect("messages").clone()
    }

    /// A call of Slack's Web API, as the bot makes it.
    pub(crate) async fn slack(&self, method: &str, body: Value) -> reqwest::Result<Answer> {
        let slack = &self.sandbox.slack;
        let token = if method == "apps.connections.open" { slack.app_token() } else { slack.bot_token() };
        let request = self.http.post(format!("{}/{method}", slack.api_url())).bearer_auth(token);
        read(request.header("content-type", "application/json; charset=utf-8").body(body.to_string())).await
    }

    /// A call of Discord's REST API, as the bot makes it; `route` is a verb and a path.
    pub(crate) async fn discord(&self, route: &str, body: Value) -> reqwest::Result<Answer> {
        let (verb, path) = route.split_once(' ').expect("a verb and a path");
        let verb = Method::from_bytes(verb.as_bytes()).expect("a verb");
        let discord = &self.sandbox.discord;
        let request = self.http.request(verb, format!("{}{path}", discord.api_url()));
        let request = request.header("authorization", format!("Bot {}", discord.bot_token()));
        read(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Lets the bot post in the channel `general`.
    pub(crate) async fn posts(&self, platform: &str, text: &str) -> reqwest::Result<Answer> {
        let channel = self.channel(platform, "general");
        if platform == "slack" {
            self.slack("chat.postMessage", json!({ "channel": channel, "text": text })).await
        } else {
            let body = json!({ "content": text, "allowed_mentions": { "parse": [] } });
            self.discord(&format!("POST /channels/{channel}/messages"), body).await
        }
    }

    /// Lets the bot answer through a response URL.
    pub(crate) async fn answers(&self, url: &str, body: Value) -> Answer {
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        read(request).await.expect("an answer")
    }

    /// A socket of a platform, before anything is read from it.
    pub(crate) async fn dial(&self, platform: &str) -> Result<Socket, Error> {
        let answer = if platform == "slack" {
            self.slack("apps.connections.open", json!({})).await
        } else {
            self.discord("GET /gateway", Value::Null).await
        };
        let url = answer.expect("an answer").json()["url"].as_str().expect("an address").to_owned();
        let url = if platform == "slack" { url } else { format!("{url}?v=10&encoding=json") };
        tokio_tungstenite::connect_async(url).await.map(|(stream, _)| Socket::new(stream))
    }

    /// A socket that was greeted, and so is known to the sandbox.
    pub(crate) async fn greeted(&self, platform: &str) -> Socket {
        let mut socket = self.dial(platform).await.expect("a handshake");
        let hello = socket.next().await;
        assert!(is_hello(&hello), "{hello}");
        socket
    }

    /// A socket on which what people do arrives.
    pub(crate) async fn connect(&self, platform: &str) -> Socket {
        let mut socket = self.greeted(platform).await;
        if platform == "discord" {
            self.identify(&mut socket).await;
        }
        socket
    }

    /// Begins a session on Discord; gives READY.
    pub(crate) async fn identify(&self, socket: &mut Socket) -> Value {
        let properties = json!({ "os": "linux", "browser": "test", "device": "test" });
        let token = self.sandbox.discord.bot_token();
        socket.send(json!({ "op": 2, "d": { "token": token, "intents": 0, "properties": properties } })).await;
        let ready = socket.next().await;
        assert_eq!(ready["t"], "READY", "{ready}");
        ready["d"].clone()
    }
}

async fn read(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}
