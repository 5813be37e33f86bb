//! The sign-in screen.
use device_login::clock::Moment;
use device_login::service::{IssuedCode, Machine, SignIn, SignInEvent};
use device_login::tui::message::{Effect, Message};
use device_login::tui::model::{Model, Now, Subject};
use device_login::tui::panels::sign_in;
use device_login::tui::theme::Environment;
use device_login::tui::update::update;
use device_login::tui::view::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::BTreeMap;
use std::time::Duration;

fn now(s: u64) -> Now {
    Now {
        moment: Moment::at(Duration::from_secs(1000 + s)),
        time: "2026-11-22T14:00:00Z".parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(s),
    }
}

#[test]
fn print() {
    for (w, h) in [(80, 24), (120, 40), (40, 12), (60, 20), (160, 50), (30, 10)] {
        let abilities =
            Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Default::default() }.abilities();
        let machine = Machine { user: "dana".into(), host: "web-01".into(), over_ssh_from: Some("10.0.0.7".into()) };
        let profile: device_login::profile::ProfileName = "work".parse().unwrap();
        let subject = Subject {
            profile: profile.clone(),
            provider: "Zoho".into(),
            data_center: Some("us".into()),
            scopes: vec!["ZohoCRM.users.READ".into(), "AaaServer.profile.READ".into()],
        };
        let mut model = Model::new(abilities, machine, BTreeMap::from([(profile.clone(), subject)]));
        update(&mut model, Message::Resized { columns: w, rows: h }, now(0));
        let effects = sign_in::start(&mut model, profile, SignIn::default());
        let Effect::StartSignIn { task, .. } = effects[0] else { panic!() };
        let code = IssuedCode {
            user_code: "WLKU-4502".into(),
            verification_uri: "https://accounts.zoho.com/oauth/v3/device".parse().unwrap(),
            verification_uri_complete: Some(
                "https://accounts.zoho.com/oauth/v3/device/setCode?devcode=abcdefgh".parse().unwrap(),
            ),
            interval: Duration::from_secs(30),
            lifetime: Duration::from_secs(300),
            issued_at: now(0).moment,
            expires_at: now(300).moment,
            expires_at_time: now(300).time,
        };
        update(
            &mut model,
            Message::SignIn { task, event: SignInEvent::CodeIssued { code, next_poll_at: now(30).moment } },
            now(0),
        );
        update(
            &mut model,
            Message::SignIn { task, event: SignInEvent::Pending { next_poll_at: now(60).moment } },
            now(30),
        );
        let mut terminal = Terminal::new(TestBackend::new(w, h)).unwrap();
        terminal.draw(|frame| view(&model, now(42), frame)).unwrap();
        println!("== {w}x{h}\n{}", terminal.backend());
    }
}
