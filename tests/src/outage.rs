//! A chat that is away for long while alerts come, and what is seen of them when it is back.
//!
//! Used by a scenario with a few hundred alerts and by a program with as many as one likes
//! (`cargo run --release -p tests --bin outage`).

use std::time::Duration;

use operations::effect::{CardId, Place};
use operations::ids::Platform;
use operations::state::State;
use sandbox::faults::{CallFault, SocketFault};

use crate::World;

/// So many seconds are looked at after the return.
const WAITED: u32 = 300;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Alerts that were accepted while Slack was away.
    pub accepted: u64,
    /// Of these, with a card on Slack in the end.
    pub cards: usize,
    /// Of these, told of on a board on Slack in the end.
    pub on_boards: usize,
    /// Seconds after the return until 99 in 100 were to be seen; none where they never were.
    pub seconds: Option<u32>,
    /// Messages that the bot posted on Slack in the five minutes after the return.
    pub posted: usize,
    /// Cards on the other chat.
    pub elsewhere: usize,
}

/// Slack is away for so many hours, with so many alerts, each a group of its own; nine in ten are resolved after half an
/// hour. Time goes on by so many minutes at once meanwhile.
pub async fn outage(world: &World, hours: u64, alerts: u64, step: u64, progress: impl Fn(u64)) -> Outcome {
    let minutes = hours * 60;
    world.sandbox.slack.fault("*", 10_000_000, CallFault::Status { status: 503 });
    world.sandbox.slack.socket_fault(SocketFault::Drop).await;
    let (mut fired, mut resolved) = (0, 0);
    for minute in (step..=minutes).step_by(usize::try_from(step).expect("a small number")) {
        while fired < alerts * minute / minutes {
            world.alerts(&name(fired), &[("host-1", true)]).await;
            fired += 1;
        }
        let over = (alerts * minute.saturating_sub(30) / minutes).min(fired);
        while resolved < over {
            if resolved % 10 > 0 {
                world.alerts(&name(resolved), &[("host-1", false)]).await;
            }
            resolved += 1;
        }
        world.clock.advance(Duration::from_secs(60 * step));
        world.settle().await;
        progress(minute);
    }
    let before = world.slack().channel("alerts").messages.len();
    world.sandbox.slack.clear_faults();
    let mut seconds = None;
    for second in 1..=WAITED {
        world.clock.advance(Duration::from_secs(1));
        world.settle().await;
        let (cards, boards) = visible(world).await;
        if seconds.is_none() && (cards + boards) as u64 * 100 >= alerts * 99 {
            seconds = Some(second);
        }
    }
    let (cards, on_boards) = visible(world).await;
    let posted = world.slack().channel("alerts").messages.len() - before;
    let elsewhere = world.discord().channel("alerts").count("Probe");
    Outcome { accepted: fired, cards, on_boards, seconds, posted, elsewhere }
}

fn name(number: u64) -> String {
    format!("Probe{number:05}")
}

/// Groups with a card on Slack, and others that a board which was posted there tells of.
async fn visible(world: &World) -> (usize, usize) {
    world.read(|state| (shown(state, Platform::Slack), on_boards(state, Platform::Slack))).await
}

fn shown(state: &State, platform: Platform) -> usize {
    let is_shown = |(card, place): &(CardId, Place)| matches!(card, CardId::Alert(_)) && place.platform() == platform;
    state.cards.keys().filter(|key| is_shown(key)).count()
}

fn on_boards(state: &State, platform: Platform) -> usize {
    let boards = state.missed.values().filter(|it| it.platform == platform && it.ended_at.is_some());
    let held = boards.flat_map(|it| &it.held);
    held.filter(|group| !state.cards.contains_key(&(CardId::Alert(**group), Place::Alerts(platform)))).count()
}
