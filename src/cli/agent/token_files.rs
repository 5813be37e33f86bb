//! Keeps the files of `--token-file` as the agent hears of tokens. Each file has a task that waits for its disk alone; what
//! cannot be written is told once for each reason, and tried again until it can or something newer is to be there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::log::{Entry, Level, Log};
use crate::aside::aside;
use crate::clock;
use crate::files::Trouble;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::TokenFile;

/// Pauses between two tries.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long the agent waits for a disk when it ends.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// What is to be at a file's place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// What is there, since nothing is known.
    AsItIs,
    Token(Secret),
    Nothing,
}

/// The files of `--token-file`.
pub(super) struct TokenFiles {
    files: BTreeMap<ProfileName, Vec<watch::Sender<Wanted>>>,
    tasks: JoinSet<()>,
}

impl TokenFiles {
    pub(super) fn new(files: Vec<(ProfileName, TokenFile)>, log: &Log) -> Self {
        let (mut kept, mut tasks) = (BTreeMap::<_, Vec<_>>::new(), JoinSet::new());
        for (profile, file) in files {
            let (sender, wanted) = watch::channel(Wanted::AsItIs);
            let keeper = Keeper { profile: profile.clone(), file: Arc::new(file), log: log.clone() };
            tasks.spawn(keeper.keep(wanted));
            kept.entry(profile).or_default().push(sender);
        }
        Self { files: kept, tasks }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// From here on this is to be in the files of the profile.
    pub(super) fn want(&self, profile: &ProfileName, wanted: &Wanted) {
        for file in self.files.get(profile).into_iter().flatten() {
            file.send_replace(wanted.clone());
        }
    }

    /// Has each file be as it is to be, whoever may have changed it.
    pub(super) fn put_again(&self) {
        for file in self.files.values().flatten() {
            file.send_modify(|_| ());
        }
    }

    /// Waits until all are as they are to be, or cannot be soon.
    pub(super) async fn finish(self) {
        let Self { files, mut tasks } = self;
        drop(files);
        let ended = async { while tasks.join_next().await.is_some() {} };
        // A disk that does not answer is left behind.
        let _ = timeout(LAST_WRITE, ended).await;
    }
}

/// Keeps one file.
struct Keeper {
    profile: ProfileName,
    file: Arc<TokenFile>,
    log: Log,
}

impl Keeper {
    /// Goes on until nobody can want anything new any more.
    async fn keep(self, mut wanted: watch::Receiver<Wanted>) {
        while wanted.changed().await.is_ok() {
            let mut told: Option<String> = None;
            let mut pause = FIRST_PAUSE;
            loop {
                let now = wanted.borrow_and_update().clone();
                let Err(trouble) = self.put(now).await else { break };
                let cause = trouble.cause(self.file.place());
                if told.as_ref() != Some(&cause) {
                    self.tell_trouble(&cause, &trouble.advice());
                    told = Some(cause);
                }
                tokio::select! {
                    () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    changed = wanted.changed() => if changed.is_err() { return },
                }
            }
            if told.is_some() {
                let message = format!("{} is as it is to be again", self.file.place().display());
                self.tell(Entry::new(Level::Notice, "token_file_recovered", message, clock::wall()));
            }
        }
    }

    async fn put(&self, wanted: Wanted) -> Result<(), Trouble> {
        let file = self.file.clone();
        let put = move || match wanted {
            Wanted::AsItIs => Ok(()),
            Wanted::Token(token) => file.write(&token),
            Wanted::Nothing => file.remove(),
        };
        aside(put).await
    }

    fn tell_trouble(&self, cause: &str, advice: &str) {
        let message = format!("{} cannot be brought up to date: {cause}", self.file.place().display());
        let hint = format!("{advice}; it is tried again");
        self.tell(Entry::new(Level::Error, "token_file_failing", message, clock::wall()).hint(hint));
    }

    fn tell(&self, entry: Entry) {
        self.log.write(&entry.of(&self.profile));
    }
}
