//! Zoho: its data centers and how its accounts servers deviate from the RFCs.
//!
//! Sources are Zoho's pages "Initiation request", "Polling request", "Multi DC" and "Refresh access token" below
//! <https://www.zoho.com/accounts/protocol/oauth/>, and its official SDKs.

use std::time::Duration;

use url::Url;

use super::granted::ScopeNames;
use super::{
    AccountFields, ClientAuthentication, DataCenter, Dialect, Endpoints, GrantLimit, Intervals, MintLimit, PollError,
    Provider, Revocation, RevocationEnds, Rotation, answers, explained,
};
use crate::tables::Pairs;

/// How Zoho's accounts servers speak.
pub static DIALECT: Dialect = Dialect {
    display_name: "Zoho",
    // Without `offline` there is no refresh token; without `consent` only the first sign-in brings one.
    device_request: &[("grant_type", "device_request"), ("access_type", "offline"), ("prompt", "consent")],
    // The page "Initiation request" names no secret among the parameters.
    authenticates_device_request: false,
    // `invalid_client` means another data center far more often than another way to authenticate.
    client_authentication: &[ClientAuthentication::Body],
    device_grant_type: "device_token",
    device_code_parameter: "code",
    scope_separator: ",",
    scope_names: ScopeNames::PLAIN,
    data_center_aliases: Pairs(
        "usa us
        europe eu
        india in
        australia au
        japan jp
        canada ca
        ksa sa
        gb uk
        uae ae
        china cn",
    ),
    needs_scope: true,
    // Both pages, "Polling request" and "Access token request", have it among what is mandatory.
    needs_secret: true,
    client_ids_are_words: true,
    authorization_request: &[("access_type", "offline"), ("prompt", "consent")],
    authorization_request_by_scope: &[],
    callback_location: &["location"],
    callback_accounts_server: Some("accounts-server"),
    // The documentation's spelling is `verification_url`, beside `verification_uri_complete`.
    verification_uri_fields: &["verification_url", "verification_uri"],
    verification_uri_complete_fields: &["verification_uri_complete", "verification_url_complete"],
    verification_on_any_host: false,
    // Zoho's documentation promises no address in the answer.
    verification_path: Some("/oauth/v3/device"),
    intervals: Intervals {
        default: Duration::from_secs(5),
        shortest: Duration::from_secs(5),
        longest: Duration::from_secs(60),
        default_lifetime: Duration::from_secs(300),
        longest_lifetime: Duration::from_secs(30 * 60),
    },
    interval_milliseconds_from: Some(1_000),
    lifetime_milliseconds_from: Some(10_000),
    token_life_milliseconds_from: Some(86_401),
    poll_errors: &[
        ("authorization_pending", PollError::Pending),
        ("slow_down", PollError::SlowDown),
        ("other_dc", PollError::Relocated),
        ("access_denied", PollError::Denied),
        ("expired", PollError::Expired),
        ("expired_token", PollError::Expired),
    ],
    refresh_refusals: &["invalid_code", "invalid_grant"],
    refresh_refusals_by_sentence: &[],
    client_refusals: &[],
    location_fields: &["user_location", "dc", "location", "user_dc"],
    failure_status_is_throttle: true,
    throttle_pause: Duration::from_secs(10 * 60),
    mint_limit: Some(MintLimit { tokens: 10, window: Duration::from_secs(10 * 60) }),
    grant_limit: Some(GrantLimit { grants: 20, warn_from: 15 }),
    rotation: Rotation::None,
    revoked_status: Some("success"),
    revocation_ends: RevocationEnds::ThatGrant,
    account_fields: AccountFields { id: &["ZUID"], email: &["Email"], name: &["Display_Name"] },
    api_scheme: "Zoho-oauthtoken",
    api: &answers::zoho::DIALECT,
    git_username: None,
    variable_prefix: Some("ZOHO"),
    has_products: true,
    default_scope: "AaaServer.profile.READ",
    scopes: Pairs(""),
    registration: "register a client of the type \"Non-browser application\" in the API console of the data center",
    web_registration: "register a self client, or a server-based or mobile-based application, in the API console of the data \
                       center",
    code_by_hand: "In the API console, open the self client and generate a code.",
    error_words: &[explained::ZOHO, explained::RFC],
    removal_by_hand: Some("Sessions > Connected Apps"),
};

/// Code, domain, and what people call the place.
const DATA_CENTERS: Pairs = Pairs(
    "us zoho.com     United States
    eu zoho.eu      Europe
    in zoho.in      India
    au zoho.com.au  Australia
    jp zoho.jp      Japan
    ca zohocloud.ca Canada
    sa zoho.sa      Saudi Arabia
    uk zoho.uk      United Kingdom
    ae zoho.ae      United Arab Emirates
    sg zoho.sg      Singapore
    cn zoho.com.cn  China",
);

/// The code of the data center that is meant where a profile names none.
pub const HOME: &str = "us";

/// The domain of one of Zoho's own data centers, which its accounts server and its products share.
fn domain(code: &str) -> Option<&'static str> {
    DATA_CENTERS.of(code)?.split(' ').next()
}

fn accounts_server_of(domain: &str) -> Url {
    built_in(&format!("https://accounts.{domain}"))
}

/// The APIs have a domain of their own, with the ending of the data center's: `zohoapis.ca` beside `zohocloud.ca`.
fn gateway_of(domain: &str) -> String {
    let ending = domain.split_once('.').map_or(domain, |(_, ending)| ending);
    format!("https://www.zohoapis.{ending}")
}

/// Zoho itself, under the name `zoho`.
pub fn provider() -> Provider {
    let data_centers = DATA_CENTERS.iter().filter_map(|(code, about)| {
        let (domain, _) = about.split_once(' ')?;
        let data_center = data_center(code, &accounts_server_of(domain), &built_in(&gateway_of(domain)));
        let hosts = file_hosts(&gateway_of(domain), domain);
        let further_hosts = data_center.environments.iter().cloned().chain(hosts).collect();
        Some(DataCenter { product_domain: Some(domain.to_owned()), further_hosts, ..data_center })
    });
    provider_at("zoho", data_centers.collect())
}

/// The gateways of the environments that a person may choose at the approval, beside production.
fn environments(gateway: &str) -> [String; 2] {
    ["sandbox.", "developer."].map(|environment| gateway.replacen("www.", environment, 1))
}

/// Where files come from and go to. The official SDKs have `content.` beside each gateway, in Canada and Saudi Arabia one of
/// the others; WorkDrive has `download.` and `upload.`.
fn file_hosts(gateway: &str, products: &str) -> Vec<Url> {
    let content = built_in(&gateway.replacen("www.", "content.", 1));
    let hosts = ["download", "upload", "files"].map(|host| built_in(&format!("https://{host}.{products}")));
    std::iter::once(content).chain(hosts).collect()
}

/// What people call the place that a data center's code stands for.
pub fn place(code: &str) -> Option<&'static str> {
    DATA_CENTERS.of(&code.to_ascii_lowercase())?.split_once(' ').map(|(_, place)| place.trim_ascii())
}

/// Where clients are registered for one of Zoho's own data centers.
pub fn api_console(data_center: &DataCenter) -> Option<String> {
    data_center.product_domain.as_ref().map(|domain| format!("https://api-console.{domain}"))
}

/// A provider that speaks Zoho's dialect at these data centers.
pub fn provider_at(name: &str, data_centers: Vec<DataCenter>) -> Provider {
    Provider {
        name: name.to_owned(),
        dialect: &DIALECT,
        data_centers,
        client_authentication: DIALECT.client_authentication.to_vec(),
        parameters: Vec::new(),
    }
}

/// A data center that speaks Zoho's dialect at other addresses: a test server, or a proxy in front of Zoho.
///
/// Zoho's own addresses for the same code are accepted in its answers, since a proxy passes them on unchanged.
pub fn data_center(code: &str, accounts_server: &Url, api_domain: &Url) -> DataCenter {
    let code = code.to_ascii_lowercase();
    let zohos_own = domain(&code);
    let api_domain_aliases = zohos_own.map(|domain| {
        // Older pages of the documentation name `api.zoho.com` and the like.
        vec![built_in(&gateway_of(domain)), built_in(&format!("https://api.{domain}"))]
    });
    let environments =
        zohos_own.map(|domain| environments(&gateway_of(domain)).map(|address| built_in(&address)).to_vec());
    let verification_origins = zohos_own.map(|domain| vec![accounts_server_of(domain).origin()]);
    DataCenter {
        code,
        endpoints: endpoints(accounts_server),
        accounts_server: accounts_server.clone(),
        api_domain: Some(api_domain.clone()),
        product_domain: None,
        api_domain_aliases: api_domain_aliases.unwrap_or_default(),
        environments: environments.unwrap_or_default(),
        further_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        verification_origins: verification_origins.unwrap_or_default(),
    }
}

fn endpoints(accounts_server: &Url) -> Endpoints {
    let at = |path: &str| {
        let mut url = accounts_server.clone();
        url.set_path(path);
        url
    };
    Endpoints {
        device_authorization: Some(at("/oauth/v3/device/code")),
        authorization: Some(at("/oauth/v2/auth")),
        device_token: at("/oauth/v3/device/token"),
        token: at("/oauth/v2/token"),
        revocation: vec![
            Revocation {
                url: at("/oauth/v2/revoke/token"),
                client_authentication: Some(ClientAuthentication::Basic),
                type_parameter: Some("token_type"),
            },
            Revocation { url: at("/oauth/v2/token/revoke"), client_authentication: None, type_parameter: None },
        ],
        userinfo: Some(at("/oauth/user/info")),
        names_issuer: false,
        odd: Vec::new(),
        foreign: Vec::new(),
    }
}

fn built_in(address: &str) -> Url {
    Url::parse(address).expect("the table above holds addresses only")
}

#[cfg(test)]
mod tests {
    use super::{api_console, place, provider};

    #[test]
    fn every_data_center_has_a_place_and_a_console() {
        for data_center in provider().data_centers {
            assert!(place(&data_center.code).is_some(), "{}", data_center.code);
            let domain = data_center.product_domain.clone().expect("Zoho's own data centers have product hosts");
            assert_eq!(api_console(&data_center), Some(format!("https://api-console.{domain}")));
        }
    }

    #[test]
    fn data_centers_go_by_the_words_of_other_clients() {
        let zoho = provider();
        for (called, code) in [
            ("us", "us"),
            ("US", "us"),
            ("com", "us"),
            (".com", "us"),
            ("com.au", "au"),
            ("zoho.eu", "eu"),
            ("accounts.zoho.eu", "eu"),
            ("ACCOUNTS.ZOHO.EU", "eu"),
            (".in", "in"),
            ("https://accounts.zoho.jp", "jp"),
            ("https://accounts.zoho.jp/", "jp"),
            ("https://www.zohoapis.com.cn/crm", "cn"),
            ("zohoapis.eu", "eu"),
            ("zohocloud.ca", "ca"),
            ("www.zohoapis.ca", "ca"),
            ("com.cn", "cn"),
            ("India", "in"),
            ("gb", "uk"),
            (" uae ", "ae"),
        ] {
            assert_eq!(zoho.data_center_called(called).map(|found| found.code.as_str()), Some(code), "{called}");
        }
        for unknown in
            ["", ".", "xx", "zoho", "evil.example", "accounts.zoho.eu.evil.example", "https://", "zoho.com@x"]
        {
            assert!(zoho.data_center_called(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn files_and_environments_of_each_data_center_are_its_own() {
        let provider = provider();
        for (code, hosts) in [
            ("us", ["sandbox.zohoapis.com", "developer.zohoapis.com", "content.zohoapis.com", "download.zoho.com"]),
            ("au", ["sandbox.zohoapis.com.au", "developer.zohoapis.com.au", "upload.zoho.com.au", "desk.zoho.com.au"]),
            ("ca", ["sandbox.zohoapis.ca", "upload.zohocloud.ca", "download.zohocloud.ca", "books.zohocloud.ca"]),
            ("sa", ["sandbox.zohoapis.sa", "files.zoho.sa", "download.zoho.sa", "projects.zoho.sa"]),
            (
                "cn",
                ["sandbox.zohoapis.com.cn", "developer.zohoapis.com.cn", "content.zohoapis.com.cn", "mail.zoho.com.cn"],
            ),
        ] {
            for data_center in &provider.data_centers {
                let origins: Vec<_> = data_center.origins().iter().map(url::Origin::ascii_serialization).collect();
                for host in hosts {
                    let is_its_own = origins.contains(&format!("https://{host}"));
                    assert_eq!(is_its_own, data_center.code == code, "{host} in {}", data_center.code);
                }
            }
        }
        let zoho = provider.clone();
        for data_center in provider.data_centers {
            let gateway = data_center.api_domain.as_ref().and_then(url::Url::host_str).expect("a host");
            let named: Vec<_> = data_center.environments.iter().filter_map(url::Url::host_str).collect();
            assert!(
                data_center
                    .environments
                    .iter()
                    .all(|url| data_center.is_environment(&url.origin().ascii_serialization()))
            );
            for environment in &data_center.environments {
                let of_it = zoho.data_center_of_api(environment.as_str()).map(|found| found.code.as_str());
                assert_eq!(of_it, Some(data_center.code.as_str()));
            }
            assert!(!data_center.is_environment(data_center.api_domain.as_ref().map_or("", url::Url::as_str)));
            assert_eq!(named, ["sandbox", "developer"].map(|environment| gateway.replacen("www", environment, 1)));
        }
    }

    #[test]
    fn every_data_center_keeps_to_its_own_domain() {
        for data_center in provider().data_centers {
            let domain = data_center.product_domain.clone().expect("Zoho's own data centers have product hosts");
            assert!(data_center.accounts_server.host_str().is_some_and(|host| host.ends_with(&domain)));
            assert!(data_center.origins().len() > 3, "{}", data_center.code);
        }
    }
}
