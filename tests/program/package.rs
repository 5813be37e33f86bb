//! What `.packaging/build` makes; `tests/package` installs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Runs a tool that has to succeed, and gives what it says.
fn said(command: &mut Command) -> String {
    let output = command.output().expect("it is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}

/// The only file in a directory that ends so.
fn ending(directory: &Path, end: &str) -> PathBuf {
    let files = fs::read_dir(directory).expect("it is there").flatten().map(|entry| entry.path());
    let mut files = files.filter(|path| path.display().to_string().ends_with(end));
    files.next().filter(|_| files.next().is_none()).unwrap_or_else(|| panic!("one file ends with {end}"))
}

#[test]
fn the_package_has_all_that_belongs_to_the_program_and_starts_nothing() {
    let (folder, root) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let (folder, root) = (folder.path(), root.path());
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = env!("CARGO_BIN_EXE_device-login");
    said(Command::new(source.join(".packaging/build")).arg(folder).arg(program).env("COMPRESSION", "none"));
    said(Command::new("shasum").args(["-a", "256", "--check", "--strict", "SHA256SUMS"]).current_dir(folder));

    let package = ending(folder, ".deb");
    said(Command::new("dpkg-deb").arg("--raw-extract").arg(&package).arg(root));
    let version = said(Command::new(root.join("usr/bin/device-login")).arg("version"));
    assert!(version.starts_with(&format!("device-login {}", env!("CARGO_PKG_VERSION"))), "{version}");
    let control = fs::read_to_string(root.join("DEBIAN/control")).expect("it is there");
    for line in [concat!("Version: ", env!("CARGO_PKG_VERSION"), "-1"), "Depends: libc6 (>= "] {
        assert!(control.lines().any(|own| own.starts_with(line)), "{line}: {control}");
    }

    let archive = said(Command::new("tar").arg("-tf").arg(ending(folder, ".tar.gz")));
    let headings = include_str!("../../docs/cli.md").lines().filter_map(|line| line.strip_prefix("## `"));
    let pages: BTreeSet<String> = headings.map(|heading| heading.trim_end_matches('`').replace(' ', "-")).collect();
    assert!(pages.len() > 30, "{pages:?}");
    for page in &pages {
        assert!(root.join(format!("usr/share/man/man1/{page}.1.gz")).is_file(), "{page}");
        assert!(archive.contains(&format!("/man/man1/{page}.1\n")), "{page}");
    }
    for file in [
        "lib/systemd/system/device-login-agent.service",
        "lib/systemd/system/device-login-kiosk@.service",
        "usr/lib/systemd/user/device-login-agent.service",
        "usr/lib/sysusers.d/device-login.conf",
        "usr/lib/tmpfiles.d/device-login.conf",
        "usr/share/bash-completion/completions/device-login",
        "usr/share/doc/device-login/changelog.Debian.gz",
        "usr/share/doc/device-login/copyright",
        "usr/share/fish/vendor_completions.d/device-login.fish",
        "usr/share/zsh/vendor-completions/_device-login",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read_to_string(root.join("DEBIAN").join(script)).expect("it is there");
        said(Command::new("sh").arg("-n").arg(root.join("DEBIAN").join(script)));
        let starts = ["systemctl start", "systemctl enable", " restart"].iter().any(|word| text.contains(word));
        assert!(!starts, "{script}: {text}");
    }
}
