//! Tokens and secrets that somebody gave as arguments: what is told of the mistake repeats none, and says where each is read.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::secret::reads_as_token;

/// What stands where a token stood.
const HIDDEN: &str = "****";

/// What is said of any of them.
const TIP: &str = "tokens, codes and secrets are read from stdin, since others can see the arguments of a program; make a new one \
                   if this was a real one";

const CODE_TIP: &str = "`device-login login --grant-code` reads a code from stdin";

/// Flags that people try, and what has their place.
const TIPS: [(&str, &str); 6] = [
    ("--client-secret", "`device-login profile edit NAME --client-secret-stdin` reads the client's secret from stdin"),
    ("--refresh-token", "`device-login login --import` reads a refresh token from stdin"),
    ("--access-token", TIP),
    ("--token", TIP),
    ("--code", CODE_TIP),
    ("--grant-code", CODE_TIP),
];

/// What takes a token, a code or, beside those, the name that one may be given for.
const IN_AN_IMPORT: [&str; 4] = ["PROFILE", "NAME", "--import", "--grant-code"];

/// The same error without tokens in what it repeats.
pub(super) fn without_tokens(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let gives = |argument: &OsString, flag: &str| {
        argument
            .to_str()
            .and_then(|argument| argument.strip_prefix(flag))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    // Whoever imports has one at hand, which may look like nothing that is known.
    let is_import =
        arguments.iter().any(|argument| ["--import", "--grant-code"].iter().any(|flag| gives(argument, flag)));
    let (repeated, may_be_any) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, is_import),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, is_import),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::TooManyValues => {
            let is_for = |argument: &str| IN_AN_IMPORT.iter().any(|name| argument.contains(name));
            let argument = error.get(ContextKind::InvalidArg);
            let is_near = matches!(argument, Some(ContextValue::String(argument)) if is_for(argument));
            (ContextKind::InvalidValue, is_import && is_near)
        }
        _ => return error,
    };
    let Some(ContextValue::String(word)) = error.get(repeated) else { return error };
    let is_flag = repeated == ContextKind::InvalidArg && word.starts_with("--");
    let tip = if is_flag {
        // A whole name only: of a misspelt one, the flag that is near says more.
        TIPS.iter().find(|(flag, _)| flag == word).map(|(_, tip)| *tip)
    } else {
        (may_be_any || reads_as_token(word)).then_some(TIP)
    };
    let Some(tip) = tip else { return error };
    if !is_flag {
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
