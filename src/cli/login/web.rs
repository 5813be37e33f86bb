//! `login --web`: an address to open in any browser, and the address on which that ends, pasted or heard over loopback.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;

use super::super::context::Context;
use super::super::prompt;
use super::{Mode, events, plain, tell_signed_in, wanted_scopes};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::service::{Callback, CameBack, Service, SignIn, WebSignIn};

/// What a person has to know who pasted no more than the code.
const CODE_ALONE: &str = "That is the code alone. Without the rest of the address nothing tells that it belongs to this sign-in, nor which \
     server gave it: whoever gave you this code would be signed in here. The whole address has all of that.";

/// Bytes; longer lines are no addresses.
const LONGEST_LINE: u64 = 16 * 1024;

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
    if signing_in.is_taken() {
        let port = signing_in.redirect_uri().url().port_or_known_default().unwrap_or_default();
        context.output.say(&format!(
            "warning: another program listens at port {port} of this machine, and a browser here would hand it the code. \
             End that program and start again, or approve in a browser of another machine and paste."
        ));
    }
    let callback = come_back(context, &signing_in, profile, mode != Mode::Events && prompt::is_possible()).await?;
    context.output.note("Approved. Exchanging the code ...");
    let signed_in = signing_in.finish(callback).await?;
    tell_signed_in(context, &signed_in, mode)
}

/// Waits for the browser's way back, pasted or heard, whichever comes first.
async fn come_back(
    context: &Context,
    signing_in: &WebSignIn,
    profile: &Profile,
    can_ask: bool,
) -> Result<Callback, Error> {
    // One future throughout: a browser that was heard must not be forgotten over a line that comes meanwhile.
    let mut heard = std::pin::pin!(signing_in.listen(|problem| context.output.say(&plainly(problem))));
    let mut lines = lines();
    let mut has_lines = true;
    let mut last_problem = None;
    let mut code_alone = None;
    loop {
        tokio::select! {
            callback = &mut heard => return callback,
            line = lines.recv(), if has_lines => match line {
                Some(line) if line.trim().eq_ignore_ascii_case("y") && code_alone.is_some() => {
                    return code_alone.ok_or_else(|| Error::new(Code::Other, "no code came"));
                }
                Some(line) if line.trim().is_empty() => {}
                Some(line) => match signing_in.read(&line)? {
                    CameBack::Approved(callback) => return Ok(callback),
                    CameBack::CodeAlone(callback) if can_ask => {
                        context.output.say(CODE_ALONE);
                        context.output.ask("Exchange it all the same? y, or the whole address: ");
                        code_alone = Some(callback);
                    }
                    CameBack::CodeAlone(_) => {
                        let error = Error::new(Code::Usage, "that is a code alone, and nothing tells whose it is")
                            .hint("give the whole address on which the browser ends; only a person at a terminal may say that a code alone is right");
                        context.output.say(&plainly(&error));
                        last_problem = Some(error);
                    }
                    CameBack::Strange(error) => {
                        context.output.say(&plainly(&error));
                        last_problem = Some(error);
                    }
                },
                None if signing_in.is_listening() => has_lines = false,
                None => {
                    let what = format!("profile `{}` could not be signed in", profile.name);
                    return Err(match last_problem {
                        Some(problem) => Error { message: what, cause: Some(problem.message), ..problem },
                        None => Error::new(Code::Usage, what)
                            .because("no address came back from the browser")
                            .hint("paste it on stdin, or use a redirect URI on 127.0.0.1 whose port is free"),
                    });
                }
            },
        }
    }
}

/// One sentence and what to do, for a person who can try again.
fn plainly(error: &Error) -> String {
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!(": {hint}"));
    format!("{error}{hint}")
}

/// The lines of stdin, each within bounds; the next one is read when the last one was taken.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    // Reading cannot be interrupted, so the thread stays until the process ends.
    // Where there are no more threads to be had, the browser's own way back is left.
    let _ = std::thread::Builder::new().spawn(move || {
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
