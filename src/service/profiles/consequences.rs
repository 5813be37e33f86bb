//! What a change of a profile means for its sign-in, which the command and the form tell in words of their own.

use crate::config::{Config, Profile};
use crate::providers::catalog;

/// What somebody who is signed in should hear before a profile is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The grant belongs to a client of the old provider, and does not go on.
    OtherProvider,
    /// The grant belongs to the old client, and does not go on.
    OtherClient,
    /// What was granted does not cover all that the profile asks for from now on.
    NewScopes,
    /// The grant stays where it was issued until the next sign-in.
    OtherDataCenter,
}

/// What the change means for a sign-in with these scopes. Only a change has a consequence: a scope that was lacking before
/// is no news.
pub fn consequences(config: &Config, before: &Profile, after: &Profile, granted: &[String]) -> Vec<Consequence> {
    if is_other_client(before, after) {
        let is_other_provider = before.provider != after.provider;
        return vec![if is_other_provider { Consequence::OtherProvider } else { Consequence::OtherClient }];
    }
    let lacks_scope = || after.scopes.iter().any(|scope| !catalog::covers(granted, scope));
    let asks_for_more = before.scopes != after.scopes && lacks_scope();
    let moves = config.data_center_code(before) != config.data_center_code(after);
    let each = [(asks_for_more, Consequence::NewScopes), (moves, Consequence::OtherDataCenter)];
    each.into_iter().filter_map(|(is_so, consequence)| is_so.then_some(consequence)).collect()
}

/// What a profile keeps belongs to a client that it will not have any more.
pub fn is_other_client(before: &Profile, after: &Profile) -> bool {
    !after.has_client(&before.provider, &before.client_id)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Consequence, consequences};
    use crate::config::{ClientType, Config, Profile};

    fn found(granted: &[&str], change: impl FnOnce(&mut Profile)) -> Vec<Consequence> {
        let text = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"Desk.basic.READ\"]\n";
        let config = Config::parse(text, Path::new("config.toml")).expect("valid");
        let before = config.profile(None).expect("the only one");
        let mut after = before.clone();
        change(&mut after);
        let granted: Vec<String> = granted.iter().map(|scope| (*scope).to_owned()).collect();
        consequences(&config, before, &after, &granted)
    }

    #[test]
    fn what_was_lacking_before_is_no_consequence() {
        assert_eq!(found(&[], |_| {}), []);
        assert_eq!(found(&[], |after| after.client_type = ClientType::SelfClient), []);
    }

    #[test]
    fn scopes_count_that_were_not_granted() {
        let add = |after: &mut Profile| after.scopes.push("ZohoCRM.users.READ".to_owned());
        assert_eq!(found(&["Desk.basic.READ"], add), [Consequence::NewScopes]);
        assert_eq!(found(&["Desk.basic.READ", "ZohoCRM.users.READ"], add), []);
        assert_eq!(found(&[], |after| after.scopes.clear()), []);
    }

    #[test]
    fn the_home_data_center_by_its_name_is_the_same_as_none() {
        let moved = |code: &str| found(&["Desk.basic.READ"], |after| after.data_center = Some(code.to_owned()));
        assert_eq!(moved("us"), []);
        assert_eq!(moved("eu"), [Consequence::OtherDataCenter]);
    }

    #[test]
    fn another_client_is_all_there_is_to_tell() {
        let change = |after: &mut Profile| {
            after.client_id = "1000.B".to_owned();
            after.data_center = Some("eu".to_owned());
        };
        assert_eq!(found(&[], change), [Consequence::OtherClient]);
        assert_eq!(found(&[], |after| after.provider = "github".to_owned()), [Consequence::OtherProvider]);
    }
}
