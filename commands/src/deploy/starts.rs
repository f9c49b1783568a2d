//! What starts a deploy: `/deploy`, `/rollback`, `/promote`. What holds: references and parameters are checked here, before
//! anybody else sees them; a word that is nothing which stands there is refused, and not guessed.

use std::collections::BTreeMap;

use operations::deploy::Kind;
use operations::deploy::command::{DeployAsk, DeployCommand, Request};
use operations::settings::Service;
use operations::text::Text;

use super::asks::full_id;
use super::line::{Line, has, promotion_of, unknown};
use super::reference;
use crate::mistake::Mistake;
use crate::names::echo;

impl<'a> Line<'a> {
    pub(super) fn deploy(mut self) -> Result<DeployCommand, Mistake> {
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

    fn start(mut self, kind: Kind) -> Result<DeployCommand, Mistake> {
        self.read_flags(&["dry-run", "break-glass"])?;
        self.lift(&[
            ("service", &["service"]),
            ("env", &["env", "environment", "to"]),
            ("ref", &["ref", "reference", "branch", "tag"]),
            ("parameters", &["parameters"]),
        ]);
        let named = self.said_service("/deploy checkout to staging")?;
        let (name, at) = match named.split_once('@') {
            Some((name, at)) => (name.to_owned(), Some(at.to_owned())),
            None => (named, None),
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
        let mut said = self.options_as_parameters()?;
        while let Some(word) = self.take() {
            let lower = word.to_lowercase();
            if matches!(lower.as_str(), "to" | "in" | "on" | "→" | "->") && environment.is_none() {
                environment = Some(self.take().ok_or_else(|| self.wants(service, "Where to?"))?);
            } else if let Some((key, value)) = word.split_once('=') {
                said.push((key.to_owned(), value.to_owned()));
            } else if environment.is_none() && has(service, &word).is_some() {
                environment = Some(word);
            } else {
                return Err(more_than_a_deploy(service, &word, reference.is_none()));
            }
        }
        let environment = environment.map(|said| self.environment(service, &said)).transpose()?;
        let reference = reference.map(|said| self.reference(service, &said)).transpose()?;
        let so_far = so_far(service, reference.as_deref(), environment.as_deref());
        let parameters = parameters(service, environment.as_deref(), said, &so_far)?;
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

    pub(super) fn rollback(mut self) -> Result<DeployCommand, Mistake> {
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

    pub(super) fn promote(mut self) -> Result<DeployCommand, Mistake> {
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

/// A deploy of something that is named.
fn at_version(service: &Service) -> String {
    let first = service.environments.first().map_or("staging", |it| it.name.as_str());
    format!("/deploy {}@v1.2 to {first}", service.name)
}

/// The line as far as it is understood, for parameters to stand behind it.
fn so_far(service: &Service, reference: Option<&str>, environment: Option<&str>) -> String {
    let at = reference.map(|reference| format!("@{reference}")).unwrap_or_default();
    let to = environment.or(service.environments.first().map(|it| it.name.as_str())).unwrap_or("staging");
    format!("/deploy {}{at} to {to}", service.name)
}

/// Parameters that are declared where it goes, each once, with a value that is allowed.
fn parameters(
    service: &Service,
    environment: Option<&str>,
    said: Vec<(String, String)>,
    so_far: &str,
) -> Result<BTreeMap<String, String>, Mistake> {
    let places = service.environments.iter().filter(|it| environment.is_none_or(|name| name == it.name));
    let declared: BTreeMap<&str, &Vec<String>> =
        places.flat_map(|it| &it.parameters).map(|(name, values)| (name.as_str(), values)).collect();
    let mut parameters = BTreeMap::new();
    for (name, value) in said {
        let Some(values) = declared.get(name.as_str()) else {
            let known: Vec<&str> = declared.keys().copied().collect();
            let mut mistake = unknown("There is no parameter ", &name, &known, so_far);
            mistake.instead = so_far.to_owned();
            let told = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            mistake.what = mistake.what.plain(format!(" {} takes: {told}.", service.name));
            return Err(mistake);
        };
        if let Err(why) = reference::value(&value, values) {
            let words =
                Text::new().plain(format!("{name} can't be “")).outside(&echo(&value)).plain(format!("”: {why}."));
            let value = values.first().map(|value| format!(" {name}={value}")).unwrap_or_default();
            return Err(Mistake::new(words, format!("{so_far}{value}")));
        }
        if parameters.insert(name.clone(), value).is_some() {
            let words = format!("{name} is said twice, and only one can be meant.");
            return Err(Mistake::new(Text::new().plain(words), so_far));
        }
    }
    Ok(parameters)
}
