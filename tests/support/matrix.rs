//! What a command must come to when any call that it makes on files fails, or is the last one: the sign-in is there or was
//! never taken, no refresh token is shown twice, the next command works, and no other profile is touched.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use device_login::clock;
use device_login::storage::{LastRefresh, Record};
use jiff::SignedDuration;

use super::faults::{Act, Extent, Failures, Fault, each, faults, has_missed, points, strike};
use super::program::{Home, Ran, configuration, ended};
use super::rotating::{ACCESS, Rotating, Rotation};

/// A command of which no fault may lose anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    FirstSignIn,
    LaterSignIn,
    Refresh(Rotation),
    SignOut,
    Removal,
    Rekey,
    Copy,
    /// To where the record was before.
    CopyBack,
}

/// With the words by which a benchmark is asked for one.
pub(crate) const COMMANDS: [(&str, Command); 10] = [
    ("first-sign-in", Command::FirstSignIn),
    ("later-sign-in", Command::LaterSignIn),
    ("refresh", Command::Refresh(Rotation::Strict)),
    ("refresh-with-grace", Command::Refresh(Rotation::Grace)),
    ("refresh-without-rotation", Command::Refresh(Rotation::Never)),
    ("sign-out", Command::SignOut),
    ("removal", Command::Removal),
    ("rekey", Command::Rekey),
    ("copy", Command::Copy),
    ("copy-back", Command::CopyBack),
];

/// Below a home, where its records are copied to.
const OTHER_STORE: &str = "copied";

/// A thread may take over what another one did before, and then a call has another number.
const TRIES: usize = 3;

/// What a matrix came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) points: usize,
    pub(crate) faults: usize,
    /// Faults that took place.
    pub(crate) struck: usize,
    /// Sign-ins that ended since their process was killed between the request and the kept answer.
    pub(crate) killed_between: usize,
}

/// Meets `command` with every fault, and fails where one loses something.
#[track_caller]
pub(crate) fn survive(command: Command, extent: Extent) -> Tally {
    let provider = Rotating::start(Duration::ZERO);
    if let Command::Refresh(rotation) = command {
        provider.rotate(rotation);
    }
    let (home, act) = command.prepare(&provider, "clean");
    let points = points(&home, &act);
    let all = faults(&points, extent);
    let (tally, failures) = (Mutex::new(Tally::default()), Failures::default());
    each(&all, |number, fault| {
        for again in 0..TRIES {
            match command.survives(&provider, &format!("{number}-{again}"), fault) {
                Ok((true, killed_between)) => {
                    let mut tally = tally.lock().expect("no thread panics with it");
                    tally.struck += 1;
                    tally.killed_between += usize::from(killed_between);
                    return;
                }
                Ok((false, _)) => {}
                Err(problem) => return failures.add(format!("{fault:?}: {problem}")),
            }
        }
    });
    failures.none(all.len());
    let tally = tally.into_inner().expect("no thread panics with it");
    // Twice in all, where a killed process had used the token and nobody can know.
    assert_eq!(provider.counts().presented_twice, tally.killed_between, "{command:?}");
    Tally { points: points.len(), faults: all.len(), ..tally }
}

impl Command {
    /// A home before the command, with another profile beside it.
    fn prepare(self, provider: &Rotating, name: &str) -> (Home, Act) {
        let home = Home::in_memory();
        home.configure(&configuration(provider.origin()));
        let is_new = self == Command::FirstSignIn;
        if !is_new {
            home.sign_in_at(provider.origin(), |grant| {
                if matches!(self, Command::Refresh(_) | Command::Copy | Command::CopyBack) {
                    ended(grant);
                }
                provider.grant(name, grant);
                let earlier = clock::wall() - SignedDuration::from_hours(1);
                grant.last_refresh = Some(LastRefresh {
                    rotates: self != Command::Refresh(Rotation::Never),
                    ..LastRefresh::new(earlier, None)
                });
            });
            keep_another(&home);
        }
        let imported = if is_new { name.to_owned() } else { format!("{name}-imported") };
        let to = other_store(&home);
        if self == Command::CopyBack {
            for arguments in [&["store", "copy", &to][..], &["--store", &to, "store", "copy", &own_store(&home)]] {
                let copied = home.run(arguments);
                assert_eq!(copied.code, 0, "{copied:?}");
            }
        }
        let arguments: &[&str] = match self {
            Command::FirstSignIn | Command::LaterSignIn => &["login", "work", "--import"],
            Command::Refresh(_) => &["token"],
            Command::SignOut => &["logout"],
            Command::Removal => &["profile", "remove", "work", "--force"],
            Command::Rekey => &["store", "rekey"],
            Command::Copy | Command::CopyBack => &["store", "copy", &to],
        };
        (home, Act::new(arguments).reading(provider.approve(&imported)))
    }

    /// Whether the fault took place, and whether the sign-in ended of a kill at the one time at which nothing can help.
    fn survives(self, provider: &Rotating, name: &str, fault: &Fault) -> Result<(bool, bool), String> {
        let (home, act) = self.prepare(provider, name);
        let another = another(&home);
        let (struck, first) = strike(&home, &act, fault);
        if has_missed(&home, fault) {
            return Ok((false, false));
        }
        if first.stderr.contains("panicked") || !struck && first.code != 0 {
            return Err(format!("{first:?}"));
        }
        let killed_between = match self {
            Command::FirstSignIn => after_a_first_sign_in(&home, &act, provider, name, fault, &first)?,
            Command::LaterSignIn => after_a_later_sign_in(&home, provider, name, fault, &first)?,
            Command::Refresh(rotation) => after_a_refresh(&home, provider, rotation, name, fault, &first)?,
            Command::SignOut => after_a_sign_out(&home, provider, name, &first)?,
            Command::Removal => after_a_removal(&home, &first)?,
            Command::Rekey => after_a_rekey(&home, &first)?,
            Command::Copy | Command::CopyBack => after_a_copy(&home, &act, &first)?,
        };
        let touches_all = matches!(self, Command::Rekey | Command::Copy | Command::CopyBack);
        if self != Command::FirstSignIn && !touches_all && self::another(&home) != another {
            return Err("the other profile was touched".to_owned());
        }
        // What is being written has a name that begins with a dot. Where nobody has written since, it is still there.
        let left_over: Vec<_> = names(&home).into_iter().filter(|name| name.starts_with(".work")).collect();
        if left_over.is_empty() || killed_between {
            Ok((struck, killed_between))
        } else {
            Err(format!("left over: {left_over:?}"))
        }
    }
}

fn keep_another(home: &Home) {
    let store = home.store();
    let name: device_login::profile::ProfileName = "other".parse().expect("a name");
    let mut record = Record::empty(name.clone(), "corp", "client-2");
    let kept = store.holding(&name, Duration::from_secs(5), |held| held.commit(&mut record));
    kept.expect("the record is kept");
}

fn another(home: &Home) -> Option<Vec<u8>> {
    fs::read(home.path("state/other.record")).ok()
}

fn names(home: &Home) -> Vec<String> {
    let directories = ["state", "spare", OTHER_STORE].into_iter().filter_map(|name| fs::read_dir(home.path(name)).ok());
    directories.flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// All of `all`, or what of it went otherwise.
fn expect(all: &[(bool, &str)], context: &impl std::fmt::Debug) -> Result<(), String> {
    match all.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, what)) => Err(format!("{what}: {context:?}")),
    }
}

fn after_a_first_sign_in(
    home: &Home,
    act: &Act,
    provider: &Rotating,
    name: &str,
    fault: &Fault,
    first: &Ran,
) -> Result<bool, String> {
    let asked = provider.counts_of(name).asked;
    let found = home.run(&["token", "--force"]);
    if found.code == 0 {
        return Ok(false);
    }
    expect(&[(first.code != 0, "acknowledged and gone"), (found.code == 4, "cannot be read")], &(first, &found))?;
    if asked > 0 {
        expect(&[(fault.kills(), "lost by an error")], &(first, &found))?;
        // The token that was brought is used up, whoever shows it next. What came in its place may be found yet.
        let again = home.run_with(&act.arguments(), &act.input);
        let is_shown_once = provider.counts_of(name).presented_twice == 0;
        return expect(&[(again.code != 0 || is_shown_once, "used twice")], &again).map(|()| again.code != 0);
    }
    let again = home.run_with(&act.arguments(), &act.input);
    let token = home.run(&["token", "--force"]);
    expect(&[(again.code == 0, "does not work again"), (token.code == 0, "does not work then")], &(first, again, token))
        .map(|()| false)
}

fn after_a_later_sign_in(
    home: &Home,
    provider: &Rotating,
    name: &str,
    fault: &Fault,
    first: &Ran,
) -> Result<bool, String> {
    let imported = format!("{name}-imported");
    let asked = provider.counts_of(&imported).asked;
    let token = home.run(&["token", "--force"]);
    let is_new = provider.counts_of(&imported).asked == 2;
    let all = [
        (token.code == 0, "no sign-in is left"),
        (is_new || first.code != 0, "acknowledged and gone"),
        (is_new || asked == 0 || fault.kills(), "lost by an error"),
    ];
    expect(&all, &(first, token)).map(|()| false)
}

fn after_a_refresh(
    home: &Home,
    provider: &Rotating,
    rotation: Rotation,
    name: &str,
    fault: &Fault,
    first: &Ran,
) -> Result<bool, String> {
    let asked = provider.counts_of(name).asked;
    let is_sound = fault.kills() || asked == usize::from(first.code == 0);
    expect(&[(is_sound, "asked without keeping it, or not asked")], &(asked, first))?;
    let second = home.run(&["token"]);
    if fault.kills() && rotation == Rotation::Strict && second.code == 4 {
        // A provider as strict as this one ends the grant then. Nobody is told of a thief.
        let is_told = second.stderr.contains("the answer to a refresh got lost") && !second.stderr.contains("stolen");
        return expect(&[(asked == 1, "not asked"), (is_told, "not told")], &(first, second)).map(|()| true);
    }
    let third = home.run(&["refresh"]);
    let all = [(second.code == 0 && third.code == 0, "lost"), (spare_is_empty(home), "left in the spare place")];
    expect(&all, &(first, second, third)).map(|()| false)
}

fn spare_is_empty(home: &Home) -> bool {
    let is_record = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains(".record");
    fs::read_dir(home.path("spare")).is_ok_and(|entries| !entries.flatten().any(is_record))
}

fn after_a_sign_out(home: &Home, provider: &Rotating, name: &str, first: &Ran) -> Result<bool, String> {
    let again = (first.code != 0).then(|| home.run(&["logout"]));
    let token = home.run(&["token"]);
    let all = [
        (again.as_ref().is_none_or(|again| [0, 4].contains(&again.code)), "does not work again"),
        (token.code == 4, "still signed in"),
        (provider.counts_of(name).revocations > 0, "forgotten without telling the provider"),
    ];
    expect(&all, &(first, again, token)).map(|()| false)
}

fn after_a_removal(home: &Home, first: &Ran) -> Result<bool, String> {
    let of_it = |name: &String| name.starts_with("work.") && name != "work.lock";
    let remains = || home.configuration().contains("[profiles.work]") || names(home).iter().any(of_it);
    if first.code == 0 {
        return expect(&[(!remains(), "acknowledged and still there")], first).map(|()| false);
    }
    let again = home.run(&["profile", "remove", "work", "--force"]);
    expect(&[(!remains(), "does not go")], &(first, again)).map(|()| false)
}

/// Everything opens and can be written, and the same command ends with one key.
fn after_a_rekey(home: &Home, first: &Ran) -> Result<bool, String> {
    let token = home.run(&["token"]);
    let checked = home.run(&["store", "check"]);
    let refreshed = home.run(&["refresh"]);
    let again = home.run(&["store", "rekey"]);
    let is_done = again.code == 0 && home.key_ids().len() == 1 && home.keys() == 1;
    let all = [
        (token.code == 0 && token.stdout.starts_with(ACCESS), "cannot be opened"),
        (checked.code == 0, "is damaged"),
        (refreshed.code == 0, "cannot be written"),
        (is_done, "does not end"),
    ];
    expect(&all, &(first, token, checked, refreshed, again)).map(|()| false)
}

/// One place refreshes and the other one refuses, and the same command ends it.
fn after_a_copy(home: &Home, act: &Act, first: &Ran) -> Result<bool, String> {
    let to = other_store(home);
    // The one that is asked first must not change what the other one says.
    let both = || [home.run(&["refresh"]), home.run(&["--store", &to, "refresh"])];
    let before = both();
    let again = home.run(&act.arguments());
    let after = both();
    let all = [
        (before.iter().filter(|ran| ran.code == 0).count() == 1, "refreshed in both places or in none"),
        (again.code == 0, "does not end"),
        (after.each_ref().map(|ran| ran.code) == [9, 0], "refreshed elsewhere than where it was copied to"),
    ];
    expect(&all, &(first, before, again, after)).map(|()| false)
}

fn own_store(home: &Home) -> String {
    format!("file:{}", home.path("state").display())
}

fn other_store(home: &Home) -> String {
    format!("file:{}", home.path(OTHER_STORE).display())
}
