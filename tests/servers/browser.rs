//! A person in front of the approval page: real clicks in a real browser, on a phone and on a desktop.

use std::time::Duration;

use device_login::demo::Options;
use serde_json::json;

use crate::support::demo_server::{DemoServer, SCOPE, text};
use crate::support::http;
use crate::support::webdriver::{Browser, Device};

fn server() -> DemoServer {
    DemoServer::start(Options { interval: Duration::ZERO, ..Options::default() })
}

/// Nothing sticks out at the side, the style sheet is in force, and the browser has nothing to complain about.
fn assert_well_laid_out(browser: &Browser) {
    let width = browser.ask("document.documentElement.scrollWidth <= window.innerWidth");
    assert_eq!(width, true, "the page scrolls sideways: {}", browser.ask("location.pathname"));
    assert_eq!(browser.ask("getComputedStyle(document.querySelector('main')).borderTopLeftRadius"), "16px");
}

#[test]
fn on_a_phone_a_typed_code_is_accepted() {
    let server = server();
    let code = server.device_code(SCOPE);
    let user_code = text(&code["user_code"]);
    let browser = Browser::open(Device::Phone);
    browser.go_to(text(&code["verification_url"]));
    assert_well_laid_out(&browser);
    browser.type_into("#user_code", &user_code.to_lowercase().replace('-', " "));
    browser.click("button.primary");

    assert_eq!(browser.text(".code"), user_code);
    assert_eq!(browser.text("h1"), "Device Login wants to sign in");
    let scopes = browser.text(".scopes");
    for words in ["read your profile", "read CRM users", "read, change and delete CRM records"] {
        assert!(scopes.contains(words), "{scopes}");
    }
    assert_well_laid_out(&browser);
    browser.click("button[value=accept]");

    assert_eq!(browser.text(".message h1"), "You’re signed in");
    assert_well_laid_out(&browser);
    let tokens = server.poll(&server.us(""), &code).json();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
}

#[test]
fn on_a_desktop_a_link_is_accepted_from_the_other_data_center() {
    let server = server();
    let code = server.device_code(SCOPE);
    let browser = Browser::open(Device::Desktop);
    browser.go_to(text(&code["verification_uri_complete"]));
    assert_eq!(browser.text(".code"), text(&code["user_code"]));
    assert_well_laid_out(&browser);
    browser.click("input[value=eu]");
    browser.click("button[value=accept]");
    assert_eq!(browser.text(".message h1"), "You’re signed in");
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "other_dc", "user_location": "eu" }));
    assert!(server.poll(&server.eu(""), &code).json()["access_token"].is_string());

    browser.go_to(text(&code["verification_uri_complete"]));
    assert!(browser.text(".problem").contains("Type the code that your device shows."));
}

#[test]
fn a_wrong_code_loses_nothing_and_a_right_one_can_be_rejected() {
    let server = server();
    let code = server.device_code(SCOPE);
    let browser = Browser::open(Device::Phone);
    browser.go_to(&server.us("/"));
    browser.type_into("#user_code", "aaaa-0000");
    browser.click("button.primary");
    assert!(browser.text(".problem").contains("No device waits with this code."));
    assert_eq!(browser.ask("document.querySelector('#user_code').value"), "aaaa-0000");
    assert_well_laid_out(&browser);

    browser.type_into("#user_code", text(&code["user_code"]));
    browser.click("button.primary");
    browser.click("button[value=reject]");
    assert_eq!(browser.text(".message h1"), "Sign-in rejected");
    assert_eq!(server.poll(&server.us(""), &code).json(), json!({ "error": "access_denied" }));
}

#[test]
fn on_a_phone_a_browsers_request_is_accepted_and_goes_back_to_the_client() {
    let server = server();
    let client_id = server.addresses().client_id.clone();
    // Any page of another origin will do for the client's.
    let client = server.eu("/console/self-client");
    let request = http::form(&[
        ("response_type", "code"),
        ("client_id", &client_id),
        ("scope", SCOPE),
        ("redirect_uri", &client),
        ("access_type", "offline"),
        ("state", "as it was"),
    ]);
    let browser = Browser::open(Device::Phone);
    browser.go_to(&server.us(&format!("/oauth/v2/auth?{request}")));
    assert_eq!(browser.text("h1"), "Device Login wants to sign in");
    assert_eq!(browser.text(".whole"), server.eu(""));
    assert!(browser.text(".scopes").contains("read, change and delete CRM records"));
    assert_well_laid_out(&browser);
    browser.click("input[value=eu]");
    browser.click("button[value=accept]");

    browser.text("#scope");
    let parameter = |name: &str| browser.ask(&format!("new URLSearchParams(location.search).get('{name}')"));
    assert_eq!(browser.ask("location.origin + location.pathname"), client);
    assert_eq!((parameter("state"), parameter("location")), (json!("as it was"), json!("eu")));
    assert_eq!(parameter("accounts-server"), server.eu(""));
    assert_eq!(browser.ask("document.referrer"), "", "the way to the code is nobody's business");
    let code = parameter("code");
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", &client_id),
        ("client_secret", &server.addresses().client_secret),
        ("redirect_uri", &client),
        ("code", text(&code)),
    ];
    let tokens = http::post(&server.eu("/oauth/v2/token"), &exchange).json();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string(), "{tokens}");
}

#[test]
fn on_a_phone_the_self_client_shows_a_code() {
    let server = server();
    let browser = Browser::open(Device::Phone);
    browser.go_to(&server.addresses().self_client_page);
    assert_well_laid_out(&browser);
    browser.type_into("#scope", "Made.up.READ");
    browser.click("button.primary");
    assert!(browser.text(".problem").contains("does not exist"));
    assert_eq!(browser.ask("document.querySelector('#scope').value"), "Made.up.READ");
    assert_well_laid_out(&browser);

    browser.type_into("#scope", "ZohoCRM.users.READ");
    browser.click("button.primary");
    assert!(browser.text("#grant-code").starts_with("1000."));
    assert_well_laid_out(&browser);
}
