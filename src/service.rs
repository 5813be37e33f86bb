//! What the command line and the screens both do: sign in, keep tokens fresh, ask about them, use them.
//!
//! Here the sans-IO parts meet the store, the network and the clock. Nothing here prints or draws, and nothing waits for a
//! person except the sign-in, which reports by events.

mod account;
pub mod agent;
mod api;
mod discovery;
pub mod doctor;
mod driver;
mod due;
mod endpoints;
mod export;
mod failure;
mod grants;
mod import;
mod left_out;
mod login;
mod long;
mod machine;
mod past_calls;
mod profiles;
mod qr_file;
mod records;
mod reread;
mod revocation;
mod status;
mod store;
mod store_error;
mod test_calls;
mod token_file;
mod tokens;
mod typed_body;
mod unbroken;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use api::{Answer, Explained, OpenAnswer, paging, refusal_error};
pub use due::{Chance, due};
pub use endpoints::ChangedEndpoint;
pub use export::Exported;
pub use import::{EnvFile, Import};
pub use login::{
    ATTENDED_RENEWALS, Begin, Callback, CameBack, GivenUp, IDLE_TIME, IssuedCode, LOST_ANSWER, Pending, Presence,
    Renewal, Rest, RestReason, SignIn, SignInEvent, SignedIn, UNATTENDED_RENEWALS, Until, WebSignIn, check_way,
    sign_in_event,
};
pub use long::Long;
pub use machine::Machine;
pub use past_calls::{MOST_CALLS, call_again, reads_like_token, remembered};
pub use profiles::{ConfigurationChange, Consequence, LeftOver, ProfileDraft, consequences, is_other_client};
pub use qr_file::{QrFile, QrFormat};
pub use revocation::SignedOut;
pub use status::{Alarm, Budget, PendingCode, ProfileStatus, State, Verified};
pub use store::CopiedProfiles;
pub use test_calls::{TestCallEntry, TestCalls};
pub use token_file::TokenFile;
pub use tokens::ends::is_ahead;
pub use tokens::{DEFAULT_MIN_TTL, FreshToken, Freshness, Keeping, Renewed, not_refreshed};
pub use typed_body::{TypedBody, unreadable};
pub use unbroken::{StandStill, Unbroken};

use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use crate::config::variables::{secret_problem, unusable};
use crate::config::{self, Config, Profile, SecretSource};
use crate::error::{Advice, Code, Error, Way};
use crate::http::client::Observer;
use crate::http::{ProxyVariables, TlsCause, TransportFailure, client};
use crate::oauth::Client;
use crate::providers::{DataCenter, Provider};
use crate::secret::{Known, Secret, shown};
use crate::sorted;
use crate::storage::{Clocks, Grant, Record, Store};

/// Everything that an operation on a profile needs. Clones share it.
#[derive(Clone)]
pub struct Service {
    pub config: Arc<Config>,
    store: Store,
    http: Arc<client::Client>,
    variables: Arc<Variables>,
    unbroken: Unbroken,
    /// Which command this is, for the history of profiles.
    actor: Arc<str>,
    /// What was read for the statuses of this configuration.
    seen: Arc<status::SeenRecords>,
    /// In which words for people have their times. Asked for only then, since the system's zones are many files.
    pub zone: fn() -> TimeZone,
    /// How this configuration's file looked.
    last_look: Arc<reread::LastLook>,
    /// The directory for what is too long for the memory.
    scratch: Arc<Path>,
}

/// Reads environment variables that hold secrets, when they are needed.
pub type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The variable with a client secret that goes before those of the profiles.
const OWN_SECRET: &str = "DEVICE_LOGIN_CLIENT_SECRET";

impl Service {
    pub fn new(config: Config, store: Store, http: client::Client, variables: Variables) -> Self {
        let (config, http, variables) = (Arc::new(config), Arc::new(http), Arc::new(variables));
        let (unbroken, seen, last_look) = (Unbroken::default(), Arc::default(), Arc::default());
        let (actor, scratch) = (Arc::from(""), Arc::from(std::env::temp_dir()));
        let zone = || TimeZone::UTC;
        Self { config, store, http, variables, unbroken, actor, seen, zone, last_look, scratch }
    }

    /// The same service with another configuration, such as one to which a profile was added.
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Self { config: Arc::new(config), seen: Arc::default(), last_look: Arc::default(), ..self }
    }

    /// The same service for people in this zone.
    #[must_use]
    pub fn in_zone(self, zone: fn() -> TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// The same service, which keeps what is too long for the memory in this directory.
    #[must_use]
    pub fn with_scratch(self, directory: PathBuf) -> Self {
        Self { scratch: directory.into(), ..self }
    }

    /// The same service, whose doings the history of a profile tells under the name of this command.
    #[must_use]
    pub fn acting_as(self, actor: &str) -> Self {
        Self { actor: Arc::from(actor), ..self }
    }

    /// The same service, whose work that must not be cut short counts in `unbroken`.
    #[must_use]
    pub fn counted_in(self, unbroken: Unbroken) -> Self {
        Self { unbroken, ..self }
    }

    /// The same service, whose requests are told to `observer`, unless somebody is told of them already.
    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        self.http.observe(observer);
        self
    }

    /// What must not be cut short; a process that ends waits for it.
    pub fn unbroken(&self) -> &Unbroken {
        &self.unbroken
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    fn load(&self, profile: &Profile) -> Result<Option<Box<Record>>, Error> {
        Ok(self.store.load(&profile.name)?)
    }

    /// The client as the profile describes it, with its secrets: from the environment, a file, or the record. The last one
    /// goes only where it was given for, of the endpoints with these keys.
    fn client(
        &self,
        profile: &Profile,
        record: Option<&Record>,
        provider: &Provider,
        keys: &[&str],
    ) -> Result<Client, Error> {
        let given = self.secret_in(OWN_SECRET)?;
        let secret_variable = given.is_some().then_some(OWN_SECRET);
        let secret = match (given, &profile.client_secret) {
            (Some(secret), _) => Some(secret),
            (None, SecretSource::File(path)) => Some(config::read_secret_file(path)?),
            (None, SecretSource::Variable(name)) => Some(self.secret_in(name)?.ok_or_else(|| {
                Error::new(Code::Config, format!("the client secret of profile `{}` is missing", profile.name))
                    .because(format!("the variable `{name}` is not set"))
                    .advise("set it where this runs: a service or cron job has an environment of its own")
            })?),
            (None, SecretSource::Store) => {
                record.map(|record| self.stored_secret(profile, record, provider, keys)).transpose()?.flatten()
            }
        };
        let mut data_center_secrets = BTreeMap::new();
        for (code, path) in &profile.client_secret_files {
            data_center_secrets.insert(code.clone(), config::read_secret_file(path)?);
        }
        let mut authentication = provider.client_authentication.clone();
        // What worked at the sign-in works first.
        let learnt = record.and_then(|record| record.grant.as_ref()).and_then(|grant| grant.client_authentication);
        sorted::by_key(&mut authentication, |way| Some(*way) != learnt);
        let tokens = record.into_iter().flat_map(Record::tokens).cloned().collect();
        let client = Client::new(&profile.client_id, secret);
        Ok(Client { secret_variable, data_center_secrets, tokens, authentication, ..client })
    }

    /// What no server may repeat where it is shown or kept: the client's secrets and these tokens. What cannot be read was
    /// not sent either, and is left out.
    async fn known_secrets<'a>(&self, profile: &Profile, tokens: impl IntoIterator<Item = &'a Secret>) -> Known {
        let (profile, tokens) = (profile.clone(), tokens.into_iter().cloned().collect());
        self.aside(move |service| {
            let read = |path: &Path| config::read_secret_file(path).ok();
            let variable = |name: &str| service.secret_in(name).ok().flatten();
            let named = match &profile.client_secret {
                SecretSource::File(path) => read(path),
                SecretSource::Variable(name) => variable(name),
                SecretSource::Store => None,
            };
            let stored = || service.load(&profile).ok().flatten().and_then(|record| record.client_secret);
            let secret = variable(OWN_SECRET).or(named).or_else(stored);
            let others = profile.client_secret_files.iter();
            let data_center_secrets = others.filter_map(|(code, path)| Some((code.clone(), read(path)?))).collect();
            Client { data_center_secrets, tokens, ..Client::new(&profile.client_id, secret) }.known([])
        })
        .await
    }

    /// The client secret in a variable, without blanks around it, as in a file.
    fn secret_in(&self, name: &str) -> Result<Option<Secret>, Error> {
        let value = Zeroizing::new((self.variables)(name).unwrap_or_default());
        match secret_problem(&value) {
            Some(problem) => Err(unusable(name, problem)),
            None => Ok(Some(value.trim()).filter(|secret| !secret.is_empty()).map(Secret::new)),
        }
    }

    /// The secret that the record keeps, unless the configuration has come to mean another client or another server.
    fn stored_secret(
        &self,
        profile: &Profile,
        record: &Record,
        provider: &Provider,
        keys: &[&str],
    ) -> Result<Option<Secret>, Error> {
        let Some(secret) = &record.client_secret else { return Ok(None) };
        let now = self.config.provider(profile)?.identity();
        let kept_for = record.client_secret_for.as_deref().unwrap_or(&now);
        let message = format!("the client secret that the store has for profile `{}` is not used", profile.name);
        if profile.has_client(&record.provider, &record.client_id) {
            self.check_client_endpoints(profile, record, provider, keys, &message)?;
            if kept_for == now {
                return Ok(Some(secret.clone()));
            }
        }
        Err(Error::new(Code::Config, message)
            .because(format!(
                "it was given for the client `{}` at {kept_for}, and the configuration says `{}` at {now}",
                record.client_id, profile.client_id
            ))
            .advise("undo the change")
            .advise(Advice::AcceptEndpoints(profile.name.clone()).after("or if it is right, "))
            .advise(endpoints::give_secret_again(&profile.name)))
    }
}

/// The data center at which a profile's client is registered.
fn home_data_center<'a>(profile: &Profile, provider: &'a Provider) -> Result<&'a DataCenter, Error> {
    let Some(code) = &profile.data_center else { return Ok(provider.default_data_center()) };
    provider.data_center_called(code).ok_or_else(|| {
        let codes: Vec<&str> = provider.data_centers.iter().map(|data_center| data_center.code.as_str()).collect();
        let hint = if codes == [""] {
            "it has none: leave the data center out".to_owned()
        } else {
            format!("it has: {}", codes.join(", "))
        };
        let message = format!(
            "profile `{}` names the data center `{}`, which {} does not have",
            profile.name,
            shown(code),
            provider.name
        );
        Error::new(Code::Config, message).advise(hint)
    })
}

/// The data center that issued a grant, which alone refreshes and revokes it.
///
/// Where the configuration has come to mean another server under the same name, the grant is not taken there.
fn issuing_data_center<'a>(profile: &Profile, provider: &'a Provider, grant: &Grant) -> Result<&'a DataCenter, Error> {
    data_center_of_issuer(profile, provider, &grant.data_center, &grant.issuer)
}

/// The data center with this code, if it still is the issuer.
fn data_center_of_issuer<'a>(
    profile: &Profile,
    provider: &'a Provider,
    code: &str,
    issuer: &str,
) -> Result<&'a DataCenter, Error> {
    let Some(data_center) = provider.data_center(code) else {
        let message = format!("provider `{}` has no data center `{code}`", provider.name);
        return Err(Error::new(Code::Config, message).advise("add it to the provider in the configuration"));
    };
    if data_center.accounts_server.as_str() == issuer {
        return Ok(data_center);
    }
    let message = format!("the grant was issued by {issuer}");
    Err(Error::new(Code::Config, message)
        .because(format!("provider `{}` is {} now", provider.name, data_center.accounts_server))
        .advise_all(endpoints::what_helps(&profile.name)))
}

/// The provider did not answer.
fn transport_error(what: &str, failure: &TransportFailure) -> Error {
    let (code, hint) = match failure {
        TransportFailure::Setup(_) => {
            (Code::Config, "correct it, or leave it out; `docs/configuration.md` tells what can be given")
        }
        TransportFailure::Body(_) => (Code::Other, "check the file and call again; the API may have got a part of it"),
        TransportFailure::Tls(_, tls) => (Code::Network, tls_advice(tls.cause)),
        TransportFailure::TooLarge(..) => {
            (Code::UntrustedAnswer, "check the address; if it is right, tell the provider")
        }
        TransportFailure::Proxy(.., ProxyVariables { named_by, exempted_by }) => {
            let hint = format!("check `{named_by}`, or exempt the host in `{exempted_by}`; nothing was lost");
            return Error::new(Code::Network, what).because(failure).advise(hint);
        }
        // The server may have acted, and what it answered is lost.
        lost if lost.is_answer_lost() => (Code::Network, "check the network and try again"),
        _ => (Code::Network, "check the network and try again; nothing was lost"),
    };
    Error::new(code, what).because(failure).advise(hint)
}

fn tls_advice(cause: TlsCause) -> &'static str {
    match cause {
        TlsCause::Clock => "check this machine's clock; where it is right, the server wants a new certificate",
        TlsCause::Address => "check the address",
        TlsCause::Authority => {
            "name the certificate of a private authority, or of a proxy that reads along, by `--ca-cert`"
        }
        TlsCause::Port => "check the address and its port, where plain HTTP may be spoken",
        TlsCause::OwnCertificate => {
            "ask who runs it for an address that wants none, or go through a program that sends one, such as stunnel"
        }
        TlsCause::Server => "check the address; where it is right, tell who runs the server, or the proxy before it",
        TlsCause::Connection => "try again; check the address, and the proxy where there is one",
    }
}

impl Service {
    /// There is no grant to work with in what is kept of a profile.
    fn not_signed_in(&self, profile: &Profile, record: Option<&Record>) -> Error {
        let error = Error::new(Code::SignInNeeded, format!("profile `{}` is not signed in", profile.name));
        let pending = record.and_then(|record| record.pending.as_ref());
        if let Some(lost) = pending.and_then(|pending| self.lost_approval(&profile.name, &pending.id)) {
            return error.because(format!("it {lost}")).advise(Advice::SignIn(profile.name.clone()));
        }
        if let Some(lost) = self.store.lost(&profile.name).filter(|_| record.is_none()) {
            return error.because(lost).advise(lost.advice(&profile.name));
        }
        if pending.is_some_and(|pending| !pending.left(&Clocks::now()).is_zero()) {
            let resume = Advice::SignInBy(profile.name.clone(), Way::Resume);
            return error.because("a code for it waits for approval").advise(resume.and(" to go on with that"));
        }
        error.advise(Advice::SignIn(profile.name.clone()))
    }
}
