//! What else people call a command, for finding it. Nothing is printed from here but by whoever looked for it.

use super::Command;

impl Command {
    /// Other words for the same, in lower case.
    pub fn synonyms(self) -> &'static [&'static str] {
        match self {
            Command::SignIn => &["login", "log in", "sign in again", "authorize"],
            Command::Refresh => &["mint", "renew"],
            Command::Whoami => &["verify", "check", "account", "who am i"],
            Command::Logout => &["log out", "sign out", "revoke", "forget"],
            Command::Api => &["call", "request"],
            Command::Demo => &["try", "tour"],
            Command::Import => &["bring", "refresh token", "env file"],
            Command::AddProfile => &["new", "create"],
            Command::EditProfile => &["change", "settings"],
            Command::RenameProfile => &["move"],
            Command::UseProfile => &["default"],
            Command::RemoveProfile => &["delete"],
            Command::NewCode => &["renew", "again"],
            Command::RevealToken => &["reveal"],
            Command::Find => &["search", "filter"],
            Command::Log => &["history", "events"],
            Command::NextTheme => &["colors", "colours", "dark", "light"],
            Command::Help => &["keys", "shortcuts"],
            Command::Redraw => &["clear"],
            Command::Quit | Command::LeaveNow => &["exit"],
            _ => &[],
        }
    }
}
