//! The device flow and the refresh, played against scripted servers in virtual time.

mod hostile;
mod properties;
mod refresh_answers;
mod scenario;

use scenario::Scenario;

#[test]
fn every_scenario_plays_as_written() {
    let scenarios = Scenario::load_all();
    assert!(scenarios.len() >= 60, "only {} scenarios were found", scenarios.len());
    let complaints: Vec<String> = scenarios.iter().filter_map(|scenario| scenario.run().err()).collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), scenarios.len(), complaints.join("\n\n"));
}

const SAMPLE: &str = include_str!("../fixtures/flows/zoho-pending-several-times.toml");

/// The sample with one text replaced everywhere.
fn changed(from: &str, to: &str) -> Result<(), String> {
    assert!(SAMPLE.contains(from), "the sample has {from:?}");
    Scenario::parse("sample", &SAMPLE.replace(from, to)).and_then(|scenario| scenario.run())
}

#[test]
fn a_scenario_with_a_typo_is_refused() {
    for (word, typo) in [
        ("about =", "abuot ="),
        ("outcome =", "outcom ="),
        ("scopes =", "scope ="),
        ("data_center =", "datacenter ="),
        ("\"zoho\"", "\"zohoo\""),
        ("secret =", "secrets ="),
        ("form =", "from ="),
        ("at = 5.7", "att = 5.7"),
        ("send = \"poll\"", "send = \"pol\""),
        ("latency =", "latancy ="),
        ("status = 200, json", "failure = \"connect\", json"),
        ("status = 200, json = { error = \"authorization_pending\" }", "failure = \"conect\""),
    ] {
        assert!(Scenario::parse("sample", &SAMPLE.replace(word, typo)).is_err(), "{typo} was taken");
    }
}

#[test]
fn a_scenario_that_expects_something_else_fails_and_names_the_step() {
    for (from, to, step) in [
        ("at = 5.7", "at = 5.8", "exchange 2 of 6"),
        ("https://accounts.zoho.com/oauth/v3/device/token", "https://accounts.zoho.eu/oauth/v3/device/token", "2 of 6"),
        ("/oauth/v3/device/token", "/oauth/v3/device/token?client_id=1000.CLIENT", "exchange 2 of 6"),
        ("prompt = \"consent\", ", "", "exchange 1 of 6"),
        ("code = \"1004.device.code\"", "code = \"1004.device.code\", more = \"\"", "exchange 2 of 6"),
        ("pending; next poll at 17.1", "pending; next poll at 17.2", "exchange 3 of 6"),
        ("access 1000.access", "access 1000.other", "exchange 6 of 6"),
        ("authorization_pending", "access_denied", "exchange 2 of 6"),
    ] {
        let complaint = changed(from, to).expect_err(to);
        assert!(complaint.starts_with("sample ") && complaint.contains(step), "{to}: {complaint}");
    }
    assert_eq!(changed("pending", "pending"), Ok(()));
}
