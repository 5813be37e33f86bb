//! Which key asks for what. The footer, the help, the palette and `docs/keys.md` are printed from this one table, and
//! `[screen.keys]` of the configuration puts other keys in the place of its own.

mod key;
mod synonyms;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use self::key::Key;

use crate::config;
use crate::tables::named;

use Key::Char;
use Scope::{Api, Everywhere, ProfileForm, Profiles, Question, SignIn, Typing, Welcome};

/// What the person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    // Everywhere.
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    NextPane,
    PreviousPane,
    Choose,
    Back,
    Quit,
    LeaveNow,
    Help,
    Palette,
    Log,
    NextTheme,
    ToggleMouse,
    Redraw,
    Suspend,
    // The sign-in.
    CopyCode,
    CopyLink,
    BareLink,
    OpenBrowser,
    FullScreenQr,
    InvertQr,
    BiggerQr,
    SmallerQr,
    SaveQrPng,
    SaveQrSvg,
    NewCode,
    DemoApprove,
    DemoApproveElsewhere,
    DemoDecline,
    // The welcome.
    Demo,
    // The profiles.
    SignIn,
    Refresh,
    Whoami,
    Logout,
    Api,
    RevealToken,
    CopyToken,
    Sort,
    ReverseSort,
    AddProfile,
    Import,
    EditProfile,
    RenameProfile,
    RemoveProfile,
    UseProfile,
    // The form of a profile.
    Toggle,
    // The API.
    Fix,
    Send,
    SendForm,
    Edit,
    NextView,
    Fold,
    FoldAll,
    UnfoldAll,
    FoldMore,
    FoldLess,
    CopyAnswer,
    CopyPath,
    CopyCurl,
    SaveAnswer,
    Find,
    FindNext,
    FindPrevious,
    ScrollLeft,
    ScrollRight,
    History,
    // A question.
    Yes,
    No,
}

impl Command {
    /// Moves a cursor, or what is in sight.
    pub fn is_move(self) -> bool {
        use Command::{Down, End, Home, PageDown, PageUp, Up};
        matches!(self, Up | Down | PageUp | PageDown | Home | End)
    }
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Everywhere,
    Welcome,
    SignIn,
    Profiles,
    ProfileForm,
    Api,
    /// A line or a form of any screen into which text is typed. No other binding of the screen holds there.
    Typing,
    /// A question of any screen. No other key answers it, but those that lead out do so with no.
    Question,
}

impl Scope {
    pub const ALL: [Scope; 8] = [SignIn, Profiles, ProfileForm, Api, Welcome, Typing, Question, Everywhere];

    pub fn title(self) -> &'static str {
        match self {
            Scope::Everywhere => "Everywhere",
            Scope::Welcome => "Welcome",
            Scope::SignIn => "Sign-in",
            Scope::Profiles => "Profiles",
            Scope::ProfileForm => "Form of a profile",
            Scope::Api => "API",
            Scope::Typing => "Where text is typed",
            Scope::Question => "Questions",
        }
    }
}

/// Keys that ask for a command somewhere.
#[derive(Debug)]
pub struct Binding {
    pub scope: Scope,
    pub keys: Vec<Key>,
    pub command: Command,
    /// One or two words for the footer.
    pub label: &'static str,
    /// A few words for the help, which begin with a verb.
    pub help: &'static str,
}

impl Binding {
    /// `None` for a line that is none, of which the table has but the empty ones.
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line.split('|').map(str::trim_ascii);
        let mut next = || columns.next();
        Some(Self {
            scope: named(next()?)?,
            keys: next()?.split(' ').map(Key::from_label).collect::<Option<_>>()?,
            command: named(next()?)?,
            label: next()?,
            help: next()?,
        })
    }
}

/// Every binding there is: scope, keys, command, label and help of one in each line.
pub static BINDINGS: LazyLock<Vec<Binding>> = LazyLock::new(|| TEXT.lines().filter_map(Binding::read).collect());

const TEXT: &str = include_str!("keymap/bindings.txt");

/// The bindings in force.
#[derive(Clone, Debug)]
pub struct Keymap(Vec<Bound>);

/// A binding and the keys that it has now.
#[derive(Clone, Debug)]
pub struct Bound {
    pub binding: &'static Binding,
    pub keys: Vec<Key>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bound = |binding: &'static Binding| Bound { binding, keys: binding.keys.clone() };
        Self(BINDINGS.iter().map(bound).collect())
    }
}

/// What keeps the keys of a configuration from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddKey {
    /// The keys of the configuration that lead there.
    pub path: Vec<String>,
    /// A sentence without its end.
    pub problem: String,
}

impl OddKey {
    /// Below `screen.keys`.
    fn below(names: &[&str], problem: String) -> Self {
        Self { path: ["screen", "keys"].iter().chain(names).map(|name| (*name).to_owned()).collect(), problem }
    }
}

impl Keymap {
    /// The built-in bindings with other keys in the place of some: by scope, by command. A key that the person gives to
    /// a command is taken from the one that had it.
    ///
    /// # Errors
    ///
    /// Each problem, in a sentence.
    pub fn configured(scopes: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> Result<Self, Vec<OddKey>> {
        let (mut keymap, mut all_odd) = (Self::default(), Vec::new());
        // What leaves the program counts everywhere, so that is known first.
        let (everywhere, others): (Vec<_>, Vec<_>) = scopes.iter().partition(|(name, _)| *name == "everywhere");
        for (scope_name, commands) in everywhere.into_iter().chain(others) {
            let at = format!("screen.keys.{scope_name}");
            let scope: Option<Scope> = named(scope_name);
            if scope.is_none() {
                let tables = config::key_tables();
                let problem = format!("`screen.keys` has `{scope_name}`, which is no screen; there are {tables}");
                all_odd.push(OddKey::below(&[scope_name], problem));
            }
            let mut given: Vec<Key> = Vec::new();
            for (command_name, labels) in commands {
                let mut odd = |problem| all_odd.push(OddKey::below(&[scope_name, command_name], problem));
                let command: Option<Command> = named(command_name);
                let is_meant =
                    |bound: &Bound| scope.zip(command).is_some_and(|(scope, command)| bound.is_for(scope, command));
                let place = keymap.0.iter().position(is_meant);
                if scope.is_some() && place.is_none() {
                    odd(format!(
                        "`{at}` has `{command_name}`, which is no command of this screen; `docs/keys.md` lists them"
                    ));
                }
                let mut keys = Vec::new();
                for label in labels {
                    let Some(key) = Key::from_label(label) else {
                        odd(format!("`{at}.{command_name}`: {label:?} is no key"));
                        continue;
                    };
                    let leaves = || keymap.keys(Everywhere, Command::LeaveNow).contains(&key);
                    let problem = match key {
                        Char(_) if scope == Some(Typing) => "is text there",
                        _ if scope != Some(Everywhere) && leaves() => "always leaves",
                        _ if given.contains(&key) => "is given to another command already",
                        _ => {
                            keys.push(key);
                            continue;
                        }
                    };
                    odd(format!("`{at}.{command_name}`: {} {problem}", key.label()));
                }
                let (Some(scope), Some(place)) = (scope, place) else { continue };
                given.extend(&keys);
                for other in keymap.0.iter_mut().filter(|bound| bound.binding.scope == scope) {
                    other.keys.retain(|key| !keys.contains(key));
                }
                keymap.0[place].keys = keys;
            }
        }
        // Nobody is locked in.
        let leave_now = OddKey::below(
            &["everywhere", "leave-now"],
            "`screen.keys.everywhere.leave-now` has no key, and nothing else always leaves".to_owned(),
        );
        let has_none = keymap.keys(Everywhere, Command::LeaveNow).is_empty();
        if has_none && all_odd.iter().all(|odd| odd.path != leave_now.path) {
            all_odd.push(leave_now);
        }
        if all_odd.is_empty() { Ok(keymap) } else { Err(all_odd) }
    }

    /// What `key` asks for in `scope`: the scope's own binding, else the one that holds everywhere. Where text is typed, what
    /// has no binding of its own is text.
    pub fn command(&self, scope: Scope, key: Key) -> Option<Command> {
        let exact = |bound: &&Bound| bound.keys.contains(&key);
        if scope == Typing {
            return self.within(Typing).find(exact).map(|bound| bound.binding.command);
        }
        let loose = |bound: &&Bound| bound.keys.iter().any(|bound| bound.matches(key));
        let found = self.within(scope).find(exact).or_else(|| self.within(Everywhere).find(exact));
        let found = found.or_else(|| self.within(scope).find(loose)).or_else(|| self.within(Everywhere).find(loose));
        found.map(|bound| bound.binding.command)
    }

    /// The binding of a command in a scope, for the footer and the help.
    pub fn binding(&self, scope: Scope, command: Command) -> Option<&Bound> {
        let of = |scope: Scope| self.0.iter().find(move |bound| bound.is_for(scope, command));
        of(scope).or_else(|| of(Everywhere))
    }

    /// The bindings of one scope, in their order.
    pub fn within(&self, scope: Scope) -> impl Iterator<Item = &Bound> {
        self.0.iter().filter(move |bound| bound.binding.scope == scope)
    }

    fn keys(&self, scope: Scope, command: Command) -> &[Key] {
        self.binding(scope, command).map_or(&[], |bound| &bound.keys)
    }
}

impl Bound {
    fn is_for(&self, scope: Scope, command: Command) -> bool {
        self.binding.scope == scope && self.binding.command == command
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{BINDINGS, Command, Key, Keymap, Scope, config};

    fn command(scope: Scope, key: Key) -> Option<Command> {
        Keymap::default().command(scope, key)
    }

    fn configured(text: &str) -> Result<Keymap, String> {
        let configured = Keymap::configured(&toml::from_str(text).expect("keys by scope and command"));
        configured.map_err(|odd| odd.into_iter().map(|odd| odd.problem).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn every_line_of_the_table_is_a_binding() {
        assert_eq!(BINDINGS.len(), super::TEXT.lines().filter(|line| !line.is_empty()).count());
    }

    #[test]
    fn no_key_asks_for_two_things_in_one_scope() {
        for scope in Scope::ALL {
            let mut seen: HashMap<Key, Command> = HashMap::new();
            for binding in BINDINGS.iter().filter(|binding| binding.scope == scope) {
                for key in &binding.keys {
                    assert_eq!(seen.insert(*key, binding.command), None, "{key:?} twice in {scope:?}");
                }
            }
        }
    }

    #[test]
    fn letters_come_in_either_case_unless_both_are_bound() {
        assert_eq!(command(Scope::SignIn, Key::Char('C')), Some(Command::CopyCode));
        assert_eq!(command(Scope::Api, Key::Char('N')), Some(Command::FindPrevious));
        assert_eq!(command(Scope::Api, Key::Char('n')), Some(Command::FindNext));
        assert_eq!(command(Scope::Profiles, Key::Char('G')), Some(Command::End));
    }

    #[test]
    fn every_key_is_read_as_it_is_written() {
        let written = BINDINGS.iter().flat_map(|binding| &binding.keys).copied().chain(Key::NAMED);
        for key in written {
            assert_eq!(Key::from_label(&key.label()), Some(key));
        }
        assert_eq!(Key::from_label("ctrl-R"), Some(Key::Ctrl('r')));
        assert_eq!(Key::from_label("shift-tab"), Some(Key::BackTab));
        for wrong in ["", "ab", "Ctrl-", "Ctrl-ab", "Ctrl-é", "F5", "\u{1b}"] {
            assert_eq!(Key::from_label(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_key_that_is_given_to_a_command_is_taken_from_the_one_that_had_it() {
        let keymap = configured("[profiles]\nrefresh = [\"x\", \"Ctrl-R\"]").expect("valid");
        assert_eq!(keymap.command(Scope::Profiles, Key::Char('x')), Some(Command::Refresh));
        assert_eq!(keymap.command(Scope::Profiles, Key::Ctrl('r')), Some(Command::Refresh));
        assert_eq!(keymap.command(Scope::Profiles, Key::Char('r')), None);
        assert!(keymap.binding(Scope::Profiles, Command::Logout).expect("bound").keys.is_empty());
        assert_eq!(keymap.command(Scope::SignIn, Key::Char('x')), Some(Command::Logout));
    }

    #[test]
    fn the_tables_of_the_configuration_are_the_scopes() {
        assert_eq!(config::KEY_TABLES.map(super::named), Scope::ALL.map(Some));
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_name() {
        for (text, part) in [
            ("[profile]\nrefresh = []", "`profile`, which is no screen; there are `sign-in`, "),
            ("[profiles]\nrefesh = []", "`screen.keys.profiles` has `refesh`, which is no command of this screen"),
            ("[profiles]\ncopy-code = []", "`copy-code`, which is no command of this screen"),
            ("[profiles]\nrefresh = [\"Ctrl-C\"]", "`screen.keys.profiles.refresh`: Ctrl-C always leaves"),
            ("[profiles]\nrefresh = [\"F5\"]", "`screen.keys.profiles.refresh`: \"F5\" is no key"),
            ("[profiles]\nrefresh = [\"w\"]\nwhoami = [\"w\"]", "w is given to another command already"),
            ("[typing]\nback = [\"x\"]", "`screen.keys.typing.back`: x is text there"),
            ("[everywhere]\nleave-now = []", "nothing else always leaves"),
            ("[everywhere]\nquit = [\"Ctrl-C\"]", "nothing else always leaves"),
            ("[api]\nsend = [\"x\"]\n[everywhere]\nleave-now = [\"x\"]", "`screen.keys.api.send`: x always leaves"),
            (
                "[profiles]\nrefresh = [\"x\"]\n[everywhere]\nleave-now = [\"x\"]",
                "`screen.keys.profiles.refresh`: x always leaves",
            ),
        ] {
            let problem = configured(text).expect_err(text);
            assert!(problem.contains(part), "{problem:?} lacks {part:?}");
        }
    }

    #[test]
    fn the_usual_key_that_leaves_is_free_where_another_one_does() {
        for scope in ["api]\nsend", "profiles]\nrefresh"] {
            configured(&format!("[{scope} = [\"Ctrl-C\"]\n[everywhere]\nleave-now = [\"x\"]")).expect("sound");
        }
    }

    #[test]
    fn no_odd_key_hides_another() {
        let text = "[profile]\nrefresh = [\"F5\"]\n[profiles]\nrefesh = []\nrefresh = [\"F6\", \"Ctrl-C\", \"w\"]\n\
                    whoami = [\"w\"]";
        let problems = configured(text).expect_err(text);
        for part in
            ["no screen", "\"F5\" is no key", "`refesh`", "\"F6\" is no key", "Ctrl-C always leaves", "w is given"]
        {
            assert!(problems.contains(part), "{problems:?} lacks {part:?}");
        }
        assert_eq!(problems.lines().count(), 6, "{problems}");
    }
}
