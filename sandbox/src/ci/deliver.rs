//! Sends webhooks, one after the other, each once: GitHub does not try again by itself.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use super::hooks::Delivery;

/// GitHub waits so many seconds for an answer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

pub(super) async fn deliver(shared: Arc<Shared>) {
    let mut version = shared.version.subscribe();
    loop {
        version.borrow_and_update();
        while let Some((url, mut delivery)) = shared.with(|state| state.hooks.next()) {
            let late = shared.time.sleep_until(shared.time.now() + PATIENCE);
            delivery.status = tokio::select! {
                status = post(&url, &delivery) => status.unwrap_or(0),
                () = late => 0,
            };
            shared.with(|state| state.hooks.delivered.push(delivery));
            shared.version.send_modify(|version| *version += 1);
        }
        if version.changed().await.is_err() {
            return;
        }
    }
}

/// Posts one; the status of the answer.
async fn post(url: &str, delivery: &Delivery) -> std::io::Result<u16> {
    let broken = |what: &str| std::io::Error::other(what.to_owned());
    let url = url::Url::parse(url).map_err(|_| broken("no URL"))?;
    let host = url.host_str().ok_or_else(|| broken("no host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host, port)).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: GitHub-Hookshot/044aadd\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nx-github-event: {}\r\nx-github-delivery: {}\r\nx-github-hook-id: 1\r\n\
         x-hub-signature-256: {}\r\nconnection: close\r\n\r\n",
        url.path(),
        delivery.body.len(),
        delivery.event,
        delivery.id,
        delivery.signature,
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(delivery.body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| broken("no status"))
}
