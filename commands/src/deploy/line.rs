//! A line of this family while it is read, and what its commands have in common: the service, the environment, options,
//! and what is said where one of them is unknown.

use operations::deploy::Target;
use operations::settings::{Environment, Service, Settings};
use operations::text::{Outside, Text};

use super::flags::{self, Flags};
use super::{Verb, word};
use crate::line::Words;
use crate::mistake::Mistake;
pub(super) use crate::mistake::nearest;
use crate::names::echo;

/// So many services are named.
const NAMED: usize = 8;

/// A line while it is read.
pub(super) struct Line<'a> {
    pub(super) words: Words,
    pub(super) flags: Flags,
    pub(super) verb: Verb,
    pub(super) settings: &'a Settings,
}

impl<'a> Line<'a> {
    /// Takes the next word as it was typed.
    pub(super) fn take(&mut self) -> Option<String> {
        let word = self.words.peek()?.to_owned();
        self.words.word();
        Some(word)
    }

    pub(super) fn has_option(&self, name: &str) -> bool {
        let mut words = self.words.clone();
        words.lift(&[name], |_| true);
        words.option(name).is_some()
    }

    /// Takes options by any of their names; what follows asks for them by the first.
    pub(super) fn lift(&mut self, options: &[(&str, &[&str])]) {
        for (_, names) in options {
            self.words.lift(names, |_| true);
        }
        for (name, names) in options {
            for other in names.iter().filter(|other| *other != name) {
                if let Some(value) = self.words.option(other) {
                    self.words = self.words.clone().with(name, &value);
                }
            }
        }
    }

    pub(super) fn read_flags(&mut self, known: &[&str]) -> Result<(), Mistake> {
        self.flags = flags::read(&mut self.words, known, word(self.verb))?;
        Ok(())
    }

    pub(super) fn reason(&mut self) -> Outside {
        if self.flags.reason.is_empty() { Outside::new(self.words.text()) } else { self.flags.reason.clone() }
    }

    pub(super) fn said_service(&mut self, instead: &str) -> Result<String, Mistake> {
        let said = self.words.option("service").or_else(|| self.take());
        said.ok_or_else(|| {
            let services: Vec<&str> = self.settings.services.iter().map(|it| it.name.as_str()).collect();
            let known =
                if services.is_empty() { String::new() } else { format!(" There are: {}.", shortened(&services)) };
            Mistake::new(Text::new().plain(format!("Which service?{known}")), instead)
        })
    }

    pub(super) fn optional_service(&mut self) -> Result<Option<&'a Service>, Mistake> {
        self.lift(&[("service", &["service"])]);
        match self.words.option("service").or_else(|| self.take()) {
            Some(said) => self.service(&said).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn service(&self, said: &str) -> Result<&'a Service, Mistake> {
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

    pub(super) fn environment(&self, service: &Service, said: &str) -> Result<String, Mistake> {
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

    pub(super) fn target(&mut self, instead: &str) -> Result<Target, Mistake> {
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

    pub(super) fn wants(&self, service: &Service, what: &str) -> Mistake {
        let known: Vec<&str> = service.environments.iter().map(|it| it.name.as_str()).collect();
        let words = format!("{what} {} has: {}.", service.name, known.join(", "));
        let first = known.first().copied().unwrap_or("staging");
        let between = if matches!(self.verb, Verb::Deploy) { " to" } else { "" };
        Mistake::new(Text::new().plain(words), format!("/{} {}{between} {first}", word(self.verb), service.name))
    }
}

pub(super) fn find<'a>(settings: &'a Settings, said: &str) -> Option<&'a Service> {
    settings.service(said).or_else(|| settings.services.iter().find(|it| it.name.eq_ignore_ascii_case(said)))
}

/// The environment of a service that somebody means.
pub(super) fn has<'a>(service: &'a Service, said: &str) -> Option<&'a str> {
    let exact = service.environments.iter().find(|it| it.name.eq_ignore_ascii_case(said));
    let short = |it: &&Environment| said.eq_ignore_ascii_case("prod") && it.name == "production";
    exact.or_else(|| service.environments.iter().find(short)).map(|it| it.name.as_str())
}

/// The first of some names.
fn shortened(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

pub(super) fn promotion_of(service: &Service) -> String {
    let names: Vec<&str> = service.environments.iter().map(|it| it.name.as_str()).collect();
    match names.as_slice() {
        [first, second, ..] => format!("{first} to {second}"),
        _ => "staging to production".to_owned(),
    }
}

pub(super) fn no_span(said: &str, instead: &str) -> Mistake {
    Mistake::odd(said, "is no span of time: 30m, 2h, 3d.", instead)
}

pub(super) fn unknown(before: &str, said: &str, known: &[&str], instead: &str) -> Mistake {
    let what = Text::new().plain(before).outside(&echo(said)).plain(".");
    match nearest(said, known) {
        Some(near) => Mistake::new(what.plain(" Did you mean ").code(near).plain("?"), instead),
        None => Mistake::new(what, instead),
    }
}
