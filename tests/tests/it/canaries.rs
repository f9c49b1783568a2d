//! Forty-odd secrets, planted wherever one can come in, and looked for wherever none may come out.
//!
//! Places: the configuration, what alerts say, requests that are refused, what Slack and Discord
//! send and answer. Looked through: the log down to its finest level, every answer over HTTP, the
//! journal's export, everything that people see on both chats, the wiki, and the bot's files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use operations::ids::Platform;
use sandbox::faults::{CallFault, SocketFault};
use serde_json::{Value, json};
use tests::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing_subscriber::EnvFilter;

/// The log at its finest for Muster's own crates, and as operators see it for others.
const LOGGED: &str = "info,bot=trace,integrations=trace,operations=trace,commands=trace";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Caught {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Secrets by the place where they were planted.
#[derive(Default)]
struct Canaries(BTreeMap<&'static str, String>);

impl Canaries {
    /// A new one, 24 letters and digits that stand nowhere else.
    fn plant(&mut self, place: &'static str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let mut seed = place
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let letter = |_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(LETTERS[usize::try_from(seed >> 33).unwrap_or_default() % LETTERS.len()])
        };
        // A digit among them, as there is in any token.
        let secret = format!("{}7", (0..23).map(letter).collect::<String>());
        self.know(place, secret)
    }

    /// One that is a secret already.
    fn know(&mut self, place: &'static str, secret: String) -> String {
        let before = self.0.insert(place, secret.clone());
        assert!(before.is_none(), "{place} has one already");
        secret
    }

    /// Which of them stand in `text`.
    fn found(&self, text: &str) -> Vec<&'static str> {
        self.0.iter().filter(|(_, secret)| text.contains(secret.as_str())).map(|(place, _)| *place).collect()
    }

    fn found_in_bytes(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.found(&String::from_utf8_lossy(bytes))
    }
}

/// Starts the bot again with more secrets in its configuration, from the environment and from a file.
async fn configure(world: &mut World, secrets: &mut Canaries) {
    world.stop().await;
    secrets.know("configuration: Slack's app token", world.sandbox.slack.app_token().to_owned());
    secrets.know("configuration: Slack's bot token", world.sandbox.slack.bot_token().to_owned());
    secrets.know("configuration: Discord's bot token", world.sandbox.discord.bot_token().to_owned());
    let mut env: BTreeMap<&str, String> = bot::demo::tokens(&world.sandbox).into();
    env.insert("CANARY_OLD", secrets.plant("configuration: a token in the environment"));
    env.insert("CANARY_OTHER", secrets.plant("configuration: another source's token"));
    let file = world.directory().join("token");
    std::fs::write(&file, secrets.plant("configuration: a token in a file")).expect("a file");
    let muster = world.directory().join("muster.toml");
    let lines = "\n[hooks.canary]\nkind = \"alertmanager\"\nbearer = [{ env = \"CANARY_OLD\" }, { file = \"token\" }]\n\
        [hooks.other]\nkind = \"alertmanager\"\nbearer = { env = \"CANARY_OTHER\" }\n\
        [wiki.git]\npush = \"https://wiki.example.com/x.git\"\n";
    let text = std::fs::read_to_string(&muster).expect("it is there") + lines;
    std::fs::write(&muster, text).expect("a file");
    world.config = bot::config::load(world.directory(), &|name| env.get(name).cloned()).expect("it holds");
    // git itself may know a password, and says the address that it went to.
    let password = secrets.plant("configuration: git's own password");
    let mut git = std::fs::OpenOptions::new().append(true).open(world.data().join("wiki/.git/config")).expect("git's");
    let inside = format!("[url \"http://ann:{password}@127.0.0.1:9/\"]\n\tinsteadOf = https://wiki.example.com/\n");
    git.write_all(inside.as_bytes()).expect("it can be written");
    world.run(None).await;
}

/// An alert with secrets in everything that it says.
fn alert(secrets: &mut Canaries) -> Value {
    let mut body =
        tests::alerts_body("Leaky", &[("a", true), ("b", true)], "2026-03-02T14:00:00Z".parse().expect("a time"));
    body["externalURL"] = format!("https://ann:{}@am.example.com", secrets.plant("alert: externalURL")).into();
    let grouped = secrets.plant("alert: a group's label");
    body["groupKey"] = format!("{{}}:{{alertname=\"Leaky\", client_secret=\"{grouped}\"}}").into();
    body["groupLabels"]["client_secret"] = grouped.into();
    let first = &mut body["alerts"][0];
    for (place, name) in [
        ("alert: label password", "password"),
        ("alert: label apiKey", "apiKey"),
        ("alert: label db_token", "db_token"),
        ("alert: label set-cookie", "set-cookie"),
        ("alert: label x_authorization", "x_authorization"),
    ] {
        first["labels"][name] = secrets.plant(place).into();
    }
    let slack = ["xoxb", "1", &secrets.plant("alert: a Slack token")].join("-");
    let digits = secrets.know("alert: an access key", format!("AKIA{}", "Q7ZK2M5X9C4V6B8N"));
    let github = format!("ghp_{}abcdefgh2", secrets.plant("alert: a GitHub token"));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.{}", secrets.plant("alert: a JWT"));
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\nMIIE{}\n-----END PRIVATE KEY-----",
        secrets.plant("alert: a private key")
    );
    first["annotations"]["summary"] = format!("login with password={} failed", secrets.plant("alert: summary")).into();
    first["annotations"]["description"] = format!(
        "{slack} and {digits} and {github} and {jwt}\n{pem}\nAuthorization: Basic {}\nsent Bearer {} to \
         postgres://app:{}@db:5432/shop and https://hooks.slack.com/services/T0/B0/{}, {{\"token\":\"{}\"}}",
        secrets.plant("alert: a header"),
        secrets.plant("alert: a bearer token"),
        secrets.plant("alert: a database's address"),
        secrets.plant("alert: a webhook's address"),
        secrets.plant("alert: JSON"),
    )
    .into();
    let token = secrets.plant("alert: generatorURL's query");
    first["generatorURL"] = format!("https://prometheus.example.com/graph?access_token={token}&g0.tab=1").into();
    let signature = secrets.plant("alert: runbook_url's signature");
    first["annotations"]["runbook_url"] = format!("https://runbooks.example.com/x?sig={signature}").into();
    let second = &mut body["alerts"][1];
    second["generatorURL"] = format!("https://ann:{}@p.example.com/", secrets.plant("alert: generatorURL")).into();
    let query = secrets.plant("alert: an encoded query");
    second["annotations"]["dashboard"] = format!("https://g.example.com/?e=up%7Btoken%3D%22{query}%22%7D").into();
    body
}

/// Sends bytes as they are; everything that is answered.
async fn raw(world: &World, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(world.bot().address).await.expect("it listens");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Requests that are refused, with secrets in each part of them; all answers.
async fn refused(world: &World, secrets: &mut Canaries) -> String {
    let mut answers = String::new();
    let old = secrets.0["configuration: a token in the environment"].clone();
    let right = format!("authorization: Bearer {old}");
    let good = tests::alerts_body("Quiet", &[("a", true)], "2026-03-02T14:00:00Z".parse().expect("a time"));
    let mut bodies = vec![format!("{{\"version\":\"4\",\"{}", secrets.plant("body: cut off"))];
    for (place, pointer) in [
        ("body: version", "/version"),
        ("body: status", "/alerts/0/status"),
        ("body: fingerprint", "/alerts/0/fingerprint"),
        ("body: startsAt", "/alerts/0/startsAt"),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).expect("it is there") = format!("{}!", secrets.plant(place)).into();
        bodies.push(body.to_string());
    }
    let mut heads = vec![(right.clone(), good.to_string())];
    heads.extend(bodies.into_iter().map(|body| (right.clone(), body)));
    heads.push((format!("authorization: Bearer {}", secrets.plant("request: a wrong token")), good.to_string()));
    heads.push((format!("authorization: Basic {}", secrets.plant("request: a password")), good.to_string()));
    heads.push((format!("{right}\r\nidempotency-key: {} {}", "x", secrets.plant("request: a key")), good.to_string()));
    heads.push((format!("{right}\r\ncookie: {}", secrets.plant("request: a cookie")), "{}".to_owned()));
    let long = format!("{right}\r\nx: {}{}", secrets.plant("request: a long head"), "y".repeat(20_000));
    heads.push((long, good.to_string()));
    for (headers, body) in heads {
        let length = body.len();
        let head = format!("POST /hooks/canary HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}");
        answers.push_str(&raw(world, &format!("{head}\r\n\r\n{body}")).await);
    }
    for line in [
        format!("POST /hooks/{} HTTP/1.1", secrets.plant("address: a source")),
        format!("POST /hooks/canary?token={} HTTP/1.1", secrets.plant("address: a query")),
        format!("GET /wiki/{}.md HTTP/1.1", secrets.plant("address: a page")),
        format!("GET /{} HTTP/1.1", secrets.plant("address: nowhere")),
        format!("GET http://ann:{}@a/ HTTP/1.1", secrets.plant("address: a password")),
        format!("{} / HTTP/1.1", secrets.plant("address: a method")),
    ] {
        answers.push_str(&raw(world, &format!("{line}\r\nconnection: close\r\n\r\n")).await);
    }
    answers
}

/// What the chats send and answer: frames that can't be read, addresses for answers, errors that repeat a token.
async fn from_chats(world: &World, secrets: &mut Canaries) {
    let (slack, discord) = (&world.sandbox.slack, &world.sandbox.discord);
    let payload = json!({
        "token": secrets.plant("Slack: a payload's token"), "text": format!("password={}", secrets.plant("Slack: text")),
        "response_url": format!("https://slack.example.com/{}", secrets.plant("Slack: an unreadable response URL")),
    });
    let unreadable = json!({ "envelope_id": "canary-1", "type": "slash_commands", "payload": payload });
    let command =
        command(world, "canary-2", &secrets.plant("Slack: a trigger"), &secrets.plant("Slack: a response URL"));
    let interaction = json!({ "op": 0, "t": "INTERACTION_CREATE", "s": discord.last_seq(), "d": {
        "id": "1234567890123456789", "application_id": discord.application_id(), "type": 2, "guild_id": discord.guild(),
        "channel_id": discord.channel_id("general"), "token": secrets.plant("Discord: an interaction's token"),
        "member": { "user": { "id": discord.user_id("bob"), "username": "bob" }, "roles": [] },
        "data": { "id": "1", "type": 1, "name": "muster", "options": [{ "type": 1, "name": "help" }] },
    }});
    let unread = json!({ "op": 0, "t": "INTERACTION_CREATE", "s": discord.last_seq(), "d": {
        "id": "1", "token": secrets.plant("Discord: an unreadable interaction's token"),
    }});
    for frame in [unreadable, command] {
        slack.socket_fault(SocketFault::Frame { text: frame.to_string() }).await;
    }
    for frame in [interaction, unread] {
        discord.socket_fault(SocketFault::Frame { text: frame.to_string() }).await;
    }
    world.settle().await;
    let token = slack.bot_token().to_owned();
    let canary = secrets.plant("Slack: an error");
    for (method, error) in [("chat.postMessage", token.clone()), ("chat.update", canary.clone()), ("pins.add", canary)]
    {
        slack.fault(method, 1, CallFault::Refuse { error });
    }
    world.discord().user("bob").types("inc-1-…", "/incident note the cache was cold").await;
    world.discord().user("bob").types("inc-1-…", "/incident sev SEV1").await;
    slack.clear_faults();
    let reason = json!({ "type": "disconnect", "reason": secrets.plant("Slack: a reason") });
    slack.socket_fault(SocketFault::Frame { text: reason.to_string() }).await;
    world.advance(Duration::from_secs(60)).await;
}

/// A command as Slack sends it.
fn command(world: &World, envelope: &str, trigger: &str, response: &str) -> Value {
    let slack = &world.sandbox.slack;
    json!({
        "envelope_id": envelope, "type": "slash_commands", "payload": {
            "team_id": slack.team(), "user_id": slack.user_id("ann"), "channel_id": slack.channel_id("general"),
            "command": "/muster", "text": "help", "trigger_id": trigger,
            "response_url": format!("{}/../response/{response}", slack.api_url()),
        },
    })
}

/// Leaves an answer open, with the address that it is to go to.
async fn leave_an_answer_open(world: &World, secrets: &mut Canaries) {
    world.sandbox.slack.fault("*", 1_000, CallFault::Status { status: 503 });
    let (trigger, response) = (secrets.plant("Slack: a late trigger"), secrets.plant("Slack: a late response URL"));
    let command = command(world, "canary-3", &trigger, &response);
    let before = open(world);
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: command.to_string() }).await;
    // Nobody acknowledges a frame of this kind, so that it was taken shows only in what follows.
    world.soon(|world| open(world) > before).await;
}

fn open(world: &World) -> usize {
    world.bot().standing.borrow().open
}

/// What health says while Slack can't be reached and answers with a secret.
async fn health_without_slack(world: &World, secrets: &mut Canaries) -> String {
    let error = secrets.plant("Slack: an error about connecting");
    world.sandbox.slack.fault("apps.connections.open", 100, CallFault::Refuse { error });
    world.sandbox.slack.socket_fault(SocketFault::Drop).await;
    let mut told = String::new();
    for _ in 0..2_000 {
        let (status, said) = get(world, "/readyz").await;
        if status != 200 && said.contains("apps.connections.open") {
            told = said;
            break;
        }
        world.pause(Duration::from_millis(5)).await;
        world.clock.advance(Duration::from_millis(500));
    }
    assert!(!told.is_empty(), "health says what Slack refuses");
    world.sandbox.slack.clear_faults();
    world.connected().await;
    told
}

async fn get(world: &World, path: &str) -> (u16, String) {
    let answer = world.http.get(format!("http://{}{path}", world.bot().address)).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Every file below a folder, but for the one in which git itself was told a password.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if !path.ends_with(".git/config") {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_comes_out_wherever_one_came_in() {
    let caught = Caught::default();
    let writer = caught.clone();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(LOGGED))
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .try_init()
        .expect("nobody shows the log (this scenario catches it: run it without RUST_LOG)");
    let mut world = World::start().await;
    let mut secrets = Canaries::default();
    configure(&mut world, &mut secrets).await;
    let mut answers = refused(&world, &mut secrets).await;
    let body = alert(&mut secrets).to_string();
    let url = format!("http://{}/hooks/canary", world.bot().address);
    for token in ["configuration: a token in the environment", "configuration: a token in a file"] {
        let sent = world.http.post(&url).bearer_auth(&secrets.0[token]).body(body.clone()).send().await;
        let answer = sent.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        answers.push_str(&answer.text().await.expect("words"));
    }
    world.settle().await;
    let card = world.slack().channel("alerts").message("Leaky");
    world.slack().user("ann").clicks(&card, "Declare incident").await;
    world.slack().user("ann").submits(&[("title", "Checkout leaks"), ("severity", "SEV2")]).await;
    world.slack().user("ann").types("inc-1-…", "/alert show A-1").await;
    from_chats(&world, &mut secrets).await;
    answers.push_str(&health_without_slack(&world, &mut secrets).await);
    world.kill().await;
    world.run(None).await;
    world.slack().user("ann").types("inc-1-…", "/incident resolve rolled back").await;
    world.slack().user("ann").types("inc-1-…", "/incident postmortem").await;
    world.advance(Duration::from_secs(60)).await;
    assert!(secrets.0.len() >= 40, "{}", secrets.0.len());

    for path in ["/metrics", "/healthz", "/readyz", "/wiki/", "/wiki/README.md"] {
        answers.push_str(&get(&world, path).await.1);
    }
    assert_eq!(secrets.found(&answers), [""; 0], "in what was answered over HTTP:\n{answers}");
    for platform in Platform::ALL {
        let chat = world.chat(platform);
        let seen = chat.view().to_string();
        assert!(seen.contains("Leaky") && seen.contains("[redacted]"), "{seen}");
        assert_eq!(secrets.found(&seen), [""; 0], "on {}", platform.title());
    }
    leave_an_answer_open(&world, &mut secrets).await;
    world.stop().await;
    let mut export = Vec::new();
    let exported = bot::journal::export(&world.data(), &mut export).expect("it can be exported");
    let kept = bot::journal::verify(&world.data()).expect("it holds");
    assert!(kept.effects > exported.effects, "an answer is open, and left out of the export");
    assert_eq!(secrets.found_in_bytes(&export), [""; 0], "in the export");
    let text = String::from_utf8_lossy(&export).into_owned();
    for kept in ["UnreadableReceived", "Leaky", "EffectGivenUp"] {
        assert!(text.contains(kept), "the scenario has come that far: {kept} in\n{text}");
    }
    let mut kept = Vec::new();
    files(&world.data(), &mut kept);
    assert!(kept.iter().any(|(path, _)| path.contains("wiki/postmortems")), "the postmortem is written");
    // An answer's address is kept with the answer, until that is given: it must be found after a crash.
    let waits = [
        "Slack: a trigger",
        "Slack: a response URL",
        "Slack: a late trigger",
        "Slack: a late response URL",
        "Discord: an interaction's token",
    ];
    for (path, bytes) in &kept {
        let mut found = secrets.found_in_bytes(bytes);
        found.retain(|place| path.contains("wiki") || !waits.contains(place));
        assert_eq!(found, [""; 0], "in {path}");
    }
    let log = caught.text();
    for logged in ["Muster is up", "A webhook was not taken", "Gave up", "Will try again to write the postmortem"] {
        assert!(log.contains(logged), "the scenario has come that far: {logged} in\n{log}");
    }
    let lines: Vec<&str> = log.lines().filter(|line| !secrets.found(line).is_empty()).collect();
    assert_eq!(lines, [""; 0], "in the log");
}
