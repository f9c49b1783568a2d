//! Carrying one effect out: what it says is read from the state at the moment of sending.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use commands::{answers, cards};
use integrations::chat::{Called, Chat, Failure, Refused};
use integrations::clock::SharedClock;
use jiff::Timestamp;
use operations::card::Card;
use operations::channels::Unusable;
use operations::chat::{Answer, ReplyTo};
use operations::checkpoint::{Checkpoint, Ledger};
use operations::effect::{CardId, Effect, Outcome, PROBE_EVERY, Place};
use operations::ids::{ChannelId, DeployId, IncidentId, MessageId, MessageRef, Platform};
use operations::input::Input;
use operations::state::State;
use operations::text::Text;

use crate::checkpoints;
use crate::crash::{Crash, Point};
use crate::engine::{Engine, NotTaken, Request};
use crate::pipelines::Pipelines;
use crate::publish::Publisher;

/// So many channels are tried for one effect: its own, and those that could take its place.
const DETOURS: usize = 8;

/// Carries effects out.
pub struct Carrier {
    /// The chats that are connected.
    pub chats: BTreeMap<Platform, Arc<Chat>>,
    /// Where the state is read.
    pub engine: Engine,
    /// The time.
    pub clock: SharedClock,
    /// Writes postmortems.
    pub publisher: Publisher,
    /// What carries deploys out.
    pub pipelines: Pipelines,
    /// Since when pipelines have not answered about runs that are watched.
    pub silent: Mutex<BTreeMap<DeployId, Timestamp>>,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

/// What is needed to show a card.
struct Showing {
    card: Card,
    channel: ChannelId,
    posted: Option<MessageRef>,
}

impl Carrier {
    /// Carries an effect out. `suspect` says that it may have been carried out before without
    /// anybody knowing: then it is looked for at the other side first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn carry(&self, effect: &Effect, key: &str, suspect: bool) -> Called<Outcome> {
        for _ in 0..DETOURS {
            match self.attempt(effect, key, suspect).await {
                // It is on record before the next attempt, which then goes where the record leads.
                Err(Failure::Channel { channel, why, said }) if is_rerouted(effect) => {
                    let Some(platform) = effect.platform() else { break };
                    tracing::warn!(channel = channel.as_str(), said, "A channel on {} can't be used", platform.title());
                    let input = Input::ChannelRefused { platform, channel, why, said };
                    self.engine.ask(Request::new(input)).await.map_err(stopped)?;
                }
                other => return other,
            }
        }
        Err(no_channel())
    }

    async fn attempt(&self, effect: &Effect, key: &str, suspect: bool) -> Called<Outcome> {
        match effect {
            Effect::ShowCard { card, place } => self.show(*card, *place, key, suspect).await,
            Effect::PinCard { card, place } => self.pin(*card, *place).await,
            Effect::OpenRoom { incident, platform } => self.open_room(*incident, *platform, key, suspect).await,
            Effect::SetTopic { incident, platform } => self.set_topic(*incident, *platform).await,
            Effect::Invite { incident, user } => {
                let incident = *incident;
                let platform = user.platform;
                match self.read(move |state| room(state, platform, incident)).await? {
                    Some(channel) => self.chat(platform)?.invite(&channel, &user.user).await.map(|()| Outcome::Done),
                    None => Ok(Outcome::Done),
                }
            }
            Effect::Say { place, card, .. } => self.say(*place, card, key, suspect).await,
            Effect::Reply { to, answer, .. } => self.reply(to, answer, key, suspect).await,
            Effect::RetireCard { message } => self.retire(message, key).await,
            Effect::ReadMissed { incident, platform, since } => self.read_missed(*incident, *platform, *since).await,
            Effect::ProbeChannel { platform, channel } => self.probe(*platform, channel, key, suspect).await,
            Effect::Capture { message, .. } => self.chat(message.platform)?.fetch(message).await.map(Outcome::Captured),
            Effect::Publish { incident } => self.publisher.publish(&self.engine, *incident).await,
            Effect::Checkpoint { ledger, checkpoint } => self.checkpoint(ledger, checkpoint, key, suspect).await,
            Effect::Deploy { deploy, what } => self.deploy(*deploy, what, suspect).await,
            Effect::HoldBack { target } => self.hold_back(target).await,
        }
    }

    /// Edits the card where it is, or posts it where it is not. Of many changes only the newest state is sent.
    async fn show(&self, card: CardId, place: Place, key: &str, suspect: bool) -> Called<Outcome> {
        let chat = self.chat(place.platform())?;
        let Some(Showing { card, channel, posted }) = self.read(move |state| showing(state, card, place)).await??
        else {
            return Ok(Outcome::Done);
        };
        if let Some(message) = posted {
            return match chat.edit(&message, &card, key).await {
                Ok(()) => Ok(Outcome::Done),
                Err(Failure::Permanent { kind: Refused::Gone, .. }) => Ok(Outcome::Lost),
                Err(failure) => Err(failure),
            };
        }
        let earlier = if suspect { chat.find_posted(&channel, None, key).await? } else { None };
        let message = match earlier {
            Some(message) => {
                // It was posted, and what it says may be old by now.
                let at = MessageRef { platform: place.platform(), channel: channel.clone(), message: message.clone() };
                chat.edit(&at, &card, key).await?;
                message
            }
            None => chat.post(&channel, None, &card, key).await?,
        };
        Ok(Outcome::Posted { channel, message })
    }

    async fn pin(&self, card: CardId, place: Place) -> Called<Outcome> {
        // One in a room that can't be used counts as not posted, and needs no pin there.
        let posted = self.read(move |state| state.posted(card, place)).await?;
        match posted {
            Some(message) => self.chat(place.platform())?.pin(&message).await.map(|()| Outcome::Done),
            None => Ok(Outcome::Done),
        }
    }

    async fn open_room(&self, id: IncidentId, platform: Platform, key: &str, suspect: bool) -> Called<Outcome> {
        let wanted = self
            .read(move |state| {
                let it = state.incidents.get(&id).filter(|it| !it.rooms.contains_key(&platform))?;
                Some((cards::room_name(it), cards::topic(state, id)))
            })
            .await?;
        let Some((name, topic)) = wanted else { return Ok(Outcome::Done) };
        let opened = self.chat(platform)?.open_channel(&name, &topic, key, suspect).await?;
        Ok(Outcome::RoomOpened { channel: opened.channel, name: opened.name })
    }

    async fn set_topic(&self, id: IncidentId, platform: Platform) -> Called<Outcome> {
        let (channel, topic) = self.read(move |state| (room(state, platform, id), cards::topic(state, id))).await?;
        let Some(channel) = channel else { return Ok(Outcome::Done) };
        // The room's key stays in the topic where the platform keeps it there.
        let key = Effect::OpenRoom { incident: id, platform }.key();
        self.chat(platform)?.set_topic(&channel, &topic, &key).await.map(|()| Outcome::Done)
    }

    async fn say(&self, place: Place, card: &Card, key: &str, suspect: bool) -> Called<Outcome> {
        let chat = self.chat(place.platform())?;
        let Some((channel, prefix)) = self.read(move |state| hearing(state, place)).await?? else {
            return Ok(Outcome::Done);
        };
        let thread = self.read(move |state| thread(state, place)).await?;
        if suspect && chat.find_posted(&channel, thread.as_ref(), key).await?.is_some() {
            return Ok(Outcome::Done);
        }
        let mut card = card.clone();
        if let Some(prefix) = prefix {
            card.title = Text::new().plain(prefix).text(card.title);
        }
        chat.post(&channel, thread.as_ref(), &card, key).await.map(|_| Outcome::Done)
    }

    /// Nobody shall act upon what a card says that is not kept up to date any more.
    async fn retire(&self, message: &MessageRef, key: &str) -> Called<Outcome> {
        let words = "This card went on in another channel while this one could not be used. See there how it stands.";
        match self.chat(message.platform)?.edit(message, &Card::line(Text::new().plain(words)), key).await {
            Err(Failure::Permanent { kind: Refused::Gone, .. }) => Ok(Outcome::Done),
            edited => edited.map(|()| Outcome::Done),
        }
    }

    /// Looks whether a channel can be used again; later once more where it can't.
    async fn probe(&self, platform: Platform, channel: &ChannelId, key: &str, suspect: bool) -> Called<Outcome> {
        let id = channel.clone();
        let wanted = move |state: &State| state.unusable(platform, &id).filter(|_| state.needs_channel(platform, &id));
        let Some(why) = self.read(wanted).await? else { return Ok(Outcome::Done) };
        let chat = self.chat(platform)?;
        let still = match chat.look_at(channel, why).await? {
            // Not every rule that forbids to write can be looked at.
            None if why == Unusable::Forbidden => says_that_it_can(chat, channel, key, suspect).await?,
            found => found,
        };
        match still {
            None => Ok(Outcome::ChannelWorks),
            Some(still) => {
                let why = format!("the channel can't be used yet: {}", still.words());
                Err(Failure::Transient { why, retry_after: Some(PROBE_EVERY) })
            }
        }
    }

    /// An answer that may have been given is looked for where that can be done, and said to be one elsewhere.
    async fn reply(&self, to: &ReplyTo, answer: &Answer, key: &str, suspect: bool) -> Called<Outcome> {
        let chat = self.chat(to.platform())?;
        let is_callback = to.platform() == Platform::Discord;
        if is_callback {
            self.crash.pass_or_stay(Point::DiscordCallbackBefore).await;
        }
        let say = async |card: &Card| match suspect {
            true => chat.reply_again(to, card, &answers::again(card), key).await,
            false => chat.reply(to, card, key).await,
        };
        let answered = match answer {
            Answer::Private(card) => say(card).await,
            Answer::Silent => chat.take(to).await,
            Answer::Form(form, instead) => match chat.open_form(to, form).await {
                // Nobody else answers this one: it was opened, and only the word of it was lost.
                Err(Failure::Permanent { kind: Refused::Already, .. }) if suspect => Ok(()),
                Err(Failure::Permanent { kind: Refused::TooLate | Refused::Already, .. }) => say(instead).await,
                opened => opened,
            },
        };
        if is_callback {
            self.crash.pass_or_stay(Point::DiscordCallbackAfter).await;
        }
        match (answered, answer) {
            // A click whose time is over needs no word: the card shows what came of it.
            (Err(Failure::Permanent { kind: Refused::TooLate, .. }), Answer::Silent) => Ok(Outcome::Done),
            (answered, _) => answered.map(|()| Outcome::Done),
        }
    }

    async fn checkpoint(&self, ledger: &Ledger, it: &Checkpoint, key: &str, suspect: bool) -> Called<Outcome> {
        let (chat, channel) = match ledger {
            Ledger::Chat(platform, channel) => (self.chat(*platform)?, channel),
            Ledger::Wiki => return self.publisher.add_checkpoint(it.clone()).await,
        };
        let (platform, id) = (chat.platform(), channel.clone());
        if self.read(move |state| state.unusable(platform, &id)).await?.is_some() {
            return Err(no_channel());
        }
        // A newer one takes the place of an older one that could not be posted; there, each is one of its own.
        let key = format!("{key}/{}", it.seq);
        if suspect && chat.find_posted(channel, None, &key).await?.is_some() {
            return Ok(Outcome::Done);
        }
        chat.post(channel, None, &checkpoints::card(it), &key).await.map(|_| Outcome::Done)
    }

    /// Whether a chat's token works.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn check(&self, platform: Platform) -> Called<()> {
        self.chat(platform)?.check().await
    }

    pub(super) fn chat(&self, platform: Platform) -> Called<&Chat> {
        self.chats.get(&platform).map(Arc::as_ref).ok_or_else(|| Failure::Permanent {
            why: format!("{} is not connected any more", platform.title()),
            kind: Refused::Gone,
        })
    }

    pub(super) async fn read<T: Send + 'static>(&self, look: impl FnOnce(&State) -> T + Send + 'static) -> Called<T> {
        self.engine.read(look).await.map_err(stopped)
    }
}

/// Says in a channel that Muster can write there again; why it can't, where it can't.
async fn says_that_it_can(chat: &Chat, channel: &ChannelId, key: &str, suspect: bool) -> Called<Option<Unusable>> {
    if suspect && chat.find_posted(channel, None, key).await?.is_some() {
        return Ok(None);
    }
    match chat.post(channel, None, &Card::line(Text::new().plain("Muster can write here again.")), key).await {
        Err(Failure::Channel { why, .. }) => Ok(Some(why)),
        posted => posted.map(|_| None),
    }
}

pub(super) fn stopped(why: NotTaken) -> Failure {
    Failure::Transient { why: why.to_string(), retry_after: None }
}

/// Neither the channel nor any that could take its place can be used. It waits until one of them can.
fn no_channel() -> Failure {
    let why = "no channel can be used that it could go to".to_owned();
    Failure::Transient { why, retry_after: Some(PROBE_EVERY) }
}

/// Whether an effect goes elsewhere, waits, or is nothing to do any more, where its channel can't be used. Answers are
/// for that channel only, and a message can be read only where it is.
fn is_rerouted(effect: &Effect) -> bool {
    match effect {
        Effect::ShowCard { .. }
        | Effect::PinCard { .. }
        | Effect::SetTopic { .. }
        | Effect::Invite { .. }
        | Effect::Say { .. }
        | Effect::Checkpoint { .. } => true,
        Effect::OpenRoom { .. }
        | Effect::Reply { .. }
        | Effect::Capture { .. }
        | Effect::Publish { .. }
        | Effect::RetireCard { .. }
        | Effect::ReadMissed { .. }
        | Effect::Deploy { .. }
        | Effect::HoldBack { .. }
        | Effect::ProbeChannel { .. } => false,
    }
}

/// An incident's room, where there is one that can be used.
pub(super) fn room(state: &State, platform: Platform, incident: IncidentId) -> Option<ChannelId> {
    let usable = state.unusable_room(platform, incident).is_none();
    state.channel_of(Place::Room(platform, incident)).filter(|_| usable).cloned()
}

/// Where what is said in a place is heard, and what is said before it where that is not the place itself.
fn hearing(state: &State, place: Place) -> Called<Option<(ChannelId, Option<String>)>> {
    let Some(channel) = state.heard_in(place).cloned() else { return Ok(None) };
    if state.unusable(place.platform(), &channel).is_some() {
        return Err(no_channel());
    }
    if let Place::Room(platform, incident) = place
        && state.unusable_room(platform, incident).is_some()
    {
        return Ok(Some((channel, Some(format!("{incident} (its room can't be used): ")))));
    }
    Ok(Some((channel, None)))
}

/// The message in whose thread something is said, where it is said in one.
fn thread(state: &State, place: Place) -> Option<MessageId> {
    let Place::DeployThread(platform, deploy) = place else { return None };
    state.posted(CardId::Deploy(deploy), Place::Deploy(platform, deploy)).map(|posted| posted.message)
}

fn showing(state: &State, id: CardId, place: Place) -> Called<Option<Showing>> {
    // The headline is announced as well, so one in a room that can't be used is not missed.
    if let Place::Room(platform, incident) = place
        && state.unusable_room(platform, incident).is_some()
    {
        return Ok(None);
    }
    let held_back = |group| state.groups.get(&group).is_some_and(|it| it.is_missed_on(place.platform()));
    let card = match id {
        // Asked for before it was held back: a board stands for it.
        CardId::Alert(group) if held_back(group) => None,
        CardId::Alert(group) => cards::alert(state, group),
        CardId::Headline(incident) => cards::headline(state, incident, place),
        CardId::Storm(storm) => cards::storm(state, storm),
        CardId::Missed(missed) => cards::missed(state, missed),
        CardId::Deploy(deploy) => cards::deploy(state, deploy),
    };
    let (Some(card), Some(channel)) = (card, state.channel_of_card(id, place).cloned()) else { return Ok(None) };
    if state.unusable(place.platform(), &channel).is_some() {
        return Err(no_channel());
    }
    Ok(Some(Showing { card, channel, posted: state.posted(id, place) }))
}
