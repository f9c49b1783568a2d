//! Annotations of Grafana: a deploy as a region on every dashboard that shows annotations with its tags.
//!
//! Grafana keeps whatever it is sent, twice if need be. So the deploy's id is a tag, and an annotation with it is looked
//! for before one is made. What holds: telling the same change again leaves one annotation; nothing from outside is
//! markup in it, because Grafana shows an annotation's text as HTML.
//! Source: grafana.com/docs, "Annotations HTTP API". Grafana 13 calls `/api` deprecated and keeps it; what is to take its
//! place is still alpha.

use operations::text::{Outside, cut};
use serde::{Deserialize, Serialize};

use super::{Called, Change, Failure, Refused, headline, line, link};
use crate::clock::SharedClock;
use crate::http::api::{Api, Auth};
use crate::secret::Secret;

/// The longest line of somebody else's words in a text, in characters.
const LINE: usize = 400;

/// The longest value of a tag, in bytes. Grafana takes 100, and 500 for all tags together unless configured otherwise.
const TAG: usize = 60;

/// How Grafana is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Where Grafana is, with the path that it is served under: `https://grafana.example.com`.
    pub address: String,
    /// A service account's token. It needs `annotations:create` and `annotations:read` for annotations of the
    /// organization (`annotations:type:organization`); the role Editor has both.
    pub token: Secret,
}

/// A Grafana that is told of changes.
#[derive(Clone)]
pub struct Grafana {
    api: Api,
}

#[derive(Serialize)]
struct New {
    time: i64,
    #[serde(rename = "timeEnd")]
    time_end: i64,
    tags: Vec<String>,
    text: String,
}

#[derive(Deserialize)]
struct Added {
    /// Told, so that an answer without it is not taken for Grafana's.
    #[serde(rename = "id")]
    _id: u64,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Grafana {
    /// One that is told through this connection.
    ///
    /// # Errors
    /// The address or the token can't be right. The words are for the operator.
    pub fn new(connection: Connection, http: reqwest::Client, clock: SharedClock) -> Result<Grafana, String> {
        let Connection { address, token } = connection;
        if token.expose().is_empty() {
            return Err("`token` of Grafana is empty: make a service account and a token for it".into());
        }
        Ok(Grafana { api: Api::new("Grafana", &address, Auth::Bearer(token), http, clock)? })
    }

    /// Tells it, if it was not told before; see [`super::Told::tell`].
    pub(super) async fn tell(&self, change: &Change) -> Called<()> {
        let id = &change.id;
        if id.is_empty() || id.len() > TAG || !id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(Failure::refused(Refused::Malformed, "Grafana was not called: the id can't be a tag"));
        }
        if self.is_there(id).await.map_err(explained)? {
            return Ok(());
        }
        let new = New {
            time: change.began.as_millisecond(),
            time_end: change.ended.max(change.began).as_millisecond(),
            tags: tags(change),
            text: text(change),
        };
        let reply = self.api.post(&["api", "annotations"]).json(&new).send().await.map_err(explained)?;
        reply.json::<Added>().map(|_| ())
    }

    async fn is_there(&self, id: &str) -> Called<bool> {
        let query = [("tags", id), ("type", "annotation"), ("limit", "100")];
        let found: Vec<Annotation> = self.api.get(&["api", "annotations"]).query(&query).send().await?.json()?;
        // Some databases don't tell upper from lower case.
        Ok(found.iter().any(|one| one.tags.iter().flatten().any(|tag| tag == id)))
    }
}

/// A refusal with what the token needs.
fn explained(failure: Failure) -> Failure {
    match failure {
        Failure::Permanent { why, kind: Refused::Forbidden } => Failure::refused(
            Refused::Forbidden,
            format!("{why} (the service account needs the role Editor, or annotations:create and annotations:read)"),
        ),
        other => other,
    }
}

fn tags(change: &Change) -> Vec<String> {
    vec![
        "muster".to_owned(),
        change.id.clone(),
        change.kind.name().to_owned(),
        change.outcome.name().to_owned(),
        tag("service", &change.service),
        tag("environment", &change.environment),
    ]
}

/// A tag `name:value`. What stands behind a second colon would be lost.
fn tag(name: &str, value: &Outside) -> String {
    let mut tag = format!("{name}:");
    for character in line(value).replace([':', ' ', ','], "-").chars() {
        if tag.len() - name.len() - 1 + character.len_utf8() > TAG {
            break;
        }
        tag.push(character);
    }
    tag
}

/// HTML with Muster's own line breaks and link.
fn text(change: &Change) -> String {
    let shown = |words: &str| escaped(&cut(words, LINE));
    let mut lines = vec![shown(&headline(change))];
    for (name, value) in [("version", &change.version), ("commit", &change.commit), ("by", &change.by)] {
        let value = line(value);
        if !value.is_empty() {
            lines.push(format!("{name} {}", shown(&value)));
        }
    }
    if let Some(url) = link(change) {
        lines.push(format!("<a href=\"{}\" target=\"_blank\" rel=\"noopener\">The deploy</a>", escaped(url.as_str())));
    }
    lines.join("<br>")
}

/// Words that are markup neither in HTML nor, should they be shown as it, in Markdown: references to characters are
/// text in both.
fn escaped(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '#' | '|' | '~' | '\\' => {
                safe.push_str(&format!("&#{};", u32::from(character)));
            }
            _ => safe.push(character),
        }
    }
    safe
}
