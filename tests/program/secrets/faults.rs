//! Whatever fails, no failure shows a secret: of the provider, of files, of the environment, of the system.
//! `WHOLE_MATRIX=1` lets every command meet every fault.

use std::fs;
use std::process::Command;

use super::commands::{KEY, Lab, Place, ROWS, Row, each_row, talkative};
use crate::support::authority::Asked;
use crate::support::canaries::{DATABASE_PASSWORD, IMPORTED, NEW_ACCESS_TOKEN, PASSPHRASE};
use crate::support::program::CLIENT_SECRET;

/// What fails.
#[derive(Clone, Copy)]
enum Fault {
    /// The provider answers at this path with this status and body, with `$SENT` for everything secret that it was sent.
    Answer(&'static str, u16, &'static str),
    /// Something happens to the home, or to what the person keeps.
    Files(&'static str, fn(&mut Lab)),
    /// The program is started in this way by a shell.
    Shell(&'static str),
}

const FAULTS: &[Fault] = &[
    Fault::Answer("/device", 400, r#"{"error":"invalid_client","error_description":"$SENT"}"#),
    Fault::Answer(
        "/device",
        200,
        r#"{"device_code":"sentinel-device-code-0123456789 or not","user_code":"x\u001b[2J"}"#,
    ),
    Fault::Answer("/device", 500, "$SENT"),
    Fault::Answer("/device", 200, "sentinel-device-code-0123456789 $SENT"),
    Fault::Answer("/token", 400, r#"{"error":"invalid_grant","error_description":"$SENT"}"#),
    Fault::Answer("/token", 400, r#"{"error":"invalid_grant","refresh_token":"sentinel-refresh-new-0123456789"}"#),
    Fault::Answer("/token", 401, r#"{"error":"invalid_client","error_description":"$SENT"}"#),
    Fault::Answer("/token", 400, r#"{"error":"$SENT"}"#),
    Fault::Answer("/token", 400, r#"{"error":"access_denied","error_uri":"https://id.example/?$SENT"}"#),
    Fault::Answer("/token", 400, r#"{"error":{"code":"$SENT","message":"$SENT"}}"#),
    Fault::Answer("/token", 200, r#"{"access_token":"sentinel-access-new-0123456789\u0000","expires_in":"x"}"#),
    Fault::Answer("/token", 200, r#"{"access_token":"sentinel-access-new-0123456789","expires_"#),
    Fault::Answer("/token", 200, r#"{"access_token":["sentinel-access-new-0123456789"]}"#),
    Fault::Answer("/token", 200, r#"{"access_token":"sentinel-access-new-0123456789","refresh_token":"a b"}"#),
    Fault::Answer("/token", 502, "<html>$SENT"),
    Fault::Answer("/token", 429, r#"{"error":"$SENT"}"#),
    Fault::Answer("/userinfo", 401, r#"{"error":"invalid_token","error_description":"$SENT"}"#),
    Fault::Answer("/userinfo", 200, "$SENT"),
    Fault::Answer("/userinfo", 200, r#"{"sub":"$SENT","email":"$SENT","name":"$SENT"}"#),
    Fault::Answer("/userinfo", 403, "<html>$SENT"),
    Fault::Answer("/revoke", 500, "$SENT"),
    Fault::Answer("/revoke", 400, r#"{"error":"unsupported_token_type","error_description":"$SENT"}"#),
    Fault::Answer("/revoke", 401, r#"{"error":"invalid_client","error_description":"$SENT"}"#),
    Fault::Answer("/x", 401, "{}"),
    Fault::Answer("/x", 302, "<html>"),
    Fault::Files("half a record", |lab| {
        let record = fs::read(lab.home.path("state/work.record")).expect("a record");
        lab.home.write_bytes("state/work.record", &record[..record.len() / 2]);
    }),
    Fault::Files("no record", |lab| drop(lab.home.write("state/work.record", "nothing"))),
    Fault::Files("no directory", |lab| {
        fs::remove_dir_all(lab.home.path("state")).expect("it is there");
        lab.home.write("state", "");
    }),
    Fault::Files("no key", |lab| fs::remove_file(lab.home.path("key")).expect("it is there")),
    Fault::Files("half a key", |lab| drop(lab.home.write("key", &KEY[..60]))),
    Fault::Files("a key and a half", |lab| drop(lab.home.write("key", &format!("{KEY}0123\n")))),
    Fault::Files("a passphrase for a key", |lab| drop(lab.home.write("key", PASSPHRASE))),
    Fault::Files("another file for a key", |lab| {
        lab.variables.push(("DEVICE_LOGIN_KEY_FILE", lab.given.path("passphrase").display().to_string()));
    }),
    Fault::Files("a passphrase that opens nothing", |lab| {
        lab.variables.push(("DEVICE_LOGIN_PASSPHRASE_FILE", lab.given.path("passphrase").display().to_string()));
    }),
    Fault::Files("a key command that fails", |lab| keyed_by(lab, "echo KEY; exit 3")),
    Fault::Files("a key command that says too much", |lab| keyed_by(lab, "echo the key is KEY")),
    Fault::Files("a secret in the configuration", |lab| {
        configure(lab, &format!("[profiles.work]\nclient_secret = \"{CLIENT_SECRET}\""));
    }),
    Fault::Files("a secret without quotes in the configuration", |lab| {
        configure(lab, &format!("[profiles.work]\nclient_secret = {CLIENT_SECRET}"));
    }),
    Fault::Files("a password in the configuration", |lab| {
        configure(lab, &format!("store = \"postgres://u:{DATABASE_PASSWORD}@127.0.0.1:1/x\"\n[profiles.work]"));
    }),
    Fault::Files("a database that is away", |lab| store(lab, "postgres://u:PASSWORD@127.0.0.1:1/x")),
    Fault::Files("a database at no port", |lab| store(lab, "postgres://u:PASSWORD@127.0.0.1:port/x")),
    Fault::Files("a misspelt database", |lab| store(lab, "postgress://u:PASSWORD@127.0.0.1/x")),
    Fault::Files("a password alone", |lab| store(lab, "PASSWORD")),
    Fault::Files("a database that is misspelt in its file", |lab| {
        lab.given.write("store.url", &format!("postgress://u:{DATABASE_PASSWORD}@127.0.0.1/x\n"));
        let named = format!("store_url_file = \"{}\"\n[profiles.work]", lab.given.path("store.url").display());
        configure(lab, &named);
    }),
    Fault::Files("a secret of two lines", |lab| {
        lab.variables[0].1 = format!("{CLIENT_SECRET}\n{CLIENT_SECRET}");
        lab.given.write("client-secret", &format!("{CLIENT_SECRET}\n{CLIENT_SECRET}"));
    }),
    Fault::Files("an environment that is none", |lab| {
        lab.given.write("env", &format!("{IMPORTED}\nZOHO_CLIENT_SECRET {CLIENT_SECRET}\n=\"{CLIENT_SECRET}\n"));
    }),
    Fault::Shell("ulimit -f 0; exec \"$0\" \"$@\""),
    Fault::Shell("ulimit -n 10; exec \"$0\" \"$@\""),
    Fault::Shell("ulimit -v 60000; exec \"$0\" \"$@\""),
    Fault::Shell("exec \"$0\" \"$@\" >/dev/full"),
    Fault::Shell("exec \"$0\" \"$@\" >&- <&-"),
];

/// With this in the place of the head of the section.
fn configure(lab: &mut Lab, section: &str) {
    lab.misused = lab.home.path("config.toml");
    lab.home.configure(&lab.home.configuration().replace("[profiles.work]", section));
}

fn keyed_by(lab: &mut Lab, script: &str) {
    lab.given.program("key-command", &format!("#!/bin/sh\n{}\n", script.replace("KEY", KEY)));
    let named = format!("key_command = [\"{}\"]\n[profiles.work]", lab.given.path("key-command").display());
    configure(lab, &named);
}

fn store(lab: &mut Lab, address: &str) {
    lab.variables.push(("DEVICE_LOGIN_STORE", address.replace("PASSWORD", DATABASE_PASSWORD)));
}

impl Fault {
    fn name(self) -> String {
        match self {
            Self::Answer(path, status, body) => format!("{path} {status} {body}"),
            Self::Files(name, _) | Self::Shell(name) => name.to_owned(),
        }
    }

    /// Whether the command may meet it.
    fn is_met_by(self, row: &Row) -> bool {
        match self {
            Self::Answer(path, ..) => row.asks.contains(&path),
            // What goes on until it has said something would go on for ever.
            Self::Shell(line) if line.contains(">&-") => row.until.is_none(),
            Self::Files(..) | Self::Shell(_) => true,
        }
    }
}

/// What a provider was sent, as it may stand in JSON.
fn sent(asked: &Asked) -> String {
    let form = url::form_urlencoded::parse(asked.body.as_bytes());
    let values: Vec<String> = form.map(|(_, value)| value.into_owned()).collect();
    let sent = format!("{} {} {}", asked.body, values.join(" "), asked.header("authorization").unwrap_or_default());
    sent.replace(['"', '\\'], " ")
}

#[test]
fn no_failure_shows_a_secret() {
    // Every command meets every so many-th fault that is none of an answer, or all of them.
    let every = if std::env::var_os("WHOLE_MATRIX").is_some() { 1 } else { 4 };
    let mut all: Vec<(Fault, Row)> = Vec::new();
    for (number, fault) in FAULTS.iter().enumerate() {
        let met = ROWS.iter().enumerate().filter(|(_, row)| fault.is_met_by(row));
        let chosen = |row: usize| matches!(fault, Fault::Answer(..)) || (number + row).is_multiple_of(every);
        all.extend(met.filter(|(at, _)| chosen(*at)).map(|(_, row)| (*fault, *row)));
    }
    assert!(FAULTS.len() >= 40);
    each_row(8, &all, |(fault, row)| {
        // Nobody waits for a provider that will never do.
        let row = row.in_a_hurry();
        let begun = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (fails, failing) = (std::sync::Arc::clone(&begun), *fault);
        let provider = talkative(move |asked| {
            let Fault::Answer(path, status, body) = failing else { return None };
            let is_it = fails.load(std::sync::atomic::Ordering::SeqCst) && asked.path.split('?').next() == Some(path);
            is_it.then(|| (status, body.replace("$SENT", &sent(asked))))
        });
        let mut lab = Lab::new(Place::KeyFile, provider, "");
        begun.store(true, std::sync::atomic::Ordering::SeqCst);
        if let Fault::Files(_, happens) = fault {
            happens(&mut lab);
        }
        let said = match fault {
            Fault::Shell(line) => lab.run_by(&row, |program| {
                let mut shell = Command::new("sh");
                shell.args(["-c", line]).arg(program.get_program()).args(program.get_args());
                shell
            }),
            _ => lab.run(&row),
        };
        let complaint =
            if said.stderr.contains("panicked") { Some("panicked".to_owned()) } else { lab.leak(&row, &said) };
        complaint.map(|complaint| format!("{}: `{}`: {complaint}: {said:?}", fault.name(), row.line))
    });
    println!("{} faults, {} commands that met them: 0 secrets shown", FAULTS.len(), all.len());
    assert!(all.iter().any(|(fault, _)| fault.name().contains(NEW_ACCESS_TOKEN)));
}
