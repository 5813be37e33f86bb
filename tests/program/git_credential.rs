//! `git-credential`: as git calls it, and as somebody might who wants a token for another server.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use device_login::clock;
use device_login::secret::Secret;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ended, ran};
use crate::support::tls;

const NEW_TOKEN: &str = "sentinel-access-2-0123456789";
const HOSTS: &str = "git_hosts = [\"git.example.com\", \"git.example.com:8443\"]";

fn provider() -> Authority {
    Authority::start(|_| (200, json!({"access_token": NEW_TOKEN, "expires_in": 3600}).to_string()))
}

/// A home whose profile `work` is for `HOSTS`.
fn home(authority: &Authority) -> Home {
    let home = Home::at(authority);
    home.configure(&home.configuration().replace("[\"openid\"]", &format!("[\"openid\"]\n{HOSTS}")));
    home.sign_in(authority, |_| ());
    home
}

fn ask(home: &Home, operation: &str, input: &str) -> Ran {
    home.run_with(&["git-credential", operation], input)
}

/// What git is told with this token.
fn answer(username: &str, token: &str) -> String {
    format!("username={username}\npassword={token}\n")
}

/// Without the time at which the token ends.
#[track_caller]
fn answered(ran: &Ran, username: &str, token: &str) {
    let (told, end) = ran.stdout.split_once("password_expiry_utc=").unwrap_or((&ran.stdout, ""));
    assert_eq!((ran.code, told), (0, answer(username, token).as_str()), "{ran:?}");
    let left = end.trim().parse::<i64>().map(|end| end - clock::wall().as_second());
    assert!(left.is_ok_and(|left| (3000..=3600).contains(&left)), "{ran:?}");
}

/// Git with this program as its only helper.
fn git(home: &Home, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("git");
    let helper = format!("!'{}' git-credential", env!("CARGO_BIN_EXE_device-login"));
    let settings = [("credential.helper", helper.as_str()), ("http.proxy", "")];
    command
        .env_clear()
        .env("DEVICE_LOGIN_HOME", home.path(""))
        .env("HOME", home.path(""))
        .env("GIT_TERMINAL_PROMPT", "0");
    command.env("PATH", std::env::var_os("PATH").expect("a path")).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (index, (name, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), name).env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    ran(child)
}

#[test]
fn git_gets_the_token_and_a_new_one_after_it_was_refused() {
    let authority = provider();
    let home = home(&authority);
    let asked = "protocol=https\nhost=git.example.com:8443\n";
    let fill = || git(&home, &["credential", "fill"], asked);
    let filled = fill();
    assert!(filled.stdout.contains(&answer("oauth2", ACCESS_TOKEN)), "{filled:?}");
    for (operation, token) in [("approve", ACCESS_TOKEN), ("reject", "of-another-helper")] {
        let told = format!("{asked}username=oauth2\npassword={token}\n");
        assert_eq!(git(&home, &["credential", operation], &told).code, 0);
        assert!(fill().stdout.contains(ACCESS_TOKEN));
    }
    // Nothing says that it is about this program's.
    for told in ["", "username=oauth2\n", "username=alice\n", "username=oauth2\npassword=\n"] {
        ask(&home, "erase", &format!("{asked}{told}")).worked("");
        assert!(fill().stdout.contains(ACCESS_TOKEN), "{told}");
    }
    assert_eq!(authority.log().len(), 0);
    let refused = format!("{asked}username=oauth2\npassword={ACCESS_TOKEN}\n");
    assert_eq!(git(&home, &["credential", "reject"], &refused).code, 0);
    // Others have the old one until git asks again.
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    for _ in 0..2 {
        assert!(fill().stdout.contains(NEW_TOKEN));
    }
    assert_eq!(authority.count("/token"), 1);
    // A server that refuses every token does not use up what may be minted.
    assert_eq!(git(&home, &["credential", "reject"], &refused.replace(ACCESS_TOKEN, NEW_TOKEN)).code, 0);
    let filled = fill();
    for part in ["a short while ago", "try again after ", "or run `device-login refresh work`"] {
        assert!(filled.code != 0 && filled.stderr.contains(part), "{part}: {filled:?}");
    }
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn git_clones_over_https_with_the_token() {
    let authority = provider();
    let home = home(&authority);
    let repository = bare_repository(&home);
    let wanted = format!("authorization: basic {}", BASE64_STANDARD.encode(format!("oauth2:{ACCESS_TOKEN}")));
    let trust = tls::Authority::new("a test's authority");
    let server = trust.serve_answering(move |request| serve_file(&repository, request, &wanted));
    let host = format!("localhost:{}", server.port().expect("a port"));
    home.configure(&home.configuration().replace("git.example.com:8443", &host));
    let (address, copy) = (format!("https://{host}/repository.git"), home.path("copy"));
    let trusted = format!("http.sslCAInfo={}", trust.file().display());
    let copied = git(&home, &["-c", &trusted, "clone", "-q", &address, copy.to_str().expect("a path")], "");
    assert_eq!(copied.code, 0, "{copied:?}");
    assert_eq!(std::fs::read_to_string(copy.join("file")).expect("it is there"), "content\n");
}

/// A repository as a server without any program of git's hands it out.
fn bare_repository(home: &Home) -> std::path::PathBuf {
    let script = "git init -q made && cd made && echo content > file && git add file \
                  && git -c user.name=x -c user.email=x@example.com commit -q -m x && cd .. \
                  && git clone -q --bare made repository.git && cd repository.git && git update-server-info";
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(home.path("")).env("HOME", home.path("")).env("GIT_CONFIG_NOSYSTEM", "1");
    let made = command.output().expect("a shell");
    assert!(made.status.success(), "{made:?}");
    home.path("")
}

/// The file that is asked for, for whoever has the token.
fn serve_file(directory: &Path, request: &str, wanted: &str) -> Vec<u8> {
    let request = request.replace("Authorization: Basic", "authorization: basic");
    if !request.contains(wanted) {
        let realm = "WWW-Authenticate: Basic realm=\"git\"";
        return format!("HTTP/1.1 401 Unauthorized\r\n{realm}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .into();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let (status, body) = match std::fs::read(directory.join(path.trim_start_matches('/'))) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

#[test]
fn nobody_but_the_very_server_gets_a_token() {
    let authority = provider();
    let home = home(&authority);
    for host in ["git.example.com", "git.example.com:8443"] {
        let more = "capability[]=authtype\ncapability[]=state\nwwwauth[]=Basic realm=\"x\"\npath=a.git\nodd=\n";
        for more in ["", more] {
            answered(&ask(&home, "get", &format!("{more}protocol=https\nhost={host}\n\n")), "oauth2", ACCESS_TOKEN);
        }
    }
    for input in [
        "protocol=http\nhost=git.example.com\n",
        "protocol=HTTPS\nhost=git.example.com\n",
        "protocol=ssh\nhost=git.example.com\n",
        "protocol=\nhost=git.example.com\n",
        "host=git.example.com\n",
        "protocol=https\nhost=Git.example.com\n",
        "protocol=https\nhost=git.example.com:443\n",
        "protocol=https\nhost=git.example.com.\n",
        "protocol=https\nhost=git.example.com/\n",
        "protocol=https\nhost= git.example.com\n",
        "protocol=https\nhost=u@git.example.com\n",
        "protocol=https\nhost=git.example.com@evil.example\n",
        "protocol=https\nhost=evil.example\npath=git.example.com\n",
        "protocol=https\nhost=evil.example\nusername=git.example.com\n",
        "protocol=https\nhost=git.example.com\nhost=evil.example\n",
        "protocol=https\nhost=github.com\n",
        "protocol=https\nhost=git.example.com%0a\n",
    ] {
        ask(&home, "get", input).worked("");
    }
    for (input, problem) in [
        ("protocol=https\nhost=\n", "its host is blank"),
        ("protocol=https\nhost=  \n", "its host is blank"),
        ("protocol=https\n", "it names no host"),
        ("", "it names no host"),
        ("protocol=https\r\nhost=git.example.com\r\n", "carriage return"),
        ("protocol=https\nhost=git.example.com\rhost=evil.example\n", "carriage return"),
        ("protocol=https\nhost=git.example.com\0evil.example\n", "NUL"),
        ("protocol=https\nhost=git.example.com\npath=a\0b\n", "NUL"),
        ("protocol=https\ngit.example.com\n", "no `=`"),
    ] {
        for operation in ["get", "erase"] {
            ask(&home, operation, input).failed(2, &["git's request was not taken", problem]);
        }
    }
    // What is to be stored, and what later versions of git may ask for, is passed over.
    for operation in ["store", "capability", "anything"] {
        ask(&home, operation, "protocol=https\nhost=\n").worked("");
    }
    home.run(&["git-credential"]).failed(2, &["get|store|erase"]);
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn github_and_gitlab_are_known_by_their_providers() {
    let authority = provider();
    let home = Home::new();
    home.configure(
        "[profiles.hub]\nprovider = \"github\"\nclient_id = \"client-1\"\n[profiles.lab]\nprovider = \"gitlab\"\n\
         client_id = \"client-1\"\n[profiles.own]\nprovider = \"mine\"\nclient_id = \"client-1\"\n\
         [providers.mine]\nkind = \"gitlab\"\nhost = \"code.example.com:8443\"\n",
    );
    for name in ["hub", "lab", "own"] {
        home.sign_in_as(name, &authority.origin(), |grant| {
            grant.access_token = Secret::new(format!("token-of-{name}"));
        });
    }
    for (host, username, name) in [
        ("github.com", "x-access-token", "hub"),
        ("gitlab.com", "oauth2", "lab"),
        ("code.example.com:8443", "oauth2", "own"),
    ] {
        let asked = format!("protocol=https\nhost={host}\n");
        answered(&ask(&home, "get", &asked), username, &format!("token-of-{name}"));
        // A profile that is named is the only one.
        let other = if name == "hub" { "lab" } else { "hub" };
        home.run_with(&["git-credential", "-p", other, "get"], &asked).worked("");
        answered(&home.run_with(&["git-credential", "-p", name, "get"], &asked), username, &format!("token-of-{name}"));
    }
    for host in ["api.github.com", "gist.github.com", "code.example.com"] {
        ask(&home, "get", &format!("protocol=https\nhost={host}\n")).worked("");
    }
}

#[test]
fn of_several_profiles_the_user_or_the_path_decides_then_the_default_or_nobody() {
    let authority = provider();
    let home = Home::new();
    let profile = |name: &str, hosts: &str| {
        format!("[profiles.{name}]\nprovider = \"github\"\nclient_id = \"client-1\"\ngit_hosts = [{hosts}]\n")
    };
    let profiles = [profile("a", ""), profile("b", ""), profile("c", "\"github.com/acme\"")].concat();
    home.configure(&profiles);
    for name in ["a", "b", "c"] {
        home.sign_in_as(name, &authority.origin(), |grant| {
            grant.access_token = Secret::new(format!("token-of-{name}"));
            let (id, email) = (format!("id-{name}"), Some(format!("{name}@example.com")));
            grant.account = Some(device_login::storage::Account { id, email, name: None });
        });
    }
    let asked = |more: &str| ask(&home, "get", &format!("protocol=https\nhost=github.com\n{more}"));
    for (more, name) in [
        ("username=a\n", "a"),
        ("username=b\n", "b"),
        ("username=id-b\n", "b"),
        ("username=a@example.com\n", "a"),
        ("path=acme/x.git\n", "c"),
        ("path=acme/x.git\nusername=a\n", "c"),
        ("path=other/x.git\nusername=a\n", "a"),
    ] {
        answered(&asked(more), "x-access-token", &format!("token-of-{name}"));
    }
    for more in ["", "username=somebody\n", "path=acmeville/x.git\n"] {
        let ran = asked(more);
        assert!(ran.code == 0 && ran.stdout.is_empty() && ran.stderr.contains("`a`, `b`, `c`"), "{ran:?}");
    }
    home.configure(&format!("default_profile = \"b\"\n{profiles}"));
    for (more, name) in [("", "b"), ("username=somebody\n", "b"), ("username=a\n", "a")] {
        answered(&asked(more), "x-access-token", &format!("token-of-{name}"));
    }
}

#[test]
fn git_itself_names_one_of_two_profiles_by_the_user_and_has_it_refreshed_alone() {
    let authority = provider();
    let home = Home::at(&authority);
    let work = format!("[\"openid\"]\n{HOSTS}");
    let other = format!("\n[profiles.other]\nprovider = \"corp\"\nclient_id = \"client-1\"\n{HOSTS}\n");
    home.configure(&(home.configuration().replace("[\"openid\"]", &work) + &other));
    for name in ["work", "other"] {
        home.sign_in_as(name, &authority.origin(), |grant| {
            grant.access_token = Secret::new(format!("token-of-{name}"));
        });
    }
    let fill = |name: &str| git(&home, &["credential", "fill"], &format!("url=https://{name}@git.example.com/a.git\n"));
    // Git hands the user's name back as it has it, and looks at nothing but the token.
    for name in ["work", "other"] {
        assert!(fill(name).stdout.contains(&format!("password=token-of-{name}\n")), "{:?}", fill(name));
    }
    let refused = "url=https://work@git.example.com/a.git\npassword=token-of-work\n";
    assert_eq!(git(&home, &["credential", "approve"], refused).code, 0);
    assert_eq!(git(&home, &["credential", "reject"], refused).code, 0);
    assert!(fill("work").stdout.contains(&format!("password={NEW_TOKEN}\n")));
    assert!(fill("other").stdout.contains("password=token-of-other\n"));
    assert_eq!(authority.count("/token"), 1);
    let nobody = git(&home, &["credential", "fill"], "url=https://git.example.com/a.git\n");
    assert!(nobody.code != 0 && nobody.stderr.contains("name one by `-p`"), "{nobody:?}");
}

#[test]
fn git_never_starts_a_sign_in_and_is_told_what_to_run() {
    let authority = Authority::start(|_| (400, json!({"error": "invalid_grant"}).to_string()));
    let home = home(&authority);
    let asked = "protocol=https\nhost=git.example.com\n";
    home.sign_in(&authority, ended);
    ask(&home, "get", asked).failed(4, &["device-login login work"]);
    assert_eq!(home.run(&["logout", "--local"]).code, 0);
    for operation in ["get", "erase"] {
        let ran = ask(&home, operation, asked);
        assert_eq!((ran.code, ran.stdout.as_str()), (if operation == "get" { 4 } else { 0 }, ""), "{ran:?}");
    }
    let filled = git(&home, &["credential", "fill"], asked);
    assert!(filled.code != 0 && filled.stderr.contains("run `device-login login work`"), "{filled:?}");
    assert_eq!(authority.count("/device"), 0);
}

#[test]
fn a_token_that_cannot_be_replaced_is_told_after_it_was_refused() {
    let authority = provider();
    let home = home(&authority);
    home.sign_in(&authority, |grant| grant.refresh_token = None);
    let asked = "protocol=https\nhost=git.example.com\n";
    answered(&ask(&home, "get", asked), "oauth2", ACCESS_TOKEN);
    ask(&home, "erase", &format!("{asked}password={ACCESS_TOKEN}\n")).worked("");
    ask(&home, "get", asked).failed(4, &["device-login login work"]);
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
}
