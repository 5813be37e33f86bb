//! The catalogue on the command line, and what is said of scopes that are misspelt.

use crate::support::authority::Authority;
use crate::support::program::Home;
use device_login::providers::catalog::PRODUCTS;
use serde_json::json;

#[test]
fn all_products_are_listed_with_their_addresses() {
    let ran = Home::new().run(&["scopes"]);
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("PRODUCT") && lines[0].ends_with("ADDRESS IN US"), "{ran:?}");
    assert_eq!(lines.len(), PRODUCTS.len() + 1);
    let desk = |code| {
        let ran = Home::new().run(&["scopes", "--data-center", code]);
        ran.stdout.lines().find(|line| line.starts_with("desk ")).map(str::to_owned).expect("Desk is listed")
    };
    assert!(desk("CA").ends_with("https://desk.zohocloud.ca/api/v1"), "{}", desk("CA"));
    assert!(desk("uk").ends_with('-'), "{}", desk("uk"));
}

#[test]
fn a_product_is_told_all_about_whichever_name_it_is_given() {
    for name in ["crm", "CRM", "ZohoCRM"] {
        let ran = Home::new().run(&["scopes", name]);
        assert_eq!(ran.code, 0, "{ran:?}");
        for part in [
            "ZohoCRM.users.ALL read, change and delete CRM users",
            "EU https://www.zohoapis.eu/crm/v8",
            "GET /users?type=CurrentUser Current user ZohoCRM.users.READ",
            "queries need `ZohoCRM.coql.READ` beside the scopes of the modules",
        ] {
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ran.stdout.lines().any(|line| words(line) == part), "{part:?} is missing: {}", ran.stdout);
        }
    }
    let desk = Home::new().run(&["scopes", "desk"]);
    assert!(desk.stdout.contains("no address is known in UK") && !desk.stdout.contains("desk.zoho.uk"), "{desk:?}");
    let vault = Home::new().run(&["scopes", "vault"]);
    assert!(vault.stdout.contains("ZohoVault.secrets.ALL") && !vault.stdout.contains("https://"), "{vault:?}");
}

#[test]
fn scripts_get_lists_in_named_arrays() {
    let all = Home::new().run(&["scopes", "--json"]).json();
    assert_eq!((&all["schema_version"], all["products"].as_array().map(Vec::len)), (&json!(1), Some(PRODUCTS.len())));
    let sheet = Home::new().run(&["scopes", "sheet", "--data-center", "in", "--json"]).json();
    let product = &sheet["products"][0];
    assert_eq!(product["hosts"], json!([{"data_center": "in", "address": "https://sheet.zoho.in/api/v2"}]));
    assert_eq!(
        product["test_calls"],
        json!([{
            "name": "Workbooks", "method": "POST", "path": "/workbooks", "scope": "ZohoSheet.dataAPI.READ",
            "body": "method=workbook.list",
        }])
    );
    assert_eq!(product["scopes"][1]["writes"], json!(false));
}

#[test]
fn unknown_names_end_with_2_and_near_ones_are_offered() {
    let home = Home::new();
    home.run(&["scopes", "dsek"]).failed(2, &["`dsek` is no known product", "did you mean `desk`?"]);
    home.run(&["scopes", "xyzzy"]).failed(2, &["`device-login scopes` lists the products"]);
    home.run(&["scopes", "--data-center", "mars"]).failed(2, &["no data center `mars`", "us, eu, in"]);
    let error = home.run(&["scopes", "projekts", "--json"]);
    assert_eq!((error.code, &error.json()["error"]["code"]), (2, &json!("usage")));
}

#[test]
fn misspelt_scopes_are_warned_of_when_a_profile_is_added_and_never_refused() {
    let home = Home::new();
    let scopes = "ZohoDesk.tickets.READ,SalesIQ.feedbacks.ALL,ZohoCRM.users.READ,Made.up.READ";
    let ran = home.run(&["profile", "add", "work", "--provider", "zoho", "--client-id", "1000.A", "--scopes", scopes]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(warnings.len() == 2 && warnings[0].contains("`Desk.tickets.READ`"), "{ran:?}");
    assert!(home.configuration().contains("ZohoDesk.tickets.READ"));
    // A name that is taken is the first thing to tell.
    let again = home.run(&["profile", "add", "work", "--provider", "zoho", "--client-id", "1000.A", "--scopes", "bad"]);
    again.failed(2, &["there is already one with this name"]);
    assert!(!again.stderr.contains("warning"), "{again:?}");
}

#[test]
fn misspelt_scopes_of_a_sign_in_are_warned_of_as_well() {
    let authority = Authority::start(|_| (200, json!({"error": "invalid_scope"}).to_string()));
    let (home, origin) = (Home::new(), authority.origin());
    home.configure(&crate::meaning::at_zoho(&origin, ""));
    home.write("secret", "s");
    for more in [&["--plain"][..], &["--json"], &["--import"]] {
        let ran = home.run_with(&[&["login", "--scopes", "bad scope"], more].concat(), "1000.a.b");
        assert!(ran.stderr.contains("`bad` is not of the form of Zoho's scopes"), "{ran:?}");
    }
}

#[test]
fn a_refusal_of_scopes_names_the_misspelt_one_first() {
    let authority = Authority::start(|_| (200, json!({"error": "invalid_scope"}).to_string()));
    let (home, origin) = (Home::new(), authority.origin());
    home.configure(&format!(
        "[profiles.work]\nprovider = \"lab\"\nclient_id = \"1000.A\"\nscopes = [\"ZohoVault.passwords.READ\"]\n\n\
        [providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.us]\naccounts_server = \"{origin}\"\n\
        api_domain = \"{origin}\"\n"
    ));
    let ran = home.run(&["login"]);
    let first = "1. Zoho refuses `ZohoVault.passwords.READ`; known to work: `ZohoVault.secrets.ALL`";
    assert!(ran.code == 2 && ran.stderr.contains(first), "{ran:?}");
}
