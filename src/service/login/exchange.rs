//! Approvals that come without a device code: a code from a console or a browser, a refresh token from elsewhere.

use super::attempt::Attempt;
use super::kept::{Kept, NEW_TOKEN, Room};
use super::{Presence, SignIn, SignedIn};
use crate::aside::aside;
use crate::clock;
use crate::config::{ClientType, Profile, SecretSource};
use crate::error::{Advice, Code, Error};
use crate::oauth::token::{Minted, NoToken, TokenFlow};
use crate::oauth::wire::{Approval, TokenAnswer, Unreadable};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Rotation};
use crate::secret::Secret;
use crate::service::grants::OnToken;
use crate::service::{Freshness, Service, driver, endpoints, home_data_center, issuing_data_center, left_out, tokens};
use crate::storage::{Grant, Held, PendingSignIn, StoreError};
use crate::untrusted::Rejected;

/// Where a sign-in may send the client's secret: giving back what it brought included.
const WITH_SECRET: [&str; 3] = [endpoints::DEVICE_AUTHORIZATION, endpoints::TOKEN, endpoints::REVOCATION];

const SUCCESSOR_REFUSED: &str =
    "the provider had replaced the imported token, and what was kept in its place is refused as well";

impl Service {
    /// Signs `profile` in with a code that a person made by hand in the provider's console (self client).
    pub async fn sign_in_with_code(&self, profile: &Profile, code: Secret, options: SignIn) -> Result<SignedIn, Error> {
        let attempt = Attempt::begin(self, profile, options, None).await?;
        let home = attempt.home.clone();
        attempt.redeem(Approval::Code { code, redirect_uri: None, verifier: None }, home).await
    }

    /// Signs `profile` in with a refresh token that somebody else was given, and proves it by minting an access token.
    ///
    /// `api_domain` tells the data center that issued it; without one it is the client's own. A `client_secret` that came
    /// with it is kept once it has proved good, unless the configuration says where the secret comes from. Nothing is ever
    /// revoked here, since others may live on the same token.
    pub(in crate::service) async fn import_into(
        &self,
        profile: &Profile,
        refresh_token: Secret,
        client_secret: Option<Secret>,
        api_domain: Option<&str>,
        options: SignIn,
    ) -> Result<SignedIn, Error> {
        let imported = Some(refresh_token.clone());
        let mut attempt = Attempt { imported, ..Attempt::begin(self, profile, options, None).await? };
        let (token, own) = (refresh_token.clone(), profile.name.clone());
        let others = self.aside(move |service| service.others_on(&token, &own)).await;
        for (other, on) in others {
            if on == OnToken::Successor {
                let replaced = format!(
                    "profile `{other}` was signed in with this refresh token, and the provider has replaced it since: sent once more, it \
                     would end that sign-in"
                );
                let error =
                    Error::new(Code::SignInNeeded, format!("profile `{}` could not be signed in", profile.name));
                return Err(error.because(replaced).advise(NEW_TOKEN));
            }
            attempt.warnings.push(format!(
                "profile `{other}` has the same refresh token: what gives that back ends both, and each counts its own use"
            ));
        }
        if let Some(secret) = client_secret.filter(|_| profile.client_secret == SecretSource::Store) {
            attempt.client.secret = Some(secret.clone());
            attempt.secret_to_keep = Some(secret);
        }
        let data_center = match api_domain {
            None => attempt.home.clone(),
            Some(domain) => attempt.provider.data_center_of_api(domain).cloned().ok_or_else(|| {
                Error::new(Code::Config, format!("profile `{}` could not be signed in", profile.name))
                    .because(format!("no data center of provider `{}` has the API domain {domain:?}", profile.provider))
                    .advise("check the address")
                    .advise(Advice::ListHosts.and(" to see what a data center's begins with"))
            })?,
        };
        attempt.redeem(Approval::RefreshToken(refresh_token), data_center).await
    }
}

impl Attempt {
    /// Gets all together that a sign-in needs, before a person is asked for anything; or that it takes to go on with one that is
    /// pending, which expects from then on whom the options do.
    pub(super) async fn begin(
        service: &Service,
        profile: &Profile,
        options: SignIn,
        mut pending: Option<&mut PendingSignIn>,
    ) -> Result<Self, Error> {
        check_client_type(profile)?;
        // An approval that could not be kept would be wasted on the person, so the store has to prove itself first.
        service.probe().await?;
        service.refuse_moved(&profile.name).await?;
        service.revoke_noted_quietly(profile).await;
        let asking = profile.clone();
        let warnings = service.aside(move |service| service.sign_in_warnings(&asking)).await;
        let provider =
            service.provider_at(profile, pending.as_ref().and_then(|pending| pending.endpoints.as_deref())).await?;
        let home = home_data_center(profile, &provider)?.clone();
        let (asking, from) = (profile.clone(), provider.clone());
        let read = move |service: &Service| -> Result<_, Error> {
            let record = match service.store.load(&asking.name) {
                // The new record takes the place of what nobody can open.
                Err(StoreError::Corrupt { .. }) => None,
                loaded => loaded?,
            };
            let client = service.client(&asking, record.as_deref(), &from, &WITH_SECRET)?;
            Ok((client, record.and_then(|record| record.grant).map(|grant| grant.approved_at)))
        };
        let (client, approved_before) = service.aside(read).await?;
        let scopes = match &pending {
            Some(pending) => pending.scopes.clone(),
            None => options.scopes.unwrap_or_else(|| profile.scopes.clone()),
        };
        check_expectable(profile, options.expect_account.as_ref(), &scopes, &home)?;
        if let Some(pending) = &mut pending {
            service.expecting(profile, pending, options.expect_account.clone()).await?;
        }
        let expected = options.expect_account.or_else(|| pending.as_ref().and_then(|pending| pending.expected.clone()));
        let (profile, qr_file, for_agent) = (profile.clone(), options.qr_file, options.for_agent);
        Ok(Self {
            service: service.clone(),
            profile,
            provider,
            home,
            client,
            secret_to_keep: None,
            scopes,
            expected,
            qr_file,
            imported: None,
            warnings,
            left_out: Vec::new(),
            for_agent,
            may_take: !for_agent,
            approved_before,
            pending: pending.map(|pending| pending.id.clone()),
        })
    }

    /// Turns an approval into a grant at the data center that issued it, and keeps that.
    pub(super) async fn redeem(self, approval: Approval, data_center: DataCenter) -> Result<SignedIn, Error> {
        let unbroken = self.service.unbroken.clone();
        let exchange = Box::pin(self.exchange(approval, data_center));
        let (attempt, kept) = unbroken.run(exchange).await?;
        Ok(Box::pin(attempt.signed_in(kept)).await)
    }

    async fn exchange(mut self, approval: Approval, data_center: DataCenter) -> Result<(Self, Kept), Error> {
        // The answer comes only once.
        let right = Box::new(self.reserve().await?);
        let is_lived_on = |token: &Secret| right.lives_on(token, &self.provider, &self.client);
        // A secret that came with the token is proved by it alone, which is safe where that is not replaced. An environment file names a
        // profile, which may be of a provider that does.
        let proves = self.secret_to_keep.is_some() && self.provider.dialect.rotation == Rotation::None;
        if !proves && self.imported.as_ref().is_some_and(is_lived_on) {
            aside(move || right.release()).await;
            let kept = self.refreshed().await?;
            return Ok((self, kept));
        }
        let kept = self.imported.as_ref().and_then(|token| right.successor_of(token, &self.client));
        let kept = kept.and_then(|kept| {
            // Its own server alone gets it, whichever the import says.
            let issuer = issuing_data_center(&self.profile, &self.provider, kept).ok()?;
            Some((kept.refresh_token.clone()?, issuer.clone()))
        });
        let (successor, data_center) = match kept {
            Some((successor, issuer)) => (Some(successor), issuer),
            None => (None, data_center),
        };
        let goes_on = successor.is_some();
        let sent = successor.as_ref().or(self.imported.as_ref());
        let before = sent.and_then(|token| right.grant_of(token, &data_center, &self.client)).cloned();
        let approval = successor.clone().map_or(approval, Approval::RefreshToken);
        let (grant, lack) = match self.ask(approval, &data_center, before.as_ref()).await {
            Ok((mut grant, lack)) => {
                for before in self.imported.iter().chain(&successor) {
                    grant.note_replaced(before);
                }
                (grant, lack)
            }
            Err(NotGranted::Alone(refresh_token, rejected)) => {
                return Err(self.without_access_token(refresh_token, rejected, &data_center, Some(right)).await);
            }
            Err(NotGranted::Refused(error)) if goes_on => {
                let limit = self.provider.dialect.grant_limit;
                // Where that cannot be kept, the next import is told the same.
                let _ = aside(move || right.give_up_successor(limit)).await;
                return Err(error.adding(SUCCESSOR_REFUSED).advise_only(NEW_TOKEN));
            }
            Err(NotGranted::Refused(error) | NotGranted::Failed(error)) => {
                aside(move || right.release()).await;
                return Err(error);
            }
        };
        let kept = Box::pin(self.keep(grant, &data_center, Room::Held(right), &Presence::default())).await;
        let kept = kept.map_err(|not_kept| self.error_of(not_kept))?;
        match lack {
            Some(lack) => Err(lack),
            None => Ok((self, kept)),
        }
    }

    /// Goes on with the sign-in that lives on the imported token. It is refreshed like any other, so that it is kept whatever comes of this
    /// one, which takes the place of a code that waits.
    async fn refreshed(&mut self) -> Result<Kept, Error> {
        let token = self.service.token(&self.profile, Freshness::Forced).await?;
        self.left_out.extend(token.warning);
        let kept = self.kept_elsewhere(self.service.grant(&self.profile).await?).await;
        let kept = kept.map_err(|error| error.adding("the sign-in that lives on this token stays as it is"))?;
        let give_up_code = |_: &Service, held: &mut Held| {
            let Some(mut record) = held.load()?.filter(|record| record.pending.is_some()) else { return Ok(()) };
            record.pending = None;
            Ok(held.commit(&mut record)?)
        };
        // The sign-in is good, whatever becomes of the code.
        if let Err(error) = self.service.holding(&self.profile.name, give_up_code).await {
            self.warnings.push(format!("the code that waits could not be given up: {error}"));
        }
        Ok(kept)
    }

    /// Turns an approval into a grant, and tells what it lacks for a sign-in although it is to be kept. Of a refresh token whose grant was
    /// known `before`, what was spent counts on.
    async fn ask(
        &mut self,
        approval: Approval,
        data_center: &DataCenter,
        before: Option<&Grant>,
    ) -> Result<(Grant, Option<Error>), NotGranted> {
        let what = format!("profile `{}` could not be signed in", self.profile.name);
        let (place, imported) = match &approval {
            Approval::Code { .. } => (Place::CodeExchange, None),
            Approval::RefreshToken(token) => (Place::Refresh, Some(token.clone())),
        };
        let dialect = self.provider.dialect;
        if let Some(before) = before {
            let asked = self.asked(&what, place, data_center);
            tokens::check_pace(before, &asked, clock::wall()).map_err(NotGranted::Failed)?;
        }
        let mut flow = TokenFlow::new(dialect, data_center.clone(), self.client.clone(), approval);
        match driver::token(&self.service.http, &mut flow, None).await {
            Ok(Minted { token, client_authentication }) => {
                let is_imported = imported.is_some();
                self.left_out = left_out::of_sign_in(&token, data_center);
                let token = TokenAnswer { refresh_token: token.refresh_token.clone().or(imported), ..*token };
                let grant = self.new_grant(token, data_center, client_authentication);
                // An imported token was refreshed just now, which counts.
                let spent = before.map_or(&[][..], |before| &before.mints);
                let mints =
                    if is_imported { tokens::with_mint(spent, dialect.mint_limit, clock::wall()) } else { Vec::new() };
                Ok((Grant { mints, ..grant }, None))
            }
            // The one that was imported may be spent, and whoever else lives on it has no other either.
            Err(NoToken::Unreadable(Unreadable::RefreshTokenAlone { refresh_token, rejected }))
                if imported.is_some() =>
            {
                let lack = Error::new(Code::UntrustedAnswer, what)
                    .because(rejected)
                    .adding("the refresh token that came with it was kept")
                    .advise(Advice::Refresh(self.profile.name.clone()));
                Ok((self.grant_without_access_token(refresh_token, data_center), Some(lack)))
            }
            Err(NoToken::Unreadable(Unreadable::RefreshTokenAlone { refresh_token, rejected })) => {
                Err(NotGranted::Alone(refresh_token, rejected))
            }
            Err(answer) => {
                let is_refused = matches!(answer, NoToken::Refused(_));
                let error = self.asked(&what, place, data_center).without_token(answer);
                if !is_refused || imported.is_none() {
                    return Err(NotGranted::Failed(error));
                }
                let place = if data_center.code.is_empty() { "" } else { " and data center" };
                Err(NotGranted::Refused(error.advise_only(format!(
                    "copy the token whole, see that it belongs to this client{place}, and import it again"
                ))))
            }
        }
    }
}

/// Why an approval is no grant.
enum NotGranted {
    Failed(Error),
    /// The imported token is over, for all that the provider says.
    Refused(Error),
    /// A refresh token came, and no access token that can be used.
    Alone(Secret, Rejected),
}

/// Refuses to expect an account that nothing would tell of: people would approve in vain.
fn check_expectable(
    profile: &Profile,
    expected: Option<&String>,
    scopes: &[String],
    home: &DataCenter,
) -> Result<(), Error> {
    let is_told = home.endpoints.userinfo.is_some() || scopes.iter().any(|scope| scope == "openid");
    let Some(expected) = expected.filter(|_| !is_told) else { return Ok(()) };
    Err(Error::new(Code::Usage, format!("whether `{expected}` approves could not be checked"))
        .because(format!(
            "provider `{}` has no userinfo endpoint, and the scope `openid` is not asked for",
            profile.provider
        ))
        .advise("ask for `openid` as well, or give `userinfo_endpoint` for the provider"))
}

/// Clients that get their tokens in a browser only can sign in nowhere else, whatever is tried.
pub(in crate::service) fn check_client_type(profile: &Profile) -> Result<(), Error> {
    if profile.client_type != ClientType::ClientBased {
        return Ok(());
    }
    Err(Error::new(Code::InvalidClient, format!("profile `{}` cannot sign in", profile.name))
        .because("its client is a client-based application, which gets tokens in a web page only, and none that can be refreshed")
        .advise("register a non-browser application (or a server-based one, or a self client) and give its id and secret to the profile"))
}
