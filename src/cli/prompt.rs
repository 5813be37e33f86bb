//! Questions to a person at the terminal, asked on stderr and answered on stdin.

use std::io::{BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal;

use super::output::Output;
use super::words;
use crate::config::{ClientType, Config, Profile, ProviderSource, SecretSource};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;

/// Bytes; longer text is no secret.
const LONGEST_SECRET: u64 = 64 * 1024;
/// Longer answers are mistakes.
const LONGEST_ANSWER: u16 = 4096;

/// Tells whether somebody is there to ask.
pub(super) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line. Just Enter means `default`; the end of the input is a cancellation.
pub(super) fn line(output: &Output, question: &str, default: &str) -> Result<String, Error> {
    let shown_default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    output.ask(&format!("{question}{shown_default}: "));
    let mut answer = String::new();
    let mut stdin = std::io::stdin().lock().take(LONGEST_ANSWER.into());
    match stdin.read_line(&mut answer) {
        Ok(0) => Err(cancelled()),
        Ok(_) => {
            let answer = answer.trim();
            Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
        }
        Err(error) => Err(Error::new(Code::Other, "the answer could not be read").because(error)),
    }
}

/// Asks for a secret, which is not shown while it is typed or pasted.
pub(super) fn hidden(output: &Output, question: &str) -> Result<Secret, Error> {
    let failed = |error| Error::new(Code::Other, "the secret could not be read").because(error);
    // Before the question, so that not even an answer that comes at once is shown.
    terminal::enable_raw_mode().map_err(failed)?;
    let raw = RawMode;
    output.ask(question);
    let mut typed = Zeroizing::new(String::with_capacity(LONGEST_ANSWER.into()));
    let result = loop {
        let Event::Key(key) = event::read().map_err(failed)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => break Ok(Secret::new(typed.trim())),
            // What was typed or pasted before raw mode ends in a line feed.
            KeyCode::Char('j') if is_control => break Ok(Secret::new(typed.trim())),
            KeyCode::Char('c' | 'd') if is_control => break Err(cancelled()),
            KeyCode::Char('u') if is_control => typed.clear(),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(character) if !is_control && typed.len() + 4 <= LONGEST_ANSWER.into() => {
                typed.push(character);
            }
            _ => {}
        }
    };
    drop(raw);
    output.ask("\n");
    result
}

/// Reads a secret from stdin: asked for where that is a terminal, else all there is.
pub(super) fn secret(output: &Output, name: &str, question: &str) -> Result<Secret, Error> {
    let what = format!("{name} could not be read from stdin");
    let secret = if std::io::stdin().is_terminal() {
        hidden(output, question)?
    } else {
        let mut text = Zeroizing::new(String::new());
        let mut stdin = std::io::stdin().lock().take(LONGEST_SECRET);
        stdin.read_to_string(&mut text).map_err(|error| Error::new(Code::Usage, &what).because(error))?;
        Secret::new(text.trim())
    };
    if secret.is_empty() || !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(Code::Usage, what).because("it is empty or not one line of printable characters"));
    }
    Ok(secret)
}

/// Leaves the terminal's raw mode, whatever happens.
struct RawMode;

impl Drop for RawMode {
    fn drop(&mut self) {
        // There is nothing else to try.
        let _ = terminal::disable_raw_mode();
    }
}

/// Asks for all that a first profile needs.
pub(super) fn new_profile(
    output: &Output,
    config: &Config,
    name: Option<&ProfileName>,
) -> Result<(Profile, Option<Secret>), Error> {
    output.say("There is no profile yet. A few questions make one; Ctrl-C ends them.");
    let providers: Vec<&str> = config.providers.keys().map(String::as_str).collect();
    let question = format!("Provider ({})", providers.join(", "));
    let provider = until(output, &question, "zoho", |answer| {
        config.providers.get(&answer).map(|source| (answer, source)).ok_or("This provider is not known.")
    })?;
    let (provider, source) = provider;
    output.say(&format!("You need a client id and secret: {}.", source.dialect().registration));
    let data_center = ask_data_center(output, source)?;
    let plain = |answer: String| if answer.is_empty() { Err("A client id is needed.") } else { Ok(answer) };
    let client_id = until(output, "Client id", "", plain)?;
    let secret = hidden(output, "Client secret (not shown; none: just Enter): ")?;
    let scopes = until(output, "Scopes, separated by commas", source.dialect().default_scope, |answer| {
        answer.parse::<words::Scopes>().map_err(|_| "This names no scope, or something that is none.")
    })?;
    let name = match name {
        Some(name) => name.clone(),
        None => until(output, "Name of the profile", "work", |answer| {
            answer.parse().map_err(|_| "A name has letters, digits, `-`, `_` and `.` only.")
        })?,
    };
    let profile = Profile {
        name,
        provider,
        data_center,
        client_id,
        scopes: scopes.0,
        client_type: ClientType::NonBrowser,
        redirect_uri: None,
        client_secret: SecretSource::Store,
        client_secret_files: std::collections::BTreeMap::new(),
        allowed_origins: Vec::new(),
    };
    Ok((profile, Some(secret).filter(|secret| !secret.is_empty())))
}

fn ask_data_center(output: &Output, source: &ProviderSource) -> Result<Option<String>, Error> {
    let Some(provider) = source.known() else { return Ok(None) };
    let codes: Vec<&str> = provider.data_centers.iter().map(|data_center| data_center.code.as_str()).collect();
    if codes == [""] {
        return Ok(None);
    }
    let question = format!("Data center where the client is registered ({})", codes.join(", "));
    until(output, &question, codes[0], |answer| {
        let data_center = provider.data_center(&answer).ok_or("This data center is not known.")?;
        Ok(Some(data_center.code.clone()))
    })
}

/// Asks again until the answer can be used.
fn until<T>(
    output: &Output,
    question: &str,
    default: &str,
    check: impl Fn(String) -> Result<T, &'static str>,
) -> Result<T, Error> {
    loop {
        match check(line(output, question, default)?) {
            Ok(answer) => return Ok(answer),
            Err(problem) => output.say(problem),
        }
    }
}

fn cancelled() -> Error {
    Error::new(Code::Interrupted, "cancelled")
}
