//! Freezes at the pipeline itself: what starts there without Muster is held back, too.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tests::child::{self, Start};
use tests::served;

/// How long anything may take, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// A CodePipeline with a transition into one stage, and what was asked of it.
#[derive(Clone, Default)]
struct Aws {
    /// Why it is disabled; enabled where it is none.
    disabled: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    /// The address of it.
    async fn open(&self) -> String {
        let aws = self.clone();
        let app = axum::Router::new().fallback(move |request: Request| {
            let aws = aws.clone();
            async move { aws.answer(request).await }
        });
        served(app).await
    }

    async fn answer(&self, request: Request) -> (StatusCode, String) {
        let target = request.headers().get("x-amz-target").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let operation = target.trim_start_matches("CodePipeline_20150709.").to_owned();
        let is_signed = request
            .headers()
            .get("authorization")
            .is_some_and(|it| it.to_str().is_ok_and(|it| it.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")));
        let body = to_bytes(request.into_body(), 65_536).await.expect("it is short");
        let body: Value = serde_json::from_slice(&body).expect("it is JSON");
        self.asked.lock().expect("nobody panics with it").push(operation.clone());
        let mut disabled = self.disabled.lock().expect("nobody panics with it");
        let is_ours = body["stageName"] == "Deploy" && body["transitionType"] == "Inbound";
        match operation.as_str() {
            _ if !is_signed => {
                return (StatusCode::FORBIDDEN, json!({ "__type": "AccessDeniedException" }).to_string());
            }
            "GetPipelineState" => {}
            "DisableStageTransition" if is_ours => *disabled = body["reason"].as_str().map(str::to_owned),
            "EnableStageTransition" if is_ours => *disabled = None,
            _ => return (StatusCode::BAD_REQUEST, json!({ "__type": "ValidationException" }).to_string()),
        }
        let transition = match &*disabled {
            None => json!({ "enabled": true }),
            Some(why) => json!({ "enabled": false, "disabledReason": why }),
        };
        let stages =
            json!([{ "stageName": "Source" }, { "stageName": "Deploy", "inboundTransitionState": transition }]);
        match operation.as_str() {
            "GetPipelineState" => (StatusCode::OK, json!({ "stageStates": stages }).to_string()),
            _ => (StatusCode::OK, String::new()),
        }
    }

    fn disabled(&self) -> Option<String> {
        self.disabled.lock().expect("nobody panics with it").clone()
    }

    fn count(&self, operation: &str) -> usize {
        self.asked.lock().expect("nobody panics with it").iter().filter(|it| *it == operation).count()
    }

    /// Waits until something is so.
    async fn until(&self, what: impl Fn(&Aws) -> bool) {
        let begun = std::time::Instant::now();
        while !what(self) {
            assert!(begun.elapsed() < PATIENCE, "{:?}: {:?}", self.disabled(), self.asked);
            child::pause(LOOK).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_closes_the_pipelines_own_stage_and_leaves_alone_what_others_closed() {
    integrations::tls::install();
    let http = integrations::http::http_client().expect("a client");
    let aws = Aws::default();
    let origin = aws.open().await;
    let sandbox = child::sandbox(["ann", "bob", "cleo"].map(str::to_owned).to_vec()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let more = format!("[pipelines.aws]\nkind = \"aws\"\nregion = \"eu-central-1\"\napi_url = \"{origin}\"\n");
    let mut start = Start::configure(directory.path(), &sandbox, &more).expect("it can be written");
    let services = "[checkout]\nowner = \"payments\"\nmatch = { service = \"checkout\" }\nenvironments = { production = {} }\n\
        pipeline = { on = \"aws\", kind = \"codepipeline\", pipeline = \"checkout\", stage = \"Deploy\" }\n";
    std::fs::write(directory.path().join("services.toml"), services).expect("a file");
    start.program = Some(env!("CARGO_BIN_EXE_kill").into());
    start.tokens.extend([("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()), ("AWS_SECRET_ACCESS_KEY", "x".repeat(40))]);
    let mut bot = start.start().expect("it starts");
    bot.ready(&http, PATIENCE).await.expect("it becomes ready");
    let types = async |words: &str| {
        sandbox.slack.types("bob", "general", words, None).await.expect("it is taken");
    };
    types("/freeze production for 2h the spring sale").await;
    aws.until(|aws| aws.disabled().is_some_and(|why| why == "frozen by Muster - FREEZE-1 the spring sale")).await;
    types("/unfreeze").await;
    aws.until(|aws| aws.disabled().is_none()).await;
    assert_eq!((aws.count("DisableStageTransition"), aws.count("EnableStageTransition")), (1, 1));
    // What somebody has closed at AWS themselves is theirs to open.
    *aws.disabled.lock().expect("nobody panics with it") = Some("stocktaking".to_owned());
    let looked = aws.count("GetPipelineState");
    types("/freeze production for 2h the summer sale").await;
    aws.until(|aws| aws.count("GetPipelineState") > looked).await;
    let looked = aws.count("GetPipelineState");
    types("/unfreeze").await;
    aws.until(|aws| aws.count("GetPipelineState") > looked).await;
    bot.stop(PATIENCE).await.expect("it stops");
    assert_eq!(aws.disabled().as_deref(), Some("stocktaking"));
    assert_eq!((aws.count("DisableStageTransition"), aws.count("EnableStageTransition")), (1, 1));
}
