//! How the program reaches a provider: through proxies, and with the certificates that it is told to trust.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::authority;
use crate::support::program::{Home, Ran, ran};
use crate::support::socket::closed_port;
use crate::support::tls::Authority;
use serde_json::{Value, json};
use url::Url;

const PASSWORD: &str = "sentinel-proxy-password";

/// A server that only `authority` vouches for, and a home whose profile signs in there.
fn server() -> (Authority, Url, Home) {
    let authority = Authority::new("Test Authority");
    let url = authority.serve(|_| ());
    let home = Home::new();
    home.configure(&format!(
        "default_profile = \"work\"\n[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"read\"]\n\
         [providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{url}\"\ntoken_endpoint = \"{url}\"\n"
    ));
    (authority, url, home)
}

fn login(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = home.command(&[&["login", "--plain"], arguments].concat());
    command.envs(environment.iter().copied());
    let ran = ran(command.spawn().expect("the program starts"));
    assert!(!format!("{ran:?}").contains(PASSWORD), "{ran:?}");
    ran
}

/// The server's own word came through.
#[track_caller]
fn reached(ran: &Ran) {
    ran.failed(2, &["does not know this client (invalid_client)"]);
}

#[test]
fn a_private_authority_is_trusted_by_flag_and_by_environment_and_else_not_at_all() {
    let (authority, _, home) = server();
    let file = authority.file();
    let file = file.to_str().expect("a path of letters");
    reached(&login(&home, &["--ca-cert", file], &[]));
    reached(&login(&home, &[], &[("SSL_CERT_FILE", file)]));
    let words = "nobody whom this machine trusts has signed the certificate";
    login(&home, &[], &[]).failed(7, &[words]);
    let stranger = Authority::new("Another Authority");
    login(&home, &["--ca-cert", stranger.file().to_str().expect("a path of letters")], &[]).failed(7, &[words]);
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        login(&home, &[], &[(variable, "")]).failed(7, &[words]);
        let ran = login(&home, &["--ca-cert", file], &[(variable, "/nowhere/ca")]);
        ran.failed(2, &["TLS could not be set up", &format!("`{variable}`")]);
    }
    let directory = authority.file().parent().expect("a directory").to_owned();
    let directories = format!("/nowhere:{}", directory.display());
    reached(&login(&home, &[], &[("SSL_CERT_DIR", &directories)]));
    for switch in ["--insecure", "--no-verify", "-k", "--no-check-certificate"] {
        login(&home, &[switch], &[]).failed(2, &["unexpected argument"]);
    }
}

/// A proxy that answers CONNECT by `answer`, and keeps what was asked.
fn proxy(answer: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let address = listener.local_addr().expect("it listens").to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (keep, answer) = (Arc::clone(&asked), Arc::new(answer));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (keep, answer) = (Arc::clone(&keep), Arc::clone(&answer));
            thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.extend(byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                keep.lock().expect("nobody panicked").push(head.clone());
                answer(&mut stream, head.split(' ').nth(1).unwrap_or_default());
            });
        }
    });
    (address, asked)
}

/// Passes everything on, as an honest proxy does.
fn pass(stream: &mut TcpStream, target: &str) {
    let mut there = TcpStream::connect(target).expect("the server is there");
    let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    let (mut from_there, mut to_here) = (there.try_clone().expect("a copy"), stream.try_clone().expect("a copy"));
    thread::spawn(move || std::io::copy(&mut from_there, &mut to_here));
    let _ = std::io::copy(stream, &mut there);
}

#[test]
fn https_goes_through_the_proxy_that_the_environment_names() {
    let (authority, url, home) = server();
    let file = authority.file();
    let trust = ["--ca-cert", file.to_str().expect("a path of letters")];
    let (address, asked) = proxy(pass);
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        reached(&login(&home, &trust, &[(variable, &format!("http://user:{PASSWORD}@{address}"))]));
        let heads: Vec<String> = asked.lock().expect("nobody panicked").drain(..).collect();
        let port = url.port().expect("a port of its own");
        assert!(heads.len() == 1 && heads[0].starts_with(&format!("CONNECT localhost:{port} ")), "{heads:?}");
        assert!(heads[0].to_lowercase().contains("proxy-authorization: basic "), "{heads:?}");
    }
    // Without trust in the server, the words say what was in between.
    let distrusted = login(&home, &[], &[("HTTPS_PROXY", &format!("http://{address}"))]);
    distrusted.failed(7, &[&format!("(through the proxy {address})")]);
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_by_its_variable_and_never_passed_by() {
    let (authority, url, home) = server();
    let file = authority.file();
    let trust = ["--ca-cert", file.to_str().expect("a path of letters")];
    for (value, words) in [
        ("\"http://user:WORD@127.0.0.1:1\"", "stands in quotation marks"),
        ("socks5h://user:WORD@127.0.0.1:1", "SOCKS is not supported"),
        ("gopher://user:WORD@127.0.0.1:1", "a scheme other than"),
        ("http://user:WORD@:3128", "names no host"),
        ("http://user:WORD@127.0.0.1:99999", "a port that is no number"),
        ("http://user:WORD#1", "something behind the host"),
        ("user:WORD", "a port that is no number"),
        ("http://WORD 127.0.0.1:1", "no valid host name"),
    ] {
        let value = value.replace("WORD", PASSWORD);
        for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            login(&home, &trust, &[(variable, &value)]).failed(2, &[&format!("the variable `{variable}`"), words]);
        }
        // Where the network is not asked, it does not matter; nor does one that is not read.
        let listed = home.command(&["profile", "list"]).env("HTTPS_PROXY", &value).spawn().expect("the program starts");
        assert_eq!(ran(listed).code, 0, "{value:?}");
        reached(&login(&home, &trust, &[("HTTP_PROXY", &value), ("REQUEST_METHOD", "GET")]));
    }
    // Nor does a web server's variable lead past a proxy.
    let (address, asked) = proxy(pass);
    for value in [format!("{address}\r\n"), format!(r" http://DOMAIN\user:a#b/?{PASSWORD}@{address} ")] {
        reached(&login(&home, &trust, &[("HTTPS_PROXY", &value), ("REQUEST_METHOD", "GET")]));
        let heads: Vec<String> = asked.lock().expect("nobody panicked").drain(..).collect();
        let port = url.port().expect("a port of its own");
        assert!(heads.len() == 1 && heads[0].starts_with(&format!("CONNECT localhost:{port} ")), "{heads:?}");
    }
}

#[test]
fn no_proxy_and_plain_http_on_this_machine_go_directly() {
    let (authority, url, home) = server();
    let file = authority.file();
    let trust = ["--ca-cert", file.to_str().expect("a path of letters")];
    let (address, asked) = proxy(|_, _| ());
    let proxy = format!("http://{address}");
    for exception in
        ["localhost", "*", "other.test LOCALHOST.", &format!("localhost:{}", url.port().unwrap_or_default())]
    {
        reached(&login(&home, &trust, &[("HTTPS_PROXY", &proxy), ("NO_PROXY", exception)]));
    }
    let plain = authority::Authority::start(|_| (401, r#"{"error":"invalid_client"}"#.to_owned()));
    reached(&login(&Home::at(&plain), &[], &[("HTTP_PROXY", &proxy), ("ALL_PROXY", &proxy)]));
    assert!(asked.lock().expect("nobody panicked").is_empty());
}

#[test]
fn a_proxy_that_is_in_the_way_is_named_without_its_password() {
    let (_, _, home) = server();
    let (_socket, closed) = closed_port();
    let says = |answer: &'static str| proxy(move |stream, _| drop(stream.write_all(answer.as_bytes()))).0;
    for (address, words) in [
        (closed.to_string(), "refused the connection"),
        ("nothing.invalid:3128".to_owned(), "has a name that could not be resolved"),
        (
            says("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
            "wants a name and a password",
        ),
        (says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"), "does not let us through to "),
        (says("HTTP/1.1 502 Bad Gateway\r\n\r\n"), "does not let us through to localhost"),
        (says("SSH-2.0-OpenSSH_9.9\r\n\r\n"), "does not let us through"),
        (says(""), "closed the connection"),
    ] {
        let value = format!("http://user:{PASSWORD}@{address}");
        for (variable, exempt, advice) in [
            ("HTTPS_PROXY", None, "check `HTTPS_PROXY`, or exempt the host in `NO_PROXY`;"),
            ("all_proxy", Some("no_proxy"), "check `all_proxy`, or exempt the host in `no_proxy`;"),
        ] {
            let exempt = exempt.map(|name| (name, "other.example"));
            let variables: Vec<(&str, &str)> = [(variable, value.as_str())].into_iter().chain(exempt).collect();
            login(&home, &[], &variables).failed(7, &[&format!("the proxy {address} {words}"), advice]);
        }
    }
}

#[test]
fn a_poll_without_an_answer_is_told_by_a_word_and_a_sentence() {
    let provider = authority::Authority::start(|asked| match asked.path.as_str() {
        "/device" => {
            let code =
                r#"{"device_code":"d","user_code":"ABCD-1234","interval":1,"expires_in":300,"verification_uri":"#;
            (200, format!("{code}\"{}/page\"}}", asked.origin()))
        }
        _ => (502, "<html>Bad gateway</html>".to_owned()),
    });
    let home = Home::at(&provider);
    let mut child = home.spawn(&["login", "--json"]);
    let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line.expect("the program speaks")).expect("JSON"));
    let retrying = lines.into_iter().find(|line| line["event"] == "retrying").expect("an event");
    child.kill().and_then(|()| child.wait()).expect("it ends");
    assert_eq!((&retrying["reason"], &retrying["wait"]), (&json!("server_error"), &json!(5)));
    assert_eq!(retrying["message"], json!("127.0.0.1 is in trouble itself (HTTP 502)"));
}
