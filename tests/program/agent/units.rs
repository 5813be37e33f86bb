//! The unit files of `docs/systemd`, held against systemd where it is installed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::support::program::Home;

#[test]
fn systemd_understands_the_unit_files() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/systemd");
    let place = Home::new();
    fs::create_dir_all(place.path("device-login-agent.service.d")).expect("it can be made");
    for (from, to, command, arguments) in [
        ("device-login-agent.service", "device-login-agent.service", "agent", &["--system"][..]),
        ("device-login-kiosk@.service", "device-login-kiosk@lobby.service", "login %i --kiosk", &["--system"]),
        ("user/device-login-agent.service", "device-login-agent.service", "agent", &["--user"]),
    ] {
        // The program is where the tests have it.
        let text = fs::read_to_string(docs.join(from)).expect("it is there");
        assert!(text.contains(&format!("ExecStart=/usr/bin/device-login {command}\n")), "{from}");
        place.write(to, &text.replace("/usr/bin/device-login", env!("CARGO_BIN_EXE_device-login")));
        for name in ["credential.conf", "postgres.conf"] {
            let drop_in = fs::read_to_string(docs.join(name)).expect("it is there");
            place.write(&format!("device-login-agent.service.d/{name}"), &drop_in);
        }
        let mut command = Command::new("systemd-analyze");
        command.arg("verify").args(arguments).arg(place.path(to)).env("XDG_RUNTIME_DIR", place.path(""));
        let verified = match command.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                eprintln!("systemd-analyze is not installed: the unit files were not held against it");
                return;
            }
            verified => verified.expect("it runs"),
        };
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && said.is_empty(), "{from}: {said}");
    }
}
