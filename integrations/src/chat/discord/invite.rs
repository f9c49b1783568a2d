//! The link that brings the bot into a server with exactly what it needs.

/// A permission that the bot needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Discord's name of it.
    pub name: &'static str,
    /// Its bit (Discord's reference, "Permissions").
    pub bit: u64,
    /// What it is for.
    pub why: &'static str,
}

const fn need(name: &'static str, bit: u32, why: &'static str) -> Permission {
    Permission { name, bit: 1 << bit, why }
}

/// What the bot needs, and why.
pub const PERMISSIONS: &[Permission] = &[
    need("VIEW_CHANNEL", 10, "sees the channels that it works in"),
    need("SEND_MESSAGES", 11, "posts cards"),
    need("SEND_MESSAGES_IN_THREADS", 38, "answers inside threads"),
    need("EMBED_LINKS", 14, "cards are embeds"),
    need(
        "READ_MESSAGE_HISTORY",
        16,
        "finds its own cards again after a crash, and what people marked for the timeline",
    ),
    need("MANAGE_CHANNELS", 4, "opens an incident's channel and keeps its topic"),
    need("MANAGE_ROLES", 28, "closes an incident's channel to new messages, which is a permission of the channel"),
    need("PIN_MESSAGES", 51, "pins an incident's headline"),
];

/// The scopes: a bot, and its slash commands.
pub const SCOPES: [&str; 2] = ["bot", "applications.commands"];

/// The link for an application; with a place to fill in where its id is not known.
#[must_use]
pub fn link(application: Option<&str>) -> String {
    let permissions = PERMISSIONS.iter().fold(0, |all, it| all | it.bit);
    let application = application.unwrap_or("APPLICATION_ID");
    let scopes = SCOPES.join("+");
    format!("https://discord.com/oauth2/authorize?client_id={application}&scope={scopes}&permissions={permissions}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_asks_for_what_is_listed_and_no_more() {
        assert_eq!(
            link(Some("42")),
            "https://discord.com/oauth2/authorize?client_id=42&scope=bot+applications.commands&permissions=2252074960112656"
        );
        assert!(PERMISSIONS.iter().all(|it| it.name != "ADMINISTRATOR" && it.bit.count_ones() == 1));
    }
}
