//! A card: what people see, before a platform renders it.
//!
//! A card has one look on both platforms: Slack blocks in a coloured attachment, one
//! Discord embed with component rows. It is data; renderers are in the integrations.
//! What holds: a card fits the smaller of both platforms' limits after rendering, because
//! renderers cut with a visible mark; at most five buttons in a row.

use serde::{Deserialize, Serialize};

use crate::text::{Outside, Text};

/// What people see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The bar at its side; none for a plain message.
    pub colour: Option<Colour>,
    /// The first line: the most important thing, in bold.
    pub title: Text,
    /// The lines below it, in order.
    pub lines: Vec<Text>,
    /// Somebody else's words, in a labelled block of their own.
    pub quotes: Vec<Quote>,
    /// What can be done: the likely next step first.
    pub buttons: Vec<Button>,
    /// A list to choose from.
    pub menu: Option<Menu>,
    /// Small print at the bottom: links, ids.
    pub footer: Option<Text>,
}

/// The state, as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colour {
    /// Firing, investigating: red.
    Firing,
    /// Acknowledged, mitigated: amber.
    Acknowledged,
    /// Resolved: green.
    Resolved,
    /// Suppressed, unknown: grey.
    Suppressed,
    /// Waiting for somebody or something: blue.
    Waiting,
}

impl Colour {
    /// The colour as `0xRRGGBB`.
    #[must_use]
    pub fn rgb(self) -> u32 {
        match self {
            Colour::Firing => 0x00d9_3036,
            Colour::Acknowledged => 0x00e8_a33d,
            Colour::Resolved => 0x002e_b67d,
            Colour::Suppressed => 0x008a_8f98,
            Colour::Waiting => 0x0036_8ce0,
        }
    }

    /// The one emoji that stands for the state.
    #[must_use]
    pub fn emoji(self) -> &'static str {
        match self {
            Colour::Firing => "🔴",
            Colour::Acknowledged => "🟠",
            Colour::Resolved => "🟢",
            Colour::Suppressed => "⚪",
            Colour::Waiting => "🔵",
        }
    }
}

/// Somebody else's words in a block of their own, so that they can't pass for Muster's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Whose words they are: `Summary from the alert`.
    pub label: String,
    /// The words.
    pub words: Outside,
}

/// A button. A click on it is a command with its arguments filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says: at most 75 characters.
    pub label: String,
    /// The command that it types: at most 90 characters, such as `alert ack A-3`.
    pub click: String,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// The likely next step.
    Primary,
    /// Any other.
    Plain,
    /// Something that can't be taken back.
    Danger,
}

/// A list to choose one from. A choice is a command with the chosen value at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// What it says before something is chosen.
    pub placeholder: String,
    /// The command that a choice completes: `incident sev INC-1`.
    pub click: String,
    /// Label and value of each choice: at most 25, 75 characters each.
    pub options: Vec<(String, String)>,
}

/// A form to fill in (Slack: a modal view; Discord: a modal).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The command that a submission completes: `incident declare`. At most 90 characters.
    pub click: String,
    /// At most 24 characters (Slack's limit).
    pub title: String,
    /// The button that sends it: at most 24 characters.
    pub submit: String,
    /// One to five fields (Discord's limit).
    pub fields: Vec<Field>,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The option of the command that it fills: `title`.
    pub key: String,
    /// What stands above it: at most 45 characters (Discord's limit).
    pub label: String,
    /// What can be put in.
    pub kind: FieldKind,
    /// Whether it must be filled in.
    pub required: bool,
    /// What it holds when the form opens.
    pub initial: String,
    /// What it shows when it is empty: at most 100 characters.
    pub placeholder: String,
}

/// What can be put into a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldKind {
    /// One line of at most this many characters.
    Line(u16),
    /// Several lines of at most this many characters in all (3,000 is Slack's limit).
    Paragraph(u16),
    /// One of these: label and value.
    Choice(Vec<(String, String)>),
}

impl Card {
    /// A plain line of text without a bar.
    #[must_use]
    pub fn line(title: Text) -> Card {
        Card { title, ..Card::default() }
    }

    /// A card with a coloured bar.
    #[must_use]
    pub fn coloured(colour: Colour, title: Text) -> Card {
        Card { colour: Some(colour), title, ..Card::default() }
    }

    /// Adds a line.
    #[must_use]
    pub fn with(mut self, line: Text) -> Card {
        self.lines.push(line);
        self
    }

    /// Adds a button.
    #[must_use]
    pub fn button(mut self, label: &str, click: impl Into<String>, style: Style) -> Card {
        self.buttons.push(Button { label: label.to_owned(), click: click.into(), style });
        self
    }

    /// The words of title and lines, for logs and notification previews.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.title.words();
        for line in &self.lines {
            words.push('\n');
            words.push_str(&line.words());
        }
        words
    }
}
