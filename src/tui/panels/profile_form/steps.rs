//! The steps of the form: which there are for the provider and the type of client that were chosen, what is wrong with
//! the values of each, and the profile that they make. Plain computing, so that every frame may ask.

use super::offers::{Chosen, Offer};
use super::{ProfileForm, Purpose};
use crate::config::{ClientType, Fault, Profile, ProviderSource, SecretSource};
use crate::error::Code;
use crate::profile::ProfileName;
use crate::providers::{DataCenter, Dialect};
use crate::registered::{RedirectUri, is_client_id, is_client_secret};
use crate::service::{ConfigurationChange, ProfileDraft, is_other_client};
use crate::tui::message::{Effect, TaskId};

/// One page of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name,
    Token,
    Provider,
    Server,
    DataCenter,
    ClientType,
    RedirectUri,
    ClientId,
    ClientSecret,
    Scopes,
    Review,
    Remove,
    /// After it was saved.
    Saved,
}

impl Step {
    pub(super) fn title(self) -> &'static str {
        match self {
            Step::Name => "Name",
            Step::Token => "Refresh token",
            Step::Provider => "Provider",
            Step::Server => "Server",
            Step::DataCenter => "Data center",
            Step::ClientType => "Client type",
            Step::RedirectUri => "Redirect URI",
            Step::ClientId => "Client id",
            Step::ClientSecret => "Client secret",
            Step::Scopes => "Scopes",
            Step::Review => "Review",
            Step::Remove => "Remove",
            Step::Saved => "Saved",
        }
    }

    /// Letters are text here, not commands.
    pub(super) fn is_typed(self) -> bool {
        matches!(
            self,
            Step::Name
                | Step::Token
                | Step::Server
                | Step::RedirectUri
                | Step::ClientId
                | Step::ClientSecret
                | Step::Scopes
        )
    }

    /// The one whose value an error of the provider is about.
    pub(super) fn blamed(code: Code) -> Option<Self> {
        Some(match code {
            Code::SignInNeeded => Step::Token,
            Code::InvalidClient => Step::ClientId,
            Code::InvalidClientSecret => Step::ClientSecret,
            Code::WrongDataCenter => Step::DataCenter,
            Code::InvalidScope => Step::Scopes,
            _ => return None,
        })
    }
}

impl ProfileForm {
    /// All steps that lead to saving, in their order.
    pub(super) fn steps(&self) -> Vec<Step> {
        match self.purpose {
            Purpose::Rename { .. } => return vec![Step::Name],
            Purpose::Remove { .. } => return vec![Step::Remove],
            Purpose::Import if self.target().is_some() => return vec![Step::Name, Step::Token, Step::Review],
            Purpose::Add | Purpose::Import | Purpose::Edit { .. } => {}
        }
        let mut steps = match self.purpose {
            Purpose::Add => vec![Step::Name],
            Purpose::Import => vec![Step::Name, Step::Token],
            _ => Vec::new(),
        };
        steps.push(Step::Provider);
        if !self.draft.blanks.is_empty() {
            steps.push(Step::Server);
        }
        if !self.data_centers().is_empty() {
            steps.push(Step::DataCenter);
        }
        if self.has_client_types() && !self.is_import() {
            steps.push(Step::ClientType);
        }
        if self.is_by_browser() {
            steps.push(Step::RedirectUri);
        }
        steps.extend([Step::ClientId, Step::ClientSecret, Step::Scopes, Step::Review]);
        steps
    }

    pub(super) fn offer(&self) -> &Offer {
        &self.offers[self.draft.offer.min(self.offers.len() - 1)]
    }

    pub(super) fn dialect(&self) -> &'static Dialect {
        self.offer().dialect(&self.config)
    }

    /// The provider that was chosen, or a clause about what is wrong with it.
    pub(super) fn chosen(&self) -> Result<Chosen, Fault> {
        let values: Vec<(&'static str, String)> =
            self.draft.blanks.iter().map(|(blank, field)| (blank.key, field.text())).collect();
        self.offer().chosen(&self.config, &values)
    }

    /// The server that was chosen, once it is known.
    pub(super) fn server(&self) -> Option<String> {
        self.chosen().ok().map(|chosen| chosen.source.identity())
    }

    /// What the profile says of hosts is of the server that it will not be at any more.
    pub(super) fn loses_hosts(&self) -> bool {
        let has_hosts = |before: &Profile| !before.git_hosts.is_empty() || !before.allowed_origins.is_empty();
        matches!(&self.purpose, Purpose::Edit { before, .. } if has_hosts(before)) && self.is_other_server()
    }

    /// The profile that is changed gets another server, to which nothing of its client may go, whatever names it.
    fn is_other_server(&self) -> bool {
        let Purpose::Edit { before, .. } = &self.purpose else { return false };
        let known = self.config.providers.get(&before.provider);
        known.map(ProviderSource::identity) != self.server()
    }

    /// Where the provider answers; nothing where it has one place only.
    pub(super) fn data_centers(&self) -> Vec<DataCenter> {
        let known = self.chosen().ok().and_then(|chosen| chosen.source.known());
        let data_centers = known.map(|provider| provider.data_centers).unwrap_or_default();
        data_centers.into_iter().filter(|data_center| !data_center.code.is_empty()).collect()
    }

    pub(super) fn data_center(&self) -> Option<DataCenter> {
        self.data_centers().into_iter().nth(self.draft.data_center)
    }

    /// Zoho's console asks for a type; elsewhere the client is one for devices.
    pub(super) fn has_client_types(&self) -> bool {
        self.dialect().has_products
    }

    pub(super) fn client_type(&self) -> ClientType {
        let before = match &self.purpose {
            Purpose::Edit { before, .. } => before.client_type,
            _ => ClientType::default(),
        };
        let chosen = ClientType::ALL.get(self.draft.client_type).copied().unwrap_or_default();
        if self.has_client_types() { chosen } else { before }
    }

    fn is_by_browser(&self) -> bool {
        matches!(self.client_type(), ClientType::ServerBased | ClientType::Mobile)
    }

    /// What a profile that is changed keeps belongs to a client that it will not have any more.
    pub(super) fn is_other_client(&self) -> bool {
        let Purpose::Edit { before, .. } = &self.purpose else { return false };
        // What is not whole yet is a server that the profile did not have.
        self.profile_draft().map_or(true, |draft| is_other_client(before, &draft.profile))
    }

    /// The secret that the store may have belongs to the client that the profile will not have any more, and no other one
    /// is typed. One that the configuration names stays with another client of the same server.
    pub(super) fn loses_secret(&self) -> bool {
        let is_stored =
            matches!(&self.purpose, Purpose::Edit { before, .. } if before.client_secret == SecretSource::Store);
        (is_stored || self.is_other_server()) && self.draft.secret.is_empty() && self.is_other_client()
    }

    /// There is a secret already, or there may be: in the store, or where the configuration says.
    pub(super) fn may_have_secret(&self) -> bool {
        match &self.purpose {
            Purpose::Edit { before, stores_secret, .. } => match before.client_secret {
                SecretSource::Store if before.client_secret_files.is_empty() => {
                    *stores_secret != Some(false) && !self.loses_secret()
                }
                _ => !self.is_other_server(),
            },
            // That of the profile which is there, whose secret nobody asks for.
            _ => self.target().is_some(),
        }
    }

    /// What is said of a client that is to be without a secret, where it gets no token so.
    pub(super) fn lack_of_secret(&self) -> Option<String> {
        let lacks = self.dialect().needs_secret && self.draft.secret.is_empty() && !self.may_have_secret();
        lacks.then(|| format!("{} gives no token to a client without its secret.", self.dialect().display_name))
    }

    /// What is wrong with the values of a step, as a sentence.
    pub(super) fn check(&self, step: Step) -> Result<(), String> {
        match step {
            Step::Name => self.check_name(),
            Step::Server => self.chosen().map(drop).map_err(|fault| match fault {
                // The page knows the value by the label of its field.
                Fault::Value { key, problem } => {
                    let key = key.to_string();
                    let blank = self.draft.blanks.iter().find(|(blank, _)| blank.key == key);
                    let name = blank.map_or_else(|| format!("`{key}`"), |(blank, _)| blank.label().to_owned());
                    format!("{name} {problem}.")
                }
                Fault::Entry { .. } => format!("The server {fault}."),
            }),
            Step::ClientType if self.client_type() == ClientType::ClientBased => {
                Err("Such a client cannot sign in here: register one of the other types.".to_owned())
            }
            Step::RedirectUri => self.redirect_uri().map(drop),
            Step::ClientId => match self.draft.client_id.text().trim() {
                "" => Err("A client id is needed: copy it from the provider's console.".to_owned()),
                id if !is_client_id(id) || (self.dialect().client_ids_are_words && id.contains(' ')) => {
                    Err("It has characters that no client id has, such as a blank.".to_owned())
                }
                _ => Ok(()),
            },
            Step::Token => self.check_token(),
            Step::ClientSecret => {
                self.draft.secret.problem(is_client_secret).map_or(Ok(()), |problem| Err(problem.to_owned()))
            }
            Step::Scopes if self.draft.picker.chosen.is_empty() && self.has_client_types() && !self.is_import() => {
                Err("Choose at least one scope: without any, nothing can be asked for.".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// As it is registered, or what is wrong with it, as a sentence.
    fn redirect_uri(&self) -> Result<RedirectUri, String> {
        let text = self.draft.redirect_uri.text();
        if text.trim().is_empty() {
            return Err("An address is needed: one that is registered with the client.".to_owned());
        }
        let uri: RedirectUri = text.parse().map_err(|problem| format!("The redirect URI {problem}."))?;
        self.client_type().check_redirect_uri(&uri).map_err(|problem| format!("The redirect URI {problem}."))?;
        Ok(uri)
    }

    fn check_name(&self) -> Result<(), String> {
        let typed = self.draft.name.text();
        let typed = typed.trim();
        if typed.is_empty() {
            return Err("A name is needed.".to_owned());
        }
        let name: ProfileName = typed.parse().map_err(|_| {
            "A name has 1 to 64 letters (a to z, A to Z), digits, `-`, `_` or `.` and begins with a letter or digit."
                .to_owned()
        })?;
        match &self.purpose {
            Purpose::Rename { old, .. } if *old == name => Err("That is its name already.".to_owned()),
            Purpose::Edit { .. } => Ok(()),
            Purpose::Import if self.target().is_some() => self.check_target(),
            _ => match self.config.taken_by(&name) {
                Some(known) if *known == name => Err(format!("There is already a profile {name}.")),
                Some(known) => Err(format!("It differs from {known} in case only: choose another one.")),
                None => Ok(()),
            },
        }
    }

    /// The first step that stands in the way of saving.
    pub(super) fn unready(&self) -> Option<Step> {
        self.steps().into_iter().find(|step| self.check(*step).is_err())
    }

    /// What is to be done with all that was typed, or the first step that does not allow it.
    pub(super) fn effect(&self, task: TaskId) -> Result<Effect, Step> {
        if let Some(step) = self.unready() {
            return Err(step);
        }
        let draft = || self.profile_draft().map(Box::new);
        let change = match &self.purpose {
            Purpose::Add => ConfigurationChange::Add(draft()?),
            Purpose::Import => return Ok(Effect::Import { task, import: Box::new(self.import()?) }),
            Purpose::Edit { .. } => ConfigurationChange::Change(draft()?),
            Purpose::Rename { old, .. } => {
                ConfigurationChange::Rename { old: old.clone(), new: self.name().parse().map_err(|_| Step::Name)? }
            }
            Purpose::Remove { name, .. } if self.row == 2 => ConfigurationChange::RemoveUnrevoked(name.clone()),
            Purpose::Remove { name, .. } => ConfigurationChange::Remove(name.clone()),
        };
        Ok(Effect::ChangeConfiguration { task, change })
    }

    /// The profile as it was typed.
    pub(super) fn profile_draft(&self) -> Result<ProfileDraft, Step> {
        let chosen = self.chosen().map_err(|_| Step::Server)?;
        let redirect_uri = self.redirect_uri().ok();
        let (data_center, client_type) = (self.data_center().map(|data_center| data_center.code), self.client_type());
        let secret = self.draft.secret.secret();
        let profile = Profile {
            name: self.draft.name.text().trim().parse().map_err(|_| Step::Name)?,
            provider: chosen.name,
            data_center,
            client_id: self.draft.client_id.text().trim().to_owned(),
            client_type,
            redirect_uri: redirect_uri.filter(|_| self.is_by_browser()),
            scopes: self.draft.picker.chosen.clone(),
            client_secret: SecretSource::Store,
            client_secret_files: std::collections::BTreeMap::new(),
            allowed_origins: Vec::new(),
            git_hosts: Vec::new(),
        };
        let profile = match &self.purpose {
            Purpose::Edit { before, .. } => kept_of(before, profile, secret.is_some(), self),
            _ => profile,
        };
        Ok(ProfileDraft { profile, provider: chosen.new, secret })
    }
}

/// What the form does not ask for stays as it was, and so does what nobody changed on purpose.
fn kept_of(before: &Profile, after: Profile, has_secret: bool, form: &ProfileForm) -> Profile {
    let first = form.data_centers().first().map(|first| first.code.clone());
    let is_still_first = before.data_center.is_none() && after.data_center == first;
    // Nothing that was said of the one server is meant for another.
    if form.is_other_server() {
        return after;
    }
    Profile {
        data_center: if is_still_first { None } else { after.data_center },
        redirect_uri: if form.is_by_browser() { after.redirect_uri } else { before.redirect_uri.clone() },
        client_secret: if has_secret { SecretSource::Store } else { before.client_secret.clone() },
        client_secret_files: before.client_secret_files.clone(),
        allowed_origins: before.allowed_origins.clone(),
        git_hosts: before.git_hosts.clone(),
        ..after
    }
}
