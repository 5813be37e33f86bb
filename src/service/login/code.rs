//! A code, from the request for it until it is shown: it is kept in between.

use url::Url;

use super::attempt::Attempt;
use super::polling::CodeEnded;
use super::{Before, IssuedCode, Presence, ShownCode, SignInEvent, empty_record};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::error::Error;
use crate::host;
use crate::oauth::Step;
use crate::oauth::device::{DeviceFlow, Standing};
use crate::oauth::wire::DeviceCode;
use crate::providers::explained::Place;
use crate::service::{Service, discovery, home_data_center};
use crate::storage::{Clocks, Held, LastPoll, PendingId, PendingSignIn, StoreError};

impl Attempt {
    /// Sees that this process could ask whether a code is approved, and keep an approval. Whoever has the right to has seen to it.
    async fn prove_asking(&self) -> Result<(), Error> {
        let (store, name) = (self.service.store.clone(), self.profile.name.clone());
        let proved = aside(move || match store.poller(&name) {
            Err(StoreError::Locked { .. }) => Ok(()),
            poller => poller?.reserve(),
        });
        Ok(proved.await?)
    }

    /// Asks for a code and keeps it, before anybody sees it.
    async fn issue(&self, presence: &Presence) -> Result<PendingSignIn, CodeEnded> {
        self.prove_asking().await.map_err(CodeEnded::Unusable)?;
        let unnamed = |error| CodeEnded::Unusable(self.without_random_numbers(&error));
        let id = PendingId::generate().map_err(unnamed)?;
        // Whose code it is gives it up as well.
        presence.set_follows(false);
        let mut flow = self.flow();
        while let Step::Send(request) = flow.poll(clock::now()) {
            let reply = self.service.http.send(request).await;
            flow.handle(clock::now(), reply);
        }
        let Some(standing) = flow.standing() else {
            return Err(CodeEnded::of(&flow, Place::DeviceAuthorization, LastPoll::default()));
        };
        let now = Clocks::now();
        let home = self.service.aside(|service| service.store.poller_home()).await;
        let pending = self.pending_sign_in(id, standing, home, &now);
        let kept = pending.clone();
        let profile = self.profile.clone();
        let shown = presence.show(ShownCode { id: pending.id.clone(), is_new: true }).await;
        let keep = move |_: &Service, held: &mut Held| {
            let mut record = super::kept::before(held)?.unwrap_or_else(|| Box::new(empty_record(&profile)));
            (record.pending, record.ended) = (Some(Box::new(kept)), None);
            held.commit(&mut record)?;
            // It goes on when nobody waits for it any more, and only now there is something to give up.
            drop(shown);
            Ok(())
        };
        match self.service.holding(&self.profile.name, keep).await {
            Ok(()) => Ok(pending),
            Err(error) => Err(CodeEnded::Unusable(error)),
        }
    }

    /// Shows the code that is pending or else a new one, once it is kept.
    pub(super) async fn show_code(
        &self,
        waiting: Option<PendingSignIn>,
        before: Before,
        presence: &Presence,
        report: &mut (impl FnMut(SignInEvent) + Send),
    ) -> Result<PendingSignIn, CodeEnded> {
        let is_new = waiting.is_none();
        let pending = match waiting {
            Some(pending) => {
                drop(presence.show(ShownCode { id: pending.id.clone(), is_new }).await);
                pending
            }
            None => self.issue(presence).await?,
        };
        let code = issued_code(&pending, &Clocks::now());
        if let Err(error) = self.write_qr(code.address()).await {
            if is_new {
                // Nobody has seen it. Where it cannot be forgotten, its end is near all the same.
                let _ = self.service.forget_code(&self.profile.name, Some(pending.id.clone())).await;
            }
            return Err(CodeEnded::Unusable(error));
        }
        let next_poll_at = clock::now() + standing(&pending).pace();
        report(match (before, is_new) {
            (Before::RanOut, _) => SignInEvent::CodeRenewed { code, next_poll_at },
            (Before::Replaced, _) => SignInEvent::CodeReplaced { code, next_poll_at },
            (Before::Nothing, true) => SignInEvent::CodeIssued { code, next_poll_at },
            (Before::Nothing, false) => SignInEvent::CodeTakenUp { code, next_poll_at },
        });
        Ok(pending)
    }

    /// Writes the QR code of a new code where somebody wants it in a file.
    async fn write_qr(&self, address: &Url) -> Result<(), Error> {
        let Some(file) = self.qr_file.clone() else { return Ok(()) };
        let address = address.to_string();
        aside(move || file.write(&address)).await
    }

    /// Has the provider describe itself for a new code, where what was known of it came with the one before.
    pub(super) async fn look_up_again(&mut self) -> Result<(), Error> {
        if self.home.endpoints.device_authorization.is_none() {
            self.provider = self.service.provider(&self.profile).await?;
            self.home = home_data_center(&self.profile, &self.provider)?.clone();
        }
        Ok(())
    }

    pub(super) fn flow(&self) -> DeviceFlow {
        let Self { provider, home, client, scopes, .. } = self;
        DeviceFlow::new(provider.clone(), home.clone(), client.clone(), scopes.clone())
    }

    fn pending_sign_in(
        &self,
        id: PendingId,
        standing: Standing,
        home: Option<String>,
        now: &Clocks<'_>,
    ) -> PendingSignIn {
        let Standing { code, slow_downs, data_center, authentication, sends_json } = standing;
        let source = self.service.config.provider(&self.profile).ok();
        PendingSignIn {
            id,
            issued_at: now.wall,
            booted: now.booted(),
            lifetime: code.lifetime,
            interval: code.interval,
            slow_downs,
            device_code: code.device_code.clone(),
            user_code: code.user_code.clone(),
            verification_uri: code.verification_uri.clone(),
            verification_uri_complete: code.verification_uri_complete.clone(),
            provider: self.provider.name.clone(),
            client_id: self.profile.client_id.clone(),
            issuer: self.home.accounts_server.to_string(),
            data_center,
            endpoints: source.and_then(|source| discovery::to_remember(&self.provider, source)),
            authentication,
            sends_json,
            scopes: self.scopes.clone(),
            expected: self.expected.clone(),
            machine: host::name(),
            home,
        }
    }
}

/// The code as screens and scripts show it.
pub(super) fn issued_code(pending: &PendingSignIn, now: &Clocks<'_>) -> IssuedCode {
    let left = pending.left(now);
    // When the machine has started anew since, it was issued before this clock begins.
    let since_boot = (now.moment - Moment::default() + left).saturating_sub(pending.lifetime);
    IssuedCode {
        user_code: pending.user_code.clone(),
        verification_uri: pending.verification_uri.clone(),
        verification_uri_complete: pending.verification_uri_complete.clone(),
        interval: pending.interval,
        lifetime: pending.lifetime,
        issued_at: Moment::at(since_boot),
        expires_at: now.moment + left,
        expires_at_time: clock::later(now.wall, left),
        scopes: pending.scopes.clone(),
    }
}

/// Where the flow of a pending sign-in stands.
pub(super) fn standing(pending: &PendingSignIn) -> Standing {
    Standing {
        code: DeviceCode {
            device_code: pending.device_code.clone(),
            user_code: pending.user_code.clone(),
            verification_uri: pending.verification_uri.clone(),
            verification_uri_complete: pending.verification_uri_complete.clone(),
            lifetime: pending.lifetime,
            interval: pending.interval,
        },
        slow_downs: pending.slow_downs,
        data_center: pending.data_center.clone(),
        authentication: pending.authentication.clone(),
        sends_json: pending.sends_json,
    }
}
