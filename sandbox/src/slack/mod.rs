//! A Slack workspace: the model, the Web API, Socket Mode, and people who act. (Skeleton: bodies follow.)

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::faults::{CallFault, SocketFault};

pub struct Slack {}

#[derive(Clone, Debug, Serialize)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub real_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Typed {
    Message { ts: String },
    Command { outcome: Outcome },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    Acked { payload: Option<Value> },
    Refused { error: String },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Submitted {
    Closed,
    Errors { errors: BTreeMap<String, String> },
    Updated { view: Value },
    Pushed { view: Value },
}

#[derive(Clone, Debug, Serialize)]
pub struct Request {
    pub method: String,
    pub at: Timestamp,
    pub status: u16,
    pub ok: bool,
    pub error: Option<String>,
    pub body: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notification {
    pub channel: String,
    pub ts: String,
    pub mention: String,
    pub method: String,
}

pub fn router(_slack: Arc<Slack>) -> axum::Router {
    todo!()
}

#[rustfmt::skip]
impl Slack {
    pub fn new(_addr: SocketAddr, _config: &crate::Config, _changes: broadcast::Sender<crate::Change>) -> Arc<Slack> { todo!() }
    pub fn api_url(&self) -> String { todo!() }
    pub fn bot_token(&self) -> &str { todo!() }
    pub fn app_token(&self) -> &str { todo!() }
    pub fn team(&self) -> &str { todo!() }
    pub fn people(&self) -> Vec<Person> { todo!() }
    pub fn user_id(&self, _name: &str) -> Option<String> { todo!() }
    pub fn channel_id(&self, _name: &str) -> Option<String> { todo!() }
    pub fn set_commands(&self, _commands: Vec<String>) { todo!() }
    pub async fn types(&self, _user: &str, _channel: &str, _text: &str, _thread_ts: Option<&str>) -> Result<Typed, String> { todo!() }
    pub async fn clicks(&self, _user: &str, _channel: &str, _ts: &str, _button: &str) -> Result<(), String> { todo!() }
    pub async fn selects(&self, _user: &str, _channel: &str, _ts: &str, _action_id: &str, _value: &str) -> Result<(), String> { todo!() }
    pub async fn submits(&self, _user: &str, _values: BTreeMap<String, String>) -> Result<Submitted, String> { todo!() }
    pub async fn cancels(&self, _user: &str) -> Result<(), String> { todo!() }
    pub async fn reacts(&self, _user: &str, _channel: &str, _ts: &str, _emoji: &str) -> Result<(), String> { todo!() }
    pub async fn unreacts(&self, _user: &str, _channel: &str, _ts: &str, _emoji: &str) -> Result<(), String> { todo!() }
    pub async fn pins(&self, _user: &str, _channel: &str, _ts: &str) -> Result<(), String> { todo!() }
    pub async fn unpins(&self, _user: &str, _channel: &str, _ts: &str) -> Result<(), String> { todo!() }
    pub async fn edits(&self, _user: &str, _channel: &str, _ts: &str, _text: &str) -> Result<(), String> { todo!() }
    pub async fn deletes(&self, _user: &str, _channel: &str, _ts: &str) -> Result<(), String> { todo!() }
    pub async fn joins(&self, _user: &str, _channel: &str) -> Result<(), String> { todo!() }
    pub fn view(&self) -> Value { todo!() }
    pub fn fault(&self, _method: &str, _times: usize, _fault: CallFault) { todo!() }
    pub async fn socket_fault(&self, _fault: SocketFault) { todo!() }
    pub fn requests(&self) -> Vec<Request> { todo!() }
    pub fn unexpected(&self) -> Vec<String> { todo!() }
    pub fn notifications(&self) -> Vec<Notification> { todo!() }
    pub fn early_requests(&self) -> usize { todo!() }
    pub async fn quiet(&self) { todo!() }
    pub fn unacked(&self) -> usize { todo!() }
    pub fn cut(&self) { todo!() }
}
