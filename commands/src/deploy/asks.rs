//! What is asked of deploys that are: approvals, gates, questions. What holds: a number means its deploy and no other.

use operations::command::{AlertAsk, Command};
use operations::deploy::command::{DeployAsk, DeployCommand};
use operations::ids::{DeployId, GroupId};
use operations::state::State;
use operations::text::Text;

use super::line::{Line, no_span};
use super::spans;
use crate::mistake::Mistake;

impl<'a> Line<'a> {
    pub(super) fn gate(mut self) -> Result<DeployCommand, Mistake> {
        self.lift(&[("answer", &["answer"]), ("gate", &["gate"])]);
        let said = self.words.option("answer").or_else(|| self.words.word());
        let approve = match said.as_deref() {
            Some("approve") => true,
            Some("reject" | "deny") => false,
            other => {
                let known = ["approve", "reject"];
                return Err(Mistake::unknown(
                    "/deploy gate ",
                    other.unwrap_or_default(),
                    &known,
                    "/deploy gate approve D-1",
                ));
            }
        };
        let deploy = self.deploy_id()?;
        let gate = self.words.option("gate").unwrap_or_else(|| self.words.text().to_owned());
        let gate = Some(gate).filter(|gate| !gate.is_empty());
        Ok(DeployCommand::About { deploy, ask: DeployAsk::Gate { gate, approve } })
    }

    pub(super) fn approve(mut self) -> Result<DeployCommand, Mistake> {
        let deploy = self.deploy_id()?;
        self.lift(&[("plan", &["plan"])]);
        let digest = self.words.option("plan").or_else(|| self.take());
        if let Some(digest) = &digest
            && (digest.len() < 4 || digest.len() > 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            let why = "is no plan. Its first eight digits stand on the card; they can be left out.";
            return Err(Mistake::odd(digest, why, "/approve D-1"));
        }
        Ok(DeployCommand::About { deploy, ask: DeployAsk::Approve { digest } })
    }

    pub(super) fn deny(mut self) -> Result<DeployCommand, Mistake> {
        self.read_flags(&[])?;
        let deploy = self.deploy_id()?;
        let reason = self.reason();
        Ok(DeployCommand::About { deploy, ask: DeployAsk::Deny { reason } })
    }

    pub(super) fn changes(mut self) -> Result<DeployCommand, Mistake> {
        self.lift(&[("service", &["service"]), ("since", &["since"])]);
        let mut since = self.words.option("since");
        let mut service = self.words.option("service");
        while let Some(word) = self.take() {
            if word.eq_ignore_ascii_case("since") || word.eq_ignore_ascii_case("last") {
                continue;
            }
            if spans::duration(&word).is_some() && since.is_none() {
                since = Some(word);
            } else if service.is_none() {
                service = Some(word);
            } else {
                return Err(Mistake::odd(&word, "is more than I understand.", "/changes checkout 7d"));
            }
        }
        let service = service.map(|said| self.service(&said).map(|it| it.name.clone())).transpose()?;
        let since = since
            .map(|said| spans::duration(&said).ok_or_else(|| no_span(&said, "/changes checkout 7d")))
            .transpose()?;
        Ok(DeployCommand::Changes { service, since })
    }

    pub(super) fn where_is(mut self) -> Result<DeployCommand, Mistake> {
        self.lift(&[("service", &["service"])]);
        let said = self.said_service("/where checkout")?;
        let service = self.service(&said)?.name.clone();
        Ok(DeployCommand::Where { service })
    }

    pub(super) fn why(mut self, state: &State) -> Result<Command, Mistake> {
        self.lift(&[("what", &["what"])]);
        let Some(said) = self.words.option("what").or_else(|| self.take()) else {
            let words = "Why what? A deploy or an alert has a number: D-1, A-1.";
            return Err(Mistake::new(Text::new().plain(words), "/why D-1"));
        };
        if let Some(deploy) = full_id(&said) {
            return Ok(Command::Deploy(DeployCommand::Why(deploy)));
        }
        // A number by itself is what there is of that number.
        if let Some(deploy) = short_id(&said).filter(|id| state.deploys.contains_key(id)) {
            if state.groups.contains_key(&GroupId(deploy.0.into())) {
                let words = format!("There are both {deploy} and {}. Which one?", GroupId(deploy.0.into()));
                return Err(Mistake::new(Text::new().plain(words), format!("/why {deploy}")));
            }
            return Ok(Command::Deploy(DeployCommand::Why(deploy)));
        }
        let group = crate::alert::read_id(&said)?;
        Ok(Command::Alert { group: Some(group), ask: AlertAsk::Show })
    }

    pub(super) fn deploy_id(&mut self) -> Result<Option<DeployId>, Mistake> {
        self.lift(&[("deploy", &["deploy"])]);
        if let Some(said) = self.words.option("deploy") {
            let id = full_id(&said).or_else(|| said.parse().ok().map(DeployId));
            return id
                .map(Some)
                .ok_or_else(|| Mistake::odd(&said, "is no deploy. They are numbered: D-1, D-2…", "/deploy status"));
        }
        let Some(id) = self.words.peek().and_then(|word| short_id(word.trim_end_matches([',', '.', ':']))) else {
            return Ok(None);
        };
        self.words.word();
        Ok(Some(id))
    }

    /// Where something stands behind a deploy's number, or in its place, another one may be meant than would be hit.
    pub(super) fn nothing_more(&mut self, ask: &str) -> Result<(), Mistake> {
        match self.take() {
            None => Ok(()),
            Some(word) => {
                let why = "is more than I understand. Deploys are numbered: D-1, D-2…";
                Err(Mistake::odd(&word, why, format!("/deploy {ask} D-1")))
            }
        }
    }
}

/// A deploy's number in full: `D-3`.
pub(super) fn full_id(word: &str) -> Option<DeployId> {
    let digits = word.strip_prefix("D-").or_else(|| word.strip_prefix("d-"))?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok().map(DeployId) } else { None }
}

/// The same as somebody may type it in a hurry: `3`, `D3`, `#3`. A longer number is a plan's beginning, or a commit's.
fn short_id(word: &str) -> Option<DeployId> {
    let digits = word.trim_start_matches(['D', 'd', '#']).trim_start_matches('-');
    let is_short = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { digits.parse().ok().map(DeployId) } else { full_id(word) }
}
