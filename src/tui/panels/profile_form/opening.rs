//! The beginning of the form: what it is opened for, with the values that there are.

use super::hidden::Hidden;
use super::scopes::Picker;
use super::steps::Step;
use super::{Draft, ProfileForm, Purpose, offers};
use crate::config::{ClientType, Config, Profile};
use crate::profile::ProfileName;
use crate::registered::RedirectUri;
use crate::service::{ProfileStatus, State};
use crate::tui::panel::FormFor;
use crate::tui::surroundings::Surroundings;
use crate::tui::widgets::field::Field;

impl ProfileForm {
    /// The form for a purpose; `None` for a profile that is not configured any more.
    pub fn open(purpose: FormFor, statuses: &[ProfileStatus], around: &Surroundings) -> Option<Self> {
        let config = &around.config;
        let mut form = match purpose {
            FormFor::Add(name) => Self::to_be_named(Purpose::Add, name.as_ref(), config),
            FormFor::SignIn(name) => {
                let form = Self::to_be_named(Purpose::Add, name.as_ref(), config);
                Self { is_for_sign_in: true, ..form }
            }
            FormFor::Import(name) => Self::to_be_named(Purpose::Import, name.as_ref(), config),
            FormFor::Edit(name) => Self::edit(&name, statuses, config)?,
            FormFor::Mend(name, code) => {
                let mut form = Self::edit(&name, statuses, config)?;
                form.is_for_sign_in = true;
                form.begin_at(Step::blamed(code).unwrap_or(Step::Review));
                form
            }
            FormFor::Rename(old, state) => {
                let name = Field::proposed(old.as_str());
                let mut form = Self::new(Purpose::Rename { old, state }, config, Step::Name);
                form.draft.name = name;
                form
            }
            FormFor::Remove { profile: name, state, is_unrevoked } => {
                Self::new(Purpose::Remove { name, state, is_unrevoked }, config, Step::Remove)
            }
        };
        form.learn(statuses);
        form.begun = form.values();
        Some(form)
    }

    /// The same where the app was started for it.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }

    fn to_be_named(purpose: Purpose, name: Option<&ProfileName>, config: &Config) -> Self {
        let mut form = Self::new(purpose, config, Step::Name);
        // Whoever has one only need not think about its name.
        let proposed = config.profiles.is_empty().then_some("work");
        if let Some(name) = name.map(ProfileName::as_str).or(proposed) {
            form.draft.name = Field::proposed(name);
        }
        form
    }

    fn edit(name: &ProfileName, statuses: &[ProfileStatus], config: &Config) -> Option<Self> {
        Some(Self::of(config.profiles.get(name)?, granted(name, statuses), config))
    }

    /// Begins at the value of one step. A step that the profile does not have leaves it at the whole.
    fn begin_at(&mut self, step: Step) {
        if self.steps().contains(&step) {
            self.go_to(step);
            self.is_from_review = step != Step::Review;
        }
    }

    pub(super) fn learn(&mut self, statuses: &[ProfileStatus]) {
        self.kept = statuses.iter().find_map(|status| status.protection.as_deref().cloned()).or(self.kept.take());
        if let Purpose::Edit { before, granted: known, stores_secret } = &mut self.purpose {
            *known = granted(&before.name, statuses).or(known.take());
            let status = statuses.iter().find(|status| status.name == before.name);
            *stores_secret = status.and_then(|status| status.stores_secret).or(*stores_secret);
        }
    }

    pub(super) fn new(purpose: Purpose, config: &Config, step: Step) -> Self {
        let mut offers = offers::offers(config);
        if matches!(purpose, Purpose::Import) {
            offers.retain(|offer| offer.is_known(config));
        }
        let picker = purpose.picker(offers[0].dialect(config));
        let draft = Draft {
            name: Field::new(""),
            offer: 0,
            data_center: 0,
            client_type: 0,
            blanks: Vec::new(),
            focus: 0,
            redirect_uri: Field::new(""),
            server: None,
            client_id: Field::new(""),
            secret: Hidden::new(),
            refresh_token: Hidden::new(),
            env_file: Field::new(""),
            api_domain: None,
            picker,
        };
        let config = config.clone();
        Self {
            purpose,
            is_for_sign_in: false,
            kept: None,
            config,
            offers,
            draft,
            step,
            is_from_review: false,
            row: 0,
            was_refused: false,
            is_touched: false,
            begun: Vec::new(),
            is_alone: false,
            saving: None,
            failure: None,
            signed_out: Vec::new(),
        }
    }

    /// The form with the values that a profile has.
    pub(super) fn of(profile: &Profile, granted: Option<Vec<String>>, config: &Config) -> Self {
        let before = Box::new(profile.clone());
        let mut form = Self::new(Purpose::Edit { before, granted, stores_secret: None }, config, Step::Review);
        form.draft.name = Field::new(profile.name.as_str());
        form.take_values(profile);
        // On the first value rather than on saving, since nothing is changed yet.
        form.row = 1;
        form
    }

    pub(super) fn take_values(&mut self, profile: &Profile) {
        self.draft.offer = offers::position(&self.offers, &profile.provider).unwrap_or(0);
        // What a profile names is there already, whatever was typed for another one.
        self.draft.blanks = Vec::new();
        let code = profile.data_center.as_deref().unwrap_or_default();
        let data_centers = self.data_centers();
        self.draft.data_center =
            data_centers.iter().position(|data_center| data_center.code.eq_ignore_ascii_case(code)).unwrap_or(0);
        self.draft.client_type = ClientType::ALL.iter().position(|kind| *kind == profile.client_type).unwrap_or(0);
        self.draft.redirect_uri = Field::proposed(profile.redirect_uri.as_ref().map_or("", RedirectUri::as_str));
        self.draft.client_id = Field::proposed(&profile.client_id);
        self.draft.server = self.server();
        self.draft.picker = Picker::new(profile.scopes.clone(), self.dialect());
    }
}

/// The scopes of a profile that is signed in, as far as it was read.
fn granted(name: &ProfileName, statuses: &[ProfileStatus]) -> Option<Vec<String>> {
    let status = statuses.iter().find(|status| status.name == *name)?;
    (status.state != State::SignedOut).then(|| status.scopes.clone())
}
