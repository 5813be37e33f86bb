//! What the full screen tells, in lines: how the profiles stand, and what can be done. For screen readers and terminals
//! that cannot be drawn on.

use super::context::Context;
use super::status::Status;
use crate::clock;
use crate::error::Error;
use crate::service::State;

pub(super) fn run(context: &Context) -> Result<u8, Error> {
    let service = context.service()?;
    let has_profiles = !service.config.profiles.is_empty();
    let code = if has_profiles { Status::of_all().run(context)? } else { 0 };
    let mut acts = Vec::new();
    for status in service.statuses(clock::wall()) {
        let name = &status.name;
        match status.state {
            State::SignedOut => acts.push((format!("login {name}"), "signs in")),
            State::NeedsLogin => acts.push((format!("login {name}"), "signs in again")),
            _ => {}
        }
    }
    if has_profiles {
        acts.extend([
            ("token NAME".to_owned(), "prints a valid access token"),
            ("refresh NAME".to_owned(), "gets a new one now"),
            ("whoami NAME".to_owned(), "asks who is signed in"),
            ("api -p NAME PATH".to_owned(), "calls the API"),
            ("logout NAME".to_owned(), "gives the sign-in back"),
            ("profile show NAME".to_owned(), "tells all about a profile"),
        ]);
    } else {
        context.output.text("There is no profile yet.")?;
        acts.push(("login".to_owned(), "asks a few questions, makes a profile and signs it in"));
    }
    acts.push(("profile add --help".to_owned(), "tells how to add a profile"));
    acts.push(("--help".to_owned(), "tells all that can be done"));
    let program = &context.output.program;
    let lines: Vec<String> =
        acts.iter().map(|(command, what)| format!("{}: {what}.", program.typed(command))).collect();
    context.output.text(&format!("What can be done:\n{}", lines.join("\n")))?;
    Ok(code)
}
