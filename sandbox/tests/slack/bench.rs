//! A sandbox whose time stands still, a client for its calls, and one for its sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::SignedDuration;
use sandbox::slack::Slack;
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::manual::ManualTime;

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) time: ManualTime,
    pub(crate) http: reqwest::Client,
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
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Bench { sandbox, time, http }
    }

    pub(crate) fn slack(&self) -> &Arc<Slack> {
        &self.sandbox.slack
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.time.advance(SignedDuration::from_millis(millis));
    }

    pub(crate) fn channel(&self, name: &str) -> String {
        self.slack().channel_id(name).expect("the channel exists")
    }

    pub(crate) fn user(&self, name: &str) -> String {
        self.slack().user_id(name).expect("the person exists")
    }

    pub(crate) async fn raw(&self, method: &str, token: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/{method}", self.slack().api_url());
        let request = self.http.post(url).bearer_auth(token).header("content-type", "application/json; charset=utf-8");
        request.body(body.to_string()).send().await
    }

    pub(crate) async fn call(&self, method: &str, body: Value) -> Value {
        let token = match method {
            "apps.connections.open" => self.slack().app_token(),
            _ => self.slack().bot_token(),
        };
        self.raw(method, token, &body).await.expect("an answer").json().await.expect("JSON")
    }

    pub(crate) async fn get(&self, method: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("{}/{method}", self.slack().api_url());
        let request = self.http.get(url).bearer_auth(self.slack().bot_token()).query(query);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    pub(crate) async fn post(&self, text: &str) -> String {
        let answer = self.call("chat.postMessage", json!({ "channel": self.channel("general"), "text": text })).await;
        answer["ts"].as_str().expect("a ts").to_owned()
    }

    pub(crate) async fn connect(&self) -> Socket {
        let mut socket = self.dial().await.expect("a handshake");
        assert_eq!(socket.next().await["type"], "hello");
        socket
    }

    pub(crate) async fn dial(&self) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
        let answer = self.call("apps.connections.open", json!({})).await;
        let url = answer["url"].as_str().expect("a url");
        tokio_tungstenite::connect_async(url).await.map(|(stream, _)| Socket(stream))
    }

    pub(crate) fn messages(&self, channel: &str) -> Vec<Value> {
        let view = self.slack().view();
        let channels = view["channels"].as_array().expect("channels");
        let found = channels.iter().find(|found| found["name"] == channel).expect("the channel exists");
        found["messages"].as_array().expect("messages").clone()
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

    pub(crate) async fn ack(&mut self, envelope: &Value, payload: Option<Value>) {
        let mut ack = json!({ "envelope_id": envelope["envelope_id"] });
        if let Some(payload) = payload {
            ack["payload"] = payload;
        }
        self.0.send(Message::Text(ack.to_string().into())).await.expect("the socket is open");
    }

    /// Acknowledges the next envelope and gives back its payload.
    pub(crate) async fn take(&mut self) -> Value {
        let envelope = self.next().await;
        self.ack(&envelope, None).await;
        envelope["payload"].clone()
    }
}

/// A message with one button in a coloured attachment.
pub(crate) fn card() -> Value {
    let button = json!({ "type": "button", "text": { "type": "plain_text", "text": "Acknowledge" }, "action_id": "ack", "value": "ack A-1" });
    json!([{ "color": "#ff0000", "fallback": "an alert", "blocks": [
        { "type": "section", "text": { "type": "mrkdwn", "text": "*an alert*" } },
        { "type": "actions", "elements": [button] },
    ] }])
}

pub(crate) fn modal() -> Value {
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    json!({ "type": "modal", "title": plain("Declare"), "submit": plain("Go"), "private_metadata": "m", "blocks": [
        { "type": "input", "block_id": "title", "label": plain("Title"), "element": { "type": "plain_text_input", "action_id": "title", "max_length": 20 } },
        { "type": "input", "block_id": "severity", "label": plain("Severity"), "optional": true, "element": { "type": "static_select", "action_id": "severity",
            "options": [{ "text": plain("SEV1"), "value": "1" }, { "text": plain("SEV2"), "value": "2" }] } },
    ] })
}
