//! Tokens and secrets that somebody gave as arguments: what is told of the mistake repeats none, and says where each is read.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::secret::reads_as_token;

/// What stands where a token stood.
const HIDDEN: &str = "****";

/// What is said of any of them.
const TIP: &str = "tokens, codes and secrets are read from stdin, since others can see the arguments of a program; make a new one \
                   if this was a real one";

/// Parts of the names of flags that people try, and what has their place.
const TIPS: [(&str, &str); 4] = [
    ("secret", "`device-login profile edit NAME --client-secret-stdin` reads the client's secret from stdin"),
    ("refresh-token", "`device-login login --import` reads a refresh token from stdin"),
    ("token", TIP),
    ("code", "`device-login login --grant-code` reads a code from stdin"),
];

/// The same error without tokens in what it repeats.
pub(super) fn without_tokens(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    // Whoever imports has one at hand, which may look like nothing that is known.
    let is_import = arguments.iter().any(|argument| ["--import", "--grant-code"].iter().any(|flag| argument == flag));
    let is_profile = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => ["PROFILE", "NAME"].iter().any(|name| argument.contains(name)),
        _ => false,
    };
    let repeated = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::ValueValidation if is_profile => ContextKind::InvalidValue,
        _ => return error,
    };
    let Some(ContextValue::String(word)) = error.get(repeated) else { return error };
    let tip = if let Some(flag) = word.strip_prefix("--") {
        TIPS.iter().find(|(name, _)| flag.contains(name)).map(|(_, tip)| *tip)
    } else {
        (is_import || reads_as_token(word)).then_some(TIP)
    };
    let Some(tip) = tip else { return error };
    if !word.starts_with("--") {
        error.insert(repeated, ContextValue::String(HIDDEN.to_owned()));
    }
    for near in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        error.remove(near);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// Whether this is what was said of a token.
pub(super) fn is_tip(text: &str) -> bool {
    TIPS.iter().any(|(_, tip)| *tip == text)
}
