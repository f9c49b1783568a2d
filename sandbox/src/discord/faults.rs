//! What can be made to go wrong with the gateway, and waiting until all is quiet.

use super::Discord;
use super::session::Order;
use crate::faults::SocketFault;

impl Discord {
    /// Makes something happen to the gateway.
    pub async fn socket_fault(&self, fault: SocketFault) {
        let mut state = self.lock();
        let gateway = &mut state.gateway;
        match fault {
            SocketFault::Close { code } => gateway.order_all(|| Order::Close(code)),
            SocketFault::Drop => gateway.order_all(|| Order::Drop),
            SocketFault::HangHandshake { times } => gateway.hang_handshakes = times,
            SocketFault::RefuseHandshake { times, status } => gateway.refuse_handshakes = (times, status),
            SocketFault::NoHello { times } => gateway.no_hello = times,
            SocketFault::CloseAfterHello { times, code } => gateway.close_after_hello = (times, code),
            SocketFault::AskReconnect { .. } => {
                gateway.order_all(|| Order::Text(r#"{"op":7,"d":null,"s":null,"t":null}"#.to_owned()))
            }
            SocketFault::RefuseResume { times } => gateway.refuse_resumes = times,
            SocketFault::InvalidSession { resumable } => {
                gateway.order_all(|| Order::Text(format!(r#"{{"op":9,"d":{resumable},"s":null,"t":null}}"#)));
                if !resumable {
                    let ids: Vec<String> = gateway.sessions.iter().map(|session| session.id.clone()).collect();
                    ids.iter().for_each(|id| gateway.end(id));
                }
            }
            SocketFault::IgnoreHeartbeats { on } => gateway.ignore_heartbeats = on,
            SocketFault::Freeze { on } => {
                gateway.sockets.values_mut().for_each(|socket| socket.frozen = on);
                gateway.order_all(|| Order::Look);
            }
            SocketFault::Frame { text } => gateway.order_all(|| Order::Text(text.clone())),
            SocketFault::ResumeUrl { url } => gateway.resume_url = url,
            SocketFault::Twice { .. } => {}
        }
    }

    /// The newest sequence number of any session.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.lock()
            .gateway
            .sessions
            .iter()
            .filter(|session| session.socket.is_some())
            .map(|session| session.seq)
            .max()
            .unwrap_or_default()
    }

    /// Sessions that were begun.
    #[must_use]
    pub fn identifies(&self) -> usize {
        self.lock().gateway.identified
    }

    /// Uses up all sessions of the day but so many, as another process with the same token would.
    pub fn leave_identifies(&self, left: usize) {
        let mut state = self.lock();
        let now = state.now;
        state.gateway.identifies.resize(super::session::IDENTIFIES.saturating_sub(left), now);
    }

    /// Sessions that were resumed.
    #[must_use]
    pub fn resumes(&self) -> usize {
        self.lock().gateway.resumes
    }

    /// Sets the interval that hello names from now on, in milliseconds.
    pub fn set_heartbeat_interval(&self, milliseconds: u64) {
        self.lock().gateway.heartbeat_ms = milliseconds;
    }

    /// Switches privileged intents off in the developer portal, by their bits.
    pub fn disallow_intents(&self, bits: u64) {
        self.lock().gateway.disallowed = bits;
    }

    /// Whether a session has a socket.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.lock().gateway.is_live()
    }

    /// Whether somebody's interaction waits for a session that has no socket at the moment.
    #[must_use]
    pub fn waits_for_a_socket(&self) -> bool {
        let state = self.lock();
        !state.waiting.is_empty() && !state.gateway.is_live()
    }

    /// Resolves when no socket is open any more but those that are frozen, which notice nothing.
    pub async fn deserted(&self) {
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            if self.lock().gateway.sockets.values().all(|socket| socket.frozen) {
                return;
            }
            if version.changed().await.is_err() {
                return;
            }
        }
    }

    /// Resolves when every interaction was answered or has failed, and everything was written that can be.
    pub async fn quiet(&self) {
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            let quiet = {
                let state = self.lock();
                state.waiting.is_empty() && state.gateway.is_written()
            };
            if quiet {
                return;
            }
            if version.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends every socket, for a server that goes away.
    pub fn cut(&self) {
        self.lock().gateway.order_all(|| Order::Drop);
    }
}
