//! `/deploy` and what belongs to it.
//!
//! ```text
//! deploy   [start] SERVICE[@REF] [to ENV] [NAME=VALUE…] [--dry-run] [--break-glass] [--reason WORDS]
//! deploy   status|cancel|retry|ran|didnot|look [D-1] · history [SERVICE] · gate approve|reject D-1 [GATE]
//! deploy   rollback SERVICE ENV (offers it)
//! rollback SERVICE [ENV] [to RELEASE] [--reason WORDS]
//! promote  SERVICE ENV to ENV [--reason WORDS]
//! lock     SERVICE ENV [for 2h|until 18:00] [WORDS] · unlock SERVICE ENV · locks
//! freeze   [production|all|ENV|SERVICE [ENV]] [for 2h|until 18:00] [WORDS] · unfreeze [FREEZE-1]
//! approve  [D-1] [PLAN] · deny [D-1] [WORDS]
//! changes  [SERVICE] [7d] · where SERVICE · why D-1|A-1
//! ```
//! What holds: services and environments are those of the configuration; a reference is checked before anybody
//! else sees it ([`mod@reference`]); nothing is guessed where it changes what is done.

pub(crate) mod answers;
mod flags;
pub mod reference;
pub(crate) mod refusals;
mod spans;

use operations::command::{AlertAsk, Command, Topic};
use operations::deploy::command::{DeployAsk, DeployCommand, Request};
use operations::deploy::{Kind, Target};
use operations::ids::{DeployId, FreezeId};
use operations::locks::{Scope, Until};
use operations::settings::{Service, Settings};
use operations::text::{Outside, Text};

use self::flags::Flags;
use crate::line::Words;
use crate::mistake::Mistake;
use crate::names::echo;
use crate::parse::Asker;

/// So many services are named.
const NAMED: usize = 8;

/// The commands of this family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `/deploy`.
    Deploy,
    /// `/rollback`.
    Rollback,
    /// `/promote`.
    Promote,
    /// `/lock`.
    Lock,
    /// `/unlock`.
    Unlock,
    /// `/locks`.
    Locks,
    /// `/freeze`.
    Freeze,
    /// `/unfreeze`.
    Unfreeze,
    /// `/approve`.
    Approve,
    /// `/deny`.
    Deny,
    /// `/changes`.
    Changes,
    /// `/where`.
    Where,
    /// `/why`.
    Why,
}

/// The command that a word names, in lower case.
#[must_use]
pub fn verb(name: &str) -> Option<Verb> {
    Some(match name {
        "deploy" | "deploys" => Verb::Deploy,
        "rollback" => Verb::Rollback,
        "promote" => Verb::Promote,
        "lock" => Verb::Lock,
        "unlock" => Verb::Unlock,
        "locks" => Verb::Locks,
        "freeze" => Verb::Freeze,
        "unfreeze" => Verb::Unfreeze,
        "approve" => Verb::Approve,
        "deny" => Verb::Deny,
        "changes" => Verb::Changes,
        "where" => Verb::Where,
        "why" => Verb::Why,
        _ => return None,
    })
}

/// What may be asked in a message. Whoever writes one may not be who it says, and it can be edited afterwards: what changes
/// anything takes a slash command or a button, which carry the platform's own word for who acted.
///
/// # Errors
/// It would change something.
pub fn in_a_message(verb: Verb, command: Command) -> Result<Command, Mistake> {
    let reads = match &command {
        Command::Deploy(command) => match command {
            DeployCommand::Status
            | DeployCommand::History { .. }
            | DeployCommand::Where { .. }
            | DeployCommand::Changes { .. }
            | DeployCommand::Locks
            | DeployCommand::OfferRollback(_)
            | DeployCommand::Why(_) => true,
            DeployCommand::About { ask, .. } => *ask == DeployAsk::Show,
            DeployCommand::Start(_)
            | DeployCommand::Lock { .. }
            | DeployCommand::KeepLock { .. }
            | DeployCommand::Unlock { .. }
            | DeployCommand::Freeze { .. }
            | DeployCommand::Unfreeze { .. }
            | DeployCommand::Form => false,
        },
        _ => true,
    };
    if reads {
        return Ok(command);
    }
    let what = "Nothing is deployed, approved, locked or frozen by a message. Use the slash command, or the button on the card.";
    Err(Mistake::new(Text::new().plain(what), format!("/{}", word(verb))))
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Deploy => "deploy",
        Verb::Rollback => "rollback",
        Verb::Promote => "promote",
        Verb::Lock => "lock",
        Verb::Unlock => "unlock",
        Verb::Locks => "locks",
        Verb::Freeze => "freeze",
        Verb::Unfreeze => "unfreeze",
        Verb::Approve => "approve",
        Verb::Deny => "deny",
        Verb::Changes => "changes",
        Verb::Where => "where",
        Verb::Why => "why",
    }
}

/// Reads what stands behind a command of this family.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(verb: Verb, words: Words, asker: Asker<'_>) -> Result<Command, Mistake> {
    if matches!(words.peek(), Some("help" | "?")) {
        return Ok(Command::Help(Topic::Deploy));
    }
    let line = Line { words, flags: Flags::default(), verb, settings: &asker.state.settings };
    let command = match verb {
        Verb::Deploy => line.deploy(),
        Verb::Rollback => line.rollback(),
        Verb::Promote => line.promote(),
        Verb::Lock => line.lock(),
        Verb::Unlock => line.unlock(),
        Verb::Locks => Ok(DeployCommand::Locks),
        Verb::Freeze => line.freeze(),
        Verb::Unfreeze => line.unfreeze(),
        Verb::Approve => line.approve(),
        Verb::Deny => line.deny(),
        Verb::Changes => line.changes(),
        Verb::Where => line.where_is(),
        Verb::Why => return line.why(),
    };
    command.map(Command::Deploy)
}

/// A line while it is read.
struct Line<'a> {
    words: Words,
    flags: Flags,
    verb: Verb,
    settings: &'a Settings,
}

impl<'a> Line<'a> {
    fn deploy(mut self) -> Result<DeployCommand, Mistake> {
        let Some(first) = self.words.peek().map(str::to_lowercase) else {
            // On Discord the service is an option beside the subcommand.
            return if self.has_option("service") { self.start(Kind::Deploy) } else { Ok(DeployCommand::Form) };
        };
        let ask = match first.as_str() {
            "start" => {
                self.words.word();
                if self.words.peek().is_none() && !self.has_option("service") {
                    return Ok(DeployCommand::Form);
                }
                return self.start(Kind::Deploy);
            }
            "status" | "show" | "list" => DeployAsk::Show,
            "history" => {
                self.words.word();
                let service = self.optional_service()?;
                return Ok(DeployCommand::History { service: service.map(|service| service.name.clone()) });
            }
            "cancel" | "stop" | "abort" => DeployAsk::Cancel,
            "retry" | "again" => DeployAsk::Retry,
            "ran" => DeployAsk::ItRan,
            "didnot" => DeployAsk::ItDidNot,
            "look" => DeployAsk::LookAgain,
            "gate" => {
                self.words.word();
                return self.gate();
            }
            "rollback" => {
                self.words.word();
                return self.target("/deploy rollback checkout production").map(DeployCommand::OfferRollback);
            }
            _ => return self.start(Kind::Deploy),
        };
        self.words.word();
        let deploy = self.deploy_id()?;
        self.nothing_more(if ask == DeployAsk::Show { "status" } else { ask.word() })?;
        if deploy.is_none() && ask == DeployAsk::Show {
            return Ok(DeployCommand::Status);
        }
        Ok(DeployCommand::About { deploy, ask })
    }

    fn gate(mut self) -> Result<DeployCommand, Mistake> {
        let approve = match self.words.word().as_deref() {
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
        let gate = Some(self.words.text().to_owned()).filter(|gate| !gate.is_empty());
        Ok(DeployCommand::About { deploy, ask: DeployAsk::Gate { gate, approve } })
    }

    fn start(mut self, kind: Kind) -> Result<DeployCommand, Mistake> {
        self.read_flags(&["dry-run", "break-glass"])?;
        self.lift(&[
            ("service", &["service"]),
            ("env", &["env", "environment", "to"]),
            ("ref", &["ref", "reference", "branch", "tag"]),
            ("parameters", &["parameters"]),
        ]);
        let said = self.said_service("/deploy checkout to staging")?;
        let (name, at) = match said.split_once('@') {
            Some((name, at)) => (name.to_owned(), Some(at.to_owned())),
            None => (said, None),
        };
        let service = self.service(&name)?;
        let mut environment = self.words.option("env");
        let named = self.words.option("ref");
        if at.as_deref() == Some("") {
            return Err(Mistake::odd("@", "has a branch, tag or commit behind it.", at_version(service)));
        }
        if at.is_some() && named.is_some() {
            let words = "What is deployed is said twice, and only one can be meant.";
            return Err(Mistake::new(Text::new().plain(words), at_version(service)));
        }
        let reference = at.or(named);
        let mut parameters = self.options_as_parameters()?;
        while let Some(word) = self.take() {
            let lower = word.to_lowercase();
            if matches!(lower.as_str(), "to" | "in" | "on" | "→" | "->") && environment.is_none() {
                environment = Some(self.take().ok_or_else(|| self.wants(service, "Where to?"))?);
            } else if let Some((key, value)) = word.split_once('=') {
                parameters.push((key.to_owned(), value.to_owned()));
            } else if environment.is_none() && has(service, &word).is_some() {
                environment = Some(word);
            } else {
                return Err(more_than_a_deploy(service, &word, reference.is_none()));
            }
        }
        let environment = environment.map(|said| self.environment(service, &said)).transpose()?;
        let reference = reference.map(|said| self.reference(service, &said)).transpose()?;
        let parameters = self.parameters(service, environment.as_deref(), parameters)?;
        Ok(DeployCommand::Start(Box::new(Request {
            kind,
            service: service.name.clone(),
            environment,
            from: None,
            reference,
            release: None,
            parameters,
            reason: self.flags.reason,
            dry_run: self.flags.dry_run,
            break_glass: self.flags.break_glass,
        })))
    }

    fn rollback(mut self) -> Result<DeployCommand, Mistake> {
        self.read_flags(&["dry-run", "break-glass"])?;
        self.lift(&[("service", &["service"]), ("env", &["env", "environment"]), ("to", &["to", "release"])]);
        let said = self.said_service("/rollback checkout production")?;
        let service = self.service(&said)?;
        let mut environment = self.words.option("env");
        let mut release = self.words.option("to");
        while let Some(word) = self.take() {
            let lower = word.to_lowercase();
            if lower == "to" {
                let next = self.take().ok_or_else(|| self.wants(service, "To which release?"))?;
                // “rollback checkout to staging” means the environment.
                if environment.is_none() && has(service, &next).is_some() {
                    environment = Some(next);
                } else {
                    release = Some(next);
                }
            } else if environment.is_none() && !matches!(lower.as_str(), "in" | "on") {
                environment = Some(word);
            } else if !matches!(lower.as_str(), "in" | "on") {
                return Err(Mistake::odd(
                    &word,
                    "is more than I understand.",
                    format!("/rollback {} production", service.name),
                ));
            }
        }
        let environment = environment.map(|said| self.environment(service, &said)).transpose()?;
        let id = release.as_deref().and_then(full_id);
        let reference = release.filter(|_| id.is_none()).map(|said| self.reference(service, &said)).transpose()?;
        Ok(DeployCommand::Start(Box::new(Request {
            kind: Kind::Rollback,
            service: service.name.clone(),
            environment,
            from: None,
            reference,
            release: id,
            parameters: [].into(),
            reason: self.flags.reason,
            dry_run: self.flags.dry_run,
            break_glass: self.flags.break_glass,
        })))
    }

    fn promote(mut self) -> Result<DeployCommand, Mistake> {
        self.read_flags(&["dry-run", "break-glass"])?;
        self.lift(&[("service", &["service"]), ("from", &["from"]), ("to", &["to", "env", "environment"])]);
        let said = self.said_service("/promote checkout staging to production")?;
        let service = self.service(&said)?;
        let mut places: Vec<String> = Vec::new();
        let (from, to) = (self.words.option("from"), self.words.option("to"));
        while let Some(word) = self.take() {
            if !matches!(word.to_lowercase().as_str(), "from" | "to" | "→" | "->") {
                places.push(word);
            }
        }
        let mut places = places.into_iter();
        let from = from.or_else(|| places.next());
        let to = to.or_else(|| places.next());
        let instead = format!("/promote {} {}", service.name, promotion_of(service));
        let (Some(from), Some(to), None) = (from, to, places.next()) else {
            let words = "A promotion is a service, the environment that it comes from, and where it goes.";
            return Err(Mistake::new(Text::new().plain(words), instead));
        };
        let (from, to) = (self.environment(service, &from)?, self.environment(service, &to)?);
        if from == to {
            return Err(Mistake::new(
                Text::new().plain("It is there already: these are the same environment."),
                instead,
            ));
        }
        Ok(DeployCommand::Start(Box::new(Request {
            kind: Kind::Promotion,
            service: service.name.clone(),
            environment: Some(to),
            from: Some(from),
            reference: None,
            release: None,
            parameters: [].into(),
            reason: self.flags.reason,
            dry_run: self.flags.dry_run,
            break_glass: self.flags.break_glass,
        })))
    }

    fn lock(mut self) -> Result<DeployCommand, Mistake> {
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

    fn unlock(mut self) -> Result<DeployCommand, Mistake> {
        let target = self.target("/unlock checkout staging")?;
        Ok(DeployCommand::Unlock { target })
    }

    fn freeze(mut self) -> Result<DeployCommand, Mistake> {
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

    fn unfreeze(mut self) -> Result<DeployCommand, Mistake> {
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

    fn approve(mut self) -> Result<DeployCommand, Mistake> {
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

    fn deny(mut self) -> Result<DeployCommand, Mistake> {
        self.read_flags(&[])?;
        let deploy = self.deploy_id()?;
        let reason = self.reason();
        Ok(DeployCommand::About { deploy, ask: DeployAsk::Deny { reason } })
    }

    fn changes(mut self) -> Result<DeployCommand, Mistake> {
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

    fn where_is(mut self) -> Result<DeployCommand, Mistake> {
        self.lift(&[("service", &["service"])]);
        let said = self.said_service("/where checkout")?;
        let service = self.service(&said)?.name.clone();
        Ok(DeployCommand::Where { service })
    }

    fn why(mut self) -> Result<Command, Mistake> {
        self.lift(&[("what", &["what"])]);
        let Some(said) = self.words.option("what").or_else(|| self.take()) else {
            let words = "Why what? A deploy or an alert has a number: D-1, A-1.";
            return Err(Mistake::new(Text::new().plain(words), "/why D-1"));
        };
        if let Some(deploy) = full_id(&said) {
            return Ok(Command::Deploy(DeployCommand::Why(deploy)));
        }
        let group = crate::alert::read_id(&said)?;
        Ok(Command::Alert { group: Some(group), ask: AlertAsk::Show })
    }

    // What lines have in common.

    /// Takes the next word as it was typed.
    fn take(&mut self) -> Option<String> {
        let word = self.words.peek()?.to_owned();
        self.words.word();
        Some(word)
    }

    fn has_option(&self, name: &str) -> bool {
        let mut words = self.words.clone();
        words.lift(&[name], |_| true);
        words.option(name).is_some()
    }

    fn lift(&mut self, options: &[(&str, &[&str])]) {
        for (_, names) in options {
            self.words.lift(names, |_| true);
            // Under the first of its names; the one that it is asked for by is told here.
        }
        for (name, names) in options {
            for other in names.iter().filter(|other| *other != name) {
                if let Some(value) = self.words.option(other) {
                    self.words = self.words.clone().with(name, &value);
                }
            }
        }
    }

    fn read_flags(&mut self, known: &[&str]) -> Result<(), Mistake> {
        self.flags = flags::read(&mut self.words, known, word(self.verb))?;
        Ok(())
    }

    fn reason(&mut self) -> Outside {
        if self.flags.reason.is_empty() { Outside::new(self.words.text()) } else { self.flags.reason.clone() }
    }

    fn said_service(&mut self, instead: &str) -> Result<String, Mistake> {
        let said = self.words.option("service").or_else(|| self.take());
        said.ok_or_else(|| {
            let services: Vec<&str> = self.settings.services.iter().map(|it| it.name.as_str()).collect();
            let known =
                if services.is_empty() { String::new() } else { format!(" There are: {}.", shortened(&services)) };
            Mistake::new(Text::new().plain(format!("Which service?{known}")), instead)
        })
    }

    fn optional_service(&mut self) -> Result<Option<&'a Service>, Mistake> {
        self.lift(&[("service", &["service"])]);
        match self.words.option("service").or_else(|| self.take()) {
            Some(said) => self.service(&said).map(Some),
            None => Ok(None),
        }
    }

    fn service(&self, said: &str) -> Result<&'a Service, Mistake> {
        if let Some(service) = find(self.settings, said) {
            return Ok(service);
        }
        let known: Vec<&str> = self.settings.services.iter().map(|it| it.name.as_str()).collect();
        let rest = match self.verb {
            Verb::Deploy => " to staging",
            Verb::Rollback | Verb::Lock | Verb::Unlock => " staging",
            Verb::Promote => " staging to production",
            _ => "",
        };
        let mut mistake = unknown("There is no service ", said, &known, "/where");
        let near = nearest(said, &known);
        if let Some(named) = near.or(known.first().copied()) {
            mistake.instead = format!("/{} {named}{rest}", word(self.verb));
        }
        if near.is_none() && !known.is_empty() {
            mistake.what = mistake.what.plain(format!(" There are: {}.", shortened(&known)));
        }
        Err(mistake)
    }

    fn environment(&self, service: &Service, said: &str) -> Result<String, Mistake> {
        if let Some(name) = has(service, said) {
            return Ok(name.to_owned());
        }
        let known: Vec<&str> = service.environments.iter().map(|it| it.name.as_str()).collect();
        if known.is_empty() {
            let words = format!("{} has no environments in services.toml, so it can't be deployed.", service.name);
            return Err(Mistake::new(Text::new().plain(words), format!("/where {}", service.name)));
        }
        let words = Text::new().plain(format!("{} has no environment ", service.name)).outside(&echo(said));
        let words = words.plain(format!(". It has: {}.", known.join(", ")));
        let near = nearest(said, &known).unwrap_or(known[0]);
        if matches!(self.verb, Verb::Promote) {
            return Err(Mistake::new(words, format!("/promote {} {}", service.name, promotion_of(service))));
        }
        let between = if matches!(self.verb, Verb::Deploy) { " to" } else { "" };
        Err(Mistake::new(words, format!("/{} {}{between} {near}", word(self.verb), service.name)))
    }

    fn target(&mut self, instead: &str) -> Result<Target, Mistake> {
        self.lift(&[("service", &["service"]), ("env", &["env", "environment"])]);
        let said = self.said_service(instead)?;
        let (said, slashed) = match said.split_once('/') {
            Some((service, environment)) => (service.to_owned(), Some(environment.to_owned())),
            None => (said, None),
        };
        let service = self.service(&said)?;
        let mut environment = slashed.or_else(|| self.words.option("env"));
        if environment.is_none() {
            environment = self.take().filter(|word| !matches!(word.to_lowercase().as_str(), "in" | "on"));
            environment = environment.or_else(|| self.take());
        }
        let said = environment.ok_or_else(|| self.wants(service, "Which environment?"))?;
        let environment = self.environment(service, &said)?;
        Ok(Target { service: service.name.clone(), environment })
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

    fn deploy_id(&mut self) -> Result<Option<DeployId>, Mistake> {
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
    fn nothing_more(&mut self, ask: &str) -> Result<(), Mistake> {
        match self.take() {
            None => Ok(()),
            Some(word) => {
                let why = "is more than I understand. Deploys are numbered: D-1, D-2…";
                Err(Mistake::odd(&word, why, format!("/deploy {ask} D-1")))
            }
        }
    }

    fn reference(&self, service: &Service, said: &str) -> Result<String, Mistake> {
        reference::check(said).map(str::to_owned).map_err(|why| {
            let words =
                Text::new().plain("“").outside(&echo(said)).plain(format!("” is no branch, tag or commit: {why}."));
            let flag = if self.flags.dry_run { " --dry-run" } else { "" };
            Mistake::new(words, at_version(service) + flag)
        })
    }

    /// On Discord parameters stand in one option: `region=eu size=2`.
    fn options_as_parameters(&mut self) -> Result<Vec<(String, String)>, Mistake> {
        let Some(said) = self.words.option("parameters") else { return Ok(Vec::new()) };
        let pair = |word: &str| {
            let pair = word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            pair.ok_or_else(|| {
                Mistake::odd(word, "is no parameter. They are name=value.", "/deploy checkout to staging region=eu")
            })
        };
        said.split_whitespace().map(pair).collect()
    }

    fn parameters(
        &self,
        service: &Service,
        environment: Option<&str>,
        said: Vec<(String, String)>,
    ) -> Result<std::collections::BTreeMap<String, String>, Mistake> {
        let places = service.environments.iter().filter(|it| environment.is_none_or(|name| name == it.name));
        let declared: std::collections::BTreeMap<&str, &Vec<String>> =
            places.flat_map(|it| &it.parameters).map(|(name, values)| (name.as_str(), values)).collect();
        let mut parameters = std::collections::BTreeMap::new();
        for (name, value) in said {
            let Some(values) = declared.get(name.as_str()) else {
                let known: Vec<&str> = declared.keys().copied().collect();
                let mut mistake = unknown("There is no parameter ", &name, &known, &example(service));
                mistake.instead = example(service);
                let told = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                mistake.what = mistake.what.plain(format!(" {} takes: {told}.", service.name));
                return Err(mistake);
            };
            if let Err(why) = reference::value(&value, values) {
                let words =
                    Text::new().plain(format!("{name} can't be “")).outside(&echo(&value)).plain(format!("”: {why}."));
                let value = values.first().map(|value| format!(" {name}={value}")).unwrap_or_default();
                return Err(Mistake::new(words, example(service) + &value));
            }
            if parameters.insert(name.clone(), value).is_some() {
                let words = format!("{name} is said twice, and only one can be meant.");
                return Err(Mistake::new(Text::new().plain(words), example(service)));
            }
        }
        Ok(parameters)
    }

    fn wants(&self, service: &Service, what: &str) -> Mistake {
        let known: Vec<&str> = service.environments.iter().map(|it| it.name.as_str()).collect();
        let words = format!("{what} {} has: {}.", service.name, known.join(", "));
        let first = known.first().copied().unwrap_or("staging");
        let between = if matches!(self.verb, Verb::Deploy) { " to" } else { "" };
        Mistake::new(Text::new().plain(words), format!("/{} {}{between} {first}", word(self.verb), service.name))
    }
}

/// A deploy's number in full: `D-3`.
pub(crate) fn full_id(word: &str) -> Option<DeployId> {
    let digits = word.strip_prefix("D-").or_else(|| word.strip_prefix("d-"))?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok().map(DeployId) } else { None }
}

/// The same as somebody may type it in a hurry: `3`, `D3`, `#3`. A longer number is a plan's beginning, or a commit's.
fn short_id(word: &str) -> Option<DeployId> {
    let digits = word.trim_start_matches(['D', 'd', '#']).trim_start_matches('-');
    let is_short = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { digits.parse().ok().map(DeployId) } else { full_id(word) }
}

fn find<'a>(settings: &'a Settings, said: &str) -> Option<&'a Service> {
    settings.service(said).or_else(|| settings.services.iter().find(|it| it.name.eq_ignore_ascii_case(said)))
}

/// The environment of a service that somebody means.
fn has<'a>(service: &'a Service, said: &str) -> Option<&'a str> {
    let exact = service.environments.iter().find(|it| it.name.eq_ignore_ascii_case(said));
    let short = |it: &&operations::settings::Environment| said.eq_ignore_ascii_case("prod") && it.name == "production";
    exact.or_else(|| service.environments.iter().find(short)).map(|it| it.name.as_str())
}

/// A word in a deploy that is nothing which stands there. What it may have been is said, and not guessed.
fn more_than_a_deploy(service: &Service, word: &str, no_reference: bool) -> Mistake {
    let bare = word.strip_prefix('@').unwrap_or(word);
    let first = service.environments.first().map_or("staging", |it| it.name.as_str());
    let is_version = bare.bytes().any(|byte| byte.is_ascii_digit()) && reference::check(bare).is_ok();
    let what = Text::new().plain("“").outside(&echo(word));
    if no_reference && (is_version || word.starts_with('@')) {
        let what = what.plain("” stands by itself. A branch, tag or commit stands right behind the service and an @.");
        return Mistake::new(what, format!("/deploy {}@v1.2 to {first}", service.name));
    }
    let what = what.plain(format!(
        "” is more than I understand. A deploy is {}, where to, and parameters as name=value; words of your own stand \
         behind --reason.",
        service.name
    ));
    Mistake::new(what, format!("/deploy {} to {first} --reason why", service.name))
}

/// The first of some names.
fn shortened(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

/// A deploy of something that is named.
fn at_version(service: &Service) -> String {
    let first = service.environments.first().map_or("staging", |it| it.name.as_str());
    format!("/deploy {}@v1.2 to {first}", service.name)
}

fn example(service: &Service) -> String {
    let first = service.environments.first().map_or("staging", |it| it.name.as_str());
    format!("/deploy {} to {first}", service.name)
}

fn promotion_of(service: &Service) -> String {
    let names: Vec<&str> = service.environments.iter().map(|it| it.name.as_str()).collect();
    match names.as_slice() {
        [first, second, ..] => format!("{first} to {second}"),
        _ => "staging to production".to_owned(),
    }
}

fn no_span(said: &str, instead: &str) -> Mistake {
    Mistake::odd(said, "is no span of time: 30m, 2h, 3d.", instead)
}

fn unknown(before: &str, said: &str, known: &[&str], instead: &str) -> Mistake {
    let what = Text::new().plain(before).outside(&echo(said)).plain(".");
    match nearest(said, known) {
        Some(near) => Mistake::new(what.plain(" Did you mean ").code(near).plain("?"), instead),
        None => Mistake::new(what, instead),
    }
}

fn nearest<'a>(said: &str, known: &[&'a str]) -> Option<&'a str> {
    crate::mistake::nearest(said, known)
}
