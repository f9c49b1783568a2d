//! One connection to the gateway, from hello to close.
//!
//! One loop reads frames, hands dispatches over, beats, and notes what was kept. What holds:
//! dispatches are handed over in the order in which they came; a session is never resumed
//! after a dispatch that was not kept; a full inbox stops the reading and nothing else.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, SinkExt, StreamExt};
use jiff::Timestamp;
use operations::ids::Platform;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frame::{Dispatch, Frame, marked, understand};
use super::gateway::{Gateway, Stream, address, describe, stopped};
use super::inbound::NEEDED;
use super::limits::SENDS;
use crate::chat::socket::{Arrival, Session};
use crate::clock::{Sleep, after, sleep, timeout};

/// How long the greeting may take.
const HELLO_LIMIT: Duration = Duration::from_secs(15);
/// How long READY, RESUMED or the next replayed dispatch may take.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long one frame may take to be written.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long a clean close may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How many dispatches wait for the inbox before nothing more is read.
const WAITING: usize = 64;
/// What the bot hears of: servers, their messages and reactions, and what messages say (Discord's reference,
/// "Gateway Intents").
const INTENTS: u64 = 1 | 1 << 9 | 1 << 10 | 1 << 15;
/// Our own close code. Anything but 1000 and 1001 leaves the session resumable.
const CLOSE_CODE: u16 = 4000;

/// How a connection ended.
pub(super) enum End {
    /// It was asked to, or nobody takes what arrives.
    Stopped,
    /// Trying again is pointless; what to do instead.
    Fatal(String),
    /// The token is refused; what to do.
    Refused(String),
    /// To be opened again.
    Again {
        why: String,
        /// The session can't be resumed.
        forget: bool,
        /// At least so long from now.
        wait: Option<Duration>,
    },
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was heard yet.
    Opened,
    /// Identified, or asked to resume.
    Begun,
    /// Live.
    Active,
}

/// Where the session stands once a dispatch is kept, and whether it told of what is missing; none where it could not be.
type Kept = std::pin::Pin<Box<dyn Future<Output = Option<(Session, bool)>> + Send>>;

struct Connection<'a> {
    gateway: &'a mut Gateway,
    stream: Stream,
    stage: Stage,
    limit: Sleep,
    waiting: VecDeque<Arrival>,
    pending: FuturesOrdered<Kept>,
    /// The session with the newest dispatch that was read, be it kept or not.
    newest: Option<Session>,
    interval: Duration,
    beat: Option<Sleep>,
    answered: bool,
    sends: VecDeque<Timestamp>,
}

/// Runs a connection until it ends.
pub(super) async fn live(gateway: &mut Gateway, stream: Stream) -> End {
    let limit = sleep(gateway.clock.as_ref(), HELLO_LIMIT);
    let newest = gateway.session.clone();
    let mut connection = Connection {
        gateway,
        stream,
        stage: Stage::Opened,
        limit,
        waiting: VecDeque::new(),
        pending: FuturesOrdered::new(),
        newest,
        interval: Duration::ZERO,
        beat: None,
        answered: true,
        sends: VecDeque::new(),
    };
    let end = connection.run().await;
    connection.note_kept();
    end
}

impl Connection<'_> {
    async fn run(&mut self) -> End {
        let stop = self.gateway.stop.clone();
        let mut stop = Box::pin(stopped(stop));
        let inbox = self.gateway.inbox.clone();
        loop {
            let step = tokio::select! {
                () = &mut stop => {
                    self.close(true).await;
                    return End::Stopped;
                }
                // While nothing is read, nothing that is waited for can be seen.
                () = &mut self.limit, if self.stage != Stage::Active && self.waiting.len() < WAITING => Err(again(match self.stage {
                    Stage::Opened => "no greeting came",
                    Stage::Begun | Stage::Active => "the session was neither begun nor resumed in time",
                })),
                () = wait_for(&mut self.beat) => self.heartbeat_due().await,
                Some(kept) = self.pending.next() => match kept {
                    Some((session, told)) => {
                        self.gateway.kept(session, told);
                        Ok(())
                    }
                    None => Err(again("a dispatch could not be kept")),
                },
                permit = inbox.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(arrival) = self.waiting.pop_front() {
                            permit.send(arrival);
                        }
                        if self.stage == Stage::Begun {
                            self.limit = sleep(self.gateway.clock.as_ref(), READY_LIMIT);
                        }
                        Ok(())
                    }
                    Err(_) => Err(End::Stopped),
                },
                frame = self.stream.next(), if self.waiting.len() < WAITING => match frame {
                    Some(Ok(frame)) => {
                        self.gateway.alive(self.gateway.clock.now());
                        self.frame(frame).await
                    }
                    Some(Err(error)) => return again(&describe(&error)),
                    None => return again("closed without a word"),
                },
            };
            if let Err(end) = step {
                // A peer that is not there any more need not be waited for.
                self.close(matches!(end, End::Stopped)).await;
                return end;
            }
        }
    }

    async fn frame(&mut self, frame: Message) -> Result<(), End> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Close(frame) => return Err(closed(frame.map(|frame| u16::from(frame.code)))),
            // Pings are answered by the WebSocket itself.
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => return Ok(()),
        };
        let Some(frame) = understand(&text) else {
            tracing::warn!(bytes = text.len(), "A frame from Discord is not JSON and is left aside");
            return Ok(());
        };
        match frame {
            Frame::Dispatch(dispatch) => self.dispatch(&dispatch, &text),
            Frame::Heartbeat => self.heartbeat().await,
            Frame::Reconnect => Err(again("Discord asks for a new connection")),
            Frame::Invalid { resumable } => {
                // Discord asks for one to five seconds.
                let wait = Duration::from_secs_f64(1.0 + 4.0 * fastrand::f64());
                let why = format!("Discord calls the session invalid (resumable: {resumable})");
                Err(End::Again { why, forget: !resumable, wait: (!resumable).then_some(wait) })
            }
            Frame::Hello(interval) => self.hello(interval).await,
            Frame::Answered => {
                self.answered = true;
                Ok(())
            }
            Frame::Other => Ok(()),
        }
    }

    async fn hello(&mut self, interval: Option<Duration>) -> Result<(), End> {
        if self.stage != Stage::Opened {
            return Ok(());
        }
        self.interval = interval.ok_or_else(|| again("the greeting names no heartbeat interval"))?;
        let clock = self.gateway.clock.clone();
        self.beat = Some(sleep(clock.as_ref(), self.interval.mul_f64(fastrand::f64())));
        let token = self.gateway.token.expose().to_owned();
        let payload = match &self.gateway.session {
            Some(session) => {
                json!({ "op": 6, "d": { "token": token, "session_id": session.id, "seq": session.seq } })
            }
            None => {
                self.gateway.identifying();
                let properties = json!({ "os": std::env::consts::OS, "browser": "muster", "device": "muster" });
                json!({ "op": 2, "d": { "token": token, "intents": INTENTS, "properties": properties } })
            }
        };
        self.stage = Stage::Begun;
        self.limit = sleep(clock.as_ref(), READY_LIMIT);
        self.send(Message::text(payload.to_string())).await
    }

    fn dispatch(&mut self, dispatch: &Dispatch, text: &str) -> Result<(), End> {
        let kind = dispatch.kind.as_str();
        if self.stage == Stage::Opened {
            return Err(again("a dispatch came before the greeting"));
        }
        if self.stage == Stage::Begun {
            self.limit = sleep(self.gateway.clock.as_ref(), READY_LIMIT);
        }
        if kind == "READY" {
            self.ready(dispatch)?;
        }
        let Some(newest) = &mut self.newest else { return Err(again("a dispatch came without a session")) };
        if let Some(seq) = dispatch.seq {
            newest.seq = seq;
        }
        newest.at = Some(self.gateway.clock.now());
        let session = newest.clone();
        match kind {
            // Only where to resume is of interest, and that is a credential; and since when something is missing.
            "READY" => self.begun(session),
            "RESUMED" if self.gateway.missing.is_some() => self.begun(session),
            kind if NEEDED.contains(&kind) => match marked(text, &short(&session.id)) {
                Some(raw) => self.hand_over(raw, session, false),
                None => return Ok(()),
            },
            // Noted in its place, so that it does not overtake what is still being kept.
            _ => self.pending.push_back(Box::pin(std::future::ready(Some((session, false))))),
        }
        if kind == "RESUMED" || kind == "READY" {
            self.stage = Stage::Active;
            self.gateway.connected(kind == "RESUMED");
        }
        Ok(())
    }

    /// Notes the session that begins.
    fn ready(&mut self, dispatch: &Dispatch) -> Result<(), End> {
        let id = dispatch.session.clone().ok_or_else(|| End::Again {
            why: "the session that Discord began has no id".to_owned(),
            forget: true,
            wait: None,
        })?;
        // Where it is no address, the one that everybody is told does as well.
        let own = dispatch.resume_url.clone().filter(|url| address(url).is_some());
        let resume_url = own.unwrap_or_else(|| self.gateway.main.clone());
        let session = Session { id, seq: dispatch.seq.unwrap_or_default(), resume_url, at: None };
        self.newest = Some(session.clone());
        // From here on the session can be resumed: what READY tells of a gap is told again where it could not be kept.
        self.gateway.session = Some(session);
        Ok(())
    }

    /// Hands over that a session is live, and since when what was said before it is missing.
    fn begun(&mut self, session: Session) {
        let missing = self.gateway.missing.map(|at| at.to_string());
        let data = json!({ "missing_since": missing });
        self.hand_over(json!({ "op": 0, "t": "READY", "s": session.seq, "d": data }).to_string(), session, true);
    }

    fn hand_over(&mut self, raw: String, session: Session, tells: bool) {
        let (kept, resolved) = oneshot::channel();
        let then = session.clone();
        self.pending.push_back(Box::pin(async move { resolved.await.is_ok().then_some((then, tells)) }));
        self.waiting.push_back(Arrival { platform: Platform::Discord, raw, session: Some(session), kept });
    }

    async fn heartbeat_due(&mut self) -> Result<(), End> {
        let clock = self.gateway.clock.clone();
        self.beat = Some(sleep(clock.as_ref(), self.interval));
        // While nothing is read, no answer can be seen.
        if !self.answered && self.waiting.len() < WAITING {
            return Err(again("a heartbeat was not answered"));
        }
        self.answered = false;
        self.heartbeat().await
    }

    async fn heartbeat(&mut self) -> Result<(), End> {
        let now = self.gateway.clock.now();
        self.sends.retain(|at| now < after(*at, SENDS.per));
        if self.sends.len() >= SENDS.calls as usize {
            tracing::warn!("A heartbeat is left out, because Discord would close the connection for too many");
            return Ok(());
        }
        let seq = self.newest.as_ref().map(|session| session.seq);
        self.send(Message::text(json!({ "op": 1, "d": seq }).to_string())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        let clock = self.gateway.clock.clone();
        self.sends.push_back(clock.now());
        match timeout(clock.as_ref(), SEND_LIMIT, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            // What Discord said before it closed, with the reason as its code, may still be there to be read.
            Ok(Err(_)) => Ok(()),
            Err(late) => Err(again(&format!("sending got {late}"))),
        }
    }

    /// Takes note of what has been kept by now, in order.
    fn note_kept(&mut self) {
        while let Some(Some(Some((session, told)))) = self.pending.next().now_or_never() {
            self.gateway.kept(session, told);
        }
    }

    /// Says goodbye in a way that leaves the session to be resumed; waits for the answer where `politely`. All of it briefly.
    async fn close(&mut self, politely: bool) {
        let clock = self.gateway.clock.clone();
        if politely {
            // What is being kept at this moment need not come again.
            self.waiting.clear();
            let pending = std::mem::take(&mut self.pending);
            let kept = pending.take_while(|kept| std::future::ready(kept.is_some()));
            let kept = timeout(clock.as_ref(), CLOSE_LIMIT, kept.collect::<Vec<_>>()).await;
            for (session, told) in kept.into_iter().flatten().flatten() {
                self.gateway.kept(session, told);
            }
        }
        let frame = CloseFrame { code: CloseCode::from(CLOSE_CODE), reason: "".into() };
        let goodbye = async {
            if self.stream.send(Message::Close(Some(frame))).await.is_ok() && politely {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // Whatever goes wrong, the connection ends.
        let _ = timeout(clock.as_ref(), CLOSE_LIMIT, goodbye).await;
    }
}

/// The session as a short mark that gives nothing away: two sessions count from the same number.
fn short(session: &str) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(session.as_bytes()).iter().take(4) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn again(why: &str) -> End {
    End::Again { why: why.to_owned(), forget: false, wait: None }
}

/// What a close code means (Discord's reference, "Gateway Close Event Codes").
fn closed(code: Option<u16>) -> End {
    let fatal =
        |what: &str| End::Fatal(format!("{what} (close code {}), then start Muster again", code.unwrap_or_default()));
    match code {
        Some(4004) => End::Refused(
            "Discord does not accept the bot's token: put the one of the developer portal into the configuration (close \
             code 4004), then start Muster again"
                .to_owned(),
        ),
        Some(4010 | 4011) => {
            fatal("Discord wants the bot to be split into shards, which Muster is not made for: use it in one server")
        }
        Some(4012) => fatal("Discord no longer speaks version 10 of its gateway: install a newer Muster"),
        Some(4013) => fatal("Discord does not know the intents that Muster asks for: install a newer Muster"),
        Some(4014) => fatal(
            "Discord does not let the bot read messages: switch on \"Message Content Intent\" on the Bot page of the developer portal",
        ),
        Some(code @ (4007 | 4009)) => {
            End::Again { why: format!("Discord closed it with code {code}"), forget: true, wait: None }
        }
        Some(code) => again(&format!("Discord closed it with code {code}")),
        None => again("Discord closed it without a code"),
    }
}

async fn wait_for(sleep: &mut Option<Sleep>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}
