//! The access token goes to listed origins only, whatever address is asked for, and on one way through the code only.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use device_login::api::{self, Call};
use device_login::http::Method;
use device_login::providers::zoho;
use device_login::secret::Secret;
use url::{Origin, Url};

const ADDRESSES: usize = 100_000;
const TOKEN: &str = "1000.canary";

const SCHEMES: &[&str] = &[
    "https://",
    "https://",
    "https://",
    "https://",
    "HTTPS://",
    "https:/",
    "https:",
    "https:\\\\",
    "https:///",
    "http://",
    "//",
    "/",
    "",
    "ftp://",
    "ws://",
    "blob:https://",
    "view-source:https://",
    "javascript:",
    " https://",
    "\thttps://",
    "ht\ntps://",
    "https\0://",
    "\\\\",
    "/\\",
    "file://",
    "data:",
];
const USERS: &[&str] = &[
    "",
    "",
    "",
    "",
    "@",
    ":@",
    "user@",
    "user:word@",
    "www.zohoapis.eu@",
    "www.zohoapis.eu:443@",
    "www.zohoapis.eu%40",
    "a@b@",
    "evil.example/@",
    "evil.example\\@",
    "evil.example#@",
    "evil.example?@",
    "\r\n@",
];
const HOSTS: &[&str] = &[
    "www.zohoapis.eu",
    "www.zohoapis.eu",
    "www.zohoapis.eu",
    "accounts.zoho.eu",
    "desk.zoho.eu",
    "WWW.ZohoAPIs.EU",
    "www.zohoapis.eu.",
    "www.zohoapis.eu..",
    ".www.zohoapis.eu",
    "www.zohoapis.eu\\.evil.example",
    "www%2ezohoapis%2eeu",
    "www.zohoapis.eu%2eevil.example",
    "www\u{3002}zohoapis\u{ff0e}eu",
    "ｗｗｗ.zohoapis.eu",
    "www.zoho\u{ad}apis.eu",
    "www.zohoapis.eu\u{200b}",
    "www.zoh\u{43e}apis.eu",
    "www.zohoapis.eu\0",
    "www.zohoapis.eu%00.evil.example",
    "www.zohoapis.eu\r\nHost: evil.example",
    "www.zohoapis.eu%0d%0a",
    "evil.example",
    "www.zohoapis.eu.evil.example",
    "evilwww.zohoapis.eu",
    "evil.www.zohoapis.eu",
    "zohoapis.eu",
    "www.zohoapis.com",
    "accounts.zoho.com",
    "sandbox.zohoapis.eu",
    "developer.zohoapis.eu",
    "content.zohoapis.eu",
    "download.zoho.eu",
    "sandbox.zohoapis.com",
    "sandbox.zohoapis.eu.evil.example",
    "evilsandbox.zohoapis.eu",
    "sandbox.zohoapis.eu.",
    "download.zoho.eu.evil.example",
    "api.zoho.eu",
    "zoho.eu",
    "[::1]",
    "[::1%25eth0]",
    "[fe80::1%eth0]",
    "[::ffff:127.0.0.1]",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "localhost",
    "",
    "*",
    "*.zohoapis.eu",
    "www.zohoapis.eu,evil.example",
    "www.zohoapis.eu evil.example",
];
const PORTS: &[&str] = &[
    "",
    "",
    "",
    "",
    ":443",
    ":0443",
    ":00000443",
    ":80",
    ":8443",
    ":",
    ":99999",
    ":-1",
    ":443@evil.example",
    ":443:443",
    ":\u{ff14}\u{ff14}\u{ff13}",
    ":443\\",
    ":%34%34%33",
    ":443.evil.example",
];
const PATHS: &[&str] = &[
    "",
    "/",
    "/crm/v8/org",
    "/crm/v8/users?type=CurrentUser",
    "/../..//evil.example/",
    "/\\evil.example",
    "//evil.example/x",
    "/%2f%2fevil.example",
    "/%2e%2e/%2e%2e/",
    "?x=@evil.example",
    "#@evil.example",
    "/\r\nHost: evil.example\r\n\r\n",
    "\\@evil.example/",
    "/@evil.example/",
    "/a\0b",
    "/:80@evil.example",
    "/.evil.example",
    "/..;/x",
    "/\u{202e}",
];
/// What is put in somewhere.
const BITS: &[&str] =
    &["\r", "\n", "\0", "\t", " ", "@", "\\", ":", "/", "?", "#", "%", ".", "[", "]", "%40", "%2f", "\u{ad}"];

/// Numbers that are the same in every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits fit") % end
    }

    fn pick(&mut self, parts: &[&'static str]) -> &'static str {
        parts[self.below(parts.len())]
    }

    fn address(&mut self) -> String {
        let parts = [SCHEMES, USERS, HOSTS, PORTS, PATHS].map(|parts| self.pick(parts));
        let mut address = parts.concat();
        if self.below(3) == 0 {
            let places: Vec<usize> = address.char_indices().map(|(at, _)| at).collect();
            let at = places.get(self.below(places.len().max(1))).copied().unwrap_or_default();
            address.insert_str(at, self.pick(BITS));
        }
        address
    }
}

fn call(url: Url) -> Call {
    Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() }
}

/// Whether what is sent begins with a listed origin, read letter by letter: no parser of addresses is asked.
fn is_listed(sent: &str, origins: &[String]) -> bool {
    let is_plain = sent.bytes().all(|byte| byte.is_ascii_graphic());
    let is_of = |origin: &String| sent.strip_prefix(origin.as_str()).is_some_and(|path| path.starts_with('/'));
    is_plain && sent.starts_with("https://") && origins.iter().any(is_of)
}

#[test]
fn the_token_goes_to_listed_origins_only() {
    let zoho = zoho::provider();
    let eu = zoho.data_center("eu").expect("Zoho is there");
    let origins = eu.origins();
    let listed: Vec<String> = origins.iter().map(Origin::ascii_serialization).collect();
    assert!(listed.len() > 3 && listed.iter().all(|origin| !origin.ends_with('/')));
    let mut random = Random(7);
    let (mut different, mut sent, mut refused, mut no_address) = (BTreeSet::new(), 0, 0, 0);
    while different.len() < ADDRESSES {
        let address = random.address();
        if !different.insert(address.clone()) {
            continue;
        }
        let product = [None, None, Some("desk"), Some("crm")][random.below(4)];
        let Ok(url) = api::resolve(&address, product, eu, zoho.dialect.products()) else {
            no_address += 1;
            continue;
        };
        match api::authorize(&call(url), &Secret::new(TOKEN), &origins, zoho.dialect) {
            Ok(request) => {
                sent += 1;
                assert!(is_listed(request.url.as_str(), &listed), "{address:?} went to {}", request.url);
                let tokens = request.headers.iter().filter(|(_, value)| value.expose().contains(TOKEN));
                assert_eq!(tokens.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["authorization"], "{address:?}");
                assert!(!request.url.as_str().contains(TOKEN) && request.body.is_empty(), "{address:?}");
            }
            Err(_) => refused += 1,
        }
    }
    println!("{ADDRESSES} addresses: {sent} to listed origins, {refused} refused, {no_address} no addresses");
    assert!(sent > 5_000 && refused > 5_000 && no_address > 5_000, "{sent}, {refused}, {no_address}");
}

#[test]
fn no_header_of_a_call_takes_the_place_of_the_token_or_splits_the_request() {
    let zoho = zoho::provider();
    let eu = zoho.data_center("eu").expect("Zoho is there");
    let url = Url::parse("https://www.zohoapis.eu/crm/v8/org").expect("an address");
    for (name, value) in [
        ("Authorization", "x"),
        ("AUTHORIZATION", "x"),
        ("Host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("X\r\nHost", "evil.example"),
        ("X Y", "z"),
        ("", "x"),
        ("X", "y\r\nHost: evil.example"),
        ("X", "y\0"),
        ("X", "\u{1b}[2J"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let call = Call { headers, ..call(url.clone()) };
        assert!(
            api::authorize(&call, &Secret::new(TOKEN), &eu.origins(), zoho.dialect).is_err(),
            "{name:?}: {value:?}"
        );
    }
}

/// Every source file below a folder, with its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).expect("a source file")));
        }
    }
    found
}

#[test]
fn one_way_through_the_code_adds_the_token_to_a_request() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut places = Vec::new();
    for (file, text) in sources(&root) {
        let file = file.trim_start_matches(&format!("{}/", root.display())).to_owned();
        // The built-in server reads that header, and sends no request.
        if file.starts_with("demo/") {
            continue;
        }
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in lines {
            let lower = line.to_ascii_lowercase();
            let sets_header = lower.contains("\"authorization\"") || lower.contains("header::authorization");
            let by_other_means =
                [".bearer_auth(", ".basic_auth(", ".default_headers("].iter().any(|way| lower.contains(way));
            if sets_header || by_other_means {
                places.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    // Headers of a person are only compared with it.
    places.retain(|place| !place.contains(r#"name.eq_ignore_ascii_case("authorization")"#));
    places.sort();
    let [token, client] = &places[..] else { panic!("there are other ways: {places:#?}") };
    assert!(token.starts_with("api.rs: Ok(request.with_header(\"authorization\", token))"), "{token}");
    assert!(client.starts_with("http.rs: self.with_header(\"authorization\"") && client.contains("Basic"), "{client}");
}
