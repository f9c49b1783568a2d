//! The page, and the HTTP API by which any program acts as a person, reads what people see,
//! and orders faults. Described with examples in `docs/sandbox.md`.
//!
//! What holds: only this machine's own pages and programs may use it: a request that a
//! browser sends for another site is refused, and nothing allows other origins to read.

mod deeds;
mod transcript;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc, oneshot};

pub use self::transcript::transcript;

use crate::ci::{Act, Ci};
use crate::discord::Discord;
use crate::faults::{CallFault, SocketFault};
use crate::slack::Slack;
use crate::{Button, Change, Config, Press};

/// What the routes work with.
pub(crate) struct Control {
    slack: Arc<Slack>,
    discord: Arc<Discord>,
    ci: Arc<Ci>,
    changes: broadcast::Sender<Change>,
    buttons: Vec<Button>,
    presses: Option<mpsc::UnboundedSender<Press>>,
}

/// One of the two chats, as it stands in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Platform {
    Slack,
    Discord,
}

/// All routes of the page and the control API.
pub fn router(
    slack: &Arc<Slack>,
    discord: &Arc<Discord>,
    ci: &Arc<Ci>,
    changes: broadcast::Sender<Change>,
    config: &Config,
) -> Router {
    let control = Arc::new(Control {
        slack: slack.clone(),
        discord: discord.clone(),
        ci: ci.clone(),
        changes,
        buttons: config.buttons.clone(),
        presses: config.presses.clone(),
    });
    Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", include_str!("../../page/index.html"))))
        .route("/style.css", get(|| file("text/css; charset=utf-8", include_str!("../../page/style.css"))))
        .route("/app.js", get(|| file("text/javascript; charset=utf-8", include_str!("../../page/app.js"))))
        .route("/render.js", get(|| file("text/javascript; charset=utf-8", include_str!("../../page/render.js"))))
        .route("/ci.js", get(|| file("text/javascript; charset=utf-8", include_str!("../../page/ci.js"))))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/changes", get(follow))
        .route("/buttons", get(buttons))
        .route("/buttons/{name}", post(press))
        .route("/ci/view", get(ci_view))
        .route("/ci/act", post(ci_act))
        .route("/{platform}/view", get(view))
        .route("/{platform}/transcript", get(show_transcript))
        .route("/{platform}/channels/{name}", get(channel))
        .route("/{platform}/requests", get(requests))
        .route("/{platform}/unexpected", get(unexpected))
        .route("/{platform}/faults", post(fault).delete(no_faults))
        .route("/{platform}/socket-faults", post(socket_fault))
        .route("/{platform}/users/{user}/{deed}", post(act))
        .layer(from_fn(guard))
        .with_state(control)
}

/// Refuses what a browser sends for another site, and forms, which need no permission to be sent.
async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let foreign = text(header::ORIGIN).is_some_and(|origin| origin != format!("http://{host}"));
    let named = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // A name that somebody else's server resolves to this machine is not this machine.
    let local = matches!(named, "127.0.0.1" | "localhost" | "[::1]");
    let is_json = text(header::CONTENT_TYPE).is_none_or(|it| it.starts_with("application/json"));
    if foreign || !local {
        return refuse(StatusCode::FORBIDDEN, "This is for pages and programs of this machine only.");
    }
    if request.method() == axum::http::Method::POST && !is_json {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is JSON: send Content-Type: application/json.");
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

impl Control {
    fn view(&self, platform: Platform) -> Value {
        match platform {
            Platform::Slack => self.slack.view(),
            Platform::Discord => self.discord.view(),
        }
    }
}

async fn view(State(control): State<Arc<Control>>, Path(platform): Path<Platform>) -> Json<Value> {
    Json(control.view(platform))
}

async fn show_transcript(State(control): State<Arc<Control>>, Path(platform): Path<Platform>) -> String {
    transcript(&control.view(platform))
}

async fn channel(State(control): State<Arc<Control>>, Path((platform, name)): Path<(Platform, String)>) -> Response {
    let view = control.view(platform);
    let is_meant = |channel: &&Value| channel["name"].as_str() == Some(&name) || channel["id"].as_str() == Some(&name);
    match view["channels"].as_array().into_iter().flatten().find(is_meant) {
        Some(channel) => Json(channel.clone()).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "There is no such channel."),
    }
}

async fn requests(State(control): State<Arc<Control>>, Path(platform): Path<Platform>) -> Json<Value> {
    Json(match platform {
        Platform::Slack => json!(control.slack.requests()),
        Platform::Discord => json!(control.discord.requests()),
    })
}

async fn unexpected(State(control): State<Arc<Control>>, Path(platform): Path<Platform>) -> Json<Vec<String>> {
    Json(match platform {
        Platform::Slack => control.slack.unexpected(),
        Platform::Discord => control.discord.unexpected(),
    })
}

/// An order for the next calls of a method.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    method: String,
    #[serde(default = "once")]
    times: usize,
    fault: CallFault,
}

fn once() -> usize {
    1
}

/// The most that a fault is ordered for at once.
const MOST_TIMES: u64 = 10_000;

/// Reads an order; one for too many times is refused.
fn ordered<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    let bad = |why: &str| Box::new(refuse(StatusCode::BAD_REQUEST, why));
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    if value["times"].as_f64().is_some_and(|times| times > MOST_TIMES as f64) {
        return Err(bad("That is too many times: 10000 is the most."));
    }
    serde_json::from_value(value).map_err(|error| bad(&error.to_string()))
}

async fn fault(State(control): State<Arc<Control>>, Path(platform): Path<Platform>, body: Bytes) -> Response {
    let order: Order = match ordered(&body) {
        Ok(order) => order,
        Err(refused) => return *refused,
    };
    match platform {
        Platform::Slack => control.slack.fault(&order.method, order.times, order.fault),
        Platform::Discord => control.discord.fault(&order.method, order.times, order.fault),
    }
    Json(json!({ "ordered": order.times })).into_response()
}

async fn no_faults(State(control): State<Arc<Control>>, Path(platform): Path<Platform>) -> Json<Value> {
    match platform {
        Platform::Slack => control.slack.clear_faults(),
        Platform::Discord => control.discord.clear_faults(),
    }
    Json(json!({}))
}

async fn socket_fault(State(control): State<Arc<Control>>, Path(platform): Path<Platform>, body: Bytes) -> Response {
    let fault: SocketFault = match ordered(&body) {
        Ok(fault) => fault,
        Err(refused) => return *refused,
    };
    match platform {
        Platform::Slack => control.slack.socket_fault(fault).await,
        Platform::Discord => control.discord.socket_fault(fault).await,
    }
    Json(json!({})).into_response()
}

async fn act(
    State(control): State<Arc<Control>>,
    Path((platform, user, deed)): Path<(Platform, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let _ = headers;
    let values = match serde_json::from_slice(&body) {
        Ok(values) => values,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let done = match platform {
        Platform::Slack => deeds::on_slack(&control.slack, &user, &deed, values).await,
        Platform::Discord => deeds::on_discord(&control.discord, &user, &deed, values).await,
    };
    match done {
        Ok(result) => Json(result).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
    }
}

async fn ci_view(State(control): State<Arc<Control>>) -> Json<Value> {
    Json(control.ci.view())
}

async fn ci_act(State(control): State<Arc<Control>>, body: Bytes) -> Response {
    let done = serde_json::from_slice::<Act>(&body).map_err(|error| error.to_string());
    match done.and_then(|act| control.ci.act(&act)) {
        Ok(()) => Json(json!({})).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
    }
}

async fn buttons(State(control): State<Arc<Control>>) -> Json<Vec<Button>> {
    Json(control.buttons.clone())
}

async fn press(State(control): State<Arc<Control>>, Path(name): Path<String>) -> Response {
    let known = control.buttons.iter().any(|button| button.name == name);
    let (say, said) = oneshot::channel();
    match &control.presses {
        Some(presses) if known && presses.send(Press { name, say }).is_ok() => {
            Json(said.await.map_or_else(|_| json!({}), |said| json!({ "said": said }))).into_response()
        }
        _ => refuse(StatusCode::NOT_FOUND, "There is no such button."),
    }
}

async fn follow(State(control): State<Arc<Control>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = control.changes.subscribe();
    let events = futures_util::stream::unfold(changes, |mut changes| async {
        let event = match changes.recv().await {
            Ok(change) => Event::default().json_data(change),
            // Whoever fell behind looks at everything anew.
            Err(broadcast::error::RecvError::Lagged(_)) => {
                Event::default().json_data(json!({ "platform": "", "channel": "" }))
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        Some((Ok(event.unwrap_or_default()), changes))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
