//! How a socket comes by a session: identify and resume.
//!
//! What holds: one identify in five seconds and a thousand in a day; one more, and the token is
//! reset, all sessions end and all sockets are closed.

use std::collections::VecDeque;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::gateway::Link;
use super::payload;
use super::session::{GUILDS, IDENTIFIES, Order, Session};

/// Every intent that there is.
const INTENTS: u64 = 0x1ffff | 3 << 20 | 3 << 24;

impl Link<'_> {
    fn is_token(&self, data: &Value) -> bool {
        let token = data["token"].as_str().unwrap_or_default();
        self.discord.is_token(token.strip_prefix("Bot ").unwrap_or(token))
    }

    pub(super) fn identify(&mut self, data: &Value) -> Result<Vec<Value>, (u16, &'static str)> {
        if self.has_session() {
            return Err((4005, "Already authenticated."));
        }
        if !self.is_token(data) {
            return Err((4004, "Authentication failed."));
        }
        let properties = &data["properties"];
        let told = ["os", "browser", "device"].iter().all(|key| properties[*key].is_string());
        let intents = data["intents"].as_u64().filter(|_| told).ok_or((4002, "Error while decoding payload."))?;
        if intents & !INTENTS != 0 {
            return Err((4013, "Invalid intent(s)."));
        }
        if !data["shard"].is_null() && data["shard"] != json!([0, 1]) {
            return Err((4010, "Invalid shard."));
        }
        let mut state = self.discord.lock();
        let now = state.now;
        if intents & state.gateway.disallowed != 0 {
            return Err((4014, "Disallowed intent(s)."));
        }
        if data["compress"].as_bool() == Some(true) {
            state.unexpected.push("gateway: identify asks for compression, which is not offered here".to_owned());
        }
        let gateway = &mut state.gateway;
        gateway.identifies.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(24));
        let hasty = gateway.identifies.last().is_some_and(|at| now.duration_since(*at) < SignedDuration::from_secs(5));
        gateway.identifies.push(now);
        gateway.identified += 1;
        if gateway.identifies.len() > IDENTIFIES {
            // Discord ends all sessions and resets the token; only its owner can make a new one.
            gateway.is_token_reset = true;
            gateway.sessions.clear();
            gateway.order_all(|| Order::Close(Some(4004)));
            return Err((4004, "Authentication failed."));
        }
        if gateway.paced && hasty {
            return Ok(vec![json!({"op": 9, "d": false, "s": null, "t": null})]);
        }
        let session = format!("{:032x}", u128::from(state.next_id()) * 0x9e37_79b9_7f4a_7c15);
        state.gateway.sessions.push(Session {
            id: session.clone(),
            intents,
            seq: 0,
            written: 0,
            log: VecDeque::new(),
            socket: Some(self.id),
            left: now,
        });
        if let Some(socket) = state.gateway.sockets.get_mut(&self.id) {
            socket.session = Some(session.clone());
        }
        let resume_url = match state.gateway.resume_url.as_str() {
            "" => self.discord.gateway_url(),
            other => other.to_owned(),
        };
        let ready = json!({
            "v": 10, "user": payload::user_by_id(&state, state.me), "session_id": session, "session_type": "normal",
            "resume_gateway_url": resume_url, "guilds": [{"id": state.guild.to_string(), "unavailable": true}],
            "application": {"id": state.me.to_string(), "flags": 0}, "private_channels": [], "presences": [],
            "relationships": [], "user_settings": {}, "geo_ordered_rtc_regions": [], "shard": [0, 1],
            "guild_join_requests": [], "_trace": [],
        });
        state.dispatch_to(&session, "READY", &ready);
        if intents & GUILDS != 0 {
            let guild = payload::whole_guild(&state);
            state.dispatch_to(&session, "GUILD_CREATE", &guild);
        }
        state.changed(0);
        Ok(Vec::new())
    }

    pub(super) fn resume(&mut self, data: &Value) -> Result<Vec<Value>, (u16, &'static str)> {
        if self.has_session() {
            return Err((4005, "Already authenticated."));
        }
        if !self.is_token(data) {
            return Err((4004, "Authentication failed."));
        }
        let (Some(id), Some(seq)) = (data["session_id"].as_str(), data["seq"].as_u64()) else {
            return Err((4002, "Error while decoding payload."));
        };
        let invalid = Ok(vec![json!({"op": 9, "d": false, "s": null, "t": null})]);
        let mut state = self.discord.lock();
        if state.gateway.refuse_resumes > 0 {
            state.gateway.refuse_resumes -= 1;
            state.gateway.end(id);
            return invalid;
        }
        let Some(session) = state.gateway.sessions.iter().find(|session| session.id == id) else { return invalid };
        if !state.is_resumable(session) || !session.can_replay(seq) {
            state.gateway.end(id);
            return invalid;
        }
        if seq > session.seq {
            state.gateway.end(id);
            return Err((4007, "Invalid seq."));
        }
        let former = session.socket;
        if let Some(former) = former.and_then(|former| state.gateway.sockets.get_mut(&former)) {
            // The session goes over to this socket.
            former.session = None;
            let _ = former.orders.send(Order::Close(Some(4000)));
        }
        let own = self.id;
        if let Some(session) = state.gateway.session_mut(id) {
            session.socket = Some(own);
            session.written = seq;
        }
        if let Some(socket) = state.gateway.sockets.get_mut(&own) {
            socket.session = Some(id.to_owned());
        }
        state.gateway.resumes += 1;
        state.dispatch_to(id, "RESUMED", &json!({"_trace": []}));
        state.changed(0);
        Ok(Vec::new())
    }
}
