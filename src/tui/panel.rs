//! What a panel is, and where it can lead. Panels know their [`Surroundings`] and not each other: who opens what, and who
//! hears of its end, is plain data.

use std::any::Any;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::keymap::{Bound, Command, Key, Scope};
use super::message::{Effect, Message, Pointing};
use super::surroundings::{Now, Surroundings};
use crate::clock::Moment;
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::service::{SignIn, State};

/// The line above a panel.
#[derive(Debug)]
pub struct Title {
    pub name: &'static str,
    /// What it counts, beside its name.
    pub counts: Vec<Span<'static>>,
    /// What it is about, on the right.
    pub about: Span<'static>,
}

impl Title {
    /// Of a panel that counts nothing.
    pub fn new(name: &'static str, about: impl Into<Span<'static>>) -> Self {
        Self { name, counts: Vec::new(), about: about.into() }
    }
}

/// One screen of the app.
pub trait Panel: Any + Send {
    /// The bindings that hold on it.
    fn scope(&self) -> Scope;

    /// The line above; `None` for a panel that draws the whole window itself.
    fn title(&self, _around: &Surroundings, _now: Now) -> Option<Title> {
        None
    }

    /// What it is about at the moment, in a line above whatever covers it.
    fn standing(&self, _around: &Surroundings, _now: Now) -> String {
        String::new()
    }

    /// What can be asked for now, in the order of the footer.
    fn commands(&self, around: &Surroundings) -> Vec<Command>;

    /// What a key of the footer does now, where that is not what it does elsewhere.
    fn label(&self, _around: &Surroundings, _command: Command) -> Option<&'static str> {
        None
    }

    /// The command of this panel that does what helps.
    fn helps(&self, _around: &Surroundings, _advice: &Advice) -> Option<Command> {
        None
    }

    /// Whether a command that holds on every screen holds on this one.
    fn allows(&self, _command: Command) -> bool {
        true
    }

    /// Does what the person asked for.
    fn run(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then;

    /// Does what the person was asked about and answered with yes.
    fn confirmed(&mut self, _command: Command, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Whether text is typed, so that keys ask for what [`Scope::Typing`] binds to them and else are text.
    fn is_typing(&self) -> bool {
        false
    }

    /// Takes in a key that is text.
    fn typed(&mut self, _key: Key, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Takes in that a key was pressed, whichever.
    fn attended(&mut self) -> Option<Effect> {
        None
    }

    /// Puts pasted text where the cursor is; where nothing is typed it means nothing.
    fn paste(&mut self, _text: &str, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Whether it has something for the mouse.
    fn wants_mouse(&self) -> bool {
        false
    }

    /// Takes in what the mouse did.
    fn point(&mut self, _at: Position, _what: Pointing, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Takes in what happened; gives back what is about another panel. It may be covered by one.
    fn hear(&mut self, message: Message, _is_covered: bool, _around: &mut Surroundings, _now: Now) -> Heard {
        (Then::default(), Some(message))
    }

    /// Takes in that the configuration is another one by now.
    fn reconfigured(&mut self, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Has the screen again, after what it opened has ended.
    fn resume(&mut self, _outcome: Outcome, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// Fits what it shows to the window.
    fn resized(&mut self, _around: &mut Surroundings) -> Vec<Effect> {
        Vec::new()
    }

    /// Does what the time has come for.
    fn wake(&mut self, _around: &mut Surroundings, _now: Now) -> Then {
        Then::default()
    }

    /// The next moment at which it changes by itself; `None` while nothing on it moves.
    fn next_wakeup(&self, _around: &Surroundings, _now: Now) -> Option<Moment> {
        None
    }

    /// Ends what nobody is to go on with when the app is left.
    fn give_up(&self) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether it is kept when it is left, to be opened again as it was.
    fn outlives(&self) -> bool {
        false
    }

    /// Where it draws what nothing may lie over, such as a QR code.
    fn keeps_clear(&self, _around: &Surroundings, _now: Now) -> Option<Rect> {
        None
    }

    /// Where it is a box over the panel that opened it; `None` where it has the screen.
    fn place(&self, _around: &Surroundings) -> Option<Rect> {
        None
    }

    /// How far everything on it has moved by now, so that nothing burns in.
    fn drift(&self, _around: &Surroundings, _now: Now) -> Position {
        Position::ORIGIN
    }

    /// Draws it.
    fn view(&self, around: &Surroundings, now: Now, area: Rect, frame: &mut Frame<'_>);
}

impl dyn Panel {
    /// The binding in force of a command, for the footer.
    pub fn binding<'a>(&self, around: &'a Surroundings, command: Command) -> Option<&'a Bound> {
        let typed = self.is_typing().then(|| around.keymap.binding(Scope::Typing, command)).flatten();
        typed.or_else(|| around.keymap.binding(self.scope(), command))
    }
}

/// What a panel does about something that happened, and what happened if it is about another one as well.
pub type Heard = (Then, Option<Message>);

/// What follows from something that a panel took in.
#[derive(Debug, Default, PartialEq)]
pub struct Then {
    pub effects: Vec<Effect>,
    pub go: Go,
}

/// Where the app goes from a panel.
#[derive(Debug, Default, PartialEq)]
pub enum Go {
    #[default]
    Stay,
    SignIn {
        profile: ProfileName,
        options: SignIn,
    },
    /// To the calls of a profile. What led there is closed, but for the profiles.
    Api(ProfileName),
    Form(FormFor),
    /// To whoever opened this panel.
    Back(Outcome),
}

/// What the form of a profile is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormFor {
    Add(Option<ProfileName>),
    /// A new profile, as the first step of a sign-in.
    SignIn(Option<ProfileName>),
    /// A token from elsewhere, into this profile unless another one is named.
    Import(Option<ProfileName>),
    Edit(ProfileName),
    /// A profile whose sign-in failed.
    Mend(ProfileName, Code),
    Rename(ProfileName, State),
    Remove {
        profile: ProfileName,
        state: State,
        is_unrevoked: bool,
    },
}

/// How a panel ended, for whoever opened it.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Nothing came of it.
    Nothing,
    /// It was about this profile.
    About(ProfileName),
    SignedIn(ProfileName),
    /// The profile is to be signed in now.
    SignIn(ProfileName),
    /// The profile is to be signed out, which the person has confirmed.
    SignOut(ProfileName),
    /// The profile is not there any more, of which this was wanted.
    Gone {
        profile: ProfileName,
        error: Error,
        wanted: Command,
    },
}

impl From<Vec<Effect>> for Then {
    fn from(effects: Vec<Effect>) -> Self {
        Self { effects, go: Go::Stay }
    }
}

impl From<Effect> for Then {
    fn from(effect: Effect) -> Self {
        vec![effect].into()
    }
}

impl From<Go> for Then {
    fn from(go: Go) -> Self {
        Self { effects: Vec::new(), go }
    }
}

impl From<Outcome> for Then {
    fn from(outcome: Outcome) -> Self {
        Go::Back(outcome).into()
    }
}

impl Then {
    /// The same with effects after its own.
    #[must_use]
    pub fn and(mut self, effects: Vec<Effect>) -> Self {
        self.effects.extend(effects);
        self
    }
}
