//! `muster policy`: what the rules allow, and whether they do what a team expects of them.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use operations::policy::{Gate, Rule, Ruling};
use operations::settings::Settings;
use policy::tables;

use super::{Failed, PolicyCommand, load, out};
use crate::config::Config;

/// Explains a question, or asks a table of them.
pub(super) fn policy(command: &PolicyCommand) -> Result<(), Failed> {
    match command {
        PolicyCommand::Explain { question, at } => {
            let config = load(at)?;
            let settings = settings(&config);
            let words: Vec<&str> = question.iter().map(String::as_str).collect();
            let case = tables::case(&words, &settings, now()).map_err(Failed::new)?;
            let ruling = tables::answer(config.policies.as_ref(), &settings, &case);
            out::line(&explained(&ruling));
            match ruling {
                Ruling::Allowed(_) => Ok(()),
                Ruling::Approval { .. } => Err(Failed::new("It is not allowed yet.")),
                Ruling::Refused { .. } => Err(Failed::new("It is refused.")),
            }
        }
        PolicyCommand::Test { file, at } => {
            let config = load(at)?;
            test(config.policies.as_ref(), &settings(&config), file)
        }
    }
}

fn settings(config: &Config) -> Settings {
    config.settings(&std::collections::BTreeMap::new())
}

#[expect(clippy::disallowed_methods, reason = "the question is asked as if it were now, unless it names a time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn test(gate: &dyn Gate, settings: &Settings, file: &Path) -> Result<(), Failed> {
    let name = file.display();
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|error| Failed::new(format!("{name}: {error}")))?;
    let lines = tables::read(&text, settings, now()).map_err(|wrong| {
        let told: Vec<String> = wrong.iter().map(|it| format!("{name}, {it}")).collect();
        Failed::new(told.join("\n"))
    })?;
    let differing = tables::differing(gate, settings, &lines);
    if differing.is_empty() {
        out::line(&format!("{} as expected, by {} rules ({}).", counted(lines.len()), gate.count(), gate.version()));
        return Ok(());
    }
    let told: Vec<String> = differing.iter().map(|it| format!("{name}, {it}")).collect();
    Err(Failed::new(format!("{}\n{} of {} are not as expected.", told.join("\n"), differing.len(), lines.len())))
}

fn counted(lines: usize) -> String {
    if lines == 1 { "1 answer is".to_owned() } else { format!("{lines} answers are") }
}

/// The answer with the rules that decided.
fn explained(ruling: &Ruling) -> String {
    let line = |rule: &Rule| {
        let fix = rule.fix.as_ref().map(|fix| format!(" {fix}")).unwrap_or_default();
        format!("  {}: {}{fix}", rule.id, rule.reason)
    };
    let (head, rules) = match ruling {
        Ruling::Allowed(rules) => ("Allowed, by".to_owned(), rules),
        Ruling::Approval { needs, rules, who } => {
            let whose = if who.is_empty() { String::new() } else { format!(" from {}", who.join(", ")) };
            let count = if *needs == 1 { "1 approval".to_owned() } else { format!("{needs} approvals") };
            (format!("Needs {count}{whose}, by"), rules)
        }
        Ruling::Refused { rules, who } if rules.is_empty() => {
            let whose = if who.is_empty() { String::new() } else { format!(" It is for {}.", who.join(", ")) };
            (format!("Refused: no rule allows it.{whose}"), rules)
        }
        Ruling::Refused { rules, .. } => ("Refused, by".to_owned(), rules),
    };
    [head].into_iter().chain(rules.iter().map(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::At;
    use super::*;

    const PEOPLE: &str = "[people.ann]\nslack = \"T01/U0ANN\"\n[people.bo]\nslack = \"T01/U0BO\"\nactive = false\n\
                          [teams.payments]\nmembers = [\"ann\"]\n[roles]\nlead = [\"team:payments\"]\n";

    fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, At) {
        let directory = tempfile::tempdir().expect("a directory");
        let all =
            [("muster.toml", ""), ("services.toml", "[checkout]\nowner = \"payments\"\n"), ("people.toml", PEOPLE)];
        for (name, text) in all.iter().chain(files) {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
            std::fs::write(path, text).expect("a file");
        }
        let at = At { config: directory.path().to_owned() };
        (directory, at)
    }

    fn explain(at: At, words: &str) -> Result<(), Failed> {
        policy(&PolicyCommand::Explain { question: words.split_whitespace().map(str::to_owned).collect(), at })
    }

    fn asked(table: &str, files: &[(&str, &str)]) -> Result<(), String> {
        let (directory, at) = directory(files);
        let file: PathBuf = directory.path().join("expected.txt");
        std::fs::write(&file, table).expect("a file");
        policy(&PolicyCommand::Test { file, at }).map_err(|failed| failed.what)
    }

    #[test]
    fn what_the_shipped_rules_allow_is_told_by_the_exit_code_too() {
        for (words, allowed) in [
            ("ann work incident:checkout", true),
            ("stranger declare service:checkout", true),
            ("bo view workspace", false),
            ("bo acknowledge service:checkout platform=slack", false),
        ] {
            let (_directory, at) = directory(&[]);
            assert_eq!(explain(at, words).is_ok(), allowed, "{words}");
        }
        for words in [
            "cleo view workspace",
            "ann dance workspace",
            "ann view service:search",
            "ann view",
            "ann work service:checkout",
            "ann view workspace at=x",
            "ann deploy service:checkout",
            "ann deploy environment:checkout",
            "ann deploy environment:checkout/nowhere",
            "ann deploy environment:checkout/staging frozen=maybe",
            "ann deploy environment:checkout/staging checks=green",
            "ann deploy environment:checkout/staging approvals=cleo",
            "ann approve environment:checkout/production frozen=true",
        ] {
            let (_directory, at) = directory(&[]);
            assert!(explain(at, words).is_err_and(|failed| !failed.what.is_empty()), "{words}");
        }
    }

    const SERVICES: &str = "[checkout]\nowner = \"payments\"\nenvironments = { staging = {}, production = {} }\n";

    const DEPLOYERS: &str = "[people.ann]\nslack = \"T01/U0ANN\"\n[people.bo]\nslack = \"T01/U0BO\"\nactive = false\n\
                             [people.cy]\nslack = \"T01/U0CY\"\n[teams.payments]\nmembers = [\"ann\"]\n\
                             [roles]\napprover = [\"bo\", \"cy\"]\n";

    #[test]
    fn a_deploy_is_explained_with_the_approvals_that_it_needs() {
        let files = [("services.toml", SERVICES), ("people.toml", DEPLOYERS)];
        for (words, told) in [
            ("ann deploy environment:checkout/staging", None),
            ("ann deploy environment:checkout/staging param.region=eu commits=3 reference=tag", None),
            ("ann rollback environment:checkout/production frozen=true", None),
            ("ann deploy environment:checkout/production", Some("It is not allowed yet.")),
            ("ann deploy environment:checkout/production approvals=bo", Some("It is not allowed yet.")),
            ("ann deploy environment:checkout/production approvals=cy", None),
            ("ann deploy environment:checkout/production frozen=true approvals=cy", Some("It is refused.")),
            ("cy deploy environment:checkout/staging", Some("It is refused.")),
        ] {
            let (_directory, at) = directory(&files);
            assert_eq!(explain(at, words).err().map(|failed| failed.what).as_deref(), told, "{words}");
        }
        let table = "ann deploy environment:checkout/production              => approval:1 production-needs-others\n\
                     ann deploy environment:checkout/production approvals=cy => allowed deployers-deploy\n\
                     cy  freeze workspace                                    => allowed\n";
        assert_eq!(asked(table, &files), Ok(()));
        let told = asked("ann deploy environment:checkout/production => approval:2\n", &files).expect_err("one");
        assert!(told.contains("line 1: expected approval:2, and it is approval:1"), "{told}");
    }

    #[test]
    fn a_table_holds_or_every_line_that_does_not_is_named() {
        let table = "# what we expect\n\nann work incident:checkout => allowed everyone-responds\n\
                     bo view workspace => refused left\nstranger view workspace => allowed\n";
        assert_eq!(asked(table, &[]), Ok(()));
        let told = asked("ann view workspace => refused\nbo view workspace => refused nobody\n", &[]).expect_err("no");
        assert!(told.contains("line 1: expected refused, and it is allowed by everyone-views"), "{told}");
        assert!(told.contains("line 2: expected refused by nobody, and it is refused by left"), "{told}");
        assert!(told.ends_with("2 of 2 are not as expected."), "{told}");
        let told = asked("ann view workspace\nann view => allowed\n", &[]).expect_err("no");
        assert!(told.contains("line 1: there is no =>") && told.contains("line 2: who, what they do"), "{told}");
    }

    #[test]
    fn rules_of_ones_own_take_the_place_of_the_shipped_ones() {
        let own = "@id(\"leads-work\") @reason(\"Leads work incidents.\") @who(\"role:lead\")\n\
                   permit (principal in Role::\"lead\", action in Action::\"respond\", resource);\n";
        let team = "@id(\"no-fridays\") @reason(\"Not on Fridays.\")\nforbid (principal, action == Action::\"declare\", \
                    resource in Team::\"payments\") when { context.at.weekday == Weekday::\"fri\" };\n";
        let files = [("policies/own.cedar", own), ("policies/teams/payments.cedar", team)];
        let table = "ann work incident:checkout => allowed leads-work\nann view workspace => refused\n\
                     stranger declare service:checkout => refused\n\
                     ann declare service:checkout at=2026-03-06T17:00:00Z => refused payments/no-fridays\n\
                     ann declare service:checkout at=2026-03-05T17:00:00Z => allowed\n";
        assert_eq!(asked(table, &files), Ok(()));
        let told = asked(table, &files[1..]).expect_err("a team's file alone");
        assert!(told.contains("policies: there is no file NAME.cedar in it"), "{told}");
        let odd = [files[0], ("policies/own.cedar.txt", "")];
        assert!(asked(table, &odd).expect_err("it is not read").contains("policies/own.cedar.txt: it is not read"));
        let slip = [
            files[0],
            (
                "policies/slip.cedar",
                "@id(\"x\") @reason(\"X.\")\nforbid (principal, action == \
                     Action::\"work\", resource in Team::\"paymnts\");\n",
            ),
        ];
        let told = asked(table, &slip).expect_err("there is no such team");
        assert!(told.contains("policies/slip.cedar:1:1: there is no Team::\"paymnts\" (did you mean"), "{told}");
    }
}
