//! Questions at the terminal, what is pasted there, and lines in place of the screens.

use std::fs;
use std::path::Path;

use device_login::secret::Secret;
use device_login::storage::{KeyOptions, StoreAddress, open};
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{Home, sign_in_into};
use crate::support::pty::Terminal;

/// A provider of Zoho's kind at which nobody listens.
const CONFIGURATION: &str = "[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
     accounts_server = \"http://127.0.0.1:1\"\napi_domain = \"http://127.0.0.1:1\"\n";

const PROFILE: &str = "[profiles.work]\nprovider = \"lab\"\nclient_id = \"c\"\nscopes = [\"AaaServer.profile.READ\"]\n\
     redirect_uri = \"https://app.example.com/callback\"\n";

fn home(more: &str) -> Home {
    let home = Home::new();
    home.configure(&format!("{CONFIGURATION}{more}"));
    home
}

/// A shell's script in which `$program` is the program, whose home this is and whose store anybody can read.
fn start(home: &Home, script: &str) -> Terminal {
    let path = home.path("");
    let path = path.display();
    let variables = format!("export DEVICE_LOGIN_HOME={path} DEVICE_LOGIN_STORE=plain:{path}/state");
    Terminal::start_shell(&format!("{variables}; {script}"), 100, 30)
}

/// All that the store holds, as text.
fn stored(home: &Path) -> String {
    let mut text = String::new();
    let mut directories = vec![home.join("state")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                directories.push(entry.path());
            } else {
                text += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    text
}

const ADD: &str = "$program profile add new --provider lab --client-id c --scopes AaaServer.profile.READ";

#[test]
fn a_long_secret_is_taken_whole_and_never_shown() {
    for length in [10, 4_093, 4_505, 70_000] {
        let home = home("");
        let terminal = start(&home, &format!("exec {ADD}"));
        terminal.wait_for("Client secret");
        let secret = format!("Begin{}End", "x".repeat(length));
        terminal.press(&format!("{secret}\r"));
        terminal.wait_for("Added profile new");
        assert!(!terminal.has_sent(b"xxx"), "{length}");
        assert_eq!(terminal.ends(), 0);
        assert!(stored(&home.path("")).contains(&secret), "{length}");
    }
}

#[test]
fn what_is_longer_than_anything_is_refused_in_words() {
    let home = home("");
    let terminal = start(&home, &format!("exec {ADD}"));
    terminal.wait_for("Client secret");
    terminal.press(&format!("{}\r", "x".repeat(300 * 1024)));
    terminal.wait_for("longer than 256 KiB");
    assert_eq!(terminal.ends(), 2);
}

#[test]
fn a_question_leaves_the_terminal_as_it_was_whatever_ends_it() {
    for (keys, code) in [("\u{3}", 130), ("\u{4}", 130), ("\u{1c}", 131), ("abc\u{15}\r", 0)] {
        let home = self::home("");
        let terminal = start(&home, &format!("exec {ADD}"));
        terminal.wait_for("Client secret");
        terminal.press(keys);
        assert_eq!(terminal.ends(), code, "{keys:?}");
    }
    let home = home("");
    let terminal = start(&home, &format!("{ADD}; stty -a; echo the shell is back; fg; exit $?"));
    terminal.wait_for("Client secret");
    terminal.press("abc\u{1a}");
    terminal.wait_for_bytes(b"the shell is back");
    assert!(terminal.has_sent(b" icanon") && terminal.has_sent(b" echo "), "the terminal was not given back");
    terminal.press("def\r");
    assert_eq!(terminal.ends(), 0);
    assert!(stored(&home.path("")).contains("\"abcdef\""));
}

#[test]
fn in_the_background_nothing_is_read_and_nothing_stops() {
    let home = home("");
    let script = format!("{ADD} & read -r answer; echo the shell read $answer; jobs; fg; exit $?");
    let terminal = start(&home, &script);
    terminal.wait_for("Client secret");
    terminal.press("mine\r");
    let screen = terminal.wait_for("the shell read mine");
    assert!(!screen.contains("Stopped"), "{screen}");
    terminal.press("kept\r");
    assert_eq!(terminal.ends(), 0);
    assert!(stored(&home.path("")).contains("\"kept\""));
}

#[test]
fn lines_take_the_place_of_the_screens_where_somebody_wants_them() {
    for wish in ["ACCESSIBLE=1", "TERM=dumb"] {
        let home = self::home(PROFILE);
        let terminal = start(&home, &format!("{wish} exec $program"));
        for text in ["work", "signed out", "What can be done:", "device-login login work: signs in."] {
            terminal.wait_for(text);
        }
        assert!(!terminal.has_sent(b"\x1b[?1049h"));
        assert_eq!(terminal.ends(), 0);
        let home = self::home("");
        let terminal = start(&home, &format!("{wish} exec $program"));
        terminal.wait_for("There is no profile yet.");
        terminal.wait_for("device-login login: asks a few questions");
        assert_eq!(terminal.ends(), 0);
    }
    for nothing in ["ACCESSIBLE=0", "ACCESSIBLE="] {
        let home = self::home(PROFILE);
        let terminal = start(&home, &format!("{nothing} exec $program"));
        terminal.wait_for_bytes(b"\x1b[?1049h");
        terminal.press("\u{3}");
        terminal.wait_for_end();
    }
}

#[test]
fn the_demo_in_lines_tells_its_code() {
    let home = self::home("");
    let terminal = start(&home, "ACCESSIBLE=1 exec $program demo");
    terminal.wait_for("Enter this code");
    terminal.press("\u{3}");
    terminal.wait_for("run `device-login login`");
    assert_eq!(terminal.ends(), 130);
}

#[test]
fn in_lines_a_key_answers_for_the_other_device_of_the_demo() {
    for (typed, said, told, code) in [
        ("y\r", "Approved on the other device", "Signed in as", 0),
        ("D\r", "Declined on the other device", "declined", 5),
    ] {
        let home = self::home("");
        let terminal = start(&home, "TERM=dumb exec $program demo");
        terminal.wait_for("y and Enter approves, d and Enter declines");
        terminal.press("q\r");
        terminal.wait_for("Enter alone asks for another code");
        terminal.press(typed);
        terminal.wait_for(said);
        terminal.wait_for(told);
        assert_eq!(terminal.ends(), code, "{typed:?}");
    }
}

#[test]
fn a_code_or_token_with_a_fault_is_told_as_at_a_prompt_and_asked_for_again() {
    for (arguments, question) in [("--grant-code", "Code (not shown)"), ("--import", "Refresh token (not shown)")] {
        let home = self::home(PROFILE);
        let terminal = start(&home, &format!("exec $program login work {arguments}"));
        for (typed, fault) in [
            ("garbage code", "there is a blank"),
            ("", "it is empty"),
            ("g\u{e4}rbage", "characters that no code or token has"),
        ] {
            terminal.wait_for(question);
            terminal.press(&format!("{typed}\r"));
            let screen = terminal.wait_for(fault);
            assert!(!screen.contains("stdin"), "{screen}");
        }
        terminal.press("1000.abc.def\r");
        // Nobody listens there.
        assert_eq!(terminal.ends(), 7);
    }
}

#[test]
fn of_a_secret_that_is_pasted_with_more_nothing_reaches_who_reads_next() {
    let home = self::home(PROFILE);
    let terminal = start(&home, "$program login work --import; read next; echo \"next: $next\"");
    terminal.wait_for("Refresh token (not shown)");
    terminal.press("1000.abc.def\rrm -rf everything\r");
    terminal.wait_for("there is a blank or another line");
    terminal.press("1000.abc.def\r");
    terminal.wait_for("error: ");
    terminal.press("typed later\r");
    terminal.wait_for("next: typed later");
    terminal.ends();
}

#[test]
fn after_the_screens_each_reservation_of_a_sign_in_is_said_once() {
    let authority = Authority::start(|asked| {
        let body = match asked.path.as_str() {
            "/device" => json!({
                "device_code": "code", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
                "verification_uri": format!("{}/page", asked.origin()),
            }),
            "/token" => json!({"access_token": "AT", "scope": "other", "api_domain": "https://evil.example"}),
            _ => json!({"sub": "77", "email": "dana@example.com"}),
        };
        (200, body.to_string())
    });
    let home = Home::at(&authority);
    let terminal = start(&home, "$program login work; echo ended with $?");
    terminal.wait_for("✓ Signed in");
    terminal.press("\r");
    let lines = terminal.wait_for("ended with 0");
    for said in ["Not granted: openid", "gave no refresh token", "an API domain, https://evil.example"] {
        assert_eq!(lines.matches(said).count(), 1, "{said}: {lines}");
    }
    terminal.wait_for_end();
}

#[test]
fn a_demo_that_can_make_no_folder_says_so() {
    let home = self::home("");
    let terminal = start(&home, "TMPDIR=/nowhere RUST_BACKTRACE=1 exec $program demo");
    terminal.wait_for("it makes a folder in /nowhere, which failed");
    terminal.wait_for("have `TMPDIR` name a directory");
    assert_eq!(terminal.ends(), 1);
}

#[test]
fn a_code_of_the_console_has_its_first_profile_asked_for() {
    let home = self::home("");
    let terminal = start(&home, "exec $program login --grant-code work");
    let screen = terminal.wait_for("Provider");
    assert!(screen.contains("There is no profile yet. A few questions make one"), "{screen}");
    terminal.press("\u{3}");
    terminal.wait_for_end();
}

#[test]
fn a_login_without_a_profile_opens_the_form() {
    let home = self::home("");
    let terminal = start(&home, "exec $program login shop");
    terminal.wait_for("What is the profile to be called?");
    terminal.wait_for("shop");
    terminal.press("\r");
    terminal.wait_for("Zoho");
    terminal.press("\u{3}");
    terminal.wait_for_end();
}

#[test]
fn in_lines_each_answer_is_checked_where_it_is_typed_and_the_others_stay() {
    let home = home("");
    let terminal = start(&home, "exec $program login --plain --timeout 1s");
    for (question, answer, problem) in [
        ("Provider", "Zohoo", "did you mean `zoho`?"),
        ("Provider", "LAB", "You need a client id"),
        ("Data center", "xx", "not known"),
        ("Data center", "US", "Client id"),
        ("Client id", "1000 ABC", "such as a blank"),
        ("Client id", "1000.ABC", "Client secret"),
        ("Client secret", "se\u{200b}cret", "no secret has"),
        ("Client secret", "sentinel-secret", "Scopes"),
        ("Scopes", "a\"b", "is no scope"),
        ("Scopes", "ZohoCRM.modules.RAED", "Type them again"),
        ("RAED]", "ZohoCRM.users.READ", "Name of the profile"),
        ("Name of the profile", "a b", "A name has"),
        ("Name of the profile", "shop", "Added profile shop"),
    ] {
        terminal.wait_for(question);
        terminal.press(&format!("{answer}\r"));
        terminal.wait_for(problem);
    }
    terminal.wait_for_end();
    let written = home.configuration();
    for part in ["[profiles.shop]", "\"lab\"", "\"us\"", "\"1000.ABC\"", "\"ZohoCRM.users.READ\""] {
        assert!(written.contains(part), "{written}");
    }
    assert!(stored(&home.path("")).contains("sentinel-secret"));
}

#[test]
fn a_code_alone_is_exchanged_only_once_somebody_says_so() {
    let home = self::home(PROFILE);
    let terminal = start(&home, "exec $program login --web --plain");
    terminal.wait_for("paste it here");
    terminal.press("y\r");
    terminal.press("1000.abc.def\r");
    terminal.wait_for("That is the code alone");
    terminal.wait_for("Exchange it all the same?");
    terminal.press("n\r");
    terminal.wait_for("Not exchanged. The whole address:");
    terminal.press("1000.ghi.jkl\r");
    terminal.wait_for("1000.ghi.jkl\nThat is the code alone");
    terminal.press("y\r");
    terminal.wait_for("Exchanging the code");
    // Nobody listens there.
    assert_eq!(terminal.ends(), 7);
}

#[test]
fn a_file_without_a_data_center_has_it_asked_for() {
    let home = home("");
    let file = home.write(".env", "ZOHO_CLIENT_ID=1000.X\nZOHO_CLIENT_SECRET=s\nZOHO_REFRESH_TOKEN=r\n");
    let terminal = start(&home, &format!("exec $program login new --import --env-file {}", file.display()));
    terminal.wait_for("Data center where the client is registered");
    terminal.press("\u{3}");
    assert_eq!(terminal.ends(), 130);
}

/// A home whose profile `work` can be handed out, and how it is signed in.
fn to_be_handed_out() -> (Home, StoreAddress, impl Fn(&str)) {
    let home = Home::new();
    home.configure(&format!("{CONFIGURATION}{PROFILE}").replace("lab", "corp").replace("\"c\"", "\"client-1\""));
    let store = StoreAddress::Plain(home.path("state"));
    let address = store.clone();
    let sign_in = move |token: &str| {
        let store = open(&address, KeyOptions::default());
        sign_in_into(&store, "work", "http://127.0.0.1:1", |grant| {
            grant.refresh_token = Some(Secret::new(token));
            grant.is_own = true;
            "us".clone_into(&mut grant.data_center);
            "http://127.0.0.1:1/".clone_into(&mut grant.issuer);
        });
    };
    (home, store, sign_in)
}

#[test]
fn a_sign_in_that_is_replaced_during_the_question_is_not_handed_out() {
    let (home, store, sign_in) = to_be_handed_out();
    sign_in("old");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = elsewhere.path().join("zoho.env");
    let terminal = start(&home, &format!("exec $program profile export work --env-file {}", file.display()));
    terminal.wait_for("(y/n)");
    sign_in("new");
    terminal.press("y\r");
    terminal.wait_for("was replaced by another one meanwhile");
    assert_eq!(terminal.ends(), 1);
    assert!(!file.exists());
    let kept = open(&store, KeyOptions::default()).load(&"work".parse().expect("a name")).expect("it can be read");
    assert!(kept.and_then(|record| record.grant).is_some_and(|grant| grant.is_own));
}

#[test]
fn a_sign_in_is_handed_out_after_a_yes_alone_and_a_no_is_told() {
    let (home, _, sign_in) = to_be_handed_out();
    sign_in("token");
    let elsewhere = tempfile::tempdir().expect("a directory");
    for (number, (answers, code, told)) in [
        (&["n"][..], 5, "was not written: the answer was no"),
        (&[""], 5, "was not written: the answer was no"),
        (&["perhaps", "NO"], 5, "Answer y or n."),
        (&["y"], 0, "Wrote the sign-in of profile work"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = elsewhere.path().join(number.to_string());
        let terminal = start(&home, &format!("exec $program profile export work --env-file {}", file.display()));
        terminal.wait_for("(y/n)");
        for answer in answers {
            terminal.press(&format!("{answer}\r"));
        }
        terminal.wait_for(told);
        assert_eq!(terminal.ends(), code, "{answers:?}");
        assert_eq!(file.exists(), code == 0, "{answers:?}");
    }
}

#[test]
fn lines_name_the_address_of_the_console() {
    let zoho = "[profiles.w]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"A.b.READ\"]\n";
    let eu = format!("{zoho}data_center = \"eu\"\n");
    for (configuration, arguments, answers, address) in [
        ("", "--plain", &[("Provider", "zoho"), ("Data center", "EU")][..], "https://api-console.zoho.eu\n"),
        (zoho, "w --grant-code", &[], "https://api-console.zoho.com\n"),
        (&eu, "w --grant-code", &[], "https://api-console.zoho.eu\n"),
    ] {
        let home = Home::new();
        home.configure(configuration);
        let terminal = start(&home, &format!("exec $program login {arguments}"));
        for (question, answer) in answers {
            terminal.wait_for(question);
            terminal.press(&format!("{answer}\r"));
        }
        terminal.wait_for(address);
        terminal.press("\u{3}");
        terminal.wait_for_end();
    }
}
