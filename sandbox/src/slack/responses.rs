//! Response URLs: five answers to a command or a click, within thirty minutes.
//!
//! The app may answer so even where the bot is not in the channel.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::http::plain;
use super::model;
use super::refusal::{Args, Refusal};
use super::written::Content;
use super::{Request, Slack};

/// How often and how long (docs.slack.dev, "Handling user interaction").
const USES: u32 = 5;
const LIFE: SignedDuration = SignedDuration::from_mins(30);
/// How long an address is remembered, so that it is refused by the right word.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(2);

const FIELDS: &[&str] = &[
    "text",
    "blocks",
    "attachments",
    "metadata",
    "thread_ts",
    "response_type",
    "replace_original",
    "delete_original",
    "parse",
    "link_names",
    "unfurl_links",
    "unfurl_media",
    "mrkdwn",
];

/// Answers through a response URL.
pub(super) async fn respond(
    State(slack): State<Arc<Slack>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Option<Value> = serde_json::from_slice(&body).ok();
    let fault = slack.faults.take("response_url");
    if let Some(fault) = &fault
        && let Some(response) = slack.upset_response(fault).await
    {
        slack.log_response(body, response.status().as_u16(), None);
        return response;
    }
    let result = slack.work_on_response(&id, &headers, body.clone());
    let (status, error) = match &result {
        Ok(()) => (200, None),
        Err((status, refusal)) => (*status, Some(refusal.error.clone())),
    };
    slack.log_response(body, status, error);
    if let Some(fault) = &fault
        && let Some(response) = slack.upset_after(fault).await
    {
        return response;
    }
    match result {
        Ok(()) => plain(200, "text/html", "ok".to_owned()),
        Err((status, refusal)) => plain(status, "application/json; charset=utf-8", refusal.body().to_string()),
    }
}

impl Slack {
    /// A new response URL.
    pub(super) fn response_url(&self, state: &mut model::State, response: model::Response) -> String {
        let now = self.now();
        state.responses.retain(|_, response| now.duration_since(response.issued) < REMEMBERED);
        let id = super::delivery::uuid().replace('-', "");
        state.responses.insert(id.clone(), response);
        format!("http://{}/response/{id}", self.addr)
    }

    fn log_response(&self, body: Option<Value>, status: u16, error: Option<String>) {
        self.remember(Request {
            method: "response_url".to_owned(),
            at: self.now(),
            status,
            ok: status == 200 && error.is_none(),
            error,
            body: body.unwrap_or_default(),
        });
    }

    fn work_on_response(&self, id: &str, headers: &HeaderMap, body: Option<Value>) -> Result<(), (u16, Refusal)> {
        let state = &mut *self.lock();
        let now = self.now();
        let response = state.responses.get_mut(id).ok_or((404, "invalid_url".into()))?;
        if now.duration_since(response.issued) > LIFE {
            return Err((404, "expired_url".into()));
        }
        if response.uses >= USES {
            return Err((404, "used_url".into()));
        }
        response.uses += 1;
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (user, channel) = (response.user.clone(), response.channel.clone());
        let (thread_ts, source) = (response.thread_ts.clone(), response.source.clone());
        let args = match body {
            Some(Value::Object(body)) if kind.starts_with("application/json") => Args(body),
            _ => {
                state.unexpected.push("response_url: the body is no JSON object".to_owned());
                return Err((400, "invalid_payload".into()));
            }
        };
        let answer = self.answer_with(state, &args, &user, &channel, thread_ts, source.as_deref(), "response_url");
        answer.map_err(|refusal| {
            let details = refusal.messages.join("; ");
            state.unexpected.push(format!("response_url: {} {details}", refusal.error).trim_end().to_owned());
            (400, refusal)
        })
    }

    /// Shows what the app answered to a command or a click.
    #[expect(clippy::too_many_arguments, reason = "they are what the answer is about, and it is called twice")]
    pub(super) fn answer_with(
        &self,
        state: &mut model::State,
        args: &Args,
        user: &str,
        channel: &str,
        thread_ts: Option<String>,
        source: Option<&str>,
        method: &str,
    ) -> Result<(), Refusal> {
        for key in args.0.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
            state.unexpected.push(format!("{method}: unknown argument {key}"));
        }
        let exists = |state: &model::State, ts: &str| {
            state.channel(channel).and_then(|channel| channel.messages.get(ts)).is_some_and(|message| !message.deleted)
        };
        let source = source.filter(|ts| exists(state, ts));
        if args.flag("delete_original") {
            if let Some(ts) = source {
                self.remove(state, channel, ts);
            }
            return Ok(());
        }
        let content = Content::read(args, state)?;
        if content.is_empty() {
            return Err("no_text".into());
        }
        if args.flag("replace_original")
            && let Some(ts) = source
        {
            self.rewrite(state, channel, ts, content, method);
            return Ok(());
        }
        let for_all = match args.text("response_type").as_deref() {
            Some("in_channel") => true,
            Some("ephemeral") | None => false,
            Some(_) => return Err("invalid_response_type".into()),
        };
        let thread_ts = args.text("thread_ts").filter(|ts| !ts.is_empty()).or(thread_ts.filter(|_| !for_all));
        let thread_ts = thread_ts.filter(|ts| exists(state, ts));
        self.write(state, channel, content, method, |message| {
            message.thread_ts = thread_ts;
            message.ephemeral_to = (!for_all).then(|| user.to_owned());
        });
        Ok(())
    }

    /// A person as interactions name them.
    pub(super) fn user_json(&self, state: &model::State, user: &str) -> Value {
        let name = state.user_name(user);
        json!({ "id": user, "username": name, "name": name, "team_id": super::TEAM })
    }
}
