//! The sandbox's page in a real headless Chromium, driven as a person would: mouse and keyboard.
//!
//! Runs where `chromedriver` and `chromium` are found; says so where they are not.

#![expect(clippy::print_stderr, reason = "what was skipped is said visibly")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bot::demo::{Demo, Show};
use fantoccini::{Client, ClientBuilder, Locator, key::Key};

/// chromedriver, which ends with the test and takes the browser with it.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn found(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether there is a browser; says so where there is none, and insists where `MUSTER_REAL_PEERS` is set.
fn wanted() -> bool {
    let browser = ["chromedriver", "chromium"].iter().all(|program| found(program));
    if !browser {
        assert!(
            std::env::var_os("MUSTER_REAL_PEERS").is_none(),
            "MUSTER_REAL_PEERS is set, but chromium or chromedriver is missing"
        );
        eprintln!(
            "SKIPPED: the page's tests: no chromium and chromedriver here (Debian: apt-get install chromium chromium-driver)"
        );
    }
    browser
}

async fn browser(profile: &std::path::Path) -> (Driver, Client) {
    let port = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .and_then(|it| it.local_addr())
        .expect("a port")
        .port();
    let child =
        Command::new("chromedriver").arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let driver = Driver(child.expect("chromedriver starts"));
    let arguments = [
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--window-size=1400,900".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    let mut capabilities = serde_json::Map::new();
    capabilities.insert("goog:chromeOptions".to_owned(), serde_json::json!({ "args": arguments }));
    capabilities.insert("goog:loggingPrefs".to_owned(), serde_json::json!({ "browser": "SEVERE" }));
    for _ in 0..200 {
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        if let Ok(client) =
            builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await
        {
            return (driver, client);
        }
        // The driver needs a moment to listen.
        let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
    }
    panic!("chromedriver does not answer");
}

async fn see(client: &Client, css: &str, words: &str) {
    for _ in 0..600 {
        for element in client.find_all(Locator::Css(css)).await.unwrap_or_default() {
            if element.text().await.unwrap_or_default().contains(words) {
                return;
            }
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
    }
    panic!(
        "{words:?} is not seen in {css}: {:?}",
        client.find(Locator::Css("body")).await.expect("a page").text().await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_works_an_alert_on_the_page() {
    if !wanted() {
        return;
    }
    integrations::tls::install();
    let directory = tempfile::tempdir().expect("a directory");
    let profile = tempfile::tempdir().expect("a directory");
    let mut demo = Demo::start(directory.path(), Show::Page { port: 0, bot_port: 0 }).await.expect("the demo starts");
    let page = format!("http://{}/", demo.sandbox.control);
    let (_driver, client) = browser(profile.path()).await;
    let buttons = bot::tasks::spawn("buttons", async move { demo.follow_buttons().await });
    client.goto(&page).await.expect("the page opens");

    let press = Locator::Css("[data-press=fire]");
    client.wait().for_element(press).await.expect("the button is there").click().await.expect("it can be pressed");
    let slack = "[data-platform=slack]";
    let discord = "[data-platform=discord]";
    for side in [slack, discord] {
        let channel = format!("{side} [data-channel=alerts]");
        client.find(Locator::Css(&channel)).await.expect("the channel is listed").click().await.expect("it opens");
        see(&client, side, "HighErrorRate").await;
    }
    // Acknowledged in Discord with the mouse; Slack shows who did it.
    let acknowledge = Locator::XPath("//*[@data-platform='discord']//button[normalize-space()='Acknowledge']");
    client.find(acknowledge).await.expect("the button is there").click().await.expect("it can be clicked");
    see(&client, slack, "(Discord)").await;
    // A command with the keyboard alone.
    let composer =
        client.find(Locator::Css(&format!("{slack} [data-composer]"))).await.expect("there is a place to type");
    composer.send_keys("/incident declare Checkout is failing").await.expect("it can be typed in");
    composer.send_keys(&Key::Enter.to_string()).await.expect("it can be sent");
    see(&client, slack, "inc-1-checkout-is-failing").await;
    see(&client, discord, "inc-1-checkout-is-failing").await;
    // A form, opened by the command without words, filled in with the keyboard and sent with Enter.
    composer.send_keys("/incident declare").await.expect("it can be typed in");
    composer.send_keys(&Key::Enter.to_string()).await.expect("it can be sent");
    client.wait().for_element(Locator::Css("dialog[open] input")).await.expect("the form opens");
    let title = client.active_element().await.expect("the first field has the focus");
    title.send_keys("Search is slow").await.expect("it can be typed in");
    title.send_keys(&Key::Enter.to_string()).await.expect("it can be sent");
    see(&client, slack, "inc-2-search-is-slow").await;
    see(&client, discord, "inc-2-search-is-slow").await;
    // A message in the room, marked with the page's own button; the other side hears of it.
    for side in [slack, discord] {
        let room = format!("{side} [data-channel=inc-2-search-is-slow]");
        client.find(Locator::Css(&room)).await.expect("the room is listed").click().await.expect("it opens");
    }
    let composer = client.find(Locator::Css(&format!("{slack} [data-composer]"))).await.expect("a place to type");
    composer.send_keys("The index was rebuilt").await.expect("it can be typed in");
    composer.send_keys(&Key::Enter.to_string()).await.expect("it can be sent");
    see(&client, slack, "The index was rebuilt").await;
    let message = "//*[@data-platform='slack']//article[contains(., 'The index was rebuilt')]";
    let pin = format!("{message}//button[@aria-label='React with 📌']");
    let script = "arguments[0].focus(); arguments[0].click()";
    let pin = client.find(Locator::XPath(&pin)).await.expect("it can be marked");
    client.execute(script, vec![serde_json::to_value(pin).expect("an element")]).await.expect("it is marked");
    see(&client, discord, "The index was rebuilt").await;
    client.close().await.expect("the browser closes");
    buttons.abort();
}
