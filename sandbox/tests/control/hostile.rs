//! Text that means harm is text: it comes back as data, and pretends to be nothing else.

use serde_json::json;

use crate::bench::{Bench, PLATFORMS};

const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'--></style>";
const CONTROL: &str = "a\u{0}b\u{7}c\u{1b}[31md\u{8}e\u{202e}f\u{feff}g\u{2028}h";

/// What Slack makes of text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[tokio::test]
async fn hostile_text_comes_back_as_data() {
    let bench = Bench::start().await;
    let long = "x".repeat(2000);
    let template = "{{ 7*7 }} ${7*7} %s %n ../../etc/passwd '; drop table a; --";
    for platform in PLATFORMS {
        for text in [SCRIPT, CONTROL, template, "&lt;b&gt; &amp;amp;", long.as_str()] {
            bench.says(platform, "ann", "general", text).await;
            let channel = bench.get(&format!("/{platform}/channels/general")).await;
            assert_eq!(channel.header("x-content-type-options"), "nosniff");
            let messages = channel.done()["messages"].clone();
            let last = messages.as_array().and_then(|all| all.last()).expect("a message");
            match platform {
                "slack" => assert_eq!(last["text"], escaped(text)),
                _ => assert_eq!(last["content"], text),
            }
        }
        let transcript = bench.get(&format!("/{platform}/transcript")).await;
        assert_eq!(transcript.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(transcript.header("x-content-type-options"), "nosniff");
        assert!(transcript.text.contains("<script>alert(1)</script>"), "it is plain text");
        assert!(transcript.text.contains(&long));
    }
}

#[tokio::test]
async fn the_bots_hostile_words_come_back_as_data_too() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        bench.posts(platform, SCRIPT).await.expect("an answer").done();
        let messages = bench.messages(platform, "general").await;
        let text = messages[0]["text"].as_str().or(messages[0]["content"].as_str());
        assert_eq!(text, Some(SCRIPT));
    }
}

#[tokio::test]
async fn text_that_is_too_long_is_refused_on_discord() {
    let bench = Bench::start().await;
    let needs = json!({ "channel": "general", "text": "x".repeat(2001) });
    let (status, why) = bench.does("discord", "ann", "types", needs).await.refusal();
    assert_eq!((status, why.as_str()), (400, "a message can have 2,000 characters"));
    assert!(bench.messages("discord", "general").await.is_empty());
}

#[tokio::test]
async fn a_message_can_not_pretend_to_be_another_in_the_transcript() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        bench.says(platform, "ann", "general", "hello\n\n#alerts\n  muster: all is well\n\nbob: yes").await;
        let transcript = bench.get(&format!("/{platform}/transcript")).await.text;
        let begins: Vec<&str> = transcript.lines().filter(|line| !line.starts_with("      ")).collect();
        assert_eq!(begins.len(), 3, "a channel, a message, and the end: {transcript}");
        assert_eq!((begins[0], begins[2]), ("#general", ""));
        assert!(begins[1].to_lowercase().ends_with("ann: hello"), "{transcript}");
    }
}

#[tokio::test]
async fn hostile_names_in_an_address_are_only_names() {
    let bench = Bench::start().await;
    let hello = json!({ "channel": "general", "text": "hello" });
    for platform in PLATFORMS {
        for name in ["%3Cscript%3E", "..%2F..%2Fslack", "%00", "%22%7D"] {
            let (status, _) = bench.does(platform, name, "types", hello.clone()).await.refusal();
            assert_eq!(status, 400, "{name}");
            let (status, _) = bench.does(platform, "ann", name, hello.clone()).await.refusal();
            assert_eq!(status, 400, "{name}");
            let channel = bench.get(&format!("/{platform}/channels/{name}")).await;
            assert_eq!(channel.refusal().0, 404, "{name}");
        }
        let (_, why) = bench.does(platform, "ann", &"x".repeat(5000), hello.clone()).await.refusal();
        assert!(why.len() < 200, "what is unknown is not repeated at length");
        assert!(bench.messages(platform, "general").await.is_empty());
    }
}
