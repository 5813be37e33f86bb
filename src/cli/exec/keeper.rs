//! Keeps a token file fresh on a thread that sleeps until the next token is due. What a renewal needs is made for it and
//! dropped after it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::super::ColorWhen;
use super::super::advice::Program;
use super::super::context::Context;
use super::super::limits::refused;
use super::super::output::Output;
use super::super::runtime::block_on_apart;
use super::place::Place;
use crate::clock::{self, Moment};
use crate::error::{Code, Error};
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::service::{Keeping, Renewed, Service, Unbroken};

/// Pauses between two tries to write the file.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Makes what a renewal of this profile needs.
type Services<'a> = &'a dyn Fn(Option<&ProfileName>) -> Result<Service, Error>;

/// Keeps the file of one command.
pub(super) struct Keeper(Arc<Shared>);

struct Shared {
    profile: ProfileName,
    /// `None` from the end of the command on.
    place: Mutex<Option<Place>>,
    /// A renewal is under way.
    is_busy: watch::Sender<bool>,
    stop: Notify,
    unbroken: Unbroken,
    program: Program,
}

impl Keeper {
    /// Where no refresh can bring a new token, nothing is kept.
    pub(super) fn begin(
        profile: ProfileName,
        keeping: Keeping,
        place: Place,
        services: impl Fn(Option<&ProfileName>) -> Result<Service, Error> + Send + 'static,
        unbroken: Unbroken,
        program: Program,
    ) -> Self {
        let (place, is_busy) = (Mutex::new(Some(place)), watch::Sender::new(false));
        let shared = Arc::new(Shared { profile, place, is_busy, stop: Notify::new(), unbroken, program });
        if keeping.next().is_some() {
            let keeper = shared.clone();
            let begun = thread::Builder::new().name("keeper".to_owned()).spawn(move || keeper.keep(keeping, &services));
            if let Err(error) = begun {
                tell(&refused("no thread can be made", &error), &shared.program);
            }
        }
        Self(shared)
    }

    /// Waits until no renewal is under way, since others would wait for the lock of a process that stands still, and the
    /// answer would get old.
    pub(super) fn rest(&self, context: &Context) {
        if !*self.0.is_busy.borrow() {
            return;
        }
        let mut is_busy = self.0.is_busy.subscribe();
        // A signal ends the wait, and is passed on as any other.
        let _ = context.interrupts.block_on(async {
            // Cannot fail: the sender is here.
            let _ = is_busy.wait_for(|is_busy| !is_busy).await;
            Ok(())
        });
    }

    /// While there is what this gives, no renewal begins; `None` where one is under way.
    pub(super) fn alone(&self) -> Option<impl Sized> {
        let place = self.0.place();
        (!*self.0.is_busy.borrow()).then_some(place)
    }

    /// Removes the file. A renewal that is under way ends first, where its answer comes only once.
    pub(super) fn end(self, context: &Context) {
        drop(self.0.place().take());
        self.0.stop.notify_one();
        self.rest(context);
    }
}

impl Shared {
    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        locked(&self.place)
    }

    /// Goes on until no refresh can bring a new token, or the command has ended.
    fn keep(&self, mut keeping: Keeping, services: Services<'_>) {
        let mut told = Vec::new();
        while let Some(next) = keeping.next() {
            clock::block_until(next);
            {
                // The command does not end between the look and the word that something is under way.
                let place = self.place();
                if place.is_none() {
                    return;
                }
                self.is_busy.send_replace(true);
            }
            let renewed = self.renew(&mut keeping, services);
            self.is_busy.send_replace(false);
            if let Some(renewed) = renewed {
                self.put(&renewed, keeping.next(), &mut told);
            }
        }
    }

    /// `None` where the command ended before anything came of it.
    fn renew(&self, keeping: &mut Keeping, services: Services<'_>) -> Option<Renewed> {
        let failed = |failure: Error, keeping: &mut Keeping| {
            keeping.put_off(&failure);
            let is_signed_out = failure.code == Code::UnknownProfile;
            Some(Renewed { token: None, is_signed_out, failure: Some(failure) })
        };
        let service = match services(Some(&self.profile)) {
            Ok(service) => service,
            Err(error) => return failed(error, keeping),
        };
        let profile = match service.config.profile(Some(&self.profile)) {
            Ok(profile) => profile,
            Err(error) => return failed(error, keeping),
        };
        let mut next = *keeping;
        let renewed = block_on_apart(async {
            let renewed = tokio::select! {
                renewed = service.renew_kept(profile, &mut next) => Some(renewed),
                () = self.stop.notified() => None,
            };
            self.unbroken.settled().await;
            renewed
        });
        match renewed {
            Ok(renewed) => {
                *keeping = next;
                renewed
            }
            Err(error) => failed(error, keeping),
        }
    }

    /// Has the file be as it is to be, and tells what a person should hear. What cannot be done is tried again until the next token
    /// is due.
    fn put(&self, renewed: &Renewed, next: Option<Moment>, told: &mut Vec<Error>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let undone = self.try_to_put(renewed).err();
            let is_done = undone.is_none();
            let failures: Vec<Error> = renewed.failure.iter().cloned().chain(undone).collect();
            for failure in failures.iter().filter(|failure| !told.contains(failure)) {
                tell(failure, &self.program);
            }
            *told = failures;
            let again = clock::now() + pause;
            if is_done || next.is_some_and(|next| next <= again) {
                return;
            }
            clock::block_until(again);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn try_to_put(&self, renewed: &Renewed) -> Result<(), Error> {
        let place = self.place();
        let Some(place) = place.as_ref() else { return Ok(()) };
        let (done, what) = match &renewed.token {
            Some(token) => (place.write(token), "the token file cannot be written"),
            None if renewed.is_signed_out => (place.remove_file(), "the token file cannot be removed"),
            None => return Ok(()),
        };
        done.map_err(|trouble| {
            Error::new(Code::Other, what).because(trouble.cause(place.file())).advise(trouble.advice())
        })
    }
}

fn tell(failure: &Error, program: &Program) {
    let text = format!("warning: the command's token is not kept fresh: {failure}; {}", program.hint(failure));
    Output::new(ColorWhen::Never, false, false).say(&text);
}
