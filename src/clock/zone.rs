//! The time zone of this machine: a rule, or a file that is read within limits. Whatever else is named in its place (a pipe, a
//! device) would be waited for, or read, for ever.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

/// The system's own zone: a file, or a link that says what it is called.
const LOCAL: &str = "/etc/localtime";
const DIRECTORIES: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];
/// Bytes, of which zones have a few thousand.
const LARGEST: u64 = 1 << 20;

/// The zone of `TZ`, else the system's. One that is not known is UTC.
pub(super) fn of_this_machine() -> TimeZone {
    let directories = env::var_os("TZDIR").into_iter().chain(DIRECTORIES.map(OsString::from));
    let directories: Vec<PathBuf> = directories.map(PathBuf::from).collect();
    let zone = match env::var_os("TZ") {
        Some(variable) => variable.to_str().and_then(|variable| named(variable, &directories)),
        None => of_file(Path::new(LOCAL)),
    };
    zone.unwrap_or(TimeZone::UTC)
}

/// What `TZ` says (POSIX.1-2024, 8.3): a rule, the name of a zone, or a file; the last two after a colon as well.
fn named(variable: &str, directories: &[PathBuf]) -> Option<TimeZone> {
    let name = match variable.strip_prefix(':') {
        Some(name) => name,
        None => match TimeZone::posix(variable) {
            Ok(zone) => return Some(zone),
            Err(_) => variable,
        },
    };
    // A path that is absolute is its own, whatever it is put behind.
    let places = directories.iter().map(|directory| directory.join(name)).chain([PathBuf::from(name)]);
    if name.is_empty() { None } else { places.into_iter().find_map(|place| of_file(&place)) }
}

/// The zone in a file, called by what comes after `zoneinfo/` in its path or in the link that it is.
fn of_file(path: &Path) -> Option<TimeZone> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let called = |path: &Path| path.to_str().and_then(|path| Some(path.split_once("zoneinfo/")?.1.to_owned()));
    let name = called(path).or_else(|| called(&fs::read_link(path).ok()?));
    TimeZone::tzif(&name.unwrap_or_else(|| path.display().to_string()), &fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// The first version of a file (RFC 9636): one kind of time, an hour before UTC, called CET.
    fn file() -> Vec<u8> {
        let counts = [0, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
        let kind = [&3600_i32.to_be_bytes()[..], &[0, 0]].concat();
        [b"TZif\0", &[0; 15][..], &counts, &kind, b"CET\0"].concat()
    }

    fn put(path: &Path, content: &[u8]) {
        fs::File::create_new(path).and_then(|mut file| file.write_all(content)).expect("it is written");
    }

    #[test]
    fn a_zone_is_a_rule_a_name_or_a_file_and_nothing_that_never_ends() {
        let home = tempfile::tempdir().expect("a folder");
        let zones = home.path().join("zoneinfo");
        fs::create_dir_all(zones.join("Europe")).expect("it is made");
        put(&zones.join("Europe/Berlin"), &file());
        put(&zones.join("text"), b"no zone");
        let large = fs::File::create(zones.join("large")).expect("it is made");
        large.set_len(LARGEST + 1).expect("it has a length");
        let path = |name: &str| zones.join(name).display().to_string();
        let directories = [home.path().join("none"), zones.clone()];
        let offset = |variable: &str| {
            named(variable, &directories).map(|zone| zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds())
        };
        for (variable, seconds) in [
            ("Europe/Berlin", Some(3600)),
            (":Europe/Berlin", Some(3600)),
            (&path("Europe/Berlin"), Some(3600)),
            (&format!(":{}", path("Europe/Berlin")), Some(3600)),
            ("EST5EDT,M3.2.0,M11.1.0", Some(-5 * 3600)),
            ("<+03>-3", Some(3 * 3600)),
            ("UTC0", Some(0)),
            ("", None),
            (":", None),
            ("Europe", None),
            ("Europe/Nowhere", None),
            ("text", None),
            ("large", None),
            ("/dev/zero", None),
            (":/dev/zero", None),
            ("/dev/tty", None),
            ("../../../../../../../../dev/zero", None),
        ] {
            assert_eq!(offset(variable), seconds, "{variable}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_says_what_its_zone_is_called() {
        let home = tempfile::tempdir().expect("a folder");
        let zones = home.path().join("zoneinfo");
        fs::create_dir(&zones).expect("it is made");
        put(&zones.join("CET"), &file());
        let link = home.path().join("localtime");
        std::os::unix::fs::symlink(zones.join("CET"), &link).expect("it is made");
        assert_eq!(of_file(&link).expect("a zone").iana_name(), Some("CET"));
        assert_eq!(of_file(&home.path().join("none")), None);
    }
}
