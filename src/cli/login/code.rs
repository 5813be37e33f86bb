//! `login --grant-code`: a code that a person makes in the console for a self client.

use super::super::context::Context;
use super::super::prompt;
use super::{Mode, plain, tell_signed_in, wanted_scopes};
use crate::config::Profile;
use crate::error::{Error, Way};
use crate::service::{Service, SignIn, check_way};

pub(super) fn sign_in(
    context: &Context,
    service: &Service,
    profile: &Profile,
    options: SignIn,
    mode: Mode,
) -> Result<(), Error> {
    check_way(profile, Some(Way::GrantCode))?;
    if mode == Mode::Plain {
        plain::introduce(context, service, profile, wanted_scopes(profile, &options))?;
        if prompt::is_possible() {
            let scopes = wanted_scopes(profile, &options).join(",");
            let source = service.config.provider(profile)?;
            context.output.say(source.dialect().code_by_hand);
            prompt::tell_console(context, source, profile.data_center.as_deref());
            context.output.say(&format!("Scopes to enter there: {scopes}"));
            context.output.say("The code is good for a few minutes and for one use.");
        }
    }
    let code = prompt::token(context, "the code", "Code (not shown): ")?;
    let signed_in = context.interrupts.block_on_telling(service.sign_in_with_code(profile, code, options))?;
    tell_signed_in(context, &signed_in, mode);
    Ok(())
}
