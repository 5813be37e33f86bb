//! The real program on a real terminal, at the demo server with codes that live for seconds.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use device_login::demo::Options;
use ratatui::buffer::Buffer;
use tempfile::TempDir;

use crate::support::demo_server::DemoServer;
use crate::support::pty::Terminal;
use crate::support::{camera, http};

/// A server and the home of a display that signs in there.
struct Lobby {
    server: DemoServer,
    home: TempDir,
}

impl Lobby {
    fn with_codes_for(code_lifetime: Duration) -> Self {
        let options = Options { code_lifetime, interval: Duration::from_secs(1), ..Options::default() };
        let server = DemoServer::start(options);
        let home = tempfile::tempdir().expect("a temporary directory");
        let addresses = server.addresses();
        let data_center = |name: &str, at: &device_login::demo::DataCenterAddresses| {
            let (accounts, api) = (&at.accounts_server, &at.api_domain);
            format!("[providers.lab.data_centers.{name}]\naccounts_server = \"{accounts}\"\napi_domain = \"{api}\"\n")
        };
        let text = format!(
            "[profiles.lobby]\nprovider = \"lab\"\ndata_center = \"us\"\nclient_id = \"{}\"\nclient_secret_env = \"LAB\"\n\
             scopes = [\"AaaServer.profile.READ\"]\n[providers.lab]\nkind = \"zoho\"\n{}{}",
            addresses.client_id,
            data_center("us", &addresses.data_centers.us),
            data_center("eu", &addresses.data_centers.eu),
        );
        let mut file = fs::File::create(home.path().join("config.toml")).expect("the home can be written");
        file.write_all(text.as_bytes()).expect("the disk has room");
        Self { server, home }
    }

    fn kiosk(&self, arguments: &str, columns: u16, rows: u16) -> Terminal {
        let home = self.home.path().display();
        let secret = &self.server.addresses().client_secret;
        let script = format!("DEVICE_LOGIN_HOME={home} LAB={secret} exec $program login lobby --kiosk {arguments}");
        Terminal::start_shell(&script, columns, rows)
    }

    /// What a sign-in without a terminal says.
    fn login(&self, flag: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-login"));
        command.args(["login", "lobby", flag]).env("LAB", &self.server.addresses().client_secret);
        let output = command.env("DEVICE_LOGIN_HOME", self.home.path()).stdin(Stdio::null()).output();
        String::from_utf8(output.expect("it runs").stderr).expect("text")
    }

    /// Approves on the pages as a person would; false if the code is not good any more.
    fn approves(&self, address: &str) -> bool {
        let page = http::send("GET", address, &[], "");
        if page.status != 200 {
            return false;
        }
        let value = |name: &str| {
            let page = page.text();
            let after = page.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, after)| after.to_owned());
            after.and_then(|after| after.split('"').next().map(str::to_owned)).unwrap_or_default()
        };
        let (devcode, form_token) = (value("devcode"), value("form_token"));
        let fields = [("devcode", &*devcode), ("form_token", &*form_token), ("person", "us"), ("decision", "accept")];
        let origin = self.server.us("");
        http::post_with(&self.server.us("/oauth/v3/device/decision"), &[("origin", &origin)], &fields).status == 303
    }
}

fn scan(screen: &Buffer) -> Option<String> {
    camera::DARK.decode(screen, 4)
}

fn user_code(screen: &str) -> &str {
    screen.lines().find(|line| line.contains('-') && !line.contains('/')).expect("a code").trim()
}

#[test]
fn a_code_that_runs_out_is_replaced_and_the_next_one_approved_and_a_command_takes_over() {
    // Long enough for one question: there is none sooner than 5 seconds after the code.
    let lobby = Lobby::with_codes_for(Duration::from_secs(8));
    let command = "echo the show begins; env | grep -c -e DEVICE_LOGIN_ACCESS -e CLIENT_SECRET; exit 7";
    let terminal = lobby.kiosk(&format!("-- sh -c '{command}'"), 80, 24);
    let first = terminal.wait_until(scan);
    let second = terminal.wait_until(|screen| scan(screen).filter(|address| *address != first));
    assert!(second.contains("/oauth/v3/device/setCode?devcode="), "{second}");
    // One that is approved in its last seconds may end before the next question.
    let text = terminal.wait_until(|screen| {
        let text: String = screen.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        if !text.contains("✓ ") {
            lobby.approves(&scan(screen)?);
            return None;
        }
        Some(text)
    });
    assert!(text.contains("✓ Signed in as m***@example.com."), "{text}");
    assert!(!text.contains("maya"), "{text}");
    terminal.press("\r");
    terminal.wait_for("the show begins");
    let (code, left) = terminal.ends_and_leaves();
    assert_eq!(code, 7);
    assert!(left.contains("the show begins") && left.contains('0') && !left.contains("maya"), "{left}");
}

#[test]
fn it_ends_by_itself_and_nothing_of_the_code_stays() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    let terminal = lobby.kiosk("", 40, 12);
    let screen = terminal.wait_for("Code good for");
    let user_code = user_code(&screen);
    assert!(lobby.server.demo().decide(user_code, device_login::demo::Decision::Approve), "{screen}");
    terminal.wait_for("✓ Signed in");
    let (code, left) = terminal.ends_and_leaves();
    assert_eq!(code, 0);
    assert!(left.contains("Signed in, profile lobby."), "{left}");
    for part in [user_code, "maya", "devcode", "/oauth/", "1000."] {
        assert!(!left.contains(part), "{part} stays:\n{left}");
    }
}

#[test]
fn no_key_but_ctrl_c_does_anything_to_a_code_and_nothing_of_it_stays() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    let terminal = lobby.kiosk("", 40, 12);
    let screen = terminal.wait_for("Code good for");
    terminal.press("q?npfcuy/:\r\u{1a}\u{10}\u{1c}\t\u{1b}");
    // The longer bar of the new size is drawn after the keys.
    let bar = |screen: &Buffer| screen.content.iter().filter(|cell| matches!(cell.symbol(), "━" | "─")).count();
    let before = terminal.wait_until(|screen| Some(bar(screen)));
    terminal.resize(60, 12);
    terminal.wait_until(|screen| (bar(screen) > before).then_some(()));
    assert_eq!(user_code(&terminal.wait_for("Code good for")), user_code(&screen));
    terminal.press("\u{3}");
    let (code, left) = terminal.ends_and_leaves();
    assert_eq!(code, 130);
    assert!(!left.contains(user_code(&screen)), "{left}");
}

#[test]
fn it_goes_on_with_a_code_that_is_pending_and_gives_it_up_when_its_time_is_up() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    let before = lobby.login("--no-wait");
    let terminal = lobby.kiosk("--timeout 10s", 40, 12);
    let screen = terminal.wait_for("Code good for");
    assert!(before.contains(&format!("Enter this code: {}", user_code(&screen))), "{before}\n{screen}");
    let (code, _) = terminal.ends_and_leaves();
    assert_eq!(code, 6);
    let after = lobby.login("--resume");
    assert!(after.contains("no sign-in of profile `lobby` is pending"), "{after}");
}

#[test]
fn what_is_typed_at_the_sign_in_does_not_reach_the_command() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    let terminal = lobby.kiosk("-- sh -c 'echo the show begins; read -r line; echo \"heard <$line>\"'", 80, 24);
    terminal.wait_until(|screen| lobby.approves(&scan(screen)?).then_some(()));
    terminal.wait_for("✓ Signed in");
    terminal.press("rm -r everything\r\rand more\r");
    terminal.wait_for("the show begins");
    terminal.press("play\r");
    terminal.wait_for("heard <play>");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_command_that_cannot_be_run_ends_as_in_a_shell() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    for (command, expected) in [("/nowhere/signage", 127), ("/", 126)] {
        let terminal = lobby.kiosk(&format!("-- {command}"), 80, 24);
        terminal.wait_until(|screen| lobby.approves(&scan(screen)?).then_some(()));
        terminal.wait_for("✓ Signed in");
        terminal.press("\r");
        terminal.wait_for("cannot be run");
        assert_eq!(terminal.ends(), expected, "{command}");
    }
}

#[test]
fn without_a_terminal_it_does_not_begin() {
    let lobby = Lobby::with_codes_for(Duration::from_secs(300));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-login"));
        command.env_clear().env("DEVICE_LOGIN_HOME", lobby.home.path()).env("TERM", "xterm").stdin(Stdio::null());
        let output = command.arg("login").args(arguments).output().expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["lobby", "--kiosk"]);
    assert!(code == Some(2) && said.contains("`--kiosk` needs a terminal"), "{said}");
    for other in ["--plain", "--json", "--grant-code", "--web", "--import"] {
        let (code, said) = run(&["--kiosk", other]);
        assert!(code == Some(2), "{other}: {said}");
    }
    let (code, said) = run(&["lobby", "--", "echo"]);
    assert!(code == Some(2) && said.contains("--kiosk"), "{said}");
}
