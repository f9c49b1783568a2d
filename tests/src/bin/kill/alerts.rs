//! Alerts from outside: one webhook each, with the same body again until it is answered with 2xx.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use integrations::clock::{Clock, SystemClock};
use tests::child::pause;

use crate::ledger::count;
use crate::plan::{member, title};
use crate::site::Site;

/// So many webhooks can be under way at once.
pub(crate) const SENDERS: u32 = 8;

/// A webhook that is not answered within this time is sent again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells of alerts until all are told of.
pub(crate) async fn tell(site: Arc<Site>, mut rng: Rng) {
    let mut kills = site.kills.subscribe();
    // On average, all senders together are through when the steady times are over.
    let longest = site.plan.uptime() * 2 * SENDERS / site.plan.alerts.max(1);
    loop {
        let alert = site.next_alert.fetch_add(1, Ordering::Relaxed);
        if alert >= site.plan.alerts {
            return;
        }
        let plan = site.plan;
        // The site lives as long as whoever acts in it.
        let _ = kills.wait_for(|kills| alert < plan.share(plan.alerts, *kills)).await;
        pause(longest.mul_f64(rng.f64())).await;
        let group = title(site.plan.group_of(alert));
        let body = tests::alerts_body(&group, &[(&member(alert), true)], SystemClock.now()).to_string();
        while !taken(&site, &body).await {
            pause(Duration::from_millis(rng.u64(2..30))).await;
        }
        site.ledger.accept(alert);
    }
}

async fn taken(site: &Site, body: &str) -> bool {
    let url = format!("http://127.0.0.1:{}/hooks/alertmanager", site.start.port);
    let sent = site.http.post(url).bearer_auth(bot::demo::HOOK_TOKEN).body(body.to_owned()).send();
    match tokio::time::timeout(PATIENCE, sent).await {
        Ok(Ok(answer)) if answer.status().is_success() => return true,
        Ok(Ok(_)) => count(&site.ledger.turned_away),
        // Nobody listens there.
        Ok(Err(error)) if error.is_connect() => {}
        Ok(Err(_)) | Err(_) => count(&site.ledger.cut_off),
    }
    false
}
