//! The commands as the platforms are told of them. What stands here and what the grammar
//! reads is the same: a test walks through every subcommand and option.

use operations::chat::{CommandSpec, OptionSpec, SubcommandSpec, Takes};
use operations::incident::{Role, Severity};

/// All commands.
#[must_use]
pub fn spec() -> Vec<CommandSpec> {
    vec![incident(), alert(), ack(), muster()]
}

fn incident() -> CommandSpec {
    let which = || optional("incident", "Which incident; in its room it can be left out", Takes::Incident);
    let text = |about| optional("text", about, Takes::Text);
    let subcommands = vec![
        sub(
            "declare",
            "Declare an incident; without a title a form opens",
            vec![
                optional("title", "What is wrong", Takes::Text),
                optional("severity", "How bad it is", severities()),
                optional("alert", "The alert that it is about", Takes::Alert),
            ],
        ),
        sub(
            "list",
            "List the open incidents",
            vec![optional("which", "Which ones", Takes::Choice(vec![("open", "open"), ("all", "all")]))],
        ),
        sub("show", "Show an incident", vec![which()]),
        sub("sev", "Set the severity", vec![optional("severity", "How bad it is", severities()), which()]),
        sub(
            "role",
            "Take or give a role",
            vec![
                optional("role", "Which role", Takes::Choice(Role::ALL.into_iter().map(|it| (it.title(), it.key())).collect())),
                optional("who", "Who gets it; you, where nobody is said", Takes::User),
                which(),
            ],
        ),
        sub("note", "Write something down", vec![text("What you see, or did"), which()]),
        sub("update", "Tell where things stand", vec![text("What is known, done and needed"), which()]),
        sub(
            "action",
            "Add an action item for afterwards",
            vec![required("text", "What is to be done", Takes::Text), which()],
        ),
        sub("mitigate", "It no longer hurts", vec![text("What was done"), which()]),
        sub("resolve", "It is over", vec![text("How"), which()]),
        sub("reopen", "It is not over after all", vec![text("Why"), which()]),
        sub("timeline", "Show what happened", vec![which()]),
        sub("postmortem", "Write or refresh the postmortem", vec![which()]),
        sub("help", "What can be done here", vec![]),
    ];
    CommandSpec { name: "incident", about: "Declare and work incidents", subcommands, options: vec![] }
}

fn alert() -> CommandSpec {
    let which = || optional("alert", "Which alert; where only one can be meant it can be left out", Takes::Alert);
    let subcommands = vec![
        sub("list", "List the alerts that fire", vec![]),
        sub("show", "Show an alert, and why it is as it is", vec![which()]),
        sub("ack", "Take care of an alert", vec![which()]),
        sub("unack", "Don't take care of it any more", vec![which()]),
        sub("takeover", "Take an alert over from somebody", vec![which()]),
        sub("help", "What can be done with alerts", vec![]),
    ];
    CommandSpec { name: "alert", about: "See and acknowledge alerts", subcommands, options: vec![] }
}

fn ack() -> CommandSpec {
    let options = vec![optional("alert", "Which alert; where only one can be meant it can be left out", Takes::Alert)];
    CommandSpec { name: "ack", about: "Take care of an alert", subcommands: vec![], options }
}

fn muster() -> CommandSpec {
    let which = optional("which", "How much", Takes::Choice(vec![("here", "here"), ("all", "all")]));
    let subcommands = vec![sub("help", "What can be done here and now", vec![which])];
    CommandSpec { name: "muster", about: "Ask Muster for help", subcommands, options: vec![] }
}

fn severities() -> Takes {
    Takes::Choice(Severity::ALL.into_iter().map(|it| (it.name(), it.name())).collect())
}

fn sub(name: &'static str, about: &'static str, options: Vec<OptionSpec>) -> SubcommandSpec {
    SubcommandSpec { name, about, options }
}

fn optional(name: &'static str, about: &'static str, takes: Takes) -> OptionSpec {
    OptionSpec { name, about, takes, required: false }
}

fn required(name: &'static str, about: &'static str, takes: Takes) -> OptionSpec {
    OptionSpec { name, about, takes, required: true }
}
