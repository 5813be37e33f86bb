//! `demo`: the built-in accounts and API server, with the app on it or alone.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use url::Url;

use super::advice::run;
use super::context::Context;
use super::full_screen;
use crate::config::{Config, Profile, ProviderSource};
use crate::demo::{Addresses, DataCenterAddresses, Decision, Demo, Options};
use crate::error::{Code, Error};
use crate::files;
use crate::http::client::Client;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::Service;
use crate::storage::{self, KeyOptions, StoreAddress};
use crate::tui::{DemoDecision, Start};

/// What the throw-away profile asks for.
const SCOPES: [&str; 3] = ["AaaServer.profile.READ", "ZohoCRM.users.READ", "ZohoCRM.modules.READ"];

/// Try everything on a built-in accounts and API server
///
/// Nothing outside a temporary folder is touched.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login demo
  device-login demo --listen 192.168.1.20
  device-login demo --serve --port 9101")]
pub(super) struct DemoCommand {
    /// Run the server alone, and print its addresses and its client as one JSON line
    #[arg(long)]
    serve: bool,
    /// The port to listen at [default: any]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true, allow_negative_numbers = true)]
    port: u16,
    /// The address to listen at; other than loopback lets the whole network in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
}

#[derive(Serialize)]
struct ServeJson<'a> {
    schema_version: u32,
    #[serde(flatten)]
    addresses: &'a Addresses,
}

impl DemoCommand {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if let Some(lack) = full_screen::lack().filter(|_| !self.serve && !full_screen::wants_lines()) {
            return Err(Error::new(Code::Usage, "the demo needs a terminal")
                .because(lack)
                .advise(run("demo --serve") + " for its server alone"));
        }
        let options = Options { listen: self.listen, port: self.port, ..Options::default() };
        context.interrupts.block_on(async {
            let demo = Demo::start(options).await.map_err(|error| {
                Error::new(Code::Other, format!("the demo cannot listen at {} port {}", self.listen, self.port))
                    .because(error)
                    .advise("choose another `--port` or `--listen`")
            })?;
            if !self.serve {
                return play(context, demo).await;
            }
            context.output.json_line(&ServeJson { schema_version: 1, addresses: demo.addresses() })?;
            std::future::pending().await
        })
    }
}

/// Opens the app on a profile that ends with it.
async fn play(context: &Context, demo: Demo) -> Result<(), Error> {
    let failed =
        |error: anyhow::Error| Error::new(Code::Other, "the demo could not start").because(format!("{error:#}"));
    let home = TemporaryHome::create().context("no temporary folder could be made").map_err(failed)?;
    let (service, profile) = service_in(&home.0, demo.addresses()).await.map_err(failed)?;
    if full_screen::wants_lines() {
        context.output.say("The accounts and APIs of this demo are this program's own. Open its address in any browser of this machine.");
        let profile = service.config.profile(Some(&profile))?;
        return super::login::in_lines(context, &service, profile).await;
    }
    let start = Start::SignInThenProfiles { profile };
    let decide = move |user_code: &str, decision| {
        let decision = match decision {
            DemoDecision::Approve => Decision::Approve,
            DemoDecision::ApproveElsewhere => Decision::ApproveFromOtherDataCenter,
            DemoDecision::Decline => Decision::Decline,
        };
        demo.decide(user_code, decision)
    };
    let options = crate::tui::Options { demo: Some(Box::new(decide)), ..full_screen::options(context, start) };
    full_screen::show(context, |observer| Ok(service.observed_by(observer)), options).await.map(drop)
}

/// A service that knows the demo only, and takes nothing from the environment.
async fn service_in(home: &Path, addresses: &Addresses) -> anyhow::Result<(Service, ProfileName)> {
    let config_file = home.join("config.toml");
    let text = provider_text(addresses);
    let written = files::create_private(&config_file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.context("its configuration could not be written")?;
    let config = with_approval_page(Config::parse(&text, &config_file)?, addresses);
    let keys = KeyOptions { default_key_file: home.join("key"), ..KeyOptions::default() };
    let store = storage::open(&StoreAddress::File(home.join("state")), keys);
    let service = Service::new(config, store, Client::new(None), Box::new(|_| None)).acting_as("demo");
    let name: ProfileName = "demo".parse()?;
    let profile = Profile {
        data_center: Some("us".to_owned()),
        scopes: SCOPES.map(str::to_owned).to_vec(),
        ..Profile::new(name.clone(), "demo", &addresses.client_id)
    };
    let config = service.add_profile(&profile, Some(Secret::new(addresses.client_secret.clone()))).await?;
    Ok((service.with_config(with_approval_page(config, addresses)), name))
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

/// A folder of this user's own, removed when dropped.
struct TemporaryHome(PathBuf);

impl TemporaryHome {
    fn create() -> std::io::Result<Self> {
        let mut attempt = 0;
        loop {
            let path = std::env::temp_dir().join(format!("device-login-demo-{}-{attempt}", std::process::id()));
            // Fails where somebody else made it first, so it never belongs to anybody else.
            match files::private_directory().create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for TemporaryHome {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
