//! A few journeys of the real program on a real terminal.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::authority::Authority;
use crate::support::demo_server::DemoServer;
#[cfg(target_os = "linux")]
use crate::support::postgres::Postgres;
use crate::support::program::Home;
use crate::support::pty::Terminal;
use crate::support::{camera, many};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use device_login::clock;
use device_login::demo::{Decision, Demo, Options};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

/// Longer than anything takes that waits for nobody.
const SOON: Duration = Duration::from_millis(300);

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = clock::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(clock::now() < end, "it never comes");
        thread::yield_now();
    }
}

/// The demo with its code on the screen.
fn demo() -> Terminal {
    let terminal = Terminal::start(&["demo"], 80, 24);
    terminal.wait_for("this screen goes on");
    terminal
}

/// A script in which `$program` is the program, whose home this is.
fn start_in(home: &TempDir, script: &str) -> Terminal {
    Terminal::start_shell(&format!("export DEVICE_LOGIN_HOME={}; {script}", home.path().display()), 80, 24)
}

/// A home with so many profiles, and the list of them.
fn profiles(count: usize) -> (TempDir, Terminal) {
    let home = TempDir::new().expect("a directory");
    many::profiles(home.path(), count);
    let (config, store) = (home.path().join("config.toml"), home.path().join("state"));
    let store = format!("plain:{}", store.display());
    let terminal = Terminal::start(&["--config", config.to_str().expect("a path"), "--store", &store], 80, 24);
    terminal.wait_for(&format!("of {count}"));
    (home, terminal)
}

/// A server and a home in which it is the provider `lab`.
struct Lab {
    server: DemoServer,
    home: TempDir,
}

impl Lab {
    /// Without a profile.
    fn new(options: Options) -> Self {
        let lab = Self { server: DemoServer::start(options), home: TempDir::new().expect("a directory") };
        let us = &lab.server.addresses().data_centers.us;
        lab.configure(&format!(
            "# of the lab\n[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
             accounts_server = \"{}\"\napi_domain = \"{}\"\n",
            us.accounts_server, us.api_domain
        ));
        lab
    }

    /// With the profile `work`, whose codes live so long.
    fn with_profile(code_lifetime: Duration) -> Self {
        let lab = Self::new(Options { code_lifetime, interval: Duration::from_secs(1), ..Options::default() });
        lab.configure(&format!(
            "[profiles.work]\nprovider = \"lab\"\nclient_id = \"{}\"\nclient_secret_env = \"LAB_SECRET\"\n\
             scopes = [\"AaaServer.profile.READ\"]\n",
            lab.server.addresses().client_id
        ));
        lab
    }

    fn config(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    fn configure(&self, text: &str) {
        let file = File::options().create(true).append(true).open(self.config());
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the home can be written");
    }

    /// As [`start_in`], with the secret of the profile's client.
    fn start(&self, script: &str) -> Terminal {
        start_in(&self.home, &format!("export LAB_SECRET={}; {script}", self.server.addresses().client_secret))
    }
}

#[test]
fn a_person_signs_in_and_calls_an_api() {
    let terminal = demo();
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    // The result screen names the account as well, and the list comes before what the store says.
    terminal.wait_for("Profiles");
    terminal.wait_for("0 of 10 used");
    terminal.press("r");
    terminal.wait_for("1 of 10 used");
    // The details in full, to their end.
    terminal.press("\r");
    terminal.wait_for("Esc back");
    terminal.press("G");
    terminal.wait_for("refreshed [demo]");
    terminal.wait_for("signed in, maya.ortiz");
    terminal.press("\u{1b}");
    terminal.wait_until_gone("Esc back");
    terminal.press("a");
    terminal.wait_for("Who am I");
    terminal.press("\r");
    terminal.wait_for("200 OK");
    terminal.press("q");
    terminal.wait_for("n sign in");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_demo_says_what_to_press_next_up_to_the_end() {
    let terminal = demo();
    terminal.wait_for("press y, and the demo's person approves");
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    terminal.wait_for("Next: a opens the API. One of its calls lacks its scope.");
    let list = terminal.wait_for("ends soon  ");
    for state in ["✗ sign in again", "! ended", "! ends soon", "✓ valid", "· signed out"] {
        assert!(list.contains(state), "no profile is {state}:\n{list}");
    }
    // Not there yet, and not on this screen.
    terminal.press("fz");
    terminal.press("a");
    terminal.wait_for("Next: choose Organization, which has no scope, and press Enter.");
    terminal.wait_for("Organization    no scope");
    terminal.press("/organization\r");
    terminal.wait_for("▌   Organization ");
    terminal.press("\r");
    terminal.wait_for("401 Unauthorized");
    terminal.wait_for("Next: f asks for the missing scope; then the call follows.");
    terminal.press("f");
    terminal.wait_for("this screen goes on");
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    terminal.wait_for("200 OK");
    terminal.wait_for("Next: that was all. Esc goes back to the profiles.");
    // Out of the search, and out.
    terminal.press("\u{1b}");
    terminal.wait_for("Esc back");
    terminal.press("\u{1b}");
    terminal.wait_for("Next: that was all. r refreshes a profile that ended, q leaves.");
    terminal.press("q");
    let (code, left) = terminal.ends_and_leaves();
    assert_eq!(code, 0);
    for part in ["profiles in all their states", "Nothing of it was kept", "run `device-login login`"] {
        assert!(left.contains(part), "{left}");
    }
}

#[test]
fn whoever_comes_without_a_profile_sees_the_demo_and_comes_back() {
    let home = TempDir::new().expect("a directory");
    let terminal = start_in(&home, "exec $program");
    terminal.wait_for("▌ p  Add a profile");
    // Keys of other screens, and one that leads nowhere.
    terminal.press("xnr\t");
    terminal.wait_for("▌ d  See a demo here");
    terminal.press("\r");
    terminal.wait_for("this screen goes on");
    terminal.press("\u{1b}");
    terminal.wait_for("Next: n signs the profile at the cursor in.");
    terminal.press("q");
    terminal.wait_for("▌ p  Add a profile");
    terminal.press("?");
    terminal.wait_for("Any key closes this");
    terminal.press("x");
    terminal.wait_for("q quit");
    terminal.press("q");
    let (code, left) = terminal.ends_and_leaves();
    assert_eq!((code, left.contains("Nothing of it was kept")), (0, true), "{left}");
    let kept: Vec<_> = fs::read_dir(home.path()).expect("the home is there").collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn a_profile_whose_token_the_provider_does_not_know_is_removed_at_once() {
    let terminal = demo();
    terminal.press("\u{1b}");
    terminal.wait_for("▌ work");
    terminal.press("/archive\r");
    terminal.wait_for("▌ archive");
    terminal.wait_for("✗ sign in again");
    terminal.press("d");
    terminal.wait_for("it has to sign in again");
    terminal.press("j\r");
    terminal.wait_for("archive is removed.");
    terminal.press("L");
    terminal.wait_for("the configuration was changed");
}

/// A server with a grant that somebody else was given, and the token of that.
fn granted_elsewhere() -> (Lab, String) {
    let lab = Lab::new(Options::default());
    let scopes = ["AaaServer.profile.READ", "ZohoCRM.users.READ"];
    let token = lab.server.demo().grant(Decision::Approve, &scopes, Duration::from_secs(3600)).expect("a token");
    (lab, token)
}

/// The profile that an import has made is on the screen, and the token never was.
fn assert_imported(lab: &Lab, terminal: Terminal, refresh_token: &str) {
    terminal.wait_for("shop: the token is imported, maya.ortiz@example.com.");
    terminal.wait_for("▌ shop");
    terminal.press("q");
    let secret = &lab.server.addresses().client_secret;
    assert!(!terminal.has_sent(refresh_token.as_bytes()), "the token was on the screen");
    assert!(!terminal.has_sent(secret.as_bytes()), "the secret was on the screen");
    assert_eq!(terminal.ends(), 0);
    let written = fs::read_to_string(lab.config()).expect("it is there");
    for part in ["[profiles.shop]", "\"AaaServer.profile.READ\", \"ZohoCRM.users.READ\""] {
        assert!(written.contains(part), "{written}");
    }
    assert!(!written.contains("profiles.work") && !written.contains(secret), "{written}");
}

#[test]
fn a_token_from_elsewhere_is_typed_wrong_and_then_right() {
    let (lab, refresh_token) = granted_elsewhere();
    let addresses = lab.server.addresses();
    let terminal = start_in(&lab.home, "exec $program");
    terminal.wait_for("i  Import a token");
    terminal.press("i");
    let steps = [
        ("What is the profile to be called?", "shop\r"),
        ("What is the refresh token?", "1000.mistyped\r"),
        ("Who is to be signed in to?", "j\r"),
        ("Where is the client registered?", "\r"),
        ("What is the client id?", &format!("{}\r", addresses.client_id)),
        ("What is the client secret?", &format!("{}\r", addresses.client_secret)),
        ("What does the token allow?", "\r"),
        ("Profile shop: is all of it right?", "\r"),
        // The cursor is on the token, and nothing else has to be typed again.
        ("import it again", "\r"),
        ("What is the refresh token?", &format!("\u{15}{refresh_token}\r")),
        ("▌ Import the token", "\r"),
    ];
    for (asked, answer) in steps {
        terminal.wait_for(asked);
        assert!(!fs::read_to_string(lab.config()).expect("it is there").contains("profiles"), "{asked}");
        terminal.press(answer);
    }
    assert_imported(&lab, terminal, &refresh_token);
}

#[test]
fn a_token_from_elsewhere_comes_with_all_that_its_file_has() {
    let (lab, refresh_token) = granted_elsewhere();
    let addresses = lab.server.addresses();
    let file = lab.home.path().join("zoho.env");
    let write = |refresh_token: &str| {
        let (id, secret, api) = (&addresses.client_id, &addresses.client_secret, &addresses.api_domain);
        let text = format!(
            "ZOHO_CLIENT_ID={id}\nZOHO_CLIENT_SECRET={secret}\nZOHO_REFRESH_TOKEN={refresh_token}\nZOHO_API_DOMAIN={api}\n"
        );
        let written = File::create(&file).and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("the home can be written");
    };
    let terminal = start_in(&lab.home, "exec $program");
    terminal.wait_for("i  Import a token");
    terminal.press("i");
    terminal.wait_for("What is the profile to be called?");
    terminal.press("shop\r");
    terminal.wait_for("What is the refresh token?");
    terminal.press(&format!("\r{}\r", file.display()));
    terminal.wait_for("cannot be imported");
    // It is read again where it was named.
    write("1000.mistyped");
    terminal.press("\r");
    terminal.wait_for("▌ Import the token");
    terminal.press("\r");
    terminal.wait_for("import it again");
    write(&refresh_token);
    terminal.press("\r");
    terminal.wait_for("What is the refresh token?");
    terminal.press("\t\r");
    terminal.wait_for("▌ Import the token");
    terminal.press("\r");
    assert_imported(&lab, terminal, &refresh_token);
}

#[test]
fn a_person_declines_and_is_told_so() {
    let terminal = demo();
    terminal.press("d");
    terminal.wait_for("✗ The request was declined");
    // The last line of the frame: nothing of the code is left.
    terminal.wait_for("n new code");
    terminal.wait_until(|screen| camera::DARK.decode(screen, 4).is_none().then_some(()));
    terminal.press("n");
    terminal.wait_for("this screen goes on");
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn a_code_is_given_up_only_after_asking_and_a_cancelled_login_says_so() {
    let lab = Lab::with_profile(Duration::from_secs(300));
    let terminal = lab.start("$program login work; echo ended with $?; exit 0");
    terminal.wait_for("this screen goes on");
    terminal.press("n");
    terminal.wait_for("Somebody may be typing");
    terminal.press("n");
    terminal.wait_until_gone("Somebody may be typing");
    terminal.press("c");
    terminal.press("\u{1b}");
    terminal.wait_for("Cancel this sign-in?");
    terminal.press("y");
    terminal.wait_for("cancelled; the code is worth nothing now");
    terminal.wait_for("ended with 130");
    assert_eq!(terminal.ends(), 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "nothing tells that it waits for the answer")]
fn a_sign_in_that_is_left_tells_of_an_answer_that_got_lost() {
    let lost = "got lost before that";
    for (opens, leaves, is_out, ends) in [
        ("login work", "\u{1b}", false, 130),
        ("login work", "\u{1b}", true, 130),
        ("login work", "\u{3}", false, 130),
        ("login work", "\u{3}", true, 130),
        ("", "\u{1b}", false, 0),
        ("", "\u{1b}", true, 0),
    ] {
        let (answer, waits) = mpsc::channel::<()>();
        let authority = Authority::start(move |asked| {
            if asked.path == "/device" {
                let address = format!("{}/page", asked.origin());
                let code = json!({"device_code": "d", "user_code": "CODE", "verification_uri": address, "expires_in": 300, "interval": 1});
                return (200, code.to_string());
            }
            if is_out {
                let _ = waits.recv();
            }
            // The tokens may have been in it, whenever it comes.
            (200, "<html>".to_owned())
        });
        let home = Home::at(&authority);
        let terminal = Terminal::start_shell(
            &format!("export DEVICE_LOGIN_HOME={}; exec $program {opens}", home.path("").display()),
            80,
            24,
        );
        if opens.is_empty() {
            terminal.wait_for("n sign in");
            terminal.press("n");
        }
        if is_out {
            wait_until(|| authority.count("/token") == 1);
        } else {
            terminal.wait_for("no answer");
        }
        terminal.press(leaves);
        if is_out {
            let name = "work".parse().expect("a name");
            let waits = || home.store().load(&name).expect("it can be read")?.pending;
            wait_until(|| waits().is_none());
            // By now it would have been said what was known before the answer.
            thread::sleep(SOON);
        }
        drop(answer);
        terminal.wait_for(lost);
        if opens.is_empty() {
            terminal.press("q");
        }
        assert_eq!(terminal.ends(), ends, "{opens:?}, {leaves:?}, out: {is_out}");
    }
}

#[test]
fn a_code_that_ran_out_is_replaced_in_its_place_and_at_last_the_program_ends_with_6() {
    let lab = Lab::with_profile(Duration::from_secs(4));
    let terminal = lab.start("exec $program login work --renew 1");
    terminal.wait_for("Compare or type this code");
    terminal.wait_for("ran out at");
    terminal.wait_for("Still there? Press Enter for a new code.");
    terminal.press("\u{1b}");
    assert_eq!(terminal.ends(), 6);
}

#[test]
fn the_screens_pick_up_a_code_that_nobody_waits_for_and_leave_it_when_the_terminal_goes() {
    let lab = Lab::with_profile(Duration::from_secs(300));
    let noted = lab.home.path().join("code");
    let script = format!("$program login --no-wait 2>{}; exec $program login", noted.display());
    let terminal = lab.start(&script);
    terminal.wait_for("A sign-in is pending: code ");
    terminal.press("\r");
    terminal.wait_for("this screen goes on");
    let said = fs::read_to_string(&noted).expect("the code was told");
    let code =
        said.lines().find_map(|line| line.strip_prefix("2. Enter this code: ")).expect("it is in a line of its own");
    terminal.wait_for(code);
    terminal.signal_foreground(Signal::HUP);
    terminal.wait_for_end();
    let terminal = lab.start("exec $program login --resume --plain");
    terminal.wait_for(code);
    assert!(lab.server.demo().decide(code, Decision::Approve), "the server knows {code}");
    terminal.wait_for("Signed in");
    assert_eq!(terminal.ends(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_list_shows_what_others_do_without_a_key() {
    for store in [None, Some(Postgres::shared().database())] {
        let lab = Lab::with_profile(Duration::from_secs(300));
        let address = store.as_ref().map(|database| format!("export DEVICE_LOGIN_STORE='{}'; ", database.url()));
        the_list_shows_what_others_do(&lab, &address.unwrap_or_default());
    }
}

#[cfg(target_os = "linux")]
fn the_list_shows_what_others_do(lab: &Lab, store: &str) {
    let start = |command: &str| lab.start(&format!("{store}exec $program {command}"));
    let list = start("");
    list.wait_for("1 signed out");
    // By another configuration it goes on listening, and nobody else takes what it is told.
    for scope in ["AaaServer.other.READ", "AaaServer.profile.READ"] {
        assert_eq!(start(&format!("profile edit work --scopes {scope}")).ends(), 0);
        list.wait_for(&format!("asks for {scope}"));
    }
    let begun = clock::now();
    let login = start("login --plain");
    let is_code = |word: &&str| word.len() == 9 && word.as_bytes()[4] == b'-';
    let code = login.wait_until(|screen| {
        let text: String = screen.content.iter().map(Cell::symbol).collect();
        text.split_whitespace().find(is_code).map(str::to_owned)
    });
    list.wait_for(&code);
    let took = clock::now() - begun;
    assert!(took < Duration::from_secs(15), "it was told of the code only after {took:?}");
    assert!(lab.server.demo().decide(&code, Decision::Approve), "the server knows {code}");
    assert_eq!(login.ends(), 0);
    list.wait_for("0 of 10 used");
    assert_eq!(start("profile rename work hall").ends(), 0);
    list.wait_for("hall");
}

#[test]
fn a_login_asks_whether_to_go_on_with_a_code_that_is_pending() {
    for (arguments, question, answer, then) in [
        ("", "A sign-in is pending: code ", "y", "was given up. Use the new one."),
        ("--plain", "Go on with it?", "y\r", "The code is good for another"),
        ("--plain", "Go on with it?", "n\r", "Asking 127.0.0.1 for a code"),
    ] {
        let lab = Lab::with_profile(Duration::from_secs(300));
        let terminal = lab.start(&format!("$program login --no-wait 2>/dev/null; exec $program login {arguments}"));
        terminal.wait_for(question);
        terminal.press(answer);
        terminal.wait_for(then);
    }
}

#[test]
fn while_somebody_presses_keys_codes_go_on_being_replaced() {
    let lab = Lab::with_profile(Duration::from_secs(10));
    let terminal = lab.start("exec $program login work --renew 1");
    let is_code = |word: &&str| word.len() == 9 && word.as_bytes()[4] == b'-';
    let last_code = |screen: &Buffer| {
        let text: String = screen.content.iter().map(Cell::symbol).collect();
        text.split_whitespace().rfind(is_code).map(str::to_owned)
    };
    let first = terminal.wait_until(last_code);
    terminal.wait_for("ran out at");
    let second = terminal.wait_until(|screen| last_code(screen).filter(|code| *code != first));
    terminal.press("i");
    // No other would have followed it.
    terminal.wait_for(&format!("Code {second} ran out at"));
    terminal.wait_for("Still there? Press Enter for a new code.");
    terminal.press("\u{1b}");
    assert_eq!(terminal.ends(), 6);
}

#[test]
fn who_has_approved_hears_when_the_server_is_asked() {
    let terminal = demo();
    terminal.press("\r");
    terminal.wait_for("allows no sooner.");
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

#[test]
#[cfg(target_os = "linux")]
fn the_first_frame_comes_before_the_configuration_is_read() {
    let lab = Lab::with_profile(Duration::from_secs(300));
    let log = lab.home.path().join("calls");
    let script = format!("exec strace -f -s 200 -o {} -e trace=openat,write,connect $program", log.display());
    let terminal = start_in(&lab.home, &script);
    terminal.wait_for("n sign in");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    let calls = fs::read_to_string(log).expect("what the program called");
    let first = |call: &str, part: &str| {
        calls.lines().position(|line| line.contains(call) && line.contains(part)).unwrap_or_else(|| panic!("no {part}"))
    };
    assert!(first("write(", "device-login") < first("openat(", "config.toml"), "{calls}");
    assert!(!calls.contains("connect("), "{calls}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_key_is_heard_while_the_disk_takes_its_time() {
    let lab = Lab::with_profile(Duration::from_secs(300));
    let log = lab.home.path().join("calls");
    // Longer than any test waits for a screen.
    let script =
        format!("exec strace -f -o {} -e trace=fsync -e inject=fsync:delay_enter=100000000 $program", log.display());
    let terminal = start_in(&lab.home, &script);
    terminal.wait_for("n sign in");
    terminal.press("n");
    // The proof that the store works comes to its first sync, and stays there.
    terminal.wait_for("cancel");
    terminal.press("?");
    terminal.wait_for("Any key closes this");
    let calls = fs::read_to_string(log).expect("what the program called");
    assert!(!calls.contains("DELAYED"), "no sync has ended: {calls}");
    // Nobody waits for a disk at the end, either.
    terminal.signal(Signal::KILL);
    terminal.wait_for_end();
}

#[test]
fn a_storm_of_sizes_ends_on_the_last_one() {
    let terminal = demo();
    for step in 0..200_u16 {
        terminal.resize(1 + step * 7 % 200, 1 + step * 3 % 60);
    }
    terminal.resize(80, 24);
    terminal.wait_for("3  Approve there");
    assert!(terminal.wait_until(|screen| camera::DARK.decode(screen, 4)).contains("devcode="));
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn a_storm_of_sizes_breaks_no_list() {
    let (_home, terminal) = profiles(30);
    // The window is another one already when a frame for the one before it is drawn.
    for (columns, rows) in (0..100).flat_map(|_| [(200, 5), (40, 12), (7, 60), (132, 43), (1, 1), (90, 20)]) {
        terminal.resize(columns, rows);
    }
    terminal.resize(80, 24);
    terminal.wait_for("of 30 · by name");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_key_that_comes_with_a_new_size_is_heard() {
    let home = TempDir::new().expect("a directory");
    let terminal = start_in(&home, "exec $program");
    terminal.wait_for("q quit");
    for step in 0..100 {
        terminal.resize(80 + step % 2, 24);
        terminal.press("?");
        terminal.wait_for("Any key closes this");
        terminal.resize(82 + step % 2, 24);
        terminal.press("x");
        terminal.wait_for("q quit");
    }
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_mouse_is_asked_for_on_the_profiles_and_never_on_the_sign_in() {
    let terminal = demo();
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    assert!(!terminal.has_sent(b"\x1b[?1000h"), "a sign-in is for selecting");
    terminal.press("\r");
    terminal.wait_for("r refresh");
    terminal.wait_for_bytes(b"\x1b[?1000h");
    assert!(!terminal.has_sent(b"\x1b[?1003h"), "movements would wake an idle screen");
    // A press on the footer's `? help`, by the place where it stands.
    let screen = terminal.wait_for("? help");
    let column = screen.lines().last().and_then(|line| line.find("? help")).expect("it is in the footer") + 1;
    terminal.press(&format!("\u{1b}[<0;{column};24M"));
    terminal.wait_for("Any key closes this");
    terminal.press("qq");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_logout_is_found_by_another_word_and_asks_in_a_box_that_hears_one_key_as_yes() {
    let terminal = demo();
    terminal.press("n");
    let screen = terminal.wait_for("y yes    n no");
    assert!(screen.contains("Compare or type this code"), "the sign-in goes on below the box:\n{screen}");
    terminal.press("zn");
    terminal.wait_for("y approve");
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    terminal.wait_for("✓ valid");
    terminal.wait_for("x logout");
    // What comes at once behind an escape does not answer.
    for answer in ["n", "q", "\u{1b}", "\u{1b}y"] {
        terminal.press(":revoke");
        terminal.wait_for("▌ x  logout  revoke and forget");
        terminal.press("\r");
        let screen = terminal.wait_for("┌ Logout ─");
        assert!(screen.contains("✓ valid"), "the list is there around the box:\n{screen}");
        terminal.press(answer);
        terminal.wait_for("x logout");
    }
    terminal.press("x");
    terminal.wait_for("y yes");
    terminal.press("y");
    terminal.wait_for("revoked at the provider, forgotten here.");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn one_of_many_profiles_is_found_and_a_refresh_that_is_refused_says_what_helps() {
    let (_home, terminal) = profiles(300);
    terminal.press("s");
    terminal.wait_for("worst first");
    terminal.press("/p0123");
    terminal.wait_for("1 of 300 · worst first");
    terminal.press("\r");
    terminal.press("r");
    terminal.wait_for("could not be refreshed");
    terminal.wait_for("Here: r tries again.");
    // The first escape shows all profiles again, with the cursor still on this one.
    terminal.press("\u{1b}");
    terminal.wait_for("of 300 · worst first");
    terminal.wait_for("▌ p0123");
    terminal.press("\r");
    terminal.wait_for("Esc back");
    terminal.press("G");
    terminal.wait_for("refresh failed");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_list_begins_on_the_profile_that_is_named_which_has_to_be_there() {
    let home = TempDir::new().expect("a directory");
    many::profiles(home.path(), 3);
    let store = format!("plain:{}", home.path().join("state").display());
    let start = |script: &str| start_in(&home, &format!("export DEVICE_LOGIN_STORE={store}; {script}"));
    for script in ["$program -p p0002", "DEVICE_LOGIN_PROFILE=p0002 $program"] {
        let terminal = start(script);
        terminal.wait_for("▌ p0002");
        terminal.press("q");
        assert_eq!(terminal.ends(), 0, "{script}");
    }
    for (script, said) in [
        ("$program -p nope", "there is no profile `nope`"),
        ("DEVICE_LOGIN_PROFILE=nope $program", "there is no profile `nope`: `DEVICE_LOGIN_PROFILE` names it"),
    ] {
        let (code, left) = start(script).ends_and_leaves();
        assert!(code == 2 && left.contains(said), "{script}: {code}: {left}");
    }
}

#[test]
fn the_code_scans_from_the_terminal_and_moves_with_its_size() {
    let terminal = demo();
    // The same on a dark and on a light terminal.
    let scan = || {
        terminal.wait_until(|screen| {
            let scanned = camera::DARK.decode(screen, 4)?;
            (camera::LIGHT.decode(screen, 4).as_ref() == Some(&scanned)).then_some(scanned)
        })
    };
    let scanned = scan();
    assert!(scanned.contains("/oauth/v3/device/setCode?devcode="), "{scanned}");
    terminal.resize(40, 12);
    terminal.wait_for("2  Type this code there");
    terminal.resize(120, 40);
    terminal.wait_for("3  Approve there");
    assert_eq!(scan(), scanned);
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn the_code_scans_whatever_the_terminal_can_do_on_dark_and_light_themes() {
    let terminals = [
        ("TERM=xterm", "", 80, 24),
        ("TERM=xterm", "", 120, 40),
        ("TERM=linux", "", 120, 40),
        ("LC_ALL=C", "", 120, 40),
        ("NO_COLOR=1", "", 80, 24),
        ("NO_COLOR=1", "", 120, 40),
        ("NO_COLOR=1 TERM=xterm", "", 120, 40),
        ("CLICOLOR_FORCE=0", "--color never", 80, 24),
        ("TERM=linux", "--color never", 120, 40),
    ];
    for (environment, flags, columns, rows) in terminals {
        let script = format!("{environment} $program {flags} demo; exit $?");
        let terminal = Terminal::start_shell(&script, columns, rows);
        terminal.wait_for("this screen goes on");
        for camera in [camera::DARK, camera::LIGHT] {
            let scanned = terminal.wait_until(|screen| camera.decode(screen, 4));
            assert!(scanned.contains("/oauth/v3/device/setCode?devcode="), "{environment} {flags}: {scanned}");
        }
        terminal.press("\u{3}");
        assert_eq!(terminal.ends(), 130, "{environment}");
    }
}

#[test]
fn the_code_scans_through_multiplexers() {
    let sockets = tempfile::tempdir().expect("a temporary directory");
    let sockets = sockets.path().display();
    let inside = "$program demo";
    for multiplexer in [
        // The names that it gives to itself: eight colors by default, 256 as many set it.
        format!("TMUX_TMPDIR={sockets} exec tmux -f /dev/null new-session '{inside}' ';' set status off"),
        format!(
            "TMUX_TMPDIR={sockets} exec tmux -L other -f /dev/null set -g default-terminal tmux-256color ';' \
             new-session '{inside}' ';' set status off"
        ),
        format!("SCREENDIR={sockets}/screen exec screen -c /dev/null -U {inside}"),
    ] {
        let terminal = Terminal::start_shell(&multiplexer, 80, 24);
        let scanned = terminal.wait_until(|screen| camera::DARK.decode(screen, 4));
        assert!(scanned.contains("/oauth/v3/device/setCode?devcode="), "{multiplexer}: {scanned}");
        terminal.press("\u{3}");
        terminal.wait_for_end();
    }
}

#[test]
fn copying_speaks_to_the_terminal() {
    let terminal = demo();
    terminal.press("c");
    terminal.wait_for_bytes(b"\x1b]52;c;");
    // Whether the terminal took it, nobody can know.
    let screen = terminal.wait_for("Sent the code to your terminal. Nothing to paste? p shows it.");
    assert!(!screen.contains("✓"), "{screen}");
    // A code that was copied is not given up without asking.
    terminal.press("\u{1b}");
    terminal.wait_for("Cancel this sign-in?");
    terminal.press("y");
    terminal.wait_for("n sign in");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn tmux_gets_code_and_link_into_its_buffer_and_keeps_no_token() {
    let sockets = tempfile::tempdir().expect("a temporary directory");
    let place = sockets.path().display();
    // As it is by default, it hears no OSC 52 of what runs in it.
    let script = format!("TMUX_TMPDIR={place} exec tmux -f /dev/null new-session '$program demo' ';' set status off");
    let terminal = Terminal::start_shell(&script, 80, 24);
    terminal.wait_for("this screen goes on");
    let tmux = |arguments: &[&str]| {
        let ran = Command::new("tmux").args(arguments).env("TMUX_TMPDIR", sockets.path()).output().expect("tmux runs");
        String::from_utf8(ran.stdout).expect("text")
    };
    terminal.press("u");
    terminal.wait_for("✓ tmux has the link in its buffer and sent it to your terminal.");
    assert!(tmux(&["show-buffer"]).contains("/oauth/v3/device/setCode?devcode="));
    terminal.press("c");
    terminal.wait_for("✓ tmux has the code in its buffer and sent it to your terminal.");
    let code = tmux(&["show-buffer"]);
    assert!(terminal.wait_for(&code).contains("this screen goes on"), "{code}");
    // Without naming a selection, so that the terminal takes its own.
    terminal.wait_for_bytes(format!("\x1b]52;;{}", STANDARD.encode(&code)).as_bytes());
    terminal.press("y");
    terminal.wait_for("Signed in");
    terminal.press("\r");
    terminal.wait_for("r refresh");
    let buffers = tmux(&["list-buffers"]);
    terminal.press("c");
    terminal.wait_for("Sent the access token to your terminal. Nothing to paste? t shows it.");
    assert_eq!(tmux(&["list-buffers"]), buffers);
    terminal.press("q");
    terminal.wait_for_end();
}

#[test]
fn screen_passes_a_copy_on_to_its_terminal() {
    let sockets = tempfile::tempdir().expect("a temporary directory");
    let place = sockets.path().display();
    let script = format!("SCREENDIR={place}/screen exec screen -c /dev/null -U $program demo");
    let terminal = Terminal::start_shell(&script, 80, 24);
    terminal.wait_for("this screen goes on");
    terminal.press("c");
    terminal.wait_for("Sent the code to your terminal.");
    terminal.wait_for_bytes(b"\x1b]52;c;");
    terminal.press("\u{3}");
    terminal.wait_for_end();
}

#[test]
fn the_terminal_is_given_back_whatever_ends_the_app() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let terminal = demo();
        terminal.signal(signal);
        assert_eq!(terminal.ends(), code, "{signal:?}");
    }
}

#[test]
fn whatever_stops_it_the_shell_has_the_terminal_until_it_goes_on() {
    for stop in ["Ctrl-Z", "TSTP", "STOP"] {
        let terminal = Terminal::start_shell("$program demo; echo the shell is back; fg; exit $?", 80, 24);
        terminal.wait_for("this screen goes on");
        match stop {
            "Ctrl-Z" => terminal.press("\u{1a}"),
            "TSTP" => terminal.signal_foreground(Signal::TSTP),
            _ => terminal.signal_foreground(Signal::STOP),
        }
        terminal.wait_for_bytes(b"the shell is back");
        // The first key is heard, and nothing of the shell stays on the screen.
        terminal.press("c");
        terminal.wait_for("Sent the code");
        terminal.wait_until(|screen| {
            let text: String = screen.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            (!text.contains("the shell is back")).then_some(())
        });
        terminal.press("\u{3}");
        assert_eq!(terminal.ends(), 130, "{stop}");
    }
}

#[test]
fn where_no_shell_would_continue_it_nothing_stops() {
    let terminal = demo();
    terminal.press("\u{1a}c");
    terminal.wait_for("Sent the code");
    terminal.signal(Signal::TSTP);
    terminal.press("?");
    terminal.wait_for("Any key closes this");
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn a_call_that_lacks_its_scope_is_mended_with_one_key() {
    let terminal = demo();
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("a");
    terminal.wait_for("Who am I");
    terminal.press("/");
    terminal.press("crm org");
    terminal.wait_for("1 of 27");
    terminal.press("\r\r");
    terminal.wait_for("401 Unauthorized");
    terminal.wait_for("f adds ZohoCRM.org.READ");
    terminal.press("f");
    terminal.wait_for("this screen goes on");
    terminal.press("y");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    terminal.wait_for("200 OK");
    terminal.wait_for("Ortiz Bicycles");
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

/// The user code on the screen, which the demo knows.
fn approve_what_is_shown(terminal: &Terminal, demo: &Demo) {
    terminal.wait_until(|screen| {
        let text: String = screen.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        let mut words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-');
        words.any(|word| word.len() > 6 && demo.decide(word, Decision::Approve)).then_some(())
    });
}

#[test]
fn a_newcomer_adds_a_profile_and_signs_in() {
    let lab = Lab::new(Options { interval: Duration::ZERO, ..Options::default() });
    let addresses = lab.server.addresses();
    let terminal = start_in(&lab.home, "exec $program");
    terminal.wait_for("▌ p  Add a profile");
    terminal.press("\r");
    terminal.wait_for("What is the profile to be called?");
    terminal.press("\r");
    terminal.wait_for("configured:");
    terminal.press("\u{1b}[B\r");
    terminal.wait_for("Where is the client registered?");
    terminal.press("\r");
    terminal.wait_for("Which type of client is it?");
    terminal.press("\r");
    terminal.wait_for("What is the client id?");
    terminal.press(&addresses.client_id);
    terminal.press("\r");
    terminal.wait_for("What is the client secret?");
    // As a terminal pastes it.
    terminal.press(&format!("\u{1b}[200~{}\n\u{1b}[201~", addresses.client_secret));
    terminal.wait_for("·····");
    terminal.press("\r");
    terminal.wait_for("Go on with 1 scope");
    terminal.press("ZohoCRM.users.R");
    terminal.wait_for("read CRM users");
    terminal.press("\r");
    terminal.wait_for("Go on with 2 scopes");
    terminal.press("\r");
    terminal.wait_for("is all of it right?");
    terminal.press("\r");
    terminal.wait_for("Profile work is saved");
    terminal.press("\r");
    terminal.wait_for("this screen goes on");
    approve_what_is_shown(&terminal, lab.server.demo());
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    // The result screen names the account as well, and the list comes before what the store says.
    terminal.wait_for("Profiles");
    terminal.wait_for("0 of 10 used");
    terminal.press("w");
    terminal.wait_for("Another name for work");
    terminal.press("work-2\r");
    terminal.wait_for("work is called work-2 now.");
    terminal.wait_for("▌ work-2");
    terminal.press("q");
    assert!(!terminal.has_sent(addresses.client_secret.as_bytes()), "the secret was on the screen");
    assert_eq!(terminal.ends(), 0);
    let written = fs::read_to_string(lab.config()).expect("it is there");
    assert!(written.starts_with("# of the lab\n") && written.contains("[profiles.work-2]"), "{written}");
    assert!(!written.contains(&addresses.client_secret), "{written}");
}

#[test]
fn a_profile_is_edited_in_its_form_where_no_flag_says_how() {
    let lab = Lab::with_profile(Duration::from_secs(300));
    let before = fs::read_to_string(lab.config()).expect("a configuration");
    let terminal = lab.start("exec $program profile edit work");
    terminal.wait_for("Edit a profile");
    terminal.wait_for("AaaServer.profile.READ");
    terminal.press("\x1b");
    assert_eq!(terminal.ends(), 130);
    assert_eq!(fs::read_to_string(lab.config()).expect("a configuration"), before);
}

#[test]
fn a_light_terminal_gets_the_light_theme_and_its_answer_is_no_key() {
    let terminal = demo();
    let blue = |buffer: &Buffer| buffer.content().iter().any(|cell| cell.bg == Color::Indexed(4));
    terminal.wait_for_bytes(b"\x1b]11;?\x07");
    terminal.wait_until(|buffer| (!blue(buffer)).then_some(()));
    terminal.press("\x1b]11;rgb:fdfd/f6f6/e3e3\x07");
    terminal.wait_until(|buffer| blue(buffer).then_some(()));
    // The title that the window had comes back.
    assert!(terminal.has_sent(b"\x1b[22;2t"));
    terminal.press("\x03");
    terminal.wait_for_bytes(b"\x1b[23;2t");
    terminal.ends();
}

#[test]
fn the_screens_end_with_their_terminal_where_nobody_may_hang_up() {
    let (mut pty, pts) = pty_process::blocking::open().expect("a pty can be opened");
    pty.resize(pty_process::Size::new(24, 80)).expect("a pty can be resized");
    let home = TempDir::new().expect("a directory");
    let script = format!("trap '' HUP; {}; exit $?", env!("CARGO_BIN_EXE_device-login"));
    let shell = pty_process::blocking::Command::new("/bin/sh").args(["-c", &script]).env_clear();
    let shell = shell.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env("HOME", home.path());
    let mut child = shell.spawn(pts).expect("a shell starts");
    let (mut shown, mut chunk) = (Vec::new(), [0; 4096]);
    // Where no clock runs, nothing is drawn any more, which would fail.
    while is_told(&pty, Duration::from_secs(1)) || !String::from_utf8_lossy(&shown).contains("Add a profile") {
        let read = pty.read(&mut chunk).expect("the program draws");
        shown.extend_from_slice(&chunk[..read]);
    }
    let pid = rustix::process::Pid::from_child(&child);
    drop(pty);
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait().expect("a child can be waited for")));
    let end = end.recv_timeout(Duration::from_secs(30));
    // The shell would wait for ever for one that did not end.
    let _ = rustix::process::kill_process(pid, Signal::KILL);
    assert_eq!(end.expect("it ends").code(), Some(129));
}

/// Whether something comes within this time.
fn is_told(pty: &pty_process::blocking::Pty, within: Duration) -> bool {
    let within = Timespec::try_from(within).expect("a short time");
    poll(&mut [PollFd::new(pty, PollFlags::IN)], Some(&within)).expect("a pty can be polled") > 0
}
