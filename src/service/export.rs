//! A sign-in for other programs: what Zoho's SDKs need to mint tokens by themselves.

use super::{Service, endpoints, issuing_data_center};
use crate::clock;
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::providers::Rotation;
use crate::secret::Secret;
use crate::storage::{Happened, Held};

/// What other programs read from variables, or from a file with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// What the names of the variables begin with.
    pub prefix: &'static str,
    pub client_id: String,
    pub client_secret: Option<Secret>,
    pub refresh_token: Secret,
    pub api_domain: Option<String>,
}

impl Service {
    /// What other programs need of the profile. Blocks.
    ///
    /// # Errors
    ///
    /// There is nothing to hand out, no program that would read it, or a second holder would end the grant.
    pub fn export(&self, profile: &Profile) -> Result<Exported, Error> {
        let source = self.config.provider(profile)?;
        let dialect = source.dialect();
        let refused =
            || Error::new(Code::Usage, format!("the sign-in of profile `{}` cannot be handed out", profile.name));
        let (Some(prefix), Some(provider)) = (dialect.variable_prefix, source.known()) else {
            return Err(refused()
                .because(format!("no variables are known that programs for {} read", dialect.display_name))
                .advise("let those programs ask for tokens: `token`, `exec`, or a token file of `agent`"));
        };
        let record = self.load(profile)?;
        let grant = record.as_deref().and_then(|record| record.grant.as_ref());
        let grant = grant.ok_or_else(|| self.not_signed_in(profile, record.as_deref()))?;
        let has_rotated = grant.last_refresh.as_ref().is_some_and(|last| last.rotates);
        if dialect.rotation != Rotation::None || has_rotated {
            return Err(refused()
                .because(
                    "its refresh token is replaced with each use, so a second program with it would end the sign-in",
                )
                .advise("let that program sign in by itself"));
        }
        if let Some(why) = &grant.refused {
            return Err(Error::new(Code::SignInNeeded, format!("the sign-in of profile `{}` is over", profile.name))
                .because(why)
                .advise(Advice::SignIn(profile.name.clone())));
        }
        let refresh_token = grant
            .refresh_token
            .clone()
            .ok_or_else(|| refused().because("it has no refresh token").advise(Advice::SignIn(profile.name.clone())))?;
        self.check_approved(profile, grant.endpoints.as_deref(), endpoints::TOKEN)?;
        let data_center = issuing_data_center(profile, &provider, grant)?;
        let client = self.client(profile, record.as_deref(), &provider, &[endpoints::TOKEN])?;
        let own = || data_center.api_domain.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        Ok(Exported {
            prefix,
            client_secret: client.secret_at(&data_center.code).cloned(),
            client_id: client.id,
            refresh_token,
            api_domain: self.config.api_domain(profile, &grant.data_center, grant.api_domain.clone()).or_else(own),
        })
    }

    /// Notes in the profile's history that this is handed out, so that a later sign-in does not revoke it.
    ///
    /// # Errors
    ///
    /// Somebody has signed in anew or out since it was read: what would be handed out is not what would be noted.
    pub async fn note_exported(&self, profile: &Profile, exported: &Exported, to: &str) -> Result<(), Error> {
        let (asking, to) = (profile.clone(), to.to_owned());
        let handed_out = exported.refresh_token.clone();
        let note = move |service: &Self, held: &mut Held| {
            let mut record = held.load()?.ok_or_else(|| service.not_signed_in(&asking, None))?;
            let grant = record.grant.as_mut().ok_or_else(|| service.not_signed_in(&asking, None))?;
            if grant.refresh_token.as_ref() != Some(&handed_out) {
                let message = format!("the sign-in of profile `{}` was not handed out", asking.name);
                return Err(Error::new(Code::Other, message)
                    .because("it was replaced by another one meanwhile")
                    .advise("run the command again, which hands out the new one"));
            }
            grant.is_own = false;
            record.note(Happened::Exported, &to, &service.actor, clock::wall());
            Ok(held.commit(&mut record)?)
        };
        self.holding(&profile.name, note).await
    }
}
