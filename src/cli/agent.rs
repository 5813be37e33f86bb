//! `agent`: keeps tokens fresh for as long as it runs. Here are its edges: arguments, signals, the service manager, and whom
//! its events reach. When which token is refreshed is decided in `service::agent`.

mod arguments;
mod log;
mod programs;
mod token_files;

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::arguments::TokenFileArgument;
use self::log::{Entry, Format, Level, Log};
use self::programs::Programs;
use self::token_files::{TokenFiles, Wanted};
use super::context::{Context, variable};
use super::runtime::Interrupts;
use super::words;
use crate::clock;
use crate::config::variables::{self, Reader};
use crate::config::{Config, Environment};
use crate::error::{Advice, Code, Error};
use crate::http::client::Observer;
use crate::profile::ProfileName;
use crate::service::agent::{Agent, Command, Happening, Health, Notice};
use crate::service::{Service, State};
use crate::sorted;
use crate::supervisor::Supervisor;

/// Notices that wait for their turn here.
const MOST_NOTICES: usize = 256;
const MOST_COMMANDS: usize = 16;
/// How long an answer may take that is kept before the agent ends.
const LAST_ANSWER: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  device-login agent
  device-login agent work lobby --log json
  device-login agent --token-file work=/run/device-login/work,mode=0640,group=app
  device-login agent --on-event /usr/local/bin/tell-somebody

SIGHUP has it read the configuration again, SIGTERM and Ctrl-C end it with 0. docs/agent.md tells more.";

/// Keep profiles fresh ahead of their end, until it is told to end
///
/// Looks after all profiles, also those that are added later, or after those that are named. Needs no terminal and asks nobody:
/// where only a person can help, the log and `--on-event` say so.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct AgentCommand {
    /// The profiles to look after, if not all
    #[arg(value_name = "PROFILE")]
    names: Vec<ProfileName>,
    /// Keep a profile's access token in a file, for programs that read one from there; may be given several times
    ///
    /// The file has the token and no newline, is replaced whole, and goes when the profile is signed out or removed. Its mode
    /// is 0600 unless another one is given; GROUP is a name or a number.
    #[arg(long, value_name = "PROFILE=PATH[,mode=MODE][,group=GROUP]")]
    token_file: Vec<TokenFileArgument>,
    /// Run a program at each event that somebody may want to hear of, with the event as JSON on its stdin; may be given
    /// several times
    ///
    /// The events are `refreshed`, `needs_login`, `refresh_failing`, `throttled`, `expiring` and `recovered`. It is run without
    /// a shell and without arguments, once at a time for a profile, and ended after 60 seconds. Its stdout goes nowhere, its
    /// stderr to the log.
    #[arg(long, value_name = "PROGRAM", value_parser = words::file_to_read())]
    on_event: Vec<PathBuf>,
    /// How the log on stderr is written, a line for each event
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: Format,
}

impl AgentCommand {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        variables::check(Reader::Services, &|name| std::env::var_os(name))?;
        let environment = Environment(&variable);
        let log = Log::begin(self.log, context.is_quiet(), context.output.program.clone(), environment)?;
        let service = context.silent_service()?;
        let service = if context.is_verbose() { service.observed_by(requests_told_to(log.clone())) } else { service };
        let names = self.names(context)?;
        self.check_names(&names, &service.config)?;
        arguments::check_programs(&self.on_event, environment.var("PATH").as_deref())?;
        let own = context.own_places(&service.config)?;
        let files = arguments::token_files(&self.token_file, &own, &service.config)?;
        let supervisor = Supervisor::from_environment(environment);
        tell_oddities(&log, &service.config, &names, &files);
        let ran = context.interrupts.block_on(async {
            let files = files.into_iter().map(|kept| (kept.profile, kept.file)).collect();
            let daemon = Daemon {
                token_files: TokenFiles::new(files, &log),
                programs: Programs::new(self.on_event, service.config.clone(), log.clone()),
                log: log.clone(),
                supervisor,
                phase: Phase::Starting,
                reloads: 0,
                not_reloaded: None,
                health: Health::default(),
                status: String::new(),
            };
            context.interrupts.serve(daemon.run(&context.interrupts, service, names)).await
        });
        log.finish();
        ran
    }

    /// Those that were named beside the command, or else by the flag or the environment.
    fn names(&self, context: &Context) -> Result<Vec<ProfileName>, Error> {
        if self.names.is_empty() {
            return Ok(context.flagged_profile()?.into_iter().collect());
        }
        match context.flag() {
            Some(flag) if !self.names.contains(flag) => {
                Err(Error::new(Code::Usage, format!("`-p {flag}` and the names beside `agent` name other profiles"))
                    .advise("name them all beside `agent`"))
            }
            _ => Ok(self.names.clone()),
        }
    }

    /// A name that no profile has is a slip, unless there are none at all yet. A file of a profile that nobody looks after would
    /// never be written.
    fn check_names(&self, names: &[ProfileName], config: &Config) -> Result<(), Error> {
        let of_files = self.token_file.iter().map(|file| &file.profile);
        let mut wanted = names.iter().chain(of_files).filter(|_| !config.profiles.is_empty());
        wanted.try_for_each(|name| config.profile(Some(name)).map(drop))?;
        let is_left_out = |file: &&TokenFileArgument| !names.is_empty() && !names.contains(&file.profile);
        let Some(file) = self.token_file.iter().find(is_left_out) else { return Ok(()) };
        let message =
            format!("`--token-file` wants the token of profile `{}`, which is not looked after", file.profile);
        Err(Error::new(Code::Usage, message)
            .advise(format!("name `{}` beside `agent` as well, or name none", file.profile)))
    }
}

/// `-v`: requests are lines of the log as others are.
fn requests_told_to(log: Log) -> Observer {
    Box::new(move |exchange| {
        log.write(&Entry::new(Level::Info, "request", exchange.to_string(), clock::wall()));
    })
}

/// What is no error and yet may not have been meant.
fn tell_oddities(log: &Log, config: &Config, names: &[ProfileName], files: &[arguments::Kept]) {
    let now = clock::wall();
    let of_files = files.iter().map(|kept| &kept.profile);
    let mut unknown: Vec<&ProfileName> = names.iter().chain(of_files).collect();
    unknown.retain(|name| !config.profiles.contains_key(*name));
    sorted::by(&mut unknown, Ord::cmp);
    unknown.dedup();
    for name in unknown {
        let entry = Entry::new(Level::Warning, "unknown_profile", "there is no such profile yet", now).of(name);
        let near = Advice::near(name.as_str(), config.profiles.keys().map(ProfileName::as_str));
        let known = near.unwrap_or(Advice::ListProfiles).after("it is waited for; ");
        log.write(&entry.hint(log.program.said(&known)));
    }
    for (profile, warning) in files.iter().filter_map(|kept| Some((&kept.profile, kept.warning.as_ref()?))) {
        log.write(&Entry::new(Level::Warning, "token_file_readers", warning, now).of(profile));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The records are read for the first time.
    Starting,
    Working,
    /// What is due is kept, and nothing begun.
    Stopping,
}

/// Those whom the agent's events reach.
struct Daemon {
    log: Log,
    token_files: TokenFiles,
    programs: Programs,
    supervisor: Option<Supervisor>,
    phase: Phase,
    /// How many times the service manager waits to hear that the configuration was read.
    reloads: u32,
    /// Why the configuration in use is not that of the file.
    not_reloaded: Option<String>,
    health: Health,
    /// As the service manager knows it.
    status: String,
}

impl Daemon {
    async fn run(mut self, interrupts: &Interrupts, service: Service, names: Vec<ProfileName>) -> Result<(), Error> {
        let (tell, mut notices) = mpsc::channel(MOST_NOTICES);
        let (order, orders) = mpsc::channel(MOST_COMMANDS);
        // Dropped when the agent is to end.
        let mut order = Some(order);
        let mut agent = pin!(Box::pin(Agent::new(service.into(), names).run(tell, orders)));
        let mut pulse = Pulse::new(self.supervisor.as_ref());
        let result = loop {
            tokio::select! {
                Some(notice) = notices.recv() => self.hear(notice),
                ended = &mut agent => break ended,
                () = interrupts.asked_to_reload(), if self.phase != Phase::Stopping => {
                    self.begin_reload();
                    // A loop that takes no orders has others to carry out, or is found by the watchdog.
                    let is_taken = order.as_ref().is_some_and(|order| order.try_send(Command::Reload).is_ok());
                    self.reloads = self.reloads.saturating_add(u32::from(is_taken));
                }
                () = interrupts.asked_to_stop() => {
                    self.begin_stop();
                    order = None;
                }
                beat = pulse.next() => match beat {
                    Beat::Ask(answer) => drop(order.as_ref().map(|order| order.try_send(Command::Report(answer)))),
                    Beat::Alive(health) => self.alive(health),
                },
            }
        };
        // What was told last.
        while let Ok(notice) = notices.try_recv() {
            self.hear(notice);
        }
        self.end(result).await
    }

    fn alive(&mut self, health: Health) {
        self.health = health;
        if let Some(supervisor) = &self.supervisor {
            supervisor.pulsed();
        }
        self.tell_status();
    }

    fn hear(&mut self, notice: Notice) {
        let Notice { event, token, health, config, reloads } = notice;
        self.health = health;
        // All that are there at the start are counted by what comes at its end.
        if self.phase != Phase::Starting || event.happening != Happening::Watching {
            self.log.write(&Entry::about(&event, &self.log.program));
        }
        if let Some(profile) = &event.profile {
            let is_gone = matches!(event.happening, Happening::SignedOut | Happening::Removed)
                || event.state == Some(State::SignedOut);
            match token {
                Some(token) => self.token_files.want(profile, &Wanted::Token(token)),
                None if is_gone => self.token_files.want(profile, &Wanted::Nothing),
                None => {}
            }
        }
        if event.happening.is_for_programs() && self.phase != Phase::Stopping {
            self.programs.hear(&event);
        }
        match event.happening {
            Happening::Ready => self.ready(),
            Happening::Reloaded => {
                self.programs.configure(config);
                self.reloaded(None, reloads);
            }
            Happening::NotReloaded => self.reloaded(Some(event.message), reloads),
            _ => self.tell_status(),
        }
    }

    fn ready(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Working;
            self.tell_ready();
        } else {
            self.tell_status();
        }
    }

    /// The manager hears of it once all is done that it has asked for: what was read before that does not count.
    fn reloaded(&mut self, problem: Option<String>, reloads: u32) {
        self.not_reloaded = problem;
        self.reloads = self.reloads.saturating_sub(reloads);
        if self.reloads == 0 && reloads > 0 { self.tell_ready() } else { self.tell_status() }
    }

    fn begin_reload(&mut self) {
        self.token_files.put_again();
        if let Some(supervisor) = &self.supervisor {
            supervisor.reloading();
        }
    }

    fn begin_stop(&mut self) {
        self.phase = Phase::Stopping;
        self.log.write(&Entry::new(Level::Notice, "stopping", "it was asked to end", clock::wall()));
        if let Some(supervisor) = &self.supervisor {
            supervisor.stopping();
            supervisor.needs(LAST_ANSWER);
        }
    }

    /// Ends what was begun, within two seconds or so.
    async fn end(self, result: Result<(), Error>) -> Result<(), Error> {
        let has_files = !self.token_files.is_empty();
        tokio::join!(self.programs.stop(), self.token_files.finish());
        if result.is_ok() {
            let stays = if has_files { "the token files stay as they are" } else { "it was asked to end" };
            self.log.write(&Entry::new(Level::Notice, "stopped", stays, clock::wall()));
        }
        result
    }

    fn tell_ready(&mut self) {
        self.status = self.in_words();
        if let Some(supervisor) = &self.supervisor {
            supervisor.ready(&self.status);
        }
    }

    fn tell_status(&mut self) {
        // The first status comes with the word that all is ready.
        if self.phase == Phase::Starting {
            return;
        }
        let status = self.in_words();
        if let Some(supervisor) = self.supervisor.as_ref().filter(|_| status != self.status) {
            supervisor.status(&status);
        }
        self.status = status;
    }

    /// How things are, in a line.
    fn in_words(&self) -> String {
        let Health { profiles, failing, needs_login, signed_out, next_refresh_at } = self.health;
        let some = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let well = profiles.saturating_sub(failing + needs_login + signed_out);
        let counts = [
            some(well, "fresh"),
            some(failing, "failing"),
            some(needs_login, "need a sign-in"),
            some(signed_out, "signed out"),
        ];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        let counts = if counts.is_empty() { "no profiles yet".to_owned() } else { counts.join(", ") };
        let next =
            next_refresh_at.map(|at| format!("; next refresh {}", words::hour_and_minute(at))).unwrap_or_default();
        let problem =
            self.not_reloaded.as_ref().map(|why| format!("; CONFIGURATION NOT READ: {why}")).unwrap_or_default();
        format!("{counts}{next}{problem}")
    }
}

/// What comes of a pulse.
enum Beat {
    Ask(oneshot::Sender<Health>),
    Alive(Health),
}

/// Asks the loop of the agent how it is, as often as the service manager wants to hear that it turns.
struct Pulse {
    interval: Option<tokio::time::Interval>,
    answer: Option<oneshot::Receiver<Health>>,
}

impl Pulse {
    fn new(supervisor: Option<&Supervisor>) -> Self {
        let interval = supervisor.and_then(Supervisor::pulse).map(|period| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self { interval, answer: None }
    }

    /// Waits until it is time to ask, or an answer comes.
    async fn next(&mut self) -> Beat {
        let Self { interval: Some(interval), answer: waiting } = self else { return std::future::pending().await };
        let answered = async {
            match waiting {
                Some(answer) => answer.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // A loop that gave no answer all that time is asked again, and is not alive until it answers.
            _ = interval.tick() => {
                let (ask, answer) = oneshot::channel();
                *waiting = Some(answer);
                Beat::Ask(ask)
            }
            Ok(health) = answered => {
                *waiting = None;
                Beat::Alive(health)
            }
        }
    }
}
