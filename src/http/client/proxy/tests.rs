use std::ffi::OsString;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use super::Proxies;

/// The variables of a row, read.
fn read(variables: &[(&str, &str)]) -> Result<Proxies, String> {
    Proxies::from_variables(&|name: &str| {
        variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
    })
}

/// Through which proxy `https://id.example.test` is asked, and what that is told.
fn taken(value: &str) -> (String, Option<String>) {
    let proxies = read(&[("HTTPS_PROXY", value)]).unwrap_or_else(|problem| panic!("{value:?}: {problem}"));
    let proxy = proxies.proxy().unwrap_or_else(|| panic!("{value:?} is no proxy"));
    let decoded = proxy.authorization.as_ref().map(|words| {
        let words = words.to_str().expect("text").strip_prefix("Basic ").expect("Basic");
        String::from_utf8_lossy(&BASE64_STANDARD.decode(words).expect("base64")).into_owned()
    });
    (proxy.address.to_string(), decoded)
}

#[test]
fn what_people_write_for_a_proxy_is_taken() {
    for (value, address, user) in [
        ("http://proxy.test:3128", "http://proxy.test:3128/", None),
        ("http://proxy.test:3128/", "http://proxy.test:3128/", None),
        ("HTTP://Proxy.Test:3128", "http://proxy.test:3128/", None),
        ("proxy.test:3128", "http://proxy.test:3128/", None),
        ("proxy.test", "http://proxy.test/", None),
        ("proxy.test:", "http://proxy.test/", None),
        ("https://proxy.test", "https://proxy.test/", None),
        ("10.0.0.1:3128", "http://10.0.0.1:3128/", None),
        ("http://[::1]:3128", "http://[::1]:3128/", None),
        ("[fd00::1]", "http://[fd00::1]/", None),
        ("http://bücher.test:3128", "http://xn--bcher-kva.test:3128/", None),
        (" \thttp://proxy.test:3128\r\n", "http://proxy.test:3128/", None),
        ("\u{a0}proxy.test:3128\n", "http://proxy.test:3128/", None),
        ("http://user:pw@proxy.test:3128", "http://proxy.test:3128/", Some("user:pw")),
        ("user:pw@proxy.test:3128", "http://proxy.test:3128/", Some("user:pw")),
        ("http://user@proxy.test:3128", "http://proxy.test:3128/", Some("user:")),
        ("http://@proxy.test:3128", "http://proxy.test:3128/", None),
        (r"http://DOMAIN\user:pw@proxy.test:3128", "http://proxy.test:3128/", Some(r"DOMAIN\user:pw")),
        ("http://user:a#b@proxy.test:3128", "http://proxy.test:3128/", Some("user:a#b")),
        ("http://user:a/b?c@proxy.test:3128", "http://proxy.test:3128/", Some("user:a/b?c")),
        ("http://user:a@b@proxy.test:3128", "http://proxy.test:3128/", Some("user:a@b")),
        ("http://user:a:b@proxy.test:3128", "http://proxy.test:3128/", Some("user:a:b")),
        ("user:a://b@proxy.test:3128", "http://proxy.test:3128/", Some("user:a://b")),
        ("http://us%40er:p%23%2F%3f%25@proxy.test", "http://proxy.test/", Some("us@er:p#/?%")),
        ("http://user:100%@proxy.test", "http://proxy.test/", Some("user:100%")),
        ("http://user:%zz%2@proxy.test", "http://proxy.test/", Some("user:%zz%2")),
        ("http://user:pä ss@proxy.test", "http://proxy.test/", Some("user:pä ss")),
    ] {
        assert_eq!(taken(value), (address.to_owned(), user.map(str::to_owned)), "{value:?}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_without_a_word_of_it() {
    for (value, words) in [
        ("\"http://sesam:sesam@proxy.test:3128\"", "quotation marks"),
        ("'proxy.sesam:3128'", "quotation marks"),
        ("http://proxy.sesam:3128\"", "quotation marks"),
        ("http://sesam\u{7f}:pw@proxy.test", "control character"),
        ("http://sesam:pw\n@proxy.test", "control character"),
        ("http://user:sesam%0a@proxy.test", "control character"),
        ("http://ses%3aam:pw@proxy.test", "`:` in its user name"),
        ("socks5://sesam:1080", "SOCKS is not supported"),
        ("socks5h://sesam:pw@proxy.test", "SOCKS is not supported"),
        ("SOCKS4a://sesam", "SOCKS is not supported"),
        ("socks://sesam", "SOCKS is not supported"),
        ("ftp://sesam:21", "a scheme other than"),
        ("sesam://proxy.test", "a scheme other than"),
        ("http://", "names no host"),
        ("http://:3128", "names no host"),
        (":3128", "names no host"),
        ("http://user:sesam@", "names no host"),
        ("http://user:sesam@:3128", "names no host"),
        ("//sesam:3128", "something behind the host"),
        ("8080", "is `8080`, and has a number in place of a host"),
        ("http://8080", "has a number in place of a host"),
        ("http://8080:3128", "has a number in place of a host"),
        ("http://sesam@8080", "has a number in place of a host"),
        ("0x7f000001", "has a number in place of a host"),
        ("http://sesam:0", "a port that is no number"),
        ("http://sesam:65536", "a port that is no number"),
        ("http://sesam:+80", "a port that is no number"),
        ("user:sesam", "a port that is no number"),
        ("http://user:sesam#pw", "something behind the host"),
        ("http://sesam/proxy.pac", "something behind the host"),
        ("http://proxy.test:3128?sesam", "something behind the host"),
        ("http:/sesam", "something behind the host"),
        ("http://[sesam]:3128", "no valid host name"),
        ("http://[::1:3128", "no valid host name"),
        ("http://::1:3128", "stands in brackets"),
        ("http://ses am:3128", "no valid host name"),
        ("http://sesam<>:3128", "no valid host name"),
    ] {
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            let problem = read(&[(name, value)]).expect_err(value);
            assert!(problem.contains(&format!("`{name}`")) && problem.contains(words), "{value:?}: {problem}");
            assert!(!problem.contains("sesam") && !problem.contains("ses "), "{value:?}: {problem}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;

    let odd = || OsString::from_vec(b"http://user:\xff@proxy.test".to_vec());
    let problem = Proxies::from_variables(&|name: &str| (name == "ALL_PROXY").then(odd)).expect_err("it is no text");
    assert!(problem.contains("`ALL_PROXY`"), "{problem}");
    let proxy = |name: &str| match name {
        "https_proxy" => Some("proxy.test".into()),
        "NO_PROXY" => Some(odd()),
        _ => None,
    };
    assert!(Proxies::from_variables(&proxy).expect_err("it is no text").contains("`NO_PROXY`"));
}

#[test]
fn the_variables_are_asked_as_curl_asks_them() {
    let all = [("https_proxy", "a"), ("HTTPS_PROXY", "b"), ("all_proxy", "c"), ("ALL_PROXY", "d")];
    for first in 0..all.len() {
        let proxies = read(&all[first..]).expect("a proxy");
        assert_eq!(
            proxies.proxy().map(|proxy| proxy.address.as_str()),
            Some(format!("http://{}/", all[first].1)).as_deref()
        );
    }
    let empty = read(&[("https_proxy", ""), ("HTTPS_PROXY", " \n"), ("ALL_PROXY", "d")]).expect("a proxy");
    assert!(empty.proxy().is_some_and(|proxy| proxy.address.as_str() == "http://d/"));
    for none in ["http_proxy", "HTTP_PROXY"] {
        assert!(read(&[(none, "socks5://x")]).expect("it is not read").proxy().is_none());
    }
    let web_server =
        read(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil.test"), ("HTTPS_PROXY", "proxy.test")]);
    assert!(web_server.expect("a proxy").proxy().is_some_and(|proxy| proxy.address.as_str() == "http://proxy.test/"));
    let plain = Url::parse("http://127.0.0.1:9101/").expect("an address");
    assert!(read(&[("ALL_PROXY", "proxy.test")]).expect("a proxy").between(&plain).is_none());
}

#[test]
fn who_is_exempt_is_asked_directly() {
    let name = "https://id.example.test/token";
    for (list, url, is_exempt) in [
        ("*", name, true),
        ("*", "https://10.1.2.3/", true),
        ("*", "https://[fd00::7]/", true),
        ("other.test,*", name, true),
        ("example.test", name, true),
        ("example.test", "https://example.test/", true),
        (".example.test", name, true),
        (".example.test", "https://example.test/", true),
        ("*.example.test", name, true),
        ("*.example.test", "https://a.id.example.test/", true),
        ("*.example.test", "https://example.test/", false),
        ("example.test", "https://badexample.test/", false),
        (".example.test", "https://badexample.test/", false),
        ("id.example", name, false),
        ("EXAMPLE.Test", name, true),
        ("example.test.", name, true),
        ("example.test", "https://id.example.test./", true),
        ("other.test example.test", name, true),
        ("other.test\texample.test\r\n", name, true),
        (" other.test , example.test ,,", name, true),
        ("id.example.test:443", name, true),
        ("id.example.test:8443", name, false),
        ("id.example.test:8443", "https://id.example.test:8443/", true),
        (".example.test:443", name, true),
        ("id.example.test:", name, false),
        ("10.1.2.3", "https://10.1.2.3/", true),
        ("10.1.2.3", "https://10.1.2.30/", false),
        ("10.1.2.3:8443", "https://10.1.2.3:8443/", true),
        ("10.1.2.3:8443", "https://10.1.2.3/", false),
        ("10.0.0.0/8", "https://10.1.2.3/", true),
        ("10.0.0.0/8", "https://11.1.2.3/", false),
        ("10.1.2.3/8", "https://10.200.2.3/", true),
        ("0.0.0.0/0", "https://11.1.2.3/", true),
        ("0.0.0.0/0", "https://[fd00::7]/", false),
        ("10.1.2.3/32", "https://10.1.2.3/", true),
        ("10.1.2.3/33", "https://10.1.2.3/", false),
        ("fd00::/8", "https://[fd12::7]/", true),
        ("[fd00::]/8", "https://[fd12::7]/", true),
        ("fd00::/8", "https://[fe80::7]/", false),
        ("::/0", "https://[fe80::7]/", true),
        ("::1", "https://[::1]/", true),
        ("[::1]", "https://[::1]:8443/", true),
        ("[::1]:8443", "https://[::1]:8443/", true),
        ("[::1]:8443", "https://[::1]/", false),
        ("10.1.2.3", "https://[::ffff:10.1.2.3]/", true),
        ("10.0.0.0/8", name, false),
        ("bücher.test", "https://xn--bcher-kva.test/", true),
        ("xn--bcher-kva.test", "https://bücher.test/", true),
        ("10", "https://10.example.test/", false),
        ("http://id.example.test", name, false),
        ("", name, false),
        (",", name, false),
    ] {
        for variable in ["no_proxy", "NO_PROXY"] {
            let proxies = read(&[("HTTPS_PROXY", "proxy.test:3128"), (variable, list)]).expect("a proxy");
            let url = Url::parse(url).expect("an address");
            assert_eq!(proxies.between(&url).is_none(), is_exempt, "{list:?} and {url}");
        }
    }
    let both = read(&[("HTTPS_PROXY", "proxy.test"), ("no_proxy", "other.test"), ("NO_PROXY", "*")]).expect("a proxy");
    assert!(both.between(&Url::parse(name).expect("an address")).is_some(), "`no_proxy` beats `NO_PROXY`");
}
