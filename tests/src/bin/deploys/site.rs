//! One place: a directory with a bot that is killed over and over, two chats, a CI, and people who deploy.
//!
//! What holds: a start that ends by itself is never taken for a kill; nothing is looked at in the bot's own directory
//! but a copy of it, so the next start finds what the kill left.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bot::demo::shop;
use fastrand::Rng;
use operations::ids::Platform;
use sandbox::Sandbox;
use sandbox::ci::{Dispatch, Input, JobScript, Moves, StepScript, Workflow};
use serde_json::Value;
use tests::child::{Bot, Start, pause};
use tests::siege::{self, CONFIG, EARLY, READY};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::check::{self, Findings};
use crate::faults::{self, DISPATCH};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::plan::{FAILS, Plan, SERVICES, VERIFIES, deployers, people};
use crate::seen::{Card, cards};
use crate::totals::Totals;
use crate::{people, seen};

/// What everybody who acts in one place shares.
pub(crate) struct Site {
    pub(crate) plan: Plan,
    pub(crate) sandbox: Sandbox,
    pub(crate) ledger: Ledger,
    /// The next deed that nobody has begun.
    pub(crate) next_deed: AtomicU32,
    /// Something was accepted this moment.
    pub(crate) accepted: Notify,
    /// How often the bot was killed.
    pub(crate) kills: watch::Sender<u32>,
    /// Whether the bot is ready.
    pub(crate) up: watch::Sender<bool>,
    /// Whether people say how it is where nobody knows.
    pub(crate) answers: watch::Sender<bool>,
    start: Start,
    http: reqwest::Client,
    names: HashMap<(Platform, String), String>,
}

impl Site {
    async fn open(plan: Plan, directory: &Path) -> Result<Site, String> {
        let sandbox = tests::child::sandbox(people()).await;
        stock(&sandbox);
        let start = Start::configure(directory, &sandbox, CONFIG)?;
        write(&directory.join("people.toml"), &people_file(&sandbox))?;
        write(&directory.join("services.toml"), &services_file())?;
        let mut names = HashMap::new();
        for name in people() {
            names.extend(sandbox.slack.user_id(&name).map(|id| ((Platform::Slack, id), name.clone())));
            names.extend(sandbox.discord.user_id(&name).map(|id| ((Platform::Discord, id), name.clone())));
        }
        Ok(Site {
            plan,
            sandbox,
            ledger: Ledger::default(),
            next_deed: AtomicU32::new(0),
            accepted: Notify::new(),
            kills: watch::Sender::new(0),
            up: watch::Sender::new(false),
            answers: watch::Sender::new(true),
            start,
            http: integrations::http::http_client()?,
            names,
        })
    }

    /// Everything that people see.
    pub(crate) fn view(&self, on: Platform) -> Value {
        match on {
            Platform::Slack => self.sandbox.slack.view(),
            Platform::Discord => self.sandbox.discord.view(),
        }
    }

    /// What the CI was made to do for a deed.
    pub(crate) fn dispatched(&self, word: &str) -> Vec<Dispatch> {
        let mut all = self.sandbox.ci.dispatches();
        all.retain(|it| it.inputs.get("word").is_some_and(|it| it == word));
        all
    }

    /// Starts the bot and kills it: soon after its start, or once it is ready and something is going on.
    async fn one_life(&self, first: bool, rng: &mut Rng, totals: &mut Totals) -> Result<(), String> {
        // The hourly limit of the API is about those who look all day.
        self.sandbox.ci.set_calls_left(5_000);
        let mut bot = self.start.start()?;
        if first || rng.u8(..10) < 2 {
            totals.early += 1;
            bot.lives_for(EARLY.mul_f64(rng.f64())).await?;
        } else {
            totals.became_ready(bot.ready(&self.http, READY).await?);
            self.up.send_replace(true);
            if rng.bool() {
                bot.lives_for(self.plan.steady.mul_f64(rng.f64() / 2.0)).await?;
            }
            bot.lives_until(self.moment(rng, totals)).await?;
        }
        bot.kill().await?;
        self.up.send_replace(false);
        self.kills.send_modify(|kills| *kills += 1);
        totals.kills += 1;
        Ok(())
    }

    /// Kills in steady times come just so, or wait for a moment at which something is open: the CI was just asked
    /// something, which is often what comes before a dispatch; a run was just made, and the bot can't know it yet; a fault
    /// just happened to it; what somebody did is on its way to the bot; something was just accepted, or seen.
    async fn moment(&self, rng: &mut Rng, totals: &mut Totals) {
        let ci = &self.sandbox.ci;
        let mut changes = self.sandbox.changes();
        let (which, later) = (rng.u8(..12), Duration::from_micros(rng.u64(..5_000)));
        let (asked, made, happened) = (ci.requests().len(), ci.dispatches().len(), ci.happened().len());
        let begun = |ci: &sandbox::ci::Ci| ci.dispatches().len() > made || ci.happened().len() > happened;
        let wait = async {
            match which {
                0 => pause(self.plan.steady.mul_f64(rng.f64())).await,
                1 => self.accepted.notified().await,
                2 => drop(changes.recv().await),
                3 => {
                    while self.sandbox.slack.unacked() == 0 {
                        pause(Duration::from_millis(1)).await;
                    }
                    pause(later).await;
                }
                4..=6 => {
                    ci.until(|ci| ci.requests().len() > asked || begun(ci)).await;
                    pause(later).await;
                }
                7..=10 => {
                    ci.until(begun).await;
                    pause(later).await;
                }
                // Behind a dispatch whose answer was read, and perhaps not written down.
                _ => {
                    let answered = ci.called(DISPATCH);
                    ci.until(|ci| ci.called(DISPATCH) > answered).await;
                    pause(later).await;
                }
            }
        };
        // Where nothing happens for long, any moment is as good.
        let _ = tokio::time::timeout(self.plan.steady, wait).await;
        totals.at_dispatch += u32::from(begun(ci));
    }

    /// Looks at a copy of the journal while the bot is dead.
    fn glance(&self, directory: &Path) -> Result<(Journal, Findings), String> {
        let copy = directory.join("copy");
        tests::copy_directory(&self.start.data(), &copy);
        let found = self.compare(&copy)?;
        std::fs::remove_dir_all(&copy).map_err(|error| format!("removing the copy: {error}"))?;
        Ok(found)
    }

    fn compare(&self, data: &Path) -> Result<(Journal, Findings), String> {
        let journal = Journal::read(data, self.names.clone()).map_err(|why| format!("the journal: {why}"))?;
        let findings = check::kept(self, &journal);
        Ok((journal, findings))
    }

    /// Waits until nothing is open any more, and nobody has anything to do.
    async fn rests(&self, bot: &mut Bot) -> Result<(), String> {
        let awaited = || {
            self.sandbox.ci.set_calls_left(5_000);
            self.awaited()
        };
        siege::rest(bot, &self.http, &self.sandbox, awaited).await
    }

    /// How many deploys wait for somebody.
    fn awaited(&self) -> usize {
        let cards: BTreeMap<String, Vec<Card>> = cards(&self.view(Platform::Discord), Platform::Discord);
        let answers = *self.answers.borrow();
        let waits = |number: &u32| {
            let deed = self.plan.deed(*number);
            let card = cards.get(&deed.word).and_then(|cards| cards.first());
            card.is_some_and(|card| people::is_awaited(&deed, card) || (answers && card.is_unknown()))
        };
        (0..self.plan.deploys).filter(waits).count()
    }
}

/// Kills the bot as often as planned while people deploy, lets it come to rest, and compares.
///
/// # Errors
/// A start that ended by itself or never became ready, a rest that never came, a journal that can't be read.
pub(crate) async fn besiege(
    plan: Plan,
    directory: &Path,
    rng: &mut Rng,
    totals: &mut Totals,
) -> Result<Findings, String> {
    let site = Arc::new(Site::open(plan, &directory.join("site")).await?);
    let mut asking = JoinSet::new();
    for _ in 0..people::ASKERS {
        asking.spawn(people::ask(site.clone(), rng.fork()));
    }
    let mut tending = JoinSet::new();
    tending.spawn(people::tend(site.clone(), rng.fork()));
    for number in 0..plan.kills {
        site.one_life(number == 0, rng, totals).await?;
        // Killed before it had made anything.
        if !site.start.data().exists() {
            continue;
        }
        let (journal, findings) = site.glance(directory)?;
        totals.saw(&site);
        if totals.is_time_to_tell() || !findings.none() {
            totals.tell(&site, &journal);
        }
        if !findings.none() {
            totals.add(&site, &journal);
            return Ok(findings);
        }
    }
    faults::calm(&site.sandbox.ci);
    // First nobody says how it is where nobody knows: each of these must be parked, with what is known of it.
    site.answers.send_replace(plan.hurry);
    let mut bot = site.start.start()?;
    totals.became_ready(bot.ready(&site.http, READY).await?);
    site.up.send_replace(true);
    siege::all_through(&mut bot, &mut asking).await?;
    site.rests(&mut bot).await?;
    let mut findings = Findings::default();
    if !plan.hurry {
        bot.stop(READY).await?;
        site.up.send_replace(false);
        let (journal, found) = site.compare(&site.start.data())?;
        findings.add(found);
        findings.add(check::shown(&site, &journal, false));
        totals.parked_at_rest =
            journal.deploys.values().filter(|it| it.stage == crate::journal::Stage::Unknown).count();
        bot = site.start.start()?;
        totals.became_ready(bot.ready(&site.http, READY).await?);
        site.answers.send_replace(true);
        site.up.send_replace(true);
        site.rests(&mut bot).await?;
    }
    bot.stop(READY).await?;
    tending.shutdown().await;
    totals.saw(&site);
    let (journal, found) = site.compare(&site.start.data())?;
    findings.add(found);
    findings.add(check::shown(&site, &journal, true));
    findings.wrong.extend(check::true_ends(&site, &journal));
    totals.add(&site, &journal);
    Ok(findings)
}

/// The demonstration's repository, with a workflow that is through after a moment and one that fails.
fn stock(sandbox: &Sandbox) {
    let moves = Moves::ByClock { queued: 0 };
    let repository = shop::stock(&sandbox.ci, moves).repository;
    for (file, fails) in [("quick.yml", false), ("broken.yml", true)] {
        let last = StepScript { fails, ..StepScript::new("roll out", 1, "3 of 3 are new") };
        repository.workflow(Workflow {
            file: file.to_owned(),
            name: "Deploy".to_owned(),
            run_name: Some("Deploy to ${{ inputs.environment }} (${{ inputs.muster_id }})".to_owned()),
            dispatch: Some(vec![
                Input::required("muster_id"),
                Input::required("environment"),
                Input::required("commit"),
                Input::required("word"),
            ]),
            jobs: vec![JobScript {
                name: "deploy".to_owned(),
                environment: None,
                steps: vec![StepScript::new("build", 0, "built it"), last],
            }],
            moves,
        });
    }
}

fn people_file(sandbox: &Sandbox) -> String {
    let mut file = String::new();
    for name in people() {
        let slack = sandbox.slack.user_id(&name).unwrap_or_default();
        let discord = sandbox.discord.user_id(&name).unwrap_or_default();
        let team = sandbox.slack.team();
        file.push_str(&format!(
            "[people.{name}]\nname = \"{name}\"\nslack = \"{team}/{slack}\"\ndiscord = \"{discord}\"\n\n"
        ));
    }
    let list: Vec<String> = deployers().iter().map(|name| format!("\"{name}\"")).collect();
    let list = list.join(", ");
    format!("{file}[roles]\ndeployer = [{list}]\napprover = [{list}]\n")
}

fn services_file() -> String {
    // Nothing comes before these productions in which a release would have to do well first.
    let groups = [("s", "staging = {}"), ("p", "production = { approval = 1 }")];
    let service = |number: u32, (group, environment): (&str, &str)| {
        let workflow = if number == FAILS { "broken.yml" } else { "quick.yml" };
        let verify = if number == VERIFIES { "verify = { alert = \"*\", within = \"10s\" }\n" } else { "" };
        format!(
            "[{group}{number}]\npipeline = {{ on = \"ci\", repository = \"{}\", workflow = \"{workflow}\" }}\n\
             parameters = {{ word = [] }}\n{verify}environments = {{ {environment} }}\n\n",
            shop::REPOSITORY
        )
    };
    (0..SERVICES).flat_map(|number| groups.map(|group| service(number, group))).collect()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// How many messages stand in the deploys' channel of a chat.
pub(crate) fn messages(site: &Site, on: Platform) -> usize {
    tests::Channel::find(&site.view(on), on, seen::CHANNEL).map_or(0, |channel| channel.messages.len())
}
