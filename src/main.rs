//! The program: hands its arguments to the command line, which does the rest.

use std::process::ExitCode;

fn main() -> ExitCode {
    device_login::cli::run(&std::env::args_os().collect::<Vec<_>>())
}
