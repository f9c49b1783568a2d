//! Postmortems: written from the journal, kept in a git wiki, served as pages; human words stay.

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postmortem_is_written_and_refreshed_without_losing_a_human_word() {
    let world = World::start().await;
    world.alerts("HighErrorRate", &[("checkout-1", true)]).await;
    world.settle().await;
    let card = world.slack().channel("alerts").message("HighErrorRate");
    world.slack().user("ann").clicks(&card, "Declare incident").await;
    world.slack().user("ann").submits(&[("title", "Checkout | fails <script>"), ("severity", "SEV2")]).await;
    world.discord().user("bob").types("inc-1-…", "/incident sev SEV1").await;
    world.discord().user("bob").types("inc-1-…", "/incident action Alert on carts").await;
    world.discord().user("bob").types("inc-1-…", "/incident note the cache was cold").await;
    world.slack().user("ann").types("inc-1-…", "/incident resolve rolled back").await;
    world.slack().user("ann").types("inc-1-…", "/incident postmortem").await;
    for chat in world.chats() {
        assert_eq!(chat.channel("inc-1-…").count("The postmortem is written"), 1, "{}", chat.channel("inc-1-…").text());
    }
    let folder = world.data().join("wiki/postmortems");
    let files: Vec<_> = std::fs::read_dir(&folder).expect("the wiki").flatten().map(|file| file.path()).collect();
    let page = files.iter().find(|path| path.to_string_lossy().contains("inc-1-")).expect("the page").clone();
    let text = std::fs::read_to_string(&page).expect("the page");
    for words in ["INC-1", "HighErrorRate", "SEV2", "SEV1", "Alert on carts", "the cache was cold", "Ann", "Bob"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
    assert!(!text.contains("<script>"), "{text}");
    // A person writes, then it is written again.
    let written = text.clone() + "\nIn the words of Ann: the deploy was rushed.\n";
    std::fs::write(&page, written).expect("a person can edit it");
    world.slack().user("ann").types("inc-1-…", "/incident note one more thing").await;
    world.slack().user("ann").types("inc-1-…", "/incident postmortem").await;
    let text = std::fs::read_to_string(&page).expect("the page");
    assert!(text.contains("the deploy was rushed") && text.contains("one more thing"), "{text}");
    // It is served as a page.
    let name = page.file_stem().expect("a name").to_string_lossy().into_owned();
    let url = format!("http://{}/wiki/postmortems/{name}.md", world.bot().address);
    let answer = world.http.get(&url).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200, "{url}");
    let html = answer.text().await.expect("a page");
    assert!(
        html.contains("HighErrorRate") && html.contains("the deploy was rushed") && !html.contains("<script>"),
        "{html}"
    );
}
