//! The vocabularies of the app: what happened ([`Message`]), and what is to be done about it ([`Effect`]).
//!
//! Both are plain data that tests compare. What the person asked for is a [`Command`](super::keymap::Command).

use std::path::PathBuf;

use ratatui::layout::Position;
use url::Url;

use super::clipboard::{Reached, ToCopy};
use super::keymap::Key;
use super::overlay::SaveAs;
use super::received::Received;
use super::text_job::{TextDone, TextJob};
use crate::api::Call;
use crate::config::{Config, ThemeName};
use crate::error::Error;
use crate::http::client::Exchange;
use crate::http::progress::Moved;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{
    ConfigurationChange, EnvFile, Import, ProfileStatus, SignIn, SignInEvent, SignedIn, SignedOut, TestCalls,
};
use crate::storage::{Account, PastCall};

/// Names a piece of work under way. Answers of work that is no longer wanted are dropped by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// What happened.
#[derive(Debug, PartialEq)]
pub enum Message {
    Key(Key),
    /// Escape and a key at once: a terminal sends a letter with Alt so, too.
    EscapeThen(Key),
    Pasted(String),
    /// The mouse did something.
    Pointed {
        at: Position,
        what: Pointing,
    },
    Resized {
        columns: u16,
        rows: u16,
    },
    /// The terminal told its background, for which this theme is.
    Background(ThemeName),
    /// The time that `next_wakeup` named has come.
    Woken,
    /// A request was answered, or was not.
    Exchanged(Exchange),
    SignIn {
        task: TaskId,
        event: SignInEvent,
    },
    /// Approved, but the grant could not be saved. It waits for an [`Effect::TrySaving`].
    Unsaved {
        task: TaskId,
        error: Error,
    },
    SignInEnded {
        task: TaskId,
        result: Box<Result<SignedIn, Error>>,
    },
    /// What [`Effect::GiveUp`] asked for is done.
    GivenUp {
        /// An answer about the code got lost, in which the tokens may have been.
        has_lost_answer: bool,
    },
    StatusesLoaded(Vec<ProfileStatus>),
    Refreshed {
        task: TaskId,
        profile: ProfileName,
        result: Result<(), Error>,
    },
    Verified {
        task: TaskId,
        profile: ProfileName,
        result: Result<Account, Error>,
    },
    SignedOut {
        task: TaskId,
        profile: ProfileName,
        result: Result<SignedOut, Error>,
    },
    /// The access token that the person asked to see or copy.
    TokenRead {
        task: TaskId,
        profile: ProfileName,
        result: Result<Secret, Error>,
    },
    /// What was asked for by an [`Effect::ChangeConfiguration`] is written, or why it is not.
    ConfigurationChanged {
        task: TaskId,
        result: Box<Result<Config, Error>>,
    },
    /// What the file says, and what is to be said of it.
    EnvFileRead {
        task: TaskId,
        result: Box<Result<(EnvFile, Option<String>), Error>>,
    },
    /// The configuration as it is since, and what the sign-in came to.
    Imported {
        task: TaskId,
        result: Box<Result<(Config, SignedIn), Error>>,
    },
    /// The configuration's file does not say any more what it `was`, or cannot be read.
    ConfigurationReread {
        was: Box<Config>,
        result: Box<Result<Config, Error>>,
    },
    TestCallsLoaded {
        task: TaskId,
        result: Box<Result<TestCalls, Error>>,
    },
    Answered {
        task: TaskId,
        result: Box<Result<Received, Error>>,
    },
    /// So much of the bodies of a call has moved.
    Moved {
        task: TaskId,
        moved: Moved,
    },
    /// A call was not sent, since its body cannot be read.
    NotSent {
        task: TaskId,
        error: Error,
    },
    /// The calls that were made with a profile before, oldest first.
    PastCallsLoaded {
        profile: ProfileName,
        result: Result<Vec<PastCall>, Error>,
    },
    /// A call was remembered, or could not be.
    CallKept {
        profile: ProfileName,
        result: Result<(), Error>,
    },
    /// The demo person decided, or knew the code no more.
    Decided {
        decision: DemoDecision,
        is_done: bool,
    },
    /// Work on a long text is done.
    TextDone {
        task: TaskId,
        done: TextDone,
    },
    /// tmux took a text, or could not.
    Copied {
        what: &'static str,
        result: Result<Reached, String>,
    },
    /// Something was saved to this file, or could not be under its name.
    Saved(Result<PathBuf, Box<(SaveAs, Error)>>),
}

/// What a mouse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointing {
    Press,
    WheelUp,
    WheelDown,
}

/// What is to be done. The runtime does it; nothing here waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    StartSignIn {
        task: TaskId,
        profile: ProfileName,
        options: SignIn,
    },
    /// Saves an approved grant again, or gives it back to the provider.
    TrySaving {
        task: TaskId,
        again: bool,
    },
    /// Has a sign-in ask the server as soon as that allows, since the person says that it is approved.
    AskNow(TaskId),
    /// Tells a sign-in that the person is there and wants more codes.
    Attend(TaskId),
    /// Ends a piece of work; a sign-in asks nothing more from then on.
    Cancel(TaskId),
    /// Cancel a sign-in that nobody is to go on with.
    GiveUp(TaskId),
    /// Reads how the profiles stand, now and whenever somebody else changes that, unless the configuration has changed, which is then
    /// told first.
    LoadStatuses,
    /// Mints a new access token.
    Refresh {
        task: TaskId,
        profile: ProfileName,
    },
    Verify {
        task: TaskId,
        profile: ProfileName,
    },
    /// Revokes the grant and forgets it.
    SignOut {
        task: TaskId,
        profile: ProfileName,
    },
    ReadToken {
        task: TaskId,
        profile: ProfileName,
    },
    ChangeConfiguration {
        task: TaskId,
        change: ConfigurationChange,
    },
    /// Reads what other programs keep a refresh token in.
    ReadEnvFile {
        task: TaskId,
        path: PathBuf,
    },
    /// Signs a profile in with a refresh token from elsewhere.
    Import {
        task: TaskId,
        import: Box<Import>,
    },
    /// All later work goes by this configuration; what is under way goes on with the one that it began with.
    UseConfiguration(Box<Config>),
    /// Finds out which calls can be tried with a profile.
    LoadTestCalls {
        task: TaskId,
        profile: ProfileName,
    },
    Call {
        task: TaskId,
        profile: ProfileName,
        call: Call,
    },
    /// Reads which calls were made with a profile before.
    LoadPastCalls {
        profile: ProfileName,
    },
    /// Remembers a call beyond the end of the app.
    KeepCall {
        profile: ProfileName,
        call: Box<PastCall>,
    },
    /// Does work on a long text beside the loop.
    WorkOnText {
        task: TaskId,
        job: TextJob,
    },
    /// Writes it to a new file in the current directory.
    Save(SaveAs),
    /// Sends text to the terminal's clipboard; through tmux, whose answer is [`Message::Copied`].
    Copy(ToCopy),
    OpenBrowser(Url),
    /// The demo person decides about a code.
    Decide {
        user_code: String,
        decision: DemoDecision,
    },
    /// Tells whoever supervises the process that it still draws.
    Alive,
    /// Forgets what the terminal shows, so that the next frame draws every cell.
    ClearScreen,
    /// Gives the terminal back and stops the process until it is continued.
    Suspend,
    Quit(Ended),
}

/// How the app ended.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Ended {
    Quit,
    /// For the demo, after which the app opens again.
    Demo,
    SignedIn(SignedIn),
    /// The one sign-in that it was started for did not work.
    Failed(Error),
    /// The person gave up a code that was still good; after a lost answer the tokens may have come all the same.
    Cancelled {
        has_lost_answer: bool,
    },
    Interrupted,
    /// The terminal is gone.
    HungUp,
}

/// What the demo person can do with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoDecision {
    Approve,
    /// Approve as the person whose account lives in the other data center.
    ApproveElsewhere,
    Decline,
}
