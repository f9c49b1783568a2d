//! Pages that people and Muster wrote in turns.

use super::*;

const FRESH: &str = "# Page\n\n<!-- muster:begin head -->\nfirst\n<!-- muster:end head -->\n\n## Summary\n\nWrite here.\n\n\
    <!-- muster:begin tail -->\n| a | b |\n| - | - |\n| 1 | 2 |\n<!-- muster:end tail -->\n";

fn again(old: &str, fresh: &str) -> Merged {
    let merged = merge(Some(old), fresh);
    let twice = merge(Some(&merged.text), fresh);
    assert_eq!(twice.text, merged.text, "merging the same again changes nothing");
    merged
}

#[test]
fn pieces_put_together_are_the_page() {
    for text in
        ["", "a", "\n\n", FRESH, "<!-- muster:end x -->", "<!-- muster:begin x -->\r\nb\r\n<!-- muster:end x -->\r\nc"]
    {
        assert_eq!(split(text).iter().map(Piece::text).collect::<String>(), text);
    }
}

#[test]
fn parts_are_refreshed_and_the_rest_stays() {
    let page = merge(None, FRESH).text;
    assert!(page.contains("<!-- muster:begin head ") && page.contains("<!-- muster:regions head tail -->"), "{page}");
    let old = page.replace("Write here.", "It was DNS.  ") + "\r\nno line end";
    let merged = again(&old, &FRESH.replace("first", "second"));
    assert_eq!(merged.conflicts, []);
    assert!(merged.text.contains("It was DNS.  \n") && merged.text.ends_with("\r\nno line end"), "{}", merged.text);
    assert!(merged.text.contains("second") && !merged.text.contains("first"), "{}", merged.text);
    assert_eq!(again(&old, FRESH).text, old, "nothing new changes nothing");
}

#[test]
fn an_edit_inside_a_part_is_kept_once_after_it() {
    let old = merge(None, FRESH).text.replace("| 1 | 2 |", "| 1 | two, said Ann |");
    let merged = again(&old, &FRESH.replace("| 1 | 2 |", "| 1 | 3 |"));
    assert_eq!(merged.conflicts, [Conflict::Edited("tail".to_owned())]);
    assert_eq!(merged.text.matches("two, said Ann").count(), 1, "{}", merged.text);
    assert!(
        merged.text.contains("\n> | 1 | two, said Ann |\n") && merged.text.contains("| 1 | 3 |"),
        "{}",
        merged.text
    );
    assert!(!merged.text.contains("> | a | b |"), "lines that are still there are not repeated: {}", merged.text);
    let quiet = again(&merged.text, &FRESH.replace("| 1 | 2 |", "| 1 | 4 |"));
    assert_eq!(quiet.conflicts, []);
    assert_eq!(quiet.text.matches("two, said Ann").count(), 1);
}

#[test]
fn an_edit_stays_in_its_place_while_there_is_nothing_new() {
    let old = merge(None, FRESH).text.replace("| 1 | 2 |", "| 1 | Ann, by Friday |");
    let merged = again(&old, &FRESH.replace("first", "second"));
    assert_eq!(merged.conflicts, []);
    assert!(merged.text.contains("\n| 1 | Ann, by Friday |\n") && merged.text.contains("second"), "{}", merged.text);
}

#[test]
fn line_endings_and_spaces_at_line_ends_are_no_edit() {
    let old = merge(None, FRESH).text.replace('\n', "  \r\n");
    assert_eq!(again(&old, &FRESH.replace("first", "second")).conflicts, []);
}

#[test]
fn a_part_that_was_taken_out_stays_out() {
    let page = merge(None, FRESH).text;
    let from = page.find("<!-- muster:begin tail").expect("there");
    let to = page.find("<!-- muster:regions").expect("there");
    let old = [&page[..from], "Ann took the table out.\n", &page[to..]].concat();
    let merged = again(&old, FRESH);
    assert_eq!(merged.conflicts, [Conflict::Deleted("tail".to_owned())]);
    assert!(!merged.text.contains("| 1 | 2 |"), "{}", merged.text);
}

#[test]
fn a_part_that_is_new_goes_before_the_one_that_follows_it() {
    let page = merge(None, FRESH).text;
    let new = FRESH.replace(
        "<!-- muster:begin tail",
        "<!-- muster:begin middle -->\nnew\n<!-- muster:end middle -->\n\n<!-- muster:begin tail",
    );
    let merged = again(&page, &new);
    let at = |words: &str| merged.text.find(words).expect("there");
    assert!(at("Write here.") < at("begin middle") && at("begin middle") < at("begin tail"), "{}", merged.text);
    let last = FRESH.to_owned() + "\n<!-- muster:begin last -->\nend\n<!-- muster:end last -->\n";
    let merged = again(page.trim_end(), &last);
    assert!(merged.text.ends_with("<!-- muster:end last -->\n"), "{}", merged.text);
    assert!(merged.text.contains("<!-- muster:regions head last tail -->"), "{}", merged.text);
}

#[test]
fn a_foreign_page_gets_the_parts_at_its_end() {
    let merged = again("My own page", FRESH);
    assert!(merged.text.starts_with("My own page\n\n<!-- muster:begin head "), "{}", merged.text);
}

#[test]
fn a_lost_marker_leaves_everything_as_it_is() {
    let page = merge(None, FRESH).text;
    let old = page.replace("<!-- muster:end head -->\n", "");
    let merged = again(&old, &FRESH.replace("first", "second"));
    assert_eq!(merged.conflicts, [Conflict::Broken("head".to_owned())]);
    assert_eq!(merged.text, old);
}

#[test]
fn a_part_that_stands_twice_is_refreshed_once() {
    let page = merge(None, FRESH).text;
    let merged = again(&(page.clone() + &page), &FRESH.replace("first", "second"));
    assert!(merged.conflicts.contains(&Conflict::Twice("head".to_owned())), "{:?}", merged.conflicts);
    assert_eq!((merged.text.matches("first").count(), merged.text.matches("second").count()), (1, 1));
}

#[test]
fn a_marker_in_what_is_generated_is_made_harmless() {
    let fresh = FRESH.replace("first", "x <!-- muster:end tail --> y");
    let page = merge(None, &fresh).text;
    assert!(page.contains("x &lt;!-- muster:end tail --> y"), "{page}");
    assert_eq!(again(&page, &fresh).conflicts, []);
}

/// Random edits: lines added anywhere, taken out, doubled, moved; markers among them.
#[test]
fn whatever_people_do_their_words_stay() {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut page = merge(None, FRESH).text;
        let mut words = Vec::new();
        for turn in 0..4 {
            let mut lines: Vec<String> = page.split_inclusive('\n').map(str::to_owned).collect();
            for _ in 0..random.usize(0..4) {
                let at = random.usize(..lines.len());
                // A person takes out only what no person wrote.
                let human = lines[at].contains("human-");
                match random.u8(..6) {
                    0 | 1 => {
                        let word = format!("human-{seed}-{turn}-{}", words.len());
                        let end = ["\n", "\r\n", " <!-- muster:begin -->\n"][random.usize(..3)];
                        lines.insert(at, format!("{word}{end}"));
                        words.push(word);
                    }
                    2 if !human => {
                        lines.remove(at);
                    }
                    3 => lines.insert(at, lines[random.usize(..lines.len())].clone()),
                    4 => lines.swap(at, at.saturating_sub(1)),
                    5 if !human => {
                        let word = format!("human-{seed}-{turn}-{}", words.len());
                        lines[at] = format!("{} {word}\n", lines[at].trim_end());
                        words.push(word);
                    }
                    _ => {}
                }
                if lines.is_empty() {
                    lines.push("\n".to_owned());
                }
            }
            let old: String = lines.concat();
            let fresh =
                FRESH.replace("first", &format!("written {turn}")).replace("| 2 |", &format!("| {} |", turn * 2));
            let merged = again(&old, &fresh);
            for word in &words {
                assert!(merged.text.contains(word.as_str()), "seed {seed} lost {word}:\n{old}\n-----\n{}", merged.text);
            }
            let outside: String =
                split(&old).iter().filter(|piece| matches!(piece, Piece::Outside(_))).map(Piece::text).collect();
            let mut rest = merged.text.as_str();
            for line in outside.split_inclusive('\n') {
                let at = rest
                    .find(line)
                    .unwrap_or_else(|| panic!("seed {seed} lost or moved {line:?}:\n{old}\n-----\n{}", merged.text));
                rest = &rest[at + line.len()..];
            }
            page = merged.text;
        }
    }
}
