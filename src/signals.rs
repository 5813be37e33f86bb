//! Which signals whoever started this process wants it to ignore: `nohup`, `trap '' INT`, a job in the background of a
//! script. They stay ignored, so nobody receives them here. Which ones it left blocked, so that they arrive nowhere. Also the
//! one that none is to die of.

/// Tells whether a signal was ignored before anything here received it. Where the system does not tell, none was.
#[cfg(target_os = "linux")]
pub fn is_ignored(signal: i32) -> bool {
    heard(&[signal]).is_empty()
}

/// Those of `signals` that are not to be ignored.
#[cfg(target_os = "linux")]
pub fn heard(signals: &[i32]) -> Vec<i32> {
    let ignored = own_mask("SigIgn:");
    signals.iter().copied().filter(|signal| !has(ignored, *signal)).collect()
}

/// Tells whether a signal does not arrive at this thread, and at none that it starts. Where the system does not tell, it does.
#[cfg(target_os = "linux")]
pub fn is_blocked(signal: i32) -> bool {
    has(own_mask("SigBlk:"), signal)
}

#[cfg(not(target_os = "linux"))]
pub fn heard(signals: &[i32]) -> Vec<i32> {
    signals.to_vec()
}

#[cfg(not(target_os = "linux"))]
pub fn is_ignored(_: i32) -> bool {
    false
}

#[cfg(all(unix, not(target_os = "linux")))]
pub fn is_blocked(_: i32) -> bool {
    false
}

/// Makes a file that would grow beyond the limit of files an error as any other. Programs that are started here have the
/// signal as it was: what is received, and not ignored, is not handed on.
pub fn outlive_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Signal, getrlimit};

        let signal = Signal::XFSZ.as_raw();
        let is_limited = getrlimit(Resource::Fsize).current.is_some();
        if is_limited && !is_ignored(signal) {
            // Where it cannot be received, such a file ends the process.
            let _ = signal_hook::flag::register(signal, std::sync::Arc::default());
        }
    }
}

#[cfg(target_os = "linux")]
fn own_mask(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    mask(&status, name).unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn has(mask: u64, signal: i32) -> bool {
    (1..=64).contains(&signal) && mask >> (signal - 1) & 1 == 1
}

/// The signals by bits, the first one lowest.
#[cfg(target_os = "linux")]
fn mask(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{has, mask};

    #[test]
    fn the_mask_is_read_and_what_is_none_ignores_nothing() {
        for (status, expected) in [
            ("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t1", Some(0x1001)),
            ("SigIgn:\t0000000000000000\n", Some(0)),
            ("SigIgn:\tnone\n", None),
            ("", None),
        ] {
            assert_eq!(mask(status, "SigIgn:"), expected, "{status}");
        }
        let blocked = mask("SigPnd:\t0\nSigBlk:\t8000000000010000\nSigIgn:\t0\n", "SigBlk:").expect("a mask");
        let among = |signal: &i32| has(blocked, *signal);
        assert_eq!((-1..=70).filter(among).collect::<Vec<_>>(), [17, 64]);
    }
}
