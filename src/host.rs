//! This machine, by the name that others know it by.

/// The name, where the system tells it.
pub(crate) fn name() -> Option<String> {
    #[cfg(unix)]
    let name = Some(rustix::system::uname().nodename().to_string_lossy().into_owned());
    #[cfg(not(unix))]
    let name = None;
    name.filter(|name: &String| !name.is_empty())
}

/// The same for messages.
pub(crate) fn in_words() -> String {
    name().unwrap_or_else(|| "this machine".to_owned())
}
