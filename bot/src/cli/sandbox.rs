//! `muster sandbox`.

use std::sync::Arc;

use sandbox::{Config, Sandbox};

use super::{Failed, SandboxArgs, asked_to_stop, out};
use crate::demo::shop;

/// Runs a Slack, a Discord and a CI server until asked to stop.
pub(super) async fn sandbox(args: SandboxArgs) -> Result<(), Failed> {
    crate::logs::start("warn");
    let people = args.people.clone();
    let config = Config {
        slack: args.slack,
        discord: args.discord,
        control: args.control,
        time: Arc::new(sandbox::time::SystemTime),
        people: args.people,
        channels: args.channels,
        buttons: Vec::new(),
        presses: None,
        rate_limits: true,
    };
    let sandbox = Sandbox::start_with_ci(config, args.ci).await.map_err(|error| {
        let any = "127.0.0.1:0";
        Failed::new(format!("{error}\nFree ports: --slack {any} --discord {any} --ci {any} --control {any}"))
    })?;
    shop::stock(&sandbox.ci, shop::BY_CLOCK);
    let (slack, discord) = (&sandbox.slack, &sandbox.discord);
    out::line(&format!("Page and control API: http://{}/", sandbox.control));
    out::line("");
    out::line("# For muster.toml (the tokens are the sandbox's own and good for nothing else):");
    out::line(&format!("# export SLACK_APP_TOKEN={} SLACK_BOT_TOKEN={}", slack.app_token(), slack.bot_token()));
    out::line(&format!("# export DISCORD_TOKEN={}", discord.bot_token()));
    out::line(&format!("# export CI_TOKEN={}", sandbox.ci.token()));
    out::line("[slack]\napp_token = { env = \"SLACK_APP_TOKEN\" }\nbot_token = { env = \"SLACK_BOT_TOKEN\" }");
    out::line(&format!("api_url = \"{}\"\n", slack.api_url()));
    out::line("[discord]\nbot_token = { env = \"DISCORD_TOKEN\" }");
    out::line(&format!("guild = \"{}\"\napi_url = \"{}\"\n", discord.guild(), discord.api_url()));
    out::line("[channels]");
    for name in ["alerts", "incidents", "deploys"] {
        if let (Some(slack), Some(discord)) = (slack.channel_id(name), discord.channel_id(name)) {
            out::line(&format!("{name} = {{ slack = \"{slack}\", discord = \"{discord}\" }}"));
        }
    }
    out::line("\n[pipelines.ci]\nkind = \"github\"\ntoken = { env = \"CI_TOKEN\" }");
    out::line(&format!("api_url = \"{}\"\n", sandbox.ci.api_url()));
    out::line("# For services.toml:\n[checkout]");
    out::line(&format!(
        "pipeline = {{ on = \"ci\", repository = \"{}\", workflow = \"deploy.yml\" }}",
        shop::REPOSITORY
    ));
    out::line("environments = { staging = {}, production = { approval = 1 } }");
    out::line("\n# For people.toml:");
    for name in &people {
        if let (Some(slack_user), Some(discord_user)) = (slack.user_id(name), discord.user_id(name)) {
            let team = slack.team();
            out::line(&format!("[people.{name}]\nslack = \"{team}/{slack_user}\"\ndiscord = \"{discord_user}\""));
        }
    }
    // So that production has somebody else who can approve.
    let all = people.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    out::line(&format!("[roles]\ndeployer = [{all}]\napprover = [{all}]"));
    out::line(
        "\nCtrl-C ends it; what was said is gone then. Started again with the same options, it has the same ids and tokens.",
    );
    asked_to_stop().await;
    sandbox.stop().await;
    Ok(())
}
