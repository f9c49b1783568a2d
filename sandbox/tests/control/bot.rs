//! What a bot does with its sockets, and a message of its own to click on.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::bench::Bench;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Whether a frame is the one by which either platform greets.
pub(crate) fn is_hello(frame: &Value) -> bool {
    frame["type"] == "hello" || frame["op"] == 10
}

/// An open socket, as the bot holds it.
pub(crate) struct Socket(Stream);

/// How a socket ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a close frame, and this code if there is one.
    Closed(Option<u16>),
    /// Without a close frame.
    Cut,
}

impl Socket {
    pub(crate) fn new(stream: Stream) -> Socket {
        Socket(stream)
    }

    /// The next frame of text; null where the connection ended.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_or_end().await {
            Ok(text) => serde_json::from_str(&text).expect("JSON"),
            Err(_) => Value::Null,
        }
    }

    /// The next frame of text, or how the connection ends.
    pub(crate) async fn next_or_end(&mut self) -> Result<String, End> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Err(End::Closed(frame.map(|frame| frame.code.into()))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(End::Cut),
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.expect("the socket is open");
    }
}

impl Bench {
    /// Takes the next interaction from Slack and acknowledges it with a payload; gives its payload.
    pub(crate) async fn slack_takes(&self, socket: &mut Socket, payload: Value) -> Value {
        loop {
            let envelope = socket.next().await;
            assert!(!envelope.is_null(), "the socket ended");
            let is_event = envelope["type"] == "events_api";
            let mut ack = json!({ "envelope_id": envelope["envelope_id"] });
            if !is_event && !payload.is_null() {
                ack["payload"] = payload.clone();
            }
            socket.send(ack).await;
            if !is_event {
                return envelope["payload"].clone();
            }
        }
    }

    /// Takes the next interaction from Discord and answers it; gives it back.
    pub(crate) async fn discord_takes(&self, socket: &mut Socket, callback: Value) -> Value {
        let interaction = socket.next().await["d"].clone();
        let text = |name: &str| interaction[name].as_str().expect("a text").to_owned();
        let route = format!("POST /interactions/{}/{}/callback", text("id"), text("token"));
        let answer = self.discord(&route, callback).await.expect("an answer");
        assert!(answer.status < 300, "{answer:?}");
        interaction
    }

    /// Lets the bot take the next interaction and just acknowledge it.
    pub(crate) async fn takes(&self, platform: &str, socket: &mut Socket) -> Value {
        if platform == "slack" {
            self.slack_takes(socket, Value::Null).await
        } else {
            self.discord_takes(socket, json!({ "type": 6 })).await
        }
    }
}

/// A message with a button and a menu, in the platform's own form, for the channel `general`.
pub(crate) async fn card(bench: &Bench, platform: &str) -> String {
    let channel = bench.channel(platform, "general");
    let answer = if platform == "slack" {
        let plain = |text: &str| json!({ "type": "plain_text", "text": text });
        let options = json!([{ "text": plain("Minor"), "value": "3" }, { "text": plain("Major"), "value": "1" }]);
        let blocks = json!([{ "type": "actions", "elements": [
            { "type": "button", "text": plain("Acknowledge"), "action_id": "ack", "value": "ack A-1" },
            { "type": "static_select", "action_id": "severity", "options": options },
        ] }]);
        bench.slack("chat.postMessage", json!({ "channel": channel, "text": "an alert", "blocks": blocks })).await
    } else {
        let options = json!([{ "label": "Minor", "value": "3" }, { "label": "Major", "value": "1" }]);
        let components = json!([
            { "type": 1, "components": [{ "type": 2, "style": 1, "label": "Acknowledge", "custom_id": "ack A-1" }] },
            { "type": 1, "components": [{ "type": 3, "custom_id": "severity", "options": options }] },
        ]);
        let body = json!({ "content": "an alert", "components": components, "allowed_mentions": { "parse": [] } });
        bench.discord(&format!("POST /channels/{channel}/messages"), body).await
    };
    let body = answer.expect("an answer").json();
    body["ts"].as_str().or(body["id"].as_str()).expect("an id").to_owned()
}
