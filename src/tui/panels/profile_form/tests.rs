//! What the form does, by the messages that it gets.

mod importing;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::abilities::{Abilities, ColorChoice, Glyphs, QrAbilities, QrPalette};
use crate::clock::Moment;
use crate::config::SecretSource;
use crate::error::Code;
use crate::registered::RedirectUri;
use crate::service::{ConfigurationChange, Machine, ProfileDraft, ProfileStatus, SignIn};
use crate::tui::message::Message;
use crate::tui::model::Model;
use crate::tui::panel::{FormFor, Go};
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::update::update;
use crate::tui::{Start, start};

const CONFIGURED: &str = r#"
[profiles.work]
provider = "zoho"
data_center = "eu"
client_id = "1000.ABC"
scopes = ["ZohoCRM.users.READ"]

[profiles.sso]
provider = "corp"
client_id = "cli"
client_secret_file = "/etc/secret"
scopes = ["openid"]

[providers.corp]
kind = "standard"
issuer = "https://id.example.com"

[providers.lab]
kind = "zoho"
[providers.lab.data_centers.us]
accounts_server = "http://127.0.0.1:9101"
api_domain = "http://127.0.0.1:9101"
"#;

fn now() -> Now {
    Now { moment: Moment::at(Duration::from_secs(1000)), time: "2026-03-14T14:03:00Z".parse().expect("a time") }
}

fn config(text: &str) -> Config {
    Config::parse(text, Path::new("/home/dana/config.toml")).expect("valid")
}

fn model(text: &str) -> Model {
    let qr = QrAbilities { half_blocks: true, palette: QrPalette::Indexed256 };
    let abilities = Abilities { color: ColorChoice::Always, glyphs: Glyphs::Unicode, locale_variable: "LANG", qr };
    let machine = Machine { user: "dana".to_owned(), host: "web-01".to_owned(), over_ssh_from: None };
    let mut model = Model::new(abilities, machine, config(text));
    start(&mut model, Start::Profiles(None), None, now());
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    keys.iter().flat_map(|key| update(model, Message::Key(*key), now())).collect()
}

fn type_text(model: &mut Model, text: &str) {
    text.chars().for_each(|character| drop(press(model, &[Key::Char(character)])));
}

/// Empties the line, types and goes on.
fn answer(model: &mut Model, text: &str) {
    press(model, &[Key::Ctrl('u')]);
    type_text(model, text);
    press(model, &[Key::Enter]);
}

fn form(model: &Model) -> &ProfileForm {
    model.find::<ProfileForm>().expect("the form is open")
}

fn saved(effects: &[Effect]) -> (TaskId, ConfigurationChange) {
    match effects {
        [Effect::ChangeConfiguration { task, change }] => (*task, change.clone()),
        other => panic!("{other:?}"),
    }
}

fn draft(change: ConfigurationChange) -> ProfileDraft {
    match change {
        ConfigurationChange::Add(draft) | ConfigurationChange::Change(draft) => *draft,
        other => panic!("{other:?}"),
    }
}

fn finish(model: &mut Model, task: TaskId, result: Result<Config, Error>) -> Vec<Effect> {
    update(model, Message::ConfigurationChanged { task, result: Box::new(result) }, now())
}

/// A form at its review, with a profile for Zoho in it.
fn at_review() -> Model {
    let mut model = model("");
    press(&mut model, &[Key::Enter]);
    answer(&mut model, "shop");
    press(&mut model, &[Key::Enter, Key::Down, Key::Enter, Key::Enter]);
    answer(&mut model, "1000.X");
    answer(&mut model, "sentinel-secret");
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).step, Step::Review);
    model
}

/// The form of `work`, which is signed in with the scope that it has.
fn editing_signed_in() -> Model {
    let mut model = model(CONFIGURED);
    let profile = model.around.config.profiles[&"work".parse().expect("a name")].clone();
    let granted = Some(profile.scopes.clone());
    let form = ProfileForm::of(&profile, granted, &model.around.config);
    model.open(form);
    model
}

#[test]
fn a_newcomer_gets_from_nothing_to_a_sign_in() {
    let mut model = at_review();
    let (task, change) = saved(&press(&mut model, &[Key::Enter]));
    let ProfileDraft { profile, provider, secret } = draft(change);
    assert_eq!((profile.name.as_str(), profile.provider.as_str()), ("shop", "zoho"));
    assert_eq!((profile.data_center.as_deref(), profile.client_id.as_str()), (Some("eu"), "1000.X"));
    assert_eq!((profile.client_type, provider), (ClientType::NonBrowser, None));
    assert_eq!(profile.scopes, ["AaaServer.profile.READ"]);
    assert_eq!(secret.expect("a secret").expose(), "sentinel-secret");
    assert_eq!(profile.client_secret, SecretSource::Store);
    // While it is being saved, keys do nothing.
    assert_eq!(press(&mut model, &[Key::Enter, Key::Esc]), []);

    let text = "[profiles.shop]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n";
    let effects = finish(&mut model, task, Ok(config(text)));
    assert_eq!(effects, [Effect::UseConfiguration(Box::new(config(text)))]);
    assert!(model.around.config.profiles.contains_key(&"shop".parse::<ProfileName>().expect("a name")));
    let effects = press(&mut model, &[Key::Enter]);
    assert!(matches!(&effects[..], [Effect::StartSignIn { profile, .. }] if profile.as_str() == "shop"), "{effects:?}");
    assert!(model.find::<ProfileForm>().is_none());
}

#[test]
fn what_cannot_be_saved_stays_in_the_form() {
    let mut model = at_review();
    let (task, _) = saved(&press(&mut model, &[Key::Enter]));
    let error = Error::new(Code::Store, "the store cannot be used").advise("mend it");
    assert_eq!(finish(&mut model, task, Err(error.clone())), []);
    assert_eq!(form(&model).failure, Some(error));
    let (again, change) = saved(&press(&mut model, &[Key::Enter]));
    assert_ne!(again, task);
    assert!(draft(change).secret.is_some());
    assert_eq!(form(&model).failure, None);
    // An answer that nobody waits for changes nothing but the configuration.
    assert_eq!(finish(&mut model, task, Err(Error::new(Code::Other, "late"))), []);
    assert_eq!(form(&model).failure, None);
}

#[test]
fn who_leaves_out_a_secret_that_is_needed_hears_so_before_it_is_saved() {
    const LACK: &str = "Zoho gives no token to a client without";
    let shown = |model: &Model| {
        let page = super::view::words_of(&model.around, form(model));
        (page.contains(LACK), page)
    };
    let mut adding = model("");
    press(&mut adding, &[Key::Enter]);
    answer(&mut adding, "shop");
    press(&mut adding, &[Key::Enter, Key::Enter, Key::Enter]);
    answer(&mut adding, "1000.X");
    assert!(shown(&adding).0 && !shown(&adding).1.contains("Leave it empty"), "{}", shown(&adding).1);
    press(&mut adding, &[Key::Enter, Key::Enter]);
    assert!(form(&adding).step == Step::Review && shown(&adding).0, "{}", shown(&adding).1);
    assert!(!shown(&at_review()).0);

    for (stores_secret, said, lacks) in [
        (None, "if there is one", false),
        (Some(true), "to keep the one that is stored.", false),
        (Some(false), "None is stored.", true),
    ] {
        let mut model = model(CONFIGURED);
        model.go(Go::Form(FormFor::Mend("work".parse().expect("a name"), Code::InvalidClientSecret)), now());
        let unread = ProfileStatus::unread("work".parse().expect("a name"), "zoho".to_owned(), None);
        update(&mut model, Message::StatusesLoaded(vec![ProfileStatus { stores_secret, ..unread }]), now());
        assert!(shown(&model).1.contains(said) && shown(&model).0 == lacks, "{stores_secret:?}: {}", shown(&model).1);
        press(&mut model, &[Key::Enter]);
        assert_eq!((form(&model).step, shown(&model).0), (Step::Review, lacks), "{stores_secret:?}");
        assert_eq!(shown(&model).1.contains("as it is"), !lacks, "{stores_secret:?}: {}", shown(&model).1);
    }
}

#[test]
fn a_form_that_a_sign_in_opened_leads_on_to_it_where_the_screen_can() {
    for (purpose, kind, expected) in [
        (FormFor::SignIn(None), ClientType::NonBrowser, None),
        (FormFor::SignIn(None), ClientType::SelfClient, Some(Step::Saved)),
        (FormFor::Add(None), ClientType::NonBrowser, Some(Step::Saved)),
    ] {
        let mut model = model("");
        start(&mut model, Start::Form(purpose.clone()), None, now());
        answer(&mut model, "shop");
        press(&mut model, &[Key::Enter, Key::Enter]);
        let row = ClientType::ALL.iter().position(|other| *other == kind).expect("it is one");
        press(&mut model, &vec![Key::Down; row]);
        press(&mut model, &[Key::Enter]);
        answer(&mut model, "1000.X");
        answer(&mut model, "sentinel-secret");
        press(&mut model, &[Key::Enter]);
        let (task, _) = saved(&press(&mut model, &[Key::Enter]));
        let text = "[profiles.shop]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n";
        let effects = finish(&mut model, task, Ok(config(text)));
        let signs_in = effects.iter().any(|effect| matches!(effect, Effect::StartSignIn { .. }));
        let stays_at = model.find::<ProfileForm>().map(|form| form.step);
        assert_eq!((signs_in, stays_at), (expected.is_none(), expected), "{purpose:?} {kind:?}");
    }
}

#[test]
fn each_field_says_what_is_wrong_with_it_and_holds_the_step() {
    let mut model = model(CONFIGURED);
    press(&mut model, &[Key::Char('p')]);
    for (typed, part) in
        [("", "is needed"), ("a b", "1 to 64"), ("work", "already a profile work"), ("Work", "in case only")]
    {
        answer(&mut model, typed);
        let problem = form(&model).check(Step::Name).expect_err(typed);
        assert!(problem.contains(part) && form(&model).step == Step::Name, "{problem}");
    }
    answer(&mut model, "shop");
    let another = form(&model).offers.len() - 1;
    press(&mut model, &vec![Key::Down; another]);
    press(&mut model, &[Key::Enter]);
    for (typed, part) in [
        ("", "Issuer is needed, such as https://id.example.com."),
        ("id.example.com", "Issuer is no address"),
        ("http://id.example.com", "plain http"),
        ("https://dana@id.example.com", "user name"),
        ("ftp://id.example.com", "neither https nor http"),
    ] {
        answer(&mut model, typed);
        let problem = form(&model).check(Step::Server).expect_err(typed);
        assert!(problem.contains(part) && form(&model).step == Step::Server, "{problem}");
    }
    answer(&mut model, "http://127.0.0.1:9101");
    assert_eq!(form(&model).step, Step::ClientId);
    answer(&mut model, "");
    answer(&mut model, "a\u{200b}b");
    assert!(form(&model).check(Step::ClientId).is_err() && form(&model).step == Step::ClientId);
    answer(&mut model, "my cli");
    answer(&mut model, "se\u{200b}cret");
    assert!(form(&model).check(Step::ClientSecret).is_err() && form(&model).step == Step::ClientSecret);
    press(&mut model, &[Key::Ctrl('u')]);
    update(&mut model, Message::Pasted("x".repeat(70_000)), now());
    assert!(form(&model).check(Step::ClientSecret).is_err_and(|problem| problem.contains("not all of it is here")));
    press(&mut model, &[Key::Ctrl('u')]);
    update(&mut model, Message::Pasted("x".repeat(4_505)), now());
    assert_eq!(form(&model).draft.secret.length(), 4_505);
    press(&mut model, &[Key::Ctrl('u')]);
    answer(&mut model, "");
    assert_eq!(form(&model).step, Step::Scopes);
    press(&mut model, &[Key::Enter]);
    let (_, change) = saved(&press(&mut model, &[Key::Enter]));
    let ProfileDraft { profile, provider, secret } = draft(change);
    let provider = provider.expect("it is new");
    assert_eq!((profile.provider.as_str(), provider.kind), (provider.name.as_str(), "standard"));
    assert_eq!(provider.values, [("issuer", "http://127.0.0.1:9101".to_owned())]);
    assert_eq!((profile.data_center, secret), (None, None));
}

#[test]
fn presets_ask_for_what_they_lack_and_configured_providers_for_nothing() {
    let config = config(CONFIGURED);
    let offers = offers::offers(&config);
    let offer = |label: &str| offers.iter().find(|offer| offer.label == label).expect(label);
    assert!(
        offer("lab").blanks().is_empty() && offer("corp").blanks().is_empty() && offer("GitHub").blanks().is_empty()
    );
    let keys = |label| offer(label).blanks().iter().map(|blank| blank.key).collect::<Vec<_>>();
    assert_eq!((keys("Okta"), keys("Keycloak")), (vec!["host"], vec!["host", "realm"]));
    // With nothing but the default it is the built-in one.
    let microsoft = offer("Microsoft").chosen(&config, &[("tenant", "common".to_owned())]).expect("it is known");
    assert_eq!((microsoft.name.as_str(), microsoft.new), ("microsoft", None));
    let own = offer("Microsoft").chosen(&config, &[("tenant", "contoso".to_owned())]).expect("it is one");
    assert_eq!((own.name.as_str(), own.new.expect("it is new").kind), ("contoso", "microsoft"));
    let okta = |host: &str| offer("Okta").chosen(&config, &[("host", host.to_owned())]).expect("it is one").name;
    assert_eq!(okta("corp.okta.com/oauth2/default"), "corp-okta-com");
    assert_eq!(okta("https://corp"), "corp-2");
    let keycloak = offer("Keycloak").chosen(&config, &[("host", "id.example.com".to_owned())]);
    assert!(keycloak.expect_err("a realm is missing").to_string().contains("`realm` is needed, such as main"));
}

#[test]
fn types_of_client_have_their_own_steps_and_some_cannot_sign_in() {
    let mut model = model("");
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter, Key::Enter]);
    assert_eq!(form(&model).step, Step::ClientType);
    press(&mut model, &[Key::End, Key::Enter]);
    assert!(form(&model).was_refused && form(&model).step == Step::ClientType);
    press(&mut model, &[Key::Up, Key::Up, Key::Enter]);
    assert_eq!((form(&model).client_type(), form(&model).step), (ClientType::ServerBased, Step::RedirectUri));
    answer(&mut model, "http://example.com/callback");
    assert_eq!(form(&model).step, Step::RedirectUri);
    answer(&mut model, "http://127.0.0.1:8123/callback");
    assert_eq!(form(&model).step, Step::ClientId);
    answer(&mut model, "1000.X");
    press(&mut model, &[Key::Enter, Key::Enter]);
    let (task, change) = saved(&press(&mut model, &[Key::Enter]));
    assert_eq!(
        draft(change).profile.redirect_uri.as_ref().map(RedirectUri::as_str),
        Some("http://127.0.0.1:8123/callback")
    );
    finish(&mut model, task, Ok(config("")));
    // The screen has no such sign-in, so it does not offer one.
    assert_eq!(form(&model).rows(), 1);
    assert_eq!(press(&mut model, &[Key::Enter]), [Effect::LoadStatuses]);
}

#[test]
fn scopes_are_found_ticked_typed_and_pasted() {
    let mut model = at_review();
    press(&mut model, &[Key::Esc]);
    let chosen = |model: &Model| form(model).draft.picker.chosen.clone();
    type_text(&mut model, "crm");
    press(&mut model, &[Key::Down, Key::Char(' '), Key::Down, Key::Enter]);
    assert_eq!(
        chosen(&model),
        ["AaaServer.profile.READ", "ZohoCRM.modules.contacts.READ", "ZohoCRM.modules.deals.READ"]
    );
    // A word that is looked for is no scope; a whole one may be, though nobody knows it.
    type_text(&mut model, "nothing");
    press(&mut model, &[Key::Enter, Key::Esc]);
    type_text(&mut model, "ZohoCRM.user.READ");
    press(&mut model, &[Key::Enter]);
    assert_eq!(chosen(&model).last().map(String::as_str), Some("ZohoCRM.user.READ"));
    update(&mut model, Message::Pasted("openid, Desk.basic.READ\nDesk.basic.READ".to_owned()), now());
    assert_eq!(&chosen(&model)[4..], ["openid", "Desk.basic.READ"]);
    // Chosen ones stand first and go by the same key.
    press(&mut model, &[Key::Home, Key::Down, Key::Char(' ')]);
    assert!(!chosen(&model).contains(&"AaaServer.profile.READ".to_owned()));
    let products = form(&model).draft.picker.rows().iter().position(|row| matches!(row, scopes::Row::Product(_)));
    press(&mut model, &vec![Key::Down; products.expect("products")]);
    press(&mut model, &[Key::Enter]);
    assert!(form(&model).draft.picker.open_product().is_some());
    press(&mut model, &[Key::Esc]);
    assert!(form(&model).draft.picker.open_product().is_none() && form(&model).step == Step::Scopes);
    for _ in 0..chosen(&model).len() {
        press(&mut model, &[Key::Home, Key::Down, Key::Char(' ')]);
    }
    press(&mut model, &[Key::Home, Key::Enter]);
    assert!(chosen(&model).is_empty() && form(&model).step == Step::Scopes && form(&model).was_refused);
}

#[test]
fn back_keeps_what_was_typed_and_leaving_asks() {
    let mut model = at_review();
    press(&mut model, &[Key::Esc, Key::Esc, Key::Esc]);
    assert_eq!((form(&model).step, form(&model).draft.client_id.text().as_str()), (Step::ClientId, "1000.X"));
    press(&mut model, &[Key::Esc, Key::Esc, Key::Esc, Key::Esc]);
    assert_eq!(form(&model).step, Step::Name);
    press(&mut model, &[Key::Esc]);
    let asks = |model: &Model| matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Back, .. }));
    assert!(asks(&model));
    press(&mut model, &[Key::Char('n')]);
    assert_eq!(form(&model).name(), "shop");
    press(&mut model, &[Key::Esc]);
    assert_eq!(press(&mut model, &[Key::Char('y')]), [Effect::LoadStatuses]);
    assert!(model.find::<ProfileForm>().is_none());
    // Nor is anything lost with a field that is empty, or as it was.
    for keys in [&[Key::Char('x'), Key::Ctrl('u')][..], &[Key::Char('x'), Key::Backspace]] {
        for form in ['p', 'i'] {
            press(&mut model, &[Key::Char(form)]);
            press(&mut model, keys);
            assert_eq!(press(&mut model, &[Key::Esc]), [Effect::LoadStatuses], "{form} {keys:?}");
            assert_eq!(model.around.overlay, None);
        }
    }
    // With nothing typed there is nothing to ask.
    press(&mut model, &[Key::Char('p')]);
    assert_eq!(press(&mut model, &[Key::Esc]), [Effect::LoadStatuses]);
    assert!(model.around.overlay.is_none() && model.find::<ProfileForm>().is_none());
}

#[test]
fn ctrl_c_leaves_from_every_step() {
    let mut model = at_review();
    for _ in 0..8 {
        assert_eq!(press(&mut model, &[Key::Ctrl('c')]), [Effect::Quit(crate::tui::Ended::Interrupted)]);
        press(&mut model, &[Key::Esc]);
    }
}

#[test]
fn a_changed_profile_keeps_what_nobody_touched() {
    let mut model = model(CONFIGURED);
    let profile = model.around.config.profiles[&"sso".parse().expect("a name")].clone();
    let form = ProfileForm::of(&profile, None, &model.around.config);
    model.open(form);
    assert_eq!(form_draft(&model).profile, profile);
    // Saving nothing writes nothing.
    assert_eq!(press(&mut model, &[Key::Home, Key::Enter]), [Effect::LoadStatuses]);

    let form = ProfileForm::of(&profile, None, &model.around.config);
    model.open(form);
    press(&mut model, &[Key::Home, Key::Down, Key::Down, Key::Enter]);
    answer(&mut model, "cli-2");
    assert_eq!((super::tests::form(&model).step, super::tests::form(&model).row), (Step::Review, 0));
    let (task, change) = saved(&press(&mut model, &[Key::Enter]));
    assert!(matches!(change, ConfigurationChange::Change(_)));
    let changed = draft(change).profile;
    assert_eq!(changed, Profile { client_id: "cli-2".to_owned(), ..profile });
    let effects = finish(&mut model, task, Ok(config(CONFIGURED)));
    assert_eq!(effects.last(), Some(&Effect::LoadStatuses));
    assert!(model.around.notice.as_ref().is_some_and(|notice| notice.text == "sso: saved."));
}

#[test]
fn whoever_leaves_a_line_as_it_was_is_back_on_it() {
    let mut model = editing_signed_in();
    press(&mut model, &[Key::Down, Key::Enter]);
    assert_eq!(form(&model).step, Step::DataCenter);
    press(&mut model, &[Key::Esc]);
    assert_eq!((form(&model).step, form(&model).row), (Step::Review, 2));
}

fn form_draft(model: &Model) -> ProfileDraft {
    form(model).profile_draft().expect("a profile")
}

#[test]
fn a_change_says_what_it_means_for_a_sign_in() {
    let told = |change: fn(&mut ProfileForm)| {
        let mut model = editing_signed_in();
        let form = model.find_mut::<ProfileForm>().expect("the form is open");
        change(form);
        form.consequences().join(" ")
    };
    assert_eq!(told(|_| {}), "");
    assert!(told(|form| form.draft.client_id = Field::new("other")).contains("logs the profile out"));
    assert!(told(|form| form.draft.picker.chosen.push("Desk.basic.READ".to_owned())).contains("New scopes"));
    assert!(told(|form| form.draft.data_center = 0).contains("data center counts from the next sign-in"));
    assert_eq!(told(|form| form.draft.picker.chosen.clear()), "");
    assert!(
        told(|form| {
            form.row = form.offers.iter().position(|offer| offer.label == "GitHub").expect("GitHub");
            form.step = Step::Provider;
            form.take_row();
        })
        .contains("old provider")
    );
}

#[test]
fn another_provider_brings_its_own_steps_before_the_review() {
    let mut model = editing_signed_in();
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).step, Step::Provider);
    let okta = form(&model).offers.iter().position(|offer| offer.label == "Okta").expect("Okta");
    press(&mut model, &[Key::Home]);
    press(&mut model, &vec![Key::Down; okta]);
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).step, Step::Server);
    answer(&mut model, "corp.okta.com");
    assert_eq!(form(&model).step, Step::ClientId);
    answer(&mut model, "cli");
    // The secret that the store has is the old client's.
    assert_eq!(form(&model).step, Step::ClientSecret);
    answer(&mut model, "");
    assert_eq!(form(&model).step, Step::Review);
    assert_eq!(form_draft(&model).profile.provider, "corp-okta-com");
    assert_eq!(form_draft(&model).profile.data_center, None);
}

/// Chooses a provider by its row.
fn choose_offer(model: &mut Model, label: &str) {
    assert_eq!(form(model).step, Step::Provider);
    let row = form(model).offers.iter().position(|offer| offer.label == label).expect(label);
    press(model, &[Key::Home]);
    press(model, &vec![Key::Down; row]);
    press(model, &[Key::Enter]);
}

/// Chooses the line of a step on the review.
fn choose_line(model: &mut Model, step: Step) {
    let row = form(model).steps().iter().position(|known| *known == step).expect("it has one") + 1;
    press(model, &[Key::Home]);
    press(model, &vec![Key::Down; row]);
    press(model, &[Key::Enter]);
}

/// The form of a new profile at a provider, with these values in the fields behind it.
fn new_at(label: &str, values: &[&str]) -> Model {
    let mut model = model("");
    press(&mut model, &[Key::Enter]);
    answer(&mut model, "shop");
    choose_offer(&mut model, label);
    for value in values {
        answer(&mut model, value);
    }
    model
}

#[test]
fn a_new_profile_asks_to_stay_signed_in_where_a_scope_does_that_and_is_offered_what_the_provider_has() {
    for (label, values, ticked, offered, unknown) in [
        ("Microsoft", &["common"][..], &["openid", "offline_access"][..], "User.Read", "repo"),
        ("Okta", &["a.okta.com"], &["openid", "offline_access"], "email", "repo"),
        ("Auth0", &["a.eu.auth0.com"], &["openid", "offline_access"], "email", "repo"),
        ("Another server", &["https://a.example"], &["openid", "offline_access"], "profile", "repo"),
        ("GitHub", &[], &["read:user"], "repo", "offline_access"),
        ("GitLab", &["gitlab.com"], &["read_user"], "read_api", "offline_access"),
        ("Google", &[], &["openid"], "https://www.googleapis.com/auth/drive.file", "offline_access"),
        ("Zoho", &[], &["AaaServer.profile.READ"], "AaaServer.profile.READ", "offline_access"),
    ] {
        let model = new_at(label, values);
        let picker = &form(&model).draft.picker;
        assert_eq!(picker.chosen, ticked, "{label}");
        let is_offered = |scope: &str| picker.rows().contains(&scopes::Row::Scope(scope.to_owned()));
        assert!(is_offered(offered) && !is_offered(unknown), "{label}: {:?}", picker.rows());
        for row in picker.rows() {
            let scopes::Row::Scope(scope) = row else { continue };
            assert_ne!(picker.in_words(&scope), scope, "{label} has words for what it offers");
        }
    }
}

#[test]
fn of_several_fields_the_cursor_goes_to_the_one_that_is_refused() {
    for (host, realm, refused, told) in [
        (
            "kc example com",
            "main",
            0,
            "Host is \"kc example com\", which is no name of a host; it reads like \"id.example.com\".",
        ),
        ("", "main", 0, "Host is needed, such as id.example.com."),
        (
            "id.example.com",
            "a/b",
            1,
            "Realm is \"a/b\": only letters, digits, `-`, `_` and `.` may be in it; it reads like \"main\".",
        ),
        ("id.example.com", "", 1, "Realm is needed, such as main."),
    ] {
        let mut model = new_at("Keycloak", &[]);
        type_text(&mut model, host);
        press(&mut model, &[Key::Tab]);
        type_text(&mut model, realm);
        press(&mut model, &[Key::Enter]);
        assert_eq!((form(&model).step, form(&model).draft.focus), (Step::Server, refused), "{host} {realm}");
        assert_eq!(form(&model).check(Step::Server), Err(told.to_owned()));
    }
}

#[test]
fn a_client_that_was_typed_goes_to_no_other_server() {
    let typed = |model: &Model| {
        let draft = &form(model).draft;
        (draft.client_id.text(), draft.secret.length())
    };
    let whole = || ("1000.X".to_owned(), "sentinel-secret".len());
    let gone = || (String::new(), 0);
    // A new profile at its review, at the server that is typed into the fields of a provider.
    let at = |label: &str, values: &[&str]| {
        let mut model = new_at(label, values);
        while form(&model).step != Step::ClientId {
            press(&mut model, &[Key::Enter]);
        }
        answer(&mut model, "1000.X");
        answer(&mut model, "sentinel-secret");
        press(&mut model, &[Key::Enter]);
        assert_eq!((form(&model).step, typed(&model)), (Step::Review, whole()), "{label}");
        model
    };
    for (label, values, step, changed, is_kept) in [
        ("Zoho", &[][..], Step::Provider, "GitHub", false),
        ("GitHub", &[], Step::Provider, "Zoho", false),
        ("Zoho", &[], Step::Provider, "Zoho", true),
        ("Okta", &["a.okta.com"], Step::Server, "b.okta.com", false),
        ("Okta", &["a.okta.com"], Step::Server, "a.okta.com", true),
        ("Okta", &["a.okta.com/oauth2/x"], Step::Server, "a.okta.com/oauth2/y", false),
        ("GitLab", &["gitlab.com"], Step::Server, "git.example.com", false),
        ("Microsoft", &["common"], Step::Server, "contoso", false),
        ("Another server", &["https://a.example"], Step::Server, "https://b.example", false),
    ] {
        let mut model = at(label, values);
        choose_line(&mut model, step);
        match step {
            Step::Provider => choose_offer(&mut model, changed),
            _ => answer(&mut model, changed),
        }
        assert_eq!(typed(&model), if is_kept { whole() } else { gone() }, "{label} {changed}");
        assert_eq!(form(&model).step == Step::Review, is_kept, "{label} {changed}");
        // A host that is typed and left by the way back is chosen all the same.
        if step == Step::Server {
            let mut model = at(label, values);
            choose_line(&mut model, step);
            press(&mut model, &[Key::Ctrl('u')]);
            type_text(&mut model, changed);
            press(&mut model, &[Key::Esc]);
            assert_eq!(typed(&model), if is_kept { whole() } else { gone() }, "{label} {changed} Esc");
        }
    }
    // One step after the other is no other way.
    let mut model = at("Zoho", &[]);
    while form(&model).step != Step::Provider {
        press(&mut model, &[Key::Esc]);
    }
    choose_offer(&mut model, "GitHub");
    assert_eq!((form(&model).step, typed(&model)), (Step::ClientId, gone()));
    // Another data center is the same provider's.
    let mut model = at("Zoho", &[]);
    choose_line(&mut model, Step::DataCenter);
    press(&mut model, &[Key::Down, Key::Enter]);
    assert_eq!((form(&model).step, typed(&model)), (Step::Review, whole()));
}

#[test]
fn a_profile_that_moves_to_another_server_keeps_no_secret_and_no_host_wherever_they_are_named() {
    for named in [
        "",
        "client_secret_file = \"secret\"",
        "client_secret_env = \"SECRET\"",
        "git_hosts = [\"git.old.example\"]",
        "allowed_origins = [\"https://api.old.example\"]",
    ] {
        let file = CONFIGURED.replace("[profiles.work]\n", &format!("[profiles.work]\n{named}\n"))
            + "[profiles.work.client_secret_files]\neu = \"eu-secret\"\n";
        let mut model = model(&file);
        model.go(Go::Form(FormFor::Edit("work".parse().expect("a name"))), now());
        choose_line(&mut model, Step::Provider);
        choose_offer(&mut model, "GitHub");
        assert_eq!(form(&model).step, Step::ClientId, "{named}");
        answer(&mut model, "Iv1.x");
        assert_eq!(form(&model).step, Step::ClientSecret, "{named}");
        assert!(super::view::words_of(&model.around, form(&model)).contains("old client's and goes"), "{named}");
        answer(&mut model, "");
        assert_eq!(form(&model).step, Step::Review, "{named}");
        assert!(super::view::words_of(&model.around, form(&model)).contains("old client's and goes"), "{named}");
        let has_hosts = named.contains("old.example");
        assert_eq!(super::view::words_of(&model.around, form(&model)).contains("old server and go"), has_hosts);
        let after = form_draft(&model).profile;
        assert_eq!((after.client_secret, after.client_secret_files.len()), (SecretSource::Store, 0), "{named}");
        assert!(after.git_hosts.is_empty() && after.allowed_origins.is_empty(), "{named}");
    }
}

#[test]
fn a_secret_that_goes_with_its_client_is_asked_for_anew() {
    let change_id = |model: &mut Model| {
        let row = form(model).steps().iter().position(|step| *step == Step::ClientId).expect("it has one") + 1;
        press(model, &[Key::Home]);
        press(model, &vec![Key::Down; row]);
        press(model, &[Key::Enter]);
        answer(model, "1000.NEW");
    };
    let mut stored = editing_signed_in();
    change_id(&mut stored);
    assert_eq!(form(&stored).step, Step::ClientSecret);
    answer(&mut stored, "sentinel-new");
    assert_eq!(form(&stored).step, Step::Review);
    assert_eq!(form_draft(&stored).secret.expect("a secret").expose(), "sentinel-new");
    // What the configuration names stays.
    let file = CONFIGURED.replace("[profiles.work]\n", "[profiles.work]\nclient_secret_file = \"secret\"\n");
    let mut named = model(&file);
    let name: ProfileName = "work".parse().expect("a name");
    named.go(Go::Form(FormFor::Edit(name)), now());
    change_id(&mut named);
    assert_eq!(form(&named).step, Step::Review);
}

#[test]
fn a_profile_gets_another_name() {
    let mut model = model(CONFIGURED);
    let old: ProfileName = "work".parse().expect("a name");
    model.find_mut::<ProfilesPanel>().expect("it is there").select(old.clone());
    press(&mut model, &[Key::Char('w')]);
    for taken in ["work", "Work", "sso", "a/b"] {
        answer(&mut model, taken);
        assert!(form(&model).saving.is_none() && form(&model).was_refused, "{taken}");
    }
    press(&mut model, &[Key::Ctrl('u')]);
    type_text(&mut model, "office");
    let (task, change) = saved(&press(&mut model, &[Key::Enter]));
    assert_eq!(change, ConfigurationChange::Rename { old, new: "office".parse().expect("a name") });
    finish(&mut model, task, Ok(config(&CONFIGURED.replace("profiles.work", "profiles.office"))));
    assert!(model.find::<ProfileForm>().is_none());
    assert!(model.around.notice.as_ref().is_some_and(|notice| notice.text == "work is called office now."));
}

#[test]
fn what_a_field_begins_with_gives_way_to_what_is_typed_and_is_edited_by_other_keys() {
    let name = || "work".parse().expect("a name");
    let begun = |purpose: FormFor, keys: &[Key]| {
        let mut model = model(CONFIGURED);
        let form = ProfileForm::open(purpose, &[], &model.around).expect("it is configured");
        model.open(form);
        press(&mut model, keys);
        model
    };
    let check = |begun: &dyn Fn() -> Model, typed: fn(&ProfileForm) -> String| {
        let before = typed(form(&begun()));
        for (key, after) in [(None, "x".to_owned()), (Some(Key::Right), format!("{before}x"))] {
            let mut model = begun();
            press(&mut model, key.as_slice());
            type_text(&mut model, "x");
            assert_eq!(typed(form(&model)), after, "{before}");
        }
    };
    check(&|| begun(FormFor::Import(Some(name())), &[]), ProfileForm::name);
    check(&|| begun(FormFor::Rename(name(), State::Valid), &[]), ProfileForm::name);
    for (label, default) in [("GitLab", "gitlab.com"), ("Microsoft", "common")] {
        let at_server = || new_at(label, &[]);
        let server = |form: &ProfileForm| form.draft.blanks[0].1.text();
        assert_eq!(server(form(&at_server())), default);
        check(&at_server, server);
    }
    let to_client_id = [Key::Down, Key::Down, Key::Down, Key::Enter];
    check(&|| begun(FormFor::Edit(name()), &to_client_id), |form| form.draft.client_id.text());
}

#[test]
fn removing_asks_and_keeping_is_the_first_answer() {
    let removing = || {
        let mut model = model(CONFIGURED);
        let name = "work".parse().expect("a name");
        let purpose = Purpose::Remove { name, state: State::Valid, is_unrevoked: false };
        let form = ProfileForm::new(purpose, &model.around.config, Step::Remove);
        model.open(form);
        model
    };
    let mut model = removing();
    assert_eq!(press(&mut model, &[Key::Enter]), [Effect::LoadStatuses]);
    let mut model = removing();
    assert_eq!(press(&mut model, &[Key::Esc]), [Effect::LoadStatuses]);
    let mut model = removing();
    let (task, change) = saved(&press(&mut model, &[Key::Down, Key::Enter]));
    assert_eq!(change, ConfigurationChange::Remove("work".parse().expect("a name")));
    let error = Error::new(Code::Network, "the grant could not be revoked");
    finish(&mut model, task, Err(error.clone()));
    assert_eq!(form(&model).failure, Some(error.clone()));
    // From here on the person may leave the access to the provider, and keeping it is the first answer again.
    assert_eq!(form(&model).row, 0);
    let (task, change) = saved(&press(&mut model, &[Key::Down, Key::Enter]));
    assert!(matches!(change, ConfigurationChange::Remove(_)));
    finish(&mut model, task, Err(error));
    let (task, change) = saved(&press(&mut model, &[Key::End, Key::Enter]));
    assert_eq!(change, ConfigurationChange::RemoveUnrevoked("work".parse().expect("a name")));
    finish(&mut model, task, Ok(config("")));
    assert!(model.find::<ProfileForm>().is_none() && model.around.config.profiles.is_empty());
}

#[test]
fn a_profile_that_is_not_read_yet_is_not_called_signed_out() {
    let mut model = model(CONFIGURED);
    press(&mut model, &[Key::Char('d')]);
    assert!(matches!(form(&model).purpose, Purpose::Remove { state: State::Unknown, .. }));
}

#[test]
fn the_secret_is_in_no_debug_text() {
    let mut model = at_review();
    let effects = press(&mut model, &[Key::Enter]);
    assert!(!format!("{:?} {:?} {effects:?}", model.around, form(&model)).contains("sentinel"));
}

/// A form at its scopes, with nothing of it chosen yet.
fn at_scopes() -> Model {
    let mut model = at_review();
    press(&mut model, &[Key::Esc]);
    assert_eq!(form(&model).step, Step::Scopes);
    model.find_mut::<ProfileForm>().expect("the form is open").draft.picker.chosen.clear();
    model
}

#[test]
fn enter_keeps_a_scope_that_was_looked_for_and_ticked() {
    let mut model = at_scopes();
    let enter = |model: &Model| model.top.label(&model.around, Command::Choose);
    assert_eq!(enter(&model), Some("go on"));
    type_text(&mut model, "users");
    assert_eq!(enter(&model), Some("tick"));
    press(&mut model, &[Key::Down, Key::Char(' ')]);
    assert_eq!((enter(&model), model.top.label(&model.around, Command::Toggle)), (Some("keep"), Some("untick")));
    let ticked = form(&model).draft.picker.chosen.clone();
    assert_eq!(ticked.len(), 1);
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).draft.picker.chosen, ticked);
    assert!(form(&model).draft.picker.is_search_empty());
    // Space takes the tick away again, there and in the list of what is chosen.
    type_text(&mut model, "users");
    press(&mut model, &[Key::Down, Key::Char(' ')]);
    assert_eq!(form(&model).draft.picker.chosen.len(), 0);
    press(&mut model, &[Key::Enter, Key::Down]);
    assert_eq!((form(&model).draft.picker.chosen.clone(), enter(&model)), (ticked, Some("untick")));
}

#[test]
fn words_narrow_a_search_and_what_allows_the_least_comes_first() {
    let mut model = at_scopes();
    type_text(&mut model, "crm.users");
    let first = |model: &Model| form(model).draft.picker.selected_row();
    assert_eq!(first(&model), Some(scopes::Row::Scope("ZohoCRM.users.READ".to_owned())));
    let rows = form(&model).draft.picker.rows();
    let known = rows.iter().rfind(|row| matches!(row, scopes::Row::Scope(_)));
    assert_eq!(known, Some(&scopes::Row::Scope("ZohoCRM.users.ALL".to_owned())));
    press(&mut model, &[Key::Ctrl('u')]);
    type_text(&mut model, "crm.modules");
    let rows = form(&model).draft.picker.rows();
    let at = |scope: &str| rows.iter().position(|row| matches!(row, scopes::Row::Scope(known) if known == scope));
    let [part, whole, change] = ["leads.READ", "READ", "leads.CREATE"].map(|end| at(&format!("ZohoCRM.modules.{end}")));
    assert!(part < whole && whole < change && part.is_some(), "{rows:?}");
    // A blank is one while something is typed, and ticks nothing.
    press(&mut model, &[Key::Ctrl('u')]);
    type_text(&mut model, "read desk tickets");
    assert_eq!(form(&model).draft.picker.search.text(), "read desk tickets");
    assert!(form(&model).draft.picker.chosen.is_empty());
    assert!(!model.top.commands(&model.around).contains(&Command::Toggle));
    let is_wanted = |row: &scopes::Row| matches!(row, scopes::Row::Scope(scope) if scope.starts_with("Desk.tickets"));
    let rows = form(&model).draft.picker.rows();
    assert!(!rows.is_empty() && rows.iter().all(is_wanted), "{rows:?}");
    press(&mut model, &[Key::Up]);
    assert!(model.top.commands(&model.around).contains(&Command::Toggle));
    press(&mut model, &[Key::Char(' ')]);
    assert_eq!(form(&model).draft.picker.chosen.len(), 1);
}

#[test]
fn a_scope_that_cannot_be_one_stays_to_be_mended() {
    let mut model = at_scopes();
    type_text(&mut model, "garbage;scope\"x\"日本");
    press(&mut model, &[Key::Enter, Key::Char(' ')]);
    assert_eq!(form(&model).step, Step::Scopes);
    assert!(form(&model).draft.picker.search.text().starts_with("garbage;scope\"x\"日本"));
    assert_eq!(form(&model).draft.picker.rows(), []);
}

#[test]
fn a_proposed_name_gives_way_to_what_is_typed_and_may_be_edited() {
    let begun = || {
        let mut model = model("");
        press(&mut model, &[Key::Enter]);
        assert_eq!(form(&model).name(), "work");
        model
    };
    let mut typed = begun();
    type_text(&mut typed, "ops");
    assert_eq!(form(&typed).name(), "ops");
    let mut pasted = begun();
    update(&mut pasted, Message::Pasted("ops".to_owned()), now());
    assert_eq!(form(&pasted).name(), "ops");
    let mut edited = begun();
    press(&mut edited, &[Key::Backspace]);
    type_text(&mut edited, "d");
    assert_eq!(form(&edited).name(), "word");
    let mut taken = begun();
    press(&mut taken, &[Key::Enter, Key::Esc, Key::End]);
    type_text(&mut taken, "-2");
    assert_eq!(form(&taken).name(), "work-2");
}

#[test]
fn the_form_of_a_profile_that_is_gone_gives_way_to_the_list() {
    let without_work = config(&CONFIGURED.replace("profiles.work", "profiles.office"));
    let open = |key| {
        let mut model = model(CONFIGURED);
        model.find_mut::<ProfilesPanel>().expect("it is there").select("work".parse().expect("a name"));
        assert_eq!(press(&mut model, &[Key::Char(key)]), [Effect::LoadStatuses]);
        model
    };
    for key in ['e', 'w', 'd'] {
        let mut model = open(key);
        let (was, result) = (Box::new(model.around.config.clone()), Box::new(Ok(without_work.clone())));
        update(&mut model, Message::ConfigurationReread { was, result }, now());
        assert!(model.find::<ProfileForm>().is_none() && model.scope() == Scope::Profiles, "{key}");
        let notice = model.around.notice.as_ref().expect("a notice");
        assert_eq!(notice.text, "Profile work is not configured any more.");
    }
    // The same where it is noticed only when it is saved.
    let mut model = open('d');
    let (task, _) = saved(&press(&mut model, &[Key::Down, Key::Enter]));
    let gone = Error::new(Code::UnknownProfile, "profile `work` is not configured any more");
    assert_eq!(finish(&mut model, task, Err(gone)), [Effect::LoadStatuses]);
    assert!(model.find::<ProfileForm>().is_none());
}

#[test]
fn what_a_sign_in_failed_for_is_asked_at_once_and_saving_it_signs_in_again() {
    let mut model = model(CONFIGURED);
    let work: ProfileName = "work".parse().expect("a name");
    model.go(Go::SignIn { profile: work.clone(), options: SignIn::attended() }, now());
    model.go(Go::Form(FormFor::Mend(work.clone(), Code::InvalidClientSecret)), now());
    assert_eq!(form(&model).step, Step::ClientSecret);
    type_text(&mut model, "sentinel-secret");
    press(&mut model, &[Key::Enter]);
    assert_eq!((form(&model).step, form(&model).row), (Step::Review, 0));
    let (task, _) = saved(&press(&mut model, &[Key::Enter]));
    let effects = finish(&mut model, task, Ok(config(CONFIGURED)));
    assert!(
        matches!(&effects[..], [Effect::UseConfiguration(_), Effect::StartSignIn { profile, .. }] if *profile == work),
        "{effects:?}"
    );
    assert!(model.find::<ProfileForm>().is_none() && model.scope() == Scope::SignIn);
    // A profile without data centers has no such step.
    model.go(Go::Form(FormFor::Mend("sso".parse().expect("a name"), Code::WrongDataCenter)), now());
    assert_eq!(form(&model).step, Step::Review);
}

#[test]
fn a_form_that_the_app_was_started_for_ends_it_where_nothing_is_saved() {
    let quit = [Effect::Quit(Ended::Interrupted)];
    let alone = |name: Option<&str>| {
        let mut model = model("");
        let name = name.map(|name| name.parse().expect("a name"));
        crate::tui::start(&mut model, crate::tui::Start::Form(FormFor::Add(name)), None, now());
        model
    };
    assert_eq!(press(&mut alone(None), &[Key::Esc]), quit);
    // What was typed is not thrown away by one key.
    let mut touched = alone(Some("office"));
    type_text(&mut touched, "x");
    assert_eq!(press(&mut touched, &[Key::Esc]), []);
    assert_eq!(press(&mut touched, &[Key::Char('y')]), quit);
    // Within the app there is somewhere to go back to.
    let mut within = model("");
    assert!(!press(&mut within, &[Key::Enter, Key::Esc]).contains(&quit[0]));
    assert!(within.find::<ProfileForm>().is_none());
}
