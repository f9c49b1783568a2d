//! Which routes there are.
//!
//! A route is written as Discord's reference writes it. Faults are ordered by these names.

use percent_encoding::percent_decode_str;

use super::refusal::Refusal;

/// Every route, the more literal before the less.
pub(super) const ROUTES: [&str; 42] = [
    "GET /gateway",
    "GET /gateway/bot",
    "GET /users/@me",
    "GET /users/@me/guilds",
    "POST /users/@me/channels",
    "GET /users/{user.id}",
    "GET /oauth2/applications/@me",
    "GET /applications/@me",
    "GET /applications/{application.id}/guilds/{guild.id}/commands",
    "PUT /applications/{application.id}/guilds/{guild.id}/commands",
    "POST /interactions/{interaction.id}/{interaction.token}/callback",
    "POST /webhooks/{application.id}/{interaction.token}",
    "GET /webhooks/{application.id}/{interaction.token}/messages/{message.id}",
    "PATCH /webhooks/{application.id}/{interaction.token}/messages/{message.id}",
    "DELETE /webhooks/{application.id}/{interaction.token}/messages/{message.id}",
    "GET /guilds/{guild.id}",
    "GET /guilds/{guild.id}/roles",
    "GET /guilds/{guild.id}/channels",
    "POST /guilds/{guild.id}/channels",
    "GET /guilds/{guild.id}/members/{user.id}",
    "GET /channels/{channel.id}",
    "PATCH /channels/{channel.id}",
    "DELETE /channels/{channel.id}",
    "PUT /channels/{channel.id}/permissions/{overwrite.id}",
    "DELETE /channels/{channel.id}/permissions/{overwrite.id}",
    "GET /channels/{channel.id}/messages/pins",
    "PUT /channels/{channel.id}/messages/pins/{message.id}",
    "DELETE /channels/{channel.id}/messages/pins/{message.id}",
    "GET /channels/{channel.id}/pins",
    "PUT /channels/{channel.id}/pins/{message.id}",
    "DELETE /channels/{channel.id}/pins/{message.id}",
    "GET /channels/{channel.id}/messages",
    "POST /channels/{channel.id}/messages",
    "GET /channels/{channel.id}/messages/{message.id}",
    "PATCH /channels/{channel.id}/messages/{message.id}",
    "DELETE /channels/{channel.id}/messages/{message.id}",
    "PUT /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}/@me",
    "DELETE /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}/{user.id}",
    "GET /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}",
    "POST /channels/{channel.id}/messages/{message.id}/threads",
    "POST /channels/{channel.id}/threads",
    "POST /channels/{channel.id}/typing",
];

/// A route, and what stands in its places.
pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) places: Vec<String>,
}

impl Route {
    /// The route of a verb and a path.
    pub(super) fn of(verb: &str, path: &str) -> Result<Route, Refusal> {
        let path = path.strip_prefix("/api/v10").unwrap_or_default();
        let has = |verb| Route::find(verb, path).is_some();
        Route::find(verb, path).ok_or_else(|| {
            let other = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().any(has);
            if other { Refusal::wrong_verb() } else { Refusal::no_route() }
        })
    }

    /// The route of a verb and a path without `/api/v10`.
    fn find(verb: &str, path: &str) -> Option<Route> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        ROUTES.iter().find_map(|name| {
            let (its_verb, template) = name.split_once(' ')?;
            let template: Vec<&str> = template.trim_start_matches('/').split('/').collect();
            if its_verb != verb || template.len() != parts.len() {
                return None;
            }
            let mut places = Vec::new();
            for (wanted, part) in template.iter().zip(&parts) {
                if wanted.starts_with('{') {
                    let part = percent_decode_str(part).decode_utf8().ok()?;
                    if part.is_empty() {
                        return None;
                    }
                    places.push(part.into_owned());
                } else if wanted != part {
                    return None;
                }
            }
            Some(Route { name, places })
        })
    }

    /// Whether the token in the path is all that is needed.
    pub(super) fn is_open(&self) -> bool {
        self.name == "GET /gateway" || self.name.contains("{interaction.token}")
    }

    /// The places without tokens, for the log.
    pub(super) fn ids(&self) -> Vec<String> {
        let names = self.name.split('/').filter(|part| part.starts_with('{'));
        let shown = names.zip(&self.places).filter(|(name, _)| !name.contains("token"));
        shown.map(|(_, place)| place.clone()).collect()
    }
}
