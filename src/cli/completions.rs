//! `completions`: the scripts by which shells ask this program what may follow. See `complete`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use super::context::Context;
use super::named_file::Unwritten;
use super::words;
use crate::error::Error;
use crate::files::Replacement;

const EXAMPLES: &str = "\
Examples:
  source <(device-login completions bash)
  device-login completions zsh > ~/.zfunc/_device-login
  device-login completions fish > ~/.config/fish/completions/device-login.fish

For PowerShell, put this into $PROFILE:
  device-login completions powershell | Out-String | Invoke-Expression";

/// Print the completion script of a shell
///
/// The script asks the program itself what may follow, so profiles, products and scopes are completed as they are configured,
/// and it stays right when the program is updated.
#[derive(Args)]
#[command(after_long_help = EXAMPLES, alias = "completion")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", required_unless_present = "all")]
    shell: Option<Shell>,
    /// Write the scripts of all shells into a directory instead, by the names that the shells look for
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "shell")]
    all: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("completions/device-login.bash"),
            Shell::Zsh => include_str!("completions/_device-login"),
            Shell::Fish => include_str!("completions/device-login.fish"),
            Shell::Powershell => include_str!("completions/device-login.ps1"),
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Shell::Bash => "device-login",
            Shell::Zsh => "_device-login",
            Shell::Fish => "device-login.fish",
            Shell::Powershell => "device-login.ps1",
        }
    }
}

impl Completions {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if let Some(directory) = &self.all {
            let scripts = Shell::value_variants().iter().map(|shell| (shell.file_name(), shell.script()));
            return write_all(context, directory, scripts);
        }
        self.shell.map_or(Ok(()), |shell| context.output.text(shell.script().trim_end()))
    }
}

/// Writes files that everybody may read into a directory, which is made where it is missing.
pub(super) fn write_all<N: AsRef<Path>, T: AsRef<[u8]>>(
    context: &Context,
    directory: &Path,
    texts: impl IntoIterator<Item = (N, T)>,
) -> Result<(), Error> {
    fn unwritten(file: &Path) -> Unwritten<'_> {
        Unwritten { what: format!("{} cannot be written", file.display()), file }
    }

    fs::create_dir_all(directory).map_err(|error| unwritten(directory).not_begun(error))?;
    let mut written = 0;
    for (name, text) in texts {
        let path = directory.join(name);
        unwritten(&path).unless_written(Replacement::begin(&path, || ()), text.as_ref())?;
        written += 1;
    }
    let files = words::counted(written, "file");
    context.output.note(&format!("Wrote {files} into {}.", directory.display()));
    Ok(())
}
