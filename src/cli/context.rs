//! What a command runs in: the global options, the environment, and the parts that are made of them when needed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use super::advice::Program;
use super::commands::{self, AskedCommand};
use super::output::Output;
use super::own_places::OwnPlaces;
use super::runtime::Interrupts;
use super::{ColorWhen, Global, Positional, words};
use crate::child;
use crate::clock;
use crate::config::variables::{self, Reader};
use crate::config::{self, Config, Environment, NamedBy, Places};
use crate::error::{Advice, Code, Error};
use crate::files::{self, Trouble};
use crate::http::client::{Client, Observer, check_authority};
use crate::profile::ProfileName;
use crate::service::doctor::{Patient, Setting, Subject};
use crate::service::{Service, Unbroken};
use crate::storage::{self, KeyCommand, KeyOptions, Store, StoreAddress};

/// The frame of one command.
pub(super) struct Context {
    pub(super) output: Output,
    pub(super) interrupts: Interrupts,
    global: Arc<Global>,
    /// The store, once it is opened.
    store: Arc<OnceLock<Store>>,
    /// The command makes the configuration where there is none.
    makes_config: bool,
    /// What the history of a profile says who did something.
    actor: Arc<str>,
    /// The profile that was asked for last is the one of `DEVICE_LOGIN_PROFILE`.
    is_named_by_variable: AtomicBool,
}

impl Context {
    /// For this command; without one it is the full screen.
    pub(super) fn new(global: Global, command: Option<&AskedCommand>) -> Self {
        let (global, store) = (Arc::new(global), Arc::default());
        let program = Program::called(Arc::clone(&global), Arc::clone(&store));
        Self {
            output: Output::new(global.color, global.quiet, false).of(program),
            interrupts: Interrupts::default(),
            global,
            store,
            makes_config: command.is_some_and(|command| command.makes_config),
            actor: Arc::from(command.map_or("full screen", |command| command.name)),
            is_named_by_variable: AtomicBool::default(),
        }
    }

    pub(super) fn color(&self) -> ColorWhen {
        self.global.color
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.global.quiet
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.global.verbose
    }

    /// Refuses a file of `--ca-cert` that cannot be used, whether or not the command comes to need it.
    pub(super) fn check_ca_cert(&self) -> Result<(), Error> {
        let Some(file) = &self.global.ca_cert else { return Ok(()) };
        let unusable = || Error::new(Code::Usage, "`--ca-cert` cannot be used");
        if let Err(error) = files::expanded(file).metadata() {
            let trouble = Trouble::from(error);
            let cause = format!("{}: {}", file.display(), trouble.cause(file));
            return Err(unusable().because(cause).advise(trouble.advice()));
        }
        let help = "name a file with certificates of authorities, as PEM";
        check_authority(file).map_err(|problem| unusable().because(problem).advise(help))
    }

    /// Tells an error and turns the end of a command into its exit code.
    pub(super) fn exit_code(&self, result: Result<u8, Error>) -> u8 {
        if let Some(store) = self.store.get() {
            self.output.warn(&store.found_damaged());
        }
        result.unwrap_or_else(|error| self.failed(error))
    }

    #[cold]
    fn failed(&self, error: Error) -> u8 {
        let error = self.telling_place(self.of_what_exists(error));
        self.output.error(&error);
        match self.interrupts.signal() {
            Some(signal) if error.code == Code::Interrupted => 128 + signal,
            _ => error.code.exit_code(),
        }
    }

    /// Who wants to change or see what is there is not helped by one that is not.
    fn of_what_exists(&self, mut error: Error) -> Error {
        let needs_it = ["profile", "logout", "status", "refresh"].contains(&&*self.actor);
        if error.code != Code::UnknownProfile || !needs_it {
            return error;
        }
        error.advice.retain(|advice| !advice.adds_profile());
        if error.advice.is_empty() {
            return error.advise(Advice::AddProfile(None).after("there is none yet: to make one, "));
        }
        error
    }

    /// Where a profile was looked for: services and `sudo` have homes of their own. Where a name is near to one that was typed,
    /// that is the place which was meant.
    pub(super) fn telling_place(&self, error: Error) -> Error {
        let environment = Environment(&variable);
        let is_misspelt = error.advice.iter().any(|advice| matches!(advice, Advice::Meant(_)));
        let is_by_variable = self.is_named_by_variable.load(Ordering::Relaxed);
        if error.code != Code::UnknownProfile || !error.sources.is_empty() || (is_misspelt && !is_by_variable) {
            return error;
        }
        let Ok(places) = self.global.places() else { return error };
        let namer = if is_by_variable { "`DEVICE_LOGIN_PROFILE` names it; " } else { "" };
        error.because(format!("{namer}{}", places.in_words(environment)))
    }

    /// The parts that every operation on a profile needs. Opens no connection and asks nobody.
    pub(super) fn service(&self) -> Result<Service, Error> {
        self.service_about(None)
    }

    /// The same for a script that wants a token of one profile, the default one where none is named, and nothing else.
    pub(super) fn service_for(&self, name: Option<&ProfileName>) -> Result<Service, Error> {
        self.service_with(client(&self.global, self.interrupts.unbroken()), |file| Config::load_for(file, name))
    }

    /// The same for who shows or changes one profile, where one is named, and looks at no other. All of the configuration is
    /// checked.
    pub(super) fn service_about(&self, name: Option<&ProfileName>) -> Result<Service, Error> {
        let load = |file: &Path| name.map_or_else(|| Config::load(file), |name| Config::load_keeping(file, name));
        self.service_with(client(&self.global, self.interrupts.unbroken()), load)
    }

    /// The same for who names another default profile.
    pub(super) fn service_without_default(&self) -> Result<Service, Error> {
        self.service_with(client(&self.global, self.interrupts.unbroken()), Config::load_without_default)
    }

    /// Makes such services of which nothing stays in memory once they are dropped.
    pub(super) fn passing_services(&self) -> impl Fn(Option<&ProfileName>) -> Result<Service, Error> + Send + 'static {
        let (global, makes_config) = (self.global.clone(), self.makes_config);
        let (unbroken, actor) = (self.interrupts.unbroken().clone(), self.actor.clone());
        move |name| {
            let load = |file: &Path| Config::load_for(file, name);
            let service = make_service(&global, &OnceLock::new(), makes_config, client(&global, &unbroken), load)?;
            Ok(service.acting_as(&actor).counted_in(unbroken.clone()))
        }
    }

    /// The same as [`Self::service`] for the full screen, which no line on stderr may disturb.
    pub(super) fn silent_service(&self) -> Result<Service, Error> {
        self.service_with(Client::new(self.global.ca_cert.clone()), Config::load)
    }

    /// The same, made when the screen is there already.
    pub(super) fn silent_service_later(&self) -> impl FnOnce(Observer) -> Result<Service, Error> + Send + 'static {
        let (global, store, makes_config) = (self.global.clone(), self.store.clone(), self.makes_config);
        let (unbroken, actor) = (self.interrupts.unbroken().clone(), self.actor.clone());
        move |observer| {
            let client = Client::new(global.ca_cert.clone()).observed_by(observer);
            let service = make_service(&global, &store, makes_config, client, Config::load)?;
            Ok(service.acting_as(&actor).counted_in(unbroken))
        }
    }

    /// The same with whatever can be had of it, for `doctor`: what is broken is part of the answer.
    pub(super) fn patient(&self, positional: &Positional) -> Patient {
        let environment = Environment(&variable);
        let mut problems = Vec::new();
        let mut note = |subject, error: Error| problems.push((subject, error));
        if let Err(error) = variables::check(Reader::Everything, &|name| std::env::var_os(name)) {
            note(Subject::Variable, error);
        }
        let places = self.global.places();
        let config = places.clone().and_then(|places| Config::load(&places.config_file));
        let config = config.map_err(|error| note(Subject::Configuration, error)).ok();
        // One that cannot be read may name another store, or another key.
        let read = places.as_ref().ok().zip(config.as_ref());
        let opened = read.and_then(|(places, config)| {
            let address = store_address(&self.global, config, places, environment);
            let address = address.map_err(|error| note(Subject::Store, error)).ok()?;
            Some((self.store.get_or_init(|| open_store(&address, config, places)).clone(), address.to_string()))
        });
        let profile = self.profile_name(positional).unwrap_or_else(|error| {
            note(Subject::Profile, error);
            None
        });
        let settings = self.settings(read, opened.as_ref().map(|(_, address)| address.as_str()));
        let store =
            opened.map_or_else(|| storage::open(&StoreAddress::Memory, KeyOptions::default()), |(store, _)| store);
        let client = client(&self.global, self.interrupts.unbroken()).noting_certificates();
        let service = Service::new(config.unwrap_or_default(), store, client, Box::new(variable)).in_zone(clock::zone);
        Patient {
            service,
            places,
            problems,
            profile,
            settings,
            ca_certificate: self.global.ca_cert.clone(),
            is_agent: commands::are_of_agent,
        }
    }

    /// What was decided, and by what; the configuration where it was read.
    fn settings(&self, read: Option<(&Places, &Config)>, store: Option<&str>) -> Vec<Setting> {
        let mut settings = Vec::new();
        if let Some((places, config)) = read {
            let profiles = words::counted(config.profiles.len() as u64, "profile");
            let value = places.in_words(Environment(&variable));
            settings.push(Setting { what: Subject::Configuration, value, by: profiles });
            if let Some(store) = store {
                let by = self.store_named_by(config).to_string();
                settings.push(Setting { what: Subject::Store, value: store.to_owned(), by });
            }
        }
        let of_config = read.and_then(|(_, config)| config.default_profile.clone());
        // Where the variable cannot be used, no profile is meant, which is told as a problem.
        if let Some(name) = self.flagged_profile().map_or(None, |flagged| flagged.or(of_config)) {
            let unread = Config::default();
            let config = read.map_or(&unread, |(_, config)| config);
            let by = self.profile_named_by(&Positional { name: None }, config).to_string();
            settings.push(Setting { what: Subject::Profile, value: format!("`{name}` where none is named"), by });
        }
        settings
    }

    fn service_with(
        &self,
        client: Client,
        load: impl FnOnce(&Path) -> Result<Config, Error>,
    ) -> Result<Service, Error> {
        let service = make_service(&self.global, &self.store, self.makes_config, client, load)?;
        Ok(service.acting_as(&self.actor).counted_in(self.interrupts.unbroken().clone()))
    }

    /// Where this program looks for its files.
    pub(super) fn places(&self) -> Result<Places, Error> {
        variables::check(Reader::Everything, &|name| std::env::var_os(name))?;
        self.global.places()
    }

    /// Why the configuration is where it is, in words.
    pub(super) fn why_there(places: &Places) -> String {
        places.in_words(Environment(&variable))
    }

    /// A configuration that somebody names has to be there.
    pub(super) fn check_config_is_there(&self, places: &Places) -> Result<(), Error> {
        check_config_is_there(&self.global, places, Environment(&variable))
    }

    /// The store's address without a password, and what names it.
    pub(super) fn store_place(&self, config: &Config) -> Result<(String, NamedBy), Error> {
        let environment = Environment(&variable);
        let places = self.global.places()?;
        let address = store_address(&self.global, config, &places, environment)?;
        Ok((address.to_string(), self.store_named_by(config)))
    }

    /// The flag, the variable or the key that names the store.
    fn store_named_by(&self, config: &Config) -> NamedBy {
        if self.global.store.is_some() {
            NamedBy::Flag("--store")
        } else if Environment(&variable).var("DEVICE_LOGIN_STORE").is_some() {
            NamedBy::Variable("DEVICE_LOGIN_STORE")
        } else if config.store.url_file.is_some() {
            NamedBy::Key("store_url_file")
        } else if config.store.address.is_some() {
            NamedBy::Key("store")
        } else {
            NamedBy::Default
        }
    }

    /// Where this program keeps its own files.
    pub(super) fn own_places(&self, config: &Config) -> Result<OwnPlaces, Error> {
        let environment = Environment(&variable);
        let places = self.global.places()?;
        let key = places.key_options(environment).key_file;
        let store = store_address(&self.global, config, &places, environment)?;
        Ok(OwnPlaces::of(places, key, store.directory()))
    }

    /// Another store than the one in use, and its address without a password.
    pub(super) fn other_store(&self, address: StoreAddress) -> Result<(Store, String), Error> {
        let places = self.global.places()?;
        let config = Config::load(&places.config_file)?;
        let (address, in_full) = (absolute(address.clone()), absolute(address).in_full());
        let address = completed(address, &places)?;
        Ok((open_store(&address, &config, &places), in_full))
    }

    /// The profile that is named: beside the command, by the flag, or by the environment.
    pub(super) fn profile_name(&self, positional: &Positional) -> Result<Option<ProfileName>, Error> {
        let flag = self.global.profile.as_ref();
        match (&positional.name, flag) {
            (Some(name), Some(flag)) if name != flag => {
                Err(Error::new(Code::Usage, format!("both `{name}` and `-p {flag}` name a profile"))
                    .advise("name it once"))
            }
            (Some(name), _) | (None, Some(name)) => Ok(Some(name.clone())),
            (None, None) => {
                let name = profile_from_environment()?;
                self.is_named_by_variable.store(name.is_some(), Ordering::Relaxed);
                Ok(name)
            }
        }
    }

    /// What names the profile that is meant.
    pub(super) fn profile_named_by(&self, positional: &Positional, config: &Config) -> NamedBy {
        if positional.name.is_some() {
            NamedBy::Argument
        } else if self.global.profile.is_some() {
            NamedBy::Flag("--profile")
        } else if Environment(&variable).var("DEVICE_LOGIN_PROFILE").is_some() {
            NamedBy::Variable("DEVICE_LOGIN_PROFILE")
        } else if config.default_profile.is_some() {
            NamedBy::Key("default_profile")
        } else {
            NamedBy::Only
        }
    }

    /// The profile that is named by the flag alone.
    pub(super) fn flag(&self) -> Option<&ProfileName> {
        self.global.profile.as_ref()
    }

    /// The profile that is named by the flag or the environment, for commands that take none beside them.
    pub(super) fn flagged_profile(&self) -> Result<Option<ProfileName>, Error> {
        self.profile_name(&Positional { name: None })
    }
}

/// The store that is named: by the flag, by the environment, by the configuration, or the default.
fn store_address(
    global: &Global,
    config: &Config,
    places: &Places,
    environment: Environment<'_>,
) -> Result<StoreAddress, Error> {
    let address = match (&global.store, environment.var("DEVICE_LOGIN_STORE").map(Zeroizing::new)) {
        (Some(address), _) => config::store_in_argument("`--store`", address)?,
        (None, Some(address)) => config::store_in_variable(&address)?,
        (None, None) => config.store.named()?.unwrap_or_else(|| StoreAddress::File(places.state_dir.clone())),
    };
    completed(address, places)
}

/// The address with what the environment says of databases.
fn completed(address: StoreAddress, places: &Places) -> Result<StoreAddress, Error> {
    if address.is_database() {
        variables::check(Reader::Database, &|name| std::env::var_os(name))?;
    }
    Ok(address.completed_by(&variable, &places.state_dir))
}

/// Who makes requests, and tells them where that is wanted.
fn client(global: &Global, unbroken: &Unbroken) -> Client {
    let client = Client::new(global.ca_cert.clone());
    if !global.verbose {
        return client;
    }
    let unbroken = unbroken.clone();
    client.observed_by(Box::new(move |exchange| {
        let line = exchange.to_string();
        // An answer that comes once is kept first: stderr may take nothing for now.
        unbroken.afterwards(move || Output::new(ColorWhen::Never, false, false).say(&line));
    }))
}

/// Reads the configuration and opens the store, which `opened` keeps.
fn make_service(
    global: &Global,
    opened: &OnceLock<Store>,
    makes_config: bool,
    client: Client,
    load: impl FnOnce(&Path) -> Result<Config, Error>,
) -> Result<Service, Error> {
    variables::check(Reader::Everything, &|name| std::env::var_os(name))?;
    let environment = Environment(&variable);
    let places = global.places()?;
    if !makes_config {
        check_config_is_there(global, &places, environment)?;
    }
    let config = load(&places.config_file)?;
    let address = store_address(global, &config, &places, environment)?;
    let store = opened.get_or_init(|| open_store(&address, &config, &places)).clone();
    let service = Service::new(config, store, client, Box::new(variable)).in_zone(clock::zone);
    Ok(service.with_scratch(places.spare_dir.clone()))
}

/// A configuration that a flag or a variable names has to be there.
fn check_config_is_there(global: &Global, places: &Places, environment: Environment<'_>) -> Result<(), Error> {
    let is_named = global.config.is_some() || environment.var("DEVICE_LOGIN_CONFIG").is_some();
    // What cannot be looked at is told by whoever reads it.
    if !is_named || places.config_file.try_exists().unwrap_or(true) {
        return Ok(());
    }
    Err(Error::new(Code::Config, format!("there is no configuration {}", places.config_file.display()))
        .advise("check `--config` and `DEVICE_LOGIN_CONFIG`")
        .advise(Advice::AddProfile(None).and(" to make one")))
}

/// Opens the store at an address. Asks and touches nothing.
fn open_store(address: &StoreAddress, config: &Config, places: &Places) -> Store {
    let environment = Environment(&variable);
    let (command, judged) = (key_command(config), config.judged.clone());
    let keys = KeyOptions { command, judged, ..places.key_options(environment) };
    let (elsewhere, with_keys) = (places.clone(), keys.clone());
    let opener = move |address: &str| {
        let address = StoreAddress::parse(address)?.completed_by(&variable, &elsewhere.state_dir);
        Ok(storage::open_with_spare(&address, with_keys.clone(), Some(elsewhere.spare_dir.clone())))
    };
    let store = storage::open_with_spare(address, keys, Some(places.spare_dir.clone()));
    store.with_copies(places.state_dir.join("copies"), config.store.cache).reaching(Arc::new(opener))
}

/// The same address for processes that run elsewhere.
fn absolute(address: StoreAddress) -> StoreAddress {
    if let StoreAddress::File(directory) = address {
        StoreAddress::File(files::absolute(&directory))
    } else if let StoreAddress::Plain(directory) = address {
        StoreAddress::Plain(files::absolute(&directory))
    } else {
        address
    }
}

/// The program that prints the store's key.
fn key_command(config: &Config) -> Option<KeyCommand> {
    let (program, arguments) = config.key_command.as_ref()?.split_first()?;
    let mut command = child::command(files::expanded(program.as_ref()), config);
    command.args(arguments);
    Some(KeyCommand::new(command))
}

fn profile_from_environment() -> Result<Option<ProfileName>, Error> {
    let name = Environment(&variable).var("DEVICE_LOGIN_PROFILE");
    let invalid = |_| variables::unusable("DEVICE_LOGIN_PROFILE", "it is no name that a profile can have");
    name.map(|name| name.parse().map_err(invalid)).transpose()
}

/// Reads a variable of this process, with U+FFFD for what is not UTF-8; `variables::check` has refused those of which that
/// would be wrong.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
