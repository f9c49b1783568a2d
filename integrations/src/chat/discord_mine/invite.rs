//! The link that invites the bot into a server, with exactly what it needs.

/// Each permission with its bit and what it is for (reference, "Bitwise Permission Flags").
pub const PERMISSIONS: [(&str, u32, &str); 8] = [
    ("VIEW_CHANNEL", 10, "see the channels it works in"),
    ("SEND_MESSAGES", 11, "post cards and answers"),
    ("EMBED_LINKS", 14, "show cards"),
    ("READ_MESSAGE_HISTORY", 16, "read the messages that people pin or mark"),
    ("ADD_REACTIONS", 6, "react"),
    ("MANAGE_CHANNELS", 4, "open an incident's room and set its topic"),
    ("MANAGE_ROLES", 28, "close a room to new messages when it is archived"),
    ("PIN_MESSAGES", 51, "pin the headline in the room"),
];

/// The link; with a placeholder where the application's id is not known yet.
#[must_use]
pub fn link(application_id: Option<&str>) -> String {
    let permissions = PERMISSIONS.iter().fold(0_u64, |all, (_, bit, _)| all | (1 << bit));
    let application = application_id.unwrap_or("YOUR_APPLICATION_ID");
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={permissions}"
    )
}
