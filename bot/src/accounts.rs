//! Asks a chat, again and again, who is a guest there and who was deactivated.
//!
//! The chat tells of those who come by itself; this is for those who change, and for what happened while Muster was
//! away. What holds: nothing waits for it; where a chat does not answer, what was known before goes on to hold.

use std::sync::Arc;
use std::time::Duration;

use integrations::chat::socket::{Health, State};
use integrations::chat::{Chat, Failure};
use integrations::clock::{SharedClock, sleep};
use operations::input::Input;
use tokio::sync::watch;

use crate::engine::{Engine, Request};

/// How often everybody is asked for, and when again where no answer came.
const EVERY: Duration = Duration::from_secs(600);
const AGAIN: Duration = Duration::from_secs(60);

/// Looks until the engine or the chat's socket has ended.
pub(crate) async fn look(engine: Engine, clock: SharedClock, chat: Arc<Chat>, mut health: watch::Receiver<Health>) {
    let platform = chat.platform();
    loop {
        // A chat that can't be reached, or refuses the token, is asked once it can be.
        if health.wait_for(|health| health.state == State::Connected).await.is_err() {
            return;
        }
        let wait = match chat.accounts().await {
            Ok(Some(found)) => {
                if engine.ask(Request::new(Input::Accounts { platform, found })).await.is_err() {
                    return;
                }
                EVERY
            }
            Ok(None) => return,
            Err(failure) => {
                tracing::warn!(why = %failure, "Who is a guest on {} could not be asked", platform.title());
                if matches!(failure, Failure::Permanent { .. }) { EVERY } else { AGAIN }
            }
        };
        sleep(clock.as_ref(), wait).await;
    }
}
