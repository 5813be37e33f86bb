//! Questions to a person at the terminal, asked on stderr and answered on stdin.

use std::io::{IsTerminal, Read};

use zeroize::Zeroizing;

use super::context::Context;
use super::keyboard::{Asked, Entry, Keyboard};
use super::words;
use crate::config::{Config, LONGEST_SECRET, Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::providers::catalog;
use crate::registered::{is_client_id, is_client_secret};
use crate::secret::Secret;

/// Tells whether somebody is there to ask.
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line. Just Enter means `default`; the end of the input is a cancellation.
pub(super) fn line(context: &Context, question: &str, default: &str) -> Result<String, Error> {
    let shown_default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let answer = ask(context, Asked::Line, &format!("{question}{shown_default}: "))?;
    let answer = answer.expose().trim();
    Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
}

/// Asks a question to which just Enter says `default`.
pub(super) fn yes_or_no(context: &Context, question: &str, default: bool) -> Result<bool, Error> {
    let default = if default { "y" } else { "n" };
    until(context, &format!("{question} (y/n)"), default, |answer| match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("Answer y or n.".to_owned()),
    })
}

/// Asks for a secret, which is not shown while it is typed or pasted.
fn hidden(context: &Context, question: &str) -> Result<Secret, Error> {
    let typed = ask(context, Asked::Hidden, question)?;
    Ok(Secret::new(typed.expose().trim()))
}

fn ask(context: &Context, asked: Asked, question: &str) -> Result<Secret, Error> {
    context.interrupts.block_on(async {
        let listening = Keyboard::listen(asked);
        let mut keyboard =
            listening.map_err(|error| Error::new(Code::Other, "the answer could not be read").because(error))?;
        context.output.ask(question);
        match keyboard.next().await {
            Some(Entry::Text(text)) => Ok(text),
            Some(Entry::TooLong) => Err(too_long("the answer")),
            None => Err(cancelled()),
        }
    })
}

/// What is longer than anything that is asked for here.
pub(super) fn too_long(what: &str) -> Error {
    Error::new(Code::Usage, format!("{what} could not be taken")).because("it is longer than 256 KiB")
}

/// Reads a code or token from stdin.
pub(super) fn token(context: &Context, name: &str, question: &str) -> Result<Secret, Error> {
    let fault = |text: &str| match text {
        "" => Some("it is empty"),
        _ if text.contains(char::is_whitespace) => Some("there is a blank or another line in it, and it is one word"),
        _ => {
            (!text.bytes().all(|byte| byte.is_ascii_graphic())).then_some("it has characters that no code or token has")
        }
    };
    secret(context, name, question, fault)
}

/// Reads a client secret from stdin.
pub(super) fn client_secret(context: &Context) -> Result<Secret, Error> {
    let fault = |text: &str| match text {
        "" => Some("it is empty"),
        _ => (!is_client_secret(text)).then_some("it has characters that no secret has, or several lines"),
    };
    secret(context, "the client secret", "Client secret (not shown): ", fault)
}

/// Reads a secret from stdin: asked for where that is a terminal, again while it has a fault, else all there is.
fn secret(
    context: &Context,
    name: &str,
    question: &str,
    fault: impl Fn(&str) -> Option<&'static str>,
) -> Result<Secret, Error> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::new(Code::Usage, format!("{name} could not be read from stdin"))
            .because(cause)
            .advise("put it on stdin, on one line, and nothing else")
    };
    if std::io::stdin().is_terminal() {
        loop {
            let typed = hidden(context, question)?;
            match fault(typed.expose()) {
                Some(fault) => {
                    context.output.say(&format!("Not taken: {fault}. Type or paste it again; Ctrl-C ends this."));
                }
                None => return Ok(typed),
            }
        }
    }
    let mut text = Zeroizing::new(String::new());
    let mut stdin = std::io::stdin().lock().take(u64::from(LONGEST_SECRET) + 1);
    stdin.read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() > LONGEST_SECRET as usize {
        return Err(failed(&format!("it is larger than {} KiB", LONGEST_SECRET / 1024)));
    }
    let secret = Secret::new(text.trim_start_matches('\u{feff}').trim());
    match fault(secret.expose()) {
        Some(fault) => Err(failed(&fault)),
        None => Ok(secret),
    }
}

/// Asks for all that a profile needs. What cannot be used is asked for again, and the rest stays.
pub(super) fn new_profile(
    context: &Context,
    config: &Config,
    name: Option<&ProfileName>,
) -> Result<(Profile, Option<Secret>), Error> {
    let providers: Vec<&str> = config.providers.keys().map(String::as_str).collect();
    let question = format!("Provider ({})", providers.join(", "));
    let (provider, source) = until(context, &question, "zoho", |answer| {
        let (name, source) = config.provider_called(&answer).map_err(|hint| format!("Not known: {hint}"))?;
        Ok((name.to_owned(), source))
    })?;
    let dialect = source.dialect();
    context.output.say(&format!("You need a client id and secret: {}.", dialect.registration));
    let data_center = data_center(context, source)?;
    tell_console(context, source, data_center.as_deref());
    let client_id = until(context, "Client id", "", |answer| match answer.as_str() {
        "" => Err("A client id is needed: copy it from the provider's console.".to_owned()),
        id if !is_client_id(id) || (dialect.client_ids_are_words && id.contains(' ')) => {
            Err("It has characters that no client id has, such as a blank.".to_owned())
        }
        _ => Ok(answer),
    })?;
    let secret = client_secret_or_none(context, "Client secret")?;
    let scopes = scopes(context, source)?;
    let name = match name {
        Some(name) => name.clone(),
        None => profile_name(context)?,
    };
    Ok((Profile { data_center, scopes, ..Profile::new(name, provider, client_id) }, secret))
}

/// Says where the console is that was spoken of, where that is known.
pub(super) fn tell_console(context: &Context, source: &ProviderSource, data_center: Option<&str>) {
    if let Some(address) = source.api_console(data_center) {
        context.output.say(&format!("The API console is at {address}"));
    }
}

/// Asks for the name of a profile that is to be made.
pub(super) fn profile_name(context: &Context) -> Result<ProfileName, Error> {
    until(context, "Name of the profile", "work", |answer| {
        answer.parse().map_err(|_| "A name has letters (a to z, A to Z), digits, `-`, `_` and `.` only.".to_owned())
    })
}

/// Asks for the secret of a client that may have none, again where it cannot be used.
pub(super) fn client_secret_or_none(context: &Context, what: &str) -> Result<Option<Secret>, Error> {
    loop {
        let secret = hidden(context, &format!("{what} (not shown; none: just Enter): "))?;
        if secret.is_empty() || is_client_secret(secret.expose()) {
            return Ok(Some(secret).filter(|secret| !secret.is_empty()));
        }
        context.output.say("It has characters that no secret has.");
    }
}

/// Asks for scopes, again where one is none, or where it is probably meant to be another. What was typed stays.
fn scopes(context: &Context, source: &ProviderSource) -> Result<Vec<String>, Error> {
    let has_catalogue = source.dialect().has_products;
    let mut proposed = source.dialect().first_scopes().join(",");
    let mut is_told = false;
    loop {
        let answer = line(context, "Scopes, separated by commas", &proposed)?;
        match answer.parse::<words::Scopes>() {
            Err(problem) => context.output.say(&format!("Not taken: {problem}.")),
            Ok(words::Scopes(scopes)) => {
                let advice: Vec<String> = scopes.iter().filter_map(|scope| catalog::advice(scope)).collect();
                if !has_catalogue || advice.is_empty() || (is_told && answer == proposed) {
                    return Ok(scopes);
                }
                context.output.warn(&advice);
                context.output.say("Type them again, or press Enter to ask for them as they are.");
                (proposed, is_told) = (answer, true);
            }
        }
    }
}

/// Asks where the client is registered; `None` where the provider has one place only.
pub(super) fn data_center(context: &Context, source: &ProviderSource) -> Result<Option<String>, Error> {
    let Some(provider) = source.known() else { return Ok(None) };
    let codes: Vec<&str> = provider.data_centers.iter().map(|data_center| data_center.code.as_str()).collect();
    if codes == [""] {
        return Ok(None);
    }
    let question = format!("Data center where the client is registered ({})", codes.join(", "));
    until(context, &question, &provider.default_data_center().code, |answer| {
        let data_center = provider.data_center_called(&answer).ok_or("This data center is not known.")?;
        Ok(Some(data_center.code.clone()))
    })
}

/// Asks again until the answer can be used.
fn until<T>(
    context: &Context,
    question: &str,
    default: &str,
    check: impl Fn(String) -> Result<T, String>,
) -> Result<T, Error> {
    loop {
        match check(line(context, question, default)?) {
            Ok(answer) => return Ok(answer),
            Err(problem) => context.output.say(&problem),
        }
    }
}

fn cancelled() -> Error {
    Error::new(Code::Interrupted, "cancelled")
}
