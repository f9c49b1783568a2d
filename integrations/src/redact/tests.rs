//! What is taken out, and what is left alone.

use super::*;

/// What is left of `text`, where `SECRET` stands for the secret itself.
fn left(text: &str, secret: &str) -> String {
    let clean = super::text(&text.replace("SECRET", secret)).into_owned();
    assert!(!clean.contains(secret), "{clean}");
    assert_eq!(super::text(&clean), clean, "what was redacted is not changed again");
    clean
}

#[test]
fn tokens_are_known_by_their_form() {
    let tokens = [
        ["xoxb", "1000000000001", "2000000000002", "abcdefghijklmnopqrstuvwx"].join("-"),
        ["xapp", "1", "A0123", "3000000000003", "abcdef0123456789"].join("-"),
        ["xoxe.xoxp", "1", "abcdef0123456789"].join("-"),
        format!("ghp_{}", "a1B2c3".repeat(6)),
        format!("github_pat_{}", "a1B2c3_".repeat(8)),
        format!("glpat-{}", "a1B2c3d4".repeat(3)),
        format!("glsa_{}", "a1B2c3d4".repeat(4)),
        format!("AKIA{}", "A1B2C3D4".repeat(2)),
        format!("AIza{}", "a1B2c-_".repeat(5)),
        format!("whsec_{}==", "a1B2+/d4".repeat(4)),
        format!("sk_live_{}", "a1B2c3d4".repeat(3)),
        format!("hvs.{}", "a1B2c3d4".repeat(5)),
        format!("eyJ{0}.eyJ{0}.{0}", "hbGciOiJIUzI1NiJ9"),
        format!("{}.a1b2c3.{}", "MTA0NTY3ODkwMTIzNDU2Nzg5", "a1B2c3D4e5".repeat(3)),
    ];
    for token in tokens {
        assert_eq!(left("SECRET", &token), MARK, "{token}");
        assert_eq!(
            left("the bot said \"SECRET\", twice: SECRET.", &token),
            "the bot said \"[redacted]\", twice: [redacted]."
        );
        assert_eq!(left("https://a.example/SECRET?x=1", &token), "https://a.example/[redacted]?x=1");
    }
}

#[test]
fn keys_and_addresses_that_are_secrets_are_taken_out_whole() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKCAQEA\n-----END RSA PRIVATE KEY-----";
    assert_eq!(left("key:\nSECRET\nend", key), "key:\n[redacted]\nend");
    assert_eq!(left("SECRET", "-----BEGIN PRIVATE KEY-----\nMIIEow, and then it was cut"), MARK);
    assert_eq!(super::text("-----BEGIN CERTIFICATE-----"), "-----BEGIN CERTIFICATE-----");
    assert_eq!(
        left("post to <https://hooks.slack.com/SECRET>", "services/T000/B000/abcdefgh"),
        "post to <https://hooks.slack.com/[redacted]>"
    );
    assert_eq!(
        left("https://discord.com/api/webhooks/1234567890/SECRET", "a-b_cDeF"),
        "https://discord.com/api/webhooks/1234567890/[redacted]"
    );
}

#[test]
fn secrets_are_known_by_their_place() {
    for (text, clean) in [
        ("login with password=SECRET failed", "login with password=[redacted] failed"),
        ("DB_PASSWORD = SECRET", "DB_PASSWORD = [redacted]"),
        ("run --api-key=SECRET --fast", "run --api-key=[redacted] --fast"),
        ("{client_secret=\"SECRET\",a=\"b\"}", "{client_secret=\"[redacted]\",a=\"b\"}"),
        ("up{token=~\"SECRET\"}", "up{token=~\"[redacted]\"}"),
        ("{\"token\":\"SECRET\",\"a\":1}", "{\"token\":\"[redacted]\",\"a\":1}"),
        ("{\"token\": \"SECRET\"", "{\"token\": \"[redacted]\""),
        ("{\\\"apiKey\\\":\\\"SECRET\\\"}", "{\\\"apiKey\\\":\\\"[redacted]\\\"}"),
        ("{'password': 'SECRET'}", "{'password': '[redacted]'}"),
        ("password: SECRET.", "password: [redacted]"),
        ("Authorization: Basic SECRET\nHost: a", "Authorization: [redacted]\nHost: a"),
        ("curl -H 'Cookie: session=SECRET; b=c' x", "curl -H 'Cookie: [redacted]' x"),
        ("sent Bearer SECRET to it", "sent Bearer [redacted] to it"),
        ("https://ann:SECRET@git.example.com/x", "https://ann:[redacted]@git.example.com/x"),
        ("https://SECRET@git.example.com/x", "https://[redacted]@git.example.com/x"),
        ("postgres://app:SECRET@db:5432/shop", "postgres://app:[redacted]@db:5432/shop"),
        ("redis://:SECRET@cache", "redis://:[redacted]@cache"),
        ("https://a.example/?x=1&access_token=SECRET&y=2", "https://a.example/?x=1&access_token=[redacted]&y=2"),
        ("https://a.example/?sig=SECRET", "https://a.example/?sig=[redacted]"),
        (
            "/graph?g0.expr=up%7Bpassword%3D%22SECRET%22%7D&g0.tab=1",
            "/graph?g0.expr=up%7Bpassword%3D%22[redacted]%22%7D&g0.tab=1",
        ),
    ] {
        assert_eq!(left(text, "hunter2Hunter2"), clean, "{text}");
    }
}

#[test]
fn what_only_looks_odd_is_left_alone() {
    for text in [
        "",
        "Error rate 20% on checkout",
        "The token: expired. The password: must be changed. Secret: missing",
        "token_type=bearer and max_tokens=1500",
        "Bearer authentication failed; basic health checks passed",
        "basic CheckoutFlowTest2failed",
        "550e8400-e29b-41d4-a716-446655440000",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 on main",
        "registry.example.com/shop/checkout:v1.42.0-rc.1",
        "https://grafana.example.com/d/abc123/checkout?orgId=1&from=now-1h&var-key=x",
        "https://prometheus.example.com/graph?g0.expr=rate%28http_requests_total%7Bcode%3D%22500%22%7D%5B5m%5D%29",
        "ssh://git@git.example.com:22/x.git, ann@example.com, s3://bucket/key",
        "ghs_requests_in_flight_total_5xx_by_instance_and_route",
        "xoxb-is-how-a-token-begins, and xapp- too",
        "sk-learn, sketch, AKIA is a prefix, ASIAPACIFIC1 is a region",
        "MONITORING-NODE-IN-OSLO-1.eu-no1.monitoring-nodes.example.com",
        "eyJust.some.words",
        "if password == \"\" then secret != token",
        "a=b=c:d:e==f::g=",
        "-----BEGIN-----",
        "hooks.slack.com/x, discord.com/channels/1/2",
        "Größe=5 日本語: 終了",
        "arn:aws:iam::123456789012:role/secret-reader",
    ] {
        assert!(matches!(super::text(text), Cow::Borrowed(same) if same == text), "{}", super::text(text));
    }
}

#[test]
fn under_a_telling_name_everything_is_a_secret() {
    assert_eq!(outside("password", "hunter2abc").as_str(), MARK);
    assert_eq!(outside("api_key", "short").as_str(), MARK);
    assert_eq!(outside("password", MARK).as_str(), MARK);
    assert_eq!(outside("password", " ").as_str(), " ", "nothing is no secret");
    assert_eq!(outside("summary", "hunter2abc").as_str(), "hunter2abc");
}

#[test]
fn what_can_not_be_seen_hides_nothing() {
    let token = ["xo\u{200b}xb", "1000000000001", "abc\u{7}defghijkl"].join("-");
    assert_eq!(outside("summary", &token).as_str(), MARK);
}

#[test]
fn what_would_be_cut_in_two_is_found_while_it_is_whole() {
    let token = ["xoxb", "1000000000001", "abcdefghijkl"].join("-");
    let text = format!("{}{token}", "y".repeat(LONGEST - 12) + " ");
    let clean = outside("summary", &text);
    assert!(!clean.as_str().contains("xoxb"), "{}", &clean.as_str()[LONGEST - 40..]);
}

#[test]
fn known_secrets_are_taken_out_of_words_about_a_failure() {
    let said = words("chat.update: no such token AbCdEfGh-ijkl (ghi)", &["AbCdEfGh-ijkl", "ghi"]);
    assert_eq!(said, "chat.update: no such token [redacted] (ghi)", "what is short may be part of any word");
}

/// What was looked at in vain is not looked at again, and hides nothing behind it. (With the square of the length this
/// would take minutes.)
#[test]
fn a_secret_is_found_behind_any_number_of_beginnings() {
    let token = ["xoxb", "1000000000001", "abcdefghijkl"].join("-");
    for piece in [
        "xoxb-",
        "eyJ-",
        "password:",
        "secret :",
        "://",
        "discord.com/",
        "-----BEGIN A ",
        "bearer ",
        "%3D",
        "Mm-",
        "a=\"",
        "github_pat_",
        "=",
        "-",
    ] {
        let long = piece.repeat((128 << 10) / piece.len());
        assert_eq!(super::text(&format!("{long} {token}")), format!("{long} {MARK}"), "{piece}");
    }
}
