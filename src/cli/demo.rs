//! `demo`: the built-in accounts and API server, with the app on it or alone.

mod profiles;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::advice::Program;
use super::context::Context;
use super::{full_screen, terminal, words};
use crate::demo::{Addresses, Decision, Demo, Options};
use crate::error::{Code, Error};
use crate::files;
use crate::profile::ProfileName;
use crate::service::Service;
use crate::tui::{DemoDecision, Start};

/// Said to whoever leaves the demo, before the command that begins for real.
const PARTING: [&str; 2] = [
    "The demo had a sign-in by code, profiles in all their states, and APIs to call.",
    "Nothing of it was kept: server, profiles and tokens were this program's own.",
];

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
    #[arg(value_parser = words::parse_port)]
    port: u16,
    /// The address to listen at; other than loopback lets the whole network in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = words::parse_listen)]
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
        if let Some(lack) = terminal::lack().filter(|_| !self.serve && !terminal::wants_lines()) {
            return Err(Error::new(Code::Usage, "the demo needs a terminal")
                .because(lack)
                .advise(Program::default().run("demo --serve") + " for its server alone"));
        }
        let options = Options { listen: self.listen, port: self.port, ..Options::default() };
        if !self.serve {
            return play(context, options);
        }
        context.interrupts.block_on(async {
            let demo = start(options).await?;
            context.output.json_line(&ServeJson { schema_version: 1, addresses: demo.addresses() })?;
            std::future::pending().await
        })
    }
}

/// Opens the app on profiles that end with it, and says on leaving what that was.
fn play(context: &Context, options: Options) -> Result<(), Error> {
    let ended = context.interrupts.block_on(opened(context, options));
    if ended.as_ref().err().is_none_or(|error| error.code == Code::Interrupted) {
        for line in PARTING {
            context.output.say(line);
        }
        context
            .output
            .say(&format!("To begin for real, {}: a few questions, then a code.", Program::default().run("login")));
    }
    ended
}

async fn opened(context: &Context, options: Options) -> Result<(), Error> {
    let demo = start(options).await?;
    let failed =
        |error: anyhow::Error| Error::new(Code::Other, "the demo could not start").because(format!("{error:#}"));
    let home = TemporaryHome::create().map_err(|error| {
        let folder = std::env::temp_dir();
        Error::new(
            Code::Other,
            format!("the demo could not start: it makes a folder in {}, which failed", folder.display()),
        )
        .because(error)
        .advise("have `TMPDIR` name a directory in which this user may write")
    })?;
    let (service, profile) = profiles::service_in(&home.0, &demo).await.map_err(failed)?;
    if terminal::wants_lines() {
        context.output.say("The accounts and APIs of this demo are this program's own. Open its address in any browser of this machine.");
        let profile = service.config.profile(Some(&profile))?;
        let decide = move |user_code: &str, approves| {
            demo.decide(user_code, if approves { Decision::Approve } else { Decision::Decline })
        };
        super::login::in_lines(context, &service, profile, &decide).await
    } else {
        on_screens(context, service, profile, demo).await
    }
}

async fn on_screens(context: &Context, service: Service, profile: ProfileName, demo: Demo) -> Result<(), Error> {
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

/// Starts the demo for whoever came by the app, which opens again afterwards.
pub(super) fn run_here(context: &Context) -> Result<(), Error> {
    play(context, Options::default())
}

async fn start(options: Options) -> Result<Demo, Error> {
    let (listen, port) = (options.listen, options.port);
    Demo::start(options).await.map_err(|error| {
        Error::new(Code::Other, format!("the demo cannot listen at {listen} port {port}"))
            .because(error)
            .advise("choose another `--port` or `--listen`")
    })
}

/// A folder of this user's own, removed when dropped.
struct TemporaryHome(PathBuf);

impl TemporaryHome {
    fn create() -> std::io::Result<Self> {
        let mut attempt = 0;
        loop {
            let path = std::env::temp_dir().join(format!("device-login-demo-{}-{attempt}", std::process::id()));
            // Fails where somebody else made it first, so it never belongs to anybody else.
            match files::create_private_directory(&path) {
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
