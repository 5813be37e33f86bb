//! What `kubectl` and its libraries read from a program that gets credentials (Kubernetes, "Authenticating", client-go
//! credential plugins).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::context::variable;
use super::super::words;
use crate::config::Environment;
use crate::config::variables::{self, EXEC_INFO, Reader};
use crate::error::Error;

const GROUP: &str = "client.authentication.k8s.io";

/// An `ExecCredential`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecCredential<'a> {
    api_version: String,
    kind: &'static str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
}

/// What is read of `KUBERNETES_EXEC_INFO`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo {
    api_version: String,
}

impl<'a> ExecCredential<'a> {
    pub(super) fn new(version: &str, token: &'a str, expires_at: Option<Timestamp>) -> Self {
        let status = Status { token, expiration_timestamp: expires_at.map(words::rfc3339) };
        Self { api_version: format!("{GROUP}/{version}"), kind: "ExecCredential", status }
    }
}

/// The version of the form that is asked for.
pub(super) fn version() -> Result<&'static str, Error> {
    variables::check(Reader::Kubernetes, &|name| std::env::var_os(name))?;
    let Some(info) = Environment(&variable).var(EXEC_INFO) else { return Ok("v1") };
    version_in(&info).map_err(|problem| variables::unusable(EXEC_INFO, problem))
}

fn version_in(info: &str) -> Result<&'static str, &'static str> {
    let info: ExecInfo = serde_json::from_str(info).map_err(|_| "it is no JSON object with an `apiVersion`")?;
    let version = info.api_version.strip_prefix(GROUP).and_then(|version| version.strip_prefix('/'));
    match version {
        Some("v1") => Ok("v1"),
        Some("v1beta1") => Ok("v1beta1"),
        _ => Err("it asks for another version than `v1` and `v1beta1` of `client.authentication.k8s.io`"),
    }
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_that_is_asked_for_is_given_or_refused() {
        let of = |version: &str| format!("{{\"apiVersion\":\"{version}\",\"kind\":\"ExecCredential\",\"spec\":{{}}}}");
        assert_eq!(version_in(&of("client.authentication.k8s.io/v1")), Ok("v1"));
        assert_eq!(version_in(&of("client.authentication.k8s.io/v1beta1")), Ok("v1beta1"));
        for info in ["client.authentication.k8s.io/v1alpha1", "client.authentication.k8s.io/", "v1", ""].map(of) {
            assert!(version_in(&info).is_err(), "{info}");
        }
        for info in ["", "v1", "{}", "[]", "{\"apiVersion\":1}"] {
            assert!(version_in(info).is_err(), "{info}");
        }
    }
}
