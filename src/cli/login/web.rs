//! `login --web`: an address to open in any browser, and the address on which that ends, pasted or heard over loopback.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;

use super::super::context::Context;
use super::{Mode, events, plain, tell_signed_in, wanted_scopes};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::service::{CameBack, Service, SignIn};

/// Bytes; longer lines are no addresses.
const LONGEST_LINE: u64 = 16 * 1024;
/// Lines that wait to be looked at: stdin may be a file or pipe without an end.
const WAITING_LINES: usize = 16;

pub(super) async fn sign_in(
    context: &Context,
    service: &Service,
    profile: &Profile,
    options: SignIn,
    mode: Mode,
) -> Result<(), Error> {
    let scopes = wanted_scopes(profile, &options).to_vec();
    let signing_in = service.begin_web(profile, options).await?;
    if mode == Mode::Events {
        events::tell_authorization_uri(context, &signing_in, profile)?;
    } else {
        plain::introduce(context, service, profile, &scopes)?;
        let say = |text: &str| context.output.say(text);
        say("1. Open this address in a browser, and approve only if you started this yourself:");
        say(signing_in.uri().as_str());
        say(&format!("2. The browser ends on an address that begins with {}", signing_in.redirect_uri()));
        if signing_in.is_listening() {
            say("   A browser on this machine needs nothing more. From another one, copy that whole address,");
            say("   whatever the page says, and paste it here:");
        } else {
            say("   Copy that whole address, whatever the page says, and paste it here:");
        }
    }
    let mut lines = lines();
    let mut has_lines = true;
    let callback = loop {
        tokio::select! {
            callback = signing_in.listen() => break callback?,
            line = lines.recv(), if has_lines => match line {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => match signing_in.read(&line)? {
                    CameBack::Approved(callback) => break callback,
                    CameBack::Strange(error) => context.output.say(&plainly(&error)),
                },
                None if signing_in.is_listening() => has_lines = false,
                None => {
                    return Err(Error::new(Code::Usage, format!("profile `{}` could not be signed in", profile.name))
                        .because("no address came back from the browser")
                        .hint("paste it on stdin, or use a redirect URI on 127.0.0.1 so that it is heard"));
                }
            },
        }
    };
    context.output.note("Approved. Exchanging the code ...");
    let signed_in = signing_in.finish(callback).await?;
    tell_signed_in(context, &signed_in, mode)
}

/// One sentence and what to do, for a person who can try again.
fn plainly(error: &Error) -> String {
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!(": {hint}"));
    format!("{error}{hint}")
}

/// The lines of stdin, each within bounds.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(WAITING_LINES);
    // Reading cannot be interrupted, so the thread stays until the process ends.
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match stdin.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(read) if read > 0 => {}
                _ => return,
            }
            if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}
