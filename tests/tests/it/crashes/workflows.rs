//! What people and monitors do, and what must then be seen.

use bot::demo::story::{self, Does, In};
use operations::ids::Platform;

use Platform::{Discord, Slack};

/// Deeds in order.
pub(super) struct Workflow {
    pub(super) name: &'static str,
    /// Lines to be added to `muster.toml`.
    pub(super) muster: &'static str,
    pub(super) deeds: Vec<Deed>,
}

/// Something that is done, again until what follows is seen.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) act: Act,
    pub(super) seen: Vec<Seen>,
}

/// What is done.
#[derive(Debug)]
pub(super) enum Act {
    /// As in the story.
    Does(Does),
    /// Alertmanager tells of a new alert of each name.
    Alerts(&'static [&'static str]),
    /// A person adds a line to the postmortem's page, and does not commit it.
    Edits(&'static str),
    /// An operator stops the bot and starts it again.
    Stops,
}

/// What is seen.
#[derive(Debug)]
pub(super) enum Seen {
    /// Words in a channel, on both chats unless one is named.
    Chat(Option<Platform>, In, &'static str),
    /// Words in the postmortem's page.
    Page(&'static str),
}

use Act::{Alerts, Edits, Stops};
use Seen::{Chat, Page};

fn deed(act: Act, seen: impl Into<Vec<Seen>>) -> Deed {
    Deed { act, seen: seen.into() }
}

fn does(does: Does, seen: impl Into<Vec<Seen>>) -> Deed {
    deed(Act::Does(does), seen)
}

/// The name of the longest.
pub(super) const STORY: &str = "the story";

/// An incident from the first alert to the postmortem. A deploy that the bot dies in is not told to its end: somebody has
/// to say how it is, which is what the deploys' own crash tests do.
pub(super) fn story() -> Workflow {
    let of = |step: story::Step| {
        let shown = step.seen.iter().filter(|(.., words)| !words.contains("deployed"));
        let seen: Vec<Seen> = shown.map(|(only, place, words)| Chat(*only, *place, words)).collect();
        does(step.does, seen)
    };
    let steps = story::steps().into_iter().filter(|step| !deploys(&step.does));
    Workflow { name: STORY, muster: "", deeds: steps.map(of).collect() }
}

/// Whether something is done for a deploy.
fn deploys(does: &Does) -> bool {
    match does {
        Does::Waits | Does::Confirms(..) | Does::Clicks(.., "Roll back checkout…") => true,
        Does::Types(.., place, _)
        | Does::Clicks(.., place, _)
        | Does::Pins(.., place, _)
        | Does::Marks(.., place, _) => *place == In::Deploys,
        Does::Tells { .. } | Does::Submits(..) => false,
    }
}

/// All of them.
pub(super) fn all() -> Vec<Workflow> {
    vec![story(), alert(), storm(), forms(), marks(), page()]
}

/// An alert fires, is acknowledged and resolved, and the bot is stopped and started on the way.
fn alert() -> Workflow {
    let acknowledge = Does::Clicks(Discord, "bob", In::Alerts, "Acknowledge");
    let deeds = vec![
        does(Does::Tells { firing: true }, [Chat(None, In::Alerts, "HighErrorRate")]),
        deed(Stops, []),
        does(acknowledge, [Chat(None, In::Alerts, "Bob (Discord)")]),
        deed(Stops, []),
        does(Does::Tells { firing: false }, [Chat(None, In::Alerts, "resolved after")]),
        deed(Stops, []),
    ];
    Workflow { name: "an alert", muster: "", deeds }
}

/// So many alerts that the last of them are held back; one of those is taken.
fn storm() -> Workflow {
    let fired = ["Probe1", "Probe2", "Probe3", "Probe4", "Probe5", "Probe6", "Probe7", "Probe8"];
    let takes = Does::Types(Slack, "ann", In::Alerts, "/alert ack A-7");
    let deeds = vec![
        deed(
            Alerts(const { &["Probe1", "Probe2", "Probe3", "Probe4", "Probe5", "Probe6", "Probe7", "Probe8"] }),
            [Chat(None, In::Alerts, "Probe5"), Chat(None, In::Alerts, "Alert storm since")],
        ),
        does(takes, [Chat(None, In::Alerts, fired[6])]),
    ];
    Workflow { name: "a storm", muster: "[alerts]\nstorm_at = 5\n", deeds }
}

/// Incidents that are declared in forms, one on each chat.
fn forms() -> Workflow {
    let values = |title| -> &'static [(&'static str, &'static str)] {
        match title {
            true => &[("title", "Search is slow"), ("severity", "SEV2")],
            false => &[("title", "Carts are empty"), ("severity", "SEV3")],
        }
    };
    let deeds = vec![
        deed(Alerts(&["SlowSearch"]), [Chat(None, In::Alerts, "SlowSearch")]),
        does(Does::Clicks(Discord, "bob", In::Alerts, "Declare incident"), []),
        does(
            Does::Submits(Discord, "bob", values(true)),
            [
                Chat(None, In::Room, "Search is slow"),
                Chat(None, In::Incidents, "Search is slow"),
                Chat(None, In::Alerts, "INC-1"),
            ],
        ),
        deed(Alerts(&["EmptyCarts"]), [Chat(None, In::Alerts, "EmptyCarts")]),
        does(Does::Clicks(Slack, "ann", In::Alerts, "Declare incident"), []),
        does(
            Does::Submits(Slack, "ann", values(false)),
            [Chat(None, In::Incidents, "Carts are empty"), Chat(None, In::Alerts, "INC-2")],
        ),
    ];
    Workflow { name: "forms", muster: "", deeds }
}

/// Messages that are pinned and marked into the timeline, one on each chat.
fn marks() -> Workflow {
    let (one, other) = ("The cache is cold", "It began after the deploy");
    let deeds = vec![
        does(
            Does::Types(Slack, "ann", In::Incidents, "/incident declare Search is slow"),
            [Chat(None, In::Room, "Search is slow"), Chat(None, In::Incidents, "Search is slow")],
        ),
        does(Does::Types(Slack, "ann", In::Room, one), [Chat(Some(Slack), In::Room, one)]),
        does(Does::Pins(Slack, "ann", In::Room, one), [Chat(Some(Discord), In::Room, one)]),
        does(Does::Types(Discord, "bob", In::Room, other), [Chat(Some(Discord), In::Room, other)]),
        does(Does::Marks(Discord, "bob", In::Room, other), [Chat(Some(Slack), In::Room, other)]),
    ];
    Workflow { name: "marks", muster: "", deeds }
}

/// A page that is published, edited by a person, and published again.
fn page() -> Workflow {
    let note = |words| Does::Types(Discord, "bob", In::Room, words);
    let publish = || Does::Types(Slack, "ann", In::Room, "/incident postmortem");
    let deeds = vec![
        does(
            Does::Types(Slack, "ann", In::Incidents, "/incident declare Search is slow"),
            [Chat(None, In::Room, "Search is slow"), Chat(None, In::Incidents, "Search is slow")],
        ),
        does(note("/incident note The first thing"), [Chat(None, In::Room, "The first thing")]),
        does(publish(), [Page("The first thing"), Chat(None, In::Room, "The postmortem is written")]),
        deed(Edits("In the words of Ann: the deploy was rushed."), [Page("the deploy was rushed")]),
        does(note("/incident note One more thing"), [Chat(None, In::Room, "One more thing")]),
        does(publish(), [Page("One more thing"), Page("the deploy was rushed")]),
    ];
    Workflow { name: "a page", muster: "", deeds }
}
