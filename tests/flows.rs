//! The device flow and the refresh, played against scripted servers in virtual time.

mod support;

use support::scenario::Scenario;

#[test]
fn every_scenario_plays_as_written() {
    let scenarios = Scenario::load_all();
    assert!(scenarios.len() >= 60, "only {} scenarios were found", scenarios.len());
    let complaints: Vec<String> = scenarios.iter().filter_map(|scenario| scenario.run().err()).collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), scenarios.len(), complaints.join("\n\n"));
}
