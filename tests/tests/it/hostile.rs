//! Hostile text: shown as text, notifying nobody, cut with a visible mark.

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_can_neither_notify_nor_link_nor_break_out() {
    let world = World::start().await;
    let hostile = [
        "<!channel> <!here> <!everyone> <@U1> <!subteam^S1> @everyone @here <@1> <@&1>",
        "[click](https://evil.example) <https://evil.example|https://grafana.example>",
        "``` break `out` *bold* _it_ ~no~ ||spoiler|| > quote\n# head\n-# small",
        "\u{202e}reversed\u{202c} zero\u{200b}width",
        "&lt;!here&gt; \\*escaped\\*",
    ];
    for (number, text) in hostile.iter().enumerate() {
        let mut body =
            tests::alerts_body(&format!("H{number}"), &[("x", true)], "2026-03-02T14:00:00Z".parse().expect("a time"));
        let alert = &mut body["alerts"][0];
        for label in ["service", "instance", "environment"] {
            alert["labels"][label] = (*text).into();
        }
        alert["annotations"]["summary"] = (*text).into();
        alert["annotations"]["description"] = "y".repeat(40_000).into();
        alert["annotations"]["runbook_url"] = "javascript:alert(1)".into();
        assert_eq!(world.hook(body.to_string()).await, 200);
    }
    world.settle().await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(channel.messages.len(), hostile.len(), "{}", channel.text());
        assert_eq!(chat.notifications(), 0, "nobody is notified on {}", chat.platform.title());
        assert_eq!(chat.unexpected(), [] as [String; 0], "{}", chat.platform.title());
        assert!(channel.text().contains("(cut)"), "what is cut is seen to be");
        assert!(!channel.text().contains('\u{202e}') && !channel.text().contains("javascript:"));
    }
}
