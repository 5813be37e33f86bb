//! What else people call a command, for finding it. Nothing is printed from here but by whoever looked for it.

use std::sync::LazyLock;

use super::Command;
use crate::tables::{Pairs, named};

static SYNONYMS: LazyLock<Vec<(Command, &str)>> =
    LazyLock::new(|| TEXT.iter().filter_map(|(command, words)| Some((named(command)?, words))).collect());

const TEXT: Pairs = Pairs(
    "sign-in         login, log in, sign in again, authorize
    refresh         mint, renew
    whoami          verify, check, account, who am i
    logout          log out, sign out, revoke, forget
    api             call, request
    demo            try, tour
    import          bring, refresh token, env file
    add-profile     new, create
    edit-profile    change, settings
    rename-profile  move
    use-profile     default
    remove-profile  delete
    new-code        renew, again
    reveal-token    reveal
    find            search, filter
    log             history, events
    next-theme      colors, colours, dark, light
    help            keys, shortcuts
    redraw          clear
    quit            exit
    leave-now       exit",
);

impl Command {
    /// Other words for the same, in lower case.
    pub fn synonyms(self) -> impl Iterator<Item = &'static str> {
        SYNONYMS.iter().filter(move |(command, _)| *command == self).flat_map(|(_, words)| words.split(", "))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_is_of_a_command() {
        assert_eq!(super::SYNONYMS.len(), super::TEXT.iter().count());
    }
}
