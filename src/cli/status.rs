//! `status`: how profiles stand, for people, scripts and monitoring. No provider is asked but by `--verify`.

mod check;
mod json;
mod list;
mod prometheus;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

pub(super) use self::json::{PendingJson, StoreJson};
use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::service::{Alarm, ProfileStatus, Service, Verified};
use crate::sorted;
use crate::words::some_of;

const EXAMPLES: &str = "\
Examples:
  device-login status --sort left
  device-login status work --json
  device-login status --check
  device-login status --prometheus \\
      --output /var/lib/prometheus/node-exporter/device-login.prom";

/// Show how profiles stand, without asking anybody
///
/// In the table, `(default)` or `*` marks the profile that is used where none is named. BUDGET tells how many of the access
/// tokens that the provider gives out in a while are used, where it limits them, or how long to wait for the next one.
///
/// Ends with 0, or with 9 where a record cannot be read; with `--verify` with 4 where somebody has to sign in, and with 7 where
/// a provider did not answer. `--check` has exit codes of its own.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Status {
    #[command(flatten)]
    profile: Positional,
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
    /// For Nagios: the verdict with counts in the first line, and 0 if all is well, 1 if something ends soon, 2 if it is bad,
    /// 3 if that cannot be told
    #[arg(long)]
    check: bool,
    /// Print metrics for Prometheus
    #[arg(long, conflicts_with_all = ["json", "check", "verify"])]
    prometheus: bool,
    /// Write the metrics to this file, whole, for the textfile collector of the node exporter
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    output: Option<PathBuf>,
    /// What comes first; `state`: the worst, `left`: the soonest end
    #[arg(long, value_name = "BY", default_value = "name", hide_default_value = true)]
    sort: Sort,
    /// Ask the providers as well whether they know the tokens
    #[arg(long)]
    verify: bool,
}

/// What the profiles are sorted by, and by their names among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    Name,
    State,
    Left,
    Account,
}

/// What is known of one profile.
struct Seen {
    status: ProfileStatus,
    verified: Option<Verified>,
    alarm: Alarm,
    /// Until when no new token can be had.
    waits_until: Option<Timestamp>,
    /// It is taken where no profile is named, and there are others.
    is_default: bool,
}

impl Seen {
    /// "no refresh before 14:08:05 CET".
    fn wait(&self) -> Option<String> {
        self.waits_until.map(|until| format!("no refresh before {}", words::time_of_day(until)))
    }

    /// Why the alarm is what it is, in few words.
    fn reason(&self) -> String {
        let verified = self.verified.as_ref().and_then(Verified::problem);
        let why_soon = || match self.wait() {
            _ if self.status.away.is_some() => Some("the store is away".to_owned()),
            None => self.status.failed_to_refresh().then(|| "the last refresh failed".to_owned()),
            wait => wait,
        };
        match verified.or(self.status.problem.as_ref()) {
            Some(error) => Some(error.reason()),
            None if self.alarm == Alarm::Soon => why_soon(),
            None => None,
        }
        .unwrap_or_else(|| self.status.state.in_words().to_owned())
    }
}

impl Status {
    /// For people, of every profile.
    pub(super) fn of_all() -> Self {
        Self {
            profile: Positional { name: None },
            json: false,
            check: false,
            prometheus: false,
            output: None,
            sort: Sort::Name,
            verify: false,
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        context.output.use_json(self.json);
        self.show(context).or_else(|error| self.without(context, error))
    }

    fn show(&self, context: &Context) -> Result<u8, Error> {
        let named = context.profile_name(&self.profile)?;
        let service = context.service_about(named.as_ref())?;
        let (seen, now) = self.seen(context, &service, named.as_ref())?;
        for Seen { status, .. } in &seen {
            context.output.take_as_told(&status.warnings);
        }
        if self.json {
            context.output.json(&json::of(&seen, now))?;
        } else if self.check {
            context.output.text(&check::text(&seen, now, &context.output.program))?;
        } else if self.prometheus {
            self.tell_prometheus(context, &prometheus::text(&seen, now))?;
        } else if seen.is_empty() {
            let add = context.output.program.said(&Advice::AddProfile(None));
            context.output.note(&format!("There is no profile in {} yet; {add}.", service.config.file.display()));
        } else {
            context
                .output
                .table(list::table(&seen, now), &list::below(&seen, service.store().directory().as_deref(), now))?;
        }
        if !self.json && !self.check {
            let problems =
                seen.iter().filter_map(|seen| Some((seen.status.problem.clone()?, seen.status.name.as_str())));
            for (problem, names) in list::by_what_is_said(problems) {
                let about = match names.len() {
                    1 => problem.message,
                    _ => format!("{}: {}", some_of(&names), problem.message),
                };
                context.output.error(&Error { message: about, ..problem });
            }
        }
        if self.check {
            return Ok(exit_code_of(worst(&seen)));
        }
        Ok(gravest(&seen).map_or(0, exit_code))
    }

    /// The profiles in the order that is wanted, and when that was so.
    fn seen(
        &self,
        context: &Context,
        service: &Service,
        named: Option<&ProfileName>,
    ) -> Result<(Vec<Seen>, Timestamp), Error> {
        let named = named.map(|name| service.config.profile(Some(name))).transpose()?;
        let profiles = named.map_or_else(|| service.config.profiles.values().collect(), |profile| vec![profile]);
        let mut verified = if self.verify {
            // What that has refreshed shows below.
            context.interrupts.block_on(async { Ok(service.verify(&profiles).await) })?
        } else {
            BTreeMap::new()
        };
        let now = clock::wall();
        let statuses = named.map_or_else(|| service.statuses(now), |profile| vec![service.status(profile, now)]);
        let default = service.config.profile_by_default().filter(|_| statuses.len() > 1);
        let seen = statuses.into_iter().map(|status| {
            let verified = verified.remove(&status.name);
            let is_default = default == Some(&status.name);
            let waits_until = status.waits_until(now);
            Seen { alarm: status.alarm(verified.as_ref(), now), status, verified, waits_until, is_default }
        });
        let mut seen: Vec<Seen> = seen.collect();
        sort(&mut seen, self.sort, now);
        Ok((seen, now))
    }

    /// What is printed in place of statuses that nobody could read.
    fn without(&self, context: &Context, error: Error) -> Result<u8, Error> {
        if self.check {
            let error = context.telling_place(error);
            if self.json {
                context.output.error(&error);
            } else if let Err(unwritten) = context.output.text(&check::failed(&error, &context.output.program)) {
                context.output.error(&unwritten);
            }
            return Ok(exit_code_of(Alarm::CannotTell));
        }
        if self.prometheus {
            // The first error is reported; that the metrics could not be written either is not.
            let _ = self.tell_prometheus(context, &prometheus::failed());
        }
        Err(error)
    }

    fn tell_prometheus(&self, context: &Context, text: &str) -> Result<(), Error> {
        let Some(path) = &self.output else { return context.output.text(text.trim_end()) };
        prometheus::write(path, text)?;
        if path.extension().is_none_or(|extension| extension != "prom") {
            let warning = format!("{} is not read by the node exporter: its files end in `.prom`", path.display());
            context.output.warn(&[warning]);
        }
        Ok(())
    }
}

/// Nothing is wrong here where a provider only gave no answer, whatever kept it.
fn exit_code((problem, is_untold): (&Error, bool)) -> u8 {
    if is_untold { Code::Provider.exit_code() } else { problem.code.exit_code() }
}

/// What the exit code tells of, in whatever order they are listed: a record that cannot be read, then that somebody is needed
/// at a provider, then that nobody could tell.
fn gravest(seen: &[Seen]) -> Option<(&Error, bool)> {
    let weighed = |seen: &Seen| match (&seen.status.problem, &seen.verified) {
        (Some(_), _) => Some(0),
        (None, Some(Verified::Bad(_))) => Some(1),
        (None, Some(Verified::CannotTell(_))) => Some(2),
        (None, Some(Verified::Valid) | None) => None,
    };
    let seen = seen.iter().filter_map(|seen| Some((weighed(seen)?, &seen.status.name, seen)));
    let (.., Seen { status, verified, .. }) = seen.min_by_key(|(weight, name, _)| (*weight, *name))?;
    let problem = status.problem.as_ref().or(verified.as_ref().and_then(Verified::problem))?;
    let is_untold = status.problem.is_none() && matches!(verified, Some(Verified::CannotTell(_)));
    Some((problem, is_untold))
}

fn sort(seen: &mut [Seen], by: Sort, now: Timestamp) {
    // They come by name, and sorting keeps that order among equals.
    match by {
        Sort::Name => {}
        Sort::State => sorted::by_key(seen, |seen| seen.status.badness(seen.verified.as_ref(), now)),
        Sort::Left => sorted::by_key(seen, |seen| {
            let end = seen.status.access_token_expires_at;
            (end.is_none(), end)
        }),
        Sort::Account => sorted::by_key(seen, |seen| {
            let account = seen.status.account.as_ref().map(|account| account.label().to_lowercase());
            (account.is_none(), account)
        }),
    }
}

/// One word for all profiles. None at all cannot be told.
fn worst(seen: &[Seen]) -> Alarm {
    seen.iter().map(|seen| seen.alarm).min().unwrap_or(Alarm::CannotTell)
}

/// As monitoring numbers them.
fn exit_code_of(alarm: Alarm) -> u8 {
    match alarm {
        Alarm::Ok => 0,
        Alarm::Soon => 1,
        Alarm::Bad => 2,
        Alarm::CannotTell => 3,
    }
}
