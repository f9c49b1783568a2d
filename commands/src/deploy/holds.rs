//! Locks and freezes: `/lock`, `/unlock`, `/freeze`, `/unfreeze`. What holds: nothing is frozen that was not named; an end
//! that is not understood is refused, and never none.

use operations::deploy::Target;
use operations::deploy::command::DeployCommand;
use operations::ids::FreezeId;
use operations::locks::{Scope, Until};

use super::line::{Line, find, has, nearest, unknown};
use super::{Verb, spans};
use crate::mistake::Mistake;

impl<'a> Line<'a> {
    pub(super) fn lock(mut self) -> Result<DeployCommand, Mistake> {
        if let Some(id) = self.words.text().strip_prefix("keep ").and_then(|id| id.trim().parse().ok()) {
            return Ok(DeployCommand::KeepLock { lock: id });
        }
        self.read_flags(&[])?;
        let until = self.until()?;
        let target = self.target("/lock checkout staging for 2h the load test runs")?;
        let until = until.or_else(|| self.bare_span());
        let reason = self.reason();
        Ok(DeployCommand::Lock { target, until, reason })
    }

    pub(super) fn unlock(mut self) -> Result<DeployCommand, Mistake> {
        let target = self.target("/unlock checkout staging")?;
        Ok(DeployCommand::Unlock { target })
    }

    pub(super) fn freeze(mut self) -> Result<DeployCommand, Mistake> {
        self.read_flags(&[])?;
        let until = self.until()?;
        let until = until.or_else(|| self.bare_span());
        self.lift(&[("scope", &["scope"])]);
        let said = self.words.option("scope").or_else(|| self.words.peek().map(str::to_owned));
        let from_option = said.as_deref() != self.words.peek();
        let scope = said.as_deref().and_then(|said| self.scope(said));
        // A misspelt place is no reason to hold production back.
        if scope.is_none()
            && let Some(said) = &said
        {
            return Err(self.nothing_to_freeze(said));
        }
        let mut scope = match scope {
            Some(scope) => {
                if !from_option {
                    self.take();
                }
                scope
            }
            None => Scope::Production,
        };
        // A service may be followed by one of its environments.
        if let Scope::Service(name) = &scope
            && let Some(service) = self.settings.service(name)
            && let Some(environment) = self.words.peek().and_then(|word| has(service, word))
        {
            scope = Scope::Target(Target { service: name.clone(), environment: environment.to_owned() });
            self.take();
        }
        let until = until.or_else(|| self.bare_span());
        // One word behind a service is an environment that it lacks, rather than a reason.
        if let Scope::Service(name) = &scope
            && let Some(service) = self.settings.service(name)
            && self.words.text().split_whitespace().count() == 1
        {
            let said = self.words.text().trim().to_owned();
            let mut mistake =
                self.environment(service, &said).map(drop).err().unwrap_or_else(|| self.nothing_to_freeze(&said));
            mistake.what = mistake.what.plain(" A reason of one word stands behind --reason.");
            return Err(mistake);
        }
        let reason = self.reason();
        Ok(DeployCommand::Freeze { scope, until, reason })
    }

    fn nothing_to_freeze(&self, said: &str) -> Mistake {
        let services = self.settings.services.iter();
        let places =
            services.flat_map(|it| it.environments.iter().map(|it| it.name.as_str()).chain([it.name.as_str()]));
        let known: Vec<&str> = places.chain(["production", "everything", "all"]).collect();
        let mut mistake = unknown("There is nothing to freeze that is called ", said, &known, "");
        mistake.instead = match nearest(said, &known) {
            Some(near) => format!("/freeze {near}"),
            None => {
                let words = " It is production, all, an environment, a service, or a service and its environment; a reason \
                             stands behind it.";
                mistake.what = mistake.what.plain(words);
                "/freeze production until 18:00 why".to_owned()
            }
        };
        mistake
    }

    fn scope(&self, said: &str) -> Option<Scope> {
        let lower = said.to_lowercase();
        if lower == "all" || lower == "everything" {
            return Some(Scope::Everything);
        }
        if let Some((service, environment)) = said.split_once('/') {
            let service = find(self.settings, service)?;
            let environment = has(service, environment)?.to_owned();
            return Some(Scope::Target(Target { service: service.name.clone(), environment }));
        }
        if lower == "production" || lower == "prod" {
            return Some(Scope::Production);
        }
        if let Some(service) = find(self.settings, said) {
            return Some(Scope::Service(service.name.clone()));
        }
        let environments = self.settings.services.iter().flat_map(|service| &service.environments);
        let found = environments.map(|it| &it.name).find(|name| name.eq_ignore_ascii_case(said));
        found.map(|name| Scope::Environment(name.clone()))
    }

    pub(super) fn unfreeze(mut self) -> Result<DeployCommand, Mistake> {
        self.lift(&[("freeze", &["freeze"])]);
        let Some(said) = self.words.option("freeze").or_else(|| self.take()) else {
            return Ok(DeployCommand::Unfreeze { freeze: None });
        };
        let freeze: Option<FreezeId> = said.parse().ok();
        match freeze {
            Some(freeze) => Ok(DeployCommand::Unfreeze { freeze: Some(freeze) }),
            None => Err(Mistake::odd(&said, "is no freeze. They are numbered: FREEZE-1, FREEZE-2…", "/locks")),
        }
    }

    fn until(&mut self) -> Result<Option<Until>, Mistake> {
        self.words.lift(&["for"], |value| spans::duration(value).is_some());
        self.words.lift(&["until"], |value| spans::until(value).is_some());
        if let Some(said) = self.words.option("for") {
            return spans::duration(&said).map(|lasts| Some(Until::For(lasts))).ok_or_else(|| self.no_end(&said));
        }
        if let Some(said) = self.words.option("until") {
            return spans::until(&said).map(Some).ok_or_else(|| self.no_end(&said));
        }
        // “for 2h”, “for 2 hours”, “until 18:00” or “until 2026-11-24 08:00” anywhere in the line.
        let all: Vec<String> = self.words.text().split_whitespace().map(str::to_owned).collect();
        for at in 0..all.len() {
            let (word, behind) = (all[at].to_lowercase(), &all[at + 1..]);
            let read: fn(&str) -> Option<Until> = match word.as_str() {
                "for" => |said| spans::duration(said).map(Until::For),
                "until" => spans::until,
                _ => continue,
            };
            let two = behind.get(..2).and_then(|two| read(&two.concat()).or_else(|| read(&two.join(" "))));
            let found = match (two, behind.first().and_then(|said| read(said))) {
                (Some(end), _) => Some((end, 2)),
                (None, one) => one.map(|end| (end, 1)),
            };
            let Some((end, length)) = found else {
                // An end that is not understood must not become none; “for” begins many a reason.
                let said = behind.first().map(String::as_str).unwrap_or_default();
                if word == "until" || said.starts_with(|it: char| it.is_ascii_digit() || it == '-') {
                    return Err(self.no_end(said));
                }
                continue;
            };
            let rest: Vec<&str> = all[..at].iter().chain(&behind[length..]).map(String::as_str).collect();
            self.words = self.words.clone().again(&rest.join(" "));
            return Ok(Some(end));
        }
        Ok(None)
    }

    /// A span of time that stands where the end may: `/lock checkout staging 2h`.
    fn bare_span(&mut self) -> Option<Until> {
        let lasts = self.words.peek().and_then(spans::duration)?;
        self.take();
        Some(Until::For(lasts))
    }

    fn no_end(&self, said: &str) -> Mistake {
        let instead = match self.verb {
            Verb::Lock => "/lock checkout staging for 2h",
            _ => "/freeze production until 18:00",
        };
        let why = "is no end that I understand. Ends are: for 2h, until 18:00, until 2026-11-24T08:00.";
        Mistake::odd(said, why, instead)
    }
}
