//! Muster and Alertmanager, each in a fresh process on a fresh directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use sandbox::Sandbox;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::Kind;
use crate::bot_process::Bot;

/// What Debian calls it.
pub(super) const ALERTMANAGER: &str = "prometheus-alertmanager";

/// How the peers are set up.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    /// Whether Muster is connected to both chats of a sandbox.
    pub(super) chats: bool,
    /// Whether Alertmanager keeps all alerts in one group, which is the least work for it.
    pub(super) one_group: bool,
}

/// A peer that runs until this is dropped.
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    pub(super) process: u32,
    running: Running,
    _directory: TempDir,
}

enum Running {
    Muster(Box<Bot>, Option<Box<Sandbox>>),
    Alertmanager(Child),
}

impl Peer {
    /// Starts it, and waits until it takes requests.
    pub(super) async fn start(kind: Kind, setup: Setup, http: &reqwest::Client) -> Peer {
        let directory = tempfile::tempdir().expect("a directory");
        match kind {
            Kind::Muster => {
                let (bot, sandbox) = if setup.chats {
                    let sandbox = crate::sandbox().await;
                    (Bot::start(directory.path(), &sandbox, http).await, Some(Box::new(sandbox)))
                } else {
                    (Bot::without_chats(directory.path(), http).await, None)
                };
                let address = bot.address.trim_start_matches("http://").parse().expect("an address");
                let process = bot.process();
                Peer { kind, address, process, running: Running::Muster(Box::new(bot), sandbox), _directory: directory }
            }
            Kind::Alertmanager => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, bot::demo::free_port().expect("a port")));
                let child = alertmanager(&directory, address, setup.one_group);
                let ready = format!("http://{address}/-/ready");
                while !http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    crate::pause(Duration::from_millis(20)).await;
                }
                let process = child.id().expect("it has not been waited for");
                Peer { kind, address, process, running: Running::Alertmanager(child), _directory: directory }
            }
        }
    }

    /// How many effects of Muster are still to be carried out; none elsewhere.
    pub(super) async fn open(&self, http: &reqwest::Client) -> u64 {
        match &self.running {
            Running::Muster(bot, _) => bot.open(http).await.unwrap_or_default(),
            Running::Alertmanager(_) => 0,
        }
    }

    /// Stops it, and waits until it has.
    pub(super) async fn stop(self) {
        match self.running {
            Running::Muster(bot, sandbox) => {
                bot.stop().await;
                drop(sandbox);
            }
            Running::Alertmanager(mut child) => child.kill().await.expect("it ends"),
        }
    }
}

/// Alertmanager with a receiver that tells nobody.
fn alertmanager(directory: &TempDir, address: SocketAddr, one_group: bool) -> Child {
    // Grouped as the webhooks are that Muster gets. No alert is resolved while anything is measured.
    let group_by = if one_group { "" } else { "alertname, service" };
    let configuration = format!(
        "global: {{resolve_timeout: 1h}}\nroute: {{receiver: nobody, group_by: [{group_by}]}}\nreceivers:\n- name: nobody\n"
    );
    let file = directory.path().join("alertmanager.yml");
    std::fs::write(&file, configuration).expect("a file");
    Command::new(ALERTMANAGER)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--cluster.listen-address=", "--log.level=error"])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts")
}
