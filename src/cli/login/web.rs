//! `login --web`: an address to open in any browser, and the address on which that ends, pasted or heard over loopback.

use super::super::advice::Program;
use super::super::context::Context;
use super::super::keyboard::{Asked, Entry, Keyboard};
use super::super::prompt;
use super::{Mode, events, plain, tell_signed_in, wanted_scopes};
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::service::{Callback, CameBack, Presence, Service, SignIn, WebSignIn};

/// What a person has to know who pasted no more than the code.
const CODE_ALONE: &str = "That is the code alone. Without the rest of the address nothing tells that it belongs to this sign-in, nor which \
     server gave it: whoever gave you this code would be signed in here. The whole address has all of that.";

pub(super) async fn sign_in(
    context: &Context,
    service: &Service,
    profile: &Profile,
    options: SignIn,
    mode: Mode,
    presence: &Presence,
) -> Result<(), Error> {
    let scopes = wanted_scopes(profile, &options).to_vec();
    let signing_in = service.begin_web(profile, options).await?;
    presence.show_address();
    if mode == Mode::Events {
        events::tell_authorization_uri(context, &signing_in, profile)?;
    } else {
        plain::introduce(context, service, profile, &scopes)?;
        let say = |text: &str| context.output.say(text);
        say("1. Open this address in a browser, and approve only if you started this yourself:");
        context.output.show(signing_in.uri().as_str())?;
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
    tell_signed_in(context, &signed_in, mode);
    Ok(())
}

/// Waits for the browser's way back, pasted or heard, whichever comes first.
async fn come_back(
    context: &Context,
    signing_in: &WebSignIn,
    profile: &Profile,
    can_ask: bool,
) -> Result<Callback, Error> {
    // One future throughout: a browser that was heard must not be forgotten over a line that comes meanwhile.
    let mut heard =
        std::pin::pin!(signing_in.listen(|problem| context.output.say(&plainly(problem, &context.output.program))));
    let what = format!("profile `{}` could not be signed in", profile.name);
    // Where there are no more threads to be had, the browser's own way back is left.
    let mut keyboard = Keyboard::listen(Asked::Pasted).ok();
    let mut pasted = Pasted { context, signing_in, can_ask, code_alone: None, last_problem: None };
    let mut has_entries = true;
    loop {
        tokio::select! {
            callback = &mut heard => return callback,
            entry = next(keyboard.as_mut()), if has_entries => match entry {
                Some(Entry::Text(text)) => {
                    if let Some(callback) = pasted.take(text.expose())? {
                        return Ok(callback);
                    }
                }
                Some(Entry::TooLong) => pasted.tell(prompt::too_long("the address")),
                None if signing_in.is_listening() => has_entries = false,
                None => {
                    return Err(match pasted.last_problem {
                        // It was for this process alone.
                        Some(problem) => {
                            let anew = Advice::SignIn(profile.name.clone());
                            problem.within(what).advise_only(anew.and(" for a new address, and give the one on which the browser ends"))
                        }
                        None => Error::new(Code::Usage, what)
                            .because("no address came back from the browser")
                            .advise("paste it on stdin, or use a redirect URI on 127.0.0.1 whose port is free"),
                    });
                }
            },
        }
    }
}

async fn next(keyboard: Option<&mut Keyboard>) -> Option<Entry> {
    keyboard?.next().await
}

/// What has been made of what was pasted.
struct Pasted<'a> {
    context: &'a Context,
    signing_in: &'a WebSignIn,
    /// A person is there to say whether a code alone is right.
    can_ask: bool,
    code_alone: Option<Callback>,
    last_problem: Option<Error>,
}

impl Pasted<'_> {
    /// Takes in what came at once: one address, maybe broken into lines, or several.
    fn take(&mut self, text: &str) -> Result<Option<Callback>, Error> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.len() > 1
            && let CameBack::Approved(callback) = self.signing_in.read(&lines.concat())?
        {
            return Ok(Some(callback));
        }
        for line in lines {
            // The answer to the question about it, and to no later one.
            if let Some(callback) = self.code_alone.take() {
                match line.to_ascii_lowercase().as_str() {
                    "y" | "yes" => return Ok(Some(callback)),
                    "n" | "no" => {
                        self.context.output.ask("Not exchanged. The whole address: ");
                        continue;
                    }
                    _ => {}
                }
            }
            match self.signing_in.read(line)? {
                CameBack::Approved(callback) => return Ok(Some(callback)),
                CameBack::CodeAlone(callback) if self.can_ask => {
                    self.context.output.say(CODE_ALONE);
                    self.context.output.ask("Exchange it all the same? y, or the whole address: ");
                    self.code_alone = Some(callback);
                }
                CameBack::CodeAlone(_) => self.tell(
                    Error::new(Code::Usage, "that is a code alone, and nothing tells whose it is").advise(
                        "give the whole address on which the browser ends; only a person at a terminal may say that a code alone is right",
                    ),
                ),
                CameBack::Strange(error) => self.tell(error),
            }
        }
        Ok(None)
    }

    fn tell(&mut self, problem: Error) {
        self.context.output.say(&plainly(&problem, &self.context.output.program));
        self.last_problem = Some(problem);
    }
}

/// One sentence and what to do, for a person who can try again.
fn plainly(error: &Error, program: &Program) -> String {
    let hint = if error.advice.is_empty() { String::new() } else { format!(": {}", program.in_line(&error.advice)) };
    format!("{error}{hint}")
}
