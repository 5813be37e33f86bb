//! Host names that look like a provider's are never shown as such: they are refused, or written in ASCII as what they are,
//! and the QR code has the same text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use device_login::http::Response;
use device_login::oauth::device::DeviceEvent;
use device_login::oauth::wire::{CodeReply, DeviceCode, read_device_code};
use device_login::providers::presets::Preset;
use device_login::providers::standard::Metadata;
use device_login::providers::{Provider, zoho};
use device_login::service::sign_in_event;
use device_login::tui::surroundings::Now;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::screens::{asking, now, show};
use crate::support::camera;
use crate::support::screen::{draw, screen_text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    hosts: Vec<String>,
    look_alikes: BTreeMap<String, Vec<String>>,
}

/// Each name with the one that it looks like.
fn names() -> BTreeSet<(String, String)> {
    let names: Names = toml::from_str(include_str!("../../fixtures/hostile/look_alikes.toml"))
        .expect("look_alikes.toml is as it says");
    let mut found = BTreeSet::new();
    for host in &names.hosts {
        for (at, letter) in host.char_indices() {
            for other in names.look_alikes.get(&letter.to_string()).into_iter().flatten() {
                found.insert((format!("{}{other}{}", &host[..at], &host[at + 1..]), host.clone()));
            }
        }
    }
    found
}

/// The code that an answer brings whose address has this host.
fn ask(provider: &Provider, host: &str) -> Option<DeviceCode> {
    let body = json!({
        "user_code": "WLKU-4502", "device_code": "dc", "verification_uri": format!("https://{host}/device"),
    });
    let response = Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() };
    match read_device_code(provider.dialect, provider.default_data_center(), &response) {
        Ok(CodeReply::Issued(code)) => Some(*code),
        _ => None,
    }
}

/// The same host in letters that an address may have.
fn percent_encoded(host: &str) -> String {
    let mut encoded = String::new();
    for byte in host.bytes() {
        if byte.is_ascii() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a text takes everything");
        }
    }
    encoded
}

#[test]
fn look_alikes_are_refused_or_shown_for_what_they_are() {
    let (zoho, any) = (zoho::provider(), Preset::of_kind("github").and_then(Preset::provider).expect("a preset"));
    let names = names();
    let (mut refused, mut shown, mut same) = (0, 0, 0);
    for (name, real) in &names {
        assert!(ask(&zoho, name).is_none() && ask(&any, name).is_none(), "{name} is no address as it stands");
        let encoded = percent_encoded(name);
        let is_real = |url: &Url| url.host_str() == Some(real);
        assert!(ask(&zoho, &encoded).is_none_or(|code| is_real(&code.verification_uri)), "{name} passed as Zoho's");
        let Some(code) = ask(&any, &encoded) else {
            refused += 1;
            continue;
        };
        let address = code.verification_uri.as_str();
        assert!(address.bytes().all(|byte| byte.is_ascii_graphic()), "{address}");
        // Full width and the like are other ways to write the real name, and lead there.
        if is_real(&code.verification_uri) {
            same += 1;
        } else {
            assert!(address.contains("xn--"), "{name} is shown as {address}");
            shown += 1;
        }
    }
    println!("{} look-alikes: {refused} refused, {shown} shown as xn--, {same} the real name in ASCII", names.len());
    assert!(names.len() >= 200 && shown >= 100, "{} names, {shown} shown", names.len());
}

#[test]
fn endpoints_on_look_alikes_are_refused_as_they_stand_and_in_ascii_otherwise() {
    let issuer = "https://id.example.com/";
    for (name, _) in names().iter().filter(|(_, real)| real == "id.example.com") {
        let token_endpoint = |host: &str| {
            let document = json!({ "issuer": issuer, "token_endpoint": format!("https://{host}/token") });
            Metadata::parse(document.to_string().as_bytes()).expect("a document").endpoints(issuer).ok()?.token
        };
        assert_eq!(token_endpoint(name), None, "{name}");
        if let Some(token) = token_endpoint(&percent_encoded(name)) {
            let host = token.host_str().expect("a host");
            assert!(host.is_ascii() && (host.contains("xn--") || host == "id.example.com"), "{name}: {host}");
        }
        // As an issuer it is another one, however alike.
        let document = json!({ "issuer": format!("https://{name}/") }).to_string();
        assert!(Metadata::parse(document.as_bytes()).expect("a document").endpoints(issuer).is_err(), "{name}");
    }
}

#[test]
fn the_qr_code_has_the_address_that_is_shown() {
    let any = Preset::of_kind("github").and_then(Preset::provider).expect("a preset");
    let names = names();
    let shown = names.iter().filter_map(|(name, _)| ask(&any, &percent_encoded(name)));
    let mut compared = 0;
    for code in shown.step_by(25) {
        let (model, task) = asking(160, 60);
        let Now { moment, time } = now();
        let event = DeviceEvent::CodeIssued {
            code: Box::new(code.clone()),
            expires_at: moment + code.lifetime,
            next_poll_at: moment,
        };
        let model = show(model, task, [sign_in_event(event, &[], &any, moment, time)]);
        let text = screen_text(&model, now());
        assert!(
            text.contains(code.verification_uri.as_str()),
            "{} is not on the screen:\n{text}",
            code.verification_uri
        );
        let scanned = camera::DARK.decode(&draw(&model, now()).0, 4);
        assert_eq!(scanned.as_deref(), Some(code.verification_uri.as_str()));
        compared += 1;
    }
    assert!(compared >= 5, "only {compared} were compared");
}
