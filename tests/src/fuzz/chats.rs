//! A card and a form as both chats show them: taken by the platform, and nothing of a text is markup.
//!
//! What a platform takes is said by the sandbox, which refuses what the platform refuses.

use std::collections::BTreeSet;

use integrations::chat::{discord, slack};
use operations::card::{Card, Form};
use operations::chat::ReplyTo;
use operations::ids::Platform;
use operations::text::{Span, Text};
use serde_json::{Value, json};
use url::Url;

use super::markup::{self, Mark};

/// Shows a card on both chats.
pub(super) fn show(card: &Card) {
    let meant = Meant::of(card);
    on_slack(card, &meant);
    on_discord(card, &meant);
}

/// Opens a form on both chats.
pub(super) fn open(form: &Form, from: &ReplyTo) {
    let view = slack::render::form(form, from);
    sandbox::slack::judge::view(&view).unwrap_or_else(|why| panic!("Slack refuses the form: {why}: {view}"));
    plain_objects(&view);
    let modal = discord::render::form(form);
    sandbox::discord::judge::modal(&modal).unwrap_or_else(|why| panic!("Discord refuses the form: {why}: {modal}"));
}

/// What a card is meant to do besides saying words.
#[derive(Default)]
struct Meant {
    people: BTreeSet<(Platform, String)>,
    channels: BTreeSet<(Platform, String)>,
    times: BTreeSet<i64>,
    links: BTreeSet<String>,
    codes: usize,
    quoted: usize,
}

impl Meant {
    fn of(card: &Card) -> Meant {
        let mut meant = Meant::default();
        let texts = std::iter::once(&card.title).chain(&card.lines).chain(&card.footer);
        texts.flat_map(|Text(spans)| spans).for_each(|span| meant.add(span));
        meant.quoted = card.quotes.iter().map(|quote| quote.words.as_str().lines().count()).sum();
        meant
    }

    fn add(&mut self, span: &Span) {
        match span {
            Span::Plain(_) | Span::Bold(_) | Span::Outside(_) | Span::Person(..) => {}
            Span::Code(_) => self.codes += 1,
            Span::Time(at, _) => {
                self.times.insert(at.as_second());
            }
            Span::Notify(user, _) => {
                self.people.insert((user.platform, user.user.clone()));
            }
            Span::Channel(platform, channel, _) => {
                self.channels.insert((*platform, channel.0.to_string()));
            }
            Span::Link(_, address) => {
                let web = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                self.links.extend(web.map(|url| bare(url.as_str())));
            }
        }
    }

    fn notifies(&self, platform: Platform, user: &str) -> bool {
        self.people.contains(&(platform, user.to_owned()))
    }

    fn shows(&self, platform: Platform, channel: &str) -> bool {
        self.channels.contains(&(platform, channel.to_owned()))
    }

    fn leads_to(&self, address: &str) -> bool {
        self.links.contains(&bare(address))
    }
}

/// An address without what a renderer may write otherwise.
fn bare(address: &str) -> String {
    let mut address = address.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    for (escaped, c) in [("%28", "("), ("%29", ")"), ("%3C", "<"), ("%3E", ">"), ("%5C", "\\"), ("%60", "`")] {
        address = address.replace(escaped, c);
    }
    address.replace("%7C", "|").replace("%2A", "*")
}

fn on_slack(card: &Card, meant: &Meant) {
    let message = slack::render::card(card);
    let whole = json!({ "text": message.text, "blocks": message.blocks, "attachments": message.attachments });
    let mentions = sandbox::slack::judge::message(&whole)
        .unwrap_or_else(|why| panic!("Slack refuses the message: {why}: {whole}"));
    for mention in mentions {
        let person = mention.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
        assert!(meant.notifies(Platform::Slack, person), "{mention} is notified by {whole}");
    }
    assert!(is_escaped(&message.text), "{}", message.text);
    for attachment in &message.attachments {
        assert!(attachment["fallback"].as_str().is_some_and(is_escaped), "{attachment}");
    }
    plain_objects(&whole);
    each(&whole, &mut |kind, object| match kind {
        "link" => {
            let address = object["url"].as_str().unwrap_or_default();
            assert!(meant.leads_to(address), "{address} is linked");
        }
        "channel" => {
            let channel = object["channel_id"].as_str().unwrap_or_default();
            assert!(meant.shows(Platform::Slack, channel), "{channel} is shown");
        }
        "mrkdwn" => {
            let words = object["text"].as_str().unwrap_or_default();
            assert!(is_one_token(words, meant), "{words}");
        }
        "emoji" | "broadcast" | "usergroup" | "markdown" => panic!("{kind} in {whole}"),
        _ => {}
    });
}

/// Names of emojis stay names.
fn plain_objects(whole: &Value) {
    each(whole, &mut |kind, object| {
        assert!(kind != "plain_text" || object["emoji"] == json!(false), "{object}");
    });
}

/// Whether nothing in it is markup: no bracket, and each ampersand is escaped.
pub(super) fn is_escaped(text: &str) -> bool {
    let ampersands = text.split('&').skip(1);
    !text.contains(['<', '>'])
        && ampersands.into_iter().all(|rest| ["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)))
}

/// Whether it is a link, a channel or a time that was meant, and nothing besides.
fn is_one_token(words: &str, meant: &Meant) -> bool {
    let Some(inner) = words.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return false };
    let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
    let harmless = is_escaped(inner) && !label.contains(['*', '_', '~', '`', '|', ':']);
    if let Some(date) = target.strip_prefix("!date^") {
        // What stands where dates don't work is Muster's own, with a colon in it.
        let at = date.split('^').next().and_then(|seconds| seconds.parse().ok());
        return is_escaped(inner) && at.is_some_and(|at| meant.times.contains(&at));
    }
    match target.strip_prefix('#') {
        Some(channel) => label.is_empty() && meant.shows(Platform::Slack, channel),
        None => harmless && meant.leads_to(target),
    }
}

/// Calls `look` with each object that has a type.
fn each(value: &Value, look: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, look)),
        Value::Object(map) => {
            if let Some(kind) = map.get("type").and_then(Value::as_str) {
                look(kind, value);
            }
            map.values().for_each(|inner| each(inner, look));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn on_discord(card: &Card, meant: &Meant) {
    let message = discord::render::card(card);
    let body = message.body("https://discord.com/channels/1/2#3");
    sandbox::discord::judge::message(&body).unwrap_or_else(|why| panic!("Discord refuses the message: {why}: {body}"));
    assert!(message.notify.iter().all(|user| meant.notifies(Platform::Discord, user)), "{:?}", message.notify);
    assert_eq!(body["allowed_mentions"], json!({ "parse": [], "users": message.notify, "replied_user": false }));
    let description = message.embed.as_ref().and_then(|embed| embed["description"].as_str()).unwrap_or_default();
    let (mut bold, mut codes, mut quoted, mut small) = (0, 0, 0, 0);
    for text in [message.content.as_str(), description] {
        for mark in markup::read(text) {
            match mark {
                Mark::Token(token) => assert!(is_meant(&token, meant), "{token} in {text:?}"),
                Mark::Link(address) => assert!(meant.leads_to(&address), "{address} in {text:?}"),
                Mark::Bold => bold += 1,
                Mark::Code => codes += 1,
                Mark::Quote => quoted += 1,
                Mark::Small => small += 1,
                Mark::Stray(mark) => panic!("{mark:?} is markup in {text:?}"),
            }
        }
        assert_eq!(bold % 2, 0, "what is bold ends in {text:?}");
    }
    assert!(small <= usize::from(card.footer.is_some()), "only the footer is small print: {body}");
    assert!(codes <= meant.codes && quoted <= meant.quoted, "{codes} codes, {quoted} quoted lines in {body}");
}

fn is_meant(token: &str, meant: &Meant) -> bool {
    let inner = token.trim_start_matches('<').trim_end_matches('>');
    if let Some(user) = inner.strip_prefix('@') {
        return meant.notifies(Platform::Discord, user);
    }
    if let Some(channel) = inner.strip_prefix('#') {
        return meant.shows(Platform::Discord, channel);
    }
    let seconds = inner.strip_prefix("t:").and_then(|time| time.split(':').next()?.parse().ok());
    seconds.is_some_and(|seconds| meant.times.contains(&seconds))
}
