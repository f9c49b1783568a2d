//! A feature exists on both chats or on none.

use std::collections::BTreeSet;

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_is_known_on_both_chats() {
    let spec = commands::spec::spec();
    let names: BTreeSet<String> = spec.iter().map(|command| command.name.to_owned()).collect();
    let manifest = integrations::chat::slack::manifest::manifest(&spec).to_string();
    for name in &names {
        assert!(manifest.contains(&format!("/{name}\"")), "Slack's manifest lacks /{name}");
    }
    // Discord knows them because the bot told it at its start: everything in the spec can be typed there.
    let world = World::start().await;
    world.discord().user("ann").types("general", "/incident declare Search is slow").await;
    for command in &spec {
        for subcommand in &command.subcommands {
            if subcommand.options.iter().any(|option| option.required) {
                continue;
            }
            let text = format!("/{} {}", command.name, subcommand.name);
            for chat in world.chats() {
                let typed = async {
                    match chat.platform {
                        operations::ids::Platform::Slack => {
                            let id = chat.channel("general").id;
                            world.sandbox.slack.types("ann", &id, &text, None).await.map(|_| ())
                        }
                        operations::ids::Platform::Discord => {
                            let id = chat.channel("general").id;
                            world.sandbox.discord.types("ann", &id, &text).await.map(|_| ())
                        }
                    }
                };
                world
                    .while_working(typed)
                    .await
                    .unwrap_or_else(|why| panic!("{text} on {}: {why}", chat.platform.title()));
                world.settle().await;
            }
        }
    }
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0], "{}", chat.platform.title());
    }
}
