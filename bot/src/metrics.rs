//! Figures about Muster itself, in Prometheus' text format at `/metrics`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use operations::vitals::{Trouble, Vitals};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The figures. Cloning gives another handle on the same ones.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    hooks: Family<HookLabels, Counter>,
    inputs: Family<PlatformLabels, Counter>,
    unreadable: Family<PlatformLabels, Counter>,
    effects: Family<EffectLabels, Counter>,
    events: Counter,
    batches: Counter,
    handed: Counter,
    commits: Histogram,
    open: Gauge,
    oldest: Gauge<f64, AtomicU64>,
    connected: Family<PlatformLabels, Gauge>,
    room: Gauge,
    troubles: Family<TroubleLabels, Gauge>,
    lanes: Family<LaneLabels, Gauge>,
    lanes_oldest: Family<LaneLabels, Gauge<f64, AtomicU64>>,
    lag: Gauge<f64, AtomicU64>,
    refused: Family<PlatformLabels, Gauge>,
    sessions_left: Family<PlatformLabels, Gauge>,
    disk_free: Gauge,
    bodies: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabels {
    source: String,
    answer: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlatformLabels {
    platform: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TroubleLabels {
    trouble: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneLabels {
    lane: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EffectLabels {
    platform: &'static str,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("muster");
        let inner = Inner {
            hooks: Family::default(),
            inputs: Family::default(),
            unreadable: Family::default(),
            effects: Family::default(),
            events: Counter::default(),
            batches: Counter::default(),
            handed: Counter::default(),
            // From half a millisecond to about four seconds.
            commits: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            open: Gauge::default(),
            oldest: Gauge::default(),
            connected: Family::default(),
            room: Gauge::default(),
            troubles: Family::default(),
            lanes: Family::default(),
            lanes_oldest: Family::default(),
            lag: Gauge::default(),
            refused: Family::default(),
            sessions_left: Family::default(),
            disk_free: Gauge::default(),
            bodies: Gauge::default(),
            registry: Registry::default(), // Replaced below, once everything is registered.
        };
        registry.register("hooks", "Webhooks by source and status of the answer", inner.hooks.clone());
        registry.register("chat_inputs", "What arrived from a chat and was kept", inner.inputs.clone());
        registry.register(
            "chat_unreadable",
            "What arrived from a chat and could not be read",
            inner.unreadable.clone(),
        );
        registry.register("effects", "Attempts of the outbox by outcome", inner.effects.clone());
        registry.register("journal_events", "Events written to the journal", inner.events.clone());
        registry.register("journal_commits", "Batches put on disk", inner.batches.clone());
        registry.register("outbox_changes", "Batches of changes handed to the outbox", inner.handed.clone());
        registry.register("journal_commit_seconds", "Time to put a batch on disk", inner.commits.clone());
        registry.register("outbox_open", "Effects that are still to be carried out", inner.open.clone());
        registry.register("outbox_oldest_seconds", "Age of the oldest open effect", inner.oldest.clone());
        registry.register("chat_connected", "Whether the socket to a chat is up", inner.connected.clone());
        registry.register("trouble", "What is wrong now: 1 for each", inner.troubles.clone());
        registry.register("outbox_lane_depth", "Effects that wait, in the fullest lanes", inner.lanes.clone());
        registry.register(
            "outbox_lane_oldest_seconds",
            "Age of the oldest effect in each of these lanes",
            inner.lanes_oldest.clone(),
        );
        registry.register("engine_lag_seconds", "How long an input waits to be decided", inner.lag.clone());
        registry.register(
            "chat_refused_lately",
            "Calls that a chat refused in the last ten minutes; too many, and it shuts the bot out",
            inner.refused.clone(),
        );
        registry.register(
            "chat_sessions_left",
            "Sessions that may still be begun today, as the chat told when it was last asked",
            inner.sessions_left.clone(),
        );
        registry.register("disk_free_bytes", "Room on the data directory's disk", inner.disk_free.clone());
        registry.register("engine_room", "How many more inputs can wait", inner.room.clone());
        registry.register("hooks_body_bytes", "Bytes of webhooks' bodies that are held", inner.bodies.clone());
        Metrics { inner: Arc::new(Inner { registry, ..inner }) }
    }
}

impl Metrics {
    /// A webhook was answered.
    pub fn hook(&self, source: &str, answer: u16) {
        self.inner.hooks.get_or_create(&HookLabels { source: source.to_owned(), answer }).inc();
    }

    /// Something arrived from a chat and was kept.
    pub fn arrived(&self, platform: &'static str) {
        self.inner.inputs.get_or_create(&PlatformLabels { platform }).inc();
    }

    /// Something arrived from a chat and could not be read.
    pub fn unreadable(&self, platform: &'static str) {
        self.inner.unreadable.get_or_create(&PlatformLabels { platform }).inc();
    }

    /// An effect was tried.
    pub fn effect(&self, platform: &'static str, outcome: &'static str) {
        self.inner.effects.get_or_create(&EffectLabels { platform, outcome }).inc();
    }

    /// A batch is on disk.
    pub fn committed(&self, events: usize, took: Duration) {
        self.inner.events.inc_by(events as u64);
        self.inner.batches.inc();
        self.inner.commits.observe(took.as_secs_f64());
    }

    /// How the outbox stands.
    pub fn outbox(&self, open: usize, oldest: Duration) {
        self.inner.open.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.inner.oldest.set(oldest.as_secs_f64());
    }

    /// Whether a chat's socket is up.
    pub fn connected(&self, platform: &'static str, up: bool) {
        self.inner.connected.get_or_create(&PlatformLabels { platform }).set(i64::from(up));
    }

    /// What is wrong now.
    pub fn troubles(&self, troubles: &[Trouble]) {
        self.inner.troubles.clear();
        for trouble in troubles {
            self.inner.troubles.get_or_create(&TroubleLabels { trouble: trouble.key() }).set(1);
        }
    }

    /// What Muster sees of itself.
    pub fn vitals(&self, seen: &Vitals) {
        // Lanes that are empty now are not told of any more.
        self.inner.lanes.clear();
        self.inner.lanes_oldest.clear();
        for lane in &seen.lanes {
            let labels = LaneLabels { lane: lane.name.clone() };
            self.inner.lanes.get_or_create(&labels).set(i64::try_from(lane.depth).unwrap_or(i64::MAX));
            let age = seen.at.duration_since(lane.oldest).as_secs_f64();
            self.inner.lanes_oldest.get_or_create(&labels).set(age);
        }
        for (platform, refused) in &seen.invalid {
            let labels = PlatformLabels { platform: platform.key() };
            self.inner.refused.get_or_create(&labels).set(i64::try_from(*refused).unwrap_or(i64::MAX));
        }
        for (platform, left) in &seen.sessions_left {
            let labels = PlatformLabels { platform: platform.key() };
            self.inner.sessions_left.get_or_create(&labels).set(i64::try_from(*left).unwrap_or(i64::MAX));
        }
        self.inner.lag.set(seen.lag.as_secs_f64());
        if let Some(free) = seen.disk_free {
            self.inner.disk_free.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
    }

    /// How many more inputs can wait.
    pub fn room(&self, room: usize) {
        self.inner.room.set(i64::try_from(room).unwrap_or(i64::MAX));
    }

    /// How many bytes of webhooks' bodies are held.
    pub fn bodies(&self, bytes: usize) {
        self.inner.bodies.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A batch of changes goes to the outbox.
    pub fn handed(&self) {
        self.inner.handed.inc();
    }

    /// Batches of changes that went to the outbox since the start.
    #[must_use]
    pub fn changes_handed(&self) -> u64 {
        self.inner.handed.get()
    }

    /// Batches put on disk since the start.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.batches.get()
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.inner.registry);
        text
    }
}
