//! What Slack and Discord answer to calls: any status, headers and body, over real HTTP.
//!
//! What holds: every call ends; a call that may have been done is never said to have failed;
//! a failure is a sentence without a token, and what is read is clean.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use integrations::chat::{Called, Chat, Failure, discord, slack};
use integrations::clock::{Clock, Sleep, after};
use integrations::http::CALL_LIMIT;
use integrations::secret::Secret;
use jiff::Timestamp;
use operations::card::{Card, Form};
use operations::channels::Unusable;
use operations::chat::ReplyTo;
use operations::ids::{MessageRef, Platform};
use operations::text::Text;

use super::bytes::{Bytes as Script, is_visible};
use super::chats::is_escaped;
use super::markup;
use super::scene::moment;

/// So many calls there are.
const CALLS: u8 = 22;

const TOKEN: &str = "xoxb-hidden-from-everybody";
const ANSWER_TOKEN: &str = "interaction-token-of-somebody";

/// A byte for the chat, one for the call, the text of a topic; then answers: a byte for the status, one for the header,
/// texts for both.
pub(super) fn check(data: &[u8]) {
    thread_local!(static SERVICE: Service = Service::start());
    SERVICE.with(|service| service.serve(data));
}

/// A server that answers what it is told to, and what is needed to call it.
struct Service {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    url: String,
    told: Told,
    _tasks: tokio::task::JoinSet<()>,
}

/// What is to be answered, and what was asked.
type Told = Arc<Mutex<(VecDeque<Answer>, Vec<Bytes>)>>;

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    header: Option<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Service {
    fn start() -> Service {
        integrations::tls::install();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let told = Told::default();
        let (shared, mut tasks) = (told.clone(), tokio::task::JoinSet::new());
        let url = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let answer = move |body: Bytes| std::future::ready(next(&shared, body));
            let router = axum::Router::new().fallback(answer);
            tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
            format!("http://{address}")
        });
        let http = integrations::http::http_client().expect("a client");
        Service { runtime, http, url, told, _tasks: tasks }
    }

    fn serve(&self, data: &[u8]) {
        let mut script = Script::new(data);
        let platform = script.pick(&Platform::ALL);
        let call = script.byte();
        let topic = script.text();
        let answers: Vec<Answer> = (0..12).map_while(|_| answer(&mut script)).collect();
        let told = || self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told() = (answers.iter().cloned().collect(), Vec::new());
        let chat = self.chat(platform);
        let outcome = self.runtime.block_on(make(&chat, call, &topic));
        told().1.iter().for_each(|asked| is_plain(platform, asked));
        let Err(failure) = outcome else { return };
        let words = failure.to_string();
        assert!(!words.is_empty() && words.chars().count() < 700, "{words:?}");
        // Nothing that the call was made with, also where the other side says it.
        let secrets: &[&str] = if is_answer(call) { &[TOKEN, ANSWER_TOKEN] } else { &[TOKEN] };
        assert!(!secrets.iter().any(|secret| words.contains(secret)), "{words:?}");
        let said = answers.iter().any(|it| String::from_utf8_lossy(&it.body).contains(&self.url));
        assert!(!words.contains(&self.url) || said, "{words:?}");
        // The first answer to a new message decides, unless it says that the bot must join first.
        let broke = answers.first().is_some_and(|answer| answer.status >= 500);
        if broke && is_post(call) {
            assert!(matches!(failure, Failure::Unknown { .. }), "{failure:?} after {answers:?}");
        }
        if let Failure::Transient { retry_after: Some(wait), .. } = failure {
            assert!(wait <= Duration::from_secs(3600), "{wait:?}");
        }
    }

    fn chat(&self, platform: Platform) -> Chat {
        let clock = Arc::new(Hasty(Mutex::new(moment("2026-03-02T14:00:00Z"))));
        let (token, http) = (Secret::new(TOKEN), self.http.clone());
        match platform {
            Platform::Slack => {
                let config = slack::Config { api_url: self.url.clone(), app_token: None, bot_token: token, sockets: 1 };
                Chat::Slack(slack::Client::new(&config, http, clock))
            }
            Platform::Discord => {
                let config = discord::Config {
                    api_url: self.url.clone(),
                    bot_token: token,
                    guild: "100000000000000001".to_owned(),
                    category: Some("100000000000000003".to_owned()),
                };
                Chat::Discord(discord::Client::new(&config, http, clock))
            }
        }
    }
}

fn next(told: &Told, asked: Bytes) -> Response<Body> {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    told.1.push(asked);
    let answer = told.0.pop_front();
    let Some(answer) = answer else { return Response::new(Body::from("{\"ok\":true}")) };
    let mut response = Response::builder().status(answer.status);
    if let Some((name, value)) = answer.header
        && let Ok(value) = axum::http::HeaderValue::from_bytes(&value)
    {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("a status that there is")
}

fn answer(script: &mut Script<'_>) -> Option<Answer> {
    const STATUSES: [u16; 14] = [200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503];
    const HEADERS: [&str; 6] =
        ["", "retry-after", "x-ratelimit-bucket", "x-ratelimit-reset-after", "x-ratelimit-global", "x-ratelimit-scope"];
    if script.is_empty() {
        return None;
    }
    let (status, header) = (script.pick(&STATUSES), script.pick(&HEADERS));
    let header = (!header.is_empty()).then(|| (header, script.part().to_vec()));
    Some(Answer { status, header, body: script.part().to_vec() })
}

/// A topic does nothing but say words, and fits.
fn is_plain(platform: Platform, asked: &Bytes) {
    let asked: serde_json::Value = serde_json::from_slice(asked).unwrap_or_default();
    let Some(topic) = asked["topic"].as_str() else { return };
    let units = topic.encode_utf16().count();
    match platform {
        Platform::Slack => assert!(is_escaped(topic) && units <= 250, "{topic:?}"),
        Platform::Discord => assert!(markup::read(topic).is_empty() && units <= 1024, "{topic:?}"),
    }
}

/// Whether the call is made with the token of somebody's act.
fn is_answer(call: u8) -> bool {
    matches!(call % CALLS, 10..=12 | 17)
}

fn is_post(call: u8) -> bool {
    call.is_multiple_of(CALLS)
}

/// Makes a call. What is read is looked at.
async fn make(chat: &Chat, call: u8, topic: &str) -> Called<()> {
    let platform = chat.platform();
    let channel = if platform == Platform::Slack { "C0ALERTS" } else { "123456789012345678" }.into();
    let thread = "1700000000.000100".into();
    let message = MessageRef { platform, channel: "C0ALERTS".into(), message: "1700000000.000100".into() };
    let card = Card::line(Text::new().plain("words"));
    let form = Form { click: "x".to_owned(), title: "x".to_owned(), submit: "x".to_owned(), fields: Vec::new() };
    let to = match platform {
        Platform::Slack => ReplyTo::Slack {
            response_url: None,
            trigger: Some(ANSWER_TOKEN.to_owned()),
            channel: "C0ALERTS".into(),
            user: "U0ANN".to_owned(),
            thread: None,
        },
        Platform::Discord => ReplyTo::Discord {
            interaction: "5".to_owned(),
            token: ANSWER_TOKEN.to_owned(),
            channel: "123456789012345678".into(),
            user: "11".to_owned(),
        },
    };
    match call % CALLS {
        0 => {
            let id = chat.post(&channel, None, &card, "key").await?;
            assert!(!id.0.is_empty() || platform == Platform::Slack);
        }
        1 => drop(chat.find_posted(&channel, None, "key").await?),
        2 => drop(chat.find_posted(&channel, Some(&thread), "key").await?),
        3 => chat.edit(&message, &card, "key").await?,
        4 => chat.pin(&message).await?,
        5 => drop(chat.open_channel("inc-1", topic, "key", false).await?),
        6 => drop(chat.open_channel("inc-1", topic, "key", true).await?),
        7 => chat.set_topic(&channel, topic, "key").await?,
        8 => chat.invite(&channel, "U0ANN").await?,
        9 => chat.archive(&channel).await?,
        10 => chat.reply(&to, &card, "key").await?,
        11 => chat.reply_again(&to, &card, &card, "key").await?,
        12 => chat.open_form(&to, &form).await?,
        13 => {
            let captured = chat.fetch(&message).await?;
            assert_eq!(captured.message, message);
            assert!(is_visible(captured.text.as_str()) && is_visible(captured.author.name.as_str()));
        }
        14 => drop(chat.name_of("U0ANN").await?),
        15 => drop(chat.look_at(&channel, Unusable::Forbidden).await?),
        16 => chat.check().await?,
        17 => chat.take(&to).await?,
        18 => drop(chat.direct("U0ANN", &card, "key").await?),
        19 => {
            let Chat::Discord(client) = chat else { return Ok(()) };
            for heard in client.missed(&channel, moment("2026-03-02T13:00:00Z")).await?.messages {
                assert!(heard.inbound.is_none_or(|inbound| is_visible(inbound.by.name.as_str())));
            }
        }
        20 => {
            let Chat::Discord(client) = chat else { return Ok(()) };
            let person = client.reacted(&message, "📌").await?;
            assert!(person.is_none_or(|person| is_visible(person.name.as_str())));
        }
        _ => chat.introduce(&commands::spec::spec()).await?,
    }
    Ok(())
}

/// A clock on which nobody waits: it moves to the moment that is waited for. Only an answer's time never runs out.
struct Hasty(Mutex<Timestamp>);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        if at == after(self.now(), CALL_LIMIT) {
            return Box::pin(std::future::pending());
        }
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
        Box::pin(std::future::ready(()))
    }
}
