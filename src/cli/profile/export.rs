//! `profile export`: hands a sign-in to other programs, in a file as they read it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::super::context::Context;
use super::super::named_file::Unwritten;
use super::super::{Positional, prompt};
use crate::error::{Code, Error};
use crate::files::{self, PRIVATE, Replacement, Trouble, access};
use crate::service::Exported;

const EXAMPLES: &str = "\
Examples:
  device-login profile export work --env-file zoho.env
  device-login profile export --env-file ~/app/.env --yes";

/// Said where the file is there already.
const OVER: &str = ", in the place of what was there";

/// Hand a sign-in to other programs, refresh token and client secret included
///
/// Writes the variables that Zoho's SDKs read: `ZOHO_CLIENT_ID`, `ZOHO_CLIENT_SECRET`, `ZOHO_REFRESH_TOKEN` and
/// `ZOHO_API_DOMAIN`. The file is readable by this user alone; `login --import --env-file` reads it. Whoever has it can get
/// access tokens until the grant is revoked, and those are not in the budget here.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Export {
    #[command(flatten)]
    profile: Positional,
    /// The file to write
    #[arg(long, value_name = "OUT", required = true)]
    env_file: PathBuf,
    /// Ask no question, also where the file is there already
    #[arg(long)]
    yes: bool,
}

impl Export {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let exported = service.export(profile)?;
        let text = text(&exported).map_err(|name| {
            Error::new(Code::Usage, format!("{} cannot be written", self.env_file.display()))
                .because(format!("`{name}` has characters that such files do not have"))
                .advise("copy that value by hand")
        })?;
        let shown = self.env_file.display();
        let unwritten = Unwritten { what: format!("{shown} cannot be written"), file: &self.env_file };
        if self.env_file.as_os_str() == "-" {
            return Err(Error::new(Code::Usage, "a sign-in is not printed").advise("name a file"));
        }
        let place = place(&self.env_file).map_err(|trouble| unwritten.not_begun(trouble))?;
        if let Some(own) = context.own_places(&service.config)?.directory_of(&place) {
            return Err(Error::new(Code::Usage, format!("{shown} cannot be written"))
                .because(format!("{} is where this program keeps its own files", own.display()))
                .advise("name a place elsewhere"));
        }
        let is_there = place.symlink_metadata().is_ok();
        // Nothing is noted that could not be written.
        drop(Replacement::for_readers(&place, PRIVATE).map_err(|error| unwritten.not_begun(error))?);
        self.confirm(is_there, context)?;
        context.interrupts.block_on(service.note_exported(profile, &exported, &place.display().to_string()))?;
        unwritten.unless_written(Replacement::for_readers(&place, PRIVATE), text.as_bytes())?;
        context.output.note("Access tokens that others get with it count at the provider, and not in the budget here.");
        let over = if is_there { OVER } else { "" };
        context.output.text(&format!("Wrote the sign-in of profile {} to {shown}{over}.", profile.name))
    }

    fn confirm(&self, is_there: bool, context: &Context) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        let shown = self.env_file.display();
        if !prompt::is_possible() {
            let what = if is_there { "it is there already, and " } else { "" };
            let error = Error::new(Code::Usage, format!("{shown} was not written"))
                .because(format!("{what}there is no terminal at which to ask whether that is meant"));
            return Err(error.advise("add `--yes`, which hands the refresh token to whoever can read the file"));
        }
        let over = if is_there { OVER } else { "" };
        let question = format!("Write the refresh token and the client secret to {shown}{over}?");
        if prompt::yes_or_no(context, &question, false)? {
            return Ok(());
        }
        Err(Error::new(Code::Denied, format!("{shown} was not written"))
            .because("the answer was no")
            .advise("run the command again if that was not meant"))
    }
}

/// Where the file is to be: a link is replaced and not followed.
fn place(file: &Path) -> Result<PathBuf, Trouble> {
    let file = files::expanded(file);
    let directory = access::check_directory(files::directory_of(&file))?;
    match file.file_name().filter(|_| !files::names_directory(&file)) {
        Some(name) => Ok(directory.join(name)),
        None => Err(std::io::Error::from(ErrorKind::IsADirectory).into()),
    }
}

/// The lines of the file.
///
/// # Errors
///
/// The name of a value that cannot be written so that it is read as it was.
fn text(exported: &Exported) -> Result<Zeroizing<String>, String> {
    let Exported { prefix, client_id, client_secret, refresh_token, api_domain } = exported;
    let values = [
        ("CLIENT_ID", Some(client_id.as_str())),
        ("CLIENT_SECRET", client_secret.as_ref().map(crate::secret::Secret::expose)),
        ("REFRESH_TOKEN", Some(refresh_token.expose())),
        ("API_DOMAIN", api_domain.as_deref()),
    ];
    let mut text = Zeroizing::new(String::new());
    for (name, value) in values.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let quote = quote(value).ok_or_else(|| format!("{prefix}_{name}"))?;
        text.extend([prefix, "_", name, "=", quote, value, quote, "\n"]);
    }
    Ok(text)
}

/// What stands before and behind a value; `None` where none keeps it as it is.
fn quote(value: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-+".contains(&byte);
    if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return None;
    }
    // Some readers put other values in the place of `$` between double quotes.
    let has = |characters: &[char]| value.contains(characters);
    match (has(&['\'']), has(&['"', '$', '\\', '`'])) {
        _ if !value.is_empty() && value.bytes().all(is_plain) => Some(""),
        (false, _) => Some("'"),
        (true, false) => Some("\""),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Exported, quote, text};
    use crate::secret::Secret;

    #[test]
    fn each_value_has_the_quotes_that_keep_it() {
        for (value, expected) in [
            ("1000.abc-def_G", Some("")),
            ("1000.abc-def", Some("")),
            ("https://www.zohoapis.eu", Some("")),
            ("a b", Some("'")),
            ("a#b\"$c\\", Some("'")),
            ("it's", Some("\"")),
            ("it's $5", None),
            ("é", None),
            ("a\nb", None),
            ("", Some("'")),
        ] {
            assert_eq!(quote(value), expected, "{value:?}");
        }
    }

    #[test]
    fn what_there_is_stands_on_lines_of_its_own() {
        let exported = Exported {
            prefix: "ZOHO",
            client_id: "1000.ABC".to_owned(),
            client_secret: Some(Secret::new("a b")),
            refresh_token: Secret::new("1000.r"),
            api_domain: None,
        };
        let expected = "ZOHO_CLIENT_ID=1000.ABC\nZOHO_CLIENT_SECRET='a b'\nZOHO_REFRESH_TOKEN=1000.r\n";
        assert_eq!(text(&exported).expect("plain text").as_str(), expected);
        let odd = Exported { client_secret: Some(Secret::new("it's \"x\"")), ..exported };
        assert_eq!(text(&odd), Err("ZOHO_CLIENT_SECRET".to_owned()));
    }
}
