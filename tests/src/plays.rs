//! The demo's story in a world: each of its steps at its time.

use std::time::Duration;

use bot::demo::story::{self, Player, Step};
use bot::demo::time;
use integrations::clock::Clock;
use jiff::SignedDuration;

use crate::World;

impl World {
    /// Who plays the story's steps. Nobody takes webhooks while the bot doesn't run.
    #[must_use]
    pub fn player(&self) -> Player<'_> {
        let address = self.app.as_ref().map(|app| app.address.to_string()).unwrap_or_default();
        let began = time::beginning() - SignedDuration::from_mins(4);
        Player { sandbox: &self.sandbox, hooks: format!("http://{address}"), http: self.http.clone(), began }
    }

    /// Lets the clock move the CI's runs, as the story needs it.
    pub fn moves_runs_by_the_clock(&self) {
        bot::demo::shop::move_runs(&self.sandbox.ci, bot::demo::shop::BY_CLOCK);
    }

    /// Plays a step of the story at its time, and sees what must be seen after it.
    pub async fn plays(&self, step: &Step) {
        let at = time::beginning() + SignedDuration::from_secs(step.second);
        if let Ok(wait) = Duration::try_from(at.duration_since(self.clock.now())) {
            self.advance(wait).await;
        }
        let player = Player { began: story::began(), ..self.player() };
        self.while_working(player.act(&step.does)).await.unwrap_or_else(|why| panic!("{}: {why}", step.title));
        self.settle().await;
        assert_eq!(player.missing(step), None, "{}", step.title);
    }
}
