//! What was said in a room while the chat's session was lost, handed to the engine as if it had just come.
//!
//! What holds: everything is handed over in the order in which it was said, with the delivery
//! it would have had; doing it twice is the same as doing it once.

use std::time::Duration;

use integrations::chat::discord::missed::{Heard, Missed};
use integrations::chat::{Called, Chat, Failure, Refused, discord};
use integrations::clock::after;
use jiff::Timestamp;
use operations::chat::{Act, Inbound};
use operations::effect::Outcome;
use operations::ids::{IncidentId, MessageRef, Platform};
use operations::incident::Mark;
use operations::input::Input;
use operations::text::Outside;

use super::carry::{Carrier, room, stopped};
use crate::engine::Request;
use crate::inbox;

/// A command in a mention is carried out no later than so long after it was written.
const FRESH: Duration = Duration::from_secs(180);

impl Carrier {
    /// Reads what was missed in an incident's room.
    pub(super) async fn read_missed(&self, incident: IncidentId, on: Platform, since: Timestamp) -> Called<Outcome> {
        // Slack keeps what was not acknowledged, and delivers it again.
        let Chat::Discord(client) = self.chat(on)? else { return Ok(Outcome::Done) };
        let Some(channel) = self.read(move |state| room(state, on, incident)).await? else { return Ok(Outcome::Done) };
        let Missed { messages, cut } = client.missed(&channel, since).await?;
        let read = messages.iter().filter(|heard| heard.inbound.is_some()).count();
        tracing::info!(incident.id = %incident, read, cut, "Read what was said on {} meanwhile", on.title());
        for Heard { message, at, inbound, reactions } in messages {
            if let Some(inbound) = inbound {
                self.hear(self.aged(inbound, at)).await?;
            }
            if let Some(emoji) = reactions.into_iter().find(|emoji| commands::parse::is_mark(emoji)) {
                self.mark(client, message, &emoji).await?;
            }
        }
        Ok(if cut { Outcome::MissedCut } else { Outcome::Done })
    }

    /// Takes note of a mark that stands on a message, unless that is in a timeline already.
    async fn mark(&self, client: &discord::Client, message: MessageRef, emoji: &str) -> Called<()> {
        let wanted = message.clone();
        if self.read(move |state| state.marked.contains_key(&wanted)).await? {
            return Ok(());
        }
        let by = match client.reacted(&message, emoji).await {
            Ok(Some(by)) => by,
            // Nobody did any more, or the message is gone: what it said can't be looked up either.
            Ok(None) | Err(Failure::Permanent { kind: Refused::Gone, .. }) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let input = Input::Marked { by, message, how: Mark::Reaction, added: true };
        self.engine.ask(Request::new(input)).await.map(|_| ()).map_err(stopped)
    }

    /// A command that was written a while ago only shows that somebody was there: whoever wrote it has long done
    /// something else about it, and an "@muster resolve" of this morning must not resolve what was reopened since.
    fn aged(&self, inbound: Inbound, at: Timestamp) -> Inbound {
        match inbound.what {
            Act::Mention { text, message, .. } if after(at, FRESH) < self.clock.now() => {
                Inbound { what: Act::Message { text: Outside::new(&text), message }, ..inbound }
            }
            what => Inbound { what, ..inbound },
        }
    }

    async fn hear(&self, inbound: Inbound) -> Called<()> {
        if let Some(request) = inbox::request(&self.engine, inbound).await.map_err(stopped)? {
            self.engine.ask(request).await.map_err(stopped)?;
        }
        Ok(())
    }
}
