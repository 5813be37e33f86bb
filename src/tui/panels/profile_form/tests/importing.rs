//! The way of a token from elsewhere.

use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::service::{EnvFile, Import, ProfileStatus, SignedIn};
use crate::storage::Account;

const TOKEN: &str = "1000.sentinel-token";

/// The form for a profile of this name, at its token.
fn at_token(text: &str, name: &str) -> Model {
    let mut model = model(text);
    press(&mut model, &[Key::Char('i')]);
    answer(&mut model, name);
    assert_eq!(form(&model).step, Step::Token);
    model
}

/// The form for a new profile at its review, with everything typed.
fn typed() -> Model {
    let mut model = at_token("", "shop");
    answer(&mut model, TOKEN);
    press(&mut model, &[Key::Enter, Key::Down, Key::Enter]);
    assert_eq!(form(&model).step, Step::ClientId);
    answer(&mut model, "1000.X");
    answer(&mut model, "sentinel-secret");
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).step, Step::Review);
    model
}

fn imported(effects: &[Effect]) -> (TaskId, Import) {
    match effects {
        [Effect::Import { task, import }] => (*task, Import::clone(import)),
        other => panic!("{other:?}"),
    }
}

fn end(model: &mut Model, task: TaskId, result: Result<(Config, SignedIn), Error>) -> Vec<Effect> {
    update(model, Message::Imported { task, result: Box::new(result) }, now())
}

fn signed_in(profile: &str) -> SignedIn {
    SignedIn {
        profile: profile.parse().expect("a name"),
        account: Some(Account { id: "7".to_owned(), email: Some("dana@example.com".to_owned()), name: None }),
        data_center: None,
        relocated: false,
        scopes: Vec::new(),
        wanted_scopes: Vec::new(),
        missing_scopes: Vec::new(),
        api_domain: None,
        access_token_expires_at: None,
        refreshable: true,
        protection: None,
        warnings: Vec::new(),
        left_out: Vec::new(),
        replaced: None,
    }
}

/// Names a file with this text, and takes in what it has.
fn read(model: &mut Model, text: &str) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("it is written");
    press(model, &[Key::Tab, Key::Ctrl('u')]);
    let path = file.path().display().to_string();
    type_text(model, &path);
    let effects = press(model, &[Key::Enter]);
    let [Effect::ReadEnvFile { task, path: named }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*named, PathBuf::from(path));
    // Nothing else happens meanwhile.
    assert_eq!(press(model, &[Key::Enter, Key::Esc, Key::Char('x')]), []);
    let result = Box::new(EnvFile::read(named));
    update(model, Message::EnvFileRead { task: *task, result }, now());
}

#[test]
fn a_token_that_is_typed_comes_into_a_new_profile_or_everything_stays() {
    let mut model = typed();
    let (task, import) = imported(&press(&mut model, &[Key::Enter]));
    assert!(import.is_new && import.api_domain.is_none());
    assert_eq!((import.profile.name.as_str(), import.profile.client_id.as_str()), ("shop", "1000.X"));
    assert_eq!((import.profile.data_center.as_deref(), &import.profile.scopes[..]), (Some("eu"), &[][..]));
    assert_eq!(import.refresh_token.expose(), TOKEN);
    assert_eq!(import.client_secret.expect("a secret").expose(), "sentinel-secret");
    // While the provider is asked, keys do nothing.
    assert_eq!(press(&mut model, &[Key::Enter, Key::Esc]), []);
    let refused = Error::new(Code::SignInNeeded, "the provider does not take it");
    assert_eq!(end(&mut model, task, Err(refused.clone())), []);
    assert_eq!(form(&model).failure, Some(refused));
    // The cursor is on what is to be mended.
    press(&mut model, &[Key::Enter]);
    assert_eq!(form(&model).step, Step::Token);
    answer(&mut model, "1000.sentinel-other");
    let (task, import) = imported(&press(&mut model, &[Key::Enter]));
    assert_eq!(import.refresh_token.expose(), "1000.sentinel-other");
    assert!(!format!("{:?} {:?} {import:?}", model.around, form(&model)).contains("sentinel"));
    let text = "[profiles.shop]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n";
    let effects = end(&mut model, task, Ok((config(text), signed_in("shop"))));
    assert_eq!(effects, [Effect::UseConfiguration(Box::new(config(text))), Effect::LoadStatuses]);
    assert!(model.find::<ProfileForm>().is_none() && model.scope() == Scope::Profiles);
    let notice = model.around.notice.as_ref().expect("a notice");
    assert_eq!(notice.text, "shop: the token is imported, dana@example.com.");
}

#[test]
fn what_is_to_be_known_of_an_import_is_told_and_logged() {
    let mut model = typed();
    let (task, _) = imported(&press(&mut model, &[Key::Enter]));
    let told = SignedIn { warnings: vec!["profile `work` has the same".to_owned()], ..signed_in("shop") };
    end(&mut model, task, Ok((config("[profiles.shop]\nprovider = \"zoho\"\nclient_id = \"1000.X\"\n"), told)));
    let notice = model.around.notice.as_ref().expect("a notice");
    assert!(notice.mark == Some(Mark::Attention) && notice.text.ends_with("profile `work` has the same"), "{notice:?}");
    // Where that has no room, it is said where it stands.
    assert_eq!(notice.shorter[0], "shop: the token is imported, dana@example.com. L tells more.");
    assert!(model.around.log.entries().any(|entry| entry.text.contains("`work` has the same")));
}

#[test]
fn a_file_fills_in_what_it_has_and_the_rest_is_asked_for() {
    const CLIENT: &str = "ZOHO_CLIENT_ID=1000.F\nZOHO_CLIENT_SECRET=sentinel-secret\n";
    let token = format!("ZOHO_REFRESH_TOKEN={TOKEN}\n");
    let mut whole = at_token("", "shop");
    read(&mut whole, &format!("{CLIENT}{token}ZOHO_API_DOMAIN=https://www.zohoapis.eu\nZOHO_SCOPES=A.b.READ\n"));
    assert_eq!((form(&whole).step, form(&whole).row), (Step::Review, 0));
    let (_, import) = imported(&press(&mut whole, &[Key::Enter]));
    assert_eq!((import.profile.client_id.as_str(), import.profile.data_center.as_deref()), ("1000.F", Some("eu")));
    assert_eq!((&import.profile.scopes[..], import.refresh_token.expose()), (&["A.b.READ".to_owned()][..], TOKEN));
    assert_eq!(import.client_secret.expect("a secret").expose(), "sentinel-secret");
    // Without a place that is all that is asked for.
    let mut placeless = at_token("", "shop");
    read(&mut placeless, &format!("{CLIENT}{token}"));
    assert_eq!(form(&placeless).step, Step::DataCenter);
    press(&mut placeless, &[Key::Down, Key::Enter]);
    assert_eq!(form(&placeless).step, Step::Review);
    let (_, import) = imported(&press(&mut placeless, &[Key::Enter]));
    assert_eq!(import.profile.data_center.as_deref(), Some("eu"));

    for (name, text, part) in [
        ("shop", CLIENT.to_owned(), "it names no ZOHO_REFRESH_TOKEN"),
        ("shop", token.clone(), "it names no ZOHO_CLIENT_ID"),
        ("shop", format!("{CLIENT}{token}ZOHO_API_DOMAIN=https://evil.example\n"), "no data center has the API domain"),
        ("shop", "nonsense\n".to_owned(), "line 1: has no `=`"),
        ("work", format!("{CLIENT}{token}"), "profile `work` has another client id"),
    ] {
        let mut model = at_token(CONFIGURED, name);
        type_text(&mut model, "half");
        read(&mut model, &text);
        let failure = form(&model).failure.as_ref().expect(part).to_string();
        assert!(failure.contains(part) && form(&model).step == Step::Token, "{failure}");
        assert_eq!(form(&model).draft.refresh_token.length(), 4, "{part}: what was typed stays");
    }
}

#[test]
fn nobody_is_told_to_add_a_profile_that_is_there() {
    for (name, adds) in [("work", false), ("shop", true)] {
        let mut model = at_token(CONFIGURED, name);
        read(&mut model, &format!("ZOHO_REFRESH_TOKEN={TOKEN}\n"));
        let failure = form(&model).failure.as_ref().expect("it lacks the client");
        let advice = format!("{:?}", failure.advice);
        assert!(advice.contains("give the refresh token alone"), "{advice}");
        assert_eq!(advice.contains("add the profile first"), adds, "{name}: {advice}");
    }
}

#[test]
fn a_profile_that_is_there_gets_the_token_once_its_sign_in_may_go() {
    let mut model = at_token(CONFIGURED, "work");
    answer(&mut model, TOKEN);
    assert_eq!((form(&model).step, form(&model).steps().len()), (Step::Review, 3));
    assert_eq!(press(&mut model, &[Key::Enter]), []);
    let asks = |model: &Model| matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Import, question }) if question.contains("work"));
    assert!(asks(&model));
    press(&mut model, &[Key::Char('n')]);
    assert_eq!(press(&mut model, &[Key::Enter]), []);
    let (_, import) = imported(&press(&mut model, &[Key::Char('y')]));
    let profile = &model.around.config.profiles[&"work".parse::<ProfileName>().expect("a name")];
    assert_eq!(import, Import::into_profile(profile, crate::secret::Secret::new(TOKEN)));

    // One that has none to lose is not asked about.
    let mut model = at_token(CONFIGURED, "work");
    let name = "work".parse().expect("a name");
    update(&mut model, Message::StatusesLoaded(vec![ProfileStatus::unread(name, "zoho".to_owned(), None)]), now());
    read(
        &mut model,
        &format!(
            "ZOHO_CLIENT_ID=1000.ABC\nZOHO_CLIENT_SECRET=s\nZOHO_REFRESH_TOKEN={TOKEN}\n\
             ZOHO_API_DOMAIN=https://www.zohoapis.in\n"
        ),
    );
    let (_, import) = imported(&press(&mut model, &[Key::Enter]));
    assert_eq!(import.api_domain.as_deref(), Some("https://www.zohoapis.in"));
    // The place was that of the token in the file.
    press(&mut model, &[Key::Esc]);
    assert!(form(&model).saving.is_some());
}

#[test]
fn what_a_file_has_goes_to_no_other_provider() {
    let mut model = at_token("", "shop");
    read(
        &mut model,
        "ZOHO_CLIENT_ID=1000.ABC\nZOHO_CLIENT_SECRET=s\nZOHO_REFRESH_TOKEN=1000.r\nZOHO_API_DOMAIN=https://www.zohoapis.eu\n",
    );
    assert_eq!(form(&model).step, Step::Review);
    choose_line(&mut model, Step::Provider);
    choose_offer(&mut model, "GitHub");
    let draft = &form(&model).draft;
    assert!(draft.client_id.text().is_empty() && draft.secret.is_empty() && draft.refresh_token.is_empty());
}

#[test]
fn what_a_file_has_goes_to_no_profile_with_another_client() {
    const FILE: &str = "ZOHO_CLIENT_ID=1000.ABC\nZOHO_CLIENT_SECRET=s\nZOHO_REFRESH_TOKEN=1000.r\n";
    let mut model = at_token(CONFIGURED, "work");
    read(&mut model, FILE);
    press(&mut model, &[Key::Esc, Key::Esc]);
    answer(&mut model, "sso");
    assert!(form(&model).step == Step::Name && form(&model).was_refused);
    let problem = form(&model).check(Step::Name).expect_err("it has another client");
    assert_eq!(problem, "Profile sso has another client id: choose another name.");
}

#[test]
fn a_token_typed_over_that_of_a_file_is_one_of_the_profiles_own_place() {
    let mut model = at_token(CONFIGURED, "work");
    read(
        &mut model,
        &format!("ZOHO_CLIENT_ID=1000.ABC\nZOHO_REFRESH_TOKEN={TOKEN}\nZOHO_API_DOMAIN=https://www.zohoapis.in\n"),
    );
    press(&mut model, &[Key::Esc]);
    assert_eq!(form(&model).step, Step::Token);
    answer(&mut model, "1000.typed");
    press(&mut model, &[Key::Enter]);
    let (_, import) = imported(&press(&mut model, &[Key::Char('y')]));
    assert_eq!((import.refresh_token.expose(), import.api_domain), ("1000.typed", None));
}

#[test]
fn a_token_is_asked_for_until_there_is_one_and_kept_until_it_is_thrown_away() {
    let mut model = at_token("", "shop");
    // Enter without a token goes to the file, and on from there only with one.
    press(&mut model, &[Key::Enter]);
    assert_eq!((form(&model).draft.focus, form(&model).was_refused), (1, false));
    press(&mut model, &[Key::Enter]);
    assert!(form(&model).step == Step::Token && form(&model).was_refused);
    press(&mut model, &[Key::Tab]);
    for odd in ["1000.a b", "1000.a\u{200b}b"] {
        answer(&mut model, odd);
        assert!(form(&model).check(Step::Token).is_err() && form(&model).step == Step::Token, "{odd}");
    }
    press(&mut model, &[Key::Ctrl('u')]);
    update(&mut model, Message::Pasted(format!(" {TOKEN}\n")), now());
    press(&mut model, &[Key::Enter, Key::Esc, Key::Esc]);
    assert_eq!((form(&model).step, form(&model).draft.refresh_token.length()), (Step::Name, TOKEN.len()));
    press(&mut model, &[Key::Esc]);
    assert!(matches!(&model.around.overlay, Some(Overlay::Confirm { command: Command::Back, .. })));
    press(&mut model, &[Key::Char('y')]);
    assert!(model.find::<ProfileForm>().is_none());
}

#[test]
fn a_token_in_the_line_of_the_file_is_taken_for_one_and_not_shown() {
    let tokens = [
        "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef",
        "ghr_aB3dEfGhIjKlMnOp",
        "glpat-aB3dEfGhIjKlMnOp",
        "1//0gAbcdefGHIJKL",
    ];
    for (other, is_typed) in tokens.into_iter().flat_map(|token| [(token, false), (token, true)]) {
        let mut model = at_token("", "shop");
        press(&mut model, &[Key::Enter]);
        if is_typed {
            type_text(&mut model, other);
            assert_eq!(press(&mut model, &[Key::Enter]), []);
        } else {
            update(&mut model, Message::Pasted(format!(" {other}\n")), now());
        }
        let draft = &form(&model).draft;
        assert_eq!((draft.focus, draft.refresh_token.length(), draft.env_file.text().as_str()), (0, other.len(), ""));
        press(&mut model, &[Key::Enter]);
        assert_eq!(form(&model).step, Step::Provider);
    }
}

#[test]
fn what_was_typed_for_another_server_goes_with_a_file() {
    let mut model = at_token("", "shop");
    answer(&mut model, TOKEN);
    choose_offer(&mut model, "GitLab");
    assert_eq!(form(&model).step, Step::Server);
    answer(&mut model, "git.example.com");
    press(&mut model, &[Key::Esc, Key::Esc, Key::Esc]);
    assert_eq!(form(&model).step, Step::Token);
    read(
        &mut model,
        &format!("ZOHO_CLIENT_ID=1000.F\nZOHO_REFRESH_TOKEN={TOKEN}\nZOHO_API_DOMAIN=https://www.zohoapis.eu\n"),
    );
    assert!(!form(&model).steps().contains(&Step::Server) && form(&model).draft.blanks.is_empty());
}

#[test]
fn what_was_wrong_is_not_said_any_more_once_something_was_changed() {
    // What is pressed after the failure, and whether it changes anything.
    for (keys, is_changed) in [
        (&[Key::Down, Key::Enter][..], false),
        (&[Key::Down, Key::Enter, Key::Left][..], false),
        (&[Key::Down, Key::Enter, Key::Char('x')][..], true),
        (&[Key::Down, Key::Enter, Key::Backspace][..], true),
        (&[Key::Down, Key::Down, Key::Enter, Key::Char('x')][..], true),
        (&[Key::Down, Key::Down, Key::Down, Key::Enter, Key::Down, Key::Enter][..], true),
        (&[Key::Down, Key::Down, Key::Down, Key::Down, Key::Enter, Key::Down, Key::Enter][..], true),
    ] {
        let mut model = typed();
        let (task, _) = imported(&press(&mut model, &[Key::Enter]));
        end(&mut model, task, Err(Error::new(Code::Usage, "there is already a profile `shop`")));
        press(&mut model, &[Key::Home]);
        press(&mut model, keys);
        assert_eq!(form(&model).failure.is_none(), is_changed, "{keys:?}: {:?}", form(&model).step);
    }
    // So with a file: its path, or a token in its place.
    for keys in [&[Key::Ctrl('u')][..], &[Key::Char('x')], &[Key::Tab, Key::Char('x')]] {
        let mut model = at_token("", "shop");
        read(&mut model, "nonsense");
        assert!(form(&model).failure.is_some());
        press(&mut model, keys);
        assert_eq!(form(&model).failure, None, "{keys:?}");
    }
    let mut model = at_token("", "shop");
    read(&mut model, "nonsense");
    press(&mut model, &[Key::Tab]);
    update(&mut model, Message::Pasted(TOKEN.to_owned()), now());
    assert_eq!(form(&model).failure, None);
}

#[test]
fn a_token_that_is_wrong_gets_the_cursor_and_the_keys_that_mend_it() {
    let mut model = at_token("", "shop");
    type_text(&mut model, "1000.a b");
    press(&mut model, &[Key::Tab, Key::Enter]);
    assert_eq!((form(&model).step, form(&model).draft.focus), (Step::Token, 0));
    press(&mut model, &[Key::Ctrl('u')]);
    assert!(form(&model).draft.refresh_token.is_empty());
}

#[test]
fn only_providers_that_are_known_whole_are_offered() {
    let model = at_token(CONFIGURED, "shop");
    let offers: Vec<&str> = form(&model).offers.iter().map(|offer| offer.label.as_str()).collect();
    assert!(["Zoho", "lab", "corp", "GitHub"].iter().all(|known| offers.contains(known)), "{offers:?}");
    assert!(!["Okta", "Keycloak"].iter().any(|open| offers.contains(open)), "{offers:?}");
}

#[test]
fn the_profiles_import_into_the_one_that_is_selected_unless_another_is_named() {
    let mut model = model(CONFIGURED);
    model.find_mut::<ProfilesPanel>().expect("it is there").select("work".parse().expect("a name"));
    assert_eq!(press(&mut model, &[Key::Char('i')]), [Effect::LoadStatuses]);
    assert_eq!(form(&model).target().map(|profile| profile.name.as_str()), Some("work"));
    type_text(&mut model, "shop");
    assert_eq!((form(&model).name().as_str(), form(&model).target()), ("shop", None));
}
