//! Playing the story on a demonstration, with or without a page.

use std::path::PathBuf;
use std::time::Duration;

use integrations::clock::{SystemClock, sleep};

use operations::ids::Platform;
use sandbox::{Press, Sandbox};

use super::Demo;
use super::story::{self, Missed, Player, Step, alert_by_hand};

/// How long somebody who watches is given between two steps.
const TO_WATCH: Duration = Duration::from_millis(2_500);

/// How long is waited before it is looked again whether everything was heard.
const LOOK: Duration = Duration::from_millis(5);
/// How often it is looked: after ten seconds the story goes on, and shows what is missing.
const MOST_LOOKS: u32 = 2_000;

impl Demo {
    /// Plays the whole story; `tell` hears of each step that was seen on both chats.
    ///
    /// # Errors
    /// The first step that did not come out as told.
    pub async fn play(&self, slowly: bool, tell: &mut (dyn FnMut(usize, usize, &Step) + Send)) -> Result<(), Missed> {
        let player = self.player();
        let steps = story::steps();
        for (index, step) in steps.iter().enumerate() {
            if let Some(time) = &self.time {
                time.leap_to(step.second).await;
            }
            player.play(step).await?;
            tell(index + 1, steps.len(), step);
            self.rest().await;
            if slowly {
                sleep(&SystemClock, TO_WATCH).await;
            }
        }
        Ok(())
    }

    /// Waits until what follows from a step is done, and heard by the bot in turn: so the story is always told in
    /// the same order, and time never leaps over something that is under way.
    async fn rest(&self) {
        for _ in 0..MOST_LOOKS {
            self.app.at_rest().await;
            let kept = self.app.sockets.get(&Platform::Discord).map_or(u64::MAX, |health| health.borrow().kept);
            if self.sandbox.slack.unacked() == 0 && kept >= self.sandbox.discord.last_seq() {
                return;
            }
            sleep(&SystemClock, LOOK).await;
        }
    }

    /// Tells the bot of an alert, as the command that the page shows does.
    pub async fn tell_alerts(&self, firing: bool) {
        let player = self.player();
        let sent = player
            .http
            .post(format!("{}/hooks/alertmanager", player.hooks))
            .bearer_auth(super::HOOK_TOKEN)
            .json(&alert_by_hand(firing, self.began))
            .send()
            .await;
        if let Err(error) = sent {
            tracing::warn!(error = %error.without_url(), "The alerts could not be told");
        }
    }

    /// Does what the page's buttons ask for, until the page is gone.
    pub async fn follow_buttons(&mut self) {
        while let Some(Press { name, say }) = self.presses.recv().await {
            if name == "story" && self.player().has_begun() {
                // Whoever pressed it may have closed the page.
                let _ = say.send(
                    "The story tells of the first incident, and there is one already. Start `muster demo` again for it"
                        .to_owned(),
                );
                continue;
            }
            drop(say);
            match name.as_str() {
                "fire" => self.tell_alerts(true).await,
                "resolve" => self.tell_alerts(false).await,
                "story" => {
                    let mut tell =
                        |number: usize, of: usize, step: &Step| tracing::info!("Story {number}/{of}: {}", step.title);
                    if let Err(missed) = self.play(true, &mut tell).await {
                        tracing::warn!(
                            "The story stopped: {missed}. It begins with a fresh demo: start `muster demo` again"
                        );
                    }
                }
                _ => {}
            }
        }
    }

    /// Where the postmortem is, once it is written.
    #[must_use]
    pub fn postmortem(&self) -> Option<PathBuf> {
        let folder = self.directory.join("data/wiki/postmortems");
        let pages = std::fs::read_dir(folder).ok()?.flatten().map(|page| page.path());
        pages.into_iter().find(|page| page.file_name().is_some_and(|name| name.to_string_lossy().starts_with("inc-1-")))
    }

    /// What both chats show, as text.
    #[must_use]
    pub fn transcript(&self) -> String {
        transcript(&self.sandbox)
    }

    fn player(&self) -> Player<'_> {
        Player {
            sandbox: &self.sandbox,
            hooks: format!("http://{}", self.app.address),
            http: self.http.clone(),
            began: self.began,
        }
    }
}

/// What both chats of a sandbox show, as text.
#[must_use]
pub fn transcript(sandbox: &Sandbox) -> String {
    let of = |title: &str, view: &serde_json::Value| {
        format!("=== {title}\n{}\n", sandbox::control::transcript(view).trim_end())
    };
    of("Slack", &sandbox.slack.view()) + "\n" + &of("Discord", &sandbox.discord.view())
}
