//! Providers whose addresses and oddities are known, so that a host or a tenant is all that the configuration says.
//!
//! Sources are the providers' own pages: "Authorizing OAuth apps" (GitHub), "OAuth 2.0 for TV and Limited-Input Device
//! Applications" (Google), "OAuth 2.0 device authorization grant" (Microsoft identity platform), "OAuth 2.0 identity
//! provider API" (GitLab), "OpenID Connect & OAuth 2.0 API" (Okta), "Device Authorization Flow" (Auth0), "Securing
//! applications, OpenID Connect endpoints" (Keycloak).

use std::collections::BTreeMap;
use std::time::Duration;

use url::{Host, Url};

use super::granted::ScopeNames;
use super::standard::{RFC, StandardEndpoints, StandardServer};
use super::{
    AccountFields, ClientAuthentication, Dialect, GrantLimit, Intervals, PollError, Provider, RevocationEnds, Rotation,
    answers, explained,
};
use crate::tables::Pairs;
use crate::untrusted::check_address;

/// A provider with blanks to fill in.
#[derive(Debug, PartialEq)]
pub struct Preset {
    /// What `kind` says in the configuration; also the provider's name where no blank has to be filled in.
    pub kind: &'static str,
    pub dialect: &'static Dialect,
    pub parameters: &'static [Parameter],
    /// Where metadata is looked for; `None` where every address is known.
    issuer: Option<&'static str>,
    device_authorization: Option<&'static str>,
    authorization: Option<&'static str>,
    token: Option<&'static str>,
    revocation: Option<&'static str>,
    userinfo: Option<&'static str>,
    api_domain: Option<&'static str>,
}

/// A blank in a preset's addresses: `host`, `tenant` or `realm`.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    /// `None` where it has to be given.
    pub default: Option<&'static str>,
    /// What it looks like.
    pub example: &'static str,
}

/// All that there are.
pub static PRESETS: [Preset; 7] = [
    Preset {
        kind: "github",
        dialect: &GITHUB,
        parameters: &[],
        device_authorization: Some("https://github.com/login/device/code"),
        authorization: Some("https://github.com/login/oauth/authorize"),
        token: Some("https://github.com/login/oauth/access_token"),
        userinfo: Some("https://api.github.com/user"),
        api_domain: Some("https://api.github.com"),
        ..BLANK
    },
    Preset {
        kind: "google",
        dialect: &GOOGLE,
        parameters: &[],
        device_authorization: Some("https://oauth2.googleapis.com/device/code"),
        authorization: Some("https://accounts.google.com/o/oauth2/v2/auth"),
        token: Some("https://oauth2.googleapis.com/token"),
        revocation: Some("https://oauth2.googleapis.com/revoke"),
        userinfo: Some("https://openidconnect.googleapis.com/v1/userinfo"),
        api_domain: Some("https://www.googleapis.com"),
        ..BLANK
    },
    Preset {
        kind: "microsoft",
        dialect: &MICROSOFT,
        parameters: &[Parameter { name: "tenant", default: Some("common"), example: "contoso.onmicrosoft.com" }],
        device_authorization: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"),
        authorization: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"),
        token: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        userinfo: Some("https://graph.microsoft.com/oidc/userinfo"),
        api_domain: Some("https://graph.microsoft.com"),
        ..BLANK
    },
    Preset {
        kind: "gitlab",
        dialect: &GITLAB,
        parameters: &[Parameter { name: "host", default: Some("gitlab.com"), example: "gitlab.example.com" }],
        device_authorization: Some("{host}/oauth/authorize_device"),
        authorization: Some("{host}/oauth/authorize"),
        token: Some("{host}/oauth/token"),
        revocation: Some("{host}/oauth/revoke"),
        userinfo: Some("{host}/oauth/userinfo"),
        api_domain: Some("{host}"),
        ..BLANK
    },
    Preset {
        kind: "okta",
        dialect: &OKTA,
        // A custom authorization server has a path: `example.okta.com/oauth2/default`.
        parameters: &[Parameter { name: "host", default: None, example: "example.okta.com" }],
        issuer: Some("{host}"),
        ..BLANK
    },
    Preset {
        kind: "auth0",
        dialect: &AUTH0,
        parameters: &[Parameter { name: "host", default: None, example: "example.eu.auth0.com" }],
        device_authorization: Some("{host}/oauth/device/code"),
        authorization: Some("{host}/authorize"),
        token: Some("{host}/oauth/token"),
        revocation: Some("{host}/oauth/revoke"),
        userinfo: Some("{host}/userinfo"),
        ..BLANK
    },
    Preset {
        kind: "keycloak",
        dialect: &KEYCLOAK,
        parameters: &[
            Parameter { name: "host", default: None, example: "id.example.com" },
            Parameter { name: "realm", default: None, example: "main" },
        ],
        device_authorization: Some("{host}/realms/{realm}/protocol/openid-connect/auth/device"),
        authorization: Some("{host}/realms/{realm}/protocol/openid-connect/auth"),
        token: Some("{host}/realms/{realm}/protocol/openid-connect/token"),
        revocation: Some("{host}/realms/{realm}/protocol/openid-connect/revoke"),
        userinfo: Some("{host}/realms/{realm}/protocol/openid-connect/userinfo"),
        ..BLANK
    },
];

const BLANK: Preset = Preset {
    kind: "",
    dialect: &GITHUB,
    parameters: &[],
    issuer: None,
    device_authorization: None,
    authorization: None,
    token: None,
    revocation: None,
    userinfo: None,
    api_domain: None,
};

static GITHUB: Dialect = Dialect {
    display_name: "GitHub",
    // "Authenticating as a GitHub App installation", which its server takes for tokens of people as well.
    git_username: Some("x-access-token"),
    api: &answers::GITHUB,
    // The device flow asks for no secret, and GitHub takes one in the body only.
    authenticates_device_request: false,
    client_authentication: &[ClientAuthentication::Body],
    refresh_refusals: &["bad_refresh_token", "invalid_grant"],
    // "Scopes for OAuth apps", normalized scopes: an answer names the widest one alone.
    scope_names: ScopeNames {
        others: Pairs(
            "read:user user
            user:email user
            user:follow user
            repo:status repo
            repo_deployment repo
            public_repo repo
            repo:invite repo
            security_events repo
            write:org admin:org
            read:org admin:org
            read:org write:org
            read:packages write:packages
            read:project project",
        ),
        ..ScopeNames::PLAIN
    },
    rotation: Rotation::Strict,
    default_scope: "read:user",
    // "Scopes for OAuth apps", available scopes.
    scopes: Pairs(
        "read:user read your profile
        user:email read your email addresses
        read:org read your organizations and teams
        public_repo read and change public repositories
        repo read and change all your repositories
        workflow change the workflows of your repositories
        gist change your gists
        notifications read and change your notifications
        read:packages read packages",
    ),
    error_words: &[explained::GITHUB, explained::GITHUB_ALONE, explained::RFC],
    removal_by_hand: Some("Settings > Applications"),
    registration: "register an OAuth app or a GitHub App in GitHub's developer settings, and tick \"Enable Device Flow\"",
    ..RFC
};

static GOOGLE: Dialect = Dialect {
    display_name: "Google",
    api: &answers::GOOGLE,
    authenticates_device_request: false,
    client_authentication: &[ClientAuthentication::Body],
    // "Sign-In on TVs and Limited Input Devices": a client id and a client secret are needed.
    needs_secret: true,
    // "OAuth 2.0 for TV and Limited-Input Device Applications", allowed scopes: the device flow takes no others.
    scopes: Pairs(
        "openid sign in with your account
        email see your email address
        profile see your name and picture
        https://www.googleapis.com/auth/drive.file read and change files of Drive that it opens or makes
        https://www.googleapis.com/auth/drive.appdata keep data of its own in Drive
        https://www.googleapis.com/auth/youtube read and change your YouTube account
        https://www.googleapis.com/auth/youtube.readonly read your YouTube account",
    ),
    // Without `offline` the browser's flow brings no refresh token; without `consent` only the first time.
    authorization_request: &[("access_type", "offline"), ("prompt", "consent")],
    // "OAuth 2.0 Scopes for Google APIs": answers have the long names of OpenID Connect's scopes.
    scope_names: ScopeNames {
        others: Pairs(
            "email https://www.googleapis.com/auth/userinfo.email
            profile https://www.googleapis.com/auth/userinfo.profile
            https://www.googleapis.com/auth/userinfo.email email
            https://www.googleapis.com/auth/userinfo.profile profile",
        ),
        ..ScopeNames::PLAIN
    },
    rotation: Rotation::None,
    // "Using OAuth 2.0 for web server applications", revoking a token: all that the person granted to the project ends.
    revocation_ends: RevocationEnds::AllOfThePerson,
    // "Using OAuth 2.0 to access Google APIs", refresh token expiration.
    grant_limit: Some(GrantLimit { grants: 100, warn_from: 95 }),
    error_words: &[explained::GOOGLE, explained::RFC],
    removal_by_hand: Some("Security > Third-party connections"),
    registration: "register a client of the type \"TVs and Limited Input devices\" in the Google Cloud console",
    ..RFC
};

static MICROSOFT: Dialect = Dialect {
    display_name: "Microsoft",
    api: &answers::MICROSOFT,
    authenticates_device_request: false,
    client_authentication: &[ClientAuthentication::Body],
    poll_errors: &[
        ("authorization_pending", PollError::Pending),
        ("slow_down", PollError::SlowDown),
        ("authorization_declined", PollError::Denied),
        ("access_denied", PollError::Denied),
        ("expired_token", PollError::Expired),
    ],
    refresh_refusals: &["invalid_grant", "interaction_required", "consent_required"],
    // "Microsoft Graph permissions reference", besides those of OpenID Connect.
    scopes: Pairs(
        "openid sign in with your account
        email see your email address
        profile see your name and picture
        offline_access stay signed in
        User.Read read your profile
        Mail.Read read your mail
        Mail.Send send mail as you
        Calendars.Read read your calendars
        Files.Read read your files",
    ),
    // "Scopes and permissions in the Microsoft identity platform": those without a resource are Graph's.
    scope_names: ScopeNames { prefix: "https://graph.microsoft.com/", ..ScopeNames::PLAIN },
    // It gives refresh tokens for the scope alone, and asks for an administrator's consent where users may give none.
    authorization_request_by_scope: &[],
    // An administrator of any tenant can put any address into `email`, and none of them is marked as verified.
    account_fields: AccountFields { email: &[], ..RFC.account_fields },
    rotation: Rotation::Grace,
    error_words: &[explained::MICROSOFT, explained::RFC],
    registration: "register an application in Microsoft Entra and allow public client flows",
    ..RFC
};

static GITLAB: Dialect = Dialect {
    display_name: "GitLab",
    // "OAuth 2.0 identity provider API", access Git over HTTPS with an access token.
    git_username: Some("oauth2"),
    rotation: Rotation::Strict,
    default_scope: "read_user",
    // "OAuth 2.0 identity provider API" and "Configure GitLab as an OAuth 2.0 provider", authorized scopes.
    scopes: Pairs(
        "read_user read your profile
        read_api read all that you may read
        api do all that you may do
        read_repository read repositories
        write_repository read and change repositories
        read_registry read container images
        openid sign in with your account
        email see your email address
        profile see your name and groups",
    ),
    error_words: &[explained::GITLAB, explained::RFC],
    registration: "register an application in GitLab's user settings, Applications",
    ..RFC
};

static OKTA: Dialect = Dialect {
    display_name: "Okta",
    registration: "register a native application in Okta with the grant type \"Device Authorization\"",
    ..RFC
};

static AUTH0: Dialect = Dialect {
    display_name: "Auth0",
    registration: "register a native application in Auth0 with the grant type \"Device Code\"",
    ..RFC
};

static KEYCLOAK: Dialect = Dialect {
    display_name: "Keycloak",
    // A realm's codes live for ten minutes unless its administrator says otherwise.
    intervals: Intervals { default_lifetime: Duration::from_secs(600), ..RFC.intervals },
    registration: "register a client in the realm and switch on \"OAuth 2.0 Device Authorization Grant\"",
    ..RFC
};

/// Why the blanks of a preset make no server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// The blank, where it is one alone.
    pub parameter: Option<&'static str>,
    /// A clause behind its name, or behind that of the provider.
    pub problem: String,
}

impl Preset {
    /// The preset of this kind.
    pub fn of_kind(kind: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.kind == kind)
    }

    /// The provider under its own name, all blanks filled in with their defaults; `None` where one has none.
    pub fn provider(&self) -> Option<Provider> {
        let server = self.server(self.kind, &BTreeMap::new()).ok()?;
        server.provider(StandardEndpoints::default())
    }

    /// Nothing that comes behind the host is in its value already, as in an issuer or an endpoint that was pasted.
    fn check_addition(&self, value: &str, filled: String) -> Result<String, String> {
        let own = [self.device_authorization, self.authorization, self.token, self.revocation, self.userinfo];
        let behind = own.into_iter().flatten().filter_map(|address| address.strip_prefix("{host}/"));
        let mut first = behind.filter_map(|path| path.split('/').next()).chain([".well-known"]);
        // Behind the scheme and the host.
        let is_there = |part: &&str| filled.split('/').skip(3).any(|other| other == *part);
        match first.find(|part| self.issuer.is_none() && is_there(part)) {
            Some(part) => Err(format!("is {value:?}: `/{part}` and what follows is not to be in it")),
            None => Ok(filled),
        }
    }

    /// The server with its blanks filled in.
    ///
    /// # Errors
    ///
    /// Each parameter that is missing or cannot be used.
    pub fn server(&self, name: &str, given: &BTreeMap<&str, String>) -> Result<StandardServer, Vec<Unfilled>> {
        let (mut values, mut unfilled) = (Vec::new(), Vec::new());
        for Parameter { name, default, example } in self.parameters {
            let value = given.get(name).map(String::as_str).or(*default).filter(|value| !value.is_empty());
            let filled = value.ok_or_else(|| format!("is needed, such as {example}")).and_then(|value| {
                let filled = filled_in(name, value).and_then(|filled| self.check_addition(value, filled));
                filled.map_err(|what| format!("{what}; it reads like {example:?}"))
            });
            match filled {
                Ok(filled) => values.push((format!("{{{name}}}"), filled)),
                Err(problem) => unfilled.push(Unfilled { parameter: Some(name), problem }),
            }
        }
        if !unfilled.is_empty() {
            return Err(unfilled);
        }
        let fill_in = |template: &str| {
            values.iter().fold(template.to_owned(), |address, (blank, value)| address.replace(blank, value))
        };
        let address = |template: Option<&'static str>| {
            let parsed = template.map(|template| Url::parse(&fill_in(template))).transpose();
            let problem = || "has parameters that make no address".to_owned();
            parsed.map_err(|_| vec![Unfilled { parameter: None, problem: problem() }])
        };
        Ok(StandardServer {
            issuer: self.issuer.map(fill_in),
            endpoints: StandardEndpoints {
                device_authorization: address(self.device_authorization)?,
                authorization: address(self.authorization)?,
                token: address(self.token)?,
                revocation: address(self.revocation)?,
                userinfo: address(self.userinfo)?,
                ..StandardEndpoints::default()
            },
            api_domain: address(self.api_domain)?,
            ..StandardServer::new(name, self.dialect)
        })
    }
}

/// A host becomes an address without a slash at the end; it may be written as one. Other values are one part of a path.
fn filled_in(name: &str, value: &str) -> Result<String, String> {
    if name != "host" {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_part = value != "." && value != ".." && value.bytes().all(is_plain);
        let other = || format!("is {value:?}: only letters, digits, `-`, `_` and `.` may be in it");
        return if is_part { Ok(value.to_owned()) } else { Err(other()) };
    }
    let no_host = || format!("is {value:?}, which is no name of a host");
    let address = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
    let url = Url::parse(&address).map_err(|_| no_host())?;
    check_address(&url)?;
    if let Some(Host::Domain(host)) = url.host()
        && !is_host_name(host)
    {
        return Err(no_host());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {value:?}: no `?` or `#` may be in it"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Labels as names of hosts have them (RFC 1123 §2.1), and the underscore that internal ones have.
fn is_host_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| matches!(label.len(), 1..=63) && label.bytes().all(is_plain);
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PRESETS, Preset};

    fn server(kind: &str, given: &[(&'static str, &str)]) -> Result<super::StandardServer, Vec<super::Unfilled>> {
        let given: BTreeMap<_, _> = given.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Preset::of_kind(kind).expect("a preset").server("mine", &given)
    }

    #[test]
    fn examples_fill_in_every_blank() {
        for preset in &PRESETS {
            let given = preset.parameters.iter().map(|parameter| (parameter.name, parameter.example.to_owned()));
            let server = preset.server(preset.kind, &given.collect()).expect(preset.kind);
            let found = &server.endpoints;
            assert!(server.issuer.is_some() || found.suffice(), "{}", preset.kind);
            let addresses = [&server.issuer_url(), &found.device_authorization, &found.token, &found.userinfo];
            for address in addresses.into_iter().flatten() {
                assert!(address.scheme() == "https" && !address.as_str().contains(['{', '%']), "{address}");
            }
        }
    }

    #[test]
    fn only_presets_without_open_blanks_need_no_configuration() {
        let ready: Vec<_> =
            PRESETS.iter().filter(|preset| preset.provider().is_some()).map(|preset| preset.kind).collect();
        assert_eq!(ready, ["github", "google", "microsoft", "gitlab"]);
    }

    #[test]
    fn hosts_may_have_ports_and_paths() {
        for (host, expected) in [
            ("id.example.com", "https://id.example.com/realms/main/protocol/openid-connect/token"),
            (
                "https://id.example.com:8443/auth/",
                "https://id.example.com:8443/auth/realms/main/protocol/openid-connect/token",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/realms/main/protocol/openid-connect/token"),
        ] {
            let server = server("keycloak", &[("host", host), ("realm", "main")]).expect(host);
            assert_eq!(server.endpoints.token.expect("an endpoint").as_str(), expected);
        }
    }

    #[test]
    fn a_host_that_has_what_is_added_to_it_is_refused() {
        for (kind, host, part) in [
            ("keycloak", "https://id.example.com/realms/main", "`/realms`"),
            ("keycloak", "id.example.com/auth/realms/main/", "`/realms`"),
            ("keycloak", "https://id.example.com/.well-known/openid-configuration", "`/.well-known`"),
            ("gitlab", "https://gitlab.example.com/oauth/token", "`/oauth`"),
            ("gitlab", "https://gitlab.example.com/.well-known/openid-configuration", "`/.well-known`"),
            ("auth0", "https://example.eu.auth0.com/oauth/device/code", "`/oauth`"),
            ("auth0", "https://example.eu.auth0.com/authorize", "`/authorize`"),
            ("auth0", "https://example.eu.auth0.com/userinfo", "`/userinfo`"),
        ] {
            let unfilled = &server(kind, &[("host", host), ("realm", "main")]).expect_err(host)[0];
            assert!(unfilled.parameter == Some("host") && unfilled.problem.contains(part), "{unfilled:?}");
        }
        for (kind, host) in [
            ("gitlab", "https://example.com/gitlab"),
            ("keycloak", "realms.example.com/auth"),
            ("okta", "example.okta.com/oauth2/default"),
            ("auth0", "oauth"),
        ] {
            server(kind, &[("host", host), ("realm", "main")]).expect(host);
        }
    }

    #[test]
    fn parameters_that_would_change_the_address_are_refused() {
        for (kind, given) in [
            ("okta", vec![]),
            ("okta", vec![("host", "")]),
            ("okta", vec![("host", "http://example.okta.com")]),
            ("okta", vec![("host", "user@example.okta.com")]),
            ("okta", vec![("host", "example.okta.com/?x")]),
            ("okta", vec![("host", "javascript://x")]),
            ("okta", vec![("host", "a..example.com")]),
            ("okta", vec![("host", "git,lab.example.com")]),
            ("okta", vec![("host", "*.okta.com")]),
            ("keycloak", vec![("host", "id.example.com")]),
            ("keycloak", vec![("host", "id.example.com"), ("realm", "..")]),
            ("keycloak", vec![("host", "id.example.com"), ("realm", "a/b")]),
            ("microsoft", vec![("tenant", "a?b")]),
        ] {
            assert!(server(kind, &given).is_err(), "{kind} {given:?}");
        }
    }
}
