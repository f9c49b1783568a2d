//! People who type and click while the bot comes and goes.
//!
//! A command or click counts as accepted when the platform was acknowledged for it; what
//! fails, the person sees failing. Nobody does two deeds. A note that failed is not typed
//! again (it may have been kept all the same); who wants to acknowledge a group tries until
//! it worked or the card shows that it is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::tests::child::pause;
use ::tests::{Channel, Message};
use fastrand::Rng;
use operations::ids::Platform;
use sandbox::{discord, slack};

use crate::ledger::{Deed, What};
use crate::plan::{Kind, Plan, acknowledged_in, person, title, word};
use crate::site::Site;

/// So many people of each chat type at once.
pub(crate) const TYPISTS: u32 = 2;

/// Types commands on one chat until all are typed.
pub(crate) async fn type_commands(site: Arc<Site>, on: Platform, mut rng: Rng) {
    let (mut kills, mut up) = (site.kills.subscribe(), site.up.subscribe());
    loop {
        let deed = site.next_deed.fetch_add(1, Ordering::Relaxed);
        if deed >= site.plan.deeds {
            return;
        }
        let plan = site.plan;
        // The site lives as long as whoever acts in it.
        let _ = kills.wait_for(|kills| deed < plan.share(plan.deeds, *kills)).await;
        // Most people look whether the bot is there; some don't.
        if rng.u8(..4) > 0 {
            let _ = up.wait_for(|up| *up).await;
        }
        pause(site.plan.steady.mul_f64(rng.f64() / 2.0)).await;
        let (who, words) = (person(deed), word(deed));
        let incidents = incidents(&site, on);
        let (line, what) = match (Plan::kind(deed), rng.choice(incidents)) {
            (Kind::Declare, _) | (_, None) => (format!("/incident declare {words}"), What::Declared(words)),
            (Kind::Note, Some(incident)) => {
                (format!("/incident note {words} incident:INC-{incident}"), What::Noted(words))
            }
            (Kind::Mention, Some(incident)) => (format!("@muster note INC-{incident} {words}"), What::Mentioned(words)),
        };
        let taken = u32::from(types(&site, on, &who, &line).await);
        site.ledger.done(Deed { on, who, what, tries: 1, taken });
    }
}

/// Acknowledges, on one chat, all groups that are acknowledged there: half of them by typing, half by clicking.
pub(crate) async fn acknowledge(site: Arc<Site>, on: Platform, mut rng: Rng) {
    for group in (0..site.plan.groups()).filter(|group| acknowledged_in(*group).0 == on) {
        let (_, clicks) = acknowledged_in(group);
        let who = person(site.plan.deeds + group);
        let (mut tries, mut taken) = (0, 0);
        loop {
            pause(Duration::from_millis(rng.u64(20..250))).await;
            let Some(card) = card(&site, on, group) else { continue };
            // A try that seemed to fail may have worked.
            if card.text.contains("Acknowledged by") {
                break;
            }
            let Some(number) = number_behind(&card.text, "A-") else { continue };
            tries += 1;
            let worked = match clicks {
                true => self::clicks(&site, on, &who, &card).await,
                false => types(&site, on, &who, &format!("/alert ack A-{number}")).await,
            };
            if worked {
                taken += 1;
                break;
            }
        }
        let what = if clicks { What::Clicked(group) } else { What::Typed(group) };
        site.ledger.done(Deed { on, who, what, tries, taken });
    }
}

/// Types something; whether the platform was acknowledged for it.
async fn types(site: &Site, on: Platform, who: &str, line: &str) -> bool {
    match on {
        Platform::Slack => match site.sandbox.slack.types(who, "general", line, None).await {
            Ok(slack::Typed::Command { outcome }) => matches!(outcome, slack::Outcome::Acked { .. }),
            Ok(slack::Typed::Message { .. }) | Err(_) => false,
        },
        Platform::Discord => match site.sandbox.discord.types(who, "general", line).await {
            Ok(discord::Typed::Command { outcome, .. }) => outcome.answered(),
            // Before the bot's very first start there is no such command.
            Ok(discord::Typed::Message { .. }) | Err(_) => false,
        },
    }
}

async fn clicks(site: &Site, on: Platform, who: &str, card: &Message) -> bool {
    let (channel, message) = (card.channel.as_str(), card.id.as_str());
    let clicked = match on {
        Platform::Slack => site.sandbox.slack.clicks(who, channel, message, "Acknowledge").await,
        Platform::Discord => site.sandbox.discord.clicks(who, channel, message, "Acknowledge").await,
    };
    clicked.is_ok()
}

/// A group's card, where it is shown.
fn card(site: &Site, on: Platform, group: u32) -> Option<Message> {
    Channel::find(&site.view(on), on, "alerts")?.try_message(&title(group))
}

/// The incidents that are announced.
fn incidents(site: &Site, on: Platform) -> Vec<u64> {
    let announced = Channel::find(&site.view(on), on, "incidents");
    let messages = announced.into_iter().flat_map(|channel| channel.messages);
    messages.filter_map(|message| number_behind(&message.text, "INC-")).collect()
}

/// The number that stands behind `mark` for the first time.
fn number_behind(text: &str, mark: &str) -> Option<u64> {
    let digits = |rest: &str| rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok();
    text.split(mark).skip(1).find_map(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_behind_its_mark() {
        assert_eq!(number_behind("Group0001 · A-B · A-17 · A-3", "A-"), Some(17));
        assert_eq!(number_behind("INC-2", "INC-"), Some(2));
        assert_eq!(number_behind("nothing", "A-"), None);
    }
}
