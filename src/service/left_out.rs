//! What of an answer with tokens was not taken, in sentences without their end.

use crate::oauth::wire::{LeftOut, TokenAnswer};
use crate::providers::DataCenter;

/// Of the answer that a sign-in brought.
pub(super) fn of_sign_in(token: &TokenAnswer, data_center: &DataCenter) -> Vec<String> {
    let api_domain = data_center.api_domain.as_ref().map(|own| own.origin().ascii_serialization());
    sentences(token, api_domain.as_deref(), "the sign-in is kept without it")
}

/// Of the answer to a refresh of a grant whose calls go to `api_domain`.
pub(super) fn of_refresh(token: &TokenAnswer, api_domain: Option<&str>) -> Vec<String> {
    sentences(token, api_domain, "the one before is kept, and the next refresh may be refused")
}

fn sentences(token: &TokenAnswer, api_domain: Option<&str>, without: &str) -> Vec<String> {
    let at = api_domain.map(|own| format!(" at {own}")).unwrap_or_default();
    let sentence = |left_out: &LeftOut| match left_out {
        LeftOut::Field(rejected) => format!("{rejected}; {without}"),
        LeftOut::ApiDomain(named) => format!(
            "the server sent an API domain, {named}, that is not one of its own; the sign-in is kept and calls stay{at}; \
             `allowed_origins` in the configuration can add it"
        ),
    };
    token.left_out.iter().map(sentence).collect()
}
