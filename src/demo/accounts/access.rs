//! What an application asks a person for: scopes, and for how long.

use super::Refusal;
use crate::providers::catalog::PRODUCTS;

const MOST_SCOPES: usize = 50;

/// The scopes that a person is asked to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::demo) struct AccessRequest {
    pub(in crate::demo) scopes: Vec<String>,
    /// `access_type=offline`: a refresh token is wanted.
    pub(in crate::demo) is_offline: bool,
    /// `prompt=consent`: one is wanted although there has been one before.
    pub(super) asks_again: bool,
}

impl AccessRequest {
    /// Reads scopes that are separated by commas. One that does not exist spoils them all.
    pub(in crate::demo) fn new(scope: &str, is_offline: bool, asks_again: bool) -> Result<Self, Refusal> {
        let scopes: Vec<String> = scope.split(',').map(|scope| scope.trim().to_owned()).collect();
        if scopes.len() > MOST_SCOPES || !scopes.iter().all(|scope| is_known_scope(scope)) {
            return Err(Refusal::InvalidScope);
        }
        Ok(Self { scopes, is_offline, asks_again })
    }
}

/// One of the catalogue, or `Service.area.OPERATION` of a service in it; Zoho refuses others before anybody is asked.
fn is_known_scope(scope: &str) -> bool {
    let mut parts = scope.split('.');
    let service = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let is_of_service = scope.len() <= 100
        && rest.len() >= 2
        && rest.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        && PRODUCTS.iter().any(|product| product.scope_service.eq_ignore_ascii_case(service));
    is_of_service || PRODUCTS.iter().any(|product| product.scopes.contains(scope))
}
