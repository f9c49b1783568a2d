//! Playing the story on a demonstration, with or without a page.

use std::path::PathBuf;
use std::time::Duration;

use integrations::clock::{Clock, SystemClock, sleep};
use jiff::SignedDuration;

use super::Demo;
use super::story::{self, Missed, Player, Step, alerts};

/// How long somebody who watches is given between two steps.
const TO_WATCH: Duration = Duration::from_millis(2_500);

impl Demo {
    /// Plays the whole story; `tell` hears of each step that was seen on both chats.
    ///
    /// # Errors
    /// The first step that did not come out as told.
    pub async fn play(&self, slowly: bool, tell: &mut (dyn FnMut(usize, usize, &Step) + Send)) -> Result<(), Missed> {
        let player = self.player();
        let steps = story::steps();
        for (index, step) in steps.iter().enumerate() {
            player.play(step).await?;
            tell(index + 1, steps.len(), step);
            if slowly {
                sleep(&SystemClock, TO_WATCH).await;
            }
        }
        Ok(())
    }

    /// Tells the bot of the story's alerts, as a monitor would.
    pub async fn tell_alerts(&self, firing: bool) {
        let player = self.player();
        let sent = player
            .http
            .post(format!("{}/hooks/alertmanager", player.hooks))
            .bearer_auth(super::HOOK_TOKEN)
            .json(&alerts(firing, self.began))
            .send()
            .await;
        if let Err(error) = sent {
            tracing::warn!(error = %error.without_url(), "The alerts could not be told");
        }
    }

    /// Does what the page's buttons ask for, until the page is gone.
    pub async fn follow_buttons(&mut self) {
        while let Some(press) = self.presses.recv().await {
            match press.as_str() {
                "fire" => self.tell_alerts(true).await,
                "resolve" => self.tell_alerts(false).await,
                "story" => {
                    let mut tell = |number: usize, of: usize, step: &Step| tracing::info!("Story {number}/{of}: {}", step.title);
                    if let Err(missed) = self.play(true, &mut tell).await {
                        tracing::warn!("The story stopped: {missed}. It begins with a fresh demo: start `muster demo` again");
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
        let of = |title: &str, view: &serde_json::Value| format!("=== {title}\n{}\n", sandbox::control::transcript(view));
        of("Slack", &self.sandbox.slack.view()) + &of("Discord", &self.sandbox.discord.view())
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

/// Since when the story's alerts fire.
pub(super) fn began() -> jiff::Timestamp {
    SystemClock.now() - SignedDuration::from_mins(4)
}
