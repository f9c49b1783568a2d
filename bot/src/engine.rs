//! The engine: the one writer. It owns the state, decides, and commits.
//!
//! Inputs wait in a bounded queue. The engine takes all that wait, decides them one after
//! another in memory, and hands the batch to a thread that puts it on disk; while that
//! happens it decides the next. What holds: nothing is answered, shown or read by others
//! before the batch that it rests on is on disk; a commit that fails stops the process.

mod batch;
mod commit;
mod start;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use commands::answers;
use integrations::chat::socket::Session;
use integrations::clock::{SharedClock, after};
use jiff::Timestamp;
use operations::chat::Answer;
use operations::effect::Effect;
use operations::input::{Asked, Input};
use operations::settings::Settings;
use operations::state::State;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::start::{Start, Started, bring_back};
pub use crate::store::Change;
use crate::store::{Row, Snapshot};

/// At most so many inputs wait; more are told to come back later.
pub const QUEUE: usize = 8_192;

/// At most so many inputs are decided in one batch.
const BATCH: usize = 1_024;

/// For how long a delivery is remembered: longer than any platform repeats one.
const DELIVERIES_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A snapshot is taken after at least so many bytes of events: what a start reads in a fraction of a second.
const SNAPSHOT_EVERY: usize = 32 * 1024 * 1024;

/// About what an alert group takes in a snapshot beside its members, in bytes; and each member.
const PER_GROUP: usize = 512;
const PER_MEMBER: usize = 768;

/// At most so many deliveries are remembered: a sender that names each of its own would fill the memory otherwise.
const DELIVERIES_MOST: usize = 1_000_000;

/// Something for the engine to decide about.
pub struct Request {
    /// What.
    pub input: Input,
    /// Who is to be answered.
    pub asked: Option<Asked>,
    /// The id of the delivery, where nobody is to be answered.
    pub delivery: Option<String>,
    /// Where the Discord session can be resumed once this is kept.
    pub session: Option<Session>,
    /// The effect that ended, by its key and generation.
    pub finished: Option<(Arc<str>, u64)>,
}

impl Request {
    /// An input that nobody waits to be answered for.
    #[must_use]
    pub fn new(input: Input) -> Request {
        Request { input, asked: None, delivery: None, session: None, finished: None }
    }
}

/// What was committed for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The number of the last event after it.
    pub seq: u64,
    /// What the asker is told.
    pub answer: Option<Answer>,
    /// Whether the same delivery had been taken before.
    pub repeated: bool,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Too much waits already.
    #[error("too many inputs are waiting")]
    Full,
    /// The engine has stopped.
    #[error("Muster is stopping")]
    Stopped,
}

enum Ask {
    Decide(Box<Request>, oneshot::Sender<Kept>),
    Read(Box<dyn FnOnce(&State) -> Release + Send>),
    Settings(Box<Settings>),
    Open(Vec<Effect>, oneshot::Sender<()>),
    End { cleanly: bool },
}

/// What is let go once a batch is on disk.
type Release = Box<dyn FnOnce() + Send>;

/// The way to the engine.
#[derive(Clone)]
pub struct Engine {
    asks: mpsc::Sender<Ask>,
    stopped: watch::Receiver<Option<String>>,
}

impl Engine {
    /// Has a request decided and waits until what follows is on disk.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`]: it may or may not have been kept.
    pub async fn ask(&self, request: Request) -> Result<Kept, NotTaken> {
        self.send(request).await?.await.map_err(|_| NotTaken::Stopped)
    }

    /// Queues a request in order, waiting for room; what is given back resolves when it is on disk.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`].
    pub async fn send(&self, request: Request) -> Result<oneshot::Receiver<Kept>, NotTaken> {
        let (kept, waits) = oneshot::channel();
        self.asks.send(Ask::Decide(Box::new(request), kept)).await.map_err(|_| NotTaken::Stopped)?;
        Ok(waits)
    }

    /// Like [`Engine::ask`], but does not wait for room.
    ///
    /// # Errors
    /// [`NotTaken::Full`] and [`NotTaken::Stopped`].
    pub async fn ask_now(&self, request: Request) -> Result<Kept, NotTaken> {
        let (kept, waits) = oneshot::channel();
        self.asks.try_send(Ask::Decide(Box::new(request), kept)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Stopped,
        })?;
        waits.await.map_err(|_| NotTaken::Stopped)
    }

    /// Looks at the state. What is seen is on disk by the time it is given back.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`].
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, NotTaken> {
        let (give, waits) = oneshot::channel();
        let read = Ask::Read(Box::new(move |state| {
            let seen = look(state);
            Box::new(move || {
                // Whoever asked may have gone away.
                let _ = give.send(seen);
            })
        }));
        self.asks.send(read).await.map_err(|_| NotTaken::Stopped)?;
        waits.await.map_err(|_| NotTaken::Stopped)
    }

    /// Changes the configuration's part in decisions, from the next input on.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`].
    pub async fn configure(&self, settings: Settings) -> Result<(), NotTaken> {
        self.asks.send(Ask::Settings(Box::new(settings))).await.map_err(|_| NotTaken::Stopped)
    }

    /// Has effects carried out that follow from no event; gives back when they are on disk as open.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`].
    pub async fn open(&self, effects: Vec<Effect>) -> Result<(), NotTaken> {
        let (opened, waits) = oneshot::channel();
        self.asks.send(Ask::Open(effects, opened)).await.map_err(|_| NotTaken::Stopped)?;
        waits.await.map_err(|_| NotTaken::Stopped)
    }

    /// Ends the engine, whoever else still holds a way to it. `cleanly` keeps what was asked for before this and
    /// writes a snapshot; otherwise it ends as if killed.
    pub(crate) async fn end(&self, cleanly: bool) {
        // An error means that it has ended already.
        let _ = self.asks.send(Ask::End { cleanly }).await;
    }

    /// How many more inputs can wait.
    #[must_use]
    pub fn room(&self) -> usize {
        self.asks.capacity()
    }

    /// Resolves when the engine has stopped, with why if it was not asked to.
    pub async fn stopped(&self) -> Option<String> {
        let mut stopped = self.stopped.clone();
        // The sender is dropped when the engine ends, which is what is waited for.
        while stopped.changed().await.is_ok() {}
        stopped.borrow().clone()
    }
}

/// The engine's own side: what it decides with.
struct Core {
    state: State,
    hash: operations::journal::Hash,
    clock: SharedClock,
    /// Deliveries that were taken, and when.
    deliveries: HashMap<Arc<str>, Timestamp>,
    /// The same in the order in which they came, to forget the oldest.
    taken: std::collections::VecDeque<(Timestamp, Arc<str>)>,
    /// The open effects.
    open: HashMap<Arc<str>, Arc<Row>>,
    generation: u64,
    /// Where the Discord session can be resumed.
    session: Option<Session>,
    /// Bytes of events since the last snapshot.
    news: usize,
    /// When there are so many, a snapshot is looked at.
    snapshot_at: usize,
}

impl Core {
    async fn run(mut self, mut asks: mpsc::Receiver<Ask>, commits: mpsc::Sender<commit::Work>) {
        let mut waiting = Vec::with_capacity(BATCH);
        loop {
            let taken = tokio::select! {
                biased;
                taken = asks.recv_many(&mut waiting, BATCH) => taken,
                () = self.next_due() => 1,
            };
            if taken == 0 {
                self.leave_a_snapshot(&commits).await;
                break;
            }
            let mut work = batch::Building::new(self.state.seq + 1);
            let mut ending = None;
            for ask in waiting.drain(..) {
                match ask {
                    Ask::End { cleanly } => ending = Some(cleanly),
                    // What was asked for after the end has been asked for is not taken.
                    _ if ending.is_some() => {}
                    ask => self.take(ask, &mut work),
                }
            }
            if ending == Some(false) {
                break;
            }
            self.tick(&mut work);
            let mut work = work.done();
            self.news += work.batch.lines.len();
            if self.news > self.snapshot_at {
                // A snapshot is written for no less news than it is large.
                let size = self.state.groups.values().map(|group| PER_GROUP + group.members.len() * PER_MEMBER).sum();
                self.snapshot_at = SNAPSHOT_EVERY.max(size);
                if self.news > self.snapshot_at {
                    (self.news, self.snapshot_at) = (0, SNAPSHOT_EVERY);
                    work.snapshot = Some((self.snapshot(), false));
                }
            }
            // Where the committer has stopped, whoever waits learns it by the dropped answers.
            if commits.send(work).await.is_err() {
                break;
            }
            if ending.is_some() {
                self.leave_a_snapshot(&commits).await;
                break;
            }
        }
        // What is asked while this ends is taken out too, so that nobody waits for ever.
        asks.close();
        while asks.recv().await.is_some() {}
    }

    async fn leave_a_snapshot(&self, commits: &mpsc::Sender<commit::Work>) {
        let mut last = batch::Building::new(self.state.seq + 1).done();
        last.snapshot = Some((self.snapshot(), true));
        // A snapshot is only a cache, so one that could not be handed over costs nothing but time.
        let _ = commits.send(last).await;
    }

    /// What everything decided so far comes to.
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state.stored(),
            hash: self.hash,
            rows: self.open.values().cloned().collect(),
            deliveries: self.taken.iter().map(|(at, delivery)| (delivery.clone(), *at)).collect(),
            session: self.session.clone(),
        }
    }

    async fn next_due(&self) {
        match self.state.next_due() {
            Some(at) => self.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn take(&mut self, ask: Ask, work: &mut batch::Building) {
        match ask {
            Ask::Decide(request, kept) => self.decide(*request, kept, work),
            Ask::Read(look) => work.release(look(&self.state)),
            Ask::Settings(settings) => self.state.settings = *settings,
            Ask::Open(effects, opened) => {
                let now = self.clock.now();
                effects.into_iter().for_each(|effect| self.open(effect, false, now, work));
                work.release(Box::new(move || {
                    // Whoever asked may have gone away.
                    let _ = opened.send(());
                }));
            }
            // Its sender is told apart before a batch is built.
            Ask::End { .. } => {}
        }
    }

    fn decide(&mut self, request: Request, kept: oneshot::Sender<Kept>, work: &mut batch::Building) {
        let Request { input, asked, delivery, session, finished } = request;
        if session.is_some() {
            self.session.clone_from(&session);
            work.session(session);
        }
        let now = self.clock.now();
        let delivery = asked.as_ref().map(|asked| asked.delivery.clone()).or(delivery);
        if let Some(delivery) = delivery
            && !self.is_new(delivery, now, work)
        {
            let seq = self.state.seq;
            work.release(Box::new(move || {
                let _ = kept.send(Kept { seq, answer: None, repeated: true });
            }));
            return;
        }
        if let Some((key, generation)) = finished {
            self.finish(key, generation, work);
        }
        let decided = operations::decide::decide(&self.state, &input, now);
        if let Input::Vitals(seen) = &input {
            self.state.vitals = (**seen).clone();
        }
        let (events, reply) = match decided {
            Ok(decision) => (decision.events, Ok(decision.reply)),
            Err(refusal) => (Vec::new(), Err(refusal)),
        };
        for event in events {
            self.record(event, asked.is_some(), now, work);
        }
        let answer = match &asked {
            Some(asked) => answers::for_asked(&self.state, reply, asked),
            None => match reply {
                Ok(reply) => reply.map(|reply| answers::answer(&self.state, &reply)),
                Err(refusal) => Some(answers::refusal(&self.state, &refusal)),
            },
        };
        if let (Some(asked), Some(answer)) = (asked, answer.clone()) {
            let effect = Effect::Reply { delivery: asked.delivery, to: asked.reply, answer: Box::new(answer) };
            self.open(effect, true, now, work);
        }
        let seq = self.state.seq;
        work.release(Box::new(move || {
            // Whoever asked may have gone away; it is kept all the same.
            let _ = kept.send(Kept { seq, answer, repeated: false });
        }));
    }

    /// Whether a delivery is taken for the first time; it is remembered then.
    fn is_new(&mut self, delivery: String, now: Timestamp, work: &mut batch::Building) -> bool {
        while let Some((at, _)) = self.taken.front() {
            if after(*at, DELIVERIES_KEPT) > now && self.taken.len() < DELIVERIES_MOST {
                break;
            }
            if let Some((_, old)) = self.taken.pop_front() {
                self.deliveries.remove(&old);
                work.forget(old);
            }
        }
        let shared: Arc<str> = Arc::from(delivery);
        if self.deliveries.contains_key(&shared) {
            return false;
        }
        self.deliveries.insert(shared.clone(), now);
        self.taken.push_back((now, shared.clone()));
        work.delivery(shared, now);
        true
    }

    /// Writes an event down, folds it, and opens the effects that follow.
    fn record(&mut self, event: operations::event::Event, by_person: bool, now: Timestamp, work: &mut batch::Building) {
        let record = operations::journal::Record { seq: self.state.seq + 1, at: now, event };
        self.hash = work.record(&record, self.hash);
        self.state.apply(&record);
        for effect in operations::react::react(&self.state, &record) {
            self.open(effect, by_person, now, work);
        }
    }

    fn open(&mut self, effect: Effect, by_person: bool, now: Timestamp, work: &mut batch::Building) {
        let key: Arc<str> = effect.key().into();
        self.generation += 1;
        let ahead = match &effect {
            Effect::ShowCard { card, place } => by_person || !self.state.cards.contains_key(&(*card, *place)),
            _ => by_person,
        };
        let channel = match &effect {
            Effect::ShowCard { card, place } | Effect::PinCard { card, place } => {
                self.state.channel_of_card(*card, *place)
            }
            Effect::Say { place, .. } => self.state.heard_in(*place),
            _ => None,
        };
        let (channel, generation) = (channel.cloned(), self.generation);
        let row = Arc::new(Row { key: key.clone(), generation, queued_at: now, ahead, channel, effect });
        self.open.insert(key, row.clone());
        work.change(Change::Put(row));
    }

    /// Closes an effect, unless it was asked for again while it was carried out.
    fn finish(&mut self, key: Arc<str>, generation: u64, work: &mut batch::Building) {
        if self.open.get(&key).is_some_and(|row| row.generation == generation) {
            self.open.remove(&key);
            work.change(Change::Done(key));
        } else {
            work.change(Change::Recorded(key));
        }
    }

    /// Looks at what is due. What is due and needs nothing is dropped.
    fn tick(&mut self, work: &mut batch::Building) {
        let now = self.clock.now();
        if self.state.next_due().is_none_or(|at| at > now) {
            return;
        }
        // A tick is never refused.
        if let Ok(decision) = operations::decide::decide(&self.state, &Input::Tick, now) {
            for event in decision.events {
                self.record(event, false, now, work);
            }
        }
        self.state.looked_at(now);
    }
}
