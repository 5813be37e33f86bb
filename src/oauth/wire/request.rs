//! Requests as form bodies, with what says who the client is.

use url::Url;

use super::TOKENS;
use crate::http::Request;
use crate::oauth::Client;
use crate::providers::{ClientAuthentication, DataCenter, Dialect, Provider};
use crate::registered::RedirectUri;
use crate::secret::{Secret, in_form};

/// The device authorization request (RFC 8628 §3.1), to the endpoint for it.
pub fn device_authorization_request(
    endpoint: &Url,
    provider: &Provider,
    data_center: &DataCenter,
    client: &Client,
    scopes: &[String],
) -> Request {
    let dialect = provider.dialect;
    let scope = scopes.join(dialect.scope_separator);
    let mut parameters = dialect.device_request.to_vec();
    parameters.extend(provider.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if !scope.is_empty() {
        parameters.push(("scope", &scope));
    }
    let authentication = if dialect.authenticates_device_request {
        client.authentication_at(&data_center.code)
    } else {
        ClientAuthentication::None
    };
    client_form(endpoint.clone(), data_center, client, authentication, &parameters)
}

/// One poll for the token (RFC 8628 §3.4).
pub fn device_token_request(
    dialect: &Dialect,
    data_center: &DataCenter,
    client: &Client,
    device_code: &Secret,
) -> Request {
    let grant_type = dialect.device_grant_type;
    let device_code = (dialect.device_code_parameter, device_code.expose());
    let url = data_center.endpoints.device_token.clone();
    let authentication = client.authentication_at(&data_center.code);
    let request = client_form(url, data_center, client, authentication, &[("grant_type", grant_type), device_code]);
    Request { enough: &TOKENS, ..request }
}

/// What stands for a person's approval at the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// RFC 6749 §6.
    RefreshToken(Secret),
    /// RFC 6749 §4.1.3, with the verifier of RFC 7636 §4.5. Codes that were made by hand in a provider's console have
    /// neither redirect URI nor verifier.
    Code { code: Secret, redirect_uri: Option<RedirectUri>, verifier: Option<Secret> },
}

/// The request that turns an approval into an access token.
pub fn token_request(data_center: &DataCenter, client: &Client, approval: &Approval) -> Request {
    let mut parameters = Vec::new();
    match approval {
        Approval::RefreshToken(token) => {
            parameters.extend([("grant_type", "refresh_token"), ("refresh_token", token.expose())]);
        }
        Approval::Code { code, redirect_uri, verifier } => {
            parameters.extend([("grant_type", "authorization_code"), ("code", code.expose())]);
            parameters.extend(redirect_uri.as_ref().map(|uri| ("redirect_uri", uri.as_str())));
            parameters.extend(verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose())));
        }
    }
    let authentication = client.authentication_at(&data_center.code);
    let url = data_center.endpoints.token.clone();
    Request { enough: &TOKENS, ..client_form(url, data_center, client, authentication, &parameters) }
}

/// A form in which the client says who it is (RFC 6749 §2.3.1). Its id is in the body even beside the header, since there
/// are servers that look for it there.
pub fn client_form(
    url: Url,
    data_center: &DataCenter,
    client: &Client,
    authentication: ClientAuthentication,
    parameters: &[(&str, &str)],
) -> Request {
    let mut parameters = parameters.to_vec();
    parameters.push(("client_id", &client.id));
    let request = if client.sends_json { Request::json } else { Request::form };
    match (client.secret_at(&data_center.code), authentication) {
        (Some(secret), ClientAuthentication::Basic) => {
            let [id, secret] = [&client.id, secret.expose()].map(in_form);
            request(url, &parameters).with_basic_authentication(&id, &secret)
        }
        (Some(secret), ClientAuthentication::RawBasic) => {
            request(url, &parameters).with_basic_authentication(&client.id, secret.expose())
        }
        (Some(secret), ClientAuthentication::Body) => {
            parameters.push(("client_secret", secret.expose()));
            request(url, &parameters)
        }
        _ => request(url, &parameters),
    }
}
