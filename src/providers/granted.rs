//! Which scopes an answer grants, where servers name others than were asked for.

use super::catalog;
use crate::tables::{Pairs, Words};

/// What a server's answer leaves out or writes otherwise.
#[derive(Debug, PartialEq, Eq)]
pub struct ScopeNames {
    /// Granted by the refresh token itself, so that answers need not name it.
    pub of_refresh_token: Words,
    /// What scopes may begin with, and mean the same without.
    pub prefix: &'static str,
    /// What else grants a scope: the one that was asked for, and one that answers have for it.
    pub others: Pairs,
}

impl ScopeNames {
    /// The names of RFC 6749 and OpenID Connect.
    pub const PLAIN: Self = Self { of_refresh_token: Words("offline_access"), prefix: "", others: Pairs("") };

    /// Tells whether `granted`, with or without a refresh token, has what `wanted` stands for.
    pub fn grant(&self, granted: &[String], has_refresh_token: bool, wanted: &str) -> bool {
        let means = |granted: &String| {
            self.is_same(granted, wanted)
                || self.others.iter().any(|(asked, given)| asked == self.bare(wanted) && self.is_same(granted, given))
        };
        (has_refresh_token && self.of_refresh_token.contains(wanted))
            || granted.iter().any(means)
            || catalog::covers(granted, wanted)
    }

    fn bare<'a>(&self, scope: &'a str) -> &'a str {
        scope.strip_prefix(self.prefix).unwrap_or(scope)
    }

    fn is_same(&self, granted: &str, wanted: &str) -> bool {
        self.bare(granted).eq_ignore_ascii_case(self.bare(wanted))
    }
}

#[cfg(test)]
mod tests {
    use crate::providers::presets::Preset;
    use crate::providers::{Dialect, standard, zoho};

    fn dialect(kind: &str) -> &'static Dialect {
        match kind {
            "zoho" => &zoho::DIALECT,
            "standard" => &standard::DIALECT,
            preset => Preset::of_kind(preset).expect("a preset").dialect,
        }
    }

    #[test]
    fn scopes_are_granted_under_the_names_that_servers_have_for_them() {
        let email = "https://www.googleapis.com/auth/userinfo.email";
        for (kind, wanted, granted, has_refresh_token, expected) in [
            ("zoho", "ZohoCRM.users.READ", "ZohoCRM.users.ALL", false, true),
            ("zoho", "Desk.basic.READ", "ZohoCRM.users.ALL", false, false),
            (
                "zoho",
                "Site24x7.Reports.All",
                "site24x7.reports.read Site24x7.Reports.CREATE Site24x7.reports.Update Site24x7.Reports.Delete",
                true,
                true,
            ),
            ("zoho", "ZohoCRM.users.ALL", "ZohoCRM.users.READ ZohoCRM.users.CREATE ZohoCRM.users.UPDATE", true, false),
            ("microsoft", "offline_access", "User.Read openid profile email", true, true),
            ("microsoft", "offline_access", "User.Read openid profile email", false, false),
            ("microsoft", "User.Read", "https://graph.microsoft.com/User.Read", false, true),
            ("microsoft", "https://graph.microsoft.com/user.read", "User.Read", false, true),
            ("microsoft", "https://vault.azure.net/user.read", "User.Read", false, false),
            ("microsoft", "Mail.Read", "User.Read", true, false),
            ("google", "email", email, false, true),
            ("google", "profile", email, false, false),
            ("google", email, "openid email", false, true),
            ("google", "openid", "openid", false, true),
            ("github", "user:email", "gist,user", false, true),
            ("github", "user", "user:email", false, false),
            ("keycloak", "offline_access", "openid", true, true),
            ("standard", "offline_access", "openid", true, true),
            ("standard", "email", email, true, false),
        ] {
            let granted: Vec<String> = granted.split([' ', ',']).map(str::to_owned).collect();
            let is_granted = dialect(kind).scope_names.grant(&granted, has_refresh_token, wanted);
            assert_eq!(is_granted, expected, "{kind}: {wanted} of {granted:?}");
        }
    }
}
