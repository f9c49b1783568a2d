//! The REST API: every call goes through [`answer`].
//!
//! In this order: an ordered fault, the user agent, the route, the token, the rate limit, the
//! work. What holds: a refused call does no work; every call is logged without its tokens.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::form::NO_OBJECT;
use super::rates::{Limited, Told};
use super::refusal::{Answer, Refusal};
use super::routes::Route;
use super::{Discord, callbacks, channels, messages, payload};
use crate::faults::CallFault;

/// The largest body that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// A call with everything that its work needs.
pub(super) struct Call {
    pub(super) route: Route,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Call {
    /// The place at `index`, as an id; 0, which nothing has, where it is none.
    pub(super) fn id(&self, index: usize) -> u64 {
        self.place(index).parse().unwrap_or(0)
    }

    /// The place at `index` as it stands in the path.
    pub(super) fn place(&self, index: usize) -> &str {
        self.route.places.get(index).map_or("", String::as_str)
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Answers a call of the REST API.
pub(super) async fn answer(State(discord): State<Arc<Discord>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let verb = parts.method.as_str().to_owned();
    let path = parts.uri.path().to_owned();
    let query_text = parts.uri.query().unwrap_or_default().to_owned();
    let bytes = to_bytes(body, LARGEST).await.unwrap_or_default();
    let route = Route::of(&verb, &path);
    let name = route.as_ref().map_or_else(|_| format!("{verb} {path}"), |route| route.name.to_owned());
    let ids = route.as_ref().map(Route::ids).unwrap_or_default();
    let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(&bytes) };
    let logged = body.as_ref().ok().cloned().unwrap_or(Value::Null);
    let fault = discord.faults.take(&name);
    let done = discord.call(route, &query_text, body.map_err(|_| ()), &parts.headers, fault.as_ref());
    let (response, status, code) = respond(done, fault.as_ref());
    discord.note_call(name, ids, query_text, logged, status, code);
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

/// What became of a call.
enum Done {
    /// Answered with these headers.
    Answered(Answer, Vec<(&'static str, String)>),
    /// Refused as Discord's front does: with a page.
    Page(u16),
    /// Never answered.
    Silent,
    /// The connection is dropped.
    Dropped,
}

/// The response, none where there is never one; the status that is logged, 0 where there was none.
fn respond(done: Done, fault: Option<&CallFault>) -> (Option<Response>, u16, Option<i64>) {
    let (answer, headers) = match done {
        Done::Silent => return (None, 0, None),
        Done::Dropped => return (Some(broken(b"")), 0, None),
        Done::Page(status) => return (Some(page(status)), status, None),
        Done::Answered(answer, headers) => (answer, headers),
    };
    match fault {
        Some(CallFault::HangAfterWork) => return (None, 0, None),
        Some(CallFault::DropAfterWork) => return (Some(broken(b"")), 0, None),
        Some(CallFault::CutBodyAfterWork) => {
            return (
                Some((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], "{\"id\":\"1").into_response()),
                200,
                None,
            );
        }
        Some(CallFault::StatusAfterWork { status }) => return (Some(page(*status)), *status, None),
        _ => {}
    }
    let (status, body, code) = match answer {
        Ok((status, body)) => (status, body, None),
        Err(refusal) => (refusal.status, refusal.body.clone(), refusal.number()),
    };
    let code_of = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        if status == 204 { code_of.into_response() } else { (code_of, axum::Json(body)).into_response() };
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    (Some(response), status, code)
}

fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, [(header::CONTENT_TYPE, "text/html")], "<html><body>error</body></html>").into_response()
}

/// A response whose body breaks off, and the connection with it.
fn broken(start: &'static [u8]) -> Response {
    let parts = [Ok(bytes::Bytes::from_static(start)), Err(std::io::Error::other("dropped on order"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}

impl Discord {
    fn note_call(&self, route: String, ids: Vec<String>, query: String, body: Value, status: u16, code: Option<i64>) {
        let mut state = self.lock();
        let at = state.now;
        state.log(super::Request { at, route, ids, query, body, status, code });
    }

    fn call(
        &self,
        route: Result<Route, Refusal>,
        query: &str,
        body: Result<Value, ()>,
        headers: &HeaderMap,
        fault: Option<&CallFault>,
    ) -> Done {
        let none = Vec::new;
        match fault {
            Some(CallFault::Hang) => return Done::Silent,
            Some(CallFault::Drop) => return Done::Dropped,
            Some(CallFault::Status { status }) => {
                if matches!(status, 401 | 403 | 429) {
                    self.lock().rates.invalid += 1;
                }
                return Done::Page(*status);
            }
            Some(CallFault::Html) => return Done::Page(200),
            Some(CallFault::Refuse { error }) => return Done::Answered(Err(Refusal::ordered(error)), none()),
            Some(CallFault::RateLimited { retry_after, global }) => {
                let limited = Limited { wait_ms: i64::try_from(*retry_after).unwrap_or(1) * 1000, global: *global };
                let mut state = self.lock();
                let now = state.now;
                if let Ok(route) = &route {
                    state.rates.ordered(route, &limited, now);
                }
                state.rates.invalid += 1;
                return Done::Answered(Err(too_fast(&limited)), limited.headers());
            }
            Some(CallFault::BareNotOk) | None => {}
            // The rest happen after the work.
            Some(_) => {}
        }
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !agent.starts_with("DiscordBot (") {
            self.lock().unexpected.push("a call without the User-Agent that Discord asks for".to_owned());
            return Done::Page(403);
        }
        let route = match route {
            Ok(route) => route,
            Err(refusal) => {
                self.lock().unexpected.push("a call of a route that is not there".to_owned());
                return Done::Answered(Err(refusal), none());
            }
        };
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_bot = token.strip_prefix("Bot ").is_some_and(|token| self.is_token(token));
        let mut state = self.lock();
        if !route.is_open() && !is_bot {
            state.rates.invalid += 1;
            state.unexpected.push(format!("{}: not authorised", route.name));
            return Done::Answered(Err(Refusal::unauthorized()), none());
        }
        let Ok(body) = body else {
            state.unexpected.push(format!("{}: the body is not JSON", route.name));
            return Done::Answered(Err(Refusal::code(50109)), none());
        };
        let now = state.now;
        let Told { headers } = match state.rates.count(&route, &body, now) {
            Ok(told) => told,
            Err((limited, told)) => {
                state.rates.invalid += 1;
                let mut headers = told.headers;
                headers.extend(limited.headers());
                return Done::Answered(Err(too_fast(&limited)), headers);
            }
        };
        drop(state);
        let call = Call { route, query: pairs(query), body };
        let answer = self.work(&call);
        if let Err(refusal) = &answer {
            let mut state = self.lock();
            if matches!(refusal.status, 401 | 403) {
                state.rates.invalid += 1;
            }
            if refusal.malformed {
                state.unexpected.push(format!("{}: {}", call.route.name, refusal.body));
            }
        }
        Done::Answered(answer, headers)
    }

    fn work(&self, call: &Call) -> Answer {
        let mut guard = self.lock();
        let state = &mut *guard;
        let gateway = self.gateway_url();
        let takes_list = call.route.name.starts_with("PUT") && call.route.name.ends_with("/commands");
        if !call.body.is_object() && !call.body.is_null() && !takes_list {
            return Err(Refusal::field("", NO_OBJECT.0, NO_OBJECT.1));
        }
        match call.route.name {
            "GET /gateway" => Ok((200, json!({ "url": gateway }))),
            "GET /gateway/bot" => {
                let day = jiff::SignedDuration::from_hours(24);
                let now = state.now;
                state.gateway.identifies.retain(|at| now.duration_since(*at) < day);
                let remaining = super::session::IDENTIFIES.saturating_sub(state.gateway.identifies.len());
                let first = state.gateway.identifies.first().copied();
                let reset_after = first.map_or(0, |at| (day - now.duration_since(at)).as_millis());
                let limit = json!({"total": super::session::IDENTIFIES, "remaining": remaining, "reset_after": i64::try_from(reset_after).unwrap_or(0), "max_concurrency": 1});
                Ok((200, json!({"url": gateway, "shards": 1, "session_start_limit": limit})))
            }
            "GET /users/@me" => Ok((200, payload::user_by_id(state, state.me))),
            "GET /users/@me/guilds" => {
                Ok((200, json!([{"id": state.guild.to_string(), "name": "Sandbox", "owner": false}])))
            }
            "GET /users/{user.id}" => {
                let user = state.user(call.id(0)).ok_or_else(|| Refusal::code(10013))?;
                Ok((200, payload::user(user)))
            }
            "GET /oauth2/applications/@me" | "GET /applications/@me" => {
                let me = state.me.to_string();
                Ok((
                    200,
                    json!({"id": me, "name": "Muster", "description": "", "bot_public": false, "bot_require_code_grant": false, "flags": 1 << 19, "bot": payload::user_by_id(state, state.me)}),
                ))
            }
            "GET /guilds/{guild.id}" => guild(state, call, payload::guild),
            "GET /guilds/{guild.id}/roles" => guild(state, call, payload::roles),
            "GET /guilds/{guild.id}/members/{user.id}" => {
                in_guild(state, call.id(0))?;
                state.user(call.id(1)).ok_or_else(|| Refusal::code(10007))?;
                Ok((200, payload::member(state, call.id(1))))
            }
            name if name.starts_with("POST /interactions/") => callbacks::callback(state, call),
            name if name.contains("/webhooks/") => callbacks::webhook(state, call),
            name if name.contains("/commands") => super::check_commands::commands(state, call),
            name if name.contains("/messages") || name.contains("/pins") || name.ends_with("/typing") => {
                messages::call(state, call)
            }
            _ => channels::call(state, call),
        }
    }
}

fn guild(state: &super::state::State, call: &Call, of: impl Fn(&super::state::State) -> Value) -> Answer {
    in_guild(state, call.id(0))?;
    Ok((200, of(state)))
}

/// Refuses a server that is not this one.
pub(super) fn in_guild(state: &super::state::State, guild: u64) -> Result<(), Refusal> {
    if guild == state.guild { Ok(()) } else { Err(Refusal::code(10004)) }
}

fn too_fast(limited: &Limited) -> Refusal {
    Refusal { status: 429, body: limited.body(), malformed: false }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
