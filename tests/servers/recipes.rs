//! `docs/recipes.md`, run as it stands there with the programs that it names.

mod mail;
mod text;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use device_login::clock;
use device_login::secret::Secret;
use device_login::storage::{Grant, Record};
use jiff::SignedDuration;
use serde_json::{Value, json};

use self::text::{Recipe, recipes};
use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, Ran, ran};
use crate::support::pty::Terminal;
use crate::support::tls;

const TOKEN: &str = "1000.0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210";
const COMPANY: &str = "Zylker Corp";

type Tried = fn(&Recipe, &Kitchen);

/// How each recipe is tried, by its heading.
const TRIED: &[(&str, Tried)] = &[
    ("curl", asks_the_crm_over_tls),
    ("A shell script", says_the_company),
    ("Python", says_the_company),
    ("Node", says_the_company),
    ("cron", cron),
    ("A systemd timer", systemd),
    ("Prometheus", prometheus),
    ("Nagios and Icinga", nagios),
    ("kubectl", kubectl),
    ("Ansible", says_the_company),
    ("Postman", postman),
    ("Power BI gateway", power_bi),
    ("Mail", mail::is_sent_and_fetched),
    ("git", git),
    ("The status line of tmux", tmux),
    ("starship", starship),
    ("A hook against tokens in commits", hook),
];

/// What could be run here in part only; the document says so.
const SYNTAX_ONLY: [&str; 4] = ["A systemd timer", "Postman", "Power BI gateway", "starship"];

#[test]
fn every_recipe_works_as_it_is_written() {
    let recipes = recipes();
    let titles: Vec<&str> = recipes.iter().map(|recipe| recipe.title.as_str()).collect();
    let tried: Vec<&str> = TRIED.iter().map(|(title, _)| *title).collect();
    assert_eq!(titles, tried, "every recipe is tried");
    for recipe in &recipes {
        let is_marked = recipe.prose.contains("*Checked for syntax only");
        assert_eq!(is_marked, SYNTAX_ONLY.contains(&recipe.title.as_str()), "{}", recipe.title);
    }
    for (recipe, (_, works)) in recipes.iter().zip(TRIED) {
        let kitchen = Kitchen::new();
        kitchen.lay_out(recipe);
        works(recipe, &kitchen);
    }
}

/// Where `token` fails nobody is called, whatever the shell.
#[test]
fn no_recipe_goes_on_without_a_token() {
    for recipe in recipes() {
        let kitchen = Kitchen::new();
        kitchen.lay_out(&recipe);
        let signed_out = kitchen.home.run(&["logout", "work", "--local"]);
        assert_eq!(signed_out.code, 0, "{signed_out:?}");
        let before = kitchen.authority.log().len();
        for command in
            recipe.commands.iter().filter(|command| command.contains(" work") && command.contains("device-login"))
        {
            for shell in ["sh", "bash"] {
                let ran = kitchen.run(shell, command);
                assert_ne!(ran.code, 0, "{}: {command}: {ran:?}", recipe.title);
            }
        }
        assert_eq!(kitchen.authority.log().len(), before, "{}", recipe.title);
    }
}

/// A machine that is signed in to everything, and an API that wants the right token.
struct Kitchen {
    home: Home,
    authority: Authority,
}

impl Kitchen {
    fn new() -> Self {
        let authority = Authority::start(|asked| match asked.path.as_str() {
            "/oauth/v2/token" => (200, tokens(&asked.origin()).to_string()),
            _ => answer(asked),
        });
        let home = Home::new();
        let origin = authority.origin();
        home.write("secret", "the-client's-secret-0123456789");
        home.configure(&format!(
            "[profiles.work]\nprovider = \"lab\"\nclient_id = \"1000.WORK\"\nclient_secret_file = \"secret\"\n\
             scopes = [\"ZohoCRM.org.READ\"]\n\
             [profiles.hub]\nprovider = \"github\"\nclient_id = \"Iv1.HUB\"\nscopes = [\"repo\"]\n\
             [profiles.cluster]\nprovider = \"corp\"\nclient_id = \"cluster\"\nscopes = [\"openid\"]\n\
             [providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\n\
             accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n\
             [providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{origin}/device\"\n\
             token_endpoint = \"{origin}/token\"\n"
        ));
        let kitchen = Self { home, authority };
        let signed_in = kitchen.home.run_with(&["login", "work", "--import"], "1000.refresh.token");
        assert_eq!(signed_in.code, 0, "{signed_in:?}");
        kitchen.sign_in("hub", "github", "Iv1.HUB", "https://github.com/login/oauth/access_token");
        kitchen.sign_in("cluster", "corp", "cluster", &format!("{origin}/token"));
        fs::create_dir(kitchen.home.path("bin")).expect("it can be made");
        symlink(env!("CARGO_BIN_EXE_device-login"), kitchen.home.path("bin/device-login")).expect("it can be made");
        kitchen
    }

    /// Keeps a grant that is good for an hour.
    fn sign_in(&self, profile: &str, provider: &str, client_id: &str, token_endpoint: &str) {
        let store = self.home.store();
        let name = profile.parse().expect("a name");
        let mut locked = store.hold(&name, std::time::Duration::from_secs(5)).expect("nobody else writes");
        let (now, end) = (clock::wall(), clock::wall() + SignedDuration::from_hours(1));
        let mut record = Record {
            grant: Some(Grant::new(token_endpoint.to_owned(), vec!["x".to_owned()], Secret::new(TOKEN), now, end)),
            ..Record::empty(name, provider, client_id)
        };
        locked.commit(&mut record).expect("the record is kept");
        locked.release();
    }

    /// Writes the files of a recipe.
    fn lay_out(&self, recipe: &Recipe) {
        for file in &recipe.files {
            self.home.write(&file.name, &file.text);
        }
    }

    fn path(&self, name: &str) -> String {
        self.home.path(name).display().to_string()
    }

    /// A shell in the home that knows what cron or a login would tell it, and traces what it starts.
    fn run(&self, shell: &str, line: &str) -> Ran {
        self.run_as(&mut Command::new(shell), &["-c", line])
    }

    fn run_as(&self, command: &mut Command, arguments: &[&str]) -> Ran {
        command.args(arguments).env_clear().env("PATH", format!("{}:/usr/sbin:/usr/bin:/bin", self.path("bin")));
        command.env("HOME", self.path("")).env("DEVICE_LOGIN_HOME", self.path("")).env("CURL_HOME", self.path(""));
        command.env("LANG", "C.UTF-8").env("USER", "ops").current_dir(self.path("")).stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Runs all that the recipe types, and gives what that printed.
    fn cook(&self, recipe: &Recipe) -> String {
        assert!(!recipe.commands.is_empty(), "{}", recipe.title);
        let mut printed = String::new();
        for command in &recipe.commands {
            let ran = self.run("sh", command);
            assert_eq!(ran.code, 0, "{}: {command}: {ran:?}", recipe.title);
            printed += &ran.stdout;
        }
        printed
    }
}

fn tokens(origin: &str) -> Value {
    json!({"access_token": TOKEN, "api_domain": origin, "expires_in": 3600, "token_type": "Bearer"})
}

/// The CRM's answer to whoever brings the token in the right header.
fn answer(asked: &Asked) -> (u16, String) {
    if asked.header("authorization") != Some(&format!("Zoho-oauthtoken {TOKEN}")) {
        return (401, json!({"code": "INVALID_TOKEN", "status": "error"}).to_string());
    }
    match asked.path.as_str() {
        "/crm/v8/org" => (200, json!({"org": [{"company_name": COMPANY}]}).to_string()),
        _ => (404, json!({"code": "INVALID_URL_PATTERN", "status": "error"}).to_string()),
    }
}

fn says_the_company(recipe: &Recipe, kitchen: &Kitchen) {
    let said = kitchen.cook(recipe);
    assert!(said.contains(COMPANY), "{said}");
}

/// The address is Zoho's own, which curl finds on this machine.
fn asks_the_crm_over_tls(recipe: &Recipe, kitchen: &Kitchen) {
    let authority = tls::Authority::new("Zoho of the test");
    let port = authority.answer("www.zohoapis.com", answer_text).port().expect("a port");
    let connect = format!("connect-to = \"www.zohoapis.com:443:127.0.0.1:{port}\"\n");
    kitchen.home.write(".curlrc", &format!("{connect}cacert = \"{}\"\n", authority.file().display()));
    says_the_company(recipe, kitchen);
}

/// An HTTP answer to the text of a request.
fn answer_text(asked: &Asked) -> String {
    let (status, body) = answer(asked);
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Where `-n` is there, as in Debian, `crontab` reads the file without installing it. The line is run as cron would.
fn cron(recipe: &Recipe, kitchen: &Kitchen) {
    assert_eq!(recipe.commands, ["crontab crontab"]);
    let checked = kitchen.run("sh", "crontab -n crontab");
    assert_eq!(checked.code, 0, "{checked:?}");
    let line = recipe.file("crontab").lines().last().expect("a line");
    let command: Vec<&str> = line.splitn(6, ' ').collect();
    let ran = kitchen.run("/bin/sh", command[5]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{ran:?}");
    let kept = fs::read_to_string(kitchen.path("org.json")).expect("it was written");
    assert!(kept.contains(COMPANY), "{kept}");
}

fn systemd(recipe: &Recipe, kitchen: &Kitchen) {
    // The program is where the tests have it.
    let unit = recipe.file("crm-org.service").replace("/usr/bin/device-login", env!("CARGO_BIN_EXE_device-login"));
    kitchen.home.write("crm-org.service", &unit);
    let units = [kitchen.path("crm-org.service"), kitchen.path("crm-org.timer")];
    let verified = kitchen.run_as(&mut Command::new("systemd-analyze"), &["verify", &units[0], &units[1]]);
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""), "{verified:?}");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    fs::create_dir(kitchen.path("crm-org")).expect("it can be made");
    let ran = kitchen.run("sh", &line.replace("/var/lib/", &kitchen.path("")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(fs::read_to_string(kitchen.path("crm-org/org.json")).expect("it was written").contains(COMPANY));
}

fn prometheus(recipe: &Recipe, kitchen: &Kitchen) {
    kitchen.cook(recipe);
    let metrics = fs::read_to_string(kitchen.path("device-login.prom")).expect("it was written");
    let checked = kitchen.run("sh", "promtool check metrics < device-login.prom");
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}\n{metrics}");
    kitchen.home.write("broken.toml", "no configuration");
    let failed =
        kitchen.run("sh", "DEVICE_LOGIN_CONFIG=broken.toml device-login status --prometheus --output broken.prom");
    let of_failed = fs::read_to_string(kitchen.path("broken.prom")).expect("it was written");
    assert!(failed.code != 0 && of_failed.contains("\ndevice_login_status_success 0\n"), "{failed:?}\n{of_failed}");
    // The rules find in these metrics what they look for.
    let well = r#"device_login_profile_state{profile="work",state="valid"} 1"#;
    assert!(metrics.contains(well), "{metrics}");
    let series = |state: &str| format!("device_login_profile_state{{profile=\"lobby\",state=\"{state}\"}}");
    let test = json!({
        "rule_files": ["device-login.rules.yml"],
        "tests": [{
            "interval": "1m",
            "input_series": [
                {"series": series("signed_out"), "values": "1x60"},
                {"series": series("valid"), "values": "0x60"},
                {"series": r#"device_login_last_refresh_success{profile="lobby"}"#, "values": "1x60"},
                {"series": "device_login_status_success", "values": "0x60"},
            ],
            "alert_rule_test": [
                {"eval_time": "20m", "alertname": "DeviceLoginNeedsSomebody", "exp_alerts": [{
                    "exp_labels": {"profile": "lobby", "state": "signed_out"},
                    "exp_annotations": {"summary": "lobby on : signed_out; run `device-login login lobby`"},
                }]},
                {"eval_time": "50m", "alertname": "DeviceLoginRefreshFails", "exp_alerts": []},
                {"eval_time": "20m", "alertname": "DeviceLoginStatusFails", "exp_alerts": [{
                    "exp_labels": {},
                    "exp_annotations": {
                        "summary": ": the configuration or a record cannot be read; run `device-login doctor`",
                    },
                }]},
            ],
        }],
    });
    kitchen.home.write("test.yml", &test.to_string());
    let tested = kitchen.run("sh", "promtool test rules test.yml");
    assert_eq!(tested.code, 0, "{tested:?}");
}

fn nagios(recipe: &Recipe, kitchen: &Kitchen) {
    let said = kitchen.cook(recipe);
    assert!(said.starts_with("DEVICE-LOGIN OK - 1 valid"), "{said}");
    let defaults = "define contact {\n contact_name ops\n service_notification_commands check_device_login\n \
        host_notification_commands check_device_login\n service_notification_period always\n \
        host_notification_period always\n host_notification_options n\n service_notification_options n\n}\n\
        define timeperiod {\n timeperiod_name always\n alias always\n}\n\
        define host {\n host_name localhost\n address 127.0.0.1\n max_check_attempts 1\n contacts ops\n}\n\
        define service {\n name generic-service\n register 0\n max_check_attempts 1\n check_interval 5\n \
        retry_interval 1\n check_period always\n notification_period always\n contacts ops\n}\n";
    kitchen.home.write("defaults.cfg", defaults);
    let place = kitchen.path("");
    // It stays the user who owns these files.
    let [user, group] = ["id -un", "id -gn"].map(|asked| kitchen.run("sh", asked).stdout.trim().to_owned());
    let main = format!(
        "log_file={place}log\nobject_cache_file={place}cache\nstatus_file={place}status\ncfg_file={place}defaults.cfg\n\
         cfg_file={place}device-login.cfg\ncheck_result_path={place}\nlock_file={place}lock\ntemp_file={place}temporary\n\
         command_file={place}commands\nstate_retention_file={place}retention\n\
         nagios_user={user}\nnagios_group={group}\n"
    );
    kitchen.home.write("nagios.cfg", &main);
    let verified = kitchen.run("sh", "nagios4 -v nagios.cfg");
    assert_eq!(verified.code, 0, "{verified:?}");
    let sudoers = kitchen.run("sh", "visudo -cf device-login.sudoers");
    assert_eq!(sudoers.code, 0, "{sudoers:?}");
}

fn kubectl(recipe: &Recipe, kitchen: &Kitchen) {
    let authority = tls::Authority::new("Kubernetes of the test");
    let server = authority.answer("kubernetes.example.com", |asked| {
        let is_welcome = asked.header("authorization") == Some(&format!("Bearer {TOKEN}"));
        let body = json!({"major": "1", "is_welcome": is_welcome}).to_string();
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    });
    // The name is known on this machine to nobody, and the authority to the test alone.
    let address = format!("https://127.0.0.1:{}", server.port().expect("a port"));
    let authority = format!(
        " --server {address} --tls-server-name kubernetes.example.com --certificate-authority {}",
        authority.file().display()
    );
    for command in &recipe.commands {
        let ran = kitchen.run("sh", &(command.to_owned() + &authority));
        assert!(ran.code == 0 && ran.stdout.contains("\"is_welcome\":true"), "{ran:?}");
    }
}

fn postman(recipe: &Recipe, kitchen: &Kitchen) {
    kitchen.cook(recipe);
    let path = kitchen.home.path("work.postman_environment.json");
    let written: Value = serde_json::from_slice(&fs::read(&path).expect("it was written")).expect("JSON");
    let domain = kitchen.authority.origin();
    let values = json!([{"key": "token", "value": TOKEN, "type": "secret"}, {"key": "api_domain", "value": domain}]);
    assert_eq!(written, json!({"name": "work", "values": values}));
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
}

/// No Power Query here: its brackets are paired, and every name but the functions is one that it defines.
fn power_bi(recipe: &Recipe, _: &Kitchen) {
    let query = recipe.file("users.pq");
    for (open, close) in [('(', ')'), ('[', ']')] {
        assert_eq!(query.matches(open).count(), query.matches(close).count(), "{open}{close}");
    }
    let body = query.strip_prefix("let\n").expect("a query");
    let (definitions, result) = body.split_once("\nin\n").expect("a result");
    for name in ["Token", "Answer"] {
        assert!(definitions.contains(&format!("    {name} = ")), "{name}");
    }
    assert!(result.contains("Answer["), "{result}");
}

fn git(recipe: &Recipe, kitchen: &Kitchen) {
    let said = kitchen.cook(recipe);
    assert!(said.contains(&format!("username=x-access-token\npassword={TOKEN}\n")), "{said}");
}

/// The line is on the screen of a real tmux.
fn tmux(recipe: &Recipe, kitchen: &Kitchen) {
    assert!(recipe.commands.is_empty() && recipe.file("tmux.conf").contains("#("));
    let shell = format!(
        "PATH={}:$PATH DEVICE_LOGIN_HOME={place} tmux -S {place}socket -f {place}tmux.conf new cat",
        kitchen.path("bin"),
        place = kitchen.path("")
    );
    let terminal = Terminal::start_shell(&shell, 120, 10);
    terminal.wait_for("DEVICE-LOGIN OK - 1 valid");
    let ended = kitchen.run("sh", "tmux -S socket kill-server");
    assert_eq!(ended.code, 0, "{ended:?}");
    terminal.wait_for_end();
}

fn starship(recipe: &Recipe, kitchen: &Kitchen) {
    let written: toml_edit::DocumentMut = recipe.file("starship.toml").parse().expect("TOML");
    let custom = &written["custom"]["device_login"];
    // What starship would hand to a shell.
    let text = |key: &str| custom[key].as_str().expect("a text");
    let well = kitchen.run("sh", text("when"));
    assert_ne!(well.code, 0, "nothing is shown while all is well: {well:?}");
    assert_eq!(kitchen.home.run(&["logout", "work", "--local"]).code, 0);
    let signed_out = kitchen.run("sh", text("when"));
    assert_eq!(signed_out.code, 0, "{signed_out:?}");
    let shown = kitchen.run("sh", text("command"));
    assert!(shown.stdout.starts_with("DEVICE-LOGIN CRITICAL"), "{shown:?}");
}

fn hook(recipe: &Recipe, kitchen: &Kitchen) {
    let git = |line: &str| kitchen.run("sh", &format!("git -c user.name=ops -c user.email=ops@example.com {line}"));
    assert_eq!(git("init --quiet .").code, 0);
    kitchen.cook(recipe);
    kitchen.home.write("notes", "nothing that is secret\n");
    let clean = git("add notes && git -c user.name=ops -c user.email=o@example.com commit --quiet -m clean");
    assert_eq!(clean.code, 0, "{clean:?}");
    for token in [TOKEN.to_owned(), format!("gho_{}", "a1".repeat(18)), format!("glpat-{}", "x".repeat(20))] {
        kitchen.home.write("notes", &format!("token = {token}\n"));
        let leaked = git("commit --quiet --all -m leaked");
        assert!(
            leaked.code != 0 && leaked.stderr.starts_with("notes\n") && leaked.stderr.contains("have tokens"),
            "{leaked:?}"
        );
        assert!(!format!("{leaked:?}").contains(&token), "{leaked:?}");
    }
}
