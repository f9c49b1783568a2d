//! The commands as the platforms are told of them. What stands here and what the grammar
//! reads is the same: a test walks through every subcommand and option.

use operations::chat::{CommandSpec, OptionSpec, SubcommandSpec, Takes};
use operations::incident::{Role, Severity};

/// All commands.
#[must_use]
pub fn spec() -> Vec<CommandSpec> {
    let mut all = vec![incident(), alert(), ack(), muster()];
    all.extend(deploys());
    all
}

/// How a subcommand is typed: `/incident sev [SEV1|SEV2|SEV3|SEV4] [INC-1]`.
///
/// `here` leaves out what need not be said in an incident's room.
#[must_use]
pub fn usage(command: &str, subcommand: Option<&SubcommandSpec>, options: &[OptionSpec], here: bool) -> String {
    let mut line = format!("/{command}");
    if let Some(subcommand) = subcommand {
        line.push(' ');
        line.push_str(subcommand.name);
    }
    let shown = options.iter().filter(|option| !(here && option.takes == Takes::Incident));
    for (index, option) in shown.enumerate() {
        // Behind free words an option needs its name, or it would be one of the words.
        let named = index > 0 && options[0].takes == Takes::Text && option.takes != Takes::Incident;
        let example = match &option.takes {
            // A flag: `--dry-run`.
            Takes::Choice(choices) if choices.as_slice() == [("yes", "yes")] => {
                line.push_str(&format!(" [--{}]", option.name));
                continue;
            }
            Takes::Text if named => "…".to_owned(),
            Takes::Text => format!("{}…", option.name),
            Takes::Choice(choices) if named => choices.first().map_or("", |(_, value)| *value).to_owned(),
            Takes::Choice(choices) => choices.iter().map(|(_, value)| *value).collect::<Vec<_>>().join("|"),
            Takes::User => "@someone|me|nobody".to_owned(),
            Takes::Incident => "INC-1".to_owned(),
            Takes::Alert => "A-1".to_owned(),
            Takes::Service => "checkout".to_owned(),
            Takes::Environment if option.name == "from" => "staging".to_owned(),
            Takes::Environment => "production".to_owned(),
            Takes::Deploy => "D-1".to_owned(),
        };
        let example = if named { format!("{}:{example}", option.name) } else { example };
        line.push_str(&if option.required { format!(" {example}") } else { format!(" [{example}]") });
    }
    line
}

fn incident() -> CommandSpec {
    let which = || optional("incident", "Which incident; in its room it can be left out", Takes::Incident);
    let text = |about| optional("text", about, Takes::Text);
    let roles = Takes::Choice(Role::ALL.into_iter().map(|it| (it.title(), it.key())).collect());
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
            "List the open incidents, or all",
            vec![optional("which", "Which ones", Takes::Choice(vec![("open", "open"), ("all", "all")]))],
        ),
        sub("show", "Show an incident", vec![which()]),
        sub("sev", "Change the severity", vec![optional("severity", "How bad it is", severities()), which()]),
        sub(
            "role",
            "Take a role, or give it to somebody",
            vec![
                optional("role", "Which role", roles),
                optional("who", "Who gets it; you, where nobody is said", Takes::User),
                which(),
            ],
        ),
        sub(
            "note",
            "Write something down; or pin a message, or react with 📌",
            vec![text("What you see, or did"), which()],
        ),
        sub("update", "Tell everybody where things stand", vec![text("What is known, done and needed"), which()]),
        sub(
            "action",
            "Add an action item for afterwards",
            vec![required("text", "What is to be done", Takes::Text), which()],
        ),
        sub("mitigate", "It no longer hurts", vec![text("What was done"), which()]),
        sub("resolve", "It is over", vec![text("How"), which()]),
        sub("reopen", "It is not over after all", vec![text("Why"), which()]),
        sub("timeline", "Show what happened so far", vec![which()]),
        sub("postmortem", "Write the postmortem, or refresh it", vec![which()]),
        sub("help", "What can be done here and now", vec![]),
    ];
    CommandSpec { name: "incident", about: "Declare and work incidents", subcommands, options: vec![] }
}

fn alert() -> CommandSpec {
    let which = || vec![optional("alert", WHICH_ALERT, Takes::Alert)];
    let subcommands = vec![
        sub("list", "List the alerts that fire, and who takes care of them", vec![]),
        sub("show", "Show an alert, and why it is as it is", which()),
        sub("ack", "Take care of an alert", which()),
        sub("unack", "Don't take care of an alert any more", which()),
        sub("takeover", "Take an alert over from somebody", which()),
        sub("help", "What can be done with alerts", vec![]),
    ];
    CommandSpec { name: "alert", about: "See and acknowledge alerts", subcommands, options: vec![] }
}

const WHICH_ALERT: &str = "Which alert; where only one can be meant it can be left out";

fn ack() -> CommandSpec {
    let options = vec![optional("alert", WHICH_ALERT, Takes::Alert)];
    CommandSpec { name: "ack", about: "Take care of an alert", subcommands: vec![], options }
}

fn muster() -> CommandSpec {
    let choices = vec![("all", "all"), ("incidents", "incident"), ("alerts", "alert")];
    let which = optional("which", "About what; what can be done here where it isn't said", Takes::Choice(choices));
    let subcommands = vec![
        sub("status", "How Muster itself does: chats, what waits, the disk", vec![]),
        sub("help", "What can be done here and now, or everything", vec![which]),
    ];
    CommandSpec { name: "muster", about: "Ask Muster for help", subcommands, options: vec![] }
}

/// `/deploy` and what belongs to it.
fn deploys() -> Vec<CommandSpec> {
    let service = || required("service", "Which service", Takes::Service);
    let environment = |about| optional("environment", about, Takes::Environment);
    let there = || required("environment", "Which environment", Takes::Environment);
    let deploy = || optional("deploy", "Which deploy; where only one can be meant it can be left out", Takes::Deploy);
    let reason = || optional("reason", "Why", Takes::Text);
    let yes = || Takes::Choice(vec![("yes", "yes")]);
    let flags = || {
        vec![
            reason(),
            optional("dry-run", "Only show the plan", yes()),
            optional("break-glass", "Go through a freeze; say why", yes()),
        ]
    };
    let mut start = vec![
        service(),
        environment("Where to; asked for where it isn't said"),
        optional("ref", "A branch, tag or commit", Takes::Text),
        optional("parameters", "name=value name=value", Takes::Text),
    ];
    start.extend(flags());
    let answers = Takes::Choice(vec![("approve", "approve"), ("reject", "reject")]);
    let gate = vec![
        required("answer", "approve or reject", answers),
        deploy(),
        optional("gate", "Which one, where it waits for several", Takes::Text),
    ];
    let subcommands = vec![
        sub("start", "Deploy a service; or type /deploy checkout to staging", start),
        sub("status", "What is under way, or how one deploy stands", vec![deploy()]),
        sub("history", "What was deployed", vec![optional("service", "Of which service", Takes::Service)]),
        sub("cancel", "Stop a deploy", vec![deploy()]),
        sub("retry", "Try a deploy again that ended badly", vec![deploy()]),
        sub("rollback", "See what a rollback would go back to", vec![service(), there()]),
        sub("ran", "Say that a deploy ran of which nobody knows", vec![deploy()]),
        sub("didnot", "Say that a deploy did not run of which nobody knows", vec![deploy()]),
        sub("look", "Look again for the run of a deploy of which nobody knows", vec![deploy()]),
        sub("gate", "Answer what the pipeline itself waits for", gate),
        sub("help", "What can be done with deploys", vec![]),
    ];
    let command = |name, about, options| CommandSpec { name, about, subcommands: vec![], options };
    let mut back = vec![
        service(),
        environment("Where; asked for where it isn't said"),
        optional("to", "Which release; the last good one where it isn't said", Takes::Text),
    ];
    back.extend(flags());
    let mut promote = vec![
        service(),
        required("from", "Where it runs and does well", Takes::Environment),
        required("to", "Where it is to run", Takes::Environment),
    ];
    promote.extend(flags());
    let ends = || {
        vec![
            optional("for", "For how long: 30m, 2h, 1d", Takes::Text),
            optional("until", "Until when: 18:00", Takes::Text),
        ]
    };
    let mut lock = vec![service(), there()];
    lock.extend(ends());
    lock.push(reason());
    let mut freeze = vec![optional("scope", "production, all, an environment or a service", Takes::Text)];
    freeze.extend(ends());
    freeze.push(reason());
    vec![
        CommandSpec {
            name: "deploy",
            about: "Deploy a service, and see and steer deploys",
            subcommands,
            options: vec![],
        },
        command("rollback", "Go back to the last good release", back),
        command("promote", "Bring what does well in one environment to another", promote),
        command("lock", "Keep an environment for yourself for a while", lock),
        command("unlock", "Let an environment go", vec![service(), there()]),
        command("locks", "What is locked and frozen", vec![]),
        command("freeze", "Hold deploys back", freeze),
        command("unfreeze", "Let deploys go on", vec![optional("freeze", "Which freeze: FREEZE-1", Takes::Text)]),
        command(
            "approve",
            "Approve somebody else's deploy",
            vec![deploy(), optional("plan", "The plan's digits on the card", Takes::Text)],
        ),
        command("deny", "Don't let somebody else's deploy happen", vec![deploy(), reason()]),
        command(
            "changes",
            "What was deployed lately",
            vec![
                optional("service", "Of which service", Takes::Service),
                optional("since", "How far back: 7d", Takes::Text),
            ],
        ),
        command("where", "What runs where, what is queued and locked", vec![service()]),
        command("why", "Why a deploy or an alert is as it is", vec![required("what", "D-1 or A-1", Takes::Text)]),
    ]
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
