//! Which key asks for what. The footer, the help, the palette and `docs/keys.md` are printed from this one table, and
//! `[screen.keys]` of the configuration puts other keys in the place of its own.

mod key;
mod synonyms;

use std::collections::BTreeMap;

use serde::de::IntoDeserializer;
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::{Deserialize, Serialize};

pub use self::key::Key;

use crate::config;

use Key::{Char, Ctrl};
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
    #[serde(alias = "verify")]
    Whoami,
    #[serde(alias = "sign-out")]
    Logout,
    #[serde(alias = "open-api")]
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
    pub keys: &'static [Key],
    pub command: Command,
    /// One or two words for the footer.
    pub label: &'static str,
    /// A few words for the help, which begin with a verb.
    pub help: &'static str,
}

const fn bind(
    scope: Scope,
    keys: &'static [Key],
    command: Command,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { scope, keys, command, label, help }
}

/// Every binding there is.
pub static BINDINGS: &[Binding] = &[
    bind(SignIn, &[Char('c')], Command::CopyCode, "copy code", "copy the code"),
    bind(SignIn, &[Char('u')], Command::CopyLink, "copy link", "copy the link"),
    bind(SignIn, &[Char('p')], Command::BareLink, "plain link", "show the link alone"),
    bind(SignIn, &[Char('o')], Command::OpenBrowser, "browser", "open a browser here"),
    bind(SignIn, &[Char('f')], Command::FullScreenQr, "big QR", "show the QR code big"),
    bind(SignIn, &[Char('i')], Command::InvertQr, "invert QR", "invert the QR code"),
    bind(SignIn, &[Char('+')], Command::BiggerQr, "bigger", "make the QR code bigger"),
    bind(SignIn, &[Char('-')], Command::SmallerQr, "smaller", "make the QR code smaller"),
    bind(SignIn, &[Char('s')], Command::SaveQrPng, "save QR", "save the QR code as PNG"),
    bind(SignIn, &[Char('v')], Command::SaveQrSvg, "save as SVG", "save the QR code as SVG"),
    bind(SignIn, &[Char('n')], Command::NewCode, "new code", "ask for a new code"),
    bind(SignIn, &[Char('y')], Command::DemoApprove, "approve", "approve (demo)"),
    bind(SignIn, &[Char('e')], Command::DemoApproveElsewhere, "approve in EU", "approve in EU (demo)"),
    bind(SignIn, &[Char('d')], Command::DemoDecline, "decline", "decline (demo)"),
    bind(SignIn, &[Key::Enter], Command::Choose, "go on", "go on; approved: ask now"),
    bind(SignIn, &[Key::Esc, Key::Backspace], Command::Back, "cancel", "cancel, go back"),
    bind(SignIn, &[Char('a')], Command::Api, "api", "api: try calls"),
    bind(SignIn, &[Char('x')], Command::Logout, "logout", "logout: revoke and forget"),
    bind(Profiles, &[Char('n')], Command::SignIn, "sign in", "sign in, or in again"),
    bind(Profiles, &[Char('r')], Command::Refresh, "refresh", "refresh the access token"),
    bind(Profiles, &[Char('v')], Command::Whoami, "whoami", "whoami: ask whose it is"),
    bind(Profiles, &[Char('a')], Command::Api, "api", "api: try calls"),
    bind(Profiles, &[Char('x')], Command::Logout, "logout", "logout: revoke and forget"),
    bind(Profiles, &[Char('t')], Command::RevealToken, "show token", "show the token for a moment"),
    bind(Profiles, &[Char('c')], Command::CopyToken, "copy token", "copy the token"),
    bind(Profiles, &[Key::Enter], Command::Choose, "details", "show all about the profile"),
    bind(Profiles, &[Char('/')], Command::Find, "filter", "filter by name or state"),
    bind(Profiles, &[Char('s')], Command::Sort, "sort", "sort by another column"),
    bind(Profiles, &[Char('S')], Command::ReverseSort, "turn around", "turn the order around"),
    bind(Profiles, &[Char('p'), Char('+')], Command::AddProfile, "add", "add a profile"),
    bind(Profiles, &[Char('i')], Command::Import, "import", "import a refresh token"),
    bind(Profiles, &[Char('e')], Command::EditProfile, "edit", "edit the profile"),
    bind(Profiles, &[Char('w')], Command::RenameProfile, "rename", "rename the profile"),
    bind(Profiles, &[Char('d'), Key::Delete], Command::RemoveProfile, "remove", "remove the profile (asks)"),
    bind(Profiles, &[Char('u')], Command::UseProfile, "use", "use where none is named"),
    bind(Welcome, &[Char('p'), Char('+')], Command::AddProfile, "add", "add a profile"),
    bind(Welcome, &[Char('d')], Command::Demo, "demo", "open the demo here"),
    bind(Welcome, &[Char('i')], Command::Import, "import", "import a refresh token"),
    bind(ProfileForm, &[Char(' ')], Command::Toggle, "tick", "tick or untick the scope"),
    bind(ProfileForm, &[Key::Enter], Command::Choose, "go on", "go on, choose the line"),
    bind(ProfileForm, &[Key::Esc], Command::Back, "back", "go back a step"),
    bind(Api, &[Char('f')], Command::Fix, "fix", "fix what made it fail"),
    bind(Api, &[Char('s')], Command::Send, "send", "send the request"),
    bind(Api, &[Char('e')], Command::Edit, "edit", "edit the request"),
    bind(Api, &[Char('v')], Command::NextView, "view", "view body, raw, headers"),
    bind(Api, &[Char(' ')], Command::Fold, "fold", "fold or unfold"),
    bind(Api, &[Char('z')], Command::FoldAll, "fold all", "fold everything"),
    bind(Api, &[Char('Z')], Command::UnfoldAll, "unfold all", "unfold everything"),
    bind(Api, &[Char('-')], Command::FoldMore, "fold more", "fold one level more"),
    bind(Api, &[Char('+')], Command::FoldLess, "fold less", "fold one level less"),
    bind(Api, &[Char('y')], Command::CopyAnswer, "copy", "copy the value at the cursor"),
    bind(Api, &[Char('p')], Command::CopyPath, "path", "copy the path to the value"),
    bind(Api, &[Char('u')], Command::CopyCurl, "curl", "copy as curl, token hidden"),
    bind(Api, &[Char('w')], Command::SaveAnswer, "save", "save the answer to a file"),
    bind(Api, &[Char('/')], Command::Find, "find", "find in the list or answer"),
    bind(Api, &[Char('n')], Command::FindNext, "next", "find the next match"),
    bind(Api, &[Char('N')], Command::FindPrevious, "previous", "find the match before"),
    bind(Api, &[Key::Left, Char('h')], Command::ScrollLeft, "left", "scroll left"),
    bind(Api, &[Key::Right, Char('l')], Command::ScrollRight, "right", "scroll right"),
    bind(Api, &[Char('r')], Command::History, "history", "show earlier answers"),
    bind(Typing, &[Key::Enter], Command::Choose, "go on", "go on, keep it, choose it"),
    bind(Typing, &[Key::Esc], Command::Back, "back", "go back, drop it"),
    bind(Typing, &[Key::Tab], Command::NextPane, "next field", "go to the next field"),
    bind(Typing, &[Key::BackTab], Command::PreviousPane, "field before", "go to the field before"),
    bind(Typing, &[Ctrl('s')], Command::SendForm, "send", "send what is typed"),
    bind(Typing, &[Key::Up, Ctrl('p')], Command::Up, "up", "move up"),
    bind(Typing, &[Key::Down, Ctrl('n')], Command::Down, "down", "move down"),
    bind(Typing, &[Key::PageUp], Command::PageUp, "page up", "move up a page"),
    bind(Typing, &[Key::PageDown], Command::PageDown, "page down", "move down a page"),
    bind(Question, &[Char('y')], Command::Yes, "yes", "answer yes"),
    bind(Question, &[Char('n'), Key::Esc], Command::No, "no", "answer no"),
    bind(Everywhere, &[Key::Up, Char('k')], Command::Up, "up", "move up"),
    bind(Everywhere, &[Key::Down, Char('j')], Command::Down, "down", "move down"),
    bind(Everywhere, &[Key::PageUp], Command::PageUp, "page up", "move up a page"),
    bind(Everywhere, &[Key::PageDown], Command::PageDown, "page down", "move down a page"),
    bind(Everywhere, &[Key::Home, Char('g')], Command::Home, "first", "move to the first"),
    bind(Everywhere, &[Key::End, Char('G')], Command::End, "last", "move to the last"),
    bind(Everywhere, &[Key::Tab], Command::NextPane, "pane", "go to the next pane"),
    bind(Everywhere, &[Key::BackTab], Command::PreviousPane, "pane back", "go to the pane before"),
    bind(Everywhere, &[Key::Enter], Command::Choose, "choose", "choose, go on"),
    bind(Everywhere, &[Char('?')], Command::Help, "help", "show the keys"),
    bind(Everywhere, &[Char(':'), Ctrl('p')], Command::Palette, "more", "find what can be done"),
    bind(Everywhere, &[Char('L')], Command::Log, "log", "show what has happened"),
    bind(Everywhere, &[Ctrl('t')], Command::NextTheme, "theme", "change the theme"),
    bind(Everywhere, &[Char('m')], Command::ToggleMouse, "mouse", "toggle the mouse"),
    bind(Everywhere, &[Key::Esc, Key::Backspace], Command::Back, "back", "go back"),
    bind(Everywhere, &[Char('q')], Command::Quit, "quit", "go back, or quit"),
    bind(Everywhere, &[Ctrl('l')], Command::Redraw, "redraw", "draw again"),
    bind(Everywhere, &[Ctrl('z')], Command::Suspend, "suspend", "suspend"),
    bind(Everywhere, &[Ctrl('c')], Command::LeaveNow, "leave", "leave at once"),
];

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
        let bound = |binding: &'static Binding| Bound { binding, keys: binding.keys.to_vec() };
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
    /// a command is taken from the one that had it. The problem is told in a sentence.
    pub fn configured(scopes: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> Result<Self, OddKey> {
        let mut keymap = Self::default();
        for (scope_name, commands) in scopes {
            let at = format!("screen.keys.{scope_name}");
            let scope: Scope = named(scope_name).ok_or_else(|| {
                let problem =
                    format!("`screen.keys` has `{scope_name}`, which is no screen; there are {}", config::key_tables());
                OddKey::below(&[scope_name], problem)
            })?;
            let mut given: Vec<Key> = Vec::new();
            for (command_name, labels) in commands {
                let odd = |problem| OddKey::below(&[scope_name, command_name], problem);
                let place = named(command_name)
                    .and_then(|command: Command| keymap.0.iter().position(|bound| bound.is_for(scope, command)))
                    .ok_or_else(|| {
                        odd(format!(
                            "`{at}` has `{command_name}`, which is no command of this screen; `docs/keys.md` lists them"
                        ))
                    })?;
                let keys = labels.iter().map(|label| {
                    Key::from_label(label).ok_or_else(|| odd(format!("`{at}.{command_name}`: {label:?} is no key")))
                });
                let keys = keys.collect::<Result<Vec<Key>, OddKey>>()?;
                let text = keys.iter().find(|key| scope == Typing && matches!(key, Char(_)));
                if let Some(key) = text {
                    return Err(odd(format!("`{at}.{command_name}`: {} is text there", key.label())));
                }
                let ways_out = keymap.keys(Everywhere, Command::LeaveNow);
                if let Some(key) = keys.iter().find(|key| scope != Everywhere && ways_out.contains(key)) {
                    return Err(odd(format!("`{at}.{command_name}`: {} always leaves", key.label())));
                }
                if let Some(key) = keys.iter().find(|key| given.contains(key)) {
                    let problem = format!("`{at}.{command_name}`: {} is given to another command already", key.label());
                    return Err(odd(problem));
                }
                given.extend(&keys);
                for other in keymap.0.iter_mut().filter(|bound| bound.binding.scope == scope) {
                    other.keys.retain(|key| !keys.contains(key));
                }
                keymap.0[place].keys = keys;
            }
        }
        // Nobody is locked in.
        match keymap.keys(Everywhere, Command::LeaveNow) {
            [] => {
                let problem = "`screen.keys.everywhere.leave-now` has no key, and nothing else always leaves";
                Err(OddKey::below(&["everywhere", "leave-now"], problem.to_owned()))
            }
            _ => Ok(keymap),
        }
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

/// A scope or command by the name that the configuration has for it.
fn named<'a, T: Deserialize<'a>>(name: &'a str) -> Option<T> {
    let name: StrDeserializer<'a, NameError> = name.into_deserializer();
    T::deserialize(name).ok()
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
        configured.map_err(|odd| odd.problem)
    }

    #[test]
    fn no_key_asks_for_two_things_in_one_scope() {
        for scope in Scope::ALL {
            let mut seen: HashMap<Key, Command> = HashMap::new();
            for binding in BINDINGS.iter().filter(|binding| binding.scope == scope) {
                for key in binding.keys {
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
        let written = BINDINGS.iter().flat_map(|binding| binding.keys).copied().chain(Key::NAMED);
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
    fn a_command_is_known_by_its_former_name_too() {
        for (former, command) in
            [("verify", Command::Whoami), ("sign-out", Command::Logout), ("open-api", Command::Api)]
        {
            let keymap = configured(&format!("[profiles]\n{former} = [\"Y\"]")).expect("valid");
            assert_eq!(keymap.command(Scope::Profiles, Key::Char('Y')), Some(command), "{former}");
        }
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
        ] {
            let problem = configured(text).expect_err(text);
            assert!(problem.contains(part), "{problem:?} lacks {part:?}");
        }
    }
}
