//! Starts whose answers are lost, of services that are described (`kind = "http"`): where nothing carries an id that a
//! run could be found by, people are asked; where the same start again is one start, it is sent again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use operations::deploy::{How, Stage};
use serde_json::{Value, json};
use tests::{Setup, World, served};

/// Something that deploys, and knows each of its starts by the key that it came with.
struct Deployer {
    origin: String,
    /// The keys, as they came.
    starts: Arc<Mutex<Vec<String>>>,
    /// So many starts are taken and not answered.
    lost: Arc<AtomicUsize>,
    is_done: Arc<AtomicBool>,
}

impl Deployer {
    async fn open(lost: usize) -> Deployer {
        let starts: Arc<Mutex<Vec<String>>> = Arc::default();
        let (lost, is_done) = (Arc::new(AtomicUsize::new(lost)), Arc::new(AtomicBool::new(false)));
        let (kept, left, done) = (starts.clone(), lost.clone(), is_done.clone());
        let app = axum::Router::new().fallback(move |request: Request| {
            let (starts, lost, is_done) = (kept.clone(), left.clone(), done.clone());
            async move {
                if request.method() != Method::POST {
                    let state = if is_done.load(Ordering::Relaxed) { "done" } else { "running" };
                    return (StatusCode::OK, json!({ "state": state }).to_string());
                }
                let body = axum::body::to_bytes(request.into_body(), 65_536).await.expect("it is short");
                let body: Value = serde_json::from_slice(&body).expect("it is JSON");
                let key = body["key"].as_str().expect("there is a key").to_owned();
                starts.lock().expect("nobody panics with it").push(key.clone());
                let was = lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                match was {
                    Ok(_) => (StatusCode::INTERNAL_SERVER_ERROR, "it broke behind the work".to_owned()),
                    Err(_) => (StatusCode::OK, json!({ "run": key }).to_string()),
                }
            }
        });
        Deployer { origin: served(app).await, starts, lost, is_done }
    }

    /// The keys of all starts.
    fn keys(&self) -> Vec<String> {
        self.starts.lock().expect("nobody panics with it").clone()
    }

    /// A world whose checkout is deployed by it.
    async fn world(&self, repeats: bool) -> World {
        let muster = format!("[pipelines.deployer]\nkind = \"http\"\nurl = \"{}\"\n", self.origin);
        let mut world = World::start_with(Setup { muster, ..Setup::default() }).await;
        let services = format!(
            "[checkout]\nowner = \"payments\"\nmatch = {{ service = \"checkout\" }}\nenvironments = {{ staging = {{}} }}\n\
             [checkout.pipeline]\non = \"deployer\"\nrun_id = \"/run\"\nrepeat = {repeats}\n\
             [checkout.pipeline.start]\nmethod = \"POST\"\nurl = \"/deploys\"\nbody = {{ key = \"{{id}}\" }}\n\
             [checkout.pipeline.status]\nrequest = {{ method = \"GET\", url = \"/deploys/{{run}}\" }}\n\
             state = \"/state\"\nsucceeded = [\"done\"]\nfailed = [\"failed\"]\n"
        );
        world.with_services(&services).await;
        world
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_could_be_found_people_are_asked_and_nothing_is_sent_again() {
    let deployer = Deployer::open(1).await;
    let mut world = deployer.world(false).await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    world.advance(Duration::from_secs(90)).await;
    let is_unknown = |stage: Option<Stage>| matches!(stage, Some(Stage::Unknown { .. }));
    assert!(is_unknown(world.stage(1).await), "{:?}", world.stage(1).await);
    for chat in world.chats() {
        let text = chat.channel("deploys").message("Deploy checkout").text;
        for words in ["Nobody knows", "carries no id of it", "It ran", "It did not", "Look again"] {
            assert!(text.contains(words), "no {words:?} in {text}");
        }
    }
    let card = world.discord().channel("deploys").message("Deploy checkout");
    world.discord().user("bob").clicks(&card, "Look again").await;
    world.kill().await;
    world.run(None).await;
    world.advance(Duration::from_secs(300)).await;
    assert!(is_unknown(world.stage(1).await), "{:?}", world.stage(1).await);
    assert_eq!(deployer.keys().len(), 1, "what may have been taken is not sent again");
    let card = world.slack().channel("deploys").message("Deploy checkout");
    world.slack().user("ann").clicks(&card, "It did not").await;
    assert_eq!(world.how(1).await, Some(How::NotStarted));
    let card = world.slack().channel("deploys").message("Deploy checkout");
    world.slack().user("ann").clicks(&card, "Retry").await;
    deployer.is_done.store(true, Ordering::Relaxed);
    world.advance(Duration::from_secs(30)).await;
    assert_eq!(world.how(2).await, Some(How::Succeeded));
    let keys = deployer.keys();
    assert!(keys.len() == 2 && keys[0] != keys[1], "another deploy has another id: {keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_same_again_is_one_start_it_is_sent_again_also_after_a_kill() {
    let deployer = Deployer::open(usize::MAX).await;
    let mut world = deployer.world(true).await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    world.advance(Duration::from_secs(5)).await;
    world.kill().await;
    let before = deployer.keys().len();
    assert!(before > 0);
    world.run(None).await;
    world.advance(Duration::from_secs(10)).await;
    assert!(deployer.keys().len() > before, "{} starts, and none after the kill", before);
    deployer.lost.store(0, Ordering::Relaxed);
    deployer.is_done.store(true, Ordering::Relaxed);
    world.advance(Duration::from_secs(70)).await;
    assert_eq!(world.how(1).await, Some(How::Succeeded), "{:?}", world.stage(1).await);
    let mut keys = deployer.keys();
    keys.dedup();
    assert_eq!(keys.len(), 1, "one id, so one start there: {keys:?}");
}
