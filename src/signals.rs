//! Which signals whoever started this process wants it to ignore: `nohup`, `trap '' INT`, a job in the background of a
//! script. They stay ignored, so nobody receives them here. Also the one that none is to die of.

/// Tells whether a signal was ignored before anything here received it. Where the system does not tell, none was.
#[cfg(target_os = "linux")]
pub fn is_ignored(signal: i32) -> bool {
    heard(&[signal]).is_empty()
}

/// Those of `signals` that are not to be ignored.
#[cfg(target_os = "linux")]
pub fn heard(signals: &[i32]) -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status).unwrap_or_default();
    let is_heard = |signal: &i32| !(1..=64).contains(signal) || ignored >> (signal - 1) & 1 == 0;
    signals.iter().copied().filter(is_heard).collect()
}

#[cfg(not(target_os = "linux"))]
pub fn heard(signals: &[i32]) -> Vec<i32> {
    signals.to_vec()
}

#[cfg(not(target_os = "linux"))]
pub fn is_ignored(_: i32) -> bool {
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

/// The signals by bits, the first one lowest.
#[cfg(target_os = "linux")]
fn ignored(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ignored;

    #[test]
    fn the_mask_is_read_and_what_is_none_ignores_nothing() {
        for (status, mask) in [
            ("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t1", Some(0x1001)),
            ("SigIgn:\t0000000000000000\n", Some(0)),
            ("SigIgn:\tnone\n", None),
            ("", None),
        ] {
            assert_eq!(ignored(status), mask, "{status}");
        }
    }
}
