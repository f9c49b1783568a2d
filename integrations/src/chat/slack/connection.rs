//! One Socket Mode connection, from its greeting to its end.
//!
//! One loop reads frames, hands envelopes over, and acknowledges those that were kept. What
//! holds: envelopes are handed over in the order in which they came; none is acknowledged
//! before it is kept; a full inbox stops the reading and nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use operations::ids::Platform;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frame::{Frame, understand};
use super::socket::{Shared, Stream, describe};
use crate::chat::socket::Arrival;
use crate::clock::{Sleep, after, sleep, timeout};

/// How long the greeting may take.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// How often a ping is sent.
const PING: Duration = Duration::from_secs(10);
/// Silence for so long, and two pings unanswered: nobody is there.
const SILENCE: Duration = Duration::from_secs(30);
/// How long one frame may take to be written.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long an announced end is waited for while the next connection is there.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a clean close may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How many envelopes wait for the inbox before nothing more is read.
const WAITING: usize = 64;

/// What a connection tells its lane.
#[derive(Debug)]
pub(super) enum News {
    /// It will end soon: open the next one. Why.
    Replace(String),
    /// It has ended. Why.
    Ended(String),
}

/// How the work of a kept envelope ended: its id where it was kept.
type Kept = std::pin::Pin<Box<dyn Future<Output = Option<String>> + Send>>;

struct Connection {
    shared: Arc<Shared>,
    stream: Stream,
    waiting: VecDeque<Arrival>,
    pending: FuturesUnordered<Kept>,
    greeted: bool,
    last_sign: Timestamp,
    unanswered: u32,
}

/// Runs a connection until it ends; tells `news` once it is to be replaced and once it has ended.
pub(super) async fn run(shared: Arc<Shared>, stream: Stream, number: u64, news: mpsc::UnboundedSender<(u64, News)>) {
    let last_sign = shared.clock.now();
    let mut connection = Connection {
        shared: shared.clone(),
        stream,
        waiting: VecDeque::new(),
        pending: FuturesUnordered::new(),
        greeted: false,
        last_sign,
        unanswered: 0,
    };
    let guard = Parting { shared: shared.clone(), greeted: false };
    let why = connection.live(guard, |why| {
        // A lane that is gone needs no news.
        let _ = news.send((number, News::Replace(why)));
    });
    let why = why.await;
    let _ = news.send((number, News::Ended(why)));
}

/// Counts the connection out when it ends, even by a panic.
struct Parting {
    shared: Arc<Shared>,
    greeted: bool,
}

impl Drop for Parting {
    fn drop(&mut self) {
        if self.greeted {
            self.shared.parted();
        }
    }
}

impl Connection {
    /// Everything until the end; why it ended.
    async fn live(&mut self, mut parting: Parting, replace: impl Fn(String)) -> String {
        let shared = self.shared.clone();
        let clock = shared.clock.clone();
        let hello_until = after(clock.now(), HELLO_LIMIT);
        let mut hello: Sleep = clock.sleep_until(hello_until);
        let mut ping = sleep(clock.as_ref(), PING);
        let mut drained: Option<Sleep> = None;
        loop {
            let outcome = tokio::select! {
                () = shared.stopped() => {
                    self.close().await;
                    return "Muster stops".to_owned();
                }
                () = &mut hello, if !self.greeted => Err("no greeting came".to_owned()),
                () = wait_for(&mut drained) => {
                    self.close().await;
                    return "replaced".to_owned();
                }
                () = &mut ping => {
                    ping = sleep(clock.as_ref(), PING);
                    self.ping().await
                }
                Some(kept) = self.pending.next() => self.acknowledge(kept).await,
                permit = shared.inbox.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(arrival) = self.waiting.pop_front() {
                            permit.send(arrival);
                        }
                        Ok(())
                    }
                    Err(_) => {
                        self.close().await;
                        return "nobody takes what arrives".to_owned();
                    }
                },
                frame = self.stream.next(), if self.waiting.len() < WAITING => {
                    self.last_sign = clock.now();
                    self.unanswered = 0;
                    shared.alive(self.last_sign);
                    match frame {
                        Some(Ok(frame)) => self.read(frame).map(|frame| match frame {
                            Frame::Hello if !self.greeted => {
                                self.greeted = true;
                                parting.greeted = true;
                                shared.greeted();
                            }
                            Frame::Disconnect(why) if drained.is_none() => {
                                drained = Some(sleep(clock.as_ref(), DRAIN));
                                replace(why);
                            }
                            Frame::Hello | Frame::Disconnect(_) | Frame::Envelope(_) | Frame::Other => {}
                        }),
                        Some(Err(error)) => Err(describe(&error)),
                        None => Err("closed".to_owned()),
                    }
                }
            };
            if let Err(why) = outcome {
                return why;
            }
        }
    }

    /// Reads one frame; an error is the end of the connection.
    fn read(&mut self, frame: Message) -> Result<Frame, String> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Close(frame) => {
                let code =
                    frame.map_or_else(|| "no code".to_owned(), |frame| format!("code {}", u16::from(frame.code)));
                return Err(format!("Slack closed it with {code}"));
            }
            // Pings are answered by the WebSocket itself.
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => return Ok(Frame::Other),
        };
        let frame = understand(&text);
        if let Frame::Envelope(id) = &frame {
            let (kept, resolved) = oneshot::channel();
            let id = id.clone();
            self.pending.push(Box::pin(async move { resolved.await.is_ok().then_some(id) }));
            self.waiting.push_back(Arrival {
                platform: Platform::Slack,
                raw: text.as_str().to_owned(),
                session: None,
                kept,
            });
        }
        Ok(frame)
    }

    async fn acknowledge(&mut self, kept: Option<String>) -> Result<(), String> {
        // What could not be kept is not acknowledged: Slack delivers it again.
        let Some(id) = kept else { return Ok(()) };
        self.send(Message::text(json!({ "envelope_id": id }).to_string())).await?;
        self.shared.kept();
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), String> {
        let now = self.shared.clock.now();
        // While nothing is read, no answer can be seen.
        if self.waiting.len() >= WAITING {
            self.last_sign = now;
            self.unanswered = 0;
        }
        if self.unanswered >= 2 && now >= after(self.last_sign, SILENCE) {
            return Err(format!("no sign of life for {} s", SILENCE.as_secs()));
        }
        self.unanswered += 1;
        self.send(Message::Ping(bytes::Bytes::from_static(b"muster"))).await
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        let clock = self.shared.clock.clone();
        match timeout(clock.as_ref(), SEND_LIMIT, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(describe(&error)),
            Err(late) => Err(format!("sending got {late}")),
        }
    }

    /// Acknowledges what is kept in the meantime, says goodbye and waits for the answer; all of it briefly.
    async fn close(&mut self) {
        let clock = self.shared.clock.clone();
        self.waiting.clear();
        let goodbye = async {
            while let Some(kept) = self.pending.next().await {
                self.acknowledge(kept).await?;
            }
            self.goodbye().await
        };
        // Whatever goes wrong, the connection ends: what was not acknowledged is delivered again.
        if timeout(clock.as_ref(), CLOSE_LIMIT, goodbye).await.is_err() {
            let _ = timeout(clock.as_ref(), CLOSE_LIMIT, self.goodbye()).await;
        }
    }

    async fn goodbye(&mut self) -> Result<(), String> {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        self.send(Message::Close(Some(frame))).await?;
        while let Some(Ok(_)) = self.stream.next().await {}
        Ok(())
    }
}

async fn wait_for(sleep: &mut Option<Sleep>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}
