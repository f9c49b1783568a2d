//! What people get wrong is answered with what was wrong and what to type instead, to them alone.

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_answered_privately_with_the_next_thing_to_type() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    for (text, says) in [
        ("/incident declair it is down", "declare"),
        ("/incident sev 9", "SEV1"),
        ("/incident show INC-77", "INC-77"),
        ("/incident role king me", "commander"),
        ("/ack A-99", "A-99"),
        ("/incident note", "note"),
    ] {
        let before = world.slack().channel("general").messages.len();
        world.slack().user("ann").types("general", text).await;
        let told = world.slack().user("ann").was_told("general");
        assert!(told.contains(says), "{text}: {told}");
        assert_eq!(world.slack().channel("general").messages.len(), before, "nobody else sees it: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_a_room_the_open_incidents_are_offered() {
    let world = World::start().await;
    for title in ["Search is slow", "Carts are empty"] {
        world.slack().user("ann").types("general", &format!("/incident declare {title}")).await;
    }
    for chat in world.chats() {
        chat.user("ann").types("general", "/incident resolve").await;
        let told = chat.user("ann").was_told("general");
        assert!(told.contains("INC-1") && told.contains("INC-2") && told.contains("Which incident"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_says_what_can_be_done_here() {
    let world = World::start().await;
    for chat in world.chats() {
        chat.user("ann").types("general", "/muster help").await;
        let told = chat.user("ann").was_told("general");
        assert!(told.contains("/incident declare"), "{told}");
    }
}
