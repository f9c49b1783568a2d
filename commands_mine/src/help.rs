//! What can be done, here and now. Made from the [`crate::spec`], so it can't disagree with it.

use operations::card::{Card, Colour};
use operations::chat::CommandSpec;
use operations::command::Topic;
use operations::ids::IncidentId;
use operations::incident::Status;
use operations::state::State;
use operations::text::Text;

use crate::spec::spec;

/// Help about a topic, in the room of an incident or elsewhere.
#[must_use]
pub fn card(state: &State, topic: Topic, here: Option<IncidentId>) -> Card {
    let it = here.and_then(|id| state.incidents.get(&id));
    match topic {
        Topic::All => spec().iter().fold(headed("Everything that Muster knows"), lines),
        Topic::Alert => spec().iter().filter(|it| it.name != "muster" && it.name != "incident").fold(headed("Alerts"), lines),
        Topic::Here | Topic::Incident => match it.map(|it| (it.id, it.status)) {
            None => some("What you can do here", &ELSEWHERE),
            Some((id, Status::Resolved)) => some(&format!("What you can do in the room of {id}"), &RESOLVED),
            Some((id, Status::Investigating | Status::Mitigated)) => {
                some(&format!("What you can do in the room of {id}"), &OPEN)
            }
        },
    }
}

/// Six lines for each place.
const ELSEWHERE: [(&str, &str); 6] = [
    ("/incident declare", "declare an incident; a form opens"),
    ("/incident declare Checkout is failing sev:SEV2", "the same in one line"),
    ("/incident list", "the open ones, with their rooms"),
    ("/alert list", "what fires, and who takes care of it"),
    ("/ack A-1", "take care of an alert"),
    ("/muster help all", "everything"),
];

const OPEN: [(&str, &str); 6] = [
    ("/incident update", "tell where things stand, to everybody"),
    ("/incident note …", "write something down; or pin a message, or react with 📌"),
    ("/incident role commander me", "take a role, or give it to @someone"),
    ("/incident sev SEV1", "change the severity"),
    ("/incident mitigate · /incident resolve", "it no longer hurts · it is over"),
    ("/incident timeline", "what happened so far"),
];

const RESOLVED: [(&str, &str); 6] = [
    ("/incident postmortem", "write the postmortem, or refresh it"),
    ("/incident action …", "add an action item"),
    ("/incident note …", "add to the timeline"),
    ("/incident timeline", "what happened"),
    ("/incident reopen", "it is not over after all"),
    ("/muster help all", "everything"),
];

fn headed(title: &str) -> Card {
    Card::coloured(Colour::Waiting, Text::new().bold(title))
}

fn some(title: &str, lines: &[(&str, &str)]) -> Card {
    lines.iter().fold(headed(title), |card, (code, about)| {
        card.with(Text::new().code(*code).plain(format!(" {about}")))
    })
}

fn lines(mut card: Card, command: &CommandSpec) -> Card {
    if command.subcommands.is_empty() {
        return card.with(Text::new().code(format!("/{}", command.name)).plain(format!(" {}", command.about)));
    }
    for subcommand in &command.subcommands {
        let mut code = format!("/{} {}", command.name, subcommand.name);
        for option in &subcommand.options {
            code.push_str(&if option.required { format!(" {}", option.name) } else { format!(" [{}]", option.name) });
        }
        card = card.with(Text::new().code(code).plain(format!(" {}", subcommand.about)));
    }
    card
}
