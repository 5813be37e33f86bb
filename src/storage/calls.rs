//! Calls that were made with a profile, so that they can be made again: a short list in a file beside the record, sealed
//! with the same key.
//!
//! Nothing decides by it. What of a call may be kept is decided in `service`: here nothing is taken out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::Method;

/// A call without its secrets, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastCall {
    /// When its answer came, or what there was instead of one.
    pub at: Timestamp,
    pub method: Method,
    pub url: Url,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// It had a body, which is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_body: bool,
    /// It had secrets in its address or headers, which are not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_secrets: bool,
    /// `None` where no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<PastAnswer>,
}

/// What is kept of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastAnswer {
    pub status: u16,
    /// Milliseconds from sending the request to the last byte of its answer.
    pub took_ms: u64,
    /// The length of the body.
    pub bytes: u64,
}
