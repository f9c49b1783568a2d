//! What an operator writes, right and wrong, and that every key is documented.

use operations::policy::Gate;

use super::*;

/// Variables named `SET_…` are there; Slack's tokens and addresses look as they should.
fn env(name: &str) -> Option<String> {
    let prefix = match name {
        "SET_APP" | "SLACK_APP_TOKEN" => "xapp-",
        "SET_BOT" | "SLACK_BOT_TOKEN" => "xoxb-",
        "HEARTBEAT_URL" => "https://",
        "SET_NO_HOST" => return Some("https:".to_owned()),
        "SET_EMPTY" => return Some(" \n".to_owned()),
        "SET_BLANK" => return Some("Bot very-hidden".to_owned()),
        _ => "",
    };
    (!name.starts_with("NOT_")).then(|| format!("{prefix}very-hidden"))
}

fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        std::fs::write(path, text).expect("a file");
    }
    directory
}

fn with(files: &[(&str, &str)]) -> Result<Config, String> {
    let directory = written(files);
    load(directory.path(), &env).map_err(|problems| problems.to_string())
}

fn muster(text: &str) -> Result<Config, String> {
    with(&[("muster.toml", text)])
}

#[track_caller]
fn assert_told(told: &str, lines: &[&str]) {
    for line in lines {
        assert!(told.contains(line), "{line} is missing in:\n{told}");
    }
    assert!(!told.contains("hidden"), "a value was repeated in:\n{told}");
}

const GOOD: &str = r#"
[slack]
app_token = { env = "SET_APP" }
bot_token = { env = "SET_BOT" }
[discord]
bot_token = { env = "SET_DISCORD" }
guild = "112233445566778899"
[channels]
alerts = { slack = "C01ALERTS", discord = "998877665544332211" }
incidents = { slack = "C01INC", discord = "998877665544332212" }
[hooks.alertmanager]
bearer = [{ env = "SET_ONE" }, { env = "SET_TWO" }]
[hooks.second]
kind = "alertmanager"
bearer = { env = "SET_ONE" }
max_body = 2_048
body_timeout = "1m 30s"
[http]
max_connections = 512
head_timeout = "2s"
idle_timeout = "5m"
body_memory = 1_048_576
[incidents]
ask_again_after = "never"
update_every = { SEV1 = "15m", SEV2 = "never" }
"#;

#[test]
fn what_is_right_is_taken() {
    let people = "[people.ann]\nname = \"Ann\"\nslack = \"T01/U0ANN\"\ndiscord = \"112233445566778800\"\n";
    let config = with(&[("muster.toml", GOOD), ("people.toml", people)]).expect("it is right");
    assert_eq!((config.hooks["alertmanager"].bearer.len(), config.hooks["second"].max_body), (2, 2048));
    assert_eq!((config.ask_again_after, config.update_every.len()), (None, 1));
    assert_eq!(config.hooks["second"].body_timeout, Duration::from_secs(90));
    assert_eq!(config.hooks["alertmanager"].body_timeout, Duration::from_secs(10));
    let Http { max_connections, head_timeout, idle_timeout, body_memory, .. } = config.http;
    assert_eq!((head_timeout, idle_timeout), (Duration::from_secs(2), Duration::from_secs(300)));
    assert_eq!((max_connections, body_memory), (512, 1 << 20));
    assert_eq!(config.warnings, vec![]);
    let workspaces = [(Platform::Slack, "T01".to_owned()), (Platform::Discord, "112233445566778899".to_owned())].into();
    let settings = config.settings(&workspaces);
    assert_eq!(settings.chats[&Platform::Slack].alerts.as_str(), "C01ALERTS");
    assert_eq!(settings.people[0].accounts.len(), 2);
    assert_eq!(settings.people[0].accounts[1].workspace, "112233445566778899");
    assert_eq!(settings.public_url, "http://127.0.0.1:8080");
    assert!(!format!("{config:?}").contains("hidden"), "a secret is never shown");
}

#[test]
fn nothing_has_to_be_connected() {
    let config = muster("").expect("an empty file is right");
    assert!(config.slack.is_none() && config.discord.is_none() && config.hooks.is_empty());
    assert_eq!(config.ask_again_after, Some(Duration::from_secs(1800)));
}

#[test]
fn there_is_room_for_the_largest_body() {
    let hook = "[hooks.alertmanager]\nbearer = { env = \"SET_ONE\" }\n";
    let memory = |text: &str| muster(text).map(|config| config.http.body_memory);
    assert_eq!(memory(""), Ok(8 << 20));
    assert_eq!(memory(hook), Ok(8 << 20));
    assert_eq!(memory(&format!("{hook}max_body = 67108864\n")), Ok(128 << 20), "two fit where nothing is said");
    let little = format!("[http]\nbody_memory = 2097152\n{hook}max_body = 4194304\n");
    assert_told(
        &memory(&little).expect_err("it is wrong"),
        &["muster.toml:2:15 http.body_memory: that is too little: a source may send a body of 4194304 bytes"],
    );
}

#[test]
fn limits_of_what_comes_in_have_bounds() {
    let text = r#"
[http]
max_connections = 8
head_timeout = "never"
idle_timeout = "500ms"
body_memory = 1024
[hooks.alertmanager]
bearer = { env = "SET_ONE" }
body_timeout = "1h"
"#;
    assert_told(
        &muster(text).expect_err("it is wrong"),
        &[
            "muster.toml:3:19 http.max_connections: from 16 to 65536 connections",
            "muster.toml:4:16 http.head_timeout: a time from 1 to 60 seconds",
            "muster.toml:5:16 http.idle_timeout: a time from 1 to 3600 seconds",
            "muster.toml:6:15 http.body_memory: from 1048576 to 1073741824 bytes",
            "muster.toml:9:16 hooks.alertmanager.body_timeout: a time from 1 to 300 seconds",
            "5 problems",
        ],
    );
}

#[test]
fn one_file_can_be_named_instead_of_its_directory() {
    let directory = written(&[("other.toml", "data_dir = \"here\"")]);
    let config = load(&directory.path().join("other.toml"), &env).expect("it is right");
    assert_eq!(config.data_dir, directory.path().join("here"));
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let wrong = r#"
data_dri = "x"
[http]
listen = "everywhere-hidden"
public_url = "https://muster.example.com/"
[slack]
app_token = "xapp-hidden"
bot_token = { env = "NOT_SET" }
[discord]
bot_token = { env = "SET_DISCORD", file = "hidden" }
guild = "my hidden server"
api_url = "http://evil.example/"
[channels]
alerts = { slack = "hidden-alerts" }
[hooks.Alert_Manager]
kind = "hidden"
max_body = 1
[wiki.git]
push = "https://ann:hidden@git.example.com/wiki.git"
[incidents]
ask_again_after = "soon, hidden"
update_every = { SEV9 = "1h", sev1 = "1h" }
postmortem_template = "hidden.md"
[links]
hosts = ["https://hidden.example.com/", 7]
"#;
    let people = "[people.ann]\nslack = \"@ann-hidden\"\n";
    let services = "[checkout]\nowner = 7\ndashboard = \"javascript:hidden\"\n";
    let files = [("muster.toml", wrong), ("people.toml", people), ("services.toml", services)];
    let told = with(&files).expect_err("it is wrong");
    assert_told(
        &told,
        &[
            "muster.toml:2:1 data_dri: there is no such key. Did you mean data_dir?",
            "muster.toml:4:10 http.listen: an address and a port",
            "muster.toml:5:14 http.public_url: where browsers reach Muster",
            "muster.toml:7:13 slack.app_token: a secret is never written here",
            "muster.toml:8:13 slack.bot_token: the environment variable NOT_SET is not set",
            "muster.toml:10:13 discord.bot_token: a reference is { env",
            "muster.toml:11:9 discord.guild: a Discord id",
            "muster.toml:12:11 discord.api_url: an https address",
            "muster.toml:14:20 channels.alerts.slack: a Slack id",
            "channels.alerts.discord: it is missing: Discord is connected",
            "channels.incidents: it is missing",
            "hooks.Alert_Manager: a source's name",
            "hooks.Alert_Manager.kind: there is no such kind",
            "hooks.Alert_Manager.max_body: from 1024",
            "hooks.Alert_Manager.bearer: it is missing",
            "wiki.git.push: a secret is never written here",
            "muster.toml:21:19 incidents.ask_again_after: a time",
            "incidents.update_every.SEV9: a severity",
            "incidents.update_every.sev1: a severity",
            "incidents.postmortem_template: there is no such file",
            "muster.toml:25:10 links.hosts: a host's name alone",
            "muster.toml:25:41 links.hosts: a string is wanted here, not this number",
            "people.toml:2:9 people.ann.slack: the workspace and the person",
            "services.toml:2:9 checkout.owner: a string is wanted",
            "services.toml:3:13 checkout.dashboard: an address",
            "25 problems in the configuration",
        ],
    );
    let lines: Vec<&str> = told.lines().collect();
    let files: Vec<&str> = lines.iter().filter_map(|line| line.split_once(".toml").map(|it| it.0)).collect();
    assert!(files.is_sorted(), "{told}");
}

#[test]
fn checkpoints_go_where_they_are_said_to_go() {
    let text = "[discord]\nbot_token = { env = \"SET_DISCORD\" }\nguild = \"112233445566778899\"\n[channels]\nalerts = { discord = \"998877665544332211\" }\nincidents = { discord = \"998877665544332211\" }\n";
    let config = muster(text).expect("it is right");
    assert_eq!(config.ledgers(), [], "nowhere else, unless it is said");
    let to =
        "[journal]\ncheckpoint_to = { discord = \"998877665544332214\", slack = \"C01\" }\ncheckpoint_wiki = true\n";
    let config = muster(&(text.to_owned() + to)).expect("it is right");
    let channel = ChannelId::from("998877665544332214".to_owned());
    assert_eq!(config.ledgers(), [Ledger::Chat(Platform::Discord, channel), Ledger::Wiki]);
    let told: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|it| it.contains("checkpoint_to.slack: it is not used")), "{told:?}");
    assert!(told.iter().any(|it| it.contains("checkpoint_wiki: without [wiki.git] push")), "{told:?}");
    let told = muster(&(text.to_owned() + "[journal]\ncheckpoint_wiki = \"hidden\"\n")).expect_err("it is wrong");
    assert_told(&told, &["journal.checkpoint_wiki: true or false is wanted here, not a string"]);
}

#[test]
fn a_secret_that_can_not_be_right_is_told_without_repeating_it() {
    let text = r#"
[slack]
app_token = { env = "SET_BOT" }
bot_token = { env = "xoxb-hidden" }
[discord]
bot_token = { env = "SET_BLANK" }
guild = "112233445566778899"
[hooks.alertmanager]
bearer = [{ file = "hidden" }, { env = "SET_EMPTY" }, { file = "." }]
[hooks.none]
kind = "alertmanager"
bearer = []
"#;
    let told = muster(text).expect_err("it is wrong");
    assert_told(
        &told,
        &[
            "slack.app_token: that is another kind of token. Slack's app-level token begins with xapp-",
            "slack.bot_token: the name of an environment variable is wanted",
            "discord.bot_token: that has blanks",
            "muster.toml:9:10 hooks.alertmanager.bearer: one or two are wanted",
            "muster.toml:9:11 hooks.alertmanager.bearer: that file can't be read",
            "muster.toml:9:32 hooks.alertmanager.bearer: that is empty",
            "muster.toml:9:55 hooks.alertmanager.bearer: that is not a file",
            "hooks.none.bearer: one or two are wanted",
        ],
    );
}

#[test]
fn a_heartbeat_needs_a_whole_address() {
    let beat = |name: &str| muster(&format!("[heartbeat]\nurl = {{ env = \"{name}\" }}\n"));
    assert!(beat("HEARTBEAT_URL").is_ok_and(|config| config.heartbeat.is_some()));
    let never = muster("[heartbeat]\nurl = { env = \"HEARTBEAT_URL\" }\nevery = \"never\"\n");
    assert_told(&never.expect_err("leave it out instead"), &["heartbeat.every: a time from 10 to 86400 seconds"]);
    for wrong in ["SET_ONE", "SET_APP", "SET_NO_HOST"] {
        assert_told(&beat(wrong).expect_err("it is no address"), &["heartbeat.url: that is no address of the web"]);
    }
}

#[test]
fn nothing_takes_its_own_place() {
    let twice = GOOD.replace("[channels]\n", "[channels]\nfallback = { slack = \"C01ALERTS\" }\n");
    assert_told(
        &muster(&twice).expect_err("it is wrong"),
        &["channels.fallback.slack: that is the alerts' own channel"],
    );
}

#[cfg(unix)]
#[test]
fn a_secret_in_a_file_is_read_and_open_files_are_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let directory = written(&[
        ("muster.toml", "[hooks.alertmanager]\nbearer = { file = \"token\" }\n"),
        ("token", "very-hidden\n"),
    ]);
    let token = directory.path().join("token");
    let loaded = |mode: u32| {
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        load(directory.path(), &env).expect("it is right")
    };
    let config = loaded(0o640);
    assert_eq!(config.hooks["alertmanager"].bearer[0].expose(), "very-hidden");
    assert!(config.warnings[0].what.contains("chmod 600"), "{:?}", config.warnings);
    assert!(loaded(0o600).warnings.is_empty());
}

#[test]
fn teams_and_roles_are_of_people_that_there_are() {
    let people = "[people.ann]\nslack = \"T01/U0ANN\"\n[people.bo]\nslack = \"T01/U0BO\"\nactive = false\n\
                  [teams.payments]\nmembers = [\"ann\"]\n[roles]\nlead = [\"team:payments\", \"bo\"]\n";
    let config = with(&[("muster.toml", ""), ("people.toml", people)]).expect("it is right");
    let settings = config.settings(&BTreeMap::new());
    let leads: Vec<&str> = settings.with_role("lead").map(|person| person.key.as_str()).collect();
    assert_eq!((leads, settings.people[1].active), (vec!["ann", "bo"], false));
    let wrong = "[people.ann]\nslack = \"T01/U0ANN\"\nactive = \"no\"\n[teams.payments]\nmembers = [\"cy\"]\n\
                 [roles]\nlead = [\"team:search\", \"cy\", 7]\n";
    let told = with(&[("muster.toml", ""), ("people.toml", wrong)]).expect_err("it is wrong");
    assert_told(
        &told,
        &[
            "people.toml:3:10 people.ann.active: true or false is wanted here, not a string",
            "people.toml:5:12 teams.payments.members: there is nobody with that key",
            "people.toml:7:9 roles.lead: there is no such team",
            "people.toml:7:24 roles.lead: there is nobody with that key",
            "people.toml:7:30 roles.lead: a string is wanted here, not this number",
        ],
    );
}

#[test]
fn rules_are_read_and_what_is_wrong_with_them_is_told_with_its_place() {
    let own = "@id(\"all\") @reason(\"All.\")\npermit (principal, action, resource);\n";
    let config = with(&[("muster.toml", "[policy]\ntime_zone = \"Europe/Berlin\"\n"), ("policies/a.cedar", own)]);
    let config = config.expect("it is right");
    assert_eq!((config.policies.count(), config.time_zone.is_some()), (1, true));
    let shipped = muster("").expect("it is right").policies.version().to_owned();
    assert_ne!(config.policies.version(), shipped);
    let wrong = "@id(\"all\") @reason(\"All.\")\npermit (principal, action == Action::\"wrok\", resource);\n";
    let files = [("muster.toml", "[policy]\ntime_zone = \"Mars\"\n"), ("policies/b.cedar", wrong)];
    let told = with(&files).expect_err("it is wrong");
    assert_told(&told, &["policies/b.cedar:2:", "wrok", "muster.toml:2:13 policy.time_zone: the name of a time zone"]);
}

#[test]
fn an_account_belongs_to_one_person() {
    let people = "[people.ann]\nslack = \"T01/U0ANN\"\n[people.bob]\nslack = \"T01/U0ANN\"\n";
    let told = with(&[("muster.toml", ""), ("people.toml", people)]).expect_err("it is wrong");
    assert_told(&told, &["people.toml:3:9 people.bob: this Slack account is ann's already"]);
    let people = "[people.ann]\ndiscord = \"112233445566778800\"\n[people.bob]\ndiscord = \"112233445566778800\"\n";
    let told = with(&[("muster.toml", ""), ("people.toml", people)]).expect_err("even where Discord is off");
    assert_told(&told, &["this Discord account is ann's already"]);
}

#[test]
fn what_is_odd_is_a_warning() {
    let text = "[channels]\nalerts = { slack = \"C01ALERTS\" }\n";
    let people = "[people.ann]\nname = \"Ann\"\n[people.bob]\ndiscord = \"112233445566778800\"\n";
    let config = with(&[("muster.toml", text), ("people.toml", people)]).expect("it is only odd");
    let told: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("channels.alerts.slack: it is not used"), "{told:?}");
    assert!(told[1].contains("people.ann: nobody is recognised as them"), "{told:?}");
    assert_eq!((told.len(), config.channels.len(), config.people[1].accounts.len()), (2, 0, 0));
}

#[test]
fn what_is_no_toml_is_told_alone_and_without_the_line() {
    for text in
        ["[slack]\nbot_token = xoxb-hidden\n", "[slack]\nbot_token = \"xoxb-hidden\n", "[slack\nbot_token = 1\n"]
    {
        let told = muster(text).expect_err("it is wrong");
        assert_told(&told, &["muster.toml:", ": this is not TOML: "]);
        assert!(!told.contains("missing"), "what follows from it is not told: {told}");
    }
    let directory = written(&[]);
    std::fs::write(directory.path().join("muster.toml"), b"\xff\xfe").expect("a file");
    assert!(load(directory.path(), &env).is_err());
}

#[test]
fn a_key_can_not_steer_a_terminal() {
    let told = muster("\"\\u001b[2J\" = 1\n").expect_err("it is wrong");
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_push_is_never_an_option_or_a_program() {
    for remote in ["--upload-pack=x", "ext::sh -c x", "https://token@git.example.com/x", "a b"] {
        assert!(muster(&format!("[wiki.git]\npush = \"{remote}\"\n")).is_err(), "{remote}");
    }
    for remote in
        ["git@github.com:acme/x.git", "ssh://git@git.example.com/x", "https://git.example.com/x", "/srv/x.git"]
    {
        muster(&format!("[wiki.git]\npush = \"{remote}\"\n")).expect(remote);
    }
}

#[test]
fn an_api_is_reached_over_tls_or_on_this_machine() {
    let with = |url: &str| {
        muster(&format!(
            "[slack]\napp_token = {{ env = \"SET_APP\" }}\nbot_token = {{ env = \"SET_BOT\" }}\napi_url = \"{url}\"\n[channels]\nalerts = {{ slack = \"C01\" }}\nincidents = {{ slack = \"C01\" }}\n"
        ))
    };
    for url in ["http://127.0.0.1:1/api/", "http://[::1]:1", "http://localhost", "https://slack.example.com/api"] {
        let config = with(url).expect(url);
        assert_eq!(config.slack.and_then(|it| it.api_url).as_deref(), Some(url.trim_end_matches('/')));
    }
    for url in
        ["http://127.0.0.1.evil.example", "http://localhost@evil.example", "ftp://127.0.0.1", "https://u:p@x", "x"]
    {
        assert!(with(url).is_err(), "{url}");
    }
}

/// The shipped example with every key that is commented out turned on.
fn whole_example() -> tempfile::TempDir {
    let files = crate::cli::init::FILES.map(|(name, text)| {
        let line = |line: &str| match line.strip_prefix("# ") {
            Some(rest)
                if rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| key.chars().all(|c| c == '_' || c.is_ascii_lowercase()))
                    || (rest.starts_with('[') && rest.ends_with(']')) =>
            {
                rest.to_owned()
            }
            _ => line.to_owned(),
        };
        (name, text.lines().map(line).collect::<Vec<_>>().join("\n"))
    });
    let directory = written(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    std::fs::write(directory.path().join("postmortem.md"), "").expect("a file");
    directory
}

#[test]
fn what_deploys_a_service_is_read_with_what_differs_between_its_environments() {
    let muster = "[pipelines.github]\ntoken = { env = \"SET_ONE\" }\nwebhook_secret = { env = \"SET_TWO\" }\n";
    let services = r#"
[checkout]
pipeline = { on = "github", repository = "acme/checkout", workflow = "deploy.yml" }
parameters = { region = ["eu", "us"] }
verify = { alert = "*", within = "3m" }
[checkout.environments.staging]
[checkout.environments.production]
approval = 2
order_after = "staging"
pipeline = { workflow = "deploy-production.yml" }
parameters = { region = ["eu"] }
on_alert = { then = "rollback" }
"#;
    let config = with(&[("muster.toml", muster), ("services.toml", services)]).expect("it is right");
    let [staging, production] = config.services[0].environments.as_slice() else { panic!("two environments") };
    assert_eq!((staging.approvals, staging.production, &staging.order_after), (0, false, &None));
    assert_eq!((production.approvals, production.production), (2, true));
    assert_eq!(production.order_after.as_deref(), Some("staging"));
    assert_eq!((staging.parameters["region"].len(), production.parameters["region"].len()), (2, 1));
    assert!(staging.on_alert.is_none() && production.on_alert.is_some_and(|it| it.roll_back));
    assert!(production.verify.is_some() && staging.verify.is_some(), "the service's holds for both");
    assert_eq!(config.pipelines.len(), 2);
    assert!(!format!("{config:?}").contains("hidden"), "a secret is never shown");
}

#[test]
fn what_can_not_deploy_is_told_with_its_line() {
    let muster = r#"
[pipelines.ci]
kind = "jenkins"
url = "https://ci.example.com"
user = "muster"
token = { env = "SET_ONE" }
webhook_secret = { env = "SET_TWO" }
[pipelines.other]
kind = "teamcity"
[changes.mail]
"#;
    let services = r#"
[checkout]
pipeline = { on = "nowhere", job = "checkout" }
environments = { staging = { order_after = "prod" }, production = { approval = 10 } }
[search]
pipeline = { on = "ci", workflow = "deploy.yml" }
environments = { staging = {} }
[mail]
pipeline = { on = "ci", job = "mail" }
"#;
    assert_told(
        &with(&[("muster.toml", muster), ("services.toml", services)]).expect_err("it is wrong"),
        &[
            "muster.toml:7:18 pipelines.ci.webhook_secret: what such a service sends can't be believed",
            "muster.toml:9:8 pipelines.other.kind: there is no such kind of pipeline",
            "muster.toml:10:10 changes.mail.kind: there is no such kind",
            "services.toml:3:12 checkout.pipeline: there is no [pipelines.nowhere] in muster.toml; there are: ci",
            "services.toml:4:44 checkout.environments.staging.order_after: the name of another environment",
            "checkout.environments.production.approval: from 0 to 9 approvals",
            "services.toml:6:12 search.pipeline: unknown field `workflow`",
            "mail.environments: it is missing",
            // What is wrong at the service is told once, not for each of its environments.
            "8 problems",
        ],
    );
}

#[test]
fn what_is_wrong_with_a_connection_is_told_once() {
    let muster = "[pipelines.ci]\nkind = \"jenkins\"\nurl = \"https://ci.example.com\"\nuser = \"muster\"\n\
                  token = { env = \"NOT_SET\" }\n";
    let services = "[checkout]\nowner = \"payments\"\npipeline = { on = \"ci\", job = \"checkout\" }\n\
                    environments = { staging = { approval = -1 } }\n";
    let told = with(&[("muster.toml", muster), ("services.toml", services)]).expect_err("it is wrong");
    assert_told(&told, &["NOT_SET", "approval: a whole number is wanted here, not one below 0", "2 problems"]);
}

#[test]
fn an_owner_that_is_no_team_is_warned_of() {
    let people = "[people.ann]\nname = \"Ann\"\nslack = \"T01ABC/U01ABC\"\n";
    let config =
        with(&[("muster.toml", ""), ("services.toml", "[checkout]\nowner = \"payments\"\n"), ("people.toml", people)]);
    let warnings = config.expect("it is allowed").warnings;
    assert!(warnings.iter().any(|it| it.to_string().contains("there is no team payments")), "{warnings:?}");
}

#[test]
fn what_nobody_could_deploy_or_say_is_told() {
    let muster = "[pipelines.ci]\nkind = \"jenkins\"\nurl = \"https://ci.example.com\"\nuser = \"muster\"\n\
                  token = { env = \"SET_ONE\" }\n";
    let services = "[checkout]\npipeline = { on = \"ci\", job = \"checkout\" }\nparameters = { tag = [\"big\"] }\n\
                    environments = { a = { order_after = \"b\" }, b = { order_after = \"c\" }, c = { order_after = \"a\" } }\n";
    assert_told(
        &with(&[("muster.toml", muster), ("services.toml", services)]).expect_err("it is wrong"),
        &[
            "parameters.tag: `tag=…` means something else in a deploy",
            "order_after: a comes after c itself",
            "2 problems",
        ],
    );
}

#[test]
fn every_key_stands_in_the_example_and_in_the_documentation() {
    let directory = whole_example();
    let mut found = Findings::default();
    let config = read(directory.path(), &env, &mut found).expect("it is there");
    let wrong: Vec<String> = found.problems.iter().filter(|it| !it.is_warning).map(ToString::to_string).collect();
    assert_eq!(wrong, Vec::<String>::new());
    // Had a key of the example not been read, its value would still be the default.
    assert!(config.postmortem_template.is_some() && config.wiki.push.is_some() && !config.link_hosts.is_empty());
    let is_section = |(file, key): &&(&str, String)| {
        found.keys.iter().any(|(other, below)| other == file && below.starts_with(&format!("{key}.")))
    };
    let known: Vec<String> =
        found.keys.iter().filter(|key| !is_section(key)).map(|(file, key)| format!("{file} {key}")).collect();
    let mut documented = documented(include_str!("../../../docs/configuration.md"));
    documented.sort();
    assert_eq!(documented, known);
}

/// The keys in the first columns of the tables, below the heading that names their file.
fn documented(page: &str) -> Vec<String> {
    let mut file = "";
    let mut keys = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            file = heading.trim_matches('`');
        } else if !file.ends_with(".toml") {
            // Other tables hold no keys.
        } else if let Some((key, _)) = line.strip_prefix("| `").and_then(|row| row.split_once('`')) {
            let part = |part: &str| {
                if part.chars().all(|c| c.is_ascii_uppercase()) { "*".to_owned() } else { part.to_owned() }
            };
            keys.push(format!("{file} {}", key.split('.').map(part).collect::<Vec<_>>().join(".")));
        }
    }
    keys
}
