//! Scenarios with real programs: Debian's Alertmanager sends to the bot.
//!
//! Runs where `MUSTER_REAL_PEERS` is set and the program is found; says so where it doesn't.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what was skipped or passed is said visibly")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use integrations::clock::{Clock, SystemClock};
use tests::{Setup, World};

/// A program that ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Whether the scenarios with real programs are to run; says so where not.
fn wanted(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let asked = std::env::var_os("MUSTER_REAL_PEERS").is_some();
    if asked {
        assert!(found, "MUSTER_REAL_PEERS is set, but {program} is not installed (Debian: apt-get install {program})");
    } else {
        eprintln!("SKIPPED: a scenario with the real {program}; set MUSTER_REAL_PEERS=1 to run it (.ci/run does)");
    }
    asked && found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_fires_and_resolves() {
    if !wanted("prometheus-alertmanager") {
        return;
    }
    let world = World::start_with(Setup::default()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let configuration = format!(
        "global: {{resolve_timeout: 1m}}\nroute: {{receiver: muster, group_by: [alertname, service], group_wait: 0s, \
         group_interval: 1s, repeat_interval: 1h}}\nreceivers:\n- name: muster\n  webhook_configs:\n  - url: \
         http://{}/hooks/alertmanager\n    send_resolved: true\n    http_config: {{authorization: {{credentials: {}}}}}\n",
        world.bot().address,
        bot::demo::HOOK_TOKEN,
    );
    let file = directory.path().join("alertmanager.yml");
    std::fs::write(&file, configuration).expect("a file");
    let child = Command::new("prometheus-alertmanager")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let _peer = Peer(child);
    let api = format!("http://127.0.0.1:{port}/api/v2/alerts");
    let began = SystemClock.now();
    // As Prometheus does: with its beginning each time, and with its end once it is over.
    let alert = |ends: Option<jiff::Timestamp>| {
        let mut alert = serde_json::json!({
            "startsAt": began.to_string(),
            "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
            "annotations": {"summary": "Error rate 20% on checkout"},
        });
        if let Some(ends) = ends {
            alert["endsAt"] = ends.to_string().into();
        }
        serde_json::json!([alert])
    };
    post_until_taken(&world, &api, &alert(None)).await;
    seen(&world, "Acknowledge").await;
    post_until_taken(&world, &api, &alert(Some(SystemClock.now()))).await;
    seen(&world, "resolved after").await;
    for chat in world.chats() {
        assert_eq!(chat.channel("alerts").count("HighErrorRate"), 1);
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    println!("PASSED: a real Alertmanager fired and resolved an alert on both chats");
}

/// The program needs a moment to listen.
async fn post_until_taken(world: &World, api: &str, body: &serde_json::Value) {
    for _ in 0..200 {
        let sent = world.http.post(api).json(body).send().await;
        if sent.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        world.pause(Duration::from_millis(50)).await;
    }
    panic!("Alertmanager does not take the alert");
}

/// Waits until both chats show it: Alertmanager has its own, real, clock.
async fn seen(world: &World, words: &str) {
    for _ in 0..600 {
        world.settle().await;
        if world.chats().iter().all(|chat| chat.channel("alerts").count(words) == 1) {
            return;
        }
        world.pause(Duration::from_millis(50)).await;
    }
    panic!("{words:?} is not seen on both chats:\n{}", world.slack().channel("alerts").text());
}
