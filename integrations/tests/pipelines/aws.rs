//! How AWS is called: signatures, credentials, and what errors mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integrations::aws::{Caller, Connection, Provider, Service, Source, Trouble};
use integrations::clock::{Clock, ManualClock};
use integrations::pipelines::{Failure, Refused};
use serde_json::{Value, json};

use crate::aws_server::*;
use crate::common::clock;

const PIPELINE: Service = Service { name: "CodePipeline", prefix: "codepipeline", target: "CodePipeline_20150709" };

fn model() -> Model {
    const NAMED: &[Member] = &[("name", true, Is::Text(1, 100, name))];
    Model {
        services: &[(
            "codepipeline",
            "CodePipeline_20150709",
            &[("GetPipeline", NAMED), ("StartPipelineExecution", NAMED)],
        )],
    }
}

fn caller(clock: &ManualClock, connection: Connection) -> Caller {
    let shared = shared(clock);
    Caller::new(PIPELINE, connection, shared.http, shared.clock).expect("a caller")
}

async fn ask(clock: &ManualClock, caller: &Caller) -> Result<Value, Trouble> {
    drive(clock, caller.read("GetPipeline", &json!({ "name": "shop" }))).await
}

async fn start(clock: &ManualClock, caller: &Caller) -> Result<Value, Trouble> {
    drive(clock, caller.act("StartPipelineExecution", &json!({ "name": "shop" }))).await
}

/// A caller of a server that always answers this.
async fn with(clock: &ManualClock, answer: Answer) -> (Caller, Server) {
    let server = aws(clock, model(), move |_| answer.clone()).await;
    (caller(clock, connection(clock, &server, usual_keys())), server)
}

#[tokio::test]
async fn a_call_is_signed_and_each_try_anew() {
    let clock = clock();
    let mut left = 2;
    let server = aws(&clock, model(), move |_| {
        left -= 1;
        if left >= 0 { say(503, "busy") } else { ok(&json!({ "pipeline": {} })) }
    })
    .await;
    let caller = caller(&clock, connection(&clock, &server, usual_keys()));
    ask(&clock, &caller).await.expect("an answer at the third try");
    let dates: Vec<String> =
        server.heard().iter().map(|heard| heard.header("x-amz-date").unwrap_or_default().to_owned()).collect();
    // The server takes only a date that is now, and the clock went on between the tries.
    assert_eq!(dates.len(), 3);
    assert!(dates[0] < dates[2], "{dates:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_it() {
    let clock = clock();
    let server = aws(&clock, model(), |_| ok(&json!({}))).await;
    let token = "a-session-token-that-nobody-may-see";
    let keys = Arc::new(Mutex::new(vec![(KEY.to_owned(), SECRET.to_owned(), Some(token.to_owned()))]));
    let strict = aws_with(&clock, model(), keys, |_| ok(&json!({}))).await;
    let Source::Keys(mut wrong) = usual_keys() else { panic!("keys") };
    wrong.secret_access_key = integrations::secret::Secret::new("another-secret-key-0123456789");
    let refused = ask(&clock, &caller(&clock, connection(&clock, &server, Source::Keys(wrong.clone())))).await;
    let refused = refused.expect_err("a refusal");
    assert!(refused.failure.is(Refused::Token), "{refused:?}");
    assert_eq!(refused.code, "InvalidSignatureException");
    // AWS repeats what should have been signed, with the session's token.
    wrong.session_token = Some(integrations::secret::Secret::new(token));
    let caller = caller(&clock, connection(&clock, &strict, Source::Keys(wrong)));
    let refused = ask(&clock, &caller).await.expect_err("a refusal");
    assert!(refused.failure.is(Refused::Token), "{refused:?}");
    assert!(
        !format!("{refused:?}").contains(token) && !format!("{refused:?}").contains("another-secret"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_secret_that_the_service_repeats_is_not_told() {
    let clock = clock();
    let server = Server::start(|_| refuse("InvalidSignatureException", &format!("it was {TOKEN} and {SECRET}"))).await;
    let Source::Keys(mut keys) = usual_keys() else { panic!("keys") };
    keys.session_token = Some(integrations::secret::Secret::new(TOKEN));
    let refused = ask(&clock, &caller(&clock, connection(&clock, &server, Source::Keys(keys)))).await;
    let told = format!("{:?}", refused.expect_err("a refusal"));
    assert!(told.contains("it was") && !told.contains(TOKEN) && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn what_the_service_does_not_know_is_refused_there() {
    let clock = clock();
    let (caller, _server) = with(&clock, ok(&json!({}))).await;
    let wrong = json!({ "name": "shop", "more": 1 });
    let refused = drive(&clock, caller.read::<Value>("GetPipeline", &wrong)).await.expect_err("a refusal");
    assert_eq!(refused.code, "SerializationException");
    let refused = drive(&clock, caller.read::<Value>("GetPipeline", &json!({}))).await.expect_err("a refusal");
    assert_eq!(refused.code, "ValidationException");
    assert!(refused.failure.is(Refused::Malformed), "{refused:?}");
}

#[tokio::test]
async fn error_words_mean_what_they_mean_whatever_the_status() {
    let clock = clock();
    let cases = [
        ("AccessDeniedException", Refused::Forbidden),
        ("UnrecognizedClientException", Refused::Token),
        ("InvalidSignatureException", Refused::Token),
        ("PipelineNotFoundException", Refused::NotFound),
        ("ApplicationDoesNotExistException", Refused::NotFound),
        ("ValidationException", Refused::Malformed),
    ];
    for (code, kind) in cases {
        // By the body with a namespace, by the header with an address behind it, by the body's other name.
        let by_header = Answer::Say {
            status: 400,
            headers: vec![("x-amzn-ErrorType", format!("{code}:http://internal.amazon.com/coral/"))],
            body: json!({ "message": "words" }).to_string(),
        };
        let by_code = say(403, json!({ "code": code, "Message": "words" }).to_string());
        for answer in [refuse(code, "words"), by_header, by_code] {
            let (caller, server) = with(&clock, answer).await;
            let refused = ask(&clock, &caller).await.expect_err("a refusal");
            assert_eq!(refused.code, code);
            assert!(refused.failure.is(kind), "{refused:?}");
            assert!(refused.failure.to_string().contains("words"), "{refused:?}");
            assert_eq!(server.heard().len(), 1, "{code} is not tried again");
        }
    }
}

#[tokio::test]
async fn a_limit_is_not_done_and_is_tried_again_only_where_that_does_no_harm() {
    let clock = clock();
    for (status, code) in
        [(400, "ThrottlingException"), (400, "TooManyRequestsException"), (503, "RequestLimitExceeded"), (429, "")]
    {
        let answer = say(status, json!({ "__type": code, "message": "Rate exceeded" }).to_string());
        let (caller, server) = with(&clock, answer).await;
        let failed = start(&clock, &caller).await.expect_err("a limit");
        assert!(matches!(failed.failure, Failure::Transient { .. }), "{failed:?}");
        assert_eq!(server.heard().len(), 1);
        let failed = ask(&clock, &caller).await.expect_err("a limit");
        assert!(matches!(failed.failure, Failure::Transient { retry_after: Some(_), .. }), "{failed:?}");
        assert_eq!(server.heard().len(), 4);
    }
    // A longer wait is the caller's.
    let answer = Answer::Say {
        status: 400,
        headers: vec![("retry-after", "30".to_owned())],
        body: json!({ "__type": "ThrottlingException" }).to_string(),
    };
    let (caller, server) = with(&clock, answer).await;
    let failed = ask(&clock, &caller).await.expect_err("a limit");
    let wait = Some(Duration::from_secs(30));
    assert!(matches!(failed.failure, Failure::Transient { retry_after, .. } if retry_after == wait), "{failed:?}");
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn what_may_have_been_done_is_unknown() {
    let clock = clock();
    let answers = [
        say(500, json!({ "__type": "InternalFailure" }).to_string()),
        say(503, json!({ "__type": "ServiceUnavailable" }).to_string()),
        refuse("InternalFailure", "x"),
        say(200, "<html>"),
        Answer::Drop,
    ];
    for answer in answers {
        let (caller, server) = with(&clock, answer.clone()).await;
        let failed = start(&clock, &caller).await.expect_err("a failure");
        assert!(matches!(failed.failure, Failure::Unknown { .. }), "{answer:?}: {failed:?}");
        assert_eq!(server.heard().len(), 1, "{answer:?}");
        let failed = ask(&clock, &caller).await.expect_err("a failure");
        assert!(matches!(failed.failure, Failure::Transient { .. }), "{answer:?}: {failed:?}");
    }
    let (caller, server) = with(&clock, Answer::Stall).await;
    let body = json!({ "name": "shop" });
    let waiting = caller.act::<Value>("StartPipelineExecution", &body);
    let passing = async {
        crate::common::until("the call", || !server.heard().is_empty()).await;
        clock.advance(Duration::from_secs(10));
    };
    let (failed, ()) = tokio::join!(waiting, passing);
    assert!(matches!(failed, Err(Trouble { failure: Failure::Unknown { .. }, .. })));
}

#[tokio::test]
async fn not_json_and_redirects_are_refusals_and_nothing_is_followed() {
    let clock = clock();
    let other = Server::start(|_| say(200, "{}")).await;
    for (status, kind) in
        [(401, Refused::Token), (403, Refused::Forbidden), (404, Refused::NotFound), (409, Refused::Conflict)]
    {
        let (caller, server) = with(&clock, say(status, "<html>words of some proxy</html>")).await;
        assert!(ask(&clock, &caller).await.expect_err("a refusal").failure.is(kind), "{status}");
        assert!(start(&clock, &caller).await.expect_err("a refusal").failure.is(kind), "{status}");
        assert_eq!(server.heard().len(), 2);
    }
    let headers = vec![("location", format!("{}/", other.url))];
    let (caller, _server) = with(&clock, Answer::Say { status: 307, headers, body: String::new() }).await;
    assert!(ask(&clock, &caller).await.expect_err("a refusal").failure.is(Refused::Malformed));
    assert!(other.heard().is_empty());
}

/// A provider with these variables.
fn provider(clock: &ManualClock, source: Source, variables: &[(&str, &str)]) -> Provider {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let shared = shared(clock);
    let lookup: integrations::aws::credentials::Environment = Arc::new(move |name| variables.get(name).cloned());
    Provider::new(source, "eu-central-1", lookup, shared.http, shared.clock).expect("a provider")
}

fn given(clock: &ManualClock, id: &str, minutes: i64) -> String {
    let ends = clock.now() + jiff::SignedDuration::from_mins(minutes);
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": id, "SecretAccessKey": SECRET, "Token": TOKEN,
        "Expiration": ends.to_string(),
    })
    .to_string()
}

#[tokio::test]
async fn the_environment_comes_first_and_half_of_it_is_an_error() {
    let clock = clock();
    let all = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)];
    let found = provider(&clock, Source::Default, &all).get().await.expect("credentials");
    assert_eq!((found.access_key_id.as_str(), found.secret_access_key.expose()), (KEY, SECRET));
    assert_eq!(found.session_token.as_ref().map(|token| token.expose().to_owned()), Some(TOKEN.to_owned()));
    assert!(!format!("{found:?} {:?}", provider(&clock, Source::Keys(found.clone()), &[])).contains("secret"));
    assert!(!format!("{found:?}").contains(KEY));
    for half in [&all[..1], &all[1..2]] {
        let failed = provider(&clock, Source::Default, half).get().await.expect_err("an error");
        assert!(failed.is(Refused::Token), "{failed:?}");
    }
    let off = [("AWS_EC2_METADATA_DISABLED", "true")];
    assert!(provider(&clock, Source::Default, &off).get().await.expect_err("none").is(Refused::Token));
    // An empty variable is none.
    let empty = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", " "), off[0]];
    assert!(provider(&clock, Source::Default, &empty).get().await.is_err());
}

/// A container's address that wants this in `Authorization`, and gives keys with a new id each time.
async fn container(clock: &ManualClock, minutes: i64) -> Server {
    let (clock, mut count) = (clock.clone(), 0);
    Server::start(move |heard| {
        if heard.method != "GET" || heard.header("authorization") != Some("pod token") {
            return say(401, "unauthorized");
        }
        if heard.path != "/v1/credentials" {
            return say(404, "not found");
        }
        count += 1;
        say(200, given(&clock, &format!("AKID{count}"), minutes))
    })
    .await
}

#[tokio::test]
async fn a_container_gives_credentials_once_for_all_who_wait() {
    let clock = clock();
    let server = container(&clock, 60).await;
    let url = format!("{}/v1/credentials", server.url);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "pod token\n").expect("written");
    let path = file.path().to_str().expect("a path");
    // The file comes before the variable, which may be older.
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "old"),
    ];
    let provider = provider(&clock, Source::Default, &variables);
    let all = futures_util::future::join_all((0..20).map(|_| provider.get())).await;
    assert!(all.iter().all(|found| found.as_ref().is_ok_and(|found| found.access_key_id == "AKID1")), "{all:?}");
    assert_eq!(server.heard().len(), 1);
    // Kept until five minutes before they end.
    clock.advance(Duration::from_secs(54 * 60));
    assert_eq!(provider.get().await.expect("credentials").access_key_id, "AKID1");
    clock.advance(Duration::from_secs(61));
    assert_eq!(provider.get().await.expect("credentials").access_key_id, "AKID2");
    // Where no others can be had, those that are still good are used, and no longer.
    std::fs::write(file.path(), "wrong\n").expect("written");
    clock.advance(Duration::from_secs(56 * 60));
    assert_eq!(provider.get().await.expect("credentials").access_key_id, "AKID2");
    clock.advance(Duration::from_secs(5 * 60));
    let failed = provider.get().await.expect_err("none");
    assert!(failed.is(Refused::Token) && !failed.to_string().contains("wrong"), "{failed:?}");
}

#[tokio::test]
async fn a_container_is_not_asked_at_a_foreign_address() {
    let clock = clock();
    for address in ["http://evil.example/x", "http://169.254.169.254/latest/", "ftp://127.0.0.1/"] {
        let variables =
            [("AWS_CONTAINER_CREDENTIALS_FULL_URI", address), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod token")];
        let failed = provider(&clock, Source::Container, &variables).get().await.expect_err("an error");
        assert!(failed.is(Refused::Token), "{failed:?}");
    }
}

#[tokio::test]
async fn an_instance_is_asked_by_the_second_version_alone() {
    let clock = clock();
    let at = clock.clone();
    let server = Server::start(move |heard| {
        let token = heard.header("x-aws-ec2-metadata-token") == Some("metadata-token");
        match (heard.method.as_str(), heard.path.as_str()) {
            ("PUT", "/latest/api/token") => {
                let seconds = heard.header("x-aws-ec2-metadata-token-ttl-seconds").and_then(|s| s.parse::<u32>().ok());
                if seconds.is_some_and(|seconds| (1..=21600).contains(&seconds)) {
                    say(200, "metadata-token")
                } else {
                    say(400, "")
                }
            }
            ("GET", _) if !token => say(401, ""),
            ("GET", "/latest/meta-data/iam/security-credentials/") => say(200, "deployer/role\n"),
            ("GET", "/latest/meta-data/iam/security-credentials/deployer%2Frole") => say(200, given(&at, KEY, 360)),
            _ => say(404, ""),
        }
    })
    .await;
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url.as_str())];
    let found = provider(&clock, Source::Default, &variables).get().await.expect("credentials");
    assert_eq!(found.access_key_id, KEY);
    let disabled = [variables[0], ("AWS_EC2_METADATA_DISABLED", "True")];
    assert!(provider(&clock, Source::Instance, &disabled).get().await.is_err());
    assert_eq!(server.heard().len(), 3);
    // One that gives no token is not asked without.
    let first = Server::start(|heard| if heard.method == "PUT" { say(403, "") } else { say(200, "role") }).await;
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", first.url.as_str())];
    assert!(provider(&clock, Source::Default, &variables).get().await.expect_err("none").is(Refused::Token));
    assert_eq!(first.heard().len(), 1);
}

#[tokio::test]
async fn a_web_identity_becomes_a_role() {
    let clock = clock();
    let ends = (clock.now() + jiff::SignedDuration::from_hours(1)).to_string();
    let server = Server::start(move |heard| {
        let form: HashMap<String, String> = url_form(&heard.text());
        let wanted = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::123456789012:role/muster"),
            ("RoleSessionName", "muster"),
        ];
        if heard.header("authorization").is_some()
            || wanted.iter().any(|(k, v)| form.get(*k).map(String::as_str) != Some(*v))
        {
            return say(400, error("ValidationError", "wrong"));
        }
        match form.get("WebIdentityToken").map(String::as_str) {
            Some("a.web.identity.token") => say(
                200,
                format!(
                    "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{KEY}</AccessKeyId>\
                 <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>\
                 <Expiration>{ends}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                 </AssumeRoleWithWebIdentityResponse>"
                ),
            ),
            Some("busy") => say(400, error("IDPCommunicationError", "later")),
            told => say(400, error("InvalidIdentityToken", told.unwrap_or_default())),
        }
    })
    .await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/muster"),
        ("AWS_ENDPOINT_URL_STS", server.url.as_str()),
    ];
    std::fs::write(file.path(), "a.web.identity.token\n").expect("written");
    let found = provider(&clock, Source::Default, &variables).get().await.expect("credentials");
    assert_eq!((found.access_key_id.as_str(), found.secret_access_key.expose()), (KEY, SECRET));
    assert!(found.ends.is_some());
    std::fs::write(file.path(), "a.wrong.secret.token").expect("written");
    let failed = provider(&clock, Source::Default, &variables).get().await.expect_err("an error");
    assert!(failed.is(Refused::Token) && !failed.to_string().contains("a.wrong"), "{failed:?}");
    std::fs::write(file.path(), "busy").expect("written");
    let failed = provider(&clock, Source::Default, &variables).get().await.expect_err("an error");
    assert!(matches!(failed, Failure::Transient { .. }), "{failed:?}");
    assert!(provider(&clock, Source::Default, &variables[..1]).get().await.expect_err("an error").is(Refused::Token));
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
}

fn url_form(text: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).expect("a form");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[tokio::test]
async fn credentials_that_ran_out_are_fetched_anew_once() {
    let clock = clock();
    let container = container(&clock, 60).await;
    let url = format!("{}/v1/credentials", container.url);
    let variables =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod token")];
    let keys: Keys =
        Arc::new(Mutex::new((1..5).map(|n| (format!("AKID{n}"), SECRET.to_owned(), Some(TOKEN.to_owned()))).collect()));
    // The first are refused, whatever their end says.
    let server = aws_with(&clock, model(), keys, |heard| {
        if heard.header("authorization").is_some_and(|header| header.contains("AKID1/")) {
            return refuse("ExpiredTokenException", "The security token included in the request is expired");
        }
        ok(&json!({ "pipelineExecutionId": "x" }))
    })
    .await;
    let mut with = connection(&clock, &server, usual_keys());
    with.credentials = provider(&clock, Source::Container, &variables);
    let caller = caller(&clock, with);
    start(&clock, &caller).await.expect("started with the second ones");
    assert_eq!((container.heard().len(), server.heard().len()), (2, 2));
    // Those that are configured can't be fetched anew.
    let (caller, server) = self::with(&clock, refuse("ExpiredToken", "expired")).await;
    assert!(start(&clock, &caller).await.expect_err("a refusal").failure.is(Refused::Token));
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn addresses_and_regions_that_lead_elsewhere_are_refused() {
    let clock = clock();
    let server = Server::start(|_| say(200, "{}")).await;
    let good = connection(&clock, &server, usual_keys());
    let make = |change: &dyn Fn(&mut Connection)| {
        let mut connection = good.clone();
        change(&mut connection);
        let shared = shared(&clock);
        Caller::new(PIPELINE, connection, shared.http, shared.clock).err()
    };
    assert_eq!(make(&|_| {}), None);
    assert!(make(&|c| c.region = "evil.com/".to_owned()).is_some());
    assert!(make(&|c| c.api_url = Some("ftp://x".to_owned())).is_some());
    assert!(make(&|c| c.api_url = Some("https://a:b@x".to_owned())).is_some());
    assert!(make(&|c| c.api_url = Some("https://x/path".to_owned())).is_some());
    assert!(!format!("{good:?}").contains(SECRET));
}
