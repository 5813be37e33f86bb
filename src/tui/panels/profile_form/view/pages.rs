//! The words of each step.

use super::super::offers::Blank;
use super::super::steps::Step;
use super::super::{ProfileForm, Purpose};
use super::{Choice, Page, ends, field, hidden, scopes};
use crate::config::{ClientType, SecretSource};
use crate::error::Advice;
use crate::providers::{DataCenter, zoho};
use crate::service::State;
use crate::tui::advice::hint;
use crate::tui::lines::{end_of_sentence, sentence};
use crate::tui::surroundings::Surroundings;
use crate::tui::theme::Mark;

/// The page of the step at hand, with what is wrong with it.
pub(super) fn page<'a>(around: &'a Surroundings, form: &'a ProfileForm) -> Page<'a> {
    let mut page = match form.step {
        Step::Name => name(form),
        Step::Token => token(form),
        Step::Provider => provider(form),
        Step::Server => server(form),
        Step::DataCenter => data_center(form),
        Step::ClientType => client_type(around, form),
        Step::RedirectUri => redirect_uri(form),
        Step::ClientId => client_id(form),
        Step::ClientSecret => client_secret(form),
        Step::Scopes => scopes::page(around, form),
        Step::Review => ends::review(around, form),
        Step::Remove => ends::remove(form),
        Step::Saved => ends::saved(around, form),
    };
    page.notes.splice(0..0, problems(around, form));
    page
}

/// What stands in the way of going on, at once where something was typed.
fn problems(around: &Surroundings, form: &ProfileForm) -> Vec<(Option<Mark>, String)> {
    let mut notes = Vec::new();
    let (under_way, failed) = match form.step {
        Step::Remove => ("Removing ...", "Not removed: "),
        // What is said of a file is whole.
        Step::Token => ("Reading the file ...", ""),
        _ if form.is_import() => ("Importing: asking the provider ...", "Not imported: "),
        _ => ("Saving ...", "Not saved: "),
    };
    if form.saving.is_some() {
        notes.push((Some(Mark::Working), under_way.to_owned()));
    }
    if let Some(error) = &form.failure {
        let told = if failed.is_empty() { sentence(error) } else { format!("{failed}{}", end_of_sentence(error)) };
        notes.push((Some(Mark::NeedsSignIn), told));
        notes.extend(hint(around, form, error).map(|hint| (None, format!("What helps: {hint}."))));
    }
    let is_typed = match form.step {
        Step::Name => match &form.purpose {
            Purpose::Rename { old, .. } => form.name() != old.as_str(),
            _ => !form.name().is_empty(),
        },
        // Half an address is wrong for long before it is right.
        Step::Server => form.draft.blanks.iter().all(|(_, field)| !field.text().is_empty()),
        Step::RedirectUri => !form.draft.redirect_uri.text().is_empty(),
        Step::ClientId => !form.draft.client_id.text().is_empty(),
        Step::Token => !form.draft.refresh_token.is_empty(),
        Step::ClientSecret => true,
        _ => false,
    };
    if let Err(problem) = form.check(form.step)
        && (is_typed || form.was_refused)
    {
        notes.push((Some(Mark::Attention), problem));
    }
    notes
}

fn name(form: &ProfileForm) -> Page<'_> {
    let (heading, intro) = match &form.purpose {
        Purpose::Rename { old, state } => {
            let stays = match state {
                State::Valid | State::Expiring | State::Expired => "It stays signed in. ",
                State::SignedOut | State::NeedsLogin | State::Unknown => "",
            };
            (format!("Another name for {old}"), format!("{stays}Scripts that name it have to learn the new name."))
        }
        Purpose::Import if !form.config.profiles.is_empty() => (
            "Which profile gets the token?".to_owned(),
            "One that is there, or a new one under another name.".to_owned(),
        ),
        _ => (
            "What is the profile to be called?".to_owned(),
            "A short name for this sign-in; commands take it, such as `token NAME`.".to_owned(),
        ),
    };
    let target = form.target().map(|profile| format!("{} is there, and gets the token.", profile.name));
    Page {
        heading,
        intro: vec![intro],
        fields: vec![field("Name", &form.draft.name, true)],
        notes: target.map(|text| (None, text)).into_iter().collect(),
        help: vec!["Letters, digits, `-`, `_` and `.`; for example work, ops-bot, lobby-2.".to_owned()],
        ..Page::default()
    }
}

/// An import goes to providers whose place is known.
const FOR_ANOTHER: &str = "For a provider that is not here, add a profile first, and name that profile for the import.";

fn provider(form: &ProfileForm) -> Page<'_> {
    let rows = form.offers.iter();
    Page {
        heading: "Who is to be signed in to?".to_owned(),
        rows: rows.map(|offer| Choice { text: offer.label.clone(), detail: offer.detail.clone() }).collect(),
        selected: Some(form.row),
        help: form.is_import().then(|| FOR_ANOTHER.to_owned()).into_iter().collect(),
        ..Page::default()
    }
}

fn server(form: &ProfileForm) -> Page<'_> {
    let blanks = form.draft.blanks.iter().enumerate();
    let fields = blanks.map(|(index, (blank, typed))| field(blank.label(), typed, index == form.draft.focus)).collect();
    let example = |(blank, _): &(Blank, _)| {
        let default = blank.default.map_or_else(String::new, |default| format!("; {default} if you have no own"));
        format!("{}: such as {}{default}.", blank.label(), blank.example)
    };
    Page {
        heading: form.offer().question(),
        fields,
        help: form.draft.blanks.iter().map(example).collect(),
        ..Page::default()
    }
}

fn data_center(form: &ProfileForm) -> Page<'_> {
    let row = |data_center: &DataCenter| {
        let code = data_center.code.to_ascii_uppercase();
        let place = zoho::place(&data_center.code).unwrap_or_default();
        Choice { text: format!("{code:3} {place}"), detail: host(data_center) }
    };
    Page {
        heading: "Where is the client registered?".to_owned(),
        intro: vec![
            "In the data center whose console you use, usually the one of your account. Accounts that live elsewhere are followed at the sign-in.".to_owned(),
        ],
        rows: form.data_centers().iter().map(row).collect(),
        selected: Some(form.row),
        ..Page::default()
    }
}

pub(super) fn host(data_center: &DataCenter) -> String {
    let url = &data_center.accounts_server;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", url.host_str().unwrap_or_default())
}

fn client_type<'a>(around: &Surroundings, form: &ProfileForm) -> Page<'a> {
    let rows = ClientType::ALL.map(|kind| {
        let (name, what) = described(kind);
        Choice { text: name.to_owned(), detail: what.to_owned() }
    });
    let at = ClientType::ALL.get(form.row).copied().unwrap_or_default();
    let can_be_used = at != ClientType::ClientBased;
    let elsewhere = signing_in_elsewhere(around, form, at);
    let told = std::iter::once(explained(at).to_owned()).chain(elsewhere).collect::<Vec<_>>().join(" ");
    Page {
        heading: "Which type of client is it?".to_owned(),
        rows: rows.into(),
        selected: Some(form.row),
        help: [Some(told), can_be_used.then(|| console(form, at))].into_iter().flatten().collect(),
        ..Page::default()
    }
}

pub(super) fn described(kind: ClientType) -> (&'static str, &'static str) {
    match kind {
        ClientType::NonBrowser => ("Non-browser", "by a code on another device"),
        ClientType::SelfClient => ("Self client", "by a code from the console"),
        ClientType::ServerBased => ("Server-based", "through a browser"),
        ClientType::Mobile => ("Mobile-based", "through a browser"),
        ClientType::ClientBased => ("Client-based", "not here"),
    }
}

fn explained(kind: ClientType) -> &'static str {
    match kind {
        ClientType::NonBrowser => {
            "For servers, terminals and TVs: this screen shows a code, and a phone approves it. Choose it unless you have a reason not to. The console wants a name and a home page, no redirect URI."
        }
        ClientType::SelfClient => {
            "For scripts of your own account: the console makes a code by hand, good for minutes."
        }
        ClientType::ServerBased => "For web servers: a browser is sent back to a redirect URI that is registered.",
        ClientType::Mobile => {
            "For programs on phones and desktops: as server-based, and the code that comes back is bound to this program (PKCE)."
        }
        ClientType::ClientBased => {
            "For scripts in web pages: tokens are given to the page only and cannot be refreshed. Such a client cannot sign in here: register one of the others."
        }
    }
}

/// How a client signs in that does so by no device code, as a sentence.
pub(super) fn signing_in_elsewhere(around: &Surroundings, form: &ProfileForm, kind: ClientType) -> Option<String> {
    let advice = Advice::SignInBy(form.name().parse().ok()?, kind.way()?);
    Some(format!("To sign in, {}.", around.command_line.said(&advice)))
}

/// Where the client is registered.
fn console(form: &ProfileForm, kind: ClientType) -> String {
    match form.data_center().as_ref().and_then(zoho::api_console) {
        Some(console) => format!("Register it in the API console: {console}"),
        None => format!("How to get one: {}.", kind.registration(form.dialect())),
    }
}

fn redirect_uri(form: &ProfileForm) -> Page<'_> {
    Page {
        heading: "Where is a browser sent after the approval?".to_owned(),
        intro: vec!["To an address that is registered with the client, letter by letter.".to_owned()],
        fields: vec![field("Redirect URI", &form.draft.redirect_uri, true)],
        help: vec![
            "On loopback, such as http://127.0.0.1:8123/callback, this program takes the answer by itself; elsewhere the address that the browser ends on is pasted.".to_owned(),
        ],
        ..Page::default()
    }
}

fn client_id(form: &ProfileForm) -> Page<'_> {
    let kind =
        if form.has_client_types() { format!("Its type: {}.", described(form.client_type()).0) } else { String::new() };
    let example = if form.has_client_types() { "It begins with 1000. or the like." } else { "" };
    let help = [console(form, form.client_type()), kind, example.to_owned()];
    Page {
        heading: "What is the client id?".to_owned(),
        intro: vec!["The console shows it beside the client. It is no secret.".to_owned()],
        fields: vec![field("Client id", &form.draft.client_id, true)],
        help: help.into_iter().filter(|line| !line.is_empty()).collect(),
        ..Page::default()
    }
}

fn client_secret(form: &ProfileForm) -> Page<'_> {
    let dialect = form.dialect();
    let if_none = || {
        if dialect.needs_secret {
            format!("{} gives no token to a client without it.", dialect.display_name)
        } else {
            "Leave it empty if the client has none.".to_owned()
        }
    };
    let empty = match &form.purpose {
        Purpose::Edit { .. } if form.loses_secret() => {
            format!("The one that the profile has is the old client's and goes. {}", if_none())
        }
        Purpose::Edit { before, stores_secret, .. } => match &before.client_secret {
            SecretSource::Store => match stores_secret {
                Some(true) => "Leave it empty to keep the one that is stored.".to_owned(),
                Some(false) => format!("None is stored. {}", if_none()),
                None => "Leave it empty to keep the one that is stored, if there is one.".to_owned(),
            },
            SecretSource::File(path) => format!("Leave it empty to go on with the file {}.", path.display()),
            SecretSource::Variable(name) => format!("Leave it empty to go on with the variable {name}."),
        },
        _ => if_none(),
    };
    Page {
        heading: "What is the client secret?".to_owned(),
        intro: vec![format!("Type or paste it: it is not shown. {empty}")],
        fields: vec![hidden("Client secret", &form.draft.secret, true)],
        help: vec![kept(form), "Ctrl-U empties the line.".to_owned()],
        ..Page::default()
    }
}

fn token(form: &ProfileForm) -> Page<'_> {
    let focus = form.draft.focus;
    Page {
        heading: "What is the refresh token?".to_owned(),
        intro: vec![
            "Type or paste it: it is not shown. Or name the .env file of one of Zoho's SDKs that has it.".to_owned(),
        ],
        fields: vec![
            hidden("Refresh token", &form.draft.refresh_token, focus == 0),
            field("or .env file", &form.draft.env_file, focus == 1),
        ],
        help: vec![
            kept(form),
            "Ctrl-U empties the line. The file has ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_API_DOMAIN.".to_owned(),
        ],
        ..Page::default()
    }
}

/// Where secrets are kept.
fn kept(form: &ProfileForm) -> String {
    form.kept.as_ref().map_or_else(
        || "It is kept encrypted in the store, never in config.toml.".to_owned(),
        |protection| format!("It is kept in the store ({}), never in config.toml.", protection.in_words()),
    )
}
