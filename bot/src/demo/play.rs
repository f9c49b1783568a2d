//! Playing the story on a demonstration, with or without a page.

use std::path::PathBuf;
use std::time::Duration;

use integrations::chat::socket::State;
use integrations::clock::{Clock, SystemClock, sleep};

use jiff::SignedDuration;
use operations::ids::Platform;
use sandbox::ci::Fault;
use sandbox::{Press, Sandbox};

use super::story::{self, Does, Missed, Player, Step, alert_by_hand};
use super::{Demo, shop};

/// How long somebody who watches is given between two steps.
const TO_WATCH: Duration = Duration::from_millis(2_500);

/// How long a connection is waited for, in real time.
const CONNECTING: Duration = Duration::from_secs(20);

/// What the page's button has Ann type.
pub(super) const BY_HAND: &str = "/deploy checkout@v143 to staging --reason Prices end in whole cents again";

/// The CI's call that starts a run.
const STARTS: &str = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";

/// Since when alerts fire that follow from something that was just done.
const JUST_NOW: SignedDuration = SignedDuration::from_secs(5);

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
        self.connected().await;
        let mut player = self.player();
        let steps = story::steps();
        for (index, step) in steps.iter().enumerate() {
            if let Some(time) = &self.time {
                time.leap_to(step.second, || self.deploys()).await;
            }
            if let Does::Tells { firing: true } = step.does {
                player.began = match &self.time {
                    Some(_) => story::began(),
                    // What was deployed was deployed a moment ago.
                    None => SystemClock.now() - JUST_NOW,
                };
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

    /// Whether the CI has a run that is not over.
    fn deploys(&self) -> bool {
        let newest = self.sandbox.ci.runs(shop::REPOSITORY).last().copied();
        newest.is_some_and(|run| self.sandbox.ci.run(run).status() != "completed")
    }

    /// Waits until the bot hears both chats: whoever types before gets no answer. Where that takes too long, the story's
    /// first step says so.
    async fn connected(&self) {
        for health in self.app.sockets.values() {
            let mut health = health.clone();
            let up = async { health.wait_for(|health| health.state == State::Connected).await.is_ok() };
            let _ = tokio::time::timeout(CONNECTING, up).await;
        }
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
                "deploy" => self.types_as_ann(BY_HAND).await,
                "lose" => self.sandbox.ci.fault(STARTS, 1, Fault::DropAfterWork),
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

    /// Ann types something in Slack.
    async fn types_as_ann(&self, text: &str) {
        let typed = async {
            let channel = self.sandbox.slack.channel_id("deploys").ok_or("there is no #deploys")?;
            self.sandbox.slack.joins("ann", &channel).await?;
            self.sandbox.slack.types("ann", &channel, text, None).await
        };
        if let Err(why) = typed.await {
            tracing::warn!(why, "Ann could not type that");
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
