//! The demo's profiles: one to sign in with, and one in each state that a profile comes to.
//!
//! All of it really happens at the demo's server before the screens open: tokens are minted, one for a few minutes and one for a
//! second, and one is refused. So every clock shows what is, and every key does what it does elsewhere.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use crate::clock;
use crate::config::{Config, Profile, ProviderSource};
use crate::demo::{Addresses, DataCenterAddresses, Decision, Demo};
use crate::files;
use crate::http::client::Client;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{Freshness, Import, Service, SignIn};
use crate::storage::{self, KeyOptions, StoreAddress};

/// What the profiles ask for. The API has a call that takes another scope.
const SCOPES: [&str; 3] = ["AaaServer.profile.READ", "ZohoCRM.users.READ", "ZohoCRM.modules.READ"];
/// The profile to sign in with.
const TO_SIGN_IN: &str = "work";

/// What became of a profile before.
#[derive(Clone, Copy)]
enum Past {
    Nothing,
    /// Signed in, with an access token that lives for so long.
    SignedIn(Decision, Duration),
    /// The same, and then the grant was ended at the provider.
    Ended(Decision),
}

const PROFILES: [(&str, Past); 5] = [
    (TO_SIGN_IN, Past::Nothing),
    ("lobby", Past::SignedIn(Decision::ApproveFromOtherDataCenter, Duration::from_secs(4 * 60))),
    ("reports", Past::SignedIn(Decision::Approve, Duration::from_secs(1))),
    ("archive", Past::Ended(Decision::Approve)),
    ("new", Past::Nothing),
];

/// A service that knows the demo only, and takes nothing from the environment; with the profile to sign in with.
pub(super) async fn service_in(home: &Path, demo: &Demo) -> anyhow::Result<(Service, ProfileName)> {
    let addresses = demo.addresses();
    let config_file = home.join("config.toml");
    let text = provider_text(addresses);
    let written = files::create_private(&config_file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.context("its configuration could not be written")?;
    let config = with_approval_page(Config::parse(&text, &config_file)?, addresses);
    let keys = KeyOptions { default_key_file: home.join("key"), ..KeyOptions::default() };
    let store = storage::open(&StoreAddress::File(home.join("state")), keys);
    let mut service =
        Service::new(config, store, Client::new(None), Box::new(|_| None)).in_zone(clock::zone).acting_as("demo");
    for (name, past) in PROFILES {
        let profile = Profile {
            data_center: Some("us".to_owned()),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            ..Profile::new(name.parse()?, "demo", &addresses.client_id)
        };
        let config = service.add_profile(&profile, Some(Secret::new(addresses.client_secret.clone()))).await?;
        service = service.with_config(with_approval_page(config, addresses));
        match past {
            Past::Nothing => {}
            Past::SignedIn(decision, lifetime) => drop(sign_in(&service, demo, &profile, decision, lifetime).await?),
            Past::Ended(decision) => {
                let refresh_token = sign_in(&service, demo, &profile, decision, Duration::from_secs(1)).await?;
                demo.end(decision, &refresh_token);
                // Refused, which is what it is for.
                let _ = service.token(&profile, Freshness::Forced).await;
            }
        }
    }
    Ok((service, TO_SIGN_IN.parse()?))
}

/// Brings a refresh token in, as if it came from elsewhere.
async fn sign_in(
    service: &Service,
    demo: &Demo,
    profile: &Profile,
    decision: Decision,
    lifetime: Duration,
) -> anyhow::Result<String> {
    let refresh_token = demo.grant(decision, &SCOPES, lifetime).context("its server gave no refresh token")?;
    let data_centers = &demo.addresses().data_centers;
    let home = if decision == Decision::Approve { &data_centers.us } else { &data_centers.eu };
    let import = Import::into_profile(profile, Secret::new(refresh_token.clone()));
    let import = Import { api_domain: Some(home.api_domain.clone()), ..import };
    service.import(import, SignIn::default()).await?;
    Ok(refresh_token)
}

/// Takes the page from the address at which a phone reaches it, which no configuration file could say: it is plain `http`.
fn with_approval_page(mut config: Config, addresses: &Addresses) -> Config {
    let page = Url::parse(&addresses.approval_page).map(|page| page.origin());
    if let (Some(ProviderSource::Configured(demo)), Ok(page)) = (config.providers.get_mut("demo"), page) {
        demo.data_centers.iter_mut().for_each(|data_center| data_center.verification_origins.push(page.clone()));
    }
    config
}

/// Zoho's dialect at the demo's addresses.
fn provider_text(addresses: &Addresses) -> String {
    let data_center = |code: &str, at: &DataCenterAddresses| {
        let DataCenterAddresses { accounts_server, api_domain } = at;
        format!(
            "[providers.demo.data_centers.{code}]\naccounts_server = \"{accounts_server}\"\napi_domain = \"{api_domain}\"\n"
        )
    };
    let (us, eu) = (data_center("us", &addresses.data_centers.us), data_center("eu", &addresses.data_centers.eu));
    format!("[providers.demo]\nkind = \"zoho\"\n{us}{eu}")
}
