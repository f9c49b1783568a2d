//! `muster demo`.

use super::{DemoArgs, Failed, asked_to_stop, out};
use crate::app::StartError;
use crate::demo::{Demo, DemoError, Show};

/// Shows it: with a page, or headless with the story.
pub(super) async fn demo(args: DemoArgs) -> Result<(), Failed> {
    crate::logs::start("warn,bot=info");
    let temporary = match &args.keep {
        Some(_) => None,
        None => Some(tempfile::tempdir()?),
    };
    let directory = match (&args.keep, &temporary) {
        (Some(keep), _) => keep.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Failed::new("there is no directory to work in")),
    };
    let show = match (args.headless, args.story) {
        (false, _) => Show::Page { port: args.port, bot_port: args.bot_port },
        (true, false) => Show::Headless,
        (true, true) => Show::HeadlessStory,
    };
    let mut demo = Demo::start(&directory, show).await.map_err(explained)?;
    if args.headless {
        let done = if args.story { story(&demo).await } else { Ok(()) };
        if !args.story {
            out::line(&format!("Bot: http://{}  Control API: http://{}", demo.app.address, demo.sandbox.control));
            asked_to_stop().await;
        }
        demo.app.stop().await;
        if done.is_ok()
            && let Some(temporary) = temporary
        {
            // The postmortem's path was printed, so it stays.
            let _ = temporary.keep();
        }
        return done;
    }
    out::line(&format!(
        "Open http://{}/ in your browser: a Slack and a Discord, with Muster in both.",
        demo.sandbox.control
    ));
    out::line("Press \"Play the story\" there, or fire an alert and work it yourself. Ctrl-C ends it.");
    if args.story {
        story(&demo).await?;
    }
    tokio::select! {
        () = demo.follow_buttons() => {}
        () = asked_to_stop() => {}
    }
    demo.app.stop().await;
    Ok(())
}

/// A port that is taken is mostly another demo's.
fn explained(error: DemoError) -> Failed {
    let taken = match &error {
        DemoError::Io(error) => error.kind() == std::io::ErrorKind::AddrInUse,
        DemoError::Start(error) => matches!(error, StartError::Listen { .. }),
        DemoError::Config(_) => false,
    };
    let hint = "Is a demo running already? On free ports: muster demo --port 0 --bot-port 0";
    if taken { Failed::new(format!("{error}\n{hint}")) } else { Failed::new(error.to_string()) }
}

/// Plays the story as fast as the chats allow; fails where a step is not seen on both.
async fn story(demo: &Demo) -> Result<(), Failed> {
    demo.play(false, &mut |number, of, step| out::line(&format!("{number:>2}/{of} {}", step.title))).await?;
    out::line("");
    out::line(&demo.transcript());
    match demo.postmortem() {
        Some(path) => out::line(&format!("Postmortem: {}", path.display())),
        None => return Err(Failed::new("the postmortem is not there")),
    }
    Ok(())
}
