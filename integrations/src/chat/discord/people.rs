//! Reading: a message with its author, and the names of people.
//!
//! What holds: a name is asked for at most once an hour.

use std::sync::PoisonError;
use std::time::Duration;

use operations::chat::{Actor, Captured};
use operations::ids::{MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::Value;

use super::Client;
use super::inbound::names;
use super::limits::{MEMBER, MESSAGE};
use super::unmark::unmark;
use crate::chat::{Called, Failure, Refused};
use crate::clock::after;

/// How long a name is believed.
const NAME_KEPT: Duration = Duration::from_secs(3600);
/// How many names are kept at most.
const NAMES_KEPT: usize = 5_000;

impl Client {
    pub(in crate::chat) async fn fetch(&self, message: &MessageRef) -> Called<Captured> {
        let found = self.call(&MESSAGE, &[&message.channel.0, &message.message.0], None).await?;
        let field = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).filter(|value| !value.is_empty());
        let user = field("/author/id").unwrap_or_default();
        let shown = field("/author/global_name").or_else(|| field("/author/username")).unwrap_or_default();
        let foreign = field("/webhook_id").is_some() || found.pointer("/author/bot") == Some(&Value::Bool(true));
        let name = if foreign || user.is_empty() {
            shown.to_owned()
        } else {
            match self.name_of(user).await {
                Ok(name) => name,
                // Who has left the server still wrote it.
                Err(Failure::Permanent { kind: Refused::Gone, .. }) => shown.to_owned(),
                Err(failure) => return Err(failure),
            }
        };
        let at = field("/timestamp").and_then(|at| at.parse().ok()).ok_or_else(|| Failure::Transient {
            why: "GET /channels/{channel.id}/messages/{message.id}: the message has no time".to_owned(),
            retry_after: None,
        })?;
        Ok(Captured {
            message: message.clone(),
            author: Actor {
                user: UserRef { platform: Platform::Discord, workspace: self.guild.clone(), user: user.to_owned() },
                name: Outside::new(&name),
            },
            at,
            text: Outside::new(&unmark(&said(&found), &names(&found))),
            link: format!("https://discord.com/channels/{}/{}/{}", self.guild, message.channel.0, message.message.0),
        })
    }

    pub(in crate::chat) async fn name_of(&self, user: &str) -> Called<String> {
        let now = self.caller.clock.now();
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned();
        if let Some((until, name)) = known
            && until > now
        {
            return Ok(name);
        }
        let member = self.call(&MEMBER, &[&self.guild, user], None).await?;
        let field =
            |pointer: &str| member.pointer(pointer).and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let name = field("/nick").or_else(|| field("/user/global_name")).or_else(|| field("/user/username"));
        let name = name.unwrap_or(user).to_owned();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_KEPT {
            names.retain(|_, (until, _)| *until > now);
        }
        if names.len() < NAMES_KEPT {
            names.insert(user.to_owned(), (after(now, NAME_KEPT), name.clone()));
        }
        Ok(name)
    }
}

/// What a message said: its content, or what its embed says where it is a card.
fn said(message: &Value) -> String {
    let field = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).filter(|words| !words.is_empty());
    let words = [field("/content"), field("/embeds/0/title"), field("/embeds/0/description")];
    words.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
