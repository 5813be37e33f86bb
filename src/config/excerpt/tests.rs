//! The short way is the long one for whatever is valid, and a mistake elsewhere changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::texts::ABOVE;
use super::super::{Config, SecretSource};
use super::WINDOW;
use crate::profile::ProfileName;

const FILE: &str = "/etc/x/config.toml";
/// Bytes of a window that is smaller than most texts here.
const SMALL: usize = 120;

/// Tables, and whether there is a mistake in each that concerns its own profile or provider alone.
const TABLES: &[(&str, bool)] = &[
    ("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"A.b.READ\"]\n", false),
    (
        "[profiles.work] # mine\nprovider = \"CORP\"\nclient_id = 'x'\nscopes = [\n  \"A.b.READ\", # [profiles.work]\n]\n\n",
        false,
    ),
    ("  [profiles.\"work\"]\r\n\tprovider = \"lab\"\r\n\tclient_id = \"x\"\r\n\tdata_center = \"EU\"\r\n", false),
    (
        "[profiles.work.client_secret_files]\neu = \"secret\"\n[profiles.work]\nprovider = \"zoho\"\nclient_id = \"x\"\n",
        false,
    ),
    ("[profiles.lobby]\nprovider = \"corp\"\nclient_id = \"x\"\nclient_secret_env = \"LOBBY\"\n", false),
    ("[profiles.\"v1.2\"]\nprovider = \"zoho\"\nclient_id = \"x\"\n\"client_secret_env\" = \"OTHER\"\n", false),
    ("[profiles.'lobby']\nprovider = \"zoho\"\nclient_id = \"x\"\n", false),
    ("[ profiles . work ]\nprovider = \"zoho\"\nclient_id = \"x\"\n", false),
    ("[\"\\u0070rofiles\".work]\nprovider = \"github\"\nclient_id = \"x\"\n", false),
    ("[profiles]\nwork = { provider = \"zoho\", client_id = \"x\" }\n", false),
    ("[profiles.noted]\nprovider = \"zoho\"\nclient_id = \"\"\"\n[profiles.work]\"\"\"\n", false),
    ("[[profiles.work]]\nprovider = \"zoho\"\nclient_id = \"x\"\n", false),
    ("[screen]\ntheme = \"light\"\n[screen.keys]\n", false),
    ("[providers.corp]\nkind = \"standard\"\nissuer = \"https://id.example.com\"\n", false),
    (
        "[providers.Corp]\nkind = \"standard\"\nissuer = \"https://Id.example.com\"\n\
         allowed_origins = [\"https://api.example.com\"]\n",
        false,
    ),
    (
        "[providers.lab]\nkind = \"zoho\"\n[providers.lab.data_centers.eu]\naccounts_server = \"http://127.0.0.1:1\"\n\
         api_domain = \"http://127.0.0.1:1\"\n",
        false,
    ),
    ("[profile.work]\nprovider = \"zoho\"\nclient_id = \"x\"\n", false),
    ("[profiles.broken]\nprovider = \"zoho\"\nclient_id = \n", true),
    ("[profiles.broken]\nprovider = 5\nscope = []\n", true),
    ("[profiles.broken]\nscopes = [\n", true),
    ("[profiles.broken]\nprovider = \"zoho\"\nclient_id = \"x\nscopes = [\"a,b\"\n", true),
    ("[providers.broken]\nkind = \"standard\"\n", true),
    ("[providers.zoho]\nkind = \"nothing\"\n", true),
];

/// All that a script comes to see of a configuration; `None` where its profile is not there.
fn seen(config: &Config, name: Option<&ProfileName>) -> Option<String> {
    let profile = config.profile(name).ok()?;
    let variables: BTreeSet<&String> = config
        .profiles
        .values()
        .filter_map(|profile| match &profile.client_secret {
            SecretSource::Variable(name) => Some(name),
            _ => None,
        })
        .collect();
    let provider = (config.provider(profile), config.allowed_origins(profile).collect::<Vec<_>>());
    let of_all = (&config.default_profile, &config.screen, &config.store, &config.key_command);
    Some(format!("{profile:#?} {provider:#?} {of_all:#?} {variables:?} {:?}", config.file))
}

fn parse(text: &str, window: usize, name: Option<&ProfileName>) -> Option<Config> {
    super::parse(text.as_bytes(), text.len(), window, name, Path::new(FILE))
}

#[test]
fn the_short_way_is_the_long_one() {
    let file = Path::new(FILE);
    let names = ["work", "lobby", "v1.2", "dotted", "nobody"].map(|name| name.parse().expect("a name"));
    let names: Vec<Option<&ProfileName>> = names.iter().map(Some).chain([None]).collect();
    let (mut short_ways, mut past_mistakes, mut by_parts) = (0, 0, 0);
    for above in ABOVE {
        for first in TABLES {
            for second in TABLES {
                let text = [above, first.0, second.0].concat();
                let sound = [first, second].into_iter().filter(|table| !table.1).map(|table| table.0);
                let mended: String = [*above].into_iter().chain(sound).collect();
                for (name, window) in names.iter().flat_map(|name| [(name, WINDOW), (name, SMALL)]) {
                    let Some(short) = parse(&text, window, *name) else { continue };
                    by_parts += usize::from(text.len() > window);
                    let said = || format!("{name:?} of\n{text}");
                    let whole = Config::parse(&text, file);
                    past_mistakes += usize::from(whole.is_err());
                    // Whoever names a profile needs no default one.
                    let parse_mended = |_| match name {
                        Some(_) => Config::parse_without_default(&mended, file, |_, _, _| true),
                        None => Config::parse(&mended, file),
                    };
                    let long = whole.or_else(parse_mended);
                    let long = &long.unwrap_or_else(|error| panic!("{error}: {}", said()));
                    assert_eq!(seen(&short, *name), seen(long, *name), "{}", said());
                    assert!(seen(long, *name).is_some(), "{}", said());
                    short_ways += 1;
                }
            }
        }
    }
    let often = short_ways > 500 && past_mistakes > 100 && by_parts > 100;
    assert!(often, "{short_ways} short ways, {past_mistakes} past mistakes, {by_parts} by parts");
}

#[test]
fn a_long_text_is_the_same_through_the_window() {
    let work: ProfileName = "work".parse().expect("a name");
    let many = |numbers: std::ops::Range<u32>| -> String {
        let profile = |number| {
            format!("[profiles.p{number}]\nprovider = \"zoho\"\nclient_id = \"1000.{number}\"\nscopes = [\"a\"]\n")
        };
        numbers.map(profile).collect()
    };
    let (before, behind) = (many(0..1000), many(1000..1500));
    let mut short_ways = 0;
    for (table, is_mistaken) in TABLES {
        let text = ["[profiles.first]\nprovider = \"zoho\"\nclient_id = \"x\"\n", &before, table, &behind, TABLES[0].0]
            .concat();
        assert!(before.len() > WINDOW);
        let Some(short) = parse(&text, WINDOW, Some(&work)) else { continue };
        let sound = if *is_mistaken { text.replace(table, "") } else { text };
        let long = Config::parse(&sound, Path::new(FILE)).unwrap_or_else(|error| panic!("{error}: {table}"));
        assert_eq!(seen(&short, Some(&work)), seen(&long, Some(&work)), "{table}");
        short_ways += 1;
    }
    assert!(short_ways > 10, "{short_ways} short ways");
}

#[test]
fn plain_tables_are_read_the_short_way_however_they_are_written() {
    let work = "provider = \"zoho\"\nclient_id = \"x\"\n";
    for (text, name) in [
        (format!("[profiles.work]\n{work}"), None),
        (format!("[profiles.work]\n{work}[profiles.other]\nscopes = [\n"), Some("work")),
        (format!("default_profile = \"work\"\n[profiles.other]\n\n[profiles.work] # mine\n{work}"), None),
        (format!("\t[profiles.\"v1.2\"]\t\r\n{work}[profiles.other]\n"), Some("v1.2")),
        (format!("[providers.other]\nkind = 1\n[profiles.work]\n{work}"), Some("work")),
    ] {
        let name = name.map(|name| name.parse().expect("a name"));
        assert!(parse(&text, WINDOW, name.as_ref()).is_some(), "{text}");
    }
}
