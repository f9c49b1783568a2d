//! Who is a guest of the workspace, and whose account was deactivated.
//!
//! Slack tells it of those who come (`team_join`), and when it is asked for everybody (`users.list`):
//! <https://docs.slack.dev/reference/objects/user-object>. What holds: a list that could not be read to its end is none.

use std::collections::BTreeMap;

use operations::accounts::Standing;
use operations::ids::{Platform, UserRef};
use serde_json::{Value, json};

use super::Client;
use super::limits::USERS_LIST;
use crate::chat::{Called, Failure};

/// How many accounts are asked for at once: Slack recommends no more than 200.
const PAGE: usize = 200;

/// So many pages are read at most: 200,000 accounts.
const PAGES: usize = 1_000;

impl Client {
    pub(in crate::chat) async fn accounts(&self) -> Called<BTreeMap<UserRef, Standing>> {
        let team = self.identity().await?.team;
        let mut found = BTreeMap::new();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let page = match cursor.is_empty() {
                true => json!({ "limit": PAGE }),
                false => json!({ "limit": PAGE, "cursor": cursor }),
            };
            let answer = self.call(&USERS_LIST, &page).await?;
            let members = answer.get("members").and_then(Value::as_array).into_iter().flatten();
            found.extend(members.filter_map(|user| Some((account(user, &team)?, standing(user)?))));
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                return Ok(found);
            }
            next.clone_into(&mut cursor);
        }
        Err(Failure::Transient { why: "users.list has no end".to_owned(), retry_after: None })
    }
}

/// Whose account a user object is.
pub(super) fn account(user: &Value, team: &str) -> Option<UserRef> {
    let id = user.get("id").and_then(Value::as_str).filter(|id| !id.is_empty())?;
    Some(UserRef { platform: Platform::Slack, workspace: team.to_owned(), user: id.to_owned() })
}

/// How a user object says that the account stands; none for a full member.
pub(super) fn standing(user: &Value) -> Option<Standing> {
    let is = |name: &str| user.get(name).and_then(Value::as_bool).unwrap_or_default();
    if is("deleted") {
        Some(Standing::Left)
    } else if is("is_restricted") || is("is_ultra_restricted") || is("is_stranger") {
        Some(Standing::Guest)
    } else {
        None
    }
}
