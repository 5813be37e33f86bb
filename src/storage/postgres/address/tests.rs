use std::time::Duration;

use super::{Address, Host, SOCKET_DIRECTORY};
use crate::secret::Secret;

fn tcp(name: &str, port: u16) -> Host {
    Host::Tcp { name: name.to_owned(), port }
}

fn socket(directory: &str, port: u16) -> Host {
    Host::Socket { directory: directory.into(), port }
}

fn parsed(address: &str) -> Address {
    Address::parse(address).unwrap_or_else(|problem| panic!("{address}: {problem}"))
}

#[test]
fn hosts_are_found_wherever_libpq_finds_them() {
    for (address, hosts) in [
        ("postgres://db.example.com/tokens", vec![tcp("db.example.com", 5432)]),
        ("postgresql://DB.example.com:6432/tokens", vec![tcp("db.example.com", 6432)]),
        ("postgres://a.example,b.example:5433/x", vec![tcp("a.example", 5432), tcp("b.example", 5433)]),
        ("postgres://192.0.2.1:5433", vec![tcp("192.0.2.1", 5433)]),
        ("postgres://[2001:db8::1]:5433/x", vec![tcp("2001:db8::1", 5433)]),
        ("postgres://[::1],localhost/x", vec![tcp("::1", 5432), tcp("localhost", 5432)]),
        ("postgres:///x", vec![socket(SOCKET_DIRECTORY, 5432)]),
        ("postgres://", vec![socket(SOCKET_DIRECTORY, 5432)]),
        ("postgres://:5433/x", vec![socket(SOCKET_DIRECTORY, 5433)]),
        ("postgres://%2Frun%2Fpg/x", vec![socket("/run/pg", 5432)]),
        ("postgres://dana@%2frun%2fpg:5433/x", vec![socket("/run/pg", 5433)]),
        ("postgres:///x?host=/run/pg", vec![socket("/run/pg", 5432)]),
        ("postgres:///x?host=/run/pg&port=5433", vec![socket("/run/pg", 5433)]),
        ("postgres://a.example/x?host=b.example", vec![tcp("b.example", 5432)]),
        ("postgres:///x?host=a.example,/run/pg&port=1,2", vec![tcp("a.example", 1), socket("/run/pg", 2)]),
        ("postgres://a.example,b.example/x?port=7", vec![tcp("a.example", 7), tcp("b.example", 7)]),
        ("postgres:///x?host=::1", vec![tcp("::1", 5432)]),
    ] {
        assert_eq!(parsed(address).hosts, hosts, "{address}");
    }
}

#[test]
fn names_and_passwords_are_decoded_and_parameters_count_more() {
    let who = |address: &str| {
        let Address { user, database, password, .. } = parsed(address);
        (user.unwrap_or_default(), password.map(|secret| secret.expose().to_owned()), database.unwrap_or_default())
    };
    let given = |user: &str, password: Option<&str>, database: &str| {
        (user.to_owned(), password.map(str::to_owned), database.to_owned())
    };
    for (address, expected) in [
        ("postgres://dana@h/x", given("dana", None, "x")),
        ("postgres://dana:@h/x", given("dana", None, "x")),
        ("postgres://dana:s%40s%2F%3A%25+@h/x%20y", given("dana", Some("s@s/:%+"), "x y")),
        ("postgres://dana:a:b@h", given("dana", Some("a:b"), "")),
        ("postgres://h/x?user=dana&password=a%26b&dbname=y", given("dana", Some("a&b"), "y")),
        ("postgres://eve:old@h/x?user=dana&password=new", given("dana", Some("new"), "x")),
        ("postgres://h/?", given("", None, "")),
    ] {
        assert_eq!(who(address), expected, "{address}");
    }
}

#[test]
fn tls_is_spoken_to_every_other_machine_and_where_it_is_asked_for() {
    for (address, encrypted) in [
        ("postgres://db.example/x", true),
        ("postgres://db.example/x?sslmode=verify-full", true),
        ("postgres://192.168.1.4/x", true),
        ("postgres://localhost.example/x", true),
        ("postgres://localhost/x", false),
        ("postgres://127.0.0.1/x", false),
        ("postgres://127.8.9.1/x", false),
        ("postgres://[::1]/x", false),
        ("postgres://localhost/x?sslmode=disable", false),
        ("postgres://localhost/x?sslmode=verify-full", true),
        ("postgres://127.0.0.1/x?sslmode=verify-full", true),
        ("postgres:///x?sslmode=disable", false),
        ("postgres:///x?host=/run/pg&sslmode=verify-full", false),
    ] {
        let address = parsed(address);
        assert_eq!(address.is_encrypted(&address.hosts[0]), encrypted, "{address}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_without_a_word_of_what_may_be_secret() {
    for (address, said) in [
        ("file:/sesam", "begins with"),
        ("postgres:/sesam", "begins with"),
        ("postgres://dana:se@sam@h/x", "%40"),
        ("postgres://dana:se/sam@h/x", "percent-encoded"),
        ("postgres://dana:se?sam=x@h/x", "percent-encoded"),
        ("postgres://dana:sesam%@h/x", "hexadecimal"),
        ("postgres://dana:sesam%0@h/x", "hexadecimal"),
        ("postgres://dana:sesam%00@h/x", "hexadecimal"),
        ("postgres://dana:sesam%ff@h/x", "UTF-8"),
        ("postgres://h:sesam/x", "port"),
        ("postgres://h:0/x", "port"),
        ("postgres://h:65536/x", "port"),
        ("postgres://[::1/x", "]"),
        ("postgres://[::1]x/x", "]"),
        ("postgres://::1/x", "port"),
        ("postgres://ses%20am/x", "host"),
        ("postgres:///x?host=%40sesam", "host"),
        ("postgres://a,b/x?port=1,2,3", "one for each"),
        ("postgres://h/x?sesam", "name=value"),
        ("postgres://h/x?Ses%41m=1", "one of its parameters"),
        ("postgres://h/x?gssencmode=disable", "`gssencmode`"),
        ("postgres://h/x?hostaddr=10.0.0.1", "`hostaddr`"),
        ("postgres://h/x?options=-csesam", "`options`"),
        ("postgres://h/x?sslmode=prefer", "verify-full"),
        ("postgres://h/x?sslmode=allow", "verify-full"),
        ("postgres://h/x?sslmode=require", "verify-full"),
        ("postgres://h/x?sslmode=verify-ca", "verify-full"),
        ("postgres://localhost/x?sslmode=prefer", "verify-full"),
        ("postgres://h/x?sslmode=sesam", "verify-full"),
        ("postgres://h/x?sslmode=disable", "verify-full"),
        ("postgres://localhost,h/x?sslmode=disable", "verify-full"),
        ("postgres://h/x?target_session_attrs=standby", "read-write"),
        ("postgres://h/x?connect_timeout=0", "seconds"),
        ("postgres://h/x?connect_timeout=sesam", "seconds"),
    ] {
        let problem = Address::parse(address).expect_err(address);
        assert!(
            problem.contains(said) && !problem.contains("sesam") && !problem.contains("sam"),
            "{address}: {problem}"
        );
    }
}

#[test]
fn a_server_that_takes_writes_is_wanted_among_several_or_where_it_is_asked_for() {
    for (address, wanted) in [
        ("postgres://a/x", false),
        ("postgres://a/x?target_session_attrs=read-write", true),
        ("postgres://a,b/x", true),
        ("postgres://a,b/x?target_session_attrs=any", false),
    ] {
        assert_eq!(parsed(address).wants_writable, wanted, "{address}");
    }
}

#[test]
fn an_address_is_shown_without_its_password_and_can_be_read_again() {
    for (address, shown) in [
        ("postgresql://dana:sesam@DB.example:5432/x", "postgres://dana@db.example/x"),
        ("postgres://a b:sesam@h/x", "postgres://a%20b@h/x"),
        ("postgres:///x?host=/run/pg&password=sesam&port=1", "postgres:///x?host=/run/pg&port=1"),
        ("postgres://", "postgres:///?host=/var/run/postgresql"),
        (
            "postgres:///?host=/run/pg,/run/pg2&target_session_attrs=any&port=1,2",
            "postgres:///?host=/run/pg,/run/pg2&port=1,2&target_session_attrs=any",
        ),
        ("postgres://dana@%2Frun%2Fpg/x", "postgres://dana@/x?host=/run/pg"),
        ("postgres://[::1]:7,b/x?user=dana", "postgres://dana@[::1]:7,b/x"),
        ("postgres://h/x?target_session_attrs=read-write", "postgres://h/x?target_session_attrs=read-write"),
    ] {
        let read = parsed(address);
        assert_eq!(read.to_string(), shown);
        assert_eq!(read.has_password(), address.contains("sesam"), "{address}");
        assert!(!format!("{read:?}").contains("sesam"));
        let mut again = parsed(shown);
        again.password.clone_from(&read.password);
        assert_eq!(again, read);
    }
}

#[test]
fn variables_fill_in_what_the_address_leaves_open() {
    let variable = |name: &str| match name {
        "PGPASSWORD" => Some("sesam".to_owned()),
        "PGAPPNAME" => Some("fleet".to_owned()),
        "PGCONNECT_TIMEOUT" => Some("9".to_owned()),
        "PGSSLROOTCERT" => Some("system".to_owned()),
        "PGSSLCERT" => Some("/etc/c.pem".to_owned()),
        "PGSSLKEY" => Some(String::new()),
        "PGHOST" | "PGUSER" | "PGDATABASE" | "PGPORT" | "PGSSLMODE" | "PGSERVICE" | "PGOPTIONS" => {
            panic!("{name} is not read")
        }
        _ => None,
    };
    let filled = parsed("postgres://h/x").completed_by(&variable);
    assert_eq!(filled.password, Some(Secret::new("sesam")));
    assert_eq!((filled.application(), filled.connect_limit()), ("fleet", Duration::from_secs(9)));
    assert_eq!((filled.root_certificate(), filled.key.as_ref()), (None, None));
    assert_eq!(filled.certificate.as_deref(), Some("/etc/c.pem".as_ref()));
    let own = "postgres://u:own@h/x?application_name=a&connect_timeout=1&sslrootcert=/r.pem&sslcert=/c&sslkey=/k";
    let mut completed = parsed(own).completed_by(&variable);
    assert!(completed.password_file.take().is_some());
    assert_eq!(completed, parsed(own));
    let plain = parsed("postgres://h/x").completed_by(&|_| None);
    assert_eq!((plain.application(), plain.connect_limit()), ("device-login", Duration::from_secs(5)));
}

#[test]
fn in_full_it_says_what_was_given_but_the_password() {
    for (given, shown) in [
        ("postgres://u:sesam@h/x", "postgres://u@h/x"),
        ("postgres://u@h?sslmode=verify-full", "postgres://u@h?sslmode=verify-full"),
        (
            "postgres://u@h/x?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem&password=sesam&connect_timeout=3",
            "postgres://u@h/x?sslmode=verify-full&sslrootcert=/etc/my%20ca.pem&connect_timeout=3",
        ),
        (
            "postgres:///x?host=/run/pg&application_name=a%26b&sslcert=/c&sslkey=/k",
            "postgres:///x?host=/run/pg&sslcert=/c&sslkey=/k&application_name=a%26b",
        ),
    ] {
        assert_eq!(parsed(given).in_full(), shown);
        assert_eq!(parsed(shown).in_full(), shown);
    }
}
