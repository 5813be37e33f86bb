//! Files that are programs, as far as that shows before one is started.

use std::path::Path;

/// What to do where one is none.
pub const ADVICE: &str = "name one by its path, or by a name in `PATH`";

/// Whether this user may run the program of this name, which is looked for in `path` unless it is a path itself.
pub fn is_runnable(program: &Path, path: Option<&str>) -> bool {
    // Where a separator is in it, it is a path.
    if program.components().count() > 1 || program.is_absolute() {
        return is_program(program);
    }
    // Other systems look in other places as well, and know endings.
    let Some(path) = path.filter(|_| cfg!(unix)) else { return true };
    std::env::split_paths(path).any(|directory| is_program(&directory.join(program)))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
