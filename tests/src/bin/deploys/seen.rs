//! The cards of deploys as people see them.

use std::collections::BTreeMap;

use ::tests::{Channel, Message};
use operations::deploy::How;
use operations::ids::Platform;
use serde_json::Value;

/// The channel with the cards.
pub(crate) const CHANNEL: &str = "deploys";

/// Every way in which a deploy can end.
const ENDS: [How; 8] = [
    How::Planned,
    How::Succeeded,
    How::Failed,
    How::Cancelled,
    How::Denied,
    How::Refused,
    How::Expired,
    How::NotStarted,
];

/// A deploy's card.
#[derive(Clone, Debug)]
pub(crate) struct Card(pub(crate) Message);

/// The cards of one chat by the deed's word; more than one of a word is one too many.
pub(crate) fn cards(view: &Value, on: Platform) -> BTreeMap<String, Vec<Card>> {
    let mut cards: BTreeMap<String, Vec<Card>> = BTreeMap::new();
    for message in Channel::find(view, on, CHANNEL).into_iter().flat_map(|channel| channel.messages) {
        let word = message.text.split("word=").nth(1).and_then(|rest| rest.get(..6)).map(str::to_owned);
        if let Some(word) = word.filter(|_| message.by_bot) {
            cards.entry(word).or_default().push(Card(message));
        }
    }
    cards
}

impl Card {
    fn says(&self, words: &str) -> bool {
        self.0.text.contains(words)
    }

    /// The deploy's number.
    pub(crate) fn number(&self) -> Option<u64> {
        let digits = |rest: &str| rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok();
        self.0.text.split("D-").skip(1).find_map(digits)
    }

    /// Whether it waits for an approval.
    pub(crate) fn is_approving(&self) -> bool {
        self.says("Needs ") && self.says("Deny")
    }

    /// Whether nobody knows whether it ran.
    pub(crate) fn is_unknown(&self) -> bool {
        self.says("Nobody knows")
    }

    /// Whether people were left to say how it is: it was looked for so often as it is by itself.
    pub(crate) fn is_parked(&self) -> bool {
        let looks = |rest: &str| rest.split(' ').next().and_then(|number| number.parse::<u32>().ok());
        let looks = self.0.text.split("Looked for its run ").nth(1).and_then(looks);
        self.is_unknown() && looks.is_some_and(|looks| looks >= 3)
    }

    /// Whether people can say how it is.
    pub(crate) fn has_answers(&self) -> bool {
        ["It ran", "It did not", "Look again"].into_iter().all(|button| self.says(button))
    }

    /// Whether there is a button to stop it.
    pub(crate) fn can_be_cancelled(&self) -> bool {
        self.says("Cancel") && self.ended().is_none()
    }

    /// How it says that it ended.
    pub(crate) fn ended(&self) -> Option<How> {
        ENDS.into_iter().find(|how| self.says(&format!("· {}", how.words())))
    }

    /// Whether it waits for its turn.
    pub(crate) fn is_queued(&self) -> bool {
        self.says("Waits for its turn") || self.says("keeps the environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> Card {
        let (channel, id) = (String::new(), String::new());
        Card(Message { channel, id, text: text.to_owned(), by_bot: true })
    }

    #[test]
    fn a_card_tells_how_its_deploy_stands() {
        let it = card(
            "⏳ Deploy s1 v142 to staging Nobody knows whether the pipeline started it. Known is: x Looked for its run 3 times. It ran It did not Look again D-17 · plan 1234",
        );
        assert!(it.is_unknown() && it.is_parked() && it.has_answers() && it.ended().is_none());
        assert_eq!(it.number(), Some(17));
        assert!(!card("Nobody knows. Looked for its run 2 times.").is_parked());
        assert_eq!(card("Deploy s1 v142 to staging · not started D-3").ended(), Some(How::NotStarted));
        assert_eq!(card("Deploy s1 v142 to staging · done in 3 s D-3").ended(), Some(How::Succeeded));
        assert!(card("Needs 1 approval Approve Deny Cancel").is_approving());
    }
}
