//! Drives the AWS pipelines against a local AWS, such as moto's server, that somebody started:
//!
//! ```sh
//! moto_server -H 127.0.0.1 -p 5000 &
//! cargo run -p integrations --example aws_peer -- http://127.0.0.1:5000
//! ```
//!
//! It makes what it needs there, with names of its own. It ends with an error where something is off. What moto
//! lacks (a pipeline's state and actions, a build's variables, stopping a deployment) is not asked for.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use integrations::aws::{Caller, Connection, Credentials, Provider, Service, Source, credentials};
use integrations::clock::{SharedClock, SystemClock};
use integrations::http::http_client;
use integrations::http::public::Public;
use integrations::pipelines::codebuild::{self, CodeBuild};
use integrations::pipelines::codedeploy::{self, CodeDeploy};
use integrations::pipelines::codepipeline::{self, CodePipeline};
use integrations::pipelines::{Pipeline, Refused, Shared};
use integrations::secret::Secret;
use operations::pipeline::{Order, Run, RunState};
use serde_json::{Value, json};

type Done<T> = Result<T, Box<dyn std::error::Error>>;

const REGION: &str = "eu-central-1";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const ROLE: &str = "arn:aws:iam::123456789012:role/muster-peer";

struct Peer {
    address: String,
    shared: Shared,
    connection: Connection,
    /// A word that is new each time, so that it can be run twice against the same server.
    word: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done<()> {
    let address = std::env::args().nth(1).ok_or("the address of a local AWS is missing")?;
    integrations::tls::install();
    let clock: SharedClock = Arc::new(SystemClock);
    let shared = Shared { http: http_client()?, clock: clock.clone(), public: Public::new(clock)? };
    let keys = Credentials {
        access_key_id: "testing".to_owned(),
        secret_access_key: Secret::new("testing"),
        session_token: None,
        ends: None,
    };
    let environment = credentials::environment();
    let credentials =
        Provider::new(Source::Keys(keys), REGION, environment, shared.http.clone(), shared.clock.clone())?;
    let connection = Connection { region: REGION.to_owned(), api_url: Some(address.clone()), credentials };
    #[expect(clippy::disallowed_methods, reason = "a word that is new each time, in a program by itself")]
    let word = format!("{:x}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis());
    let peer = Peer { address, shared, connection, word };
    peer.pipeline().await.map_err(|error| format!("CodePipeline: {error}"))?;
    peer.build().await.map_err(|error| format!("CodeBuild: {error}"))?;
    peer.deployment().await.map_err(|error| format!("CodeDeploy: {error}"))?;
    Ok(())
}

/// An error with these words where something is not so.
fn ensure(so: bool, words: &str) -> Done<()> {
    if so { Ok(()) } else { Err(words.into()) }
}

impl Peer {
    fn order(&self, deploy: u32) -> Order {
        Order {
            id: format!("muster-d{deploy}-{}", self.word),
            is_rollback: false,
            service: "shop".to_owned(),
            environment: "production".to_owned(),
            reference: "main".to_owned(),
            commit: COMMIT.to_owned(),
            parameters: std::collections::BTreeMap::new(),
            by: "Ann".into(),
            reason: "a look at a local AWS".into(),
            back_to: None,
        }
    }

    async fn make(&self, service: Service, operation: &str, body: &Value) -> Done<()> {
        let caller =
            Caller::new(service, self.connection.clone(), self.shared.http.clone(), self.shared.clock.clone())?;
        caller.act::<Value>(operation, body).await.map_err(|trouble| format!("{operation}: {}", trouble.failure))?;
        Ok(())
    }

    /// IAM speaks another protocol, which nothing else here needs.
    async fn role(&self) -> Done<()> {
        let trust = json!({ "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "codepipeline.amazonaws.com" },
        }]});
        let trust = trust.to_string();
        let form = [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", "muster-peer"),
            ("AssumeRolePolicyDocument", trust.as_str()),
        ];
        // A local AWS reads the service's name here and does not check the rest.
        let scope =
            "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x";
        let answer =
            self.shared.http.post(&self.address).header("authorization", scope).form(&form).send().await?.status();
        // 409: it is there from the last time.
        ensure(answer.is_success() || answer.as_u16() == 409, &format!("the role can't be made: status {answer}"))
    }

    async fn pipeline(&self) -> Done<()> {
        self.role().await?;
        let service = Service { name: "CodePipeline", prefix: "codepipeline", target: "CodePipeline_20150709" };
        let name = format!("shop-{}", self.word);
        let action = |name: &str, category: &str, provider: &str| json!({ "name": name, "actionTypeId": { "category": category, "owner": "AWS", "provider": provider, "version": "1" } });
        let body = json!({ "pipeline": {
            "name": name, "roleArn": ROLE, "version": 1, "pipelineType": "V2",
            "artifactStore": { "type": "S3", "location": "muster-peer" },
            "variables": [{ "name": "MUSTER_ID", "defaultValue": "none" }],
            "stages": [
                { "name": "Source", "actions": [action("Source", "Source", "CodeCommit")] },
                { "name": "Deploy", "actions": [action("Ship", "Build", "CodeBuild")] },
            ],
        }});
        self.make(service, "CreatePipeline", &body).await?;
        let target = codepipeline::Target {
            pipeline: name,
            source_action: Some("Source".to_owned()),
            revision: codepipeline::Revision::Commit,
            stage: None,
            id_variable: Some("MUSTER_ID".to_owned()),
        };
        let pipeline = CodePipeline::new(self.connection.clone(), target.clone(), self.shared.clone())?;
        let first = pipeline.start(&self.order(1)).await?;
        let second = pipeline.start(&self.order(2)).await?;
        ensure(first.id != second.id, "two orders are one execution")?;
        ensure(pipeline.find(&self.order(1)).await?.map(|run| run.id) == Some(first.id), "the first is not found")?;
        ensure(pipeline.find(&self.order(2)).await?.map(|run| run.id) == Some(second.id), "the second is not found")?;
        ensure(pipeline.find(&self.order(3)).await?.is_none(), "one that was never started is found")?;
        let other = codepipeline::Target { pipeline: "none".to_owned(), ..target };
        let other = CodePipeline::new(self.connection.clone(), other, self.shared.clone())?;
        let refused = other.start(&self.order(1)).await.err();
        ensure(refused.is_some_and(|failure| failure.is(Refused::NotFound)), "a pipeline that is not there is started")
    }

    async fn build(&self) -> Done<()> {
        let service = Service { name: "CodeBuild", prefix: "codebuild", target: "CodeBuild_20161006" };
        let name = format!("shop-{}", self.word);
        let body = json!({
            "name": name,
            "source": { "type": "GITHUB", "location": "https://github.com/example/shop.git" },
            "artifacts": { "type": "NO_ARTIFACTS" },
            "environment": { "type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL" },
            "serviceRole": ROLE,
        });
        self.make(service, "CreateProject", &body).await?;
        let target = codebuild::Target { project: name };
        let pipeline = CodeBuild::new(self.connection.clone(), target.clone(), self.shared.clone())?;
        let run = pipeline.start(&self.order(1)).await?;
        let progress = pipeline.look(&run).await?;
        ensure(progress.state == RunState::Succeeded && progress.total == 10, "the build does not stand as it should")?;
        let refused = pipeline.cancel(&run).await.err();
        ensure(refused.is_some_and(|failure| failure.is(Refused::Conflict)), "a build that has ended is stopped")?;
        // That it can be read at all: builds keep no variables there, so none is found.
        pipeline.find(&self.order(1)).await?;
        let none = Run { id: format!("{}:0000", target.project), url: None };
        let refused = pipeline.look(&none).await.err();
        ensure(refused.is_some_and(|failure| failure.is(Refused::NotFound)), "a build that is not there stands somehow")
    }

    async fn deployment(&self) -> Done<()> {
        let service = Service { name: "CodeDeploy", prefix: "codedeploy", target: "CodeDeploy_20141006" };
        let name = format!("shop-{}", self.word);
        let body = json!({ "applicationName": name, "computePlatform": "Server" });
        self.make(service, "CreateApplication", &body).await?;
        let body = json!({ "applicationName": name, "deploymentGroupName": "production", "serviceRoleArn": ROLE });
        self.make(service, "CreateDeploymentGroup", &body).await?;
        let target = codedeploy::Target {
            application: name,
            group: "production".to_owned(),
            revision: codedeploy::Revision::GitHub { repository: "example/shop".to_owned() },
            deployment_config: None,
            stop_rolls_back: None,
        };
        let pipeline = CodeDeploy::new(self.connection.clone(), target.clone(), self.shared.clone())?;
        let first = pipeline.start(&self.order(1)).await?;
        let second = pipeline.start(&self.order(2)).await?;
        ensure(pipeline.look(&first).await?.state == RunState::Queued, "the deployment does not stand as it should")?;
        ensure(pipeline.find(&self.order(1)).await?.as_ref() == Some(&first), "the first is not found")?;
        ensure(pipeline.find(&self.order(2)).await?.as_ref() == Some(&second), "the second is not found")?;
        ensure(pipeline.find(&self.order(3)).await?.is_none(), "one that was never started is found")?;
        let mut back = self.order(4);
        (back.is_rollback, back.back_to) = (true, Some(first));
        let third = pipeline.start(&back).await?;
        ensure(third.id != second.id, "a rollback is no deployment of its own")?;
        let other = codedeploy::Target { group: "none".to_owned(), ..target };
        let other = CodeDeploy::new(self.connection.clone(), other, self.shared.clone())?;
        let refused = other.start(&self.order(1)).await.err();
        ensure(refused.is_some_and(|failure| failure.is(Refused::NotFound)), "a group that is not there is deployed to")
    }
}
