//! People who ask for deploys, approve them, deny them, stop them and say how they went, while the bot comes and goes.
//!
//! What the platform was acknowledged for counts as taken; what fails, the person sees failing. Nobody asks for a
//! deploy again, which may have been kept all the same. Whoever is to approve or deny one does it until the card shows
//! that it is done. Whoever says how an unknown one went has looked at the CI before, and says the truth.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use operations::ids::Platform;
use sandbox::faults::SocketFault;
use sandbox::{discord, slack};
use tests::child::pause;
use tokio::task::JoinSet;

use crate::faults;
use crate::plan::{Deed, Style};
use crate::seen::{CHANNEL, Card, cards};
use crate::site::Site;

/// So many people ask at once.
pub(crate) const ASKERS: u32 = 3;

/// How often people look at the cards.
const GLANCE: Duration = Duration::from_millis(120);

/// Asks for deploys until all are asked for.
pub(crate) async fn ask(site: Arc<Site>, mut rng: Rng) {
    let (mut kills, mut up) = (site.kills.subscribe(), site.up.subscribe());
    loop {
        let number = site.next_deed.fetch_add(1, Ordering::Relaxed);
        if number >= site.plan.deploys {
            return;
        }
        // The site lives as long as whoever acts in it.
        let _ = kills.wait_for(|kills| number < site.plan.share(*kills)).await;
        if rng.u8(..8) > 0 {
            let _ = up.wait_for(|up| *up).await;
        }
        pause(site.plan.steady.mul_f64(rng.f64() / 3.0)).await;
        let deed = site.plan.deed(number);
        faults::order(&site.sandbox.ci, &mut rng);
        let twice = deed.on == Platform::Slack && rng.u8(..4) == 0;
        if twice {
            site.sandbox.slack.socket_fault(SocketFault::Twice { times: 1 }).await;
        }
        let taken = types(&site, deed.on, &deed.who, &deed.line()).await;
        site.ledger.note(number, |it| (it.asked, it.taken, it.twice) = (true, taken, twice));
        site.accepted.notify_waiters();
    }
}

/// Looks at the cards, and does what somebody is to do.
pub(crate) async fn tend(site: Arc<Site>, mut rng: Rng) {
    let mut acting: JoinSet<u32> = JoinSet::new();
    let mut busy: BTreeSet<u32> = BTreeSet::new();
    loop {
        pause(GLANCE).await;
        while let Some(done) = acting.try_join_next() {
            if let Ok(number) = done {
                busy.remove(&number);
            }
        }
        if !*site.up.borrow() {
            continue;
        }
        let seen = Platform::ALL.map(|on| cards(&site.view(on), on));
        for number in 0..site.plan.deploys.min(site.next_deed.load(Ordering::Relaxed)) {
            if busy.contains(&number) {
                continue;
            }
            let deed = site.plan.deed(number);
            let on = if rng.bool() { deed.elsewhere() } else { deed.on };
            let card = |on: Platform| {
                let at = Platform::ALL.iter().position(|it| *it == on)?;
                seen[at].get(&deed.word)?.first().cloned()
            };
            let Some(act) = duty(&site, &deed, card(on), card(deed.elsewhere()), on, &mut rng) else { continue };
            busy.insert(number);
            let (site, rng) = (site.clone(), rng.fork());
            acting.spawn(async move {
                act.carry_out(&site, number, rng).await;
                number
            });
        }
    }
}

/// Whether somebody has something to do about a deploy that shows so.
pub(crate) fn is_awaited(deed: &Deed, card: &Card) -> bool {
    card.is_approving() || (deed.style == Style::Own && card.can_be_cancelled())
}

/// What somebody does.
enum Act {
    Approve(Deed, Card),
    Deny(Deed, Card),
    ApproveOwn(Deed, Card, Platform),
    Cancel(Deed, Card, Platform),
    Answer(Deed, Card, Platform),
}

fn duty(
    site: &Site,
    deed: &Deed,
    card: Option<Card>,
    elsewhere: Option<Card>,
    on: Platform,
    rng: &mut Rng,
) -> Option<Act> {
    let card = card?;
    if card.is_unknown() {
        let early = site.plan.hurry || rng.u16(..400) == 0;
        let may = *site.answers.borrow() && (card.is_parked() || early);
        return may.then(|| Act::Answer(deed.clone(), card, on));
    }
    match deed.style {
        Style::Straight | Style::Stranger => None,
        Style::Approved => elsewhere.filter(Card::is_approving).map(|card| Act::Approve(deed.clone(), card)),
        Style::Denied => elsewhere.filter(Card::is_approving).map(|card| Act::Deny(deed.clone(), card)),
        Style::Own if card.is_approving() && rng.u8(..3) > 0 => Some(Act::ApproveOwn(deed.clone(), card, on)),
        Style::Own => card.can_be_cancelled().then(|| Act::Cancel(deed.clone(), card, on)),
        Style::Cancelled if card.is_approving() => Some(Act::Cancel(deed.clone(), card, on)),
        Style::Cancelled => (card.can_be_cancelled() && rng.u8(..4) == 0).then(|| Act::Cancel(deed.clone(), card, on)),
    }
}

impl Act {
    async fn carry_out(self, site: &Site, number: u32, mut rng: Rng) {
        match self {
            Act::Approve(deed, card) => approve(site, number, &deed, &card, &mut rng).await,
            Act::Deny(deed, card) => drop(clicks(site, deed.elsewhere(), &deed.other, &card, "Deny").await),
            Act::ApproveOwn(deed, card, on) => drop(clicks(site, on, &deed.who, &card, "Approve").await),
            Act::Cancel(deed, card, on) => drop(clicks(site, on, &deed.who, &card, "Cancel").await),
            Act::Answer(deed, card, on) => answer(site, number, &deed, &card, on, &mut rng).await,
        }
        // Nobody clicks again before what they did can be seen.
        pause(Duration::from_millis(rng.u64(100..600))).await;
    }
}

/// By one click, two at the same time, the same person on both chats at the same time, or by typing.
async fn approve(site: &Site, number: u32, deed: &Deed, card: &Card, rng: &mut Rng) {
    let (on, who) = (deed.elsewhere(), deed.other.as_str());
    let (mut tries, mut double) = (1, false);
    let typed = || async {
        match card.number() {
            Some(id) => {
                let deploy =
                    if on == Platform::Slack { format!("/approve D-{id}") } else { format!("/approve deploy:D-{id}") };
                types(site, on, who, &deploy).await
            }
            None => false,
        }
    };
    let taken = match rng.u8(..6) {
        0 => u32::from(clicks(site, on, who, card, "Approve").await),
        1 => u32::from(typed().await),
        2 | 3 => {
            (tries, double) = (2, true);
            let both = tokio::join!(clicks(site, on, who, card, "Approve"), clicks(site, on, who, card, "Approve"));
            u32::from(both.0) + u32::from(both.1)
        }
        4 => {
            (tries, double) = (2, true);
            let both = tokio::join!(clicks(site, on, who, card, "Approve"), typed());
            u32::from(both.0) + u32::from(both.1)
        }
        _ => {
            if on == Platform::Slack {
                site.sandbox.slack.socket_fault(SocketFault::Twice { times: 1 }).await;
                double = true;
            }
            u32::from(clicks(site, on, who, card, "Approve").await)
        }
    };
    site.ledger.note(number, |it| {
        it.approves += tries;
        it.approved += taken;
        it.double |= double;
    });
}

/// Says how it is, having looked at the CI.
async fn answer(site: &Site, number: u32, deed: &Deed, card: &Card, on: Platform, rng: &mut Rng) {
    let run = site.dispatched(&deed.word).first().map(|dispatch| site.sandbox.ci.run(dispatch.run));
    let ended = run.as_ref().and_then(sandbox::ci::RunHandle::conclusion);
    match (run.is_some(), ended.as_deref()) {
        (false, _) if rng.u8(..4) == 0 => {
            site.ledger.note(number, |it| it.looked += 1);
            clicks(site, on, &deed.who, card, "Look again").await;
        }
        (false, _) => {
            site.ledger.note(number, |it| it.said_not = true);
            clicks(site, on, &deed.who, card, "It did not").await;
        }
        (true, Some("success")) if rng.bool() => {
            site.ledger.note(number, |it| it.said_ran = true);
            clicks(site, on, &deed.who, card, "It ran").await;
        }
        (true, _) => {
            site.ledger.note(number, |it| it.looked += 1);
            clicks(site, on, &deed.who, card, "Look again").await;
        }
    }
}

/// Types something; whether the platform was acknowledged for it.
async fn types(site: &Site, on: Platform, who: &str, line: &str) -> bool {
    match on {
        Platform::Slack => match site.sandbox.slack.types(who, CHANNEL, line, None).await {
            Ok(slack::Typed::Command { outcome }) => matches!(outcome, slack::Outcome::Acked { .. }),
            Ok(slack::Typed::Message { .. }) | Err(_) => false,
        },
        Platform::Discord => match site.sandbox.discord.types(who, CHANNEL, line).await {
            Ok(discord::Typed::Command { outcome, .. }) => outcome.answered(),
            Ok(discord::Typed::Message { .. }) | Err(_) => false,
        },
    }
}

/// Clicks; whether the platform was acknowledged for it.
async fn clicks(site: &Site, on: Platform, who: &str, card: &Card, button: &str) -> bool {
    let (channel, message) = (card.0.channel.as_str(), card.0.id.as_str());
    let clicked = match on {
        Platform::Slack => site.sandbox.slack.clicks(who, channel, message, button).await,
        Platform::Discord => site.sandbox.discord.clicks(who, channel, message, button).await,
    };
    clicked.is_ok()
}
