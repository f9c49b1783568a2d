//! `policies/*.cedar`: who may do what. Files of `policies/teams/` are a team's own.

use std::path::{Path, PathBuf};

use policy::{File, Known, Policies};

use super::Config;
use super::problems::Problem;
use super::tables::Findings;

/// Where rules stand, beside `muster.toml`.
const DIRECTORY: &str = "policies";

/// Where the rules of single teams stand: `policies/teams/NAME.cedar`.
const TEAMS: &str = "policies/teams";

/// Reads the rules; the shipped ones where there are none. None where something is wrong with them, which is noted.
pub(super) fn read(directory: &Path, found: &mut Findings) -> Option<Policies> {
    let central = files(directory, DIRECTORY, found);
    let teams = files(directory, TEAMS, found);
    if central.is_empty() && directory.join(DIRECTORY).exists() {
        let what = "there is no file NAME.cedar in it, so nothing would be allowed. `muster init` writes the rules that are \
                    shipped; without the directory those hold";
        found.problems.push(Problem::of_file(DIRECTORY, what));
        return None;
    }
    let mut all = Vec::new();
    for (name, path) in central {
        all.extend(text(&name, &path, None, found));
    }
    for (name, path) in teams {
        let team = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        all.extend(text(&name, &path, team, found));
    }
    match Policies::read(&all) {
        Ok(policies) => Some(policies),
        Err(problems) => {
            found.problems.extend(problems.into_iter().map(told));
            None
        }
    }
}

/// Notes what the rules name and the other files don't.
pub(super) fn check_names(config: &Config, found: &mut Findings) {
    let known = Known {
        people: config.people.iter().map(|person| person.key.clone()).collect(),
        teams: config.teams.keys().cloned().collect(),
        roles: config.roles.keys().cloned().collect(),
        services: config.services.iter().map(|service| service.name.clone()).collect(),
    };
    found.problems.extend(config.policies.unknown(&known).into_iter().map(told));
}

/// The `.cedar` files of a directory in the order of their names, each with the name that people are told.
fn files(directory: &Path, within: &str, found: &mut Findings) -> Vec<(String, PathBuf)> {
    let entries = match std::fs::read_dir(directory.join(within)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            found.problems.push(Problem::of_file(within, format!("it can't be read: {error}")));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                found.problems.push(Problem::of_file(within, format!("it can't be read: {error}")));
                continue;
            }
        };
        let name = format!("{within}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.extension().is_some_and(|extension| extension == "cedar") && path.is_file() {
            files.push((name, path));
        } else if name != TEAMS {
            // Nobody shall believe that what stands there holds.
            let what = "it is not read: here stand files NAME.cedar, and in policies/teams those of teams";
            found.problems.push(Problem::of_file(&name, what));
        }
    }
    files.sort();
    files
}

fn text(name: &str, path: &Path, team: Option<String>, found: &mut Findings) -> Option<File> {
    match super::text(path) {
        Ok(text) => Some(File { name: name.to_owned(), text, team }),
        Err(error) => {
            found.problems.push(Problem::of_file(name, format!("it can't be read: {error}")));
            None
        }
    }
}

fn told(problem: policy::Problem) -> Problem {
    let policy::Problem { file, line, column, what, hint } = problem;
    let what = hint.map_or_else(|| what.clone(), |hint| format!("{what} ({hint})"));
    Problem { file, line, column, key: String::new(), what, is_warning: false }
}
