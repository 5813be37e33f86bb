//! The life of grants: how many there are, how they are given back, and what becomes of those that could not be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use device_login::clock;
use device_login::config::Config;
use device_login::error::{Code, Error};
use device_login::http::client::Client;
use device_login::secret::Secret;
use device_login::service::{ConfigurationChange, Import, ProfileDraft, Service, SignIn, SignedIn};
use device_login::storage::backend::watched::Watched;
use device_login::storage::{Held, KeyOptions, LastRefresh, Store, StoreAddress, StoreError, backend, open, open_over};
use serde_json::json;

use crate::support::authority::{Asked, Authority};
use crate::support::program::{self, Home, Ran, key_options};

/// Zoho's dialect at two data centers: profiles `a` and `b` of one client, `c` of another.
fn configuration(us: &str, eu: &str) -> String {
    let profile = |name, client| {
        format!(
            "[profiles.{name}]\nprovider = \"lab\"\nclient_id = \"{client}\"\nscopes = [\"AaaServer.profile.READ\"]\n"
        )
    };
    let data_center = |code, origin| {
        format!("[providers.lab.data_centers.{code}]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n")
    };
    let profiles = [profile("a", "1000.ONE"), profile("b", "1000.ONE"), profile("c", "1000.TWO")].concat();
    format!("{profiles}[providers.lab]\nkind = \"zoho\"\n{}{}", data_center("us", us), data_center("eu", eu))
}

struct Lab {
    home: Home,
    us: Authority,
    eu: Authority,
    /// Whoever approves from now on.
    person: Arc<AtomicUsize>,
    /// The status with which the data centers answer revocations.
    revocation: [Arc<AtomicUsize>; 2],
    runtime: tokio::runtime::Runtime,
}

impl Lab {
    fn new() -> Self {
        let person = Arc::new(AtomicUsize::new(7));
        let revocation = [200, 200].map(|status| Arc::new(AtomicUsize::new(status)));
        let start = |status: &Arc<AtomicUsize>| {
            let (person, status, minted) = (Arc::clone(&person), Arc::clone(status), AtomicUsize::new(0));
            Authority::start(move |asked| answer(asked, &person, &status, &minted))
        };
        let (us, eu) = (start(&revocation[0]), start(&revocation[1]));
        let home = Home::new();
        home.configure(&configuration(&us.origin(), &eu.origin()));
        let runtime = crate::support::runtime();
        Self { home, us, eu, person, revocation, runtime }
    }

    fn service(&self) -> Service {
        self.service_with(self.home.store())
    }

    fn service_with(&self, store: Store) -> Service {
        let config = Config::load(&self.home.path("config.toml")).expect("it is sound");
        Service::new(config, store, Client::new(None), Box::new(|_| None))
    }

    /// Signs in with a code from the console over whatever is there.
    fn sign_in(&self, profile: &str) -> SignedIn {
        let service = self.service();
        let profile = service.config.profile(Some(&profile.parse().expect("a name"))).expect("it is configured");
        let signing_in = service.sign_in_with_code(profile, Secret::new("code"), SignIn::default());
        self.runtime.block_on(signing_in).expect("everybody is friendly")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.home.run(arguments)
    }

    /// How the data centers answer revocations from now on: `us`, `eu`.
    fn revocations_are(&self, statuses: [usize; 2]) {
        for (revocation, status) in self.revocation.iter().zip(statuses) {
            revocation.store(status, Ordering::SeqCst);
        }
    }

    /// The tokens that the data centers were asked to revoke at the first of their addresses, in order.
    fn revoked(&self) -> Vec<String> {
        let asked = self.us.log().into_iter().filter(|asked| asked.path == "/oauth/v2/revoke/token");
        let token = |body: &str| body.split('&').find_map(|pair| pair.strip_prefix("token=").map(str::to_owned));
        asked.filter_map(|asked| token(&asked.body)).collect()
    }

    fn refresh_token(&self, profile: &str) -> String {
        let record =
            self.home.store().load(&profile.parse().expect("a name")).expect("it opens").expect("there is one");
        record.grant.and_then(|grant| grant.refresh_token).expect("it is signed in").expose().to_owned()
    }

    fn has_note(&self, profile: &str) -> bool {
        let record = self.home.store().load(&profile.parse().expect("a name")).expect("it opens");
        record.is_some_and(|record| !record.to_revoke.is_empty())
    }
}

fn answer(asked: &Asked, person: &AtomicUsize, status: &AtomicUsize, minted: &AtomicUsize) -> (u16, String) {
    let number = minted.fetch_add(1, Ordering::SeqCst);
    match asked.path.as_str() {
        "/oauth/v2/token" => {
            let tokens = json!({"access_token": format!("access-{number}"), "refresh_token": format!("refresh-{number}"), "expires_in": 3600});
            (200, tokens.to_string())
        }
        "/oauth/user/info" => (200, json!({"ZUID": person.load(Ordering::SeqCst)}).to_string()),
        "/oauth/v2/revoke/token" | "/oauth/v2/token/revoke" => match status.load(Ordering::SeqCst) {
            200 => (200, json!({"status": "success"}).to_string()),
            400 => (400, json!({"error": "invalid_code"}).to_string()),
            other => (u16::try_from(other).expect("a status"), "in trouble".to_owned()),
        },
        _ => (400, json!({"error": "invalid_scope"}).to_string()),
    }
}

#[test]
fn the_15th_to_the_21st_sign_in_warn_and_the_14th_does_not() {
    let lab = Lab::new();
    // Nobody revokes what a sign-in takes the place of.
    lab.revocations_are([404, 404]);
    for number in 1..=22 {
        let warnings = lab.sign_in("a").warnings;
        assert_eq!(warnings.len(), usize::from(number >= 15), "sign-in {number}: {warnings:?}");
        if let Some(warning) = warnings.first() {
            let counted = format!("{} unrevoked grants of account 7 for client 1000.ONE", (number - 1).min(20));
            assert!(warning.starts_with(&counted), "sign-in {number}: {warning}");
            assert!(warning.contains("other machines are not seen"), "{warning}");
            assert!(warning.contains("a logout before the next sign-in"), "{warning}");
        }
    }
}

#[test]
fn a_profile_that_changes_while_it_is_approved_gets_no_grant_and_none_is_left_behind() {
    for change in [
        &["profile", "rename", "a", "z"][..],
        &["profile", "remove", "a"],
        &["profile", "edit", "a", "--client-id", "1000.NEW"],
    ] {
        let lab = Lab::new();
        // As it was when the sign-in began.
        let service = lab.service();
        assert_eq!(lab.run(change).code, 0, "{change:?}");
        let profile = service.config.profile(Some(&"a".parse().expect("a name"))).expect("it was configured");
        let signing_in = service.sign_in_with_code(profile, Secret::new("code"), SignIn::default());
        let error = lab.runtime.block_on(signing_in).expect_err("it is another profile now");
        assert!(error.to_string().contains("renamed, removed or given another client"), "{error}");
        assert!(error.to_string().contains("the grant was revoked"), "{error}");
        let record = lab.home.store().load(&profile.name).expect("it opens");
        assert!(record.is_none_or(|record| record.grant.is_none()), "{change:?}");
    }
}

#[test]
fn grants_count_over_profiles_and_apart_by_client_and_account() {
    let lab = Lab::new();
    lab.revocations_are([404, 404]);
    for number in 0..14 {
        lab.sign_in(if number % 2 == 0 { "a" } else { "b" });
    }
    lab.person.store(8, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(lab.sign_in("c").warnings, [""; 0]);
    }
    assert_eq!(lab.sign_in("b").warnings.len(), 1);
    // The grant before was of another person: that one still has 14.
    let warnings = lab.sign_in("b").warnings;
    assert!(warnings[0].starts_with("14 unrevoked grants of account 7"), "{warnings:?}");
}

#[test]
fn before_a_sign_in_the_records_of_its_client_are_opened_and_no_others() {
    let lab = Lab::new();
    for profile in ["a", "b", "c"] {
        lab.sign_in(profile);
    }
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let count = move |call| {
        counted.fetch_add(usize::from(call == "read"), Ordering::SeqCst);
        Ok(())
    };
    let address = StoreAddress::File(lab.home.path("state"));
    let watched = Watched::new(backend(&address, None), Arc::new(count));
    let service = lab.service_with(open_over(Arc::new(watched), &address, key_options(&lab.home)));
    for (profile, of_its_client) in [("a", 2), ("c", 1)] {
        let profile = service.config.profile(Some(&profile.parse().expect("a name"))).expect("it is configured");
        opened.store(0, Ordering::SeqCst);
        assert_eq!(service.sign_in_warnings(profile), [""; 0]);
        assert_eq!(opened.load(Ordering::SeqCst), of_its_client, "{}", profile.name);
    }
}

#[test]
fn revoking_counts_down_and_forgetting_does_not() {
    let lab = Lab::new();
    lab.revocations_are([404, 404]);
    for _ in 0..14 {
        lab.sign_in("a");
    }
    lab.revocations_are([200, 200]);
    let warned = |ran: &Ran| ran.stdout.contains("warning: 14 unrevoked grants");
    let status = lab.run(&["status"]);
    assert!(status.code == 0 && warned(&status), "{status:?}");
    assert_eq!(lab.run(&["status", "--json"]).json()["profiles"][0]["warnings"].as_array().map(Vec::len), Some(1));
    assert!(lab.run(&["profile", "show", "a"]).stdout.contains("14 unrevoked grants"));
    let login = lab.run(&["login", "--plain", "a"]);
    assert!(login.stderr.starts_with("warning: 14 unrevoked grants"), "{login:?}");
    assert_eq!(lab.run(&["logout", "--local", "a"]).code, 0);
    let status = lab.run(&["status"]);
    assert!(warned(&status) && status.stdout.contains("removed by hand at Zoho"), "{status:?}");
    assert!(lab.sign_in("a").warnings.len() == 1 && lab.sign_in("b").warnings.len() == 1);
    for _ in 0..2 {
        assert_eq!(lab.run(&["logout", "a"]).code + lab.run(&["logout", "b"]).code, 0);
    }
    assert_eq!(lab.sign_in("a").warnings.len(), 1, "14 are left");
    assert!(!lab.run(&["status", "c"]).stdout.contains("warning"));
}

#[test]
fn a_grant_that_cannot_be_revoked_now_is_noted_and_tried_again() {
    let lab = Lab::new();
    lab.sign_in("a");
    lab.revocations_are([503, 503]);
    let logout = lab.run(&["logout", "a"]);
    assert_eq!(logout.code, 7, "{logout:?}");
    assert!(logout.stdout.starts_with("Signed out: ") && !logout.stdout.contains("Revoked"), "{logout:?}");
    assert!(
        logout.stderr.contains("run `device-login logout a` to try again; or remove the access by hand"),
        "{logout:?}"
    );
    assert!(lab.has_note("a"));
    lab.run(&["token", "a"]).failed(4, &[]);
    let status = lab.run(&["status", "a"]);
    assert!(status.stdout.contains("signed out") && status.stdout.contains("is yet to be revoked"), "{status:?}");
    lab.run(&["profile", "remove", "a"]).failed(2, &["is not revoked yet", "device-login logout a", "--force"]);
    assert_eq!(lab.run(&["logout", "a"]).code, 7);
    lab.revocations_are([200, 200]);
    let asked = lab.us.count("/oauth/v2/revoke/token");
    let again = lab.run(&["logout", "a"]);
    assert!(again.code == 0 && again.stdout.starts_with("Revoked: ") && again.stdout.lines().count() == 1, "{again:?}");
    assert_eq!(lab.us.count("/oauth/v2/revoke/token"), asked + 1);
    assert!(!lab.has_note("a"));
    lab.run(&["logout", "a"]).worked("Profile a was not signed in.\n");
    assert_eq!(lab.run(&["profile", "remove", "a"]).code, 0);
}

#[test]
fn what_a_sign_out_forgets_is_told_in_one_step_and_in_two() {
    for steps in [&[400][..], &[503, 400]] {
        let lab = Lab::new();
        lab.sign_in("a");
        let mut last = None;
        for status in steps {
            lab.revocations_are([*status, *status]);
            last = Some(lab.run(&["logout", "a"]));
        }
        let last = last.expect("there is a step");
        assert_eq!(last.code, 0, "{steps:?}: {last:?}");
        assert_eq!(
            last.stdout, "Forgotten: the tokens of profile a are gone from this machine.\n",
            "{steps:?}: {last:?}"
        );
        assert!(last.stderr.contains("warning: ") && !lab.has_note("a"), "{steps:?}: {last:?}");
    }
}

#[test]
fn the_next_sign_in_revokes_quietly_what_is_noted() {
    let lab = Lab::new();
    lab.sign_in("a");
    let first = lab.refresh_token("a");
    lab.revocations_are([503, 503]);
    assert_eq!(lab.run(&["logout", "a"]).code, 7);
    lab.sign_in("a");
    assert!(lab.has_note("a"), "a sign-in does not fail by it");
    let second = lab.refresh_token("a");
    lab.revocations_are([200, 200]);
    lab.sign_in("a");
    assert!(!lab.has_note("a"));
    // The first before the sign-in, the second once it had another.
    let revoked = lab.revoked();
    assert!(revoked.ends_with(&[first, second]), "{revoked:?}");
}

#[test]
fn a_sign_out_here_only_asks_nobody_and_leaves_no_note() {
    let lab = Lab::new();
    lab.sign_in("a");
    lab.revocations_are([503, 503]);
    assert_eq!(lab.run(&["logout", "a"]).code, 7);
    let asked = lab.us.log().len();
    let local = lab.run(&["logout", "--local", "a"]);
    assert!(local.code == 0 && local.stderr.contains("stays valid at the provider"), "{local:?}");
    assert_eq!(lab.us.log().len(), asked);
    assert!(!lab.has_note("a"));
    assert_eq!(lab.run(&["profile", "remove", "a"]).code, 0);
}

/// How a grant had ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    WithAnother,
    Refused,
    /// It had an access token alone.
    Expired,
}

/// What has ended is neither called valid nor asked to be revoked, unless the provider alone says that it has.
#[test]
fn a_sign_out_of_a_grant_that_had_ended_says_so() {
    let by_logout = "The grant had ended already: the logout of profile `b` ended this sign-in as well.";
    let refused = "The grant had ended already: the access token of profile `a` could not be refreshed: it is over.";
    let expired = "The grant had ended already: its access token had ended, and it had no refresh token.";
    for (over, arguments, revocation, code, asks, told) in [
        (Over::WithAnother, &["logout", "a"][..], 200, 0, false, by_logout),
        (Over::WithAnother, &["logout", "a"], 400, 0, false, by_logout),
        (Over::WithAnother, &["logout", "a"], 503, 0, false, by_logout),
        (Over::WithAnother, &["logout", "a", "--local"], 200, 0, false, by_logout),
        (Over::WithAnother, &["profile", "remove", "a"], 200, 0, false, "Removed profile a."),
        (Over::Refused, &["logout", "a"], 200, 0, true, "Revoked: "),
        (Over::Refused, &["logout", "a"], 400, 0, true, refused),
        (Over::Refused, &["logout", "a"], 404, 0, true, refused),
        (Over::Refused, &["logout", "a"], 503, 7, true, "the next logout or login of the profile tries again"),
        (Over::Refused, &["logout", "a", "--local"], 200, 0, false, refused),
        (
            Over::Refused,
            &["profile", "remove", "a"],
            200,
            2,
            false,
            "a sign-in that is over, and what may be left of it is not revoked",
        ),
        (
            Over::Refused,
            &["profile", "remove", "a", "--force"],
            200,
            0,
            false,
            "Its sign-in was over already, and nothing was revoked.",
        ),
        (Over::WithAnother, &["profile", "remove", "a", "--force"], 200, 0, false, "Removed profile a."),
        (Over::Expired, &["logout", "a"], 200, 0, true, "Revoked: "),
        (Over::Expired, &["logout", "a"], 400, 0, true, expired),
        (Over::Expired, &["logout", "a", "--local"], 200, 0, false, expired),
        (Over::Expired, &["profile", "remove", "a"], 200, 0, false, "Removed profile a."),
        (Over::Expired, &["profile", "remove", "a", "--force"], 200, 0, false, "Removed profile a."),
    ] {
        let lab = Lab::new();
        lab.sign_in("a");
        lab.sign_in("b");
        let shared = lab.refresh_token("b");
        let end = |held: &mut Held| {
            let mut record = held.load()?.expect("it is signed in");
            let grant = record.grant.as_mut().expect("it is signed in");
            if over == Over::Expired {
                (grant.refresh_token, grant.access_token_expires_at) = (None, Some(grant.approved_at));
            } else if over == Over::Refused {
                let error = Error::new(Code::SignInNeeded, "the access token of profile `a` could not be refreshed");
                let error = error.because("it is over");
                grant.refused = Some(error.to_string());
                let last = LastRefresh::new(clock::wall(), Some(error.to_string()));
                grant.last_refresh = Some(LastRefresh { failure: Some(error), ..last });
            } else {
                grant.refresh_token = Some(Secret::new(shared));
            }
            held.commit(&mut record)
        };
        lab.home.store().holding(&"a".parse().expect("a name"), Duration::from_secs(30), end).expect("it is kept");
        let logout = lab.run(&["logout", "b"]);
        assert_eq!(
            logout.stdout.contains("Ended with it: the sign-in of profile a."),
            over == Over::WithAnother,
            "{logout:?}"
        );
        lab.revocations_are([revocation, revocation]);
        let asked = lab.us.log().len();
        let ran = lab.run(arguments);
        let case = format!("{over:?} {arguments:?} {revocation}: {ran:?}");
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code == code && all.contains(told), "{case}");
        assert!(!all.contains("warning: ") && !all.contains("stays valid"), "{case}");
        assert_eq!((lab.us.log().len() > asked, lab.has_note("a")), (asks, code == 7), "{case}");
    }
}

/// As it stays where the first one is killed before it is done.
#[test]
fn a_sign_out_that_is_repeated_leaves_no_earlier_record() {
    for arguments in [&["logout", "a"][..], &["logout", "a", "--local"]] {
        let lab = Lab::new();
        lab.sign_in("a");
        let [record, previous] = ["a.record", "a.record.prev"].map(|name| lab.home.path("state").join(name));
        let signed_in = lab.home.path("signed-in");
        std::fs::hard_link(&record, &signed_in).expect("it is signed in");
        for _ in 0..2 {
            assert_eq!(lab.run(arguments).code, 0);
            assert!(!previous.exists());
            std::fs::hard_link(&signed_in, &previous).expect("it is not there");
        }
    }
}

#[test]
fn a_sign_out_goes_by_the_earlier_record_where_the_last_one_cannot_be_opened() {
    let lab = Lab::new();
    let [record, previous] = ["a.record", "a.record.prev"].map(|name| lab.home.path("state").join(name));
    let damages: [fn(&std::path::Path); 2] = [
        |record| {
            device_login::files::replace(record, &[0; 300]).expect("it is there");
        },
        |record| std::fs::remove_file(record).expect("it is there"),
    ];
    for damage in damages {
        lab.sign_in("a");
        lab.revocations_are([503, 503]);
        assert_eq!(lab.run(&["logout", "a"]).code, 7);
        std::fs::copy(&record, &previous).expect("it is there");
        damage(&record);
        lab.revocations_are([200, 200]);
        lab.run(&["logout", "a"]).worked("Revoked: Zoho no longer accepts the tokens of profile a.\n");
        assert!(!lab.has_note("a") && !previous.exists());
    }
}

#[test]
fn a_token_that_the_provider_does_not_know_is_noted_no_more() {
    let lab = Lab::new();
    lab.sign_in("a");
    lab.revocations_are([503, 503]);
    assert_eq!(lab.run(&["logout", "a"]).code, 7);
    lab.revocations_are([400, 400]);
    let refused = lab.run(&["logout", "a"]);
    assert!(refused.code == 0 && refused.stderr.contains("warning: the grant could not be revoked"), "{refused:?}");
    assert!(!lab.has_note("a"));
    lab.run(&["logout", "a"]).worked("Profile a was not signed in.\n");
}

#[test]
fn the_issuer_is_asked_to_revoke_and_then_the_clients_home() {
    let lab = Lab::new();
    let paths = |authority: &Authority| {
        let log = authority.log().into_iter().map(|asked| asked.path);
        log.filter(|path| path.contains("revoke")).collect::<Vec<_>>()
    };
    let forms = ["/oauth/v2/revoke/token", "/oauth/v2/token/revoke"];
    for (eu, asked_at_home) in [(200, false), (503, false), (400, true)] {
        let service = lab.service();
        let profile = service.config.profile(Some(&"a".parse().expect("a name"))).expect("it is configured");
        let import = Import::into_profile(profile, Secret::new("theirs"));
        let import = Import { api_domain: Some(lab.eu.origin()), ..import };
        lab.runtime.block_on(service.import(import, SignIn::default())).expect("everybody is friendly");
        lab.revocations_are([200, eu]);
        let before = (paths(&lab.us).len(), paths(&lab.eu).len());
        let logout = lab.run(&["logout", "a"]);
        let expected = if eu == 200 { &forms[..1] } else { &forms[..] };
        assert_eq!(paths(&lab.eu)[before.1..], *expected, "{eu}");
        assert_eq!(paths(&lab.us)[before.0..], forms[..usize::from(asked_at_home)], "{eu}");
        assert_eq!(logout.code, if eu == 503 { 7 } else { 0 }, "{logout:?}");
        assert_eq!(lab.run(&["logout", "--local", "a"]).code, 0);
    }
}

#[test]
fn where_no_note_can_be_kept_revoking_is_tried_all_the_same() {
    let lab = Lab::new();
    lab.sign_in("a");
    // As on a full disk.
    let watcher = |call| if call == "hold" { Err(StoreError::KeyUnavailable("it is gone".to_owned())) } else { Ok(()) };
    let address = StoreAddress::File(lab.home.path("state"));
    let read_only = Watched::new(backend(&address, None), Arc::new(watcher));
    let service = lab.service_with(open_over(Arc::new(read_only), &address, key_options(&lab.home)));
    let profile = service.config.profile(Some(&"a".parse().expect("a name"))).expect("it is configured");
    let error = lab.runtime.block_on(service.sign_out(profile, false)).expect_err("the store cannot be written");
    assert_eq!(error.code, Code::Store);
    assert!(error.to_string().ends_with("the grant was revoked at the provider, but is still here"), "{error}");
    assert_eq!(lab.us.count("/oauth/v2/revoke/token"), 1);
}

#[test]
fn a_refused_token_that_was_just_given_out_is_told_as_a_possible_theft() {
    let refreshes = AtomicUsize::new(0);
    let authority = Authority::start(move |_| match refreshes.fetch_add(1, Ordering::SeqCst) {
        0 => (200, json!({"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 3600}).to_string()),
        _ => (400, json!({"error": "invalid_grant"}).to_string()),
    });
    let home = Home::signed_in(&authority);
    home.run(&["token", "--force"]).worked("access-2\n");
    home.run(&["token", "--force"]).failed(4, &["somebody else may have used it", "a copied store", "was stolen"]);
    let status = home.run(&["status"]);
    assert!(status.stdout.contains("somebody else may have used it"), "{status:?}");
}

/// A provider without a userinfo endpoint that says beside the tokens who approved.
fn claiming(claims: &'static str) -> (Authority, Home) {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let authority = Authority::start(move |asked| {
        if asked.path == "/revoke" {
            return (200, String::new());
        }
        let claims = claims.replace("ISSUER", &asked.origin());
        let id_token = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let tokens = json!({"access_token": "access", "refresh_token": "refresh", "id_token": id_token});
        (200, tokens.to_string())
    });
    let home = Home::new();
    let configuration = program::configuration(&authority.origin());
    let lines = configuration.lines().filter(|line| !line.contains("userinfo_endpoint"));
    home.configure(&lines.collect::<Vec<_>>().join("\n"));
    (authority, home)
}

#[test]
fn an_id_token_tells_who_approved_where_nobody_can_be_asked() {
    let sound = r#"{"iss":"ISSUER","aud":["client-1"],"exp":99999999999,"sub":"77","email":"dana@example.com","email_verified":true}"#;
    let unsaid = r#"{"iss":"ISSUER","aud":"client-1","exp":99999999999,"sub":"66","email":"dana@example.com"}"#;
    let foreign = r#"{"iss":"ISSUER","aud":"client-2","exp":99999999999,"sub":"77","email":"dana@example.com"}"#;
    let unverified = r#"{"iss":"ISSUER","aud":"client-1","exp":99999999999,"sub":"66","email":"dana@example.com","email_verified":false}"#;
    let runtime = crate::support::runtime();
    for (claims, expected, account, is_imported) in [
        (sound, None, Some("77"), false),
        (sound, Some("Dana@example.com"), Some("77"), false),
        (sound, Some("77"), Some("77"), false),
        (sound, Some("ops@example.com"), None, false),
        (sound, Some("ops@example.com"), None, true),
        (foreign, Some("dana@example.com"), None, false),
        (unverified, Some("dana@example.com"), None, false),
        (unsaid, Some("dana@example.com"), None, false),
        (unsaid, Some("66"), Some("66"), false),
        ("not JSON", Some("dana@example.com"), None, false),
    ] {
        let (authority, home) = claiming(claims);
        let config = Config::load(&home.path("config.toml")).expect("it is sound");
        let store = open(&StoreAddress::Memory, KeyOptions::default());
        let service = Service::new(config, store.clone(), Client::new(None), Box::new(|_| None));
        let profile = service.config.profile(None).expect("there is one");
        let options = SignIn { expect_account: expected.map(str::to_owned), ..SignIn::default() };
        let result = if is_imported {
            runtime
                .block_on(service.import(Import::into_profile(profile, Secret::new("theirs")), options))
                .map(|(_, signed_in)| signed_in)
        } else {
            runtime.block_on(service.sign_in_with_code(profile, Secret::new("code"), options))
        };
        let saved = store.load(&profile.name).expect("it opens").and_then(|record| record.grant);
        let id = |signed_in: device_login::service::SignedIn| signed_in.account.map(|account| account.id);
        if let Some(account) = account {
            assert_eq!(result.map(id), Ok(Some(account.to_owned())), "{claims} {expected:?}");
            assert!(saved.is_some_and(|grant| grant.account.is_some_and(|saved| saved.id == account)));
            assert_eq!(authority.count("/revoke"), 0);
        } else {
            let error = result.expect_err("somebody else approved");
            assert_eq!((error.code, error.code.exit_code()), (Code::WrongAccount, 1), "{claims} {expected:?}");
            assert_eq!((saved, authority.count("/revoke")), (None, usize::from(!is_imported)), "{claims}");
        }
    }
}

#[test]
fn a_sign_in_over_another_revokes_that_one_where_no_other_ends_with_it() {
    let lab = Lab::new();
    assert_eq!(lab.sign_in("a").replaced, None);
    let first = lab.refresh_token("a");
    // The same person: there is nothing left to tell.
    assert_eq!((lab.sign_in("a").replaced, lab.revoked()), (None, vec![first.clone()]));
    let second = lab.refresh_token("a");
    lab.person.store(8, Ordering::SeqCst);
    let told = lab.sign_in("a").replaced.expect("somebody else was signed in");
    assert_eq!(told, "The profile was signed in as 7 before; that grant was revoked.");
    assert_eq!(lab.revoked(), [first, second]);
    // A revocation that has to wait is told, and tried again.
    let third = lab.refresh_token("a");
    lab.revocations_are([503, 503]);
    let told = lab.sign_in("a").replaced.expect("it could not be revoked");
    assert!(told.contains("could not be revoked yet") && lab.has_note("a"), "{told}");
    assert!(lab.run(&["status", "a"]).stdout.contains("The next login or logout"));
    lab.revocations_are([200, 200]);
    let logout = lab.run(&["logout", "a"]);
    assert!(logout.code == 0 && logout.stdout.starts_with("Revoked: ") && logout.stderr.is_empty(), "{logout:?}");
    assert!(lab.revoked().contains(&third) && !lab.has_note("a"));
}

#[test]
fn a_grant_that_others_may_live_on_is_told_and_counted_when_it_is_replaced_and_never_revoked() {
    let import = |lab: &Lab, profile: &str, token: &str| {
        let service = lab.service();
        let profile = service.config.profile(Some(&profile.parse().expect("a name"))).expect("it is configured");
        let importing = service.import(Import::into_profile(profile, Secret::new(token)), SignIn::default());
        lab.runtime.block_on(importing).expect("everybody is friendly").1
    };
    // Imported; and held by another profile.
    let imported = Lab::new();
    import(&imported, "a", "theirs");
    let shared = Lab::new();
    shared.sign_in("a");
    import(&shared, "b", &shared.refresh_token("a"));
    let held = shared.refresh_token("a");
    let store = shared.home.store();
    let mut locked = store.hold(&"b".parse().expect("a name"), Duration::from_secs(5)).expect("nobody else writes");
    let mut record = locked.load().expect("it opens").expect("there is one");
    record.grant.as_mut().expect("it is signed in").refresh_token = Some(Secret::new(held));
    locked.commit(&mut record).expect("it is kept");
    drop(locked);
    for lab in [imported, shared] {
        let told = lab.sign_in("a").replaced.expect("it lives on");
        assert_eq!(told, "The grant of the sign-in before stays valid at the provider until it is revoked there.");
        assert_eq!(lab.revoked(), [""; 0]);
        let logout = lab.run(&["logout", "a"]);
        assert_eq!((logout.code, lab.revoked().len()), (0, 1), "{logout:?}");
        assert!(
            logout.stderr.contains("warning: 1 grant of an earlier sign-in of profile a may still be valid"),
            "{logout:?}"
        );
    }
}

#[test]
fn the_answer_to_a_revocation_decides_what_is_said_and_kept() {
    // Status, body, exit code, kept, what is said.
    let by_hand = "remove the access by hand";
    for (status, body, code, is_kept, said) in [
        (200, "", 0, false, ""),
        (200, "{}", 0, false, ""),
        (404, "", 0, false, "warning: the grant could not be revoked"),
        (404, "<h1>Not Found</h1>", 0, false, "stays valid until it ends"),
        (405, "", 0, false, by_hand),
        (400, r#"{"error":"unsupported_token_type"}"#, 0, false, by_hand),
        (400, r#"{"error":"invalid_token"}"#, 0, false, by_hand),
        (401, r#"{"error":"invalid_client"}"#, 2, true, "--local"),
        (401, "", 2, true, "--local"),
        (403, r#"{"error":"unauthorized_client"}"#, 2, true, "--local"),
        (400, r#"{"error":"some_other"}"#, 1, true, "to try again"),
        (400, "", 7, true, "to try again"),
        (200, r#"{"status":"succ"#, 7, true, by_hand),
        (202, "", 7, true, by_hand),
        (206, r#"{"status":"success"}"#, 7, true, by_hand),
        (503, "", 7, true, "to try again"),
    ] {
        let authority = Authority::start(move |_| (status, body.to_owned()));
        let home = Home::signed_in(&authority);
        let ran = home.run(&["logout"]);
        assert_eq!(ran.code, code, "{status} {body} {ran:?}");
        assert!(ran.stderr.contains(said) && (said.is_empty() == ran.stderr.is_empty()), "{status} {body} {ran:?}");
        assert_eq!(ran.stdout.starts_with("Revoked: "), said.is_empty(), "{status} {body} {ran:?}");
        let remove = home.run(&["profile", "remove", "work"]);
        assert_eq!(remove.code, if is_kept { 2 } else { 0 }, "{status} {body} {remove:?}");
    }
}

/// The home's configuration, at a provider that revokes nothing.
fn without_revocation(home: &Home) -> String {
    let configuration = home.configuration();
    let lines = configuration.lines().filter(|line| !line.starts_with("revocation_endpoint"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn where_the_provider_revokes_nothing_the_grant_is_forgotten_with_a_warning() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::at(&authority);
    let configuration = without_revocation(&home);
    // A secret that is nowhere is not missed where nobody is asked.
    let without_secret = configuration.replacen("client_id", "client_secret_env = \"NOT_SET\"\nclient_id", 1);
    for configuration in [&configuration, &without_secret] {
        home.configure(configuration);
        home.sign_in(&authority, |_| {});
        let ran = home.run(&["logout"]);
        assert!(ran.code == 0 && ran.stdout.starts_with("Forgotten: "), "{ran:?}");
        assert!(ran.stdout.ends_with(" are gone from this machine.\n"), "{ran:?}");
        assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("offers no revocation"), "{ran:?}");
        // What is forgotten now is no earlier one.
        assert!(!ran.stderr.contains("of an earlier sign-in"), "{ran:?}");
    }
    assert_eq!((authority.log().len(), home.run(&["profile", "remove", "work"]).code), (0, 0));
}

#[test]
fn a_profile_whose_grant_lives_on_gets_another_client_or_goes_only_when_that_was_told() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::at(&authority);
    let configuration = without_revocation(&home);
    let runtime = crate::support::runtime();
    for is_removed in [false, true] {
        home.configure(&configuration);
        home.sign_in(&authority, |_| {});
        let config = Config::load(&home.path("config.toml")).expect("it is sound");
        let service = Service::new(config, home.store(), Client::new(None), Box::new(|_| None));
        let mut profile = service.config.profile(None).expect("it is configured").clone();
        let change = if is_removed {
            ConfigurationChange::Remove(profile.name)
        } else {
            profile.client_id = "client-2".to_owned();
            ConfigurationChange::Change(Box::new(ProfileDraft { profile, provider: None, secret: None }))
        };
        let told = runtime.block_on(service.change_configuration(change.clone())).expect_err("it is told first");
        let told = told.to_string();
        assert!(told.contains("offers no revocation") && told.contains("the profile stays, logged out here"), "{told}");
        assert_eq!((home.configuration(), home.record("work").grant), (configuration.clone(), None));
        runtime.block_on(service.change_configuration(change)).expect("it was told");
        assert_ne!(home.configuration(), configuration);
    }
}

#[test]
fn a_store_that_goes_away_hides_nothing_of_a_sign_out() {
    // So many commits work; then no record can be read.
    for (commits, revoked) in [(1, false), (2, true)] {
        let lab = Lab::new();
        lab.sign_in("a");
        let address = StoreAddress::File(lab.home.path("state"));
        let left = AtomicUsize::new(commits);
        let refuse = move |call| match call {
            "replace" => {
                left.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
            "read" if left.load(Ordering::SeqCst) == 0 => Err(StoreError::KeyUnavailable("it is gone".to_owned())),
            _ => Ok(()),
        };
        let watched = Watched::new(backend(&address, None), Arc::new(refuse));
        let service = lab.service_with(open_over(Arc::new(watched), &address, key_options(&lab.home)));
        let profile = service.config.profile(Some(&"a".parse().expect("a name"))).expect("it is configured");
        let signed_out = lab.runtime.block_on(service.sign_out(profile, false));
        assert_eq!((lab.revoked().len(), lab.has_note("a")), (usize::from(revoked), !revoked), "{signed_out:?}");
        match signed_out {
            Ok(out) => assert_eq!((out.revoked, revoked), (Some(Ok(())), true)),
            Err(error) => assert!(!revoked && error.to_string().contains("is signed out here"), "{error}"),
        }
    }
}
