//! How long a start takes with a long journal.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bot::app::{App, Options};
use bot::crash::Crash;
use bot::store::files::Files;
use bot::store::{Batch, Store};
use integrations::clock::{Clock, SystemClock};
use operations::event::Event;
use operations::journal::{Hash, Record};

/// Starts the bot twice on a journal of so many events: without a snapshot and with one.
pub(crate) async fn cold_start(events: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = crate::sandbox().await;
    let config = bot::demo::write_config(directory.path(), &sandbox, 0).expect("the configuration holds");
    write_journal(&config.data_dir, events);
    for what in ["without a snapshot", "with one"] {
        let begun = Instant::now();
        let app = App::start(&config, Options { clock: Arc::new(SystemClock), crash: Crash::default() })
            .await
            .expect("the bot starts");
        println!(
            "cold start with {events} events, {what}: {:.0} ms ({} events read)",
            begun.elapsed().as_secs_f64() * 1e3,
            app.replayed
        );
        app.stop().await;
    }
}

/// A journal as a bot that lived for long would have: groups that open and are resolved, an event every 20 s.
pub(crate) fn write_journal(data: &Path, events: u64) {
    let mut store = Files::open(data).expect("the store opens");
    let mut hash = Hash::GENESIS;
    let mut batch = Batch::new(1);
    let began = SystemClock.now() - jiff::SignedDuration::from_secs(i64::try_from(events).unwrap_or_default() * 20);
    for seq in 1..=events {
        let group = operations::ids::GroupId(seq.div_ceil(4));
        let at = began + jiff::SignedDuration::from_secs(i64::try_from(seq).unwrap_or_default() * 20);
        let fingerprint: std::sync::Arc<str> = format!("{:016x}", group.0).into();
        let event = match (seq - 1) % 4 {
            0 => Event::GroupOpened {
                group,
                source: "alertmanager".into(),
                key: format!("key-{}", group.0).into(),
                title: "HighErrorRate".into(),
                service: Some("checkout".into()),
                severity: operations::incident::Severity::Sev2,
                source_url: None,
                channel: None,
            },
            1 => Event::AlertFired {
                group,
                alert: operations::alert::Alert {
                    fingerprint,
                    labels: [
                        ("alertname", "HighErrorRate"),
                        ("service", "checkout"),
                        ("severity", "high"),
                        ("instance", "checkout-1"),
                    ]
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
                    annotations: [("summary".to_owned(), "Error rate 20% on checkout".into())].into(),
                    starts_at: at,
                    ends_at: None,
                    source_url: None,
                },
                verdict: operations::triage::Verdict::Opens,
            },
            2 => Event::AlertResolved { group, fingerprint, ends_at: at },
            _ => Event::GroupResolved { group },
        };
        let line = serde_json::to_vec(&Record { seq, at, event }).expect("a record is JSON");
        hash = hash.then(&line);
        batch.push(&line, hash);
        if batch.ends.len() == 1000 {
            store.commit(&batch).expect("it is committed");
            batch = Batch::new(seq + 1);
        }
    }
    store.commit(&batch).expect("it is committed");
}
